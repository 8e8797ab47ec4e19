"""The least that can drive a decoder against an emulator: one connection, no retries, no time.

Integration tests of the real machinery use the emulators without this; here only the protocol is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

from bridge.errors import DecodeError, SourceError, SourceUnavailableError
from bridge.events import LiveEvent
from bridge.sources.contract import Connection, Decoded, Frame, HttpAnswer, HttpCall, NoticeKind, Transport
from bridge.sources.heirs import HeirStore

AT_MS = 1_760_000_000_000
PATIENCE_SECS = 5.0


@dataclass
class Seen:
    """All that came of a connection so far."""

    events: list[LiveEvent] = field(default_factory=list)
    rejected: list[DecodeError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notices: list[NoticeKind] = field(default_factory=list)
    ends: list[SourceError] = field(default_factory=list)
    closed: list[tuple[int, str]] = field(default_factory=list)
    answers: int = 0

    @property
    def texts(self) -> list[str]:
        """The words of all comments, in order."""
        return [event.content.text for event in self.events if hasattr(event.content, "text")]


class RealHttp:
    """The HTTP of ``locate`` over aiohttp."""

    def __init__(self) -> None:
        self.heirs = HeirStore()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def send(self, call: HttpCall) -> HttpAnswer:
        assert self._session is not None
        try:
            async with self._session.request(
                call.method, call.full_url, headers=dict(call.headers), data=call.body, json=call.json
            ) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return HttpAnswer(answer.status, headers, await answer.read())
        except aiohttp.ClientError as error:
            raise SourceUnavailableError(type(error).__name__) from error

    def now_ms(self) -> int:
        return AT_MS


class Driven:
    """A connection that is read in the background; ``until`` waits for what it yields."""

    def __init__(self, connection: Connection, now_ms: Callable[[], int] = lambda: AT_MS) -> None:
        self.connection = connection
        self.decoder = connection.decoder
        self.seen = Seen()
        self._now_ms = now_ms
        self._changed = asyncio.Condition()
        self._http = RealHttp()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        run = {Transport.WEBSOCKET: self._websocket, Transport.HTTP_STREAM: self._stream, Transport.POLLING: self._poll}
        self._task = asyncio.create_task(run[self.connection.endpoint.transport]())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._http.__aexit__(kind, error, trace)

    async def until(self, met: Callable[[Seen], Any]) -> Seen:
        """Wait until ``met`` of what was seen is true; fail with what was seen after a few seconds."""
        try:
            async with asyncio.timeout(PATIENCE_SECS), self._changed:
                await self._changed.wait_for(lambda: met(self.seen))
        except TimeoutError:
            raise AssertionError(f"waited in vain; seen: {self.seen}") from None
        return self.seen

    async def heartbeat(self) -> None:
        """Send one heartbeat now."""
        assert self._socket is not None
        await self._send(self.decoder.heartbeat())

    async def _websocket(self) -> None:
        assert self._http._session is not None
        endpoint = self.connection.endpoint
        async with self._http._session.ws_connect(
            endpoint.url, headers=dict(endpoint.headers), max_msg_size=0
        ) as socket:
            self._socket = socket
            await self._send(self.decoder.greeting())
            async for message in socket:
                await self._take(self.decoder.feed(Frame(message.data, self._now_ms())))
                if self.seen.ends:
                    break
        async with self._changed:
            self.seen.closed.append((socket.close_code or 0, ""))
            self._changed.notify_all()

    async def _stream(self) -> None:
        assert self._http._session is not None
        endpoint = self.connection.endpoint
        for poll in endpoint.polls:
            await self._call(poll.call)
        async with self._http._session.get(endpoint.url, headers=dict(endpoint.headers)) as answer:
            if answer.status != 200:
                assert endpoint.refusal is not None
                refusal = HttpAnswer(answer.status, {}, await answer.read())
                await self._take(Decoded(end=endpoint.refusal(refusal, self._now_ms())))
                return
            try:
                async for chunk in answer.content.iter_any():
                    await self._take(self.decoder.feed(Frame(chunk, self._now_ms())))
            except aiohttp.ClientError:
                pass
        async with self._changed:
            self.seen.closed.append((0, "end of body"))
            self._changed.notify_all()

    async def _poll(self) -> None:
        for poll in self.connection.endpoint.polls:
            await self._call(poll.call)
        while not self.seen.ends:
            _, calls = self.decoder.next_calls()
            for call in calls:
                await self._call(call)
            await asyncio.sleep(0)

    async def _call(self, call: HttpCall) -> None:
        answer = await self._http.send(call)
        self.seen.answers += 1
        await self._take(self.decoder.answered(call, answer, self._now_ms()))

    async def _send(self, messages: Any) -> None:
        assert self._socket is not None
        for message in messages:
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_str(message)

    async def _take(self, decoded: Decoded) -> None:
        async with self._changed:
            self.seen.events.extend(decoded.events)
            self.seen.rejected.extend(decoded.rejected)
            self.seen.ignored.extend(decoded.ignored)
            self.seen.unknown.extend(decoded.unknown)
            self.seen.notices.extend(notice.kind for notice in decoded.notices)
            if decoded.end is not None:
                self.seen.ends.append(decoded.end)
            self._changed.notify_all()
        if decoded.replies:
            await self._send(decoded.replies)
        for call in decoded.calls:
            await self._call(call)
