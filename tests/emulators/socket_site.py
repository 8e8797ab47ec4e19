"""What the emulated relays and hubs share: a WebSocket server whose listeners are all sent the same."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from types import TracebackType

import orjson
from aiohttp import WSMsgType, web

from tests.emulators.local_site import LocalSite

PATIENCE_SECS = 5.0


class SocketSite(LocalSite):
    """Serves one path; subclasses say what they answer."""

    path = "/{anything:.*}"
    answers_pings = True

    def __init__(self) -> None:
        super().__init__()
        self.copies = 1
        """How often everything is sent: more than once is a repetition."""
        self.complaints: list[str] = []
        """What a client did that the program does not take."""
        self.connections = 0
        self.listeners: dict[web.WebSocketResponse, web.Request] = {}
        """Those who were let in and are sent what happens."""
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._changed = asyncio.Condition()
        self.app.add_routes([web.get(self.path, self._serve)])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()
        await super().__aexit__(kind, error, trace)

    async def listening(self, connections: int = 1) -> None:
        """Wait until somebody listens, over the ``connections``-th connection."""
        async with asyncio.timeout(PATIENCE_SECS), self._changed:
            await self._changed.wait_for(lambda: self.connections >= connections and self.listeners)

    async def send(self, text: str) -> None:
        """Send a text as it stands to everybody who listens."""
        for socket in list(self.listeners):
            for _ in range(self.copies):
                await socket.send_str(text)

    async def send_json(self, message: object) -> None:
        """Send a message to everybody who listens."""
        await self.send(orjson.dumps(message).decode())

    def drop(self) -> None:
        """Cut every connection without a goodbye."""
        for request in self._sockets.values():
            if request.transport is not None:
                request.transport.abort()
        self.listeners.clear()

    async def let_in(self, socket: web.WebSocketResponse) -> None:
        """Let a client hear what happens."""
        async with self._changed:
            self.listeners[socket] = self._sockets[socket]
            self._changed.notify_all()

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Take a new client; unless told otherwise it listens at once."""
        await self.let_in(socket)

    @abstractmethod
    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Take what a client sent."""

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=self.answers_pings)
        await socket.prepare(request)
        self.connections += 1
        self._sockets[socket] = request
        try:
            await self.greet(socket, request)
            async for message in socket:
                if message.type is WSMsgType.PING:
                    self.complaints.append("ping")
                elif message.type is WSMsgType.TEXT:
                    await self.received(socket, message.data)
                elif message.type is WSMsgType.BINARY:
                    self.complaints.append("binary")
        finally:
            del self._sockets[socket]
            self.listeners.pop(socket, None)
        return socket
