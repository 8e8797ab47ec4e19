"""The one place that builds and connects objects.

Start: open the spool, build the rooms and give them what it holds, start the reporters, listen, and only then
connect the sources: what arrives finds everything in place.

Stop: say not ready, let the sources go and report what they hold, commit, send what the budget allows without
waiting for company, commit again and close. What is left stays in the spool for the next start, and one line says so.
"""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Protocol

import aiohttp
import structlog

from bridge import __version__
from bridge.clock import Clock, SystemClock
from bridge.config import BridgeSettings, Config
from bridge.config import Callbacks as CallbackSettings
from bridge.config import Room as RoomConfig
from bridge.credential_guard import CredentialGuard
from bridge.events import EventType
from bridge.jobs import RoomJobFinder, follow
from bridge.metastudio.account import Account, AccountOptions, open_account
from bridge.metastudio.callback_signature import CallbackVerifier
from bridge.metastudio.iam import IamUser
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.money import Money
from bridge.outbox.outbox import Outbox
from bridge.outbox.paced_outbox import PacedOutbox
from bridge.outbox.pacing import ReplyPace
from bridge.outbox.policy import DEFAULT_POLICIES, Policies, TypePolicy
from bridge.outbox.spool import Recovered, Spool, rows_by_room
from bridge.report.destination import Destination
from bridge.report.limiter import CallLimiter
from bridge.report.post import HttpPoster
from bridge.report.reporter import Reporter, ReporterSettings
from bridge.report.url_store import UrlStore
from bridge.room import Room, RoomSource
from bridge.server.forwarder import Forwarder
from bridge.server.http import Health, Server
from bridge.server.metrics import BridgeCollector, registry
from bridge.server.room_callbacks import RoomCallbacks
from bridge.sources.push import PushSource
from bridge.sources.supervisor import SourceState, Supervisor

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
    work: list[asyncio.Task[None]]
    sources: asyncio.Task[None] | None = None
    reporter: asyncio.Task[None] | None = None


class App:
    """One bridge: all rooms of a configuration, and what they share."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._settings = config.bridge
        self.rooms: dict[str, Room] = {}
        self.callbacks: dict[str, RoomCallbacks] = {}
        self.health = Health()
        self.address = ""
        self._running: dict[str, _RunningRoom] = {}
        self._lag_secs = [0.0]
        self._limiter = CallLimiter(self._settings.metastudio.max_calls_per_second)
        self._credentials = CredentialGuard()
        self._guard = MemoryGuard(self._settings.memory.max_pending_events)
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
            self._build_rooms(spool, http, account, recovered)
            writer = asyncio.ensure_future(spool.run())
            beat = asyncio.ensure_future(self._beat())
            self._start_reporters(account)
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

    def _build_rooms(
        self, spool: Spool, http: aiohttp.ClientSession, account: Account | None, recovered: Recovered
    ) -> None:
        poster = HttpPoster(http, self._clock)
        waiting = rows_by_room(recovered.rows)
        for config in self._config.rooms:
            room = self._build_room(config, spool, poster, account)
            self.rooms[config.name] = room
            room.recover(waiting.pop(config.name, ()), recovered.notes)
        for name, rows in waiting.items():
            log.warning("spool.unknown_room", room=name, events=len(rows))
        if recovered.set_aside:
            log.error("spool.set_aside", path=str(recovered.set_aside), recovered_events=len(recovered.rows))

    def _build_room(self, config: RoomConfig, spool: Spool, poster: HttpPoster, account: Account | None) -> Room:
        policies = policies_of(config)
        prices = config.gift_prices
        room = Room(
            config.name,
            policies=policies,
            admission=Admission(
                policies,
                PaidMessageForm(config.events.paid_message),
                Money(in_fen=config.events.gift_value_unit == "fen", prices=prices),
            ),
            outbox=self._outbox(config, policies),
            spool=spool,
            guard=self._guard,
            clock=self._clock,
        )
        report = config.report
        by_url = bool(report.configured_url)
        room.destination = Destination(
            config.name,
            clock=self._clock,
            store=UrlStore(self._settings.spool.directory, config.name),
            credentials=self._credentials,
            configured=(lambda: report.url().reveal()) if by_url else None,
            configured_in=report.url_origin if by_url else "",
            finder=self._finder(config, account),
            signer=account.authenticator if account and report.auth in ("signed", "token") else None,
            key_in_headers=report.auth == "headers",
        )
        room.reporter = Reporter(
            config.name,
            queue=room.outbox,
            ledger=room,
            destination=room.destination,
            poster=poster,
            limiter=self._limiter,
            clock=self._clock,
            random=random.random,
            carrier=room.carrier,
            settings=ReporterSettings(
                max_batch_events=report.max_batch_events,
                max_batch_bytes=report.max_batch_bytes,
                min_interval_secs=report.min_interval_ms / 1000,
                no_need_review=report.review.no_need_review or None,
                app_user_id=report.app_user_id or self._settings.metastudio.app_user_id,
            ),
        )
        self._add_sources(room, config)
        if config.callbacks is not None:
            self.callbacks[config.name] = self._room_callbacks(room, config.callbacks, poster)
        room.destination.start()
        return room

    def _outbox(self, config: RoomConfig, policies: Policies) -> Outbox:
        max_events = self._settings.memory.max_pending_events_per_room
        if not config.pacing.enabled:
            return Outbox(policies, max_events=max_events)
        pace = ReplyPace(ahead=config.pacing.ahead)
        return PacedOutbox(policies, pace, is_paid=lambda pending: pending.paid, max_events=max_events)

    def _room_callbacks(self, room: Room, settings: CallbackSettings, poster: HttpPoster) -> RoomCallbacks:
        def reply_finished(now: float) -> None:
            if isinstance(room.outbox, PacedOutbox):
                room.outbox.pace.finished(now)
                room.reporter.wake()

        forwarder = None
        if settings.forward_url:
            forwarder = Forwarder(
                room.name,
                url=settings.forward_url,
                secret=settings.forward_secret,
                poster=poster,
                clock=self._clock,
                random=random.random,
            )
        return RoomCallbacks(
            room.name,
            verifier=CallbackVerifier(
                settings.auth_type,
                key=settings.key,
                url=settings.url.reveal(),
                token=settings.token,
                reading=settings.reading,
            ),
            job=room,
            clock=self._clock,
            forwarder=forwarder,
            reply_finished=reply_finished,
        )

    def _finder(self, config: RoomConfig, account: Account | None) -> RoomJobFinder | None:
        report = config.report
        if account is None or not report.smart_live_room_id:
            return None
        built_url = ""
        if report.auth in ("signed", "token"):
            built_url = account.report_url_template(report.smart_live_room_id)
        return RoomJobFinder(account.client, report.smart_live_room_id, report.job_id, built_url=built_url)

    def _add_sources(self, room: Room, config: RoomConfig) -> None:
        for source_config in config.sources:
            platform = source_config.platform
            name = _free_name(f"{platform.name}:{source_config.initial.room}", room)
            source = RoomSource(name, platform.name, replays_history=platform.replays_history)
            source.supervisor = Supervisor(
                name,
                room.name,
                platform,
                options=source_config.options,
                sink=partial(room.take, source),
                clock=self._clock,
                random=random.random,
            )
            if platform.receiver is not None:
                source.push = PushSource(platform, source_config.options, self._clock)
            room.sources[name] = source

    def _start_reporters(self, account: Account | None) -> None:
        for config in self._config.rooms:
            room = self.rooms[config.name]
            running = _RunningRoom(room, [])
            running.reporter = asyncio.ensure_future(room.run_reporter())
            finder = self._finder(config, account)
            if finder is not None:
                poll_secs = self._settings.metastudio.job_poll_secs
                watching = follow(room.name, finder, room.destination, self._clock, poll_secs)
                running.work.append(asyncio.ensure_future(watching))
            callbacks = self.callbacks.get(config.name)
            if callbacks is not None and callbacks.forwarder is not None:
                running.work.append(asyncio.ensure_future(callbacks.forwarder.run()))
            self._running[config.name] = running

    def _start_sources(self) -> None:
        for running in self._running.values():
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
        everybody = self._running.values()
        await _cancelled([task for running in everybody for task in (running.sources, *running.work) if task])
        for running in everybody:
            running.room.let_go()
        await spool.commit()
        reporters = [running.reporter for running in everybody if running.reporter]
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


def account_options(settings: BridgeSettings) -> AccountOptions:
    """Return what ``bridge.yaml`` says of the cloud account."""
    cloud = settings.metastudio
    iam = cloud.iam
    return AccountOptions(
        endpoint=cloud.base_url,
        project_id=cloud.project_id,
        access_key=cloud.access_key,
        secret_key=cloud.secret_key,
        security_token=cloud.security_token,
        token=cloud.token,
        iam_user=IamUser(iam.user, iam.password, iam.domain) if iam else None,
        iam_endpoint=cloud.iam_url,
        app_user_id=cloud.app_user_id,
    )


def policies_of(config: RoomConfig) -> Policies:
    """Return the default policies with what the room's ``events`` section changes."""
    events, given = config.events, DEFAULT_POLICIES
    return {
        EventType.COMMENT: _with(given[EventType.COMMENT], events.comment),
        EventType.GIFT: _with(given[EventType.GIFT], events.gift),
        EventType.FOLLOW: _with(given[EventType.FOLLOW], events.follow),
        EventType.JOIN: _with(given[EventType.JOIN], events.join, once_per_user_secs=events.join.once_per_user_secs),
        EventType.LIKE: _with(given[EventType.LIKE], events.like, once_per_user_secs=events.like.merge_secs),
        EventType.VIEWERS: _with(
            given[EventType.VIEWERS], events.viewers, min_interval_secs=events.viewers.min_interval_secs
        ),
    }


class _EventSettings(Protocol):
    @property
    def enabled(self) -> bool: ...

    @property
    def ttl_secs(self) -> float: ...


def _with(
    policy: TypePolicy, settings: _EventSettings, *, once_per_user_secs: float = 0.0, min_interval_secs: float = 0.0
) -> TypePolicy:
    return replace(
        policy,
        enabled=settings.enabled,
        ttl_secs=settings.ttl_secs,
        once_per_user_secs=once_per_user_secs,
        min_interval_secs=min_interval_secs,
    )


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


def _free_name(name: str, room: Room) -> str:
    number = 2
    free = name
    while free in room.sources:
        free = f"{name}#{number}"
        number += 1
    return free
