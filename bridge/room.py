"""One live room: its sources, its outbox and its reporter, isolated from all others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog
from msgspec.structs import replace

from bridge.clock import Clock
from bridge.counters import RoomCounters
from bridge.errors import RoomNotFoundError
from bridge.events import Comment, EventType, Gift, LiveEvent, PaidMessage, Viewers, encodable
from bridge.keep_running import keep_running
from bridge.outbox.admission import Admission
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.outbox import Outbox
from bridge.outbox.policy import Policies
from bridge.outbox.spool import Spool
from bridge.outbox.spool_records import DeadLetter, Note, Notes, Row
from bridge.pending import DropReason, Pending
from bridge.report.destination import Destination
from bridge.report.reporter import Reporter
from bridge.report.wire import Answer
from bridge.sources.contract import Decoded, Notice, NoticeKind
from bridge.sources.intake import Taken
from bridge.sources.room_source import RoomSource, at_the_end, of_the_room

MAX_IGNORED_NAMES = 500
MAX_UNKNOWN_NAMES = 200
MAX_CURRENCIES = 50
MAX_CURRENCY_CHARS = 32
CARRIER_MAX_AGE_SECS = 600.0
CHECK_SECS = 15.0
MAX_ERROR_CHARS = 1000

log = structlog.get_logger()


class Room:
    """Takes what the sources decode and hands it to the reporter. Every event's fate is recorded here, once."""

    def __init__(
        self,
        name: str,
        *,
        policies: Policies,
        admission: Admission,
        outbox: Outbox,
        spool: Spool,
        guard: MemoryGuard,
        clock: Clock,
    ) -> None:
        self.name = name
        self.outbox = outbox
        self.counters = RoomCounters()
        self.sources: dict[str, RoomSource] = {}
        self.destination: Destination
        self.reporter: Reporter
        self._policies = policies
        self._admission = admission
        self._spool = spool
        self._guard = guard
        self._clock = clock
        self._log = log.bind(room=name)
        self._last_viewers: tuple[LiveEvent, float] | None = None
        self._holding = asyncio.Event()
        guard.join(name, outbox, self.dropped)
        spool.notes_from(self._notes)

    def pending_events(self) -> int:
        """Return how many events have no fate yet, wherever they are."""
        held = sum(source.intake.held_events for source in self.sources.values())
        return len(self.outbox) + self.reporter.parked_events + held

    def recover(self, rows: Iterable[Row], notes: Notes) -> None:
        """Take up what an earlier process left: events age by the wall clock, notes go to their sources."""
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        for row in rows:
            age_secs = max(now_ms - row.arrived_at_ms, 0) / 1000
            self._take_up(row, now - age_secs)
        for source in self.sources.values():
            source.intake.restore(notes.get((self.name, source.name), {}), now)
            self.counters.recovered[EventType.GIFT] += source.intake.held_events
        self._holding.set()
        self.reporter.wake()

    def revive(self, row: Row) -> None:
        """Take up a dead letter that the operator wants sent again; it is in the spool already."""
        self._take_up(row, self._clock.monotonic())
        self.reporter.wake()

    def take(self, source: RoomSource, decoded: Decoded) -> None:
        """Take what one frame of a source yielded."""
        source.begin(self._clock.now_ms())
        source.odd_messages += len(decoded.rejected) + len(decoded.unknown)
        if decoded.events:
            self._take_events(source, decoded.events)
        for name in decoded.ignored:
            self._take_ignored(source, encodable(name[:100]))
        for error in decoded.rejected:
            self.counters.rejected[source.platform] += 1
            self._log.debug("frame.rejected", source=source.name, problem=str(error)[:200])
        for name in decoded.unknown:
            self._take_unknown(source, encodable(name[:100]))
        for notice in decoded.notices:
            self._take_notice(source, notice)

    def delivered(self, events: Sequence[Pending]) -> None:
        """Record events that the cloud accepted."""
        now = self._clock.monotonic()
        self.counters.delivered.update(Counter(pending.type for pending in events))
        self.counters.last_delivered_at_ms = self._clock.now_ms()
        self.counters.latency_secs.observe_ages([pending.arrived_at for pending in events], now)
        self._spool.settle([pending.number for pending in events if pending.durable])

    def dropped(self, events: Sequence[Pending], reason: DropReason) -> None:
        """Record events that will not be sent."""
        if not events:
            return
        for pending in events:
            self.counters.dropped[pending.type, reason] += 1
        self._spool.settle([pending.number for pending in events if pending.durable])

    def dead_lettered(self, pending: Pending, answer: Answer) -> None:
        """Record an event that the cloud refuses by itself."""
        self.counters.dropped[pending.type, DropReason.POISON] += 1
        self.counters.dead_letters[answer.error_code or str(answer.status)] += 1
        self._log.warning("event.dead_lettered", type=pending.type.name.lower(), problem=str(answer)[:200])
        self._spool.dead_letter(
            DeadLetter(
                number=pending.number,
                room=self.name,
                job_id=self.destination.job_id,
                type=pending.type,
                died_at_ms=self._clock.now_ms(),
                status=answer.status,
                error_code=answer.error_code,
                error_msg=answer.error_msg[:MAX_ERROR_CHARS],
                request_id=answer.request_id,
                wire=pending.wire,
            )
        )

    def called(self, answer: Answer, events: int, secs: float) -> None:
        """Record a report call."""
        self.counters.calls[str(answer.status) if answer.status else answer.verdict.value] += 1
        self.counters.call_secs.observe(secs)
        self.counters.batch_events.observe(events)

    def carrier(self) -> bytes | None:
        """Return the latest viewer count as of now, for a call that is made for the URL's sake; ``None`` if too old."""
        if self._last_viewers is None:
            return None
        event, taken_at = self._last_viewers
        if self._clock.monotonic() - taken_at > CARRIER_MAX_AGE_SECS:
            return None
        return replace(event, timestamp_ms=self._clock.now_ms()).to_wire()

    async def run_sources(self) -> None:
        """Keep all sources connected and let go of what they hold in time, until cancelled.

        Then it ends when they have: what they owe to their platforms is called before.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kept_running("held events", self._release_held))
            group.create_task(self._kept_running("liveness", self._check_sources))
            for source in self.sources.values():
                if source.supervisor is not None:
                    group.create_task(self._kept_running(source.name, source.supervisor.run))

    async def run_reporter(self) -> None:
        """Report until ``reporter.stop``, and look after the destination meanwhile."""
        watch = asyncio.ensure_future(self._kept_running("report URL", self.destination.watch))
        try:
            await self._kept_running("reporter", self.reporter.run)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    @property
    def is_live(self) -> bool | None:
        """Whether any source is live, ``None`` where none has told."""
        told = [source.is_live for source in self.sources.values() if source.is_live is not None]
        return any(told) if told else None

    @property
    def job_id(self) -> str:
        """The job that is reported to, "" when it is not known."""
        return self.destination.job_id

    def stream_ended(self) -> None:
        """Take note that the job's stream is over: report what waits now, held events included, then stop."""
        if self.destination.stream_ended():
            self.let_go()
            self.reporter.drain()

    def stream_connected(self) -> None:
        """Go on reporting if the job's stream had ended."""
        self.destination.stream_connected()
        self.reporter.wake()

    def let_go(self) -> None:
        """Report everything that sources hold: the room ended, or we stop."""
        now = self._clock.monotonic()
        for source in self.sources.values():
            self._admit(source, source.intake.flush(now))

    def close(self) -> int:
        """Give everything left its place: durable events stay in the spool, the others are dropped.

        Returns how many stay.
        """
        left = [*self.reporter.leftovers(), *self.outbox.clear(EventType)]
        self.dropped([pending for pending in left if not pending.durable], DropReason.SHUTDOWN)
        return sum(pending.durable for pending in left)

    def _take_events(self, source: RoomSource, events: Sequence[LiveEvent]) -> None:
        counters, now, now_ms = self.counters, self._clock.monotonic(), self._clock.now_ms()
        for kind, count in Counter(map(self._admission.type_of, events)).items():
            counters.received[source.platform, kind] += count
            source.took(kind, count, now, now_ms)
        if source.replays_history:
            events, old = source.without_history(events, self._earliest_ms)
            for event, reason in old:
                self._drop(event, reason)
        intake = source.intake
        held_before = intake.held_events
        self._admit(source, intake.offer(events, now))
        if intake.held_events:
            self._spool.notes_changed()
            if intake.held_events > held_before:
                self._holding.set()

    def _admit(self, source: RoomSource, taken: Taken) -> None:
        """Encode what is worth reporting and put it on its way."""
        for event, reason in taken.dropped:
            self._drop(event, reason)
            if reason is DropReason.DUPLICATE:
                self.counters.duplicates[source.platform] += 1
        if not taken.events:
            return
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        add, spool, admission = self.outbox.add, self._spool, self._admission
        for event in taken.events:
            is_plain = type(event.content) is Comment and not event.content.user.masked
            forms = admission.forms(event if is_plain else self._looked_at(source, event, now))
            if len(forms) > 1:
                self.counters.received[source.platform, forms[1].content.type] += 1
            for form in forms:
                refusal = admission.refusal(form, now)
                if refusal is not None:
                    self._drop(form, refusal)
                    continue
                pending = self._pending(spool.next_number(), form.content.type, form.to_wire(), now)
                pending.paid = type(event.content) is PaidMessage
                if pending.durable:
                    spool.add(self.name, pending, now_ms)
                superseded = add(pending)
                if superseded is not None:
                    self.dropped([superseded], DropReason.SUPERSEDED)
        self.dropped(self.outbox.overflow(), DropReason.OVERFLOW)
        self._guard.added(len(taken.events))
        self.reporter.wake()

    def _take_up(self, row: Row, arrived_at: float) -> None:
        """Let an event wait that is in the spool already, whatever its type: its row goes when its fate is decided."""
        pending = self._pending(row.number, row.type, row.wire, arrived_at)
        pending.durable = True
        self.counters.recovered[row.type] += 1
        superseded = self.outbox.add(pending)
        if superseded is not None:
            self.dropped([superseded], DropReason.SUPERSEDED)

    def _pending(self, number: int, kind: EventType, wire: bytes, arrived_at: float) -> Pending:
        policy = self._policies[kind]
        return Pending(
            number, kind, wire, arrived_at, arrived_at + policy.ttl_secs, policy.durable, policy.resend_when_unknown
        )

    def _looked_at(self, source: RoomSource, event: LiveEvent, now: float) -> LiveEvent:
        """Keep what the operator is shown of events beyond their number: viewers, money, masked users.

        Returns the event, a viewer count as that of the whole room.
        """
        content = event.content
        if isinstance(content, Viewers):
            event = of_the_room(event, source, self.sources.values(), now)
            self._last_viewers = (event, now)
            return event
        gift = content.gift if isinstance(content, PaidMessage) else content
        if gift.user.masked:
            self.counters.masked_users[source.platform] += 1
            source.masked_events += 1
        if isinstance(gift, Gift):
            self._count_money(source, self._admission.priced(gift))
        return event

    def _drop(self, event: LiveEvent, reason: DropReason) -> None:
        self.counters.dropped[self._admission.type_of(event), reason] += 1

    def _count_money(self, source: RoomSource, gift: Gift) -> None:
        paid = self.counters.paid_value
        key = (source.platform, encodable(gift.currency[:MAX_CURRENCY_CHARS]))
        if key not in paid and len(paid) >= MAX_CURRENCIES:
            key = (source.platform, "other")
        paid[key] += gift.total_value
        if gift.priced:
            return
        self.counters.unpriced_gifts[source.platform] += 1
        if self._admission.is_unknown_price(gift):
            self._log.warning("gift.price_unknown", source=source.name, gift=gift.name[:100])

    def _take_ignored(self, source: RoomSource, name: str) -> None:
        ignored, key = self.counters.ignored, (source.platform, name)
        if key not in ignored and len(ignored) >= MAX_IGNORED_NAMES:
            key = (source.platform, "other")
        ignored[key] += 1

    def _take_unknown(self, source: RoomSource, name: str) -> None:
        unknown = self.counters.unknown
        key = (source.platform, name)
        if key not in unknown:
            if len(unknown) >= MAX_UNKNOWN_NAMES:
                key = (source.platform, "other")
            else:
                self._log.info("message.unknown", source=source.name, name=name)
        unknown[key] += 1

    def _take_notice(self, source: RoomSource, notice: Notice) -> None:
        if notice.kind is NoticeKind.CREDENTIAL_WEAK:
            if source.weakened(notice.detail, self._clock.monotonic()):
                self._log.warning("source.credential_weak", source=source.name, problem=notice.detail)
            return
        is_live = notice.kind is NoticeKind.LIVE
        if is_live == source.is_live:
            return
        now = self._clock.monotonic()
        source.turned(now, is_live=is_live)
        self._log.info("source.live" if is_live else "source.ended", source=source.name, detail=notice.detail)
        if not is_live:
            self._admit(source, source.intake.flush(now))
            ending = at_the_end(self.sources.values(), now, self._clock.now_ms())
            self.counters.received[source.platform, EventType.VIEWERS] += len(ending)
            self._admit(source, Taken(ending))

    def _earliest_ms(self, event: LiveEvent) -> float:
        return self._clock.now_ms() - self._policies[self._admission.type_of(event)].ttl_secs * 1000

    def _notes(self, *, whole: bool) -> Iterable[Note]:
        for source in self.sources.values():
            if whole:
                source.intake.forget_notes()
            for key, value in source.intake.notes().items():
                yield Note(self.name, source.name, key, value)

    async def _release_held(self) -> None:
        """Let go of what waits for a twin or for the end of its combo, each in its time."""
        while True:
            self._holding.clear()
            dues = [due for source in self.sources.values() if (due := source.intake.due_at()) is not None]
            wait_secs = max(min(dues) - self._clock.monotonic(), 0.01) if dues else None
            # What comes to be held meanwhile may be due before everything that is held by now.
            await self._clock.wait(self._holding, wait_secs)
            now = self._clock.monotonic()
            for source in self.sources.values():
                self._admit(source, source.intake.due(now))

    async def _check_sources(self) -> None:
        """Tell the operator what stops coming from a source that is connected."""
        while True:
            await self._clock.sleep(CHECK_SECS)
            for source in self.sources.values():
                for alarm in source.check(self._clock.monotonic()):
                    self._log.warning("source.alarm", source=source.name, problem=alarm)

    async def _kept_running(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        await keep_running(what, work, self._clock, room=self.name, final=(RoomNotFoundError,))
