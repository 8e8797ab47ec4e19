"""Connected is not alive: what a source usually sends, and what of it has stopped coming.

A socket that answers its heartbeat may bring comments and no gifts any more, or nothing at all; an expired
credential shows only in what it no longer lets us see. Pure: time is passed in, monotonic seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bridge.events import EventType

SILENT_SECS = 600.0
"""Nothing is missed that has been away for less."""

MISSED_EVENTS = 20
"""How many events must have failed to come: of a kind that comes once in a while, many minutes say nothing."""

LEARNING_MINUTES = 10
REMEMBERED_MINUTES = 60

MASKED_SAMPLE_EVENTS = 100
MASKED_RISE = 0.3

LONGEST_PATIENCE_SECS = 6 * 3600.0

_PLURALS = {
    EventType.COMMENT: "comments",
    EventType.JOIN: "joins",
    EventType.LIKE: "likes",
    EventType.GIFT: "gifts",
    EventType.FOLLOW: "follows",
    EventType.VIEWERS: "viewer counts",
}


class _Flow:
    """The events of one kind, counted by the minute up to the last of them: the silence since then changes no rate."""

    __slots__ = ("_counts", "_minute", "is_missed", "last_at")

    def __init__(self, now: float) -> None:
        self._counts = deque([0], maxlen=REMEMBERED_MINUTES)
        self._minute = int(now // 60)
        self.last_at = now
        self.is_missed = False

    def took(self, count: int, now: float) -> None:
        minute = int(now // 60)
        if minute != self._minute:
            self._counts.extend([0] * min(minute - self._minute, REMEMBERED_MINUTES))
            self._minute = minute
        self._counts[-1] += count
        self.last_at = now
        self.is_missed = False

    @property
    def usual_per_minute(self) -> float:
        """The rate of the remembered minutes, 0 as long as there are too few of them."""
        return sum(self._counts) / len(self._counts) if len(self._counts) >= LEARNING_MINUTES else 0.0

    def look(self, since: float, now: float) -> None:
        silent_secs = now - max(self.last_at, since)
        if silent_secs >= SILENT_SECS and self.usual_per_minute * silent_secs / 60 >= MISSED_EVENTS:
            self.is_missed = True


class Liveness:
    """What one source brings, kept across its reconnects.

    ``credentials`` are the names of the options that a probable cause may lie in.
    """

    def __init__(self, credentials: Sequence[str] = ()) -> None:
        self._credentials = " or ".join(credentials)
        self._flows: dict[EventType, _Flow] = {}
        self._patience_secs = SILENT_SECS
        self._renewed_at = 0.0
        self._user_events = self._masked_events = 0
        self._masked_share = 0.0
        self._least_masked_share = 1.0

    def took(self, kind: EventType, count: int, now: float) -> None:
        """Take note of events."""
        flow = self._flows.get(kind)
        if flow is None:
            flow = self._flows[kind] = _Flow(now)
        flow.took(count, now)

    def took_users(self, count: int, masked: int) -> None:
        """Take note of how many events had a viewer, and of how many of these had no identity."""
        self._user_events += count
        self._masked_events += masked
        if self._user_events >= MASKED_SAMPLE_EVENTS:
            self._masked_share = self._masked_events / self._user_events
            self._least_masked_share = min(self._least_masked_share, self._masked_share)
            self._user_events = self._masked_events = 0

    def look(self, since: float, now: float) -> None:
        """Find out what has stopped coming; ``since`` is when it could first have come."""
        for flow in self._flows.values():
            flow.look(since, now)

    def ended(self) -> None:
        """Miss nothing any more: the live has ended."""
        for flow in self._flows.values():
            flow.is_missed = False

    @property
    def missed(self) -> list[EventType]:
        """The kinds of events that have stopped coming, until they come again."""
        return [kind for kind, flow in self._flows.items() if flow.is_missed]

    def wants_renewal(self, now: float) -> bool:
        """Tell whether a new connection is worth a try: nothing comes any more of all that viewers do.

        While nothing comes of it either, it is advised ever more rarely.
        """
        last_at = max((flow.last_at for flow in self._viewers_doings), default=now)
        patience_secs = SILENT_SECS if last_at > self._renewed_at else self._patience_secs
        if not self.missed or now - max(last_at, self._renewed_at) < patience_secs:
            return False
        self._patience_secs = min(2 * patience_secs, LONGEST_PATIENCE_SECS)
        self._renewed_at = now
        return True

    def alarms(self, now: float, *, unreadable: bool) -> dict[str, str]:
        """Return what the operator should look into, by what it is about, each with its probable cause.

        ``unreadable`` tells that messages came meanwhile which are new or cannot be read.
        """
        cause = self._why_missed(unreadable=unreadable)
        found = {kind.name.lower(): f"{self._absence(kind, now)}: {cause}" for kind in self.missed}
        if self._masked_share - self._least_masked_share >= MASKED_RISE:
            shown = f"{self._masked_share:.0%} of the viewers come without their identity"
            found["identity"] = f"{shown}: {self._credential_or('the platform hides it now')}"
        return found

    @property
    def _viewers_doings(self) -> list[_Flow]:
        """All but the viewer counts, which mostly are asked for beside the connection."""
        return [flow for kind, flow in self._flows.items() if kind is not EventType.VIEWERS]

    def _absence(self, kind: EventType, now: float) -> str:
        flow = self._flows[kind]
        silent_minutes = (now - flow.last_at) // 60
        return f"no {_PLURALS[kind]} for {silent_minutes:.0f} minutes, usually {flow.usual_per_minute:.1f} a minute"

    def _why_missed(self, *, unreadable: bool) -> str:
        if unreadable:
            return "messages come that cannot be read, the platform has probably changed them"
        if all(flow.is_missed for flow in self._viewers_doings):
            return "the connection stands but brings nothing"
        return self._credential_or("the platform sends only the rest")

    def _credential_or(self, otherwise: str) -> str:
        return f"{self._credentials} is probably missing or expired" if self._credentials else otherwise
