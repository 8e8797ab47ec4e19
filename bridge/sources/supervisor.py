"""Keeps one source connected: who reconnects, when, and how long between.

Credentials and endpoints are read anew at every dial. Waiting for a room to go live is a normal state
with its own slow pace; a refused credential and an unknown room are told to the operator and retried
slowly or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import urlsplit

import structlog

from bridge.backoff import Backoff
from bridge.clock import Clock
from bridge.errors import (
    ConfigError,
    DecodeError,
    RoomNotFoundError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.secret import Heirs
from bridge.sources.channel import Channel
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Notice,
    NoticeKind,
    Platform,
    SourceOptions,
    Transport,
)
from bridge.sources.heirs import HeirStore
from bridge.sources.http import SourceHttp
from bridge.sources.limiter import DialLimiter
from bridge.sources.listening import Listener
from bridge.sources.session import Session, Sink
from bridge.sources.streaming import open_stream
from bridge.sources.websocket import open_websocket

BACKOFF_FIRST_SECS = 0.5
BACKOFF_MAX_SECS = 30.0
HEALTHY_SECS = 10.0
USEFUL_SECS = 2.0
"""A connection that brought events for so long, though not healthy, is worth another soon."""

OFFLINE_WAIT_SECS = 30.0
REFUSED_WAIT_SECS = 60.0
FOLLOW_TIMEOUT_SECS = 30.0

_FOR_THE_WHOLE_ROOM = (RoomNotFoundError, RoomOfflineError, SourceAuthError, SourceThrottledError)
"""What no other connection to the same room would mend."""

log = structlog.get_logger()

Dial = Callable[[Endpoint, str, SourceHttp], Awaitable[Channel | None]]


class SourceState(Enum):
    """What a source is doing."""

    STARTING = "starting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    OFFLINE = "offline"
    REFUSED = "refused"
    LISTENING = "listening"
    FAILED = "failed"


@dataclass(slots=True)
class SourceStatus:
    """What the operator is shown of a source."""

    state: SourceState = SourceState.STARTING
    since_ms: int = 0
    reconnects: int = 0
    last_frame_at_ms: int = 0
    last_error: str = ""


class Supervisor:
    """Owns the connecting of one source. ``sink`` is given everything that is decoded.

    ``limiter`` and ``heirs`` are those that all sources of the process share.
    """

    def __init__(
        self,
        name: str,
        room: str,
        platform: Platform,
        *,
        options: Callable[[], SourceOptions],
        sink: Sink,
        clock: Clock,
        random: Callable[[], float],
        dial: Dial | None = None,
        limiter: DialLimiter | None = None,
        heirs: Heirs | None = None,
    ) -> None:
        self.name = name
        self.platform = platform
        self.status = SourceStatus(since_ms=clock.now_ms())
        self._since = clock.monotonic()
        self._options = options
        self._room_sink = sink
        self._clock = clock
        self._backoff = Backoff(BACKOFF_FIRST_SECS, BACKOFF_MAX_SECS, random)
        self.listener = Listener()
        self._dial = dial or dial_endpoint
        self._limiter = limiter or DialLimiter()
        self._heirs = heirs or HeirStore()
        self._log = log.bind(room=room, source=name)
        self._complaint = ""
        self._was_connected = False
        self._followed_at = float("-inf")
        self._renewal = asyncio.Event()
        self._renewal_reason = ""

    @property
    def connected_at(self) -> float | None:
        """Since when events can come, in monotonic seconds; ``None`` if they cannot now."""
        return self._since if self.status.state in (SourceState.CONNECTED, SourceState.LISTENING) else None

    def renew(self, reason: str) -> None:
        """Have the present connection given up for a new one: it stands, but is good for nothing."""
        self._renewal_reason = reason
        self._renewal.set()

    async def run(self) -> None:
        """Stay connected until cancelled. Raises ``RoomNotFoundError`` when there is no such room."""
        if self.platform.locate is None:
            self._set(SourceState.LISTENING)
            await asyncio.Event().wait()
        while True:
            try:
                wait_secs = await self._dial_all()
            except RoomNotFoundError as error:
                self._set(SourceState.FAILED, str(error))
                self._log.error("source.failed", problem=str(error))
                raise
            except (SourceError, ConfigError) as error:
                wait_secs = self._after(error)
            except Exception as error:
                self._set(SourceState.WAITING, f"a bug: {type(error).__name__}")
                raise
            await self._clock.sleep(wait_secs)

    async def _dial_all(self) -> float:
        """Locate the room and try its connections in turn; returns how long to wait before the next round."""
        locate = self.platform.locate
        assert locate is not None
        self._set(SourceState.CONNECTING)
        options = self._options()
        proxy = options.proxy.reveal()
        http = SourceHttp(self._clock, proxy, self._heirs)
        session: Session | None = None
        try:
            try:
                connections = await locate(options, http)
            except DecodeError as error:
                raise SourceUnavailableError(f"an answer cannot be read: {error}") from error
            if not connections:
                self._set(SourceState.LISTENING)
                await asyncio.Event().wait()
            wait_secs = 0.0
            for number, connection in enumerate(connections):
                if number:
                    await self._clock.sleep(wait_secs)
                session = Session(connection, http, self._clock, self._take)
                try:
                    await self._converse(session, proxy, http)
                except _FOR_THE_WHOLE_ROOM:
                    raise
                except SourceError as error:
                    wait_secs = self._after(error)
                else:
                    return self._backoff.next_secs()
            return wait_secs
        finally:
            if session is not None and not session.was_opened:
                # Nobody let us in: what locating began (a session at the platform, say) is owed its end all the same.
                await session.say_farewell()
            await http.close()

    async def _converse(self, session: Session, proxy: str, http: SourceHttp) -> None:
        """Hold one connection and its followers. Returns when a useful one was lost, else raises."""
        task = await self._opened(session, proxy, http)
        self._set(SourceState.CONNECTED)
        self._renewal.clear()
        try:
            while True:
                asked = asyncio.ensure_future(session.follow_asked.wait())
                renewing = asyncio.ensure_future(self._renewal.wait())
                try:
                    await asyncio.wait((task, asked, renewing), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    asked.cancel()
                    renewing.cancel()
                if task.done():
                    self._lost(session, task)
                    return
                if self._renewal.is_set():
                    self._backoff.reset()
                    raise SourceUnavailableError(self._renewal_reason)
                session.follow_asked.clear()
                session, task = await self._followed(session, task, proxy, http)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await session.say_farewell()

    async def _opened(self, session: Session, proxy: str, http: SourceHttp) -> asyncio.Task[None]:
        endpoint = session.connection.endpoint
        if endpoint.transport is Transport.LISTEN:
            self._set(SourceState.LISTENING)
            channel: Channel | None = await self.listener.accept()
        else:
            await self._wait_in_turn(endpoint, proxy)
            channel = await self._dial(endpoint, proxy, http)
        session.was_opened = True
        return asyncio.ensure_future(session.run(channel))

    async def _wait_in_turn(self, endpoint: Endpoint, proxy: str) -> None:
        """Wait until the host bears another dial."""
        if endpoint.dial_limit is not None:
            host = urlsplit(endpoint.url).netloc
            wait_secs = self._limiter.reserve(host, proxy, endpoint.dial_limit, self._clock.monotonic())
            if wait_secs > 0:
                await self._clock.sleep(wait_secs)

    async def _wait_to_follow(self, old_task: asyncio.Task[None]) -> None:
        """Follow at once, but back off from a platform that sends us on again and again; the old one is heard on."""
        if self._clock.monotonic() - self._followed_at < HEALTHY_SECS:
            rested = asyncio.ensure_future(self._clock.sleep(self._backoff.next_secs()))
            try:
                await asyncio.wait((old_task, rested), return_when=asyncio.FIRST_COMPLETED)
            finally:
                rested.cancel()
        self._followed_at = self._clock.monotonic()

    async def _followed(
        self, old: Session, old_task: asyncio.Task[None], proxy: str, http: SourceHttp
    ) -> tuple[Session, asyncio.Task[None]]:
        """Connect where the platform asked us to; let go of the old connection once the new one speaks."""
        await self._wait_to_follow(old_task)
        if old_task.done():
            return old, old_task
        endpoint = old.connection.endpoint
        endpoint = replace(endpoint, url=old.follow or endpoint.url)
        session = Session(Connection(endpoint, old.connection.decoder.followed()), http, self._clock, self._take)
        try:
            task = await self._opened(session, proxy, http)
        except SourceError as error:
            self._log.warning("source.follow_failed", problem=str(error))
            return old, old_task
        heard = asyncio.ensure_future(self._clock.wait(session.heard, FOLLOW_TIMEOUT_SECS))
        loser = task
        try:
            await asyncio.wait((task, heard), return_when=asyncio.FIRST_COMPLETED)
            if session.heard.is_set() and not task.done():
                loser = old_task
        finally:
            heard.cancel()
            loser.cancel()
            try:
                await asyncio.gather(heard, loser, return_exceptions=True)
            except asyncio.CancelledError:
                # The source is ended while it lets go of the old connection: the new one goes too.
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise
        if loser is old_task:
            return session, task
        self._log.warning("source.follow_failed", problem="the new connection said nothing")
        return old, old_task

    def _lost(self, session: Session, task: asyncio.Task[None]) -> None:
        """Take note that a connection was lost; raises what ended it if that was not an ordinary loss."""
        error = task.exception()
        assert error is not None
        if session.events == 0 or not isinstance(error, SourceError) or isinstance(error, _FOR_THE_WHOLE_ROOM):
            raise error
        up_secs = self._clock.monotonic() - session.opened_at
        if up_secs >= HEALTHY_SECS:
            self._backoff.reset()
        elif up_secs >= USEFUL_SECS:
            # No reason to wait longer than the last time, none to forget the past. One that breaks sooner than this
            # counts as a failure: each dial costs the platform several calls.
            self._backoff.failures = max(self._backoff.failures - 1, 0)
        self.status.reconnects += 1
        self._set(SourceState.WAITING, str(error))
        self._log.info("source.disconnected", problem=str(error))

    def _after(self, error: SourceError | ConfigError) -> float:
        """Return how long to wait after an error, and tell the operator once about each."""
        self.status.reconnects += 1
        if isinstance(error, RoomOfflineError):
            self._set(SourceState.OFFLINE, str(error))
            self._backoff.reset()
            wait_secs = OFFLINE_WAIT_SECS
            if self._was_connected:
                # The end may have been missed, or be the reason why the connection was lost.
                self._was_connected = False
                self._room_sink(Decoded(notices=(Notice(NoticeKind.ENDED, str(error)),)))
        elif isinstance(error, SourceAuthError | ConfigError):
            self._set(SourceState.REFUSED, str(error))
            wait_secs = REFUSED_WAIT_SECS
        elif isinstance(error, SourceThrottledError):
            self._set(SourceState.WAITING, str(error))
            wait_secs = max(error.retry_after_secs, self._backoff.next_secs())
        else:
            self._set(SourceState.WAITING, str(error))
            wait_secs = self._backoff.next_secs()
        if str(error) != self._complaint:
            self._complaint = str(error)
            self._log.warning("source.unavailable", problem=str(error), state=self.status.state.value)
        return wait_secs

    def _take(self, decoded: Decoded) -> None:
        self.status.last_frame_at_ms = self._clock.now_ms()
        self._room_sink(decoded)

    def _set(self, state: SourceState, problem: str = "") -> None:
        if state is SourceState.CONNECTED:
            self._complaint = ""
            self._was_connected = True
            self._log.info("source.connected")
        if state is not self.status.state:
            self.status.state = state
            self.status.since_ms = self._clock.now_ms()
            self._since = self._clock.monotonic()
        if problem or state is SourceState.CONNECTED:
            self.status.last_error = problem


async def dial_endpoint(endpoint: Endpoint, proxy: str, http: SourceHttp) -> Channel | None:
    """Open the endpoint's channel; ``None`` for a platform that is only polled."""
    if endpoint.transport is Transport.WEBSOCKET:
        return await open_websocket(endpoint, proxy)
    if endpoint.transport is Transport.HTTP_STREAM:
        return await open_stream(endpoint, http)
    return None
