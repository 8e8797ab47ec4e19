"""A room with everything real around it but the cloud, the platforms and time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bridge.credential_guard import CredentialGuard
from bridge.events import EventType, LiveEvent
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.money import Money
from bridge.outbox.outbox import Outbox
from bridge.outbox.policy import DEFAULT_POLICIES, Policies
from bridge.outbox.spool import Spool, rows_by_room
from bridge.report.destination import Destination
from bridge.report.limiter import CallLimiter
from bridge.report.reporter import Reporter, ReporterSettings
from bridge.report.url_store import UrlStore
from bridge.report.wire import Answer, Verdict
from bridge.room import Room
from bridge.sources.contract import Decoded, Notice, NoticeKind
from bridge.sources.room_source import RoomSource
from tests.fakes import FakeClock, settle

REPORT_URL = "https://cloud.example/v1/smart-live-jobs/job-1/report?auth_key=s3cr3t&expires_time=1900000000000"
DELIVERED = Answer(Verdict.DELIVERED, 200)
REFUSED = Answer(Verdict.REFUSED, 400, "MSS.0001", "not like this", request_id="req-1")
UNAVAILABLE = Answer(Verdict.UNAVAILABLE, 503)


class ScriptedCloud:
    """Answers each report call with the next scripted answer; takes everything after the last. Can be made to wait."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.poison = b""
        self.bodies: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await self.open.wait()
        self.bodies.append(orjson.loads(body))
        answer = self.script.pop(0) if self.script else DELIVERED
        if self.poison and self.poison in body:
            answer = REFUSED
        if answer.verdict is Verdict.DELIVERED:
            self.taken += self.bodies[-1]["events"]
        return answer

    @property
    def contents(self) -> list[dict[str, Any]]:
        """What stands in the accepted events, in order."""
        return [orjson.loads(event["content"]) for event in self.taken]

    @property
    def types(self) -> list[EventType]:
        return [EventType(event["type"]) for event in self.taken]


class Bench:
    """One room, its spool and its reporter, running; ``close`` ends them."""

    def __init__(
        self,
        directory: Path,
        *,
        policies: Policies = DEFAULT_POLICIES,
        form: PaidMessageForm = PaidMessageForm.COMMENT,
        money: Money | None = None,
        clock: FakeClock | None = None,
        max_events: int = 1000,
        name: str = "evening",
        spool: Spool | None = None,
        guard: MemoryGuard | None = None,
    ) -> None:
        self.directory = directory
        self.clock = clock or FakeClock()
        self.cloud = ScriptedCloud()
        self.spool = spool or Spool(directory, self.clock)
        self.owns_spool = spool is None
        self.room = Room(
            name,
            policies=policies,
            admission=Admission(policies, form, money or Money()),
            outbox=Outbox(policies, max_events=max_events),
            spool=self.spool,
            guard=guard or MemoryGuard(),
            clock=self.clock,
        )
        self.room.destination = Destination(
            name,
            clock=self.clock,
            store=UrlStore(directory, name),
            credentials=CredentialGuard(),
            configured=lambda: REPORT_URL,
        )
        self.room.reporter = Reporter(
            name,
            queue=self.room.outbox,
            ledger=self.room,
            destination=self.room.destination,
            poster=self.cloud,
            limiter=CallLimiter(1000.0),
            clock=self.clock,
            random=lambda: 1.0,
            settings=ReporterSettings(),
            carrier=self.room.carrier,
        )
        self.source = self.add_source("pond:7")
        self.tasks: list[asyncio.Task[None]] = []

    def add_source(self, name: str, platform: str = "pond", *, replays_history: bool = False) -> RoomSource:
        source = RoomSource(name, platform, replays_history=replays_history)
        self.room.sources[name] = source
        return source

    async def start(self, *, reports: bool = True) -> None:
        """Take up what the spool holds and run; without ``reports`` nothing is sent yet."""
        if self.owns_spool:
            recovered = await self.spool.open()
            self.room.destination.start()
            self.room.recover(rows_by_room(recovered.rows).get(self.room.name, []), recovered.notes)
            self.tasks.append(asyncio.create_task(self.spool.run()))
        else:
            self.room.destination.start()
        self.tasks.append(asyncio.create_task(self.room.run_sources()))
        if reports:
            self.report()
        await settle()

    def report(self) -> None:
        self.tasks.append(asyncio.create_task(self.room.run_reporter()))

    async def take(self, *events: LiveEvent, source: RoomSource | None = None) -> None:
        """Have a frame yield these events, and let what follows at once follow."""
        self.room.take(source or self.source, Decoded(events=events))
        await settle()

    async def notice(self, kind: NoticeKind, detail: str = "", source: RoomSource | None = None) -> None:
        self.room.take(source or self.source, Decoded(notices=[Notice(kind, detail)]))
        await settle()

    async def stop(self) -> None:
        """End everything that runs; what waits keeps waiting."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []

    async def close(self) -> None:
        await self.stop()
        if self.owns_spool and self.spool._lock_fd >= 0:
            await self.spool.close()

    def assert_sums_agree(self) -> None:
        counters = self.room.counters
        fates = counters.delivered.total() + counters.dropped.total() + self.room.pending_events()
        assert counters.received_events() == fates, (
            f"received {counters.received}, recovered {counters.recovered}, delivered {counters.delivered},"
            f" dropped {counters.dropped}, pending {self.room.pending_events()}"
        )

    def dropped(self) -> dict[str, int]:
        """Return how many events were dropped, by reason."""
        totals: dict[str, int] = {}
        for (_, reason), count in self.room.counters.dropped.items():
            totals[reason.value] = totals.get(reason.value, 0) + count
        return totals


def texts(contents: Sequence[dict[str, Any]]) -> list[str]:
    return [content["content"] for content in contents if "content" in content]
