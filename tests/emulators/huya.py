"""A Huya on loopback: the room's page and the player's socket.

Its own TARS writer follows the observed frames, so that the bridge's reader is not checked against itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from struct import pack
from typing import Any

from aiohttp import WSMsgType, web

from tests.emulators.local_site import LocalSite

Tags = Mapping[int, Any]


def tars(fields: Tags) -> bytes:
    """Return a struct: numbers, texts, bytes, lists (of structs or texts) and structs by tag."""
    return b"".join(_field(tag, value) for tag, value in sorted(fields.items()))


def _field(tag: int, value: Any) -> bytes:
    if isinstance(value, int):
        return _number(tag, value)
    if isinstance(value, str):
        raw = value.encode()
        return _head(tag, 7) + pack(">I", len(raw)) + raw if len(raw) > 255 else _head(tag, 6) + bytes([len(raw)]) + raw
    if isinstance(value, bytes):
        return _head(tag, 13) + b"\x00" + _number(0, len(value)) + value
    if isinstance(value, Mapping):
        return _head(tag, 10) + tars(value) + b"\x0b"
    return _head(tag, 9) + _number(0, len(value)) + b"".join(_field(0, item) for item in value)


def _number(tag: int, value: int) -> bytes:
    if value == 0:
        return _head(tag, 12)
    for kind, code, limit in ((0, ">b", 1 << 7), (1, ">h", 1 << 15), (2, ">i", 1 << 31)):
        if -limit <= value < limit:
            return _head(tag, kind) + pack(code, value)
    return _head(tag, 3) + pack(">q", value)


def _head(tag: int, kind: int) -> bytes:
    return bytes([tag << 4 | kind]) if tag < 15 else bytes([0xF0 | kind, tag])


def command(kind: int, body: bytes) -> bytes:
    return tars({0: kind, 1: body, 2: 0, 3: "", 4: 0, 5: 0, 6: ""})


def push(uri: int, body: Tags, message_id: int = 0) -> bytes:
    """Return one message in a frame of its own (command 7)."""
    return command(7, tars({0: 0, 1: uri, 2: tars(body), 3: 0, 4: "live:2001", 5: message_id}))


def push_batch(messages: Sequence[tuple[int, Tags, int]]) -> bytes:
    """Return several messages in one frame (command 22)."""
    items = [{0: uri, 1: tars(body), 2: message_id} for uri, body, message_id in messages]
    return command(22, tars({0: "chat:2001", 1: items}))


def comment(uid: int, name: str, words: str, *, noble: int = 0, badge: tuple[str, int] | None = None) -> Tags:
    decorations = []
    if badge:
        decorations.append({0: 10400, 1: 0, 2: tars({1: 77, 2: "", 3: badge[0], 4: badge[1]})})
    decorations.append({0: 11103, 1: 0, 2: b"\x00\x03"})
    return {0: {0: uid, 1: 0, 2: name, 3: 1, 4: "", 5: noble}, 1: 2001, 2: 2001, 3: words, 8: decorations, 11: 2001}


def gift(uid: int, name: str, item: int, item_name: str, count: int, pay_total: int, pay_id: str = "") -> Tags:
    return {
        0: item,
        1: pay_id,
        2: count,
        3: 2001,
        4: uid,
        5: "主播",
        6: name,
        7: "",
        8: count,
        9: 1,
        20: item_name,
        28: 0,
        39: 5,
        41: pay_total,
    }


class HuyaEmulator(LocalSite):
    """Rooms by their pages, and one socket server."""

    def __init__(self, uids: Mapping[str, int] | None = None, page: str = "") -> None:
        super().__init__()
        self.uids = dict(uids or {"lanyou": 2001})
        self.page = page or '<script>var TT_PROFILE_INFO = {"nick":"主播","lp":"%d","yyid":"35"};</script>'
        self.sockets: list[web.WebSocketResponse] = []
        self.registered: list[bytes] = []
        self.heartbeats = 0
        self.refusal_code = 0
        self._joined = asyncio.Condition()
        self.app.router.add_get("/", self._websocket)
        self.app.router.add_get("/{room}", self._room_page)

    async def socket(self, number: int = 0) -> web.WebSocketResponse:
        """Wait for the ``number``-th registered client (from 0)."""
        async with asyncio.timeout(5), self._joined:
            await self._joined.wait_for(lambda: len(self.sockets) > number)
        return self.sockets[number]

    async def _room_page(self, request: web.Request) -> web.Response:
        uid = self.uids.get(request.match_info["room"])
        if uid is None:
            return web.Response(status=404)
        return web.Response(text=self.page % uid if "%d" in self.page else self.page, content_type="text/html")

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        async for received in socket:
            if received.type is not WSMsgType.BINARY:
                break
            # The command's number is the first field of every frame.
            kind = received.data[1]
            if kind == 16:
                self.registered.append(received.data)
                await socket.send_bytes(command(17, tars({0: self.refusal_code, 1: ["live:2001", "chat:2001"]})))
                async with self._joined:
                    self.sockets.append(socket)
                    self._joined.notify_all()
            elif kind == 20:
                self.heartbeats += 1
                await socket.send_bytes(command(21, b""))
        return socket
