"""The one place that builds and connects objects.

Start: open the spool, build the rooms and give them what it holds, start the reporters, listen, and only then
connect the sources: what arrives finds everything in place.

Stop: say not ready, let the sources go and report what they hold, commit, send what the budget allows without
waiting for company, commit again and close. What is left stays in the spool for the next start, and one line says so.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial

import aiohttp
import structlog

from bridge import __version__
from bridge.assembly import BuiltRoom, RoomBuilder, Shared, account_options
from bridge.clock import Clock, SystemClock
from bridge.config import Config
from bridge.credential_guard import CredentialGuard
from bridge.jobs import follow
from bridge.keep_running import keep_running
from bridge.metastudio.account import open_account
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.spool import Recovered, Spool, rows_by_room
from bridge.report.limiter import CallLimiter
from bridge.report.post import HttpPoster
from bridge.room import Room
from bridge.server.http import Health, Server
from bridge.server.metrics import BridgeCollector, registry
from bridge.server.room_callbacks import RoomCallbacks
from bridge.sources.supervisor import SourceState

BEAT_SECS = 1.0
CLOSE_SOURCES_SECS = 1.5
COMMIT_RESERVE_SECS = 1.0
KEEPALIVE_SECS = 15.0

log = structlog.get_logger()


class ExitCode(IntEnum):
    """How the process ends."""

    CLEAN = 0
    REFUSED = 3
    EVENTS_LEFT = 4


@dataclass(slots=True)
class _RunningRoom:
    room: Room
    reporter: asyncio.Task[None]
    sources: asyncio.Task[None] | None = None
    work: list[asyncio.Task[None]] = field(default_factory=list)


class App:
    """One bridge: all rooms of a configuration, and what they share."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._settings = config.bridge
        self.rooms: dict[str, Room] = {}
        self.callbacks: dict[str, RoomCallbacks] = {}
        self._built: list[BuiltRoom] = []
        self.health = Health()
        self.address = ""
        self._running: list[_RunningRoom] = []
        self._lag_secs = [0.0]
        self._limiter = CallLimiter(self._settings.metastudio.max_calls_per_second)
        self._credentials = CredentialGuard()
        # What waits is a little more than what the spool holds of it, so one bound serves both.
        self._guard = MemoryGuard(self._settings.memory.max_pending_events, self._settings.spool.max_bytes)
        self._hurry = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> ExitCode:
        """Run until ``stop`` is set, or nothing is left to run for. Set it twice (``hurry``) to skip the drain."""
        async with AsyncExitStack() as closing:
            spool = Spool(
                self._settings.spool.directory,
                self._clock,
                commit_interval_secs=self._settings.spool.commit_interval_ms / 1000,
            )
            recovered = await spool.open()
            http = await closing.enter_async_context(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECS),
                    cookie_jar=aiohttp.DummyCookieJar(),
                )
            )
            account = open_account(http, account_options(self._settings), self._credentials, self._clock)
            poster = HttpPoster(http, self._clock)
            shared = Shared(
                self._settings, self._clock, spool, poster, self._limiter, self._credentials, self._guard, account
            )
            self._build_rooms(RoomBuilder(shared), recovered)
            writer = self._kept_running("spool", spool.run)
            beat = self._kept_running("heartbeat", self._beat)
            self._start_reporters()
            server = await self._listen(spool)
            self._start_sources()
            self.health.ready, self.health.problem = True, ""
            log.info(
                "app.started",
                version=__version__,
                rooms=list(self.rooms),
                address=self.address,
                recovered_events=len(recovered.rows),
            )
            refused = await self._until(stop)
            left = await self._stop(spool)
            await server.stop()
            for task in (writer, beat):
                task.cancel()
            await asyncio.gather(writer, beat, return_exceptions=True)
            await spool.close()
            self._say_goodbye(left)
        if refused:
            return ExitCode.REFUSED
        return ExitCode.EVENTS_LEFT if left else ExitCode.CLEAN

    def hurry(self) -> None:
        """Stop sending: what is left stays in the spool."""
        self._hurry.set()

    def _build_rooms(self, builder: RoomBuilder, recovered: Recovered) -> None:
        waiting = rows_by_room(recovered.rows)
        for config in self._config.rooms:
            built = builder.build(config)
            self._built.append(built)
            self.rooms[config.name] = built.room
            if built.callbacks is not None:
                self.callbacks[config.name] = built.callbacks
            built.room.recover(waiting.pop(config.name, ()), recovered.notes)
        for name, rows in waiting.items():
            log.warning("spool.unknown_room", room=name, events=len(rows))
        if recovered.set_aside:
            log.error("spool.set_aside", path=str(recovered.set_aside), recovered_events=len(recovered.rows))

    def _start_reporters(self) -> None:
        for built in self._built:
            room = built.room
            running = _RunningRoom(room, reporter=asyncio.ensure_future(room.run_reporter()))
            if built.finder is not None:
                poll_secs = self._settings.metastudio.job_poll_secs
                watching = partial(follow, room.name, built.finder, room.destination, self._clock, poll_secs)
                running.work.append(self._kept_running("job query", watching, room.name))
            if built.callbacks is not None and built.callbacks.forwarder is not None:
                running.work.append(self._kept_running("forwarding", built.callbacks.forwarder.run, room.name))
            self._running.append(running)

    def _kept_running(self, part: str, work: Callable[[], Awaitable[None]], room: str = "") -> asyncio.Task[None]:
        return asyncio.ensure_future(keep_running(part, work, self._clock, room=room))

    def _start_sources(self) -> None:
        for running in self._running:
            running.sources = asyncio.ensure_future(running.room.run_sources())

    async def _listen(self, spool: Spool) -> Server:
        host, port = self._settings.server.address
        collector = BridgeCollector(
            self.rooms, spool, self._limiter, self._clock, self._lag_secs, callbacks=self.callbacks
        )
        server = Server(
            host=host,
            port=port,
            admin_token=self._settings.server.admin_token,
            rooms=self.rooms,
            callbacks=self.callbacks,
            spool=spool,
            registry=registry(collector),
            health=self.health,
            clock=self._clock,
        )
        self.address = await server.start()
        return server

    async def _beat(self) -> None:
        while True:
            due_at = self._clock.monotonic() + BEAT_SECS
            self.health.beat_at = self._clock.monotonic()
            await self._clock.sleep(BEAT_SECS)
            self._lag_secs[0] = max(self._clock.monotonic() - due_at, 0.0)

    async def _until(self, stop: asyncio.Event) -> bool:
        """Wait for the end; returns whether every source was refused for good."""
        while not await self._clock.wait(stop, BEAT_SECS):
            states = [
                source.supervisor.status.state
                for room in self.rooms.values()
                for source in room.sources.values()
                if source.supervisor is not None
            ]
            if all(state is SourceState.FAILED for state in states):
                log.error("app.nothing_to_do", problem="no source has a room to listen to")
                return True
        return False

    async def _stop(self, spool: Spool) -> int:
        """Bring everything to an end within the budget; returns how many events stay in the spool."""
        budget_ends_at = self._clock.monotonic() + self._settings.shutdown_budget_secs
        self.health.ready, self.health.problem = False, "stopping"
        await spool.commit()
        everybody = self._running
        await _cancelled([task for running in everybody for task in (running.sources, *running.work) if task])
        for running in everybody:
            running.room.let_go()
        await spool.commit()
        reporters = [running.reporter for running in everybody]
        for running in everybody:
            running.room.reporter.stop(budget_ends_at - COMMIT_RESERVE_SECS)
        drained = asyncio.ensure_future(asyncio.wait(reporters)) if reporters else None
        if drained is not None:
            hurried = asyncio.ensure_future(self._hurry.wait())
            left_secs = max(budget_ends_at - COMMIT_RESERVE_SECS - self._clock.monotonic(), 0.0)
            await asyncio.wait((drained, hurried), timeout=left_secs, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            drained.cancel()
        await _cancelled(reporters)
        return sum(running.room.close() for running in everybody)

    def _say_goodbye(self, left: int) -> None:
        delivered = sum(room.counters.delivered.total() for room in self.rooms.values())
        dropped = sum(room.counters.dropped.total() for room in self.rooms.values())
        log.info("app.stopped", delivered=delivered, dropped=dropped, left_in_spool=left)


async def run_until_signal(app: App) -> ExitCode:
    """Run until SIGTERM or SIGINT; the second one skips the drain."""
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            app.hurry()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return await app.run(stop)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_SOURCES_SECS)
