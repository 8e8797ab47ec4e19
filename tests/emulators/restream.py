"""Restream's chat socket on loopback: the chats of an account's channels, told over one connection.

Follows the vendor's documentation of its actions; what a client sends is passed over, as the documents say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.emulators.socket_site import SocketSite

TOKEN = "token/1 of ours"
SENT_AT_MS = 1_763_726_400_000
TWITCH, YOUTUBE = 2, 13


class RestreamEmulator(SocketSite):
    """One account; its token is part of the URL and mortal."""

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.closes_politely = False
        """Whether a wrong token is told by a close code; else the door stays shut."""
        self.refresh_token = "refresh-1"
        """What the next access token is got with, once."""
        self.renewals = 0
        self._events = 0
        self.app.router.add_post("/oauth/token", self._renew)
        self.app.middlewares.append(self._look_at_token)

    async def _renew(self, request: web.Request) -> web.Response:
        """Give a new pair of tokens for the refresh token, and make the old pair void."""
        form = await request.post()
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            return web.json_response({"error": {"message": "Invalid refresh token"}}, status=400)
        self.renewals += 1
        self.token, self.refresh_token = f"access-{self.renewals + 1}", f"refresh-{self.renewals + 1}"
        told = {"access_token": self.token, "refresh_token": self.refresh_token, "token_type": "Bearer"}
        return web.json_response({**told, "expires_in": 3600, "scope": "chat.read"})

    @web.middleware
    async def _look_at_token(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path == "/oauth/token":
            renewed: web.StreamResponse = await handler(request)
            return renewed
        if request.query.get("accessToken") != self.token and not self.closes_politely:
            return web.json_response({"error": {"message": "Invalid token"}}, status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Tell each connected channel, one of them twice, to those whose token is good."""
        if request.query.get("accessToken") != self.token:
            await socket.close(code=4001, message=b"token expired")
            return
        await self.let_in(socket)
        for source in (TWITCH, YOUTUBE, YOUTUBE):
            told = {"connectionIdentifier": f"7-{source}", "connectionUuid": f"uuid-{source}", "eventSourceId": source}
            await self.act("connection_info", {**told, "status": "connected", "userId": 7})

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Pass over what a client says."""

    async def act(self, action: str, payload: Mapping[str, Any] | None = None) -> None:
        """Tell everybody who listens."""
        told = {"action": action, "timestamp": SENT_AT_MS // 1000 + 1}
        await self.send_json(told if payload is None else {**told, "payload": payload})

    async def event(self, number: int, source: int, payload: Mapping[str, Any]) -> None:
        """Tell an event of a channel."""
        self._events += 1
        told = {
            "connectionIdentifier": f"7-{source}",
            "eventIdentifier": f"event-{self._events}",
            "eventSourceId": source,
            "eventTypeId": number,
            "eventPayload": payload,
            "createdAt": SENT_AT_MS // 1000,
            "userId": 7,
        }
        await self.act("event", told)

    async def say(self, words: str, **author: Any) -> None:
        """Let a viewer of Twitch say something."""
        known: dict[str, Any] = {
            "id": "77",
            "name": "fern",
            "displayName": "Fern",
            "avatar": None,
            "color": None,
            "badges": [],
        }
        said = {"text": words, "bot": False, "replaces": [], "contentModifiers": {"me": False, "whisper": False}}
        await self.event(4, TWITCH, {**said, "author": {**known, "subscribedFor": None, **author}})

    async def close(self, code: int, reason: str) -> None:
        """Close every connection."""
        for socket in list(self.listeners):
            await socket.close(code=code, message=reason.encode())
