"""One bound over all rooms: what waits in the whole process. Pure."""

from __future__ import annotations

from collections.abc import Callable

from bridge.outbox.outbox import Outbox
from bridge.pending import DropReason, Pending

MAX_PENDING_EVENTS = 200_000
MAX_PENDING_BYTES = 256 * 1024 * 1024
_CHECK_EVERY_EVENTS = 1000

Drop = Callable[[list[Pending], DropReason], None]


class MemoryGuard:
    """Over the bound, the room with the longest queue gives up its least valuable events first."""

    def __init__(self, max_events: int = MAX_PENDING_EVENTS, max_bytes: int = MAX_PENDING_BYTES) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._rooms: dict[str, tuple[Outbox, Drop]] = {}
        self._unchecked_events = 0

    def join(self, room: str, outbox: Outbox, drop: Drop) -> None:
        """Watch over a room's outbox; ``drop`` is told what it has to give up."""
        self._rooms[room] = (outbox, drop)

    def leave(self, room: str) -> None:
        """Forget a room."""
        self._rooms.pop(room, None)

    def added(self, events: int) -> None:
        """Take note of new events; looks at the whole only once in a thousand of them."""
        self._unchecked_events += events
        if self._unchecked_events >= min(_CHECK_EVERY_EVENTS, self._max_events):
            self._unchecked_events = 0
            self.check()

    def check(self) -> None:
        """Bring the process back within its bound."""
        events = sum(len(outbox) for outbox, _ in self._rooms.values())
        size = sum(outbox.size_bytes for outbox, _ in self._rooms.values())
        while events > self._max_events or size > self._max_bytes:
            outbox, drop = max(self._rooms.values(), key=lambda room: len(room[0]))
            given_up = [outbox.sacrifice() for _ in range(min(len(outbox), max(len(outbox) // 10, 1)))]
            drop(given_up, DropReason.OVERFLOW)
            events -= len(given_up)
            size -= sum(len(pending.wire) for pending in given_up)
