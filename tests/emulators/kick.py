"""A Kick on loopback: the Pusher socket, the site's channel page, the official API, and the webhook sender.

It follows Pusher's documented protocol and the recorded frames: ``data`` is a JSON text inside the JSON,
nothing is said on a channel that was not subscribed, and a client that stays silent beyond the activity
timeout is closed with 4201. It misbehaves on demand.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
from aiohttp import WSMsgType, web

from tests.emulators.kick_signing import signed_delivery
from tests.emulators.local_site import LocalSite

CHATROOM_ID, CHANNEL_ID, BROADCASTER_ID = 70, 71, 7001
SLUG = "lanyou"
CHATROOM = f"chatrooms.{CHATROOM_ID}.v2"
CHANNEL = f"channel_{CHANNEL_ID}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Client:
    """One connected client of ours."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.query = request.query
        self.subscribed: list[str] = []
        self.pings = 0
        self.pongs = 0
        self._transport = request.transport

    async def tell(self, event: str, data: Any, channel: str = CHATROOM) -> None:
        """Publish an event, if the client has subscribed to its channel."""
        if channel in self.subscribed:
            doubly = orjson.dumps(data).decode()
            await self.send_raw(orjson.dumps({"event": event, "data": doubly, "channel": channel}).decode())

    async def send_raw(self, text: str) -> None:
        """Send anything."""
        await self.socket.send_str(text)

    async def close(self, code: int, message: str = "") -> None:
        """Close with one of Pusher's codes, said once more in an error event as Pusher does."""
        await self.send_raw(
            orjson.dumps({"event": "pusher:error", "data": {"code": code, "message": message}}).decode()
        )
        await self.socket.close(code=code, message=message.encode())

    async def close_silently(self, code: int) -> None:
        """Close with a code and nothing else."""
        await self.socket.close(code=code)

    def drop(self) -> None:
        """Break the connection without a word."""
        assert self._transport is not None
        self._transport.abort()


class KickEmulator(LocalSite):
    """One channel. Its own address serves as ``api_base`` and ``auth_base``."""

    def __init__(self, *, activity_timeout_secs: float = 120) -> None:
        super().__init__()
        self.activity_timeout_secs = activity_timeout_secs
        self.client_id, self.client_secret = "app-1", "s3cret"
        self.viewer_count = 42
        self.is_live = True
        self.page_status = 200
        self.token = ""
        self.tokens_given = 0
        self.subscriptions: list[str] = []
        self.clients: list[Client] = []
        self.violations: list[str] = []
        self._ids = itertools.count(1)
        self._subscribed = asyncio.Condition()
        self.app.router.add_get("/app/{key}", self._socket)
        self.app.router.add_get("/api/v2/channels/{slug}", self._page)
        self.app.router.add_post("/oauth/token", self._token)
        self.app.router.add_get("/public/v1/channels", self._channels)
        self.app.router.add_get("/public/v1/events/subscriptions", self._list_subscriptions)
        self.app.router.add_post("/public/v1/events/subscriptions", self._subscribe)

    @property
    def socket_url(self) -> str:
        """Where the Pusher socket listens."""
        return f"{self.ws_url}app/key?protocol=7&client=js&version=8.4.0&flash=false"

    def chat(self, content: str, *, message_id: str = "", name: str = "Noa", user_id: int = 502) -> dict[str, Any]:
        """Return a comment as the socket tells it."""
        said_at = datetime.now(UTC).isoformat(timespec="seconds")
        badges = {"badges": [], "badges_v2": [{"name": "level", "metadata": {"level": 9}}]}
        return {
            "id": message_id or f"c-{next(self._ids)}",
            "chatroom_id": CHATROOM_ID,
            "content": content,
            "type": "message",
            "created_at": said_at,
            "sender": {"id": user_id, "username": name, "slug": name.lower(), "identity": {"color": "#fff", **badges}},
        }

    async def client(self, number: int = 0) -> Client:
        """Wait for the ``number``-th client (from 0) to have subscribed to something."""
        async with asyncio.timeout(5), self._subscribed:
            await self._subscribed.wait_for(
                lambda: len(self.clients) > number and bool(self.clients[number].subscribed)
            )
        return self.clients[number]

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        client = Client(socket, request)
        self.clients.append(client)
        if client.query.get("protocol") != "7":
            self.violations.append("not protocol 7")
        greeting = {"socket_id": "1.2", "activity_timeout": int(self.activity_timeout_secs)}
        data = orjson.dumps(greeting).decode()
        await client.send_raw(orjson.dumps({"event": "pusher:connection_established", "data": data}).decode())
        while not socket.closed:
            try:
                received = await socket.receive(timeout=self.activity_timeout_secs)
            except TimeoutError:
                await client.close(4201, "Pong reply not received in time")
                break
            if received.type is WSMsgType.TEXT:
                await self._take(client, received.data)
            elif received.type is WSMsgType.PING:
                self.violations.append("a WebSocket ping")
            elif received.type is WSMsgType.BINARY:
                self.violations.append("a binary message")
        return socket

    async def _take(self, client: Client, text: str) -> None:
        message = orjson.loads(text)
        if message["event"] == "pusher:ping":
            client.pings += 1
            await client.send_raw('{"event":"pusher:pong","data":"{}"}')
        elif message["event"] == "pusher:pong":
            client.pongs += 1
        elif message["event"] == "pusher:subscribe" and type(message["data"]) is dict:
            channel = message["data"]["channel"]
            answer = {"event": "pusher_internal:subscription_succeeded", "data": "{}", "channel": channel}
            await client.send_raw(orjson.dumps(answer).decode())
            async with self._subscribed:
                client.subscribed.append(channel)
                if len(client.subscribed) == 5 or "channel" not in channel:
                    self._subscribed.notify_all()
        else:
            self.violations.append(f"an event {message['event']}")

    async def _page(self, request: web.Request) -> web.Response:
        if self.page_status != 200 or request.match_info["slug"] != SLUG:
            return web.Response(status=self.page_status if self.page_status != 200 else 404, text="<html>")
        stream = {"id": 1, "viewer_count": self.viewer_count} if self.is_live else None
        return web.json_response(
            {"id": CHANNEL_ID, "slug": SLUG, "chatroom": {"id": CHATROOM_ID}, "livestream": stream}
        )

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        credentials = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if credentials != ("client_credentials", self.client_id, self.client_secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.tokens_given += 1
        self.token = f"token-{self.tokens_given}"
        return web.json_response({"access_token": self.token, "token_type": "Bearer", "expires_in": 7200})

    def _is_authorized(self, request: web.Request) -> bool:
        return bool(self.token) and request.headers.get("Authorization") == f"Bearer {self.token}"

    async def _channels(self, request: web.Request) -> web.Response:
        if not self._is_authorized(request):
            return web.json_response({"message": "Unauthorized"}, status=401)
        asked = {request.query.get("slug"), request.query.get("broadcaster_user_id")}
        stream = {"is_live": self.is_live, "viewer_count": self.viewer_count if self.is_live else 0}
        row = {"broadcaster_user_id": BROADCASTER_ID, "slug": SLUG, "stream": stream}
        return web.json_response({"data": [row] if asked & {SLUG, str(BROADCASTER_ID)} else [], "message": "OK"})

    async def _list_subscriptions(self, request: web.Request) -> web.Response:
        if not self._is_authorized(request):
            return web.json_response({"message": "Unauthorized"}, status=401)
        return web.json_response({"data": [{"id": name, "event": name, "version": 1} for name in self.subscriptions]})

    async def _subscribe(self, request: web.Request) -> web.Response:
        if not self._is_authorized(request):
            return web.json_response({"message": "Unauthorized"}, status=401)
        body = await request.json()
        if body["broadcaster_user_id"] != BROADCASTER_ID or body["method"] != "webhook":
            self.violations.append("a subscription that is not for us")
        self.subscriptions += [event["name"] for event in body["events"]]
        return web.json_response(
            {"data": [{"name": event["name"], "subscription_id": "s"} for event in body["events"]]}
        )


class WebhookSender:
    """Delivers signed events to a URL, as often as asked, and keeps the answers' statuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._ids = itertools.count(1)

    async def deliver(
        self, name: str, event: dict[str, Any], *, message_id: str = "", at_ms: int = 0, forged: bool = False
    ) -> int:
        """POST one event about the emulated channel; returns the answer's status."""
        broadcaster = {"user_id": BROADCASTER_ID, "username": "Lanyou", "channel_slug": SLUG}
        message_id = message_id or f"01HZX{next(self._ids):021d}"
        headers, body = signed_delivery(
            name, {"broadcaster": broadcaster, **event}, at_ms=at_ms or now_ms(), message_id=message_id
        )
        if forged:
            body = body.replace(b"Lanyou", b"Mallet")
        async with aiohttp.ClientSession() as session, session.post(self.url, data=body, headers=headers) as answer:
            return answer.status
