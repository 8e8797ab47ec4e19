"""What the way to the job needs from others: a job query, and a credential where the URL carries none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class JobState(Enum):
    """What a job query says about a job, as far as reporting is concerned."""

    RUNNING = "running"
    ENDED = "ended"


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
