"""A TikTok on loopback: the room look-up, the signer and the webcast socket.

It follows what other clients' sources and the recorded payloads say: a signature serves for one
connection, the room must be entered before anything is said, frames are gzip protobuf, some want an
acknowledgement, heartbeats are answered and WebSocket pings are not. It misbehaves on demand.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from aiohttp import WSMsgType, web

from tests.emulators import tiktok_wire as wire
from tests.emulators.local_site import LocalSite

ROOM_ID = 7300000000000000001
NOT_FOUND = {"statusCode": 19881007, "message": "user_not_found", "data": None}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def read_fields(data: bytes) -> dict[int, Any]:
    """Read a protobuf message, the last value of each field; ``ValueError`` for what is none."""
    out: dict[int, Any] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            out[key >> 3] = varint()
        elif key & 7 == 2:
            length = varint()
            out[key >> 3] = data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {key & 7}")
    return out


class Viewer:
    """One connected client of ours."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.query = request.query
        self.headers = request.headers
        self.entered: dict[int, Any] = {}
        self.heartbeats: list[int] = []
        self.acknowledged: list[tuple[int, bytes]] = []
        self._transport = request.transport

    async def send(self, *messages: wire.Fields, need_ack: bool = False, packed: bool = True, log_id: int = 41) -> None:
        """Push one frame with these messages."""
        await self.socket.send_bytes(wire.pushed(*messages, need_ack=need_ack, packed=packed, log_id=log_id))

    async def send_raw(self, data: bytes | str) -> None:
        """Push anything."""
        await (self.socket.send_bytes(data) if isinstance(data, bytes) else self.socket.send_str(data))

    async def close(self, code: int = 1000) -> None:
        """Close politely."""
        await self.socket.close(code=code)

    def drop(self) -> None:
        """Break the connection without a word."""
        assert self._transport is not None
        self._transport.abort()


class TikTokEmulator(LocalSite):
    """One streamer, her signer and her socket. Its own address serves as ``api_base`` and ``sign_url``."""

    def __init__(self, handle: str = "lanyou.live") -> None:
        super().__init__()
        self.handle = handle
        self.is_live = True
        self.signatures = 0
        self.signer_faults: list[web.Response] = []
        self.refuses_unsigned = False
        self.sign_requests: list[web.Request] = []
        self.told_by_signer: list[wire.Fields] = []
        """What the next answers of the signer hold besides history."""
        self.viewers: list[Viewer] = []
        self.violations: list[str] = []
        self._unused_signatures: set[str] = set()
        self._ids = itertools.count(1)
        self._entered = asyncio.Condition()
        self.app.router.add_get("/", self._home)
        self.app.router.add_get("/api-live/user/room/", self._room)
        self.app.router.add_get("/webcast/room/info/", self._room_info)
        self.app.router.add_get("/webcast/fetch", self._sign)
        self.app.router.add_get("/webcast/im/push/", self._push)

    @property
    def socket_url(self) -> str:
        """Where the webcast socket listens."""
        return f"{self.ws_url}webcast/im/push/"

    def next_id(self) -> int:
        """Return an id for the next message."""
        return 7_400_000_000_000_000_000 + next(self._ids)

    def chat(self, text: str, *, said_ms: int = 0, is_history: bool = False, msg_id: int = 0) -> wire.Fields:
        """Return a comment, said now and with a new id unless told otherwise."""
        number = msg_id or self.next_id()
        payload = wire.chat(text, number, said_ms or now_ms())
        return wire.envelope("WebcastChatMessage", payload, number, is_history=is_history)

    def gift(self, repeat: int, group_id: int, *, ended: bool = False, diamonds: int = 5) -> wire.Fields:
        """Return one message of a streak."""
        number = self.next_id()
        payload = wire.gift(repeat, number, now_ms(), group_id=group_id, ended=ended, diamonds=diamonds)
        return wire.envelope("WebcastGiftMessage", payload, number)

    def end(self) -> wire.Fields:
        """Return the word that the live has ended."""
        number = self.next_id()
        return wire.envelope("WebcastControlMessage", wire.control(3, number, now_ms()), number)

    async def viewer(self, number: int = 0) -> Viewer:
        """Wait for the ``number``-th client (from 0) to have entered the room."""
        async with asyncio.timeout(5), self._entered:
            await self._entered.wait_for(lambda: len(self.viewers) > number and bool(self.viewers[number].entered))
        return self.viewers[number]

    async def _home(self, request: web.Request) -> web.Response:
        answer = web.Response(text="<html>")
        answer.set_cookie("ttwid", "visitor")
        return answer

    async def _room(self, request: web.Request) -> web.Response:
        if request.query.get("uniqueId") != self.handle:
            return web.json_response(NOT_FOUND)
        status = 2 if self.is_live else 4
        user = {"id": "6900000000000000001", "roomId": str(ROOM_ID), "status": status, "uniqueId": self.handle}
        return web.json_response({"statusCode": 0, "data": {"user": user, "liveRoom": {"status": status}}})

    async def _room_info(self, request: web.Request) -> web.Response:
        status = 2 if self.is_live and request.query.get("room_id") == str(ROOM_ID) else 4
        return web.json_response({"status_code": 0, "data": {"status": status, "user_count": 5}})

    async def _sign(self, request: web.Request) -> web.Response:
        self.sign_requests.append(request)
        if self.signer_faults:
            return self.signer_faults.pop(0)
        self.signatures += 1
        signature = f"sig-{self.signatures}"
        self._unused_signatures.add(signature)
        backlog = [self.chat("said before the signature", said_ms=now_ms() - 60_000, is_history=True)]
        backlog += self.told_by_signer
        body = wire.fetch_result(backlog, push_server=self.socket_url, route_params={"wrss": signature})
        return web.Response(body=body, headers={"X-Set-TT-Cookie": f"ttwid={signature}; Path=/"})

    async def _push(self, request: web.Request) -> web.StreamResponse:
        signature = request.query.get("wrss", "")
        if signature:
            if signature not in self._unused_signatures:
                # What TikTok does with a signature that it does not like: 200, no upgrade.
                return web.Response(status=200, headers={"Handshake-Msg": "INVALID_SIGNATURE"})
            self._unused_signatures.discard(signature)
            if f"ttwid={signature}" not in request.headers.get("Cookie", ""):
                self.violations.append("the signer's cookie is missing")
        if request.query.getall("version_code", [])[:1] != ["180800"] or request.query.get("room_id") != str(ROOM_ID):
            self.violations.append("the query is not what the page sends")
        socket = web.WebSocketResponse(autoping=False, protocols=("echo-protocol",))
        await socket.prepare(request)
        if socket.ws_protocol != "echo-protocol":
            self.violations.append("the subprotocol is missing")
        viewer = Viewer(socket, request)
        self.viewers.append(viewer)
        if not signature and self.refuses_unsigned:
            await socket.close(code=1008)
            return socket
        async for received in socket:
            if received.type is WSMsgType.BINARY:
                await self._take(viewer, received.data)
            elif received.type is WSMsgType.PING:
                self.violations.append("a WebSocket ping, which nobody answers")
            else:
                self.violations.append("a message that is not binary")
        return socket

    async def _take(self, viewer: Viewer, data: bytes) -> None:
        try:
            frame = read_fields(data)
            payload = frame.get(8, b"")
            fields = {} if frame[7] == b"ack" else read_fields(payload)
        except (ValueError, KeyError, IndexError):
            self.violations.append("a frame that cannot be read")
            return
        if frame.get(6) != b"pb":
            self.violations.append("payload_encoding is not pb")
        if frame[7] == b"im_enter_room":
            if viewer.entered or fields.get(1) != ROOM_ID or fields.get(5) != b"audience" or fields.get(4) != 12:
                self.violations.append("a second or a wrong entry")
            await viewer.send_raw(wire.push(b"", "im_enter_room_resp", packed=False))
            async with self._entered:
                viewer.entered = fields
                self._entered.notify_all()
        elif frame[7] == b"hb":
            if fields.get(1) != ROOM_ID:
                self.violations.append("a heartbeat for another room")
            viewer.heartbeats.append(fields.get(2, 0))
            await viewer.send_raw(wire.push(b"", "hb", packed=False))
        elif frame[7] == b"ack":
            viewer.acknowledged.append((frame.get(2, 0), payload))
        else:
            self.violations.append(f"a frame of type {frame[7]!r}")
