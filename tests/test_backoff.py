from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from bridge.backoff import Backoff


@given(
    first=st.floats(0.01, 10),
    longest=st.floats(0.01, 100),
    failures=st.integers(0, 2000),
    dice=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_anything_up_to_a_ceiling_that_doubles_until_it_reaches_the_longest(
    first: float, longest: float, failures: int, dice: float
) -> None:
    backoff = Backoff(first, longest, lambda: dice)
    for _ in range(min(failures, 40)):
        backoff.next_secs()
    backoff.failures = failures
    ceiling = min(longest, first * 2.0 ** min(failures, 30))
    assert 0.1 * ceiling <= backoff.next_secs() <= ceiling


def test_the_ceilings_are_the_first_wait_doubled_each_time() -> None:
    backoff = Backoff(0.5, 15.0, lambda: 1.0)
    assert [backoff.next_secs() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_after_a_success_it_begins_anew() -> None:
    backoff = Backoff(0.5, 15.0, lambda: 1.0)
    for _ in range(5):
        backoff.next_secs()
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_secs() == 0.5


def test_many_that_failed_together_come_back_spread_over_most_of_the_wait() -> None:
    dice = random.Random(7)
    waits = sorted(Backoff(10.0, 10.0, dice.random).next_secs() for _ in range(1000))
    assert waits[0] < 1.1
    assert waits[-1] > 9.9
    assert max(later - earlier for earlier, later in itertools.pairwise(waits)) < 0.2
