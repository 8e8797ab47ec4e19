"""Counts in buckets, and the sums over a room."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.counters import LATENCY_BOUNDS_SECS, Histogram, RoomCounters
from bridge.events import EventType


@given(st.lists(st.floats(0, 1000)))
def test_every_value_is_in_the_bucket_of_the_first_bound_that_is_not_below_it(values: list[float]) -> None:
    histogram = Histogram(LATENCY_BOUNDS_SECS)

    for value in values:
        histogram.observe(value)

    expected = [0] * (len(LATENCY_BOUNDS_SECS) + 1)
    for value in values:
        expected[bisect_left(LATENCY_BOUNDS_SECS, value)] += 1
    assert histogram.counts == expected
    assert histogram.total == pytest.approx(sum(values))


def test_a_value_on_a_bound_belongs_to_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0))

    for value in (1.0, 2.0, 2.0, 2.5):
        histogram.observe(value)

    assert histogram.counts == [1, 2, 1]
    assert histogram.total == 7.5


def test_what_the_spool_held_counts_as_received() -> None:
    counters = RoomCounters()

    counters.received["pond", EventType.COMMENT] += 2
    counters.recovered[EventType.GIFT] += 1

    assert counters.received_events() == 3
