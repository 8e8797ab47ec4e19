"""A simulated Bilibili room on loopback: the HTTP calls that lead into it, and its danmaku socket.

It insists on what the real one insists on: a signed token call with the device cookie (else -352), the
auth packet within 5 seconds with a valid token, with the uid, device and User-Agent that fetched it, and
heartbeats. It answers as the real one does, quirks included, and misbehaves when told to.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import orjson
from aiohttp import WSMsgType, web

from bridge.demo.bilibili_api import BilibiliApi
from bridge.demo.bilibili_messages import Message, live, preparing
from bridge.errors import DecodeError
from bridge.sources.codecs.bilibili_packets import (
    MAX_INFLATED_BYTES,
    OP_AUTH,
    OP_AUTH_REPLY,
    OP_HEARTBEAT,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    VERSION_BROTLI,
    VERSION_PLAIN,
    VERSION_ZLIB,
    pack,
    pack_compressed,
    unpack,
)
from bridge.sources.fields import optional_integer, optional_text, parse_json

_REMEMBERED_MESSAGES = 1000


@dataclass(eq=False)
class Client:
    """One admitted connection and what it was sent: messages by command, heartbeat replies not counted."""

    socket: web.WebSocketResponse = field(repr=False)
    request: web.Request = field(repr=False)
    uid: int
    delivered: Counter[str] = field(default_factory=Counter)
    heartbeats: int = 0


def encode_frame(messages: Iterable[Message], *, version: int = VERSION_BROTLI, nested: bool = False) -> bytes:
    """Return one WebSocket message that holds all ``messages``.

    Version 0: plain packets laid end to end; 2 and 3: one compressed packet with those packets inside;
    ``nested``: that packet once more inside a zlib packet.
    """
    packets = b"".join(
        pack(OP_MESSAGE, orjson.dumps(message), version=VERSION_PLAIN, sequence=0) for message in messages
    )
    if version != VERSION_PLAIN:
        packets = pack_compressed(packets, version)
    return pack_compressed(packets, VERSION_ZLIB) if nested else packets


class BilibiliRoom:
    """The room, to be used as ``async with BilibiliRoom() as room``.

    Point ``api_base`` of a Bilibili source to ``room.api_base``; the sockets are where the token call says,
    one port a simulated host. ``accounts`` are uids by ``SESSDATA``; others are guests.

    ``clients`` are the admitted connections of now, ``visits`` all there ever were, ``refusals`` counts
    those turned away by reason, ``sent`` the messages sent while anybody was there, by command.
    """

    def __init__(
        self,
        *,
        room_id: int = 92_000_001,
        short_id: int = 92,
        anchor_uid: int = 550_001,
        accounts: Mapping[str, int] | None = None,
        hosts: int = 2,
        port: int = 0,
        auth_timeout_secs: float = 5.0,
        idle_timeout_secs: float = 70.0,
    ) -> None:
        self.api = BilibiliApi(room_id=room_id, short_id=short_id, anchor_uid=anchor_uid, accounts=accounts or {})
        self.room_id = room_id
        self.clients: list[Client] = []
        self.visits: list[Client] = []
        self.refusals: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self._hosts = hosts
        self._port = port
        self._auth_timeout_secs = auth_timeout_secs
        self._idle_timeout_secs = idle_timeout_secs
        self._recent: deque[Message] = deque(maxlen=_REMEMBERED_MESSAGES)
        self._is_silent = False
        self._changed = asyncio.Condition()
        self._sites: list[web.SockSite] = []
        app = web.Application()
        app.add_routes([*self.api.routes(), web.get("/sub", self._serve)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        self._port = await self._listen(self._port)
        self.api.socket_ports = [await self._listen(0) for _ in range(self._hosts)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in list(self.clients):
            await client.socket.close()
        await self._runner.cleanup()

    @property
    def api_base(self) -> str:
        """Where the HTTP calls go."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def websocket_url(self) -> str:
        """The socket of the first host."""
        return f"ws://127.0.0.1:{self.api.socket_ports[0]}/sub"

    async def wait_for_clients(self, count: int = 1) -> None:
        """Return once at least ``count`` connections are admitted."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.clients) >= count)

    async def wait_until_empty(self) -> None:
        """Return once nobody is connected."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.clients)

    async def send(
        self, messages: Message | Sequence[Message], *, version: int = VERSION_BROTLI, nested: bool = False
    ) -> int:
        """Send messages in one frame to everybody; return how many connections took it."""
        batch = [messages] if isinstance(messages, dict) else list(messages)
        self._recent.extend(batch)
        return await self._deliver(encode_frame(batch, version=version, nested=nested), batch)

    async def start_live(self, at_ms: int) -> None:
        """Begin a broadcast: the message comes twice, as in reality."""
        self.api.is_live = True
        await self.send([live(self.room_id, at_ms=at_ms), live(self.room_id, at_ms=at_ms, repeated=True)])

    async def end_live(self, at_ms: int) -> None:
        """End the broadcast; the socket stays open."""
        self.api.is_live = False
        await self.send(preparing(self.room_id, at_ms=at_ms))

    async def drop_all(self) -> int:
        """Cut every connection without a word; return how many there were."""
        clients = list(self.clients)
        for client in clients:
            if client.request.transport is not None:
                client.request.transport.abort()
        return len(clients)

    async def close_host(self, index: int) -> None:
        """Stop listening on one simulated host; connections that are open stay open."""
        await self._sites[index + 1].stop()

    async def repeat_last(self, count: int = 10, *, version: int = VERSION_BROTLI) -> None:
        """Send the last messages again; they are not counted a second time."""
        await self._deliver(encode_frame(list(self._recent)[-count:], version=version), ())

    def go_silent(self) -> None:
        """Say nothing any more, not even to heartbeats, on connections that stay open."""
        self._is_silent = True

    def speak_again(self) -> None:
        """End the silence; what was to be sent meanwhile is lost."""
        self._is_silent = False

    async def send_cut(
        self, messages: Sequence[Message], *, version: int = VERSION_BROTLI, lost_bytes: int = 1
    ) -> None:
        """Send a compressed frame whose data ends early, under a header that fits; nothing of it is counted."""
        body = encode_frame(messages, version=version)[16:]
        await self._deliver(pack(OP_MESSAGE, body[:-lost_bytes], version=version, sequence=0), ())

    async def send_lie(self, message: Message, claimed_bytes: int) -> None:
        """Send a good message, and behind it in the same frame one whose header claims another length."""
        packet = encode_frame([message], version=VERSION_PLAIN)
        await self._deliver(packet + struct.pack(">I", claimed_bytes) + packet[4:], [message])

    async def send_bomb(self) -> None:
        """Send a small frame that inflates to far too much."""
        await self._deliver(pack_compressed(bytes(8 * MAX_INFLATED_BYTES), VERSION_BROTLI), ())

    async def send_bytes(self, frame: bytes) -> None:
        """Send any bytes at all."""
        await self._deliver(frame, ())

    async def _listen(self, port: int) -> int:
        listener = socket.create_server(("127.0.0.1", port))
        site = web.SockSite(self._runner, listener)
        await site.start()
        self._sites.append(site)
        return int(listener.getsockname()[1])

    async def _deliver(self, frame: bytes, counted: Sequence[Message]) -> int:
        names = Counter(str(message["cmd"]) for message in counted)
        delivered = 0
        for client in [] if self._is_silent else list(self.clients):
            try:
                await client.socket.send_bytes(frame)
            except ConnectionError:
                continue
            client.delivered.update(names)
            delivered += 1
        if delivered:
            self.sent.update(names)
        return delivered

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=65_536, compress=False)
        await ws.prepare(request)
        refusal, uid = await self._admit(ws, request)
        if refusal:
            self.refusals[refusal] += 1
            await ws.close()
            return ws
        client = Client(ws, request, uid)
        self.visits.append(client)
        self.clients.append(client)
        try:
            await self._tell_waiters()
            await self._listen_to(client)
        except ConnectionError:
            pass  # gone in the middle of an answer
        finally:
            self.clients.remove(client)
            await self._tell_waiters()
        return ws

    async def _tell_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _admit(self, ws: web.WebSocketResponse, request: web.Request) -> tuple[str, int]:
        """Read the auth packet and answer it. Returns why the client is refused ("" if it is not), and its uid."""
        try:
            async with asyncio.timeout(self._auth_timeout_secs):
                message = await ws.receive()
        except TimeoutError:
            return "no auth in time", 0
        packets = unpack(message.data)[0] if message.type is WSMsgType.BINARY else []
        operation, auth = packets[0] if packets else (0, b"")
        if operation != OP_AUTH:
            return "no auth packet", 0
        try:
            body = parse_json(auth)
        except DecodeError:
            return "unreadable auth packet", 0
        grant = self.api.grants.get(optional_text(body, "key"))
        refusal = ""
        if grant is None:
            refusal = "unknown token"
        elif optional_integer(body, "roomid") != grant.room_id:
            refusal = "token of another room"
        elif optional_integer(body, "uid", -1) != grant.uid or optional_text(body, "buvid") != grant.buvid:
            refusal = "token of another session"
        elif request.headers.get("User-Agent", "") != grant.user_agent:
            refusal = "token of another User-Agent"
        answer = {"code": -101 if refusal else 0}
        await ws.send_bytes(pack(OP_AUTH_REPLY, orjson.dumps(answer), sequence=1))
        return refusal, grant.uid if grant else 0

    async def _listen_to(self, client: Client) -> None:
        """Answer heartbeats until the client leaves or says nothing for too long."""
        while True:
            try:
                async with asyncio.timeout(self._idle_timeout_secs):
                    message = await client.socket.receive()
            except TimeoutError:
                await client.socket.close()
                return
            if message.type is not WSMsgType.BINARY:
                return
            packets, _ = unpack(message.data)
            for operation, body in packets:
                if operation == OP_HEARTBEAT:
                    client.heartbeats += 1
                    if not self._is_silent:
                        # A popularity of 1, then the heartbeat's own body outside the packet's length.
                        popularity = pack(OP_HEARTBEAT_REPLY, struct.pack(">I", 1), sequence=0)
                        await client.socket.send_bytes(popularity + body)
