"""How fast a host may be dialled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.contract import DialLimit
from bridge.sources.limiter import MARGIN_SECS, DialLimiter

POND = ("pond.example", "")
LIMIT = DialLimit(dials=3, window_secs=10.0)


def test_what_the_host_bears_starts_at_once_and_the_rest_in_its_turn() -> None:
    limiter = DialLimiter()
    window_secs = LIMIT.window_secs + MARGIN_SECS
    waits = [limiter.reserve(*POND, LIMIT, 100.0) for _ in range(7)]
    assert waits == [0.0] * 3 + [window_secs] * 3 + [2 * window_secs]


def test_a_dial_of_long_ago_delays_none() -> None:
    limiter = DialLimiter()
    for now in (100.0, 120.0, 140.0, 160.0, 180.0):
        assert limiter.reserve(*POND, LIMIT, now) == 0.0


def test_other_hosts_and_proxies_are_counted_apart() -> None:
    limiter = DialLimiter()
    for _ in range(3):
        limiter.reserve(*POND, LIMIT, 100.0)
    assert limiter.reserve("lake.example", "", LIMIT, 100.0) == 0.0
    assert limiter.reserve("pond.example", "http://proxy.example:3128", LIMIT, 100.0) == 0.0
    assert limiter.reserve(*POND, LIMIT, 100.0) > 0.0


@given(st.lists(st.floats(0.0, 20.0), max_size=40))
def test_no_window_ever_holds_more(gaps_secs: list[float]) -> None:
    limiter, now, starts = DialLimiter(), 0.0, []
    for gap_secs in gaps_secs:
        now += gap_secs
        starts.append(now + limiter.reserve(*POND, LIMIT, now))
    assert starts == sorted(starts)
    for first, fourth in zip(starts, starts[LIMIT.dials :], strict=False):
        assert fourth - first > LIMIT.window_secs
