from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.codecs.json_stream import JsonObjects

OBJECTS: list[dict[str, Any]] = [
    {"a": 1},
    {},
    {"text": 'braces { } and a "quote" and a backslash \\', "nested": {"list": [{"x": [{}]}, "}"]}},
    {"emoji": "🐯", "escaped": '\\"{'},
]
COMPACT = [orjson.dumps(one) for one in OBJECTS]
PRETTY = [orjson.dumps(one, option=orjson.OPT_INDENT_2) for one in OBJECTS]


def all_of(stream: JsonObjects, body: bytes, piece_bytes: int) -> list[Any]:
    read: list[Any] = []
    for at in range(0, len(body), piece_bytes):
        objects, problems = stream.feed(body[at : at + piece_bytes])
        assert not problems
        read.extend(objects)
    return read


@pytest.mark.parametrize(
    "body",
    [
        b"\n".join(COMPACT) + b"\n",
        b"".join(PRETTY),
        b"[" + b",\r\n".join(PRETTY),
        b"[" + b",".join(COMPACT) + b"]",
        b"\xef\xbb\xbf " + b" ".join(COMPACT),
    ],
    ids=["lines", "concatenated", "endless array", "closed array", "byte order mark"],
)
@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 7, 64, 100_000])
def test_every_framing_cut_anywhere_gives_the_same_objects(body: bytes, piece_bytes: int) -> None:
    assert all_of(JsonObjects(), body, piece_bytes) == OBJECTS


def test_an_object_comes_out_with_its_last_byte() -> None:
    stream = JsonObjects()
    assert stream.feed(b'[{"a":') == ([], [])
    assert stream.feed(b"1}") == ([{"a": 1}], [])


def test_what_is_no_object_is_refused_once_a_chunk_and_passed_over() -> None:
    objects, problems = JsonObjects().feed(b'data: {"a":1} event {"b":2} <html>')
    assert objects == [{"a": 1}, {"b": 2}]
    assert [error.path for error in problems] == ["stream"]


def test_an_object_that_is_too_long_is_refused_once_and_the_next_one_is_read() -> None:
    stream = JsonObjects(max_object_bytes=20)
    objects: list[Any] = []
    problems = []
    for at in range(0, 60, 3):
        found, wrong = stream.feed((b'{"a":"' + b"\\}" * 20 + b'{"}' + b' {"b":2}  ')[at : at + 3])
        objects += found
        problems += wrong
    assert objects == [{"b": 2}]
    assert len(problems) == 1
    assert "more than 20 bytes" in str(problems[0])


def test_an_object_that_is_too_long_within_one_chunk_is_refused_too() -> None:
    objects, problems = JsonObjects(max_object_bytes=5).feed(b'{"a":"long"}{"b"')
    assert objects == []
    assert len(problems) == 1


def test_braces_that_hold_no_json_are_refused_and_the_next_object_is_read() -> None:
    objects, problems = JsonObjects().feed(b'{nonsense} {"a":1}')
    assert objects == [{"a": 1}]
    assert [error.path for error in problems] == ["stream"]


def test_what_is_kept_stays_bounded() -> None:
    stream = JsonObjects(max_object_bytes=1000)
    for _ in range(1000):
        stream.feed(b'{"x": "' + b"y" * 100)
        assert len(stream._buffer) <= 1200


def test_long_strings_and_many_of_them_are_scanned_in_a_moment() -> None:
    long = orjson.dumps({"quotes": '"' * 500_000, "plain": "x" * 500_000, "many": ["a\\"] * 100_000})
    stream = JsonObjects()
    read = [one for at in range(0, len(long), 1000) for one in stream.feed(b"[" * (at == 0) + long[at : at + 1000])[0]]
    assert len(read) == 1
    assert len(read[0]["many"]) == 100_000


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    stream = JsonObjects(64)
    for chunk in chunks:
        stream.feed(chunk)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20)), max_size=5), st.integers(1, 20))
def test_any_objects_survive_any_cut(objects: list[dict[str, str]], piece_bytes: int) -> None:
    assert all_of(JsonObjects(), b",".join(orjson.dumps(one) for one in objects), piece_bytes) == objects
