"""What the way to the job needs from others: events, somebody who records their fate, a job query, a credential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bridge.pending import DropReason, Pending
from bridge.report.wire import Answer


class JobState(Enum):
    """What a job query says about a job, as far as reporting is concerned."""

    RUNNING = "running"
    ENDED = "ended"


class Hold(Enum):
    """Why a room does not report at present."""

    NONE = ""
    NO_URL = "no report URL yet"
    NO_JOB = "no running job"
    REFUSED = "credential refused"
    ENDED = "the job's stream ended"
    PAUSED = "paused by the operator"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the cloud lists it."""

    job_id: str
    state: JobState
    url: str


class JobFinder(Protocol):
    """Asks the cloud for the job to report to. Raises ``CloudError``."""

    async def find(self) -> Job | None:
        """Return the newest running job of the room, ``None`` if none runs."""
        ...


class Signer(Protocol):
    """Adds the credential to a call whose URL carries none."""

    @property
    def fingerprint(self) -> str:
        """Names the credential."""
        ...

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """Return the headers to send. Raises ``CloudError`` when a token cannot be had."""
        ...

    async def renew(self, used: Mapping[str, str]) -> bool:
        """After a refusal of the headers ``used``: tell whether there is a fresh credential. Raises ``CloudError``."""
        ...


class Queue(Protocol):
    """What waits to be sent: the outbox, as far as the reporter knows it."""

    def __len__(self) -> int: ...

    def take(self, max_events: int, max_bytes: int, now: float) -> list[Pending]:
        """Remove and return the next events in order."""
        ...

    def ready_at(self, now: float) -> float | None:
        """Return from when on something may be sent."""
        ...

    def expire(self, now: float) -> list[Pending]:
        """Remove and return what is too old."""
        ...


class Ledger(Protocol):
    """Who is told the fate of every event, once each."""

    def delivered(self, events: Sequence[Pending]) -> None:
        """Record events that the cloud accepted."""
        ...

    def dropped(self, events: Sequence[Pending], reason: DropReason) -> None:
        """Record events that will not be sent."""
        ...

    def dead_lettered(self, pending: Pending, answer: Answer) -> None:
        """Record an event that the cloud refuses by itself."""
        ...

    def called(self, answer: Answer, events: int, secs: float) -> None:
        """Record a call, whatever came of it."""
        ...
