"""When the events of a recording are due, told again at any speed. Pure: time is passed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.errors import DecodeError
from bridge.report import wire


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of a recording, ready to be sent: ``wire`` is its JSON."""

    timestamp_ms: int
    type: int
    wire: bytes


def recorded_event(value: Any) -> RecordedEvent:
    """Read a line's JSON; raises ``DecodeError`` for what the job would not take."""
    encoded = orjson.dumps(value)
    problem = wire.problem(encoded)
    if problem:
        raise DecodeError("", problem)
    return RecordedEvent(value["timestamp"], value["type"], encoded)


class Pacer:
    """Hands out events when they are due: ``speed`` 2 halves the time between them, 0 leaves none.

    An event from before the one ahead of it in the file is due with that one. ``started_at`` is monotonic seconds.
    """

    def __init__(self, events: Iterator[RecordedEvent], speed: float, started_at: float) -> None:
        self._events = events
        self._speed = speed
        self._started_at = started_at
        self._next = next(events, None)
        self._first_ms = self._next.timestamp_ms if self._next else 0
        self._latest_ms = self._first_ms

    def due_at(self) -> float | None:
        """Return when the next event is due, ``None`` after the last."""
        if self._next is None:
            return None
        self._latest_ms = max(self._latest_ms, self._next.timestamp_ms)
        if not self._speed:
            return self._started_at
        return self._started_at + (self._latest_ms - self._first_ms) / 1000 / self._speed

    def take(self, now: float, max_events: int, max_bytes: int) -> list[RecordedEvent]:
        """Return what is due by now, within both bounds; at least one event if any is."""
        taken: list[RecordedEvent] = []
        size = 0
        while len(taken) < max_events and (due_at := self.due_at()) is not None and due_at <= now:
            assert self._next is not None
            size += len(self._next.wire) + 1
            if taken and size > max_bytes:
                break
            taken.append(self._next)
            self._next = next(self._events, None)
        return taken

    def rest(self) -> int:
        """Read what was not handed out, and return how many events it is."""
        left = int(self._next is not None) + sum(1 for _ in self._events)
        self._next = None
        return left
