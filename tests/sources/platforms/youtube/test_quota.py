from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.platforms.youtube.quota import (
    MAX_INTERVAL_SECS,
    PAGE_UNITS,
    RESERVE,
    QuotaBudget,
    interval_secs,
    next_reset_ms,
    sharers_of,
)

HOUR_SECS = 3600.0


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        ("2026-01-15T12:00:00", "2026-01-16T08:00:00"),
        ("2026-01-15T07:59:59", "2026-01-15T08:00:00"),
        ("2026-01-15T08:00:00", "2026-01-16T08:00:00"),
        ("2026-07-15T06:59:00", "2026-07-15T07:00:00"),
        ("2026-07-15T07:00:00", "2026-07-16T07:00:00"),
        # the nights in which California changes its clocks
        ("2026-03-08T07:30:00", "2026-03-08T08:00:00"),
        ("2026-03-08T09:00:00", "2026-03-09T07:00:00"),
        ("2026-11-01T06:30:00", "2026-11-01T07:00:00"),
        ("2026-11-01T08:30:00", "2026-11-02T08:00:00"),
    ],
)
def test_the_day_begins_at_midnight_in_california(now: str, reset: str) -> None:
    assert next_reset_ms(ms(now)) == ms(reset)


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_a_reset_can_be_had_for_any_clock(now_ms: int) -> None:
    assert isinstance(next_reset_ms(now_ms), int)


@given(st.integers(min_value=1_700_000_000_000, max_value=2_000_000_000_000))
def test_a_reset_is_ahead_by_at_most_a_long_day(now_ms: int) -> None:
    assert 0 < next_reset_ms(now_ms) - now_ms <= 25 * HOUR_SECS * 1000


def test_units_left_over_hours_left() -> None:
    # 4 hours: 240 units for viewer counts, the rest for pages
    assert interval_secs(240 + 1440 * PAGE_UNITS, 4 * HOUR_SECS, 1.0) == pytest.approx(10.0)


def test_the_chats_own_wish_is_obeyed_when_it_is_longer() -> None:
    assert interval_secs(1_000_000, HOUR_SECS, 7.3) == 7.3
    assert interval_secs(100, 10 * HOUR_SECS, 90.0) == 90.0


def test_no_units_left_means_the_longest_interval() -> None:
    assert interval_secs(0, HOUR_SECS, 5.0) == MAX_INTERVAL_SECS
    assert interval_secs(-50, HOUR_SECS, 5.0) == MAX_INTERVAL_SECS


def spent_in_a_show(hours: float, *, reconnect_every_secs: float) -> float:
    """Return the units that pages and viewer counts cost over a show in which the chat wants a page a second."""
    began_at_ms = ms("2026-06-01T08:00:00")
    spent = 0.0
    now = 0.0
    viewers_at = 0.0
    ends = hours * HOUR_SECS
    while now < ends:
        budget = QuotaBudget(10_000, hours * HOUR_SECS, began_at_ms, began_at_ms + int(now * 1000))
        lost_at = min(now + reconnect_every_secs, ends)
        while now < lost_at:
            now_ms = began_at_ms + int(now * 1000)
            if now >= viewers_at:
                budget.spend(1, now_ms)
                spent += 1
                viewers_at = now + 60
            budget.spend(PAGE_UNITS, now_ms)
            spent += PAGE_UNITS
            now += budget.interval_secs(1.0, now_ms)
    return spent


@pytest.mark.parametrize("hours", [3.0, 8.0, 14.0])
@pytest.mark.parametrize("reconnect_every_secs", [600.0, 5000.0, 1e9])
def test_a_day_lasts_for_the_show_however_often_the_connection_is_lost(
    hours: float, reconnect_every_secs: float
) -> None:
    assert 0.85 * 10_000 * (1 - RESERVE) < spent_in_a_show(hours, reconnect_every_secs=reconnect_every_secs) <= 10_000


def test_sources_with_one_key_share_what_it_has_left() -> None:
    began_at_ms = ms("2026-06-01T08:00:00")

    def joined() -> QuotaBudget:
        return QuotaBudget(10_000, 2 * HOUR_SECS, began_at_ms, began_at_ms, sharers=sharers_of("key-a"))

    def planned_secs(units_left: float) -> float:
        return interval_secs(units_left, 2 * HOUR_SECS, 1.0)

    first, others = joined(), [joined(), joined()]
    assert first.interval_secs(1.0, began_at_ms) == planned_secs(9000 / 3)
    others[0].spend(4000, began_at_ms)
    assert first.interval_secs(1.0, began_at_ms) == planned_secs(5000 / 3)
    others.clear()
    assert first.interval_secs(1.0, began_at_ms) == planned_secs(5000)
    assert len(sharers_of("key-b")) == 0
    assert len(sharers_of("key-a")) == 1


def test_sources_elsewhere_are_taken_to_spend_as_much() -> None:
    began_at_ms = ms("2026-06-01T08:00:00")
    sharers = sharers_of("key-c")
    here = [QuotaBudget(9000, 8 * HOUR_SECS, began_at_ms, began_at_ms, share=4, sharers=sharers) for _ in range(2)]
    one = QuotaBudget(9000, 8 * HOUR_SECS, began_at_ms, began_at_ms, share=4)
    assert here[0].interval_secs(1.0, began_at_ms) == one.interval_secs(1.0, began_at_ms)
    for budget in here:
        budget.spend(100, began_at_ms)
    one.spend(100, began_at_ms)
    assert here[0].interval_secs(1.0, began_at_ms) == one.interval_secs(1.0, began_at_ms)


@pytest.mark.parametrize(("share", "hours", "secs"), [(1, 24, 60), (1, 8, 60), (6, 24, 230.4), (20, 8, 256)])
def test_viewer_counts_take_a_quarter_of_the_units_at_most(share: int, hours: int, secs: float) -> None:
    budget = QuotaBudget(10_000, hours * HOUR_SECS, 0, ms("2026-06-01T08:00:00"), share=share)
    assert budget.video_interval_secs() == pytest.approx(secs)


def test_what_a_quiet_chat_saves_is_there_later() -> None:
    began_at_ms = ms("2026-06-01T08:00:00")
    budget = QuotaBudget(10_000, 8 * HOUR_SECS, began_at_ms, began_at_ms)
    at_first = budget.interval_secs(1.0, began_at_ms)
    assert budget.interval_secs(1.0, began_at_ms + 4 * 3_600_000) < at_first


def test_a_new_day_brings_new_units() -> None:
    now_ms = ms("2026-06-01T06:00:00")
    budget = QuotaBudget(10_000, 24 * HOUR_SECS, 0, now_ms)
    budget.spend(9_000, now_ms)
    assert budget.interval_secs(1.0, now_ms) == MAX_INTERVAL_SECS
    budget.spend(1, ms("2026-06-01T07:00:01"))
    assert budget.interval_secs(1.0, ms("2026-06-01T07:00:01")) < MAX_INTERVAL_SECS


def test_a_show_that_runs_longer_keeps_its_pace() -> None:
    began_at_ms = ms("2026-06-01T08:00:00")
    hour_ms = 3_600_000
    budget = QuotaBudget(10_000, 2 * HOUR_SECS, began_at_ms, began_at_ms + 5 * hour_ms)
    assert 4.0 < budget.interval_secs(1.0, began_at_ms + 5 * hour_ms) < 6.0
    assert budget.interval_secs(1.0, began_at_ms + 8 * hour_ms) < 6.0
