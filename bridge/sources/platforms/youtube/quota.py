"""How often YouTube may be asked: a day's units spread over the hours of show that are left. Time is passed in.

A key has 10,000 units a day, given back at midnight Pacific time; a page of chat or a stream costs 5, a look at the
video 1 (vendor documentation). Asked as often as the chat suggests, a key lasts less than three hours. All sources of
the process that use a key plan with what it has left, each with an equal part of it.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from weakref import WeakSet

PAGE_UNITS = STREAM_UNITS = 5
VIDEO_UNITS = 1
VIDEO_INTERVAL_SECS = 60.0

MAX_INTERVAL_SECS = 60.0
"""A comment that waited longer is stale before it arrives."""

RESERVE = 0.1
"""The part of the units that is kept for reconnects and look-ups."""

VIDEO_PART = 0.25
"""The most of the units that goes to viewer counts."""

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
    """The units of one key for one day, as one source that uses it sees them.

    ``units_per_day`` is what the key has, for ``show_secs`` of show a day. What was spent before is not remembered
    but assumed to have gone evenly: at any moment the budget is the part for what is left of the show, so a
    reconnect neither loses nor wins units. Beyond ``show_secs`` the pace stays what it was.
    ``sharers`` are the budgets of all sources of this process with the same key, see ``sharers_of``; ``share`` is how
    many sources share it at least, those elsewhere included, which are taken to spend as this one does.
    """

    def __init__(
        self,
        units_per_day: float,
        show_secs: float,
        show_began_at_ms: int,
        now_ms: int,
        *,
        share: int = 1,
        sharers: WeakSet[QuotaBudget] | None = None,
    ) -> None:
        self._units_per_sec = units_per_day * (1 - RESERVE) / show_secs
        self._show_secs = show_secs
        self._show_began_at_ms = show_began_at_ms
        self._share = share
        self._sharers: WeakSet[QuotaBudget] = WeakSet() if sharers is None else sharers
        self._sharers.add(self)
        self._begin(now_ms)

    def _begin(self, now_ms: int) -> None:
        self._began_at_ms = now_ms
        self._resets_at_ms = next_reset_ms(now_ms)
        elapsed_secs = max(now_ms - self._show_began_at_ms, 0) / 1000 if self._show_began_at_ms else 0.0
        self._secs = self._show_secs - elapsed_secs if elapsed_secs < self._show_secs else self._show_secs
        self._units = self._units_per_sec * self._secs

    @property
    def _shares(self) -> int:
        return max(self._share, len(self._sharers))

    def spend(self, units: int, now_ms: int) -> None:
        """Count units for everybody who shares the key."""
        with_those_elsewhere = units * self._shares / len(self._sharers)
        for budget in self._sharers:
            budget.note_spent(with_those_elsewhere, now_ms)

    def note_spent(self, units: float, now_ms: int) -> None:
        """Take note of units that are gone; a new day begins with new ones."""
        if now_ms >= self._resets_at_ms:
            self._begin(now_ms)
        self._units -= units

    def interval_secs(self, asked_for_secs: float, now_ms: int) -> float:
        """Return the seconds to wait until the next page."""
        secs_left = self._secs - (now_ms - self._began_at_ms) / 1000
        if secs_left <= 0:
            self._begin(now_ms)
            secs_left = self._secs
        return interval_secs(self._units / self._shares, secs_left, asked_for_secs)

    def video_interval_secs(self) -> float:
        """Return the seconds between two looks at the video."""
        looks_per_sec = self._units_per_sec * VIDEO_PART / self._shares / VIDEO_UNITS
        return max(VIDEO_INTERVAL_SECS, 1 / looks_per_sec)


_sharers: dict[Hashable, WeakSet[QuotaBudget]] = {}


def sharers_of(key: Hashable) -> WeakSet[QuotaBudget]:
    """Return the budgets of all living sources of this process that use ``key``; a new one is to join them."""
    for unused in [other for other, budgets in _sharers.items() if not budgets]:
        del _sharers[unused]
    return _sharers.setdefault(key, WeakSet())


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
