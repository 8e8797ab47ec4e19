"""``GET /push/{platform}/{room}`` as a WebSocket: for pages that push frames to us instead of being connected to."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence

from aiohttp import WSCloseCode, WSMsgType, web

from bridge.room import Room
from bridge.secret import Secret
from bridge.sources.channel import ChannelClosedError
from bridge.sources.contract import MAX_FRAME_BYTES
from bridge.sources.listening import Listener


class PageChannel:
    """The peer's open WebSocket; ``closed`` is set once the source has done with it."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self.closed = asyncio.Event()

    async def receive(self) -> bytes | str:
        """Return the next message."""
        message = await self._socket.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            data: bytes | str = message.data
            return data
        raise ChannelClosedError(self._socket.close_code or WSCloseCode.ABNORMAL_CLOSURE, "the page is gone")

    async def send(self, data: bytes | str) -> None:
        """Send one message."""
        try:
            await (self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data))
        except (ConnectionError, RuntimeError) as error:
            raise ChannelClosedError(WSCloseCode.ABNORMAL_CLOSURE, type(error).__name__) from None

    async def close(self) -> Sequence[bytes | str]:
        """Let the peer go."""
        self.closed.set()
        await self._socket.close()
        return ()


class PageSocketRoute:
    """Finds the source that waits for the page. Where others can reach us, the page must know the admin token."""

    def __init__(self, rooms: Mapping[str, Room], admin_token: Secret) -> None:
        self._rooms = rooms
        self._admin_token = admin_token

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Take the page's frames for as long as it stays."""
        listener = self._listener(request)
        if listener is None:
            return web.json_response({"error": "no such room, or no source of it waits for a page"}, status=404)
        token = self._admin_token.reveal()
        if token and not hmac.compare_digest(request.query.get("token", "").encode(), token.encode()):
            return web.json_response({"error": "?token= is not the admin token"}, status=401)
        socket = web.WebSocketResponse(max_msg_size=MAX_FRAME_BYTES, heartbeat=30.0)
        if not socket.can_prepare(request):
            return web.json_response({"error": "connect with a WebSocket"}, status=426)
        await socket.prepare(request)
        channel = PageChannel(socket)
        if not listener.offer(channel):
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
            return socket
        await channel.closed.wait()
        return socket

    def _listener(self, request: web.Request) -> Listener | None:
        room = self._rooms.get(request.match_info["room"])
        for source in room.sources.values() if room else ():
            if source.platform == request.match_info["platform"] and source.supervisor is not None:
                listener = source.supervisor.listener
                if listener.is_open:
                    return listener
        return None
