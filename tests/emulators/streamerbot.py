"""Streamer.bot's WebSocket server on loopback: its greeting, its challenge, and what was subscribed to.

Follows docs.streamer.bot (api/websocket) and, for the shapes of events, recordings of several versions.
"""

from __future__ import annotations

import itertools
from base64 import b64encode
from hashlib import sha256
from typing import Any

import orjson
from aiohttp import web

from tests.emulators.socket_site import SocketSite

SALT, CHALLENGE = "c2FsdCBvZiBvdXJz", "Y2hhbGxlbmdlIG9mIG91cnM="
SENT_AT = "2025-11-21T08:00:01.1234567-04:00"
SENT_AT_MS = 1_763_726_401_123

FERN = {
    "id": "77",
    "login": "fern",
    "name": "Fern",
    "type": "twitch",
    "role": 1,
    "badges": [{"name": "subscriber", "version": "3", "info": "4"}],
    "subscribed": True,
    "monthsSubscribed": 4,
}
UNKNOWN_TO_OLD_VERSIONS = frozenset({"Kick.KicksGifted", "Twitch.PowerUp", "YouTube.JewelsGifted"})


class StreamerbotEmulator(SocketSite):
    """One hub; ``enforced`` says whether its password is wanted for more than commands."""

    def __init__(self, password: str = "", *, enforced: bool = True, is_old: bool = False) -> None:
        super().__init__()
        self._password = password
        self._enforced = enforced
        self._is_old = is_old
        self._subscribed: dict[web.WebSocketResponse, set[str]] = {}
        self._authenticated: set[web.WebSocketResponse] = set()
        self._numbers = itertools.count(1)

    @property
    def subscriptions(self) -> set[str]:
        """What somebody who listens is subscribed to."""
        return set().union(*(self._subscribed[socket] for socket in self.listeners))

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Say hello, and ask for the password if there is one."""
        info = {"instanceId": "1", "name": "Streamer.bot", "os": "windows", "osVersion": "10", "version": "1.0.1"}
        hello = {"timestamp": SENT_AT, "session": "session-1", "request": "Hello", "info": info}
        if self._password:
            hello["authentication"] = {"salt": SALT, "challenge": CHALLENGE}
        await socket.send_json(hello)

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Answer a request; every answer has the request's id."""
        request = orjson.loads(text)
        name, number = request.get("request"), request.get("id")
        needs_password = bool(self._password) and self._enforced and socket not in self._authenticated
        if name == "Authenticate":
            await self._authenticate(socket, number, request.get("authentication"))
        elif needs_password:
            await socket.send_json({"status": "error", "id": number, "error": "authentication required"})
        elif name == "Subscribe":
            await self._subscribe(socket, number, request["events"])
        elif name == "GetInfo":
            await socket.send_json({"status": "ok", "id": number, "info": {"version": "1.0.1"}})
        else:
            self.complaints.append(f"request {name}")
            await socket.send_json({"status": "error", "id": number, "error": "unknown request"})

    async def happened(self, name: str, data: dict[str, Any]) -> None:
        """Tell of an event those who asked for it."""
        source, _, kind = name.partition(".")
        event = {"timeStamp": SENT_AT, "event": {"source": source, "type": kind}, "data": data}
        for socket in list(self.listeners):
            if name in self._subscribed[socket]:
                for _ in range(self.copies):
                    await socket.send_json(event)

    async def say(self, words: str, **more: Any) -> None:
        """Let a viewer of Twitch say something."""
        said = {"user": FERN, "text": words, "messageId": f"message-{next(self._numbers)}", "isTest": False}
        await self.happened("Twitch.ChatMessage", {**said, **more})

    async def gift_bomb(self, count: int, *, announced: str) -> None:
        """Give ``count`` subscriptions: the announcement comes ``first``, ``last``, or ``never``."""
        batch = f"batch-{next(self._numbers)}"
        bomb = {"id": batch, "total": count, "cumulative_total": 40, "sub_tier": "1000", "user": FERN, "isTest": False}
        if announced == "first":
            await self.happened("Twitch.GiftBomb", bomb)
        for number in range(count):
            part = {"communityGiftId": batch, "fromCommunitySubGift": True, "durationMonths": 1, "cumlativeTotal": 0}
            given = {"recipient": {"id": str(900 + number), "login": "moss"}, "subTier": "1000", "user": FERN}
            await self.happened("Twitch.GiftSub", {**part, **given, "messageId": f"gift-{next(self._numbers)}"})
        if announced == "last":
            await self.happened("Twitch.GiftBomb", bomb)

    async def _authenticate(self, socket: web.WebSocketResponse, number: Any, answer: Any) -> None:
        secret = b64encode(sha256(f"{self._password}{SALT}".encode()).digest()).decode()
        if answer == b64encode(sha256(f"{secret}{CHALLENGE}".encode()).digest()).decode():
            self._authenticated.add(socket)
            await socket.send_json({"status": "ok", "id": number})
        else:
            await socket.send_json({"status": "error", "id": number, "error": "authentication failed"})

    async def _subscribe(self, socket: web.WebSocketResponse, number: Any, events: dict[str, list[str]]) -> None:
        names = {f"{source}.{kind}" for source, kinds in events.items() for kind in kinds}
        if self._is_old and names & UNKNOWN_TO_OLD_VERSIONS:
            await socket.send_json({"status": "error", "id": number, "error": "invalid event type"})
            return
        self._subscribed[socket] = self._subscribed.get(socket, set()) | names
        await socket.send_json({"status": "ok", "id": number, "events": events})
        await self.let_in(socket)
