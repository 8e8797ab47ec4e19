"""The server of Social Stream Ninja on loopback: sessions with numbered channels, and the extension that fills one.

Written from the program's own reference. Who joins a session that nobody publishes in hears nothing, and is not
told so; whatever a client sends besides joining would reach the viewers' chat, so it is a complaint.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from tests.emulators.socket_site import SocketSite

SESSION = "emberfox42"
CHAT_CHANNEL = 4


class SocialStreamEmulator(SocketSite):
    """One session, published in by one extension."""

    def __init__(self) -> None:
        super().__init__()
        self.joins: list[Mapping[str, Any]] = []
        self._numbers = itertools.count(1)

    @property
    def joining_url(self) -> str:
        """The address that joins by itself."""
        return f"{self.ws_url}join/{SESSION}/{CHAT_CHANNEL}"

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Let those in whose path joins; the others have to say so."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "join":
            await self._joined(socket, {"join": parts[1], "in": int(parts[2]) if len(parts) > 2 else 1})

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Take the joining."""
        message = orjson.loads(text)
        if "join" in message and socket not in self.listeners:
            await self._joined(socket, message)
        else:
            self.complaints.append(f"sent {text}")

    async def say(self, words: str, **more: Any) -> int:
        """Let somebody say something; return the message's number."""
        return await self.tell({"chatmessage": words, **more})

    async def tell(self, message: Mapping[str, Any], *, wrapped: str = "") -> int:
        """Publish a message, in a wrapper if one is named; return its number."""
        number = message.get("id") or next(self._numbers)
        whole = {
            "id": number,
            "type": "twitch",
            "chatname": "Fern",
            "userid": "77",
            "chatmessage": "",
            "chatimg": "",
            "chatbadges": "",
            "membership": "",
            "hasDonation": "",
            "nameColor": "",
            "event": False,
            "textonly": False,
            **message,
        }
        await self.send_json({wrapped: whole} if wrapped else whole)
        return int(number)

    async def streak(self, name: str, *totals: int) -> None:
        """Let a viewer of TikTok tap a gift: the row comes again with the number so far."""
        number = next(self._numbers)
        for total in totals:
            words = f"{total} {name}{'s' if total > 1 else ''}"
            meta = {"tiktokGiftStreakId": "streak-1", "tiktokGiftCount": total, "tiktokGiftQuietMs": 4500}
            row = {"id": number, "type": "tiktok", "userid": "88", "event": "gift", "hasDonation": words}
            await self.tell({**row, "meta": meta, "chatmessage": f'<img src="g.webp" alt="{name}"> x{total}'})

    async def _joined(self, socket: web.WebSocketResponse, join: Mapping[str, Any]) -> None:
        self.joins.append(join)
        if join["join"] == SESSION and join.get("in") == CHAT_CHANNEL:
            await self.let_in(socket)
