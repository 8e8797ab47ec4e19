"""How often YouTube may be asked: a day's units spread over the hours of show that are left. Pure: time is passed in.

A key has 10,000 units a day, given back at midnight Pacific time; a page of chat costs 5, a look at the
video 1 (vendor documentation). Asked as often as the chat suggests, a key lasts less than three hours.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

PAGE_UNITS = 5
VIDEO_UNITS = 1
VIDEO_INTERVAL_SECS = 60.0

MAX_INTERVAL_SECS = 60.0
"""A comment that waited longer is stale before it arrives."""

RESERVE = 0.1
"""The part of the units that is kept for reconnects and look-ups."""

_PACIFIC_STANDARD = timedelta(hours=-8)
_PACIFIC_DAYLIGHT = timedelta(hours=-7)


def interval_secs(units_left: float, show_secs_left: float, asked_for_secs: float) -> float:
    """Return the seconds between two pages: what the chat asked for, more when the units must last longer.

    ``units_left`` must also pay for the viewer counts of ``show_secs_left``.
    """
    for_pages = units_left - show_secs_left / VIDEO_INTERVAL_SECS * VIDEO_UNITS
    planned_secs = MAX_INTERVAL_SECS
    if for_pages >= PAGE_UNITS:
        planned_secs = min(show_secs_left / (for_pages / PAGE_UNITS), MAX_INTERVAL_SECS)
    return max(planned_secs, asked_for_secs)


class QuotaBudget:
    """The units of one source for one day.

    ``units_per_day`` is this source's share of its key, for ``show_secs`` of show a day. What earlier
    connections spent is not remembered but assumed to have gone evenly: at any moment the budget is the
    share's part for what is left of the show, so a reconnect neither loses nor wins units. Beyond
    ``show_secs`` the pace stays what it was.
    """

    def __init__(self, units_per_day: float, show_secs: float, show_began_at_ms: int, now_ms: int) -> None:
        self._units_per_sec = units_per_day * (1 - RESERVE) / show_secs
        self._show_secs = show_secs
        self._show_began_at_ms = show_began_at_ms
        self._begin(now_ms)

    def _begin(self, now_ms: int) -> None:
        self._began_at_ms = now_ms
        self._resets_at_ms = next_reset_ms(now_ms)
        elapsed_secs = max(now_ms - self._show_began_at_ms, 0) / 1000 if self._show_began_at_ms else 0.0
        self._secs = self._show_secs - elapsed_secs if elapsed_secs < self._show_secs else self._show_secs
        self._units = self._units_per_sec * self._secs

    def spend(self, units: int, now_ms: int) -> None:
        """Count units; a new day begins with new ones."""
        if now_ms >= self._resets_at_ms:
            self._begin(now_ms)
        self._units -= units

    def interval_secs(self, asked_for_secs: float, now_ms: int) -> float:
        """Return the seconds to wait until the next page."""
        secs_left = self._secs - (now_ms - self._began_at_ms) / 1000
        if secs_left <= 0:
            self._begin(now_ms)
            secs_left = self._secs
        return interval_secs(self._units, secs_left, asked_for_secs)


def next_reset_ms(now_ms: int) -> int:
    """Return the next midnight in California, in ms since 1970.

    Daylight time there runs from the second Sunday of March to the first of November, at 2 o'clock. Written
    out, because a slim container has no time zone data.
    """
    now = datetime.fromtimestamp(min(max(now_ms, 0) / 1000, 4_000_000_000), UTC)
    local = now + _pacific_offset(now)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    # The offset at midnight itself: the clocks change two hours later.
    reset = midnight - _pacific_offset(midnight - _PACIFIC_STANDARD)
    return int(reset.timestamp() * 1000)


def _pacific_offset(moment: datetime) -> timedelta:
    begins = _sunday(moment.year, 3, nth=2) + timedelta(hours=2) - _PACIFIC_STANDARD
    ends = _sunday(moment.year, 11, nth=1) + timedelta(hours=2) - _PACIFIC_DAYLIGHT
    return _PACIFIC_DAYLIGHT if begins <= moment < ends else _PACIFIC_STANDARD


def _sunday(year: int, month: int, *, nth: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
