"""Gift combos counted once, where frames carry running totals.

The first frame of a combo is reported at once, so that the avatar thanks now; what follows is reported
as one closing delta: on the end mark, after a quiet time, at room end or at shutdown. Late, repeated
and reordered frames change nothing, because only what exceeds the highest total seen counts.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from bridge.events import Gift, LiveEvent, Streak, encodable

QUIET_SECS = 3.0
MAX_COMBOS = 10_000
"""Bound on the combos remembered, open or closed; the one untouched longest is forgotten first."""


class Combo(Struct):
    """One combo: what was seen and what of it was reported, in gifts and in money.

    ``last`` is the newest frame of which something is not reported yet: the closing delta is told in its
    words. ``None`` when nothing is owed.
    """

    seen_count: int
    seen_value: int
    reported_count: int
    reported_value: int
    quiet_at: float
    last: LiveEvent | None = None

    def closing(self) -> LiveEvent:
        """Return what is left to report and count it as reported."""
        last = self.last
        assert last is not None
        gift = last.content
        assert isinstance(gift, Gift)
        rest = replace(
            gift,
            count=self.seen_count - self.reported_count,
            total_value=self.seen_value - self.reported_value,
        )
        self.reported_count = self.seen_count
        self.reported_value = self.seen_value
        self.last = None
        return replace(last, content=rest, streak=None, id="")


class Streaks:
    """The combos of one source. Time is passed in (monotonic seconds)."""

    def __init__(self, quiet_secs: float = QUIET_SECS, max_combos: int = MAX_COMBOS) -> None:
        self._quiet_secs = quiet_secs
        self._max_combos = max_combos
        self._combos: dict[str, Combo] = {}
        self._open: dict[str, None] = {}
        self._changed: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._combos)

    def offer(self, event: LiveEvent, now: float, connected_at_ms: int = 0) -> tuple[list[LiveEvent], list[LiveEvent]]:
        """Return what this frame adds to the report, and the frames that will never add anything.

        A frame that raises an open combo's total takes the place of the one before it. A combo that
        began before ``connected_at_ms`` (where the platform tells) starts from what it had then: that
        part is not ours.
        """
        gift, streak = event.content, event.streak
        assert isinstance(gift, Gift)
        assert streak is not None
        key = combo_key(gift, streak)
        combo = self._combos.pop(key, None)
        if combo is None:
            count, value = max(gift.count, 0), max(gift.total_value, 0)
            forgotten = self._remember(key, Combo(count, value, count, value, now))
            if 0 < streak.started_at_ms < connected_at_ms or not count:
                return forgotten, [event]
            return [*forgotten, replace(event, streak=None)], []
        self._combos[key] = combo
        if gift.count <= combo.seen_count:
            return (self._close([key]) if streak.ended and key in self._open else []), [event]
        replaced, combo.last = combo.last, event
        combo.seen_count = gift.count
        combo.seen_value = max(combo.seen_value, gift.total_value)
        combo.quiet_at = now + self._quiet_secs
        self._open[key] = self._changed[key] = None
        return (self._close([key]) if streak.ended else []), [replaced] if replaced else []

    def due_at(self) -> float | None:
        """Return when the next combo has been quiet long enough, ``None`` if none is open."""
        return min((self._combos[key].quiet_at for key in self._open), default=None)

    def due(self, now: float) -> list[LiveEvent]:
        """Close the combos that have been quiet."""
        return self._close([key for key in self._open if self._combos[key].quiet_at <= now])

    def flush(self) -> list[LiveEvent]:
        """Close all combos: the room ended, or we stop."""
        return self._close(list(self._open))

    @property
    def open_count(self) -> int:
        """How many combos still owe a closing delta."""
        return len(self._open)

    def changes(self) -> dict[str, Combo | None]:
        """Return the combos that changed since the last call; ``None`` for one that is forgotten."""
        changed, self._changed = self._changed, {}
        return {key: self._combos.get(key) for key in changed}

    def all_changed(self) -> None:
        """Have the next ``changes`` return every combo."""
        self._changed.update(dict.fromkeys(self._combos))

    def restore(self, key: str, combo: Combo) -> None:
        """Take up a combo that an earlier process left behind."""
        self._combos[key] = combo
        if combo.last is not None:
            self._open[key] = None

    def _close(self, keys: list[str]) -> list[LiveEvent]:
        for key in keys:
            del self._open[key]
            self._changed[key] = None
        return [self._combos[key].closing() for key in sorted(keys, key=lambda key: self._combos[key].quiet_at)]

    def _remember(self, key: str, combo: Combo) -> list[LiveEvent]:
        """Add a combo; returns what is owed by the one that is forgotten for it."""
        self._combos[key] = combo
        self._changed[key] = None
        if len(self._combos) <= self._max_combos:
            return []
        closed = (old for old in self._combos if old not in self._open and old != key)
        oldest = next(closed, None) or next(iter(self._combos))
        owed = self._close([oldest]) if oldest in self._open else []
        del self._combos[oldest]
        self._changed[oldest] = None
        return owed


def combo_key(gift: Gift, streak: Streak) -> str:
    """Return what makes a combo the same combo: user, gift and the platform's group.

    A masked user is nobody in particular, so the name's remains join the key.
    """
    who = f"{gift.user.id}/{gift.user.name}" if gift.user.masked else gift.user.id
    return encodable(f"{who}\x1f{gift.name}\x1f{streak.key}")
