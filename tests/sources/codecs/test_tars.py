from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.sources.codecs.tars import MAX_DEPTH, MAX_ITEMS, data, integer, read_struct, text, texts


@pytest.mark.parametrize(
    ("value", "size"),
    [(0, 1), (1, 2), (-1, 2), (127, 2), (128, 3), (-32768, 3), (32768, 5), (-(2**31), 5), (2**31, 9), (-(2**63), 9)],
)
def test_an_integer_takes_its_shortest_form_and_reads_back(value: int, size: int) -> None:
    field = integer(3, value)
    assert len(field) == size
    assert read_struct(field) == {3: value}


def test_tags_beyond_14_take_a_second_byte() -> None:
    assert read_struct(integer(14, 5) + integer(15, 6) + integer(255, 7)) == {14: 5, 15: 6, 255: 7}


@pytest.mark.parametrize("value", ["", "虎牙", "x" * 255, "x" * 256, "x" * 70_000])
def test_texts_of_every_length_read_back(value: str) -> None:
    assert read_struct(text(1, value)) == {1: value}


@pytest.mark.parametrize("value", [b"", b"\0\1", b"x" * 40_000])
def test_bytes_read_back(value: bytes) -> None:
    assert read_struct(data(2, value)) == {2: value}


def test_floats_lists_maps_and_structs_are_read() -> None:
    struct = b"\x0a" + integer(0, 1) + b"\x1a" + text(0, "in") + b"\x0b" + b"\x0b"
    pairs = b"\x28" + integer(0, 1) + text(0, "key") + data(1, b"value")
    listed = b"\x39" + integer(0, 2) + b"\x0a" + integer(5, 9) + b"\x0b" + b"\x0a\x0b"
    numbers = b"\x44" + pack(">f", 0.5) + b"\x55" + pack(">d", -2.25)

    assert read_struct(struct + pairs + listed + numbers + texts(6, ["a", "b"])) == {
        0: {0: 1, 1: {0: "in"}},
        2: [("key", b"value")],
        3: [{5: 9}, {}],
        4: 0.5,
        5: -2.25,
        6: ["a", "b"],
    }


def test_text_that_is_no_utf8_is_read_all_the_same() -> None:
    assert read_struct(b"\x06\x02\xff\x41") == {0: "\ufffdA"}


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"\x00", "cut off"),
        (b"\xf0", "cut off"),
        (b"\x06\x05abc", "cut off"),
        (b"\x07\xff\xff\xff\xffabc", "cut off"),
        (b"\x0a\x0c", "cut off inside a struct"),
        (b"\x0b", "end mark"),
        (b"\x0e", "unknown type 14"),
        (b"\x09\x06\x01x", "length that is no number"),
        (b"\x09\x00\xff", "length that is no number"),
        (b"\x1d\x00\x02\x7f\xff\xff\xff", "cut off"),
        (b"\x09\x02" + (MAX_ITEMS + 1).to_bytes(4, "big"), "items"),
        (b"\x0a" * (MAX_DEPTH + 2), "deep"),
        (b"\x09\x00\x01" * 100_000, "deep"),
        (b"\x08\x00\x01" * 100_000, "deep"),
    ],
)
def test_what_is_cut_off_too_deep_or_no_tars_is_refused(broken: bytes, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem) as refused:
        read_struct(broken, "push")
    assert refused.value.path == "push"


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read_struct(raw)
    except DecodeError:
        return


@given(st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(), st.binary()), max_size=40))
def test_what_is_written_reads_back(values: list[int | str | bytes]) -> None:
    fields = [
        integer(tag, value)
        if isinstance(value, int)
        else text(tag, value)
        if isinstance(value, str)
        else data(tag, value)
        for tag, value in enumerate(values)
    ]
    assert read_struct(b"".join(fields)) == dict(enumerate(values))
