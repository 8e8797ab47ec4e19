"""What waits to be reported in one room: one lane a type, order of arrival across them.

A lane has one TTL, so it is sorted by deadline as well as by arrival: expiry and sacrifice take from
its front. Memory only; what must survive a kill is also in the spool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from bridge.events import EventType
from bridge.outbox.policy import SACRIFICE_ORDER, Policies
from bridge.pending import Pending

MAX_ROOM_EVENTS = 20_000
MAX_ROOM_BYTES = 16 * 1024 * 1024


class Outbox:
    """The lanes of one room. Time is passed in (monotonic seconds)."""

    def __init__(
        self, policies: Policies, *, max_events: int = MAX_ROOM_EVENTS, max_bytes: int = MAX_ROOM_BYTES
    ) -> None:
        self._lanes: dict[EventType, deque[Pending]] = {kind: deque() for kind in EventType}
        self._viewers_interval_secs = policies[EventType.VIEWERS].min_interval_secs
        self._viewers_due_at = 0.0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self._events = 0

    def __len__(self) -> int:
        return self._events

    @property
    def size_bytes(self) -> int:
        """How much text waits."""
        return self._bytes

    def waiting(self) -> dict[EventType, int]:
        """Return how many events of each type wait."""
        return {kind: len(lane) for kind, lane in self._lanes.items()}

    def oldest_arrival(self) -> float | None:
        """Return when the oldest waiting event arrived."""
        return min((lane[0].arrived_at for lane in self._lanes.values() if lane), default=None)

    def add(self, pending: Pending) -> Pending | None:
        """Let an event wait. Returns the viewer count that it supersedes, if any."""
        lane = self._lanes[pending.type]
        superseded = None
        if pending.type is EventType.VIEWERS and lane:
            superseded = self._pop(lane)
        lane.append(pending)
        self._events += 1
        self._bytes += len(pending.wire)
        return superseded

    def overflow(self) -> list[Pending]:
        """Return, and no longer keep, what exceeds the room's bounds: the least valuable and oldest first."""
        dropped: list[Pending] = []
        while self._events > self._max_events or self._bytes > self._max_bytes:
            dropped.append(self.sacrifice())
        return dropped

    def sacrifice(self) -> Pending:
        """Give up the oldest event of the least valuable type present; the outbox must not be empty."""
        return self._pop(next(self._lanes[kind] for kind in SACRIFICE_ORDER if self._lanes[kind]))

    def expire(self, now: float) -> list[Pending]:
        """Return, and no longer keep, what is too old."""
        expired: list[Pending] = []
        for lane in self._lanes.values():
            while lane and lane[0].expires_at <= now:
                expired.append(self._pop(lane))
        return expired

    def ready_at(self, now: float) -> float | None:
        """Return from when on there is something to send: ``now``, or when the next viewer count may go."""
        viewers = self._lanes[EventType.VIEWERS]
        if self._events > len(viewers):
            return now
        return max(now, self._viewers_due_at) if viewers else None

    def take(self, max_events: int, max_bytes: int, now: float) -> list[Pending]:
        """Remove and return the oldest events in order of arrival, within both bounds; at least one if any is ready."""
        lanes = [lane for kind, lane in self._lanes.items() if lane and self._is_open(kind, now)]
        taken: list[Pending] = []
        size = 0
        while lanes and len(taken) < max_events:
            lane = min(lanes, key=_front)
            limit = min((_front(other) for other in lanes if other is not lane), default=None)
            while lane and (limit is None or lane[0].number < limit) and len(taken) < max_events:
                size += len(lane[0].wire) + 1
                if size > max_bytes and taken:
                    return taken
                taken.append(self._pop(lane))
                if taken[-1].type is EventType.VIEWERS:
                    self._viewers_due_at = now + self._viewers_interval_secs
            lanes = [lane for lane in lanes if lane]
        return taken

    def clear(self, kinds: Iterable[EventType]) -> list[Pending]:
        """Return, and no longer keep, everything of these types."""
        return [self._pop(self._lanes[kind]) for kind in kinds for _ in range(len(self._lanes[kind]))]

    def _is_open(self, kind: EventType, now: float) -> bool:
        return kind is not EventType.VIEWERS or now >= self._viewers_due_at

    def _pop(self, lane: deque[Pending]) -> Pending:
        pending = lane.popleft()
        self._events -= 1
        self._bytes -= len(pending.wire)
        return pending


def _front(lane: deque[Pending]) -> int:
    return lane[0].number
