"""Bilibili's open live platform on loopback: the signed API with every check, and the socket.

It follows the vendor's documents: which code answers which fault, a session that dies without its
heartbeat, a room that runs one session at a time. It misbehaves on demand, see ``OpenLive`` and ``Client``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from bridge.sources.codecs.bilibili_packets import (
    OP_AUTH,
    OP_AUTH_REPLY,
    OP_HEARTBEAT,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    VERSION_ZLIB,
    pack,
    pack_compressed,
    unpack,
)
from tests.emulators.local_site import LocalSite

SIGNED = (
    "x-bili-accesskeyid",
    "x-bili-content-md5",
    "x-bili-signature-method",
    "x-bili-signature-nonce",
    "x-bili-signature-version",
    "x-bili-timestamp",
)
CLOCK_TOLERANCE_SECS = 300


def command(suffix: str, **data: Any) -> dict[str, Any]:
    return {"cmd": f"LIVE_OPEN_PLATFORM_{suffix}", "data": {"room_id": 7001, "timestamp": int(time.time()), **data}}


def danmaku(number: int, text: str) -> dict[str, Any]:
    return command("DM", open_id=f"o{number}", uid=0, uname=f"观众{number}", msg=text, msg_id=f"m-{number}")


class Client:
    """One socket."""

    def __init__(
        self, write: Callable[[bytes], Awaitable[None]], close: Callable[..., Awaitable[Any]], cut: Callable[[], None]
    ) -> None:
        self._write = write
        self.close = close
        self.cut = cut
        self.authenticated = False
        self.is_open = True
        self.heartbeats = 0

    async def say(self, *messages: dict[str, Any], compressed: bool = False) -> None:
        """Send all messages in one socket message, as plain packets or inside a compressed one."""
        packets = b"".join(pack(OP_MESSAGE, orjson.dumps(one), version=0, sequence=0) for one in messages)
        await self._write(pack_compressed(packets, VERSION_ZLIB) if compressed else packets)

    async def lie_about_length(self, one: dict[str, Any], by: int) -> None:
        """Send a packet that claims ``by`` bytes more (or fewer) than it has."""
        body = orjson.dumps(one)
        packet = pack(OP_MESSAGE, body, version=0)
        await self._write((len(packet) + by).to_bytes(4, "big") + packet[4:])

    async def send_raw(self, data: bytes) -> None:
        await self._write(data)


class OpenLive(LocalSite):
    """The API and the socket of one app and one anchor."""

    def __init__(self, *, listed: bool = True, session_secs: float = 60.0) -> None:
        super().__init__()
        self.key_id, self.key_secret = "key-1", "secret-1"
        self.app_id, self.code = 1234567, "CODE7"
        self.listed = listed
        self.session_secs = session_secs
        self.clock_offset_secs = 0
        self.cooling = False
        self.calls: list[tuple[str, int]] = []
        self.scripted_codes: dict[str, list[int]] = defaultdict(list)
        """Codes to answer the next calls of a path with, before anything is looked at."""
        self.auth_code = 0
        self.links: list[str] | None = None
        """What ``wss_link`` names, where it is not this emulator's own socket."""
        self.games: dict[str, float] = {}
        self.clients: list[Client] = []
        self._nonces: set[str] = set()
        self._changed = asyncio.Condition()
        for path, serve in (
            ("/v2/app/start", self._start),
            ("/v2/app/heartbeat", self._heartbeat),
            ("/v2/app/batchHeartbeat", self._batch_heartbeat),
            ("/v2/app/end", self._end),
        ):
            self.app.router.add_post(path, self._checked(serve))
        self.app.router.add_get("/sub", self._socket)

    async def client(self, number: int = 0) -> Client:
        """Wait for the ``number``-th socket (from 0) to have authenticated."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: sum(one.authenticated for one in self.clients) > number)
        return [one for one in self.clients if one.authenticated][number]

    async def open_client(self, heartbeats: int = 0) -> Client:
        """Wait for a socket that is authenticated, still open and has sent so many heartbeats."""

        def found() -> list[Client]:
            return [one for one in self.clients if one.authenticated and one.is_open and one.heartbeats >= heartbeats]

        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(found)
        return found()[-1]

    async def called(self, path: str, times: int = 1) -> None:
        """Wait until ``path`` was called so often."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: sum(one == path for one, _ in self.calls) >= times)

    def expire_sessions(self) -> None:
        """Let all sessions die as if no heartbeat had come."""
        self.games = dict.fromkeys(self.games, float("-inf"))

    def _checked(
        self, serve: Callable[[dict[str, Any]], tuple[int, Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            script = self.scripted_codes[request.path]
            code = script.pop(0) if script else self._fault(request.headers, body)
            data: Any = None
            if not code:
                try:
                    code, data = serve(orjson.loads(body))
                except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                    code = 4000
            async with self._changed:
                self.calls.append((request.path, code))
                self._changed.notify_all()
            return web.json_response({"code": code, "message": str(code), "request_id": "r", "data": data})

        return handle

    def _fault(self, headers: Any, body: bytes) -> int:
        """Return the documented code of the first fault in the headers, 0 if there is none."""
        now_secs = time.time() + self.clock_offset_secs
        signed = "\n".join(f"{name}:{headers.get(name, '')}" for name in SIGNED)
        signature = hmac.new(self.key_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        stamp, nonce = headers.get("x-bili-timestamp", ""), headers.get("x-bili-signature-nonce", "")
        checks = (
            (headers.get("Content-Type", "") == "application/json", 4011),
            (headers.get("Accept", "") == "application/json", 4013),
            (headers.get("x-bili-accesskeyid") == self.key_id, 4001),
            (headers.get("x-bili-content-md5") == hashlib.md5(body).hexdigest(), 4012),
            (headers.get("x-bili-signature-method") == "HMAC-SHA256", 4005),
            (headers.get("x-bili-signature-version") == "1.0", 4006),
            (stamp.isdigit() and abs(now_secs - int(stamp)) <= CLOCK_TOLERANCE_SECS, 4003),
            (headers.get("Authorization") == signature, 4002),
            (bool(nonce) and nonce not in self._nonces, 4004),
        )
        fault = next((code for held, code in checks if not held), 0)
        if not fault:
            self._nonces.add(nonce)
        return fault

    def _alive(self, game_id: str) -> bool:
        return time.monotonic() - self.games.get(game_id, float("-inf")) < self.session_secs

    def _start(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if asked["code"] != self.code:
            return 7007, None
        if asked["app_id"] != self.app_id:
            return 8002, None
        if self.cooling:
            return 7001, None
        if any(self._alive(game_id) for game_id in self.games):
            return 7002, None
        game_id = f"game-{len(self.games) + 1}" if self.listed else ""
        if game_id:
            self.games[game_id] = time.monotonic()
        links = [f"{self.ws_url}sub"] if self.links is None else self.links
        return 0, {
            "anchor_info": {"room_id": 7001, "uid": 0, "open_id": "oanchor", "uname": "主播", "uface": ""},
            "game_info": {"game_id": game_id},
            "websocket_info": {"auth_body": self._auth_body(game_id), "wss_link": links},
        }

    def _auth_body(self, game_id: str) -> str:
        # The odd spacing shows whether it is sent to the letter.
        return f'{{"roomid":7001, "protover":2,"uid":0,"key":"key of {game_id}","group":"open"}}'

    def _heartbeat(self, asked: dict[str, Any]) -> tuple[int, Any]:
        game_id = asked["game_id"]
        if game_id not in self.games:
            return 7000, None
        if not self._alive(game_id):
            return 7003, None
        self.games[game_id] = time.monotonic()
        return 0, {}

    def _batch_heartbeat(self, asked: dict[str, Any]) -> tuple[int, Any]:
        ids = asked["game_ids"]
        if len(ids) >= 200:
            return 7004, None
        if len(set(ids)) < len(ids):
            return 7005, None
        return 0, {"failed_game_ids": [one for one in ids if self._heartbeat({"game_id": one})[0]]}

    def _end(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if asked["app_id"] != self.app_id:
            return 8002, None
        if not self._alive(asked["game_id"]):
            return 7000, None
        del self.games[asked["game_id"]]
        return 0, {}

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        client = Client(socket.send_bytes, socket.close, transport.abort)
        self.clients.append(client)
        known = {self._auth_body(game_id) for game_id in self.games} | {self._auth_body("")}
        async for received in socket:
            if received.type is not WSMsgType.BINARY:
                break
            packets, _ = unpack(received.data)
            for operation, body in packets:
                if operation == OP_AUTH:
                    code = self.auth_code or (0 if body.decode() in known else -101)
                    await socket.send_bytes(pack(OP_AUTH_REPLY, orjson.dumps({"code": code})))
                    async with self._changed:
                        client.authenticated = code == 0
                        self._changed.notify_all()
                elif operation == OP_HEARTBEAT and client.authenticated:
                    async with self._changed:
                        client.heartbeats += 1
                        self._changed.notify_all()
                    # The real server echoes the body behind the packet, outside its length.
                    await socket.send_bytes(pack(OP_HEARTBEAT_REPLY, (1).to_bytes(4, "big")) + body)
                else:
                    await socket.close()
        client.is_open = False
        return socket
