from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.sources.codecs.stt import MAX_MESSAGE_BYTES, FrameReader, frame, parse, serialise, value

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def test_the_heartbeat_is_the_frame_that_the_vendor_documents() -> None:
    assert frame("type@=mrkl/") == bytes.fromhex("14000000 14000000 b1020000") + b"type@=mrkl/\0"


def test_a_message_is_its_pairs_wherever_type_stands() -> None:
    assert parse("rid@=1/type@=chatmsg/nn@=/") == {"rid": "1", "type": "chatmsg", "nn": ""}


def test_a_message_without_its_last_slash_is_read() -> None:
    assert parse("type@=mrkl") == {"type": "mrkl"}


def test_what_is_no_pair_is_skipped_and_no_pair_at_all_is_refused() -> None:
    assert parse("type@=list/a/b@=c@=d/") == {"type": "list", "b": "c@=d"}
    with pytest.raises(DecodeError, match="no key@=value pair"):
        parse("hello")


def test_an_escaped_escape_is_not_read_twice() -> None:
    fields = {"nn": "a@AS@Sb@A=c"}
    assert value(fields, "nn") == "a@S/b@=c"
    assert value(fields, "txt", "none") == "none"


def test_a_nested_message_is_a_value_like_any_other() -> None:
    inner = {"nn": "a/b@c", "list": serialise({"x": "1/2"})}
    outer = parse(serialise({"type": "comm_chatmsg", "chatmsg": serialise(inner)}))

    read = parse(value(outer, "chatmsg"))

    assert value(read, "nn") == "a/b@c"
    assert value(parse(value(read, "list")), "x") == "1/2"


@given(st.dictionaries(NAMES, st.text(), min_size=1))
def test_what_is_serialised_reads_back(fields: dict[str, str]) -> None:
    read = parse(serialise(fields))

    assert {key.replace("@S", "/").replace("@A", "@"): value(read, key) for key in read} == fields


def test_several_frames_in_one_chunk_and_one_frame_in_several() -> None:
    stream = frame("type@=a/") + frame("type@=b/nn@=名字/") + frame("type@=c/")
    reader = FrameReader()

    assert reader.feed(stream) == (["type@=a/", "type@=b/nn@=名字/", "type@=c/"], [])
    assert [text for byte in stream for text in reader.feed(bytes([byte]))[0]] == [
        "type@=a/",
        "type@=b/nn@=名字/",
        "type@=c/",
    ]


def test_lengths_that_differ_cost_their_chunk_only() -> None:
    reader = FrameReader()
    lie = pack("<IIHH", 20, 21, 690, 0) + b"type@=mrkl/\0"

    texts, problems = reader.feed(frame("type@=a/") + lie + frame("type@=lost/"))
    assert texts == ["type@=a/"]
    assert [error.path for error in problems] == ["frame.length"]
    assert reader.feed(frame("type@=b/")) == (["type@=b/"], [])


def test_a_length_that_claims_too_much_swallows_one_frame_and_not_the_room() -> None:
    reader = FrameReader()
    lie = pack("<IIHH", 900, 900, 690, 0) + b"type@=dgb/\0"

    assert reader.feed(lie) == ([], [])
    texts, problems = reader.feed(frame("type@=b/", 690))
    assert texts == ["type@=b/"]
    assert "cut off" in str(problems[0])


def test_a_length_that_claims_too_little_gives_no_half_message() -> None:
    texts, problems = FrameReader().feed(pack("<IIHH", 15, 15, 690, 0) + b"type@=chatmsg/\0")

    assert texts == []
    assert "no end mark" in str(problems[0])


def test_a_frame_without_nul_is_read_when_its_text_is_whole() -> None:
    body = b"type@=mrkl/"
    assert FrameReader().feed(pack("<IIHH", 8 + len(body), 8 + len(body), 690, 0) + body) == (["type@=mrkl/"], [])


@pytest.mark.parametrize("length", [0, 8, MAX_MESSAGE_BYTES + 1, 0xFFFFFFFF])
def test_an_impossible_length_is_refused_at_once_also_byte_by_byte(length: int) -> None:
    reader = FrameReader()
    header = pack("<IIHH", length, length, 690, 0)

    assert [len(reader.feed(bytes([byte]))[1]) for byte in header] == [0] * 11 + [1]
    assert reader.feed(frame("type@=a/")) == (["type@=a/"], [])


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    reader = FrameReader()
    for chunk in chunks:
        reader.feed(chunk)


@given(st.text(max_size=300))
def test_arbitrary_text_parses_or_is_refused(text: str) -> None:
    try:
        fields = parse(text)
    except DecodeError:
        return
    for key in fields:
        value(fields, key)
