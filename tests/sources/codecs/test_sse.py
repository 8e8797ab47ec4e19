from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.codecs.sse import EventStream

BODY = (
    "\ufeff: hello\n"
    "data: one\n\n"
    "event: named\r\nid: 7\r\ndata:two\r\ndata:  lines\r\n\r\n"
    "retry: 100\rdata: 三\r\r"
    "id: 8\n\n"
    "data\n\n"
    "unknown: x\nevent: forgotten\n\n"
    "data: last\n\n"
    "data: never ended\n"
).encode()
EVENTS = [
    ("message", b"one"),
    ("named", b"two\n lines"),
    ("message", "三".encode()),
    ("message", b""),
    ("message", b"last"),
]


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 5, 10_000])
def test_events_are_cut_as_the_standard_says_however_the_body_comes(piece_bytes: int) -> None:
    stream = EventStream()
    events: list[tuple[str, bytes]] = []
    for at in range(0, len(BODY), piece_bytes):
        found, problems = stream.feed(BODY[at : at + piece_bytes])
        assert not problems
        events += found
    assert events == EVENTS


@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
def test_a_line_that_is_too_long_costs_its_event(piece_bytes: int) -> None:
    body = b"data: a\n\ndata: before\ndata: " + b"x" * 100 + b"\ndata: after\n\ndata: b\n\n"
    stream = EventStream(max_event_bytes=40)
    events: list[bytes] = []
    problems = []
    for at in range(0, len(body), piece_bytes):
        found, wrong = stream.feed(body[at : at + piece_bytes])
        events += [data for _, data in found]
        problems += wrong
    assert events == [b"a", b"b"]
    assert len(problems) == 1


def test_an_event_of_too_many_lines_is_refused_once() -> None:
    events, problems = EventStream(max_event_bytes=40).feed(b"data: 0123456789\n" * 50 + b"\ndata: b\n\n")
    assert [data for _, data in events] == [b"b"]
    assert len(problems) == 1


def test_what_is_kept_stays_bounded() -> None:
    stream = EventStream(max_event_bytes=1000)
    for _ in range(1000):
        stream.feed(b"data: y\r" * 10 + b"z" * 100)
        assert sum(map(len, stream._parts)) <= 1100
        assert stream._data_bytes <= 1100 or not stream._data


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    stream = EventStream(64)
    for chunk in chunks:
        stream.feed(chunk)
