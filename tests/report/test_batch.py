from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.report.batch import Batch
from tests.report.fakes import numbers, pending

batches = st.integers(min_value=2, max_value=60).map(lambda count: Batch([pending(number) for number in range(count)]))


@given(batch=batches)
def test_the_halves_are_the_batch_in_order_and_neither_is_empty(batch: Batch) -> None:
    left, right = batch.halves()
    assert [*left.events, *right.events] == list(batch.events)
    assert len(left) >= 1
    assert 0 <= len(right) - len(left) <= 1


def test_a_half_has_been_carried_by_no_call_yet() -> None:
    left, right = Batch([pending(1), pending(2)], attempts=3).halves()
    assert (left.attempts, right.attempts) == (0, 0)


@given(batch=batches, odd=st.booleans())
def test_splitting_loses_nothing_keeps_order_and_leaves_the_batch_as_it_was(batch: Batch, odd: bool) -> None:
    before = list(batch.events)
    kept, rest = batch.split(lambda event: event.number % 2 == odd)
    assert numbers(kept.events) == [number for number in numbers(before) if number % 2 == odd]
    assert numbers(rest) == [number for number in numbers(before) if number % 2 != odd]
    assert list(batch.events) == before


def test_what_is_left_after_a_split_remembers_how_often_it_was_sent() -> None:
    batch = Batch([pending(1), pending(2)]).again().again()
    kept, _ = batch.split(lambda event: event.number == 1)
    assert (batch.attempts, kept.attempts) == (2, 2)


def test_the_size_counts_each_event_and_its_comma() -> None:
    events = [pending(1), pending(2, text="longer")]
    assert Batch(events).size_bytes == sum(len(event.wire) + 1 for event in events)
    assert Batch(()).size_bytes == 0
