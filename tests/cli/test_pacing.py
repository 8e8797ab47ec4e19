from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.pacing import Pacer, RecordedEvent, recorded_event
from bridge.errors import DecodeError
from tests.metastudio.rule_shows import START_MS, wire


def events(*offsets_ms: int, size: int = 2) -> list[RecordedEvent]:
    return [RecordedEvent(START_MS + offset, 1, b"x" * size) for offset in offsets_ms]


def moments(offsets_ms: list[int], speed: float) -> list[float]:
    """Return after how many seconds each event is due."""
    pacer = Pacer(iter(events(*offsets_ms)), speed, 100.0)
    due: list[float] = []
    while (due_at := pacer.due_at()) is not None:
        due += [due_at - 100.0] * len(pacer.take(due_at, 1, 1000))
    return due


def test_events_are_due_as_they_were_at_any_speed() -> None:
    assert moments([0, 1000, 4000], 1) == [0, 1, 4]
    assert moments([0, 1000, 4000], 2) == [0, 0.5, 2]
    assert moments([0, 1000, 4000], 0.5) == [0, 2, 8]
    assert moments([0, 1000, 4000], 0) == [0, 0, 0]


def test_an_event_out_of_order_is_due_with_the_one_before_it() -> None:
    assert moments([0, 5000, 1000, 6000], 1) == [0, 5, 5, 6]


def test_what_is_due_goes_together_within_both_bounds() -> None:
    pacer = Pacer(iter(events(0, 0, 0, 0, 0, 9000)), 1, 0.0)
    assert len(pacer.take(0.0, 2, 1000)) == 2
    assert len(pacer.take(0.0, 9, 5)) == 1
    assert len(pacer.take(0.0, 9, 1)) == 1
    assert len(pacer.take(1.0, 9, 1000)) == 1
    assert pacer.take(8.9, 9, 1000) == []
    assert len(pacer.take(9.0, 9, 1000)) == 1
    assert pacer.due_at() is None


def test_the_rest_is_counted() -> None:
    pacer = Pacer(iter(events(0, 1, 2)), 1, 0.0)
    pacer.take(0.0, 1, 1000)
    assert pacer.rest() == 2
    assert pacer.rest() == 0
    assert Pacer(iter([]), 1, 0.0).due_at() is None


@given(st.lists(st.integers(0, 10_000_000)), st.floats(0.01, 1000))
def test_the_order_of_the_file_is_kept_and_time_never_goes_back(offsets_ms: list[int], speed: float) -> None:
    due = moments(offsets_ms, speed)
    assert len(due) == len(offsets_ms)
    assert due == sorted(due)


def test_a_line_is_sent_as_it_stands() -> None:
    value = wire(content="多少钱 😀")
    assert recorded_event(value) == RecordedEvent(START_MS, 1, orjson.dumps(value))


@pytest.mark.parametrize("changes", [{"timestamp": "x"}, {"type": 7}, {"content": "no JSON"}, {"content": "x" * 5000}])
def test_what_the_job_would_not_take_is_no_event(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        recorded_event(wire() | changes)


@pytest.mark.parametrize("value", [None, [], 1, "x", {}])
def test_what_is_no_event_at_all_is_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        recorded_event(value)
