"""What a room makes of MetaStudio's callbacks: each one at most once, and only of its own job."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Protocol

import structlog

from bridge.clock import Clock
from bridge.errors import DecodeError, PushRefusedError
from bridge.metastudio.callback_messages import (
    CONNECTED,
    END,
    CallbackEvent,
    ReplyFinished,
    ScriptSwitched,
    StreamStateChanged,
    Unknown,
    read_callback,
)
from bridge.metastudio.callback_signature import WINDOW_MS, CallbackVerifier, Verified
from bridge.server.forwarder import Forwarder
from bridge.server.refusal_pace import RefusalPace

REMEMBERED_SECS = 2 * WINDOW_MS / 1000 + 1
"""How long a callback is known again: one that is signed a minute ahead is accepted for two."""

MAX_REMEMBERED = 10_000

FORWARDED_AS = {
    ScriptSwitched.name: "metastudio.script.switched",
    StreamStateChanged.name: "metastudio.stream.state_changed",
    ReplyFinished.name: "metastudio.reply.finished",
}
"""The ``type`` under which the operator's webhook gets an event."""

log = structlog.get_logger()


class Outcome(Enum):
    """What became of a callback. The closed set behind the metric's ``outcome``."""

    ACCEPTED = "accepted"
    OTHER_JOB = "other_job"
    OUT_OF_ORDER = "out_of_order"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    REFUSED = "refused"


class JobControl(Protocol):
    """The room's reporting, as far as its job's callbacks drive it."""

    @property
    def job_id(self) -> str:
        """The job that is reported to, "" when it is not known."""
        ...

    def stream_ended(self) -> None:
        """Report what waits now, then stop until the stream is connected again or another job comes."""
        ...

    def stream_connected(self) -> None:
        """Go on reporting if the stream had ended."""
        ...


class SeenCallbacks:
    """Remembers callbacks for as long as they could be accepted again, and at most ``MAX_REMEMBERED`` of them."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def knows(self, digest: bytes, now: float) -> bool:
        """Tell whether it was added within the time that counts."""
        while self._seen and next(iter(self._seen.values())) <= now - REMEMBERED_SECS:
            self._seen.popitem(last=False)
        return digest in self._seen

    def add(self, digest: bytes, now: float) -> None:
        """Remember."""
        self._seen[digest] = now
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)


class RoomCallbacks:
    """The callbacks of one room. ``reply_finished`` is told the time (monotonic seconds) of each spoken reply."""

    def __init__(
        self,
        room: str,
        *,
        verifier: CallbackVerifier,
        job: JobControl,
        clock: Clock,
        forwarder: Forwarder | None = None,
        reply_finished: Callable[[float], None] | None = None,
    ) -> None:
        self._verifier = verifier
        self._job = job
        self._clock = clock
        self.forwarder = forwarder
        self._reply_finished = reply_finished
        self._log = log.bind(room=room)
        self._seen = SeenCallbacks()
        self._stream_told = ("", 0)
        self._refusal_pace = RefusalPace(clock)
        self.counts: Counter[tuple[str, Outcome]] = Counter()
        self.latest: dict[str, dict[str, Any]] = {}
        self.reading = ""
        self.last_refusal = ""

    def verify(self, headers: Mapping[str, str], query: Iterable[tuple[str, str]]) -> Verified:
        """Return how a callback proved itself. Raises ``PushRefusedError``: nothing of it takes effect."""
        try:
            verified = self._verifier.verify(headers, query, self._clock.now_ms())
        except PushRefusedError as error:
            self._count("", Outcome.REFUSED)
            self.last_refusal = error.problem
            if self._refusal_pace.is_due():
                refused = self.counts["", Outcome.REFUSED]
                self._log.warning("callback.refused", problem=error.problem, refused=refused)
            raise
        if verified.reading != self.reading:
            self.reading = verified.reading
            self._log.info("callback.reading", reading=verified.reading)
        return verified

    def take(self, verified: Verified, body: bytes) -> Outcome:
        """Take a verified callback's body. Raises ``DecodeError`` when it cannot be read."""
        now = self._clock.monotonic()
        digest = _digest(verified, body)
        if self._seen.knows(digest, now):
            return self._count("", Outcome.REPEATED)
        try:
            event = read_callback(body)
        except DecodeError as error:
            self._count("", Outcome.UNREADABLE)
            self._log.warning("callback.unreadable", problem=str(error), size_bytes=len(body))
            raise
        self._seen.add(digest, now)
        if isinstance(event, Unknown):
            self._log.info("callback.unknown", event_type=event.event_type)
            return self._count(event.name, Outcome.UNKNOWN)
        at_ms = verified.at_ms or self._clock.now_ms()
        outcome = self._take(event, at_ms, now)
        told = dataclasses.asdict(event)
        if outcome is Outcome.ACCEPTED:
            self.latest[event.name] = {"at_ms": at_ms, **told}
        self._log.info("callback.received", event_type=event.name, outcome=outcome.value, **told)
        if self.forwarder is not None and event.name in FORWARDED_AS:
            self.forwarder.offer(f"msg_{digest.hex()[:32]}", FORWARDED_AS[event.name], told, at_ms)
        return self._count(event.name, outcome)

    def status(self) -> dict[str, Any]:
        """Return what ``/status`` shows: JSON values without secrets."""
        shown: dict[str, Any] = {
            "reading": self.reading,
            "last_refusal": self.last_refusal,
            "counts": {
                f"{name.lower()}.{outcome.value}" if name else outcome.value: count
                for (name, outcome), count in sorted(self.counts.items(), key=str)
            },
            "latest": self.latest,
        }
        forwarder = self.forwarder
        if forwarder is not None:
            shown["forwarding"] = {
                "waiting": forwarder.waiting,
                "forwarded": forwarder.forwarded,
                "dropped": forwarder.dropped,
                "last_error": forwarder.last_error,
            }
        return shown

    def _take(self, event: CallbackEvent, at_ms: int, now: float) -> Outcome:
        """Have an event take effect, if it is of the room's current job."""
        job_id = self._job.job_id
        if isinstance(event, StreamStateChanged):
            if not job_id or event.job_id != job_id:
                return Outcome.OTHER_JOB
            return self._take_stream(event, at_ms)
        if isinstance(event, ReplyFinished):
            if job_id and event.job_id and event.job_id != job_id:
                return Outcome.OTHER_JOB
            if self._reply_finished is not None:
                self._reply_finished(now)
        return Outcome.ACCEPTED

    def _take_stream(self, event: StreamStateChanged, at_ms: int) -> Outcome:
        # The order of callbacks is not promised: one that was signed before the last one tells of the past.
        job_id, last_at_ms = self._stream_told
        if job_id == event.job_id and at_ms < last_at_ms:
            return Outcome.OUT_OF_ORDER
        self._stream_told = (event.job_id, at_ms)
        if event.state == END:
            self._job.stream_ended()
        elif event.state == CONNECTED:
            self._job.stream_connected()
        return Outcome.ACCEPTED

    def _count(self, name: str, outcome: Outcome) -> Outcome:
        self.counts[name, outcome] += 1
        return outcome


def _digest(verified: Verified, body: bytes) -> bytes:
    proof = verified.proof
    head = f"{proof.secret.lower()}\n{proof.time}\n".encode("utf-8", "replace")
    return hashlib.sha256(head + body).digest()
