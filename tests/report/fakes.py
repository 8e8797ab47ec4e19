"""A cloud, an outbox, a ledger, a job query and a signer as the way to the job knows them.

Each holds the reporter to its contract: a call's body is what the documents allow, there is one call at a
time, an event has one fate.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.events import EventType
from bridge.pending import DropReason, Pending
from bridge.report.batch import MAX_BATCH_BYTES
from bridge.report.contract import Job, JobState
from bridge.report.url import ReportUrl
from bridge.report.wire import Answer, Verdict, classify
from tests.fakes import FakeClock

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
    def keys(self) -> list[str]:
        """The keys that were called with."""
        return [ReportUrl(call.url).key for call in self.calls]

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
