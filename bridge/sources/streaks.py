"""Gift combos counted once, where frames carry running totals.

The first frame of a combo is reported at once, so that the avatar thanks now; what follows is reported
as one closing delta: on the end mark, after a quiet time, at room end or at shutdown. Late, repeated
and reordered frames change nothing, because only what exceeds the highest total seen counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.events import Gift, LiveEvent, Streak

QUIET_SECS = 3.0
MAX_COMBOS = 10_000
"""Bound on the combos remembered, open or closed; the one untouched longest is forgotten first."""


@dataclass(slots=True)
class Combo:
    """One combo: what was seen and what of it was reported, in gifts and in money.

    ``last`` is the newest frame's event: the closing delta is told in its words.
    """

    last: LiveEvent
    seen_count: int
    seen_value: int
    reported_count: int
    reported_value: int
    quiet_at: float

    @property
    def is_open(self) -> bool:
        """Whether something was seen that is not reported yet."""
        return self.seen_count > self.reported_count

    def closing(self) -> LiveEvent:
        """Return what is left to report and count it as reported."""
        gift = self.last.content
        assert isinstance(gift, Gift)
        rest = replace(
            gift,
            count=self.seen_count - self.reported_count,
            total_value=self.seen_value - self.reported_value,
        )
        self.reported_count = self.seen_count
        self.reported_value = self.seen_value
        return replace(self.last, content=rest, streak=None, id="")


class Streaks:
    """The combos of one source. Time is passed in (monotonic seconds)."""

    def __init__(self, quiet_secs: float = QUIET_SECS, max_combos: int = MAX_COMBOS) -> None:
        self._quiet_secs = quiet_secs
        self._max_combos = max_combos
        self._combos: dict[str, Combo] = {}
        self._open: set[str] = set()

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
            combo = Combo(event, gift.count, gift.total_value, gift.count, gift.total_value, now + self._quiet_secs)
            forgotten = self._remember(key, combo)
            if 0 < streak.started_at_ms < connected_at_ms or gift.count <= 0:
                return forgotten, [event]
            return [*forgotten, replace(event, streak=None)], []
        self._combos[key] = combo
        useless = event
        if gift.count > combo.seen_count:
            useless, combo.last = combo.last, event
            combo.seen_count = gift.count
            combo.seen_value = max(combo.seen_value, gift.total_value)
            combo.quiet_at = now + self._quiet_secs
            if key not in self._open:
                self._open.add(key)
                return (self._close([key]) if streak.ended else []), []
        return (self._close([key]) if streak.ended and key in self._open else []), [useless]

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

    def open_combos(self) -> dict[str, Combo]:
        """Return the combos that still owe a closing delta."""
        return {key: self._combos[key] for key in self._open}

    def restore(self, key: str, combo: Combo) -> None:
        """Take up a combo that an earlier process left behind."""
        self._remember(key, combo)
        if combo.is_open:
            self._open.add(key)

    def _close(self, keys: list[str]) -> list[LiveEvent]:
        self._open.difference_update(keys)
        return [self._combos[key].closing() for key in sorted(keys, key=lambda key: self._combos[key].quiet_at)]

    def _remember(self, key: str, combo: Combo) -> list[LiveEvent]:
        self._combos[key] = combo
        if len(self._combos) <= self._max_combos:
            return []
        oldest = next((old for old in self._combos if old not in self._open), next(iter(self._combos)))
        owed = self._close([oldest]) if oldest in self._open else []
        del self._combos[oldest]
        return owed


def combo_key(gift: Gift, streak: Streak) -> str:
    """Return what makes a combo the same combo: user, gift and the platform's group.

    A masked user is nobody in particular, so the name's remains join the key.
    """
    who = f"{gift.user.id}/{gift.user.name}" if gift.user.masked else gift.user.id
    return f"{who}\x1f{gift.name}\x1f{streak.key}"
