from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.report.limiter import MIN_CALLS_PER_SECOND, CallLimiter


def starts(limiter: CallLimiter, now: float, calls: int) -> list[float]:
    return [round(now + limiter.reserve(now), 6) for _ in range(calls)]


def test_a_second_of_calls_may_start_at_once_and_the_rest_at_the_rate() -> None:
    assert starts(CallLimiter(4), 100.0, 8) == [100.0] * 4 + [100.25, 100.5, 100.75, 101.0]


def test_time_without_calls_is_saved_up_for_one_second_only() -> None:
    limiter = CallLimiter(4)
    starts(limiter, 100.0, 4)
    assert starts(limiter, 200.0, 6) == [200.0] * 4 + [200.25, 200.5]


def test_below_one_call_a_second_there_is_no_burst() -> None:
    assert starts(CallLimiter(0.5), 100.0, 3) == [100.0, 102.0, 104.0]


@given(
    ceiling=st.floats(0.5, 50),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_no_stretch_of_time_sees_more_calls_than_burst_and_rate_allow(ceiling: float, gaps: list[float]) -> None:
    limiter = CallLimiter(ceiling)
    now, starting = 100.0, []
    for gap in gaps:
        now += gap
        starting.append(now + limiter.reserve(now))
    assert starting == sorted(starting)
    for first, begin in enumerate(starting):
        for last in range(first, len(starting)):
            allowed = max(ceiling, 1) + (starting[last] - begin) * ceiling
            assert last - first + 1 <= allowed + 1e-6


def test_after_a_429_everybody_waits_and_then_goes_on_at_half_the_rate_without_a_burst() -> None:
    limiter = CallLimiter(10)
    limiter.throttled(100.0, 5.0)
    assert limiter.calls_per_second == 5
    assert starts(limiter, 101.0, 4) == [105.0, 105.2, 105.4, 105.6]


def test_calls_that_were_under_way_when_a_429_came_slow_us_down_only_once() -> None:
    limiter = CallLimiter(10)
    for now in (100.0, 100.1, 100.2):
        limiter.throttled(now, 5.0)
    assert limiter.calls_per_second == 5
    assert limiter.reserve(101.0) == pytest.approx(4.2)


def test_a_429_after_the_wait_slows_us_down_further_but_never_to_a_standstill() -> None:
    limiter = CallLimiter(10)
    for now in range(100, 200, 10):
        limiter.throttled(float(now), 5.0)
    assert limiter.calls_per_second == MIN_CALLS_PER_SECOND


def test_slowing_down_never_speeds_up_a_limiter_that_is_slow_by_configuration() -> None:
    limiter = CallLimiter(0.1)
    limiter.throttled(100.0, 1.0)
    assert limiter.calls_per_second == 0.1


def test_accepted_calls_bring_the_rate_back_to_its_ceiling_and_no_further() -> None:
    limiter = CallLimiter(10)
    limiter.throttled(100.0, 1.0)
    limiter.succeeded()
    assert 5 < limiter.calls_per_second < 6
    for _ in range(math.ceil(0.5 / 0.02)):
        limiter.succeeded()
    assert limiter.calls_per_second == 10


def test_a_shorter_wait_does_not_end_a_longer_one() -> None:
    limiter = CallLimiter(10)
    limiter.throttled(100.0, 30.0)
    limiter.throttled(101.0, 1.0)
    assert limiter.reserve(102.0) == pytest.approx(28.0)
