"""A source's place in its room: what it has told already, what it still owes, and whether it is alive."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec.structs import replace

from bridge.events import EventType, LiveEvent, Viewers
from bridge.pending import DropReason
from bridge.sources.intake import Intake
from bridge.sources.liveness import Liveness
from bridge.sources.push import PushSource
from bridge.sources.supervisor import SourceState, Supervisor

HISTORY_TOLERANCE_MS = 3000
VIEWERS_KEPT_SECS = 300.0
"""For how long a viewer count stands for its source; the slowest platform is asked every minute."""


class RoomSource:
    """One source of a room, kept across its reconnects.

    ``credentials`` are the names of its options that hold one, for the operator's eyes.
    """

    def __init__(
        self, name: str, platform: str, *, replays_history: bool = False, credentials: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.platform = platform
        self.replays_history = replays_history
        self.intake = Intake()
        self.liveness = Liveness(credentials)
        self.supervisor: Supervisor | None = None
        self.push: PushSource | None = None
        self.is_live: bool | None = None
        self.credential_alarm = ""
        self.alarms: dict[str, str] = {}
        self.last_event_at_ms: dict[EventType, int] = {}
        self.masked_events = self.odd_messages = 0
        self._user_events = 0
        self._starts_at_ms = 0
        self._weak_at = 0.0
        self._live_at = 0.0
        self._odd_messages_before = 0
        self._viewers = 0
        self._viewers_at = float("-inf")

    def complaints(self) -> list[str]:
        """Return what needs the operator's hand: a refusal, a weak credential, what usually comes and does not."""
        status = self.supervisor.status if self.supervisor else None
        refusal = status.last_error if status and status.state in (SourceState.REFUSED, SourceState.FAILED) else ""
        return [one for one in (refusal, self.credential_alarm, *self.alarms.values()) if one]

    def begin(self, now_ms: int) -> None:
        """Take note of the first frame: what is older than it was said before our time."""
        if not self._starts_at_ms:
            self._starts_at_ms = now_ms - HISTORY_TOLERANCE_MS
            self.intake.connected_at_ms = 0 if self.intake.remembers else self._starts_at_ms

    def took(self, kind: EventType, count: int, now: float, now_ms: int) -> None:
        """Take note of events that came in."""
        self.last_event_at_ms[kind] = now_ms
        self.liveness.took(kind, count, now)
        if kind is not EventType.VIEWERS:
            self._user_events += count

    def without_history(
        self, events: Iterable[LiveEvent], earliest_ms: Callable[[LiveEvent], float]
    ) -> tuple[list[LiveEvent], list[tuple[LiveEvent, DropReason]]]:
        """Part what is new from what was said before our time.

        At the first connection that is everything older than it, later what is older than its TTL
        (``earliest_ms``); the rest is told apart by its ids.
        """
        fresh: list[LiveEvent] = []
        old: list[tuple[LiveEvent, DropReason]] = []
        for event in events:
            if self.intake.connected_at_ms and event.timestamp_ms < self._starts_at_ms:
                old.append((event, DropReason.HISTORY))
            elif event.timestamp_ms < earliest_ms(event):
                old.append((event, DropReason.EXPIRED))
            else:
                fresh.append(event)
                continue
            self.intake.seen(event)
        return fresh, old

    def turned(self, now: float, *, is_live: bool) -> None:
        """Take note that the source's live has begun or ended."""
        self.is_live = is_live
        self._live_at = now
        if not is_live:
            self._viewers_at = float("-inf")
            self.liveness.ended()

    def weakened(self, problem: str, now: float) -> bool:
        """Take note of a credential that does not give what it should; returns whether this is news."""
        is_news = problem != self.credential_alarm
        self.credential_alarm, self._weak_at = problem, now
        return is_news

    def watched_by(self, viewers: int, now: float) -> None:
        """Take the source's viewer count."""
        self._viewers, self._viewers_at = viewers, now

    def viewers(self, now: float) -> int:
        """Return how many watch at this source, 0 when it has not told lately."""
        return self._viewers if now - self._viewers_at <= VIEWERS_KEPT_SECS else 0

    def check(self, now: float) -> list[str]:
        """Look whether what usually comes still comes, and have the connection renewed where nothing does.

        Returns the alarms that are new.
        """
        self.liveness.took_users(self._user_events, self.masked_events)
        self._user_events = self.masked_events = 0
        connected_at = self.supervisor.connected_at if self.supervisor else 0.0
        if connected_at is not None and connected_at - self._weak_at > 1.0:
            self.credential_alarm = ""  # a new connection would have told again
        if connected_at is not None and self.is_live is not False:
            self.liveness.look(max(connected_at, self._live_at), now)
            if self.supervisor is not None and self.liveness.wants_renewal(now):
                self.supervisor.renew("the connection stood but brought nothing any more")
        if not self.liveness.missed:
            self._odd_messages_before = self.odd_messages
        before = self.alarms
        self.alarms = self.liveness.alarms(now, unreadable=self.odd_messages > self._odd_messages_before)
        return [alarm for about, alarm in self.alarms.items() if about not in before]


def of_the_room(event: LiveEvent, source: RoomSource, sources: Collection[RoomSource], now: float) -> LiveEvent:
    """Take a source's viewer count and return the room's: that of all its ``sources`` together."""
    assert isinstance(event.content, Viewers)
    source.watched_by(event.content.count, now)
    if len(sources) == 1:
        return event
    return replace(event, content=Viewers(sum(one.viewers(now) for one in sources)))


def at_the_end(sources: Collection[RoomSource], now: float, now_ms: int) -> list[LiveEvent]:
    """Return what the end of a source's live says of viewers: nothing where others go on that tell no number."""
    is_over = not any(one.is_live for one in sources)
    return [LiveEvent(now_ms, Viewers(0))] if is_over or any(one.viewers(now) for one in sources) else []
