"""The send loop of one room: one call in flight, in order of arrival, until each event's fate is decided.

What arrives while a call is under way goes together in the next one. A batch whose call failed is sent
again as it was, less what expired, before anything newer; only refused events are parked beside the
fresh ones, see ``suspects``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bridge.backoff import Backoff
from bridge.clock import Clock
from bridge.errors import CloudAuthError, CloudError
from bridge.pending import DropReason, Pending
from bridge.report import wire
from bridge.report.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, Batch
from bridge.report.contract import Ledger, Queue
from bridge.report.destination import Destination
from bridge.report.limiter import CallLimiter
from bridge.report.post import Poster
from bridge.report.suspects import Suspects
from bridge.report.wire import Answer, Verdict

BACKOFF_FIRST_SECS = 0.5
BACKOFF_MAX_SECS = 15.0
GONE_WAIT_SECS = 5.0
MISCONFIGURED_WAIT_SECS = 30.0
SYSTEMIC_WAIT_SECS = 30.0
STOPPING_WAIT_SECS = 1.0
"""The longest wait after a failure while stopping: the budget is a few seconds."""
EXPIRY_TICK_SECS = 1.0
PROXY_REFUSALS = 3
"""How often a 400 that the application did not write is repeated before the events are suspected."""
LEARNED_GROWTH = 1.05
LOG_INTERVAL_SECS = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReporterSettings:
    """A room's ``report`` section."""

    max_batch_events: int = MAX_BATCH_EVENTS
    max_batch_bytes: int = MAX_BATCH_BYTES
    min_interval_secs: float = 0.2
    no_need_review: bool | None = None
    app_user_id: str = ""


class Reporter:
    """Reports one room's events. ``wake`` after anything was added to the queue."""

    def __init__(
        self,
        room: str,
        *,
        queue: Queue,
        ledger: Ledger,
        destination: Destination,
        poster: Poster,
        limiter: CallLimiter,
        clock: Clock,
        random: Callable[[], float],
        settings: ReporterSettings,
        carrier: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._destination = destination
        self._poster = poster
        self._limiter = limiter
        self._clock = clock
        self._settings = settings
        self._carrier = carrier
        self._log = log.bind(room=room)
        self._backoff = Backoff(BACKOFF_FIRST_SECS, BACKOFF_MAX_SECS, random)
        self._again: deque[Batch] = deque()
        self._suspects = Suspects()
        self._suspects_turn = False
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._not_before = 0.0
        self._started_at = float("-inf")
        self._max_bytes = settings.max_batch_bytes - wire.ENVELOPE_BYTES
        self._stop_at: float | None = None
        self._complained_at = float("-inf")
        self.in_flight = 0
        self.last_error = ""
        destination.on_new_url = self._go_on

    @property
    def parked_events(self) -> int:
        """How many events left the queue and have no fate yet."""
        return self.in_flight + sum(len(batch) for batch in self._again) + len(self._suspects)

    def wake(self) -> None:
        """Look at the queue again."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled, or until nothing more can be sent after ``stop``."""
        while True:
            self._woken.clear()
            now = self._clock.monotonic()
            self._expire(now)
            due_at = self._due_at(now)
            if self._stop_at is not None and (due_at is None or due_at > self._stop_at):
                return
            if due_at is None or due_at > now:
                await self._rest(due_at, now)
                continue
            delay_secs = self._limiter.reserve(now)
            if delay_secs > 0:
                await self._clock.wait(self._stopping, delay_secs)
            await self._send_next()

    def stop(self, at: float) -> None:
        """Send what can be sent until ``at`` (monotonic) without waiting for company, then end ``run``."""
        self._stop_at = at
        self._not_before = min(self._not_before, self._clock.monotonic())
        self._stopping.set()
        self.wake()

    def drain(self) -> None:
        """Take everything that waits now, to be sent before the destination holds; what comes later waits."""
        now = self._clock.monotonic()
        while taken := self._queue.take(self._settings.max_batch_events, self._max_bytes, now):
            self._again.append(Batch(taken))
        self.wake()

    def leftovers(self) -> list[Pending]:
        """Return, and no longer keep, the events that left the queue without a fate, in order of arrival."""
        left = [pending for batch in self._again for pending in batch.events] + self._suspects.everything()
        self._again.clear()
        self._suspects = Suspects()
        return sorted(left, key=lambda pending: pending.number)

    def _go_on(self) -> None:
        """Drop a wait that was for another URL."""
        self._not_before = min(self._not_before, self._clock.monotonic())
        self.wake()

    async def _refresh(self) -> None:
        """Ask for a fresh URL by the latest viewer count, or else by the job query."""
        self._destination.begin_quiet_refresh()
        carrier = self._carrier()
        if carrier is None:
            await self._destination.ask_for_job()
            return
        answer = await self._call(wire.encode([carrier], no_need_review=self._settings.no_need_review), 0)
        if answer.verdict is Verdict.DELIVERED:
            self._accepted(answer)
            return
        self._complain(answer, 0)
        await self._wait_after(answer.verdict, answer)

    def _due_at(self, now: float) -> float | None:
        """Return when the next call may start, ``None`` if there is nothing to send or nowhere to send it."""
        if self._destination.is_draining and not self.parked_events:
            self._destination.drained()
        if not self._destination.is_ready:
            return None
        ready_at: float | None = now
        if not self._again and not self._suspects.has_next:
            ready_at = self._queue_ready_at(now)
        if self._stop_at is not None and ready_at != now:
            return None
        if ready_at is None:
            return max(now, self._free_at) if self._destination.wants_quiet_refresh() else None
        return max(ready_at, self._free_at)

    def _queue_ready_at(self, now: float) -> float | None:
        return None if self._destination.is_draining else self._queue.ready_at(now)

    @property
    def _free_at(self) -> float:
        """When the next call may start as far as the last one is concerned."""
        interval_secs = self._settings.min_interval_secs if self._stop_at is None else 0.0
        return max(self._not_before, self._started_at + interval_secs)

    async def _rest(self, due_at: float | None, now: float) -> None:
        """Sleep until the next call, a wake-up, or the next look at what expires."""
        secs = EXPIRY_TICK_SECS if due_at is None else min(due_at - now, EXPIRY_TICK_SECS)
        # More events change nothing before the last call lets go: not to be woken saves a loop an event.
        is_bound = due_at is not None and due_at <= self._free_at and self._stop_at is None
        await self._clock.wait(self._stopping if is_bound else self._woken, secs)

    async def _send_next(self) -> None:
        now = self._clock.monotonic()
        self._expire(now)  # the limiter may have made us wait
        self._started_at = now
        if not self._destination.is_ready:
            return
        batch, is_suspect = self._next(now)
        if not batch.events:
            if self._destination.wants_quiet_refresh():
                await self._refresh()
            return
        self.in_flight = len(batch)
        body = wire.encode((pending.wire for pending in batch.events), no_need_review=self._settings.no_need_review)
        try:
            answer = await self._call(body, len(batch))
        except BaseException:
            self._repeat(batch, is_suspect=is_suspect)
            raise
        finally:
            self.in_flight = 0
        await self._settle(batch.again(), answer, is_suspect=is_suspect)

    def _next(self, now: float) -> tuple[Batch, bool]:
        """Return the batch to send now and whether it is a suspect one."""
        if self._again:
            batch = self._again.popleft()
            while len(batch) > 1 and batch.size_bytes > self._max_bytes:
                batch, rest = batch.halves()
                self._again.appendleft(rest)
            return batch, False
        queue_ready_at = self._queue_ready_at(now)
        has_fresh = queue_ready_at is not None and queue_ready_at <= now
        if self._suspects.has_next and (self._suspects_turn or not has_fresh):
            self._suspects_turn = False
            return self._suspects.next(), True
        self._suspects_turn = True
        if not has_fresh:
            return Batch([]), False
        return Batch(self._queue.take(self._settings.max_batch_events, self._max_bytes, now)), False

    async def _call(self, body: bytes, events: int) -> Answer:
        try:
            async with self._destination.call() as call:
                url, headers = await self._destination.request(body)
                if self._settings.app_user_id:
                    headers = {**headers, "X-App-UserId": self._settings.app_user_id}
                started_at = self._clock.monotonic()
                answer = await self._poster.post(url, headers, body)
                if answer.verdict is Verdict.UNAUTHORISED:
                    call.refused(CloudAuthError(str(answer), status=answer.status, error_code=answer.error_code))
                elif answer.is_from_service:
                    call.accepted()
        except CloudAuthError as error:
            return Answer(Verdict.UNAUTHORISED, error.status, error.error_code, error.problem)
        except CloudError as error:
            return Answer(Verdict.NOT_SENT, error.status, error.error_code, error.problem)
        self._ledger.called(answer, events, self._clock.monotonic() - started_at)
        return answer

    async def _settle(self, batch: Batch, answer: Answer, *, is_suspect: bool) -> None:
        verdict = answer.verdict
        if verdict is Verdict.DELIVERED:
            self._ledger.delivered(batch.events)
            self._accepted(answer)
            return
        self._complain(answer, len(batch))
        if verdict is Verdict.UNAVAILABLE and answer.status in (400, 409, 422) and batch.attempts > PROXY_REFUSALS:
            verdict = Verdict.REFUSED
        if verdict is Verdict.REFUSED or (verdict is Verdict.TOO_LARGE and len(batch) == 1):
            self._refused(batch, answer, is_suspect=is_suspect)
            return
        if verdict is Verdict.TOO_LARGE:
            self._too_large(batch, is_suspect=is_suspect)
            return
        if verdict is Verdict.UNKNOWN:
            batch, lost = batch.split(lambda pending: pending.resend_when_unknown)
            self._ledger.dropped(lost, DropReason.AMBIGUOUS)
        self._repeat(batch, is_suspect=is_suspect)
        await self._wait_after(verdict, answer)

    async def _wait_after(self, verdict: Verdict, answer: Answer) -> None:
        """Let time pass before the next call, after one that said nothing about the events."""
        now = self._clock.monotonic()
        if verdict is Verdict.UNAUTHORISED:
            self._not_before = now + await self._destination.refused(answer)
            return
        if verdict is Verdict.MISCONFIGURED:
            self._destination.misconfigured(answer)
            self._not_before = now + MISCONFIGURED_WAIT_SECS
            return
        wait_secs = max(self._backoff.next_secs(), answer.retry_after_secs)
        if verdict is Verdict.THROTTLED:
            self._limiter.throttled(now, wait_secs)
        if verdict is Verdict.GONE:
            wait_secs = max(wait_secs, GONE_WAIT_SECS)
        elif self._stop_at is not None and not answer.retry_after_secs:
            wait_secs = min(wait_secs, STOPPING_WAIT_SECS)
        self._not_before = now + wait_secs
        if verdict is Verdict.GONE:
            await self._destination.gone()

    def _accepted(self, answer: Answer) -> None:
        """Take note that a call worked, for whoever waits for that."""
        self._backoff.reset()
        self._limiter.succeeded()
        self._destination.delivered(answer)
        self.last_error = ""
        for condemned in self._suspects.accepted():
            self._ledger.dead_lettered(condemned.pending, condemned.answer)
        ceiling = self._settings.max_batch_bytes - wire.ENVELOPE_BYTES
        self._max_bytes = min(ceiling, int(self._max_bytes * LEARNED_GROWTH) + 1)

    def _refused(self, batch: Batch, answer: Answer, *, is_suspect: bool) -> None:
        """Find the bad event: what breaks the contract by our own reading first, then by halving."""
        sound, broken = batch.split(lambda pending: not wire.problem(pending.wire))
        if broken:
            for pending in broken:
                self._ledger.dead_lettered(pending, _with_own_words(answer, wire.problem(pending.wire)))
            self._repeat(sound, is_suspect=is_suspect)
            return
        self._suspects.refused(batch, answer)
        if self._suspects.is_systemic:
            self._suspects.acquit()
            self._not_before = self._clock.monotonic() + SYSTEMIC_WAIT_SECS
            self._destination.raise_alarm(
                f"the cloud refuses every event ({answer}): nothing is given up, trying again"
            )
            self._log.error("report.refused_throughout", problem=str(answer), wait_secs=SYSTEMIC_WAIT_SECS)

    def _too_large(self, batch: Batch, *, is_suspect: bool) -> None:
        """Remember the size that was too large, and go on with the halves."""
        self._max_bytes = max(batch.size_bytes // 2, 1)
        if is_suspect:
            self._suspects.put_back(Batch(()))
        self._again.extendleft(reversed(batch.halves()))

    def _repeat(self, batch: Batch, *, is_suspect: bool) -> None:
        if is_suspect:
            self._suspects.put_back(batch)
        elif batch.events:
            self._again.appendleft(batch)

    def _expire(self, now: float) -> None:
        self._ledger.dropped(self._queue.expire(now), DropReason.EXPIRED)
        if self._again:
            split = [batch.split(lambda pending: pending.expires_at > now) for batch in self._again]
            self._ledger.dropped([pending for _, late in split for pending in late], DropReason.EXPIRED)
            self._again = deque(alive for alive, _ in split if alive.events)
        if len(self._suspects):
            expired, dead = self._suspects.expire(now)
            self._ledger.dropped(expired, DropReason.EXPIRED)
            for condemned in dead:
                self._ledger.dead_lettered(condemned.pending, condemned.answer)

    def _complain(self, answer: Answer, events: int) -> None:
        """Log a failed call, at most once in a while: an outage is one fact, not thousands of lines."""
        self.last_error = str(answer)
        now = self._clock.monotonic()
        if now - self._complained_at >= LOG_INTERVAL_SECS:
            self._complained_at = now
            self._log.warning(
                "report.failed",
                verdict=answer.verdict.value,
                problem=str(answer),
                request_id=answer.request_id,
                events=events,
            )


def _with_own_words(answer: Answer, problem: str) -> Answer:
    return Answer(answer.verdict, answer.status, answer.error_code, f"{problem}; {answer.error_msg}", answer.request_id)
