"""The parts of Twitch's API (Helix) and token server that stand around EventSub, on loopback.

Follows dev.twitch.tv (api/reference, eventsub/manage-subscriptions, authentication): who may ask what, which
status refuses it, and that a renewal voids the refresh token it was made with.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from tests.emulators.local_site import LocalSite

CONDITIONS = {
    ("channel.chat.message", "1"): {"broadcaster_user_id", "user_id"},
    ("channel.chat.notification", "1"): {"broadcaster_user_id", "user_id"},
    ("channel.follow", "2"): {"broadcaster_user_id", "moderator_user_id"},
    ("stream.online", "1"): {"broadcaster_user_id"},
    ("stream.offline", "1"): {"broadcaster_user_id"},
}


@dataclass(eq=False)
class Session:
    """One EventSub session: it outlives its socket when the client reconnects as asked."""

    id: str
    socket: web.WebSocketResponse
    request: web.Request
    subscriptions: dict[str, dict[str, str]] = field(default_factory=dict)
    spoken: asyncio.Event = field(default_factory=asyncio.Event)


class TwitchApi(LocalSite):
    """Who exists, which tokens hold, what was asked."""

    def __init__(self, login: str) -> None:
        super().__init__()
        self.login = login
        self.users = {login: "4100001", "helperbot": "4100002"}
        self.client_id, self.client_secret = "client-of-ours", "secret-of-ours"
        self.access_token, self.refresh_token, self.app_token = "access-1", "refresh-1", "app-1"
        self.is_public = False
        """Whether the client has no secret; its refresh tokens die after 30 days, and all work once."""
        self.token_user = "helperbot"
        self.token_expires_in_secs = 14_000
        self.viewers: int | None = 120
        self.stream_id = "900001"
        self.denied: set[str] = set()
        """Subscription types refused with 403."""
        self.failing: dict[str, int] = {}
        """Status that ``streams`` answers, or that a subscription type's next call does."""
        self.calls: list[tuple[str, int]] = []
        self.sessions: list[Session] = []
        self.numbers = itertools.count(2)
        self._changed = asyncio.Condition()
        self.app.add_routes(
            [
                web.get("/helix/users", self._users),
                web.get("/helix/streams", self._streams),
                web.post("/helix/eventsub/subscriptions", self._subscribe),
                web.get("/oauth2/validate", self._validate),
                web.post("/oauth2/token", self._token),
            ]
        )

    def expire_token(self) -> None:
        """Make the tokens of before worthless; a renewal brings the next and a new refresh token."""
        self.access_token = f"access-{next(self.numbers)}"
        self.app_token = f"app-{next(self.numbers)}"

    async def until(self, met: Callable[[], Any]) -> None:
        """Wait until ``met()`` is true of what clients have done."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(met)

    async def note_change(self) -> None:
        """Let ``until`` look again."""
        async with self._changed:
            self._changed.notify_all()

    async def _answer(self, request: web.Request, status: int, body: Any) -> web.Response:
        self.calls.append((request.path, status))
        await self.note_change()
        return web.json_response(body, status=status)

    async def _refuse(self, request: web.Request, status: int, message: str) -> web.Response:
        body = {"error": HTTPStatus(status).phrase, "status": status, "message": message}
        return await self._answer(request, status, body)

    def _unauthorized(self, request: web.Request, *, app_too: bool = True) -> bool:
        allowed = {f"Bearer {self.access_token}"} | ({f"Bearer {self.app_token}"} if app_too else set())
        headers = request.headers
        return headers.get("Authorization") not in allowed or headers.get("Client-Id") != self.client_id

    async def _users(self, request: web.Request) -> web.Response:
        if self._unauthorized(request):
            return await self._refuse(request, 401, "Invalid OAuth token")
        login = request.query.get("login", self.token_user)
        found = [{"id": self.users[login], "login": login, "display_name": login}] if login in self.users else []
        return await self._answer(request, 200, {"data": found})

    async def _streams(self, request: web.Request) -> web.Response:
        if self._unauthorized(request):
            return await self._refuse(request, 401, "Invalid OAuth token")
        if "streams" in self.failing:
            return await self._refuse(request, self.failing["streams"], "try again")
        live = self.viewers is not None and request.query.get("user_login") == self.login
        stream = {"id": self.stream_id, "user_login": self.login, "type": "live", "viewer_count": self.viewers}
        return await self._answer(request, 200, {"data": [stream] if live else [], "pagination": {}})

    async def _subscribe(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        kind, version, condition = body["type"], body["version"], body["condition"]
        session = next((one for one in self.sessions if one.id == body["transport"]["session_id"]), None)
        if self._unauthorized(request, app_too=False):
            return await self._refuse(request, 401, "Invalid OAuth token")
        if kind in self.failing:
            return await self._refuse(request, self.failing.pop(kind), "try again")
        if session is None or CONDITIONS.get((kind, version)) != set(condition):
            return await self._refuse(request, 400, "websocket transport session or condition is wrong")
        if kind in self.denied:
            return await self._refuse(request, 403, "subscription missing proper authorization")
        if kind in session.subscriptions:
            return await self._refuse(request, 409, "subscription already exists")
        session.subscriptions[kind] = condition
        created = {"id": f"sub-{kind}", "status": "enabled", "cost": 0, "created_at": "2026-03-01T19:00:00Z", **body}
        return await self._answer(request, 202, {"data": [created], "total": 1, "total_cost": 0, "max_total_cost": 10})

    async def _validate(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"OAuth {self.access_token}":
            return await self._answer(request, 401, {"status": 401, "message": "invalid access token"})
        body = {
            "client_id": self.client_id,
            "login": self.token_user,
            "scopes": ["user:read:chat", "moderator:read:followers"],
            "user_id": self.users[self.token_user],
            "expires_in": self.token_expires_in_secs,
        }
        return await self._answer(request, 200, body)

    async def _token(self, request: web.Request) -> web.Response:
        form = {**request.query, **await request.post()}
        secret = form.get("client_secret", "")
        if form.get("client_id") != self.client_id or secret != ("" if self.is_public else self.client_secret):
            return await self._answer(request, 403, {"status": 403, "message": "invalid client secret"})
        if form.get("grant_type") == "client_credentials":
            return await self._answer(request, 200, {"access_token": self.app_token, "expires_in": 5_000_000})
        if form.get("refresh_token") != self.refresh_token:
            return await self._answer(request, 400, {"status": 400, "message": "Invalid refresh token"})
        self.refresh_token = f"refresh-{next(self.numbers)}"
        body = {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_in": 14_000}
        return await self._answer(request, 200, body)
