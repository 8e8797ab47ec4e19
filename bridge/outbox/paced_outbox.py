"""The outbox of a room that is paced: comments go as fast as the virtual human answers, the newest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import attrgetter

from bridge.events import EventType
from bridge.outbox.outbox import MAX_ROOM_BYTES, MAX_ROOM_EVENTS, Outbox
from bridge.outbox.pacing import ReplyPace
from bridge.outbox.policy import Policies
from bridge.pending import Pending


class PacedOutbox(Outbox):
    """Holds comments back for ``pace``; everything else goes as it does without.

    A comment that is never let through expires by its TTL, as one that waits for any other reason. ``is_paid`` tells
    words that money was given for: they go like gifts. What is taken together is in order of arrival, also the comments.
    """

    def __init__(
        self,
        policies: Policies,
        pace: ReplyPace,
        *,
        is_paid: Callable[[Pending], bool] = lambda _: False,
        max_events: int = MAX_ROOM_EVENTS,
        max_bytes: int = MAX_ROOM_BYTES,
    ) -> None:
        super().__init__(policies, max_events=max_events, max_bytes=max_bytes)
        self.pace = pace
        self._is_paid = is_paid
        self._may_have_paid = False
        self._comments_open = True

    def add(self, pending: Pending) -> Pending | None:
        """Let an event wait, see ``Outbox.add``."""
        self._may_have_paid = self._may_have_paid or (pending.type is EventType.COMMENT and self._is_paid(pending))
        return super().add(pending)

    def ready_at(self, now: float) -> float | None:
        """Return from when on there is something to send; a finished reply may make it earlier."""
        comments = len(self._lanes[EventType.COMMENT])
        if not comments or self._may_have_paid or self.pace.allowance(now) != 0:
            return super().ready_at(now)
        viewers = len(self._lanes[EventType.VIEWERS])
        if len(self) > comments + viewers:
            return now
        opens_at = max(now, self.pace.opens_at(now))
        return min(opens_at, max(now, self._viewers_due_at)) if viewers else opens_at

    def take(self, max_events: int, max_bytes: int, now: float) -> list[Pending]:
        """Remove and return what may go now, in order of arrival, within both bounds."""
        allowance = self.pace.allowance(now)
        if allowance is None:
            taken = super().take(max_events, max_bytes, now)
        else:
            self._comments_open = False
            try:
                taken = super().take(max_events, max_bytes, now)
            finally:
                self._comments_open = True
            size = sum(len(pending.wire) + 1 for pending in taken)
            paid = self._take_paid(max_events - len(taken), max_bytes - size, nothing_yet=not taken)
            taken += paid
            size += sum(len(pending.wire) + 1 for pending in paid)
            # Paid words are answered too, and so take the place of others.
            most = min(max(allowance - len(paid), 0), max_events - len(taken))
            taken += self._take_newest(most, max_bytes - size, nothing_yet=not taken)
            taken.sort(key=attrgetter("number"))
        answerable = sum(pending.type in (EventType.COMMENT, EventType.GIFT) for pending in taken)
        self.pace.let_through(answerable, now)
        return taken

    def _is_open(self, kind: EventType, now: float) -> bool:
        return (kind is not EventType.COMMENT or self._comments_open) and super()._is_open(kind, now)

    def _take_newest(self, most: int, max_bytes: int, *, nothing_yet: bool) -> list[Pending]:
        lane = self._lanes[EventType.COMMENT]
        taken: list[Pending] = []
        while lane and len(taken) < most:
            max_bytes -= len(lane[-1].wire) + 1
            if max_bytes < 0 and (taken or not nothing_yet):
                break
            taken.append(self._counted_out(lane.pop()))
        return taken

    def _take_paid(self, most: int, max_bytes: int, *, nothing_yet: bool) -> list[Pending]:
        if not self._may_have_paid:
            return []
        taken: list[Pending] = []
        left: deque[Pending] = deque()
        self._may_have_paid = False
        for pending in self._lanes[EventType.COMMENT]:
            is_paid = self._is_paid(pending)
            fits = len(taken) < most and (len(pending.wire) < max_bytes or (nothing_yet and not taken))
            if is_paid and fits:
                max_bytes -= len(pending.wire) + 1
                taken.append(self._counted_out(pending))
            else:
                self._may_have_paid = self._may_have_paid or is_paid
                left.append(pending)
        self._lanes[EventType.COMMENT] = left
        return taken

    def _counted_out(self, pending: Pending) -> Pending:
        self._events -= 1
        self._bytes -= len(pending.wire)
        return pending
