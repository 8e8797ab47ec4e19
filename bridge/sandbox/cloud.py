"""The parts of the sandbox that its calls share, and the word for a call: ``(cloud, asked)`` to an answer or a refusal.

Calls are plain functions; HTTP, scripted faults and the books are ``serving``'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.clock import Clock
from bridge.sandbox import refusal
from bridge.sandbox.asked import Answer, Asked
from bridge.sandbox.auth import Gate
from bridge.sandbox.faults import Script
from bridge.sandbox.ledger import Ledger
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.state import Job, Tenant
from bridge.sandbox.tokens import Tokens
from bridge.sandbox.urls import ReportUrls
from bridge.secret import Secret


@dataclass(frozen=True)
class IamUser:
    """The user that the sandbox's IAM knows."""

    name: str
    password: Secret
    domain: str
    region: str


@dataclass
class Cloud:
    """One tenant's cloud. ``arrival`` is pulsed when events are accepted, ``closing`` set when the sandbox stops."""

    clock: Clock
    tenant: Tenant
    urls: ReportUrls
    gate: Gate
    tokens: Tokens
    user: IamUser
    ledger: Ledger
    script: Script
    strict: bool
    ended_job_status: int
    base_url: str = ""
    arrival: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def report_url(self, job: Job, base_url: str = "") -> str:
        """Return a job's newest report URL, as seen from ``base_url``; a dead one is replaced."""
        return (base_url or self.base_url) + self.urls.current(job, self.clock.now_ms())

    def gate_refusal(self, asked: Asked) -> Refusal | None:
        """Check signature or token of a call."""
        return self.gate.check(asked, self.clock.now_ms(), self.clock.monotonic())


Call = Callable[[Cloud, Asked], Answer | Refusal]


def no_such_api(_cloud: Cloud, _asked: Asked) -> Refusal:
    """Answer what nobody published, as the gateway does; a wrong method is such a call too."""
    return refusal.no_such_api()
