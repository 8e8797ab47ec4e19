"""One fact told by several messages is one event.

A message that settles the fact goes out at once. Others wait for it a moment: its price is the true
one, or it announces a batch of which they are the parts. If it does not come they go out as they are.
"""

from __future__ import annotations

from msgspec import Struct

from bridge.events import LiveEvent
from bridge.sources.dedupe import RecentKeys

SETTLED_KEYS = 5_000
MAX_HELD_EVENTS = 5_000


class Held(Struct, frozen=True):
    """An event that waits for its twin until ``due_at`` (monotonic seconds)."""

    event: LiveEvent
    due_at: float


class Twins:
    """The events held and the facts already told. Time is passed in."""

    def __init__(self) -> None:
        self._held: dict[str, list[Held]] = {}
        self._settled = RecentKeys(SETTLED_KEYS)
        self._released = RecentKeys(SETTLED_KEYS)
        self._held_events = 0

    def __len__(self) -> int:
        return self._held_events

    def offer(self, event: LiveEvent, now: float) -> tuple[list[LiveEvent], list[LiveEvent]]:
        """Return the events to go on with now, and those swallowed because their fact is told already."""
        twin = event.twin
        if twin is None:
            return [event], []
        if twin.key in self._settled:
            return [], [event]
        if twin.key in self._released:
            # The parts went out alone: the rest of them must, and the whole must not.
            return ([], [event]) if twin.settles else ([event], [])
        if twin.settles:
            self._settled.add(twin.key)
            parts = self._held.pop(twin.key, [])
            self._held_events -= len(parts)
            return [event], [part.event for part in parts]
        self._held.setdefault(twin.key, []).append(Held(event, now + twin.wait_secs))
        self._held_events += 1
        return (self._release(next(iter(self._held))) if self._held_events > MAX_HELD_EVENTS else []), []

    def due_at(self) -> float | None:
        """Return when the first wait ends, ``None`` if nothing waits."""
        return min((parts[0].due_at for parts in self._held.values()), default=None)

    def due(self, now: float) -> list[LiveEvent]:
        """Return the events whose twin did not come in time."""
        late = [key for key, parts in self._held.items() if parts[0].due_at <= now]
        return [event for key in late for event in self._release(key)]

    def flush(self) -> list[LiveEvent]:
        """Return everything that waits."""
        return [event for key in list(self._held) for event in self._release(key)]

    def held(self) -> list[LiveEvent]:
        """Return what waits, without letting go of it."""
        return [part.event for parts in self._held.values() for part in parts]

    def _release(self, key: str) -> list[LiveEvent]:
        parts = self._held.pop(key)
        self._held_events -= len(parts)
        self._released.add(key)
        return [part.event for part in parts]
