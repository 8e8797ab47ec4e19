"""One room's way to the job, put together from the real parts and the fakes around them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bridge.credential_guard import CredentialGuard
from bridge.events import EventType
from bridge.report.contract import JobFinder, Signer
from bridge.report.destination import Destination
from bridge.report.limiter import CallLimiter
from bridge.report.reporter import Reporter, ReporterSettings
from bridge.report.url_store import UrlStore
from tests.fakes import FakeClock, settle
from tests.report.fakes import NEVER, START_MS, FakeCloud, FakeLedger, FakeQueue, pending, url_of


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
