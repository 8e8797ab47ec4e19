"""A reader of a closed platform, whose messages the room file maps: what an operator does for Taobao or JD."""

from __future__ import annotations

from collections import deque
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from tests.e2e.feed import Feed, now_ms
from tests.emulators.socket_site import SocketSite

REPEATED = 10
WHO = {"user_id": "from.uid", "user_name": "from.nick", "id": "mid", "timestamp": "at"}
MAPPING = [
    {"when": "cmd == 'chat'", "type": "comment", "text": "msg", **WHO},
    {"when": "cmd == 'gift'", "type": "gift", "gift_name": "'Rose'", "gift_count": "n", "gift_value": "price", **WHO},
]


class Reader(SocketSite):
    """The program: whoever connects is first sent the last messages again."""

    def __init__(self) -> None:
        super().__init__()
        self.last: deque[dict[str, Any]] = deque(maxlen=REPEATED)

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Repeat, then let hear."""
        for message in list(self.last):
            await socket.send_json(message)
        await self.let_in(socket)

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Want nothing."""
        self.complaints.append(text)


class MappedFeed(Feed):
    site = "taobao"

    async def open(self, opened: AsyncExitStack) -> None:
        self.reader = await opened.enter_async_context(Reader())

    def source(self) -> dict[str, Any]:
        return {"platform": "websocket", "websocket_url": self.reader.ws_url, "site": self.site, "mapping": MAPPING}

    def complaints(self) -> list[str]:
        return self.reader.complaints

    def has_listener(self) -> bool:
        return bool(self.reader.listeners)

    async def repeat(self) -> int:
        await self.until(self.has_listener)
        return len(self.reader.last)

    async def tell(self, text: str, number: int) -> None:
        await self._send(number, cmd="chat", msg=text)

    async def give(self, number: int) -> tuple[int, int]:
        await self._send(number, cmd="gift", n=3, price=250)
        return 3, 750

    async def drop(self) -> None:
        self.reader.drop()

    async def _send(self, number: int, **more: Any) -> None:
        who = {"uid": number, "nick": f"viewer {number}"}
        message = {"from": who, "mid": f"m-{next(self.numbers)}", "at": now_ms(), **more}
        self.reader.last.append(message)
        await self.reader.send_json(message)
