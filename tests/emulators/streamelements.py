"""StreamElements' Astro gateway on loopback: subscriptions by token, and moving to another server with them.

Follows the vendor's documentation of its WebSocket gateway; messages have the shapes of its examples.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from tests.emulators.socket_site import SocketSite

TOKEN, TOKEN_TYPE, CHANNEL = "token-of-ours", "jwt", "5f0000000000000000000001"
TOPICS = frozenset({"channel.chat.message", "channel.activities", "channel.tips", "channel.stream.status"})
SENT_AT = "2025-03-13T13:48:34.123456789Z"
SENT_AT_MS = 1_741_873_714_123


class StreamElementsEmulator(SocketSite):
    """The gateway, and one channel on it."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, list[str]] = {}
        """What the next subscriptions to a topic are answered with, one after the other."""
        self.requests: list[Mapping[str, Any]] = []
        self.turned_away = 0
        self._subscribed: dict[web.WebSocketResponse, set[str]] = {}
        self._kept: dict[str, set[str]] = {}
        self._numbers = itertools.count(1)

    @property
    def subscriptions(self) -> list[set[str]]:
        """What each of those who listen is subscribed to."""
        return [self._subscribed[socket] for socket in self.listeners]

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Welcome a client; with a reconnect token its subscriptions are back, with a wrong one it is sent away."""
        token = request.query.get("reconnect_token")
        if token and token not in self._kept:
            self.turned_away += 1
            await socket.close()
            return
        self._subscribed[socket] = self._kept.pop(token) if token else set()
        await socket.send_json(self._message("welcome", {"client_id": "client-1", "message": "Welcome"}))
        if self._subscribed[socket]:
            await self.let_in(socket)

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Answer a request."""
        request = orjson.loads(text)
        self.requests.append(request)
        data = request.get("data", {})
        error = self._problem(request)
        if not error:
            self._subscribed[socket].add(data["topic"])
        answer = {**self._message("response", {"topic": data.get("topic"), "message": error or "successfully"})}
        await socket.send_json({**answer, "nonce": request.get("nonce"), **({"error": error} if error else {})})
        if not error:
            await self.let_in(socket)

    async def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Publish to those who are subscribed."""
        message = {**self._message("message", dict(data)), "topic": topic, "room": CHANNEL}
        for socket in list(self.listeners):
            if topic in self._subscribed[socket]:
                for _ in range(self.copies):
                    await socket.send_json(message)

    async def say(self, words: str) -> None:
        """Let a viewer of Twitch say something."""
        number = next(self._numbers)
        viewer = {"chatter_user_id": "77", "chatter_user_login": "fern", "chatter_user_name": "Fern", "badges": []}
        message = {"text": words, "fragments": [{"type": "text", "text": words}]}
        ids = {"broadcaster_user_id": "9", "message_id": f"chat-{number}", "source_broadcaster_user_id": None}
        await self.publish("channel.chat.message", {**ids, **viewer, "message": message, "cheer": None})

    async def act(self, kind: str, provider: str = "twitch", **about: Any) -> None:
        """Let a viewer do something."""
        number = next(self._numbers)
        who = {"username": "fern", "displayName": "Fern", "providerId": "77"}
        ids = {"_id": f"{number:024d}", "activityId": f"activity-{number}", "channel": CHANNEL}
        whole = {**ids, "type": kind, "provider": provider, "data": {**who, **about}, "createdAt": SENT_AT}
        await self.publish("channel.activities", whole)

    async def move(self, *, honest: bool = True) -> None:
        """Tell everybody to go to another server; if not ``honest``, none knows their tokens."""
        for socket in list(self.listeners):
            token = f"moving-{next(self._numbers)} &?"
            if honest:
                self._kept[token] = set(self._subscribed[socket])
            await socket.send_json(self._message("reconnect", {"reconnect_token": token}))

    def _message(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"id": f"01JP{next(self._numbers):022d}", "ts": SENT_AT, "type": kind, "data": data}

    def _problem(self, request: Mapping[str, Any]) -> str:
        data = request.get("data", {})
        topic = data.get("topic")
        if request.get("type") != "subscribe" or topic not in TOPICS or not request.get("nonce"):
            self.complaints.append(f"bad request {request.get('type')} {topic}")
            return "err_bad_request"
        if self.errors.get(topic):
            return self.errors[topic].pop(0)
        allowed = (data.get("token"), data.get("token_type")) == (TOKEN, TOKEN_TYPE)
        return "" if allowed and data.get("room", CHANNEL) == CHANNEL else "err_unauthorized"
