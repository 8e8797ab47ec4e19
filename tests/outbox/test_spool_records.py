"""What stands in the spool's file, and how."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import EventType
from bridge.outbox.spool_records import (
    Contents,
    DeadLetter,
    Group,
    Note,
    Row,
    checksum,
    chunk_rows,
    chunk_values,
    dead_letter_values,
    note_values,
    packed_numbers,
    read_dead_letter,
    read_note,
)

WIRES = st.binary(max_size=20).map(lambda wire: wire.replace(b"\n", b""))
ROWS = st.lists(
    st.builds(Row, st.integers(1, 2**40), st.just("evening"), st.sampled_from(EventType), st.integers(0, 2**45), WIRES),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row.number,
)
LETTER = DeadLetter(7, "evening", "job-1", EventType.GIFT, 17, 400, "MSS.1", "no", "req-1", b'{"type":4}', id=3)


@given(ROWS)
def test_a_chunk_gives_back_the_events_that_were_put_in(rows: list[Row]) -> None:
    assert chunk_rows(*chunk_values(rows)) == rows


@given(ROWS, st.data())
def test_a_chunk_leaves_out_what_is_settled(rows: list[Row], data: st.DataObject) -> None:
    settled = data.draw(st.lists(st.sampled_from([row.number for row in rows]), unique=True))
    *columns, _, crc = chunk_values(rows)
    packed = packed_numbers(settled)

    assert chunk_rows(*columns, packed, checksum(packed, begun=crc)) == [
        row for row in rows if row.number not in settled
    ]


@given(ROWS, st.data())
def test_a_chunk_of_which_one_bit_turned_is_damaged(rows: list[Row], data: st.DataObject) -> None:
    values = list(chunk_values(rows))
    column = data.draw(st.sampled_from([index for index in range(1, 5) if values[index]]))
    values[column] = _one_bit_turned(values[column], data)

    with pytest.raises(ValueError, match="damaged"):
        chunk_rows(*values)


@pytest.mark.parametrize("column", range(7))
@pytest.mark.parametrize("value", [None, 7, 1.5, "text", b"\x00"])
def test_a_chunk_whose_columns_have_other_types_is_damaged(column: int, value: object) -> None:
    values = list(chunk_values([Row(1, "evening", EventType.COMMENT, 5, b"{}")]))
    values[column] = value

    with pytest.raises(ValueError, match="damaged"):
        chunk_rows(*values)


def test_a_chunk_with_a_true_checksum_and_columns_that_do_not_fit_is_damaged() -> None:
    for columns in ((b"\0" * 8, b"\1", b"\0" * 8, b"{}\n{}", b""), (b"\0" * 7, b"\1", b"\0" * 8, b"{}", b"")):
        with pytest.raises(ValueError, match=r"damaged|zip"):
            chunk_rows("evening", *columns, checksum(b"evening", *columns))


@given(st.text(), st.binary())
def test_a_note_gives_back_what_was_put_in(key: str, value: bytes) -> None:
    note = Note("evening", "pond:1", key, value)

    assert read_note(*note_values(note)) == note


@given(st.binary(min_size=1), st.data())
def test_a_note_of_which_one_bit_turned_is_damaged(value: bytes, data: st.DataObject) -> None:
    room, source, key, _, crc = note_values(Note("evening", "pond:1", "key", value))

    with pytest.raises(ValueError, match="damaged"):
        read_note(room, source, key, _one_bit_turned(value, data), crc)
    with pytest.raises(ValueError, match="damaged"):
        read_note(room, source, key, None, crc)


def test_a_dead_letter_gives_back_what_was_put_in() -> None:
    assert read_dead_letter(*dead_letter_values(LETTER), 3) == LETTER


@pytest.mark.parametrize(
    ("column", "value"),
    [(9, b'{"type":5}'), (9, None), (9, "text"), (3, 5), (3, "x"), (3, 999), (1, "morning"), (1, None)],
)
def test_a_dead_letter_whose_event_is_not_what_it_was_is_damaged(column: int, value: object) -> None:
    values: list[Any] = [*dead_letter_values(LETTER), 3]
    values[column] = value

    with pytest.raises(ValueError, match=r"damaged|bytes must be in range"):
        read_dead_letter(*values)


def test_the_clouds_words_may_be_anything() -> None:
    odd = DeadLetter(7, "evening", "job-1", EventType.GIFT, 17, 400, "M\ud800", "n\udc00", "r\ud800", b"{}")

    assert all(value.encode() is not None for value in dead_letter_values(odd) if isinstance(value, str))


def test_a_checksum_can_be_gone_on_with() -> None:
    assert checksum(b"a", b"b") == checksum(b"b", begun=checksum(b"a")) == checksum(b"ab")


def test_a_group_without_anything_is_false() -> None:
    assert not Group()
    for group in (
        Group(rows=[(1, "r", EventType.JOIN, 1, b"")]),
        Group(settled=[1]),
        Group(dead=[LETTER]),
        Group(notes=[Note("r", "s", "k", None)]),
    ):
        assert group


def test_contents_can_be_written_again_as_one_group() -> None:
    row = Row(1, "evening", EventType.COMMENT, 5, b"{}")
    contents = Contents(rows=[row], dead=[LETTER])
    contents.take_note(Note("evening", "pond:1", "a", b"1"))
    contents.take_note(Note("evening", "pond:2", "a", b"2"))

    assert contents.notes == {("evening", "pond:1"): {"a": b"1"}, ("evening", "pond:2"): {"a": b"2"}}
    assert contents.as_group() == Group(
        rows=[row],
        dead=[LETTER],
        notes=[Note("evening", "pond:1", "a", b"1"), Note("evening", "pond:2", "a", b"2")],
    )


def _one_bit_turned(value: bytes, data: st.DataObject) -> bytes:
    index = data.draw(st.integers(0, len(value) * 8 - 1))
    turned = bytearray(value)
    turned[index // 8] ^= 1 << index % 8
    return bytes(turned)
