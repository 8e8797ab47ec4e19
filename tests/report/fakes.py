"""A cloud, an outbox and a ledger as the reporter knows them, and a room put together from them.

Each holds the reporter to its contract: a call's body is what the documents allow, there is one call at a
time, an event has one fate.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from bridge.credential_guard import CredentialGuard
from bridge.events import EventType
from bridge.pending import DropReason, Pending
from bridge.report.batch import MAX_BATCH_BYTES
from bridge.report.contract import Job, JobFinder, JobState, Signer
from bridge.report.destination import Destination
from bridge.report.limiter import CallLimiter
from bridge.report.reporter import Reporter, ReporterSettings
from bridge.report.url_store import UrlStore
from bridge.report.wire import Answer, Verdict, classify
from tests.fakes import FakeClock, settle

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
PATH = "/v1/p1/smart-live-rooms/r1/smart-live-jobs/j1/live-event-report"
HOST = "https://metastudio.cn-north-4.example.com"
HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000
NEVER = 1e9
CARRIER = -1
"""The number under which the viewer count of a call made for the refresh alone is recorded."""


def url_of(key: str = KEY, *, lives_secs: float = 0.0, job: str = "j1", host: str = HOST) -> str:
    """Return a report URL; one that lives 0 seconds tells no end."""
    end = f"&expires_time={START_MS + round(lives_secs * 1000)}" if lives_secs else ""
    return f"{host}{PATH.replace('j1', job)}?auth_key={key}{end}"


def event_wire(text: str, kind: EventType = EventType.COMMENT) -> bytes:
    content = orjson.dumps({"content": text}).decode()
    return orjson.dumps({"timestamp": START_MS, "type": kind, "content": content})


CARRIER_WIRE = event_wire(str(CARRIER), EventType.VIEWERS)


def pending(
    number: int,
    *,
    text: str = "",
    kind: EventType = EventType.COMMENT,
    at: float = 0.0,
    expires_at: float = NEVER,
    wire: bytes = b"",
) -> Pending:
    """Return an event on its way; a comment's text begins with its number."""
    durable = kind in (EventType.COMMENT, EventType.GIFT)
    wire = wire or event_wire(f"{number} {text}".strip(), kind)
    return Pending(number, kind, wire, at, expires_at, durable=durable, resend_when_unknown=durable)


def numbers(events: Iterable[Pending]) -> list[int]:
    return [event.number for event in events]


def said(status: int, code: str = "", message: str = "", *, body: bytes = b"", **headers: str) -> Answer:
    """Return what an HTTP answer means; ``retry_after="5"`` is the header ``Retry-After``."""
    if code or message:
        body = orjson.dumps({"error_code": code, "error_msg": message})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status, named, body, START_MS)


def accepted(new_url: str = "") -> Answer:
    return said(200, body=orjson.dumps({"live_event_report_url": new_url} if new_url else {}))


BAD_EVENT = said(400, "MSS.00000003", "Invalid parameter: events")
BAD_KEY = said(401, "MSS.00000001", "Unauthorized")
BROKEN = said(500, "MSS.00000004", "Internal error")
NOT_FOUND = said(404, "MSS.20010074", "The job is over")
TOO_LARGE = said(413, "APIGW.0201", "Request entity too large")
NO_ANSWER = Answer(Verdict.UNKNOWN, error_msg="no answer in time")
NO_CONNECTION = Answer(Verdict.NOT_SENT, error_msg="cannot connect: Connection refused")


@dataclass
class Call:
    """One report call as the cloud saw it; ``numbers`` are the events' own."""

    at: float
    url: str
    headers: Mapping[str, str]
    numbers: list[int]
    size_bytes: int
    body: Mapping[str, Any]

    @property
    def asks_refresh(self) -> bool:
        return "refresh_url=true" in self.url


Judge = Callable[[Call], Answer | Awaitable[Answer]]


class FakeCloud:
    """Answers as ``will`` says, call by call, and then as ``judge`` says."""

    def __init__(self, clock: FakeClock, *, rtt_secs: float = 0.0) -> None:
        self._clock = clock
        self._script: deque[Answer] = deque()
        self._under_way: set[str] = set()
        self.rtt_secs = rtt_secs
        self.calls: list[Call] = []
        self.taken: list[int] = []
        self.judge: Judge = lambda _call: accepted()

    def will(self, *answers: Answer) -> None:
        self._script.extend(answers)

    def always(self, answer: Answer) -> None:
        self.judge = lambda _call: answer

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        call = self._recorded(url, headers, body)
        room = url.partition("?")[0]
        assert room not in self._under_way, "two calls of one room at a time"
        self._under_way.add(room)
        try:
            if self.rtt_secs:
                await self._clock.sleep(self.rtt_secs)
            judged = self._script.popleft() if self._script else self.judge(call)
            answer = judged if isinstance(judged, Answer) else await judged
        finally:
            self._under_way.discard(room)
        if answer.verdict is Verdict.DELIVERED:
            self.taken += call.numbers
        return answer

    @property
    def batches(self) -> list[list[int]]:
        return [call.numbers for call in self.calls]

    @property
    def times(self) -> list[float]:
        return [call.at for call in self.calls]

    @property
    def gaps(self) -> list[float]:
        """The times between the starts of two calls."""
        return [later - earlier for earlier, later in itertools.pairwise(self.times)]

    def _recorded(self, url: str, headers: Mapping[str, str], body: bytes) -> Call:
        report = orjson.loads(body)
        events = report["events"]
        assert report["total"] == len(events)
        assert 1 <= len(events) <= 1000
        assert len(body) <= MAX_BATCH_BYTES
        sent = [int(orjson.loads(event["content"])["content"].split(" ")[0]) for event in events]
        call = Call(self._clock.monotonic(), url, dict(headers), sent, len(body), report)
        self.calls.append(call)
        return call


class FakeQueue:
    """What waits, in order; ``opens_at`` keeps it all back until then, as the outbox does with viewer counts."""

    def __init__(self) -> None:
        self.events: deque[Pending] = deque()
        self.opens_at = 0.0

    def __len__(self) -> int:
        return len(self.events)

    def take(self, max_events: int, max_bytes: int, now: float) -> list[Pending]:
        taken: list[Pending] = []
        size = 0
        while self.events and len(taken) < max_events and now >= self.opens_at:
            size += len(self.events[0].wire) + 1
            if taken and size > max_bytes:
                break
            taken.append(self.events.popleft())
        return taken

    def ready_at(self, now: float) -> float | None:
        return max(now, self.opens_at) if self.events else None

    def expire(self, now: float) -> list[Pending]:
        expired = [event for event in self.events if event.expires_at <= now]
        self.events = deque(event for event in self.events if event.expires_at > now)
        return expired


class FakeLedger:
    """Writes down every event's fate, and does not stand for a second one."""

    def __init__(self) -> None:
        self.fates: dict[int, str] = {}
        self.delivered_in_order: list[int] = []
        self.dead: dict[int, Answer] = {}
        self.calls: list[tuple[Answer, int, float]] = []

    def delivered(self, events: Sequence[Pending]) -> None:
        for event in events:
            self._decide(event, "delivered")
            self.delivered_in_order.append(event.number)

    def dropped(self, events: Sequence[Pending], reason: DropReason) -> None:
        for event in events:
            self._decide(event, reason.value)

    def dead_lettered(self, pending: Pending, answer: Answer) -> None:
        self._decide(pending, "dead letter")
        self.dead[pending.number] = answer

    def called(self, answer: Answer, events: int, secs: float) -> None:
        self.calls.append((answer, events, secs))

    def fate(self, fate: str) -> list[int]:
        return sorted(number for number, found in self.fates.items() if found == fate)

    def _decide(self, event: Pending, fate: str) -> None:
        assert event.number not in self.fates, f"event {event.number} was {self.fates[event.number]} already"
        self.fates[event.number] = fate


class FakeFinder:
    """A job query that finds ``job``, or fails with ``error``."""

    def __init__(self, job: Job | None = None) -> None:
        self.job = job
        self.error: Exception | None = None
        self.asked = 0

    async def find(self) -> Job | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.job


class FakeSigner:
    """Signs with a token that may be replaced once."""

    def __init__(self, token: str = "token-1", *, spare: str = "") -> None:
        self.token = token
        self.spare = spare
        self.renewals = 0
        self.error: Exception | None = None
        self.renewal_error: Exception | None = None
        self.fingerprint = "signer-1"

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        if self.error is not None:
            raise self.error
        assert (method, bool(body)) == ("POST", True)
        return {"X-Auth-Token": self.token}

    async def renew(self, used: Mapping[str, str]) -> bool:
        self.renewals += 1
        if self.renewal_error is not None:
            raise self.renewal_error
        if used.get("X-Auth-Token") == self.token and self.spare:
            self.token, self.spare = self.spare, ""
            return True
        return False


def running(url: str, job_id: str = "j1") -> Job:
    return Job(job_id, JobState.RUNNING, url)


def ended(job_id: str = "j1") -> Job:
    return Job(job_id, JobState.ENDED, "")


@dataclass
class Setup:
    """How a room is put together; what two rooms share is given to both."""

    directory: Path = Path(os.devnull)  # keeps nothing
    url: str | None = field(default_factory=url_of)
    room: str = "evening"
    finder: JobFinder | None = None
    signer: Signer | None = None
    key_in_headers: bool = False
    max_calls_per_second: float = 1000.0
    settings: ReporterSettings = field(default_factory=ReporterSettings)
    random: Callable[[], float] = lambda: 1.0


class ReportingRoom:
    """One room's way to the job on a fake clock. Use it as an async context manager."""

    def __init__(
        self,
        setup: Setup | None = None,
        *,
        clock: FakeClock | None = None,
        cloud: FakeCloud | None = None,
        guard: CredentialGuard | None = None,
        limiter: CallLimiter | None = None,
    ) -> None:
        setup = setup or Setup()
        self.clock = clock or FakeClock(START_MS)
        self.cloud = cloud or FakeCloud(self.clock)
        self.queue = FakeQueue()
        self.ledger = FakeLedger()
        self.guard = guard or CredentialGuard()
        self.limiter = limiter or CallLimiter(setup.max_calls_per_second)
        self.configured = setup.url or ""
        self.carrier: bytes | None = None
        self.destination = Destination(
            setup.room,
            clock=self.clock,
            store=UrlStore(setup.directory, setup.room),
            credentials=self.guard,
            configured=self._configured if setup.url is not None else None,
            configured_in="/run/secrets/report_url" if setup.url is not None else "",
            finder=setup.finder,
            signer=setup.signer,
            key_in_headers=setup.key_in_headers,
        )
        self.reporter = Reporter(
            setup.room,
            queue=self.queue,
            ledger=self.ledger,
            destination=self.destination,
            poster=self.cloud,
            limiter=self.limiter,
            clock=self.clock,
            random=setup.random,
            settings=setup.settings,
            carrier=lambda: self.carrier,
        )
        self.destination.start()
        self._tasks: list[asyncio.Task[None]] = []
        self._number = 0

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.ensure_future(self.reporter.run()), asyncio.ensure_future(self.destination.watch())]
        await settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        failure = self._tasks[0].exception() if self._tasks[0].done() and not self._tasks[0].cancelled() else None
        await self.cut_off()
        if failure is not None:
            raise failure

    @property
    def has_ended(self) -> bool:
        return self._tasks[0].done()

    async def cut_off(self) -> None:
        """Cancel the room, as the bridge does at the end of its budget."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def arrive(
        self,
        count: int = 1,
        *,
        ttl_secs: float = NEVER,
        kind: EventType = EventType.COMMENT,
        text: str = "",
        wire: bytes = b"",
    ) -> list[int]:
        """Let events arrive; returns their numbers, which go on from the last."""
        now = self.clock.monotonic()
        came = []
        for _ in range(count):
            self._number += 1
            event = pending(self._number, text=text, kind=kind, at=now, expires_at=now + ttl_secs, wire=wire)
            self.queue.events.append(event)
            came.append(self._number)
        self.reporter.wake()
        return came

    async def pass_time(self, secs: float = 0.0) -> None:
        await self.clock.advance(secs)

    def has_one_place_for_each(self) -> bool:
        """Whether every event that came has one fate or is pending: the sums agree."""
        return self._number == len(self.ledger.fates) + len(self.queue) + self.reporter.parked_events

    def _configured(self) -> str:
        return self.configured
