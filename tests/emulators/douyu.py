"""A Douyu on loopback: the chat socket (WebSocket and TCP), the room look-up and the gift lists.

It follows the vendor's protocol text and the real frames: log in, join a group, then messages; a
heartbeat is sent back; a client that breaks the protocol is told ``error`` and cut off. It
misbehaves on demand, see ``Session``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from struct import pack, unpack_from
from typing import Any

from aiohttp import WSMsgType, web

from tests.emulators.local_site import LocalSite

HEADER_BYTES = 12


def escaped(text: str) -> str:
    return text.replace("@", "@A").replace("/", "@S")


def message(**fields: Any) -> str:
    """Return an STT message; a mapping as value is a nested message."""
    return "".join(
        f"{key}@={escaped(message(**value) if isinstance(value, Mapping) else str(value))}/"
        for key, value in fields.items()
    )


def packet(text: str, *, lie: int = 0) -> bytes:
    """Return a server's frame; ``lie`` is added to the length that it claims."""
    body = text.encode() + b"\0"
    length = 8 + len(body) + lie
    return pack("<IIHBB", length, length, 690, 0, 0) + body


class Session:
    """One connected client."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]], cut: Callable[[], Awaitable[None]]) -> None:
        self.write = write
        self.cut = cut
        self.logged_in_room = ""
        self.groups: list[tuple[str, str]] = []
        self.heartbeats = 0
        self._buffer = b""

    @property
    def joined(self) -> bool:
        return bool(self.groups)

    async def say(self, *texts: str) -> None:
        """Send each message in a frame and a socket message of its own."""
        for text in texts:
            await self.write(packet(text))

    async def say_together(self, *texts: str) -> None:
        """Send all messages in one socket message."""
        await self.write(b"".join(packet(text) for text in texts))

    async def say_in_pieces(self, text: str, piece_bytes: int) -> None:
        """Send one frame over several socket messages."""
        data = packet(text)
        for at in range(0, len(data), piece_bytes):
            await self.write(data[at : at + piece_bytes])

    async def lie_about_length(self, text: str, by: int) -> None:
        """Send one frame that claims ``by`` bytes more (or fewer) than it has."""
        await self.write(packet(text, lie=by))

    def take(self, data: bytes) -> list[dict[str, str]]:
        """Cut a client's bytes into messages; ``ValueError`` for what is no client's frame."""
        self._buffer += data
        read = []
        while len(self._buffer) >= HEADER_BYTES:
            length, again, kind = unpack_from("<IIH", self._buffer)
            if length != again or kind != 689:
                raise ValueError("not a client's frame")
            if len(self._buffer) < 4 + length:
                break
            body, self._buffer = self._buffer[HEADER_BYTES : 4 + length], self._buffer[4 + length :]
            if not body.endswith(b"\0"):
                raise ValueError("no NUL at the end")
            items = body[:-1].decode().split("/")
            read.append(dict(item.split("@=", 1) for item in items if item))
        return read


class DouyuEmulator(LocalSite):
    """Rooms by vanity name, gift lists, and a chat server for all of them."""

    def __init__(
        self,
        rooms: Mapping[str, str] | None = None,
        gifts: Sequence[Mapping[str, Any]] = (),
        props: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__()
        self.rooms = dict(rooms or {"9001": "9001", "lanyou": "9001"})
        self.gifts = list(gifts)
        self.props = dict(props or {})
        self.sessions: list[Session] = []
        self.violations: list[str] = []
        self.asked: list[str] = []
        self.login_answer = "loginres"
        self._joined = asyncio.Condition()
        self._tcp: asyncio.Server | None = None
        self.app.router.add_get("/", self._websocket)
        self.app.router.add_get("/betard/{room}", self._betard)
        self.app.router.add_get("/api/gift/v3/web/list", self._gift_list)
        self.app.router.add_get("/api/prop/v1/web/single", self._prop)

    async def listen_tcp(self) -> int:
        """Serve the same over plain TCP, as the site's older clients use it; returns the port."""
        self._tcp = await asyncio.start_server(self._tcp_client, "127.0.0.1", 0)
        port: int = self._tcp.sockets[0].getsockname()[1]
        return port

    async def close_tcp(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
            for session in self.sessions:
                await session.cut()

    async def session(self, number: int = 0) -> Session:
        """Wait for the ``number``-th client (from 0) to have joined a room."""
        async with asyncio.timeout(5), self._joined:
            await self._joined.wait_for(lambda: len(self.sessions) > number and self.sessions[number].joined)
        return self.sessions[number]

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)

        async def cut() -> None:
            transport = request.transport
            if transport is not None:
                transport.abort()

        session = Session(socket.send_bytes, cut)
        self.sessions.append(session)
        async for received in socket:
            if received.type is not WSMsgType.BINARY:
                self.violations.append("a message that is not binary")
                continue
            if not await self._serve(session, received.data):
                await socket.close()
        return socket

    async def _tcp_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        async def cut() -> None:
            writer.transport.abort()

        session = Session(write, cut)
        self.sessions.append(session)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                if not await self._serve(session, data):
                    break
        writer.close()

    async def _serve(self, session: Session, data: bytes) -> bool:
        try:
            messages = session.take(data)
        except ValueError as error:
            self.violations.append(str(error))
            return False
        for fields in messages:
            if not await self._answer(session, fields):
                await session.say(message(type="error", code=51))
                return False
        return True

    async def _answer(self, session: Session, fields: dict[str, str]) -> bool:
        kind = fields.get("type")
        if kind == "loginreq":
            session.logged_in_room = fields.get("roomid", "")
            await session.say(message(type=self.login_answer, userid=0, roomgroup=0, sessionid=0, live_stat=0))
        elif kind == "joingroup":
            if session.logged_in_room not in self.rooms.values() or fields.get("rid") != session.logged_in_room:
                self.violations.append("joined without being logged in")
                return False
            async with self._joined:
                session.groups.append((fields["rid"], fields.get("gid", "")))
                self._joined.notify_all()
        elif kind in ("mrkl", "keeplive"):
            session.heartbeats += 1
            await session.say(message(type=kind))
        elif kind == "logout":
            return False
        else:
            self.violations.append(f"unknown request {kind}")
        return True

    async def _betard(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        room_id = self.rooms.get(request.match_info["room"])
        if room_id is None:
            return web.Response(status=404, text="<html>no such room</html>", content_type="text/html")
        return web.json_response({"room": {"room_id": int(room_id), "show_status": 1, "videoLoop": 0}})

    async def _gift_list(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        return web.json_response({"error": 0, "msg": "success", "data": {"giftList": self.gifts}})

    async def _prop(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        return web.json_response({"error": 0, "data": self.props.get(request.query.get("pid", ""), {})})
