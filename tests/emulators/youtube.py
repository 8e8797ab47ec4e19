"""A YouTube Data API on loopback: videos, a channel's uploads, our broadcasts, and a live chat as pages and as a stream.

Answers and errors have the documented shapes. Every call costs units, pages cost 5; a spent day, a wrong key, a stale
page token and an ended chat are refused as the real thing refuses them. The stream comes in any framing, and drops.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from tests.emulators.local_site import LocalSite

KEY = "key-1"
TOKEN = "token-1"
CHAT_ID = "chat-1"
COSTS = {"page": 5, "stream": 5}


def refused(status: int, reason: str, detail: str = "") -> web.Response:
    error: dict[str, Any] = {
        "code": status,
        "message": reason,
        "errors": [{"message": reason, "domain": "youtube", "reason": reason}],
    }
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return web.json_response({"error": error}, status=status)


def item(number: int, kind: str = "textMessageEvent", **details: Any) -> dict[str, Any]:
    """Return a chat item by a viewer of its own; ``details`` go into the snippet."""
    if kind == "textMessageEvent" and not details:
        details = {"textMessageDetails": {"messageText": f"message {number}"}}
    return {
        "kind": "youtube#liveChatMessage",
        "etag": "e",
        "id": f"LCC.{number}",
        "snippet": {
            "type": kind,
            "liveChatId": CHAT_ID,
            "authorChannelId": f"UCviewer{number:016d}",
            "publishedAt": f"2026-10-09T08:53:{number % 60:02d}.000001+00:00",
            "hasDisplayContent": True,
            "displayMessage": f"message {number}",
            **details,
        },
        "authorDetails": {
            "channelId": f"UCviewer{number:016d}",
            "displayName": f"@viewer{number}",
            "isVerified": False,
            "isChatOwner": False,
            "isChatSponsor": False,
            "isChatModerator": False,
        },
    }


class YouTubeEmulator(LocalSite):
    """One broadcast with a chat; attributes are its state and its moods."""

    def __init__(self, video_id: str = "video-1") -> None:
        super().__init__()
        self.video_id = video_id
        self.live = True
        self.ended = False
        self.viewers: int | None = 321
        self.units_left = 1_000_000
        self.polling_interval_ms = 1
        self.framing = "lines"
        self.piece_bytes = 0
        self.stream_status = 200
        self.stream_reason = ""
        self.history = 3
        self.uploads: list[str] = []
        self.calls: list[str] = []
        self.queries: list[Mapping[str, str]] = []
        self._items: list[dict[str, Any]] = []
        self._drops = 0
        self._changed = asyncio.Condition()
        routes = {
            "videos": self._videos,
            "liveBroadcasts": self._broadcasts,
            "channels": self._channels,
            "playlistItems": self._playlist,
            "liveChat/messages": self._page,
            "liveChat/messages/stream": self._stream,
        }
        for path, handler in routes.items():
            self.app.router.add_get(f"/youtube/v3/{path}", handler)

    async def say(self, *items: Mapping[str, Any]) -> None:
        async with self._changed:
            self._items.extend(dict(one) for one in items)
            self._changed.notify_all()

    async def end(self) -> None:
        """End the broadcast: the chat says so once, then refuses."""
        self.ended = True
        await self.say()

    async def drop_streams(self) -> None:
        """Let go of everybody who is being streamed to; what is said from now on they have not heard."""
        self._drops += 1
        await self.say()

    def _refusal(self, request: web.Request, kind: str) -> web.Response | None:
        self.calls.append(kind)
        self.queries.append(dict(request.query))
        key = request.query.get("key")
        token = request.headers.get("Authorization")
        if token is not None:
            if token != f"Bearer {TOKEN}":
                return refused(401, "authError")
        elif key is None:
            return refused(403, "forbidden")
        elif key != KEY:
            return refused(400, "badRequest", "API_KEY_INVALID")
        self.units_left -= COSTS.get(kind, 1)
        if self.units_left < 0:
            return refused(403, "quotaExceeded")
        return None

    async def _videos(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request, "video")) is not None:
            return refusal
        found = [
            {"kind": "youtube#video", "id": video_id, "liveStreamingDetails": self._details(video_id)}
            for video_id in request.query["id"].split(",")
            if video_id in (self.video_id, *self.uploads)
        ]
        return web.json_response({"kind": "youtube#videoListResponse", "items": found})

    def _details(self, video_id: str) -> dict[str, Any]:
        if video_id != self.video_id or not self.live:
            return {"scheduledStartTime": "2026-10-09T08:00:00Z"}
        details: dict[str, Any] = {"actualStartTime": "2026-10-09T08:00:00Z"}
        if self.ended:
            return {**details, "actualEndTime": "2026-10-09T09:00:00Z"}
        if self.viewers is not None:
            details["concurrentViewers"] = str(self.viewers)
        return {**details, "activeLiveChatId": CHAT_ID}

    async def _broadcasts(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request, "broadcasts")) is not None:
            return refusal
        found = [{"kind": "youtube#liveBroadcast", "id": self.video_id}] if self.live and not self.ended else []
        return web.json_response({"items": found})

    async def _channels(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request, "channel")) is not None:
            return refusal
        known = request.query.get("forHandle") == "@lanyou"
        uploads = {"contentDetails": {"relatedPlaylists": {"uploads": "UUlanyou"}}}
        return web.json_response({"items": [uploads] if known else []})

    async def _playlist(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request, "uploads")) is not None:
            return refusal
        if not self.uploads:
            return refused(404, "playlistNotFound")
        videos = [{"contentDetails": {"videoId": video_id}} for video_id in self.uploads]
        return web.json_response({"items": videos})

    def _chat_refusal(self, request: web.Request, kind: str) -> web.Response | None:
        if (refusal := self._refusal(request, kind)) is not None:
            return refusal
        if request.query.get("liveChatId") != CHAT_ID:
            return refused(404, "liveChatNotFound")
        token = request.query.get("pageToken", "0")
        if not token.isdecimal() or int(token) > len(self._items):
            return refused(400, "pageTokenInvalid")
        if self.ended and int(token) >= len(self._items):
            return refused(403, "liveChatEnded")
        return None

    def _answer(self, begin: int) -> dict[str, Any]:
        items: Sequence[dict[str, Any]] = self._items[begin:]
        answer = {
            "kind": "youtube#liveChatMessageListResponse",
            "etag": "e",
            "pollingIntervalMillis": self.polling_interval_ms,
            "pageInfo": {"totalResults": len(items), "resultsPerPage": len(items)},
            "nextPageToken": str(len(self._items)),
            "items": items,
        }
        return {**answer, "offlineAt": "2026-10-09T09:00:00Z"} if self.ended else answer

    def _first(self, request: web.Request) -> int:
        return int(request.query.get("pageToken", max(len(self._items) - self.history, 0)))

    async def _page(self, request: web.Request) -> web.Response:
        refusal = self._chat_refusal(request, "page")
        return refusal or web.json_response(self._answer(self._first(request)))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.stream_status != 200:
            self.calls.append("stream refused")
            if self.stream_reason:
                return refused(self.stream_status, self.stream_reason)
            return web.Response(status=self.stream_status, text="{}", content_type="application/json")
        if (refusal := self._chat_refusal(request, "stream")) is not None:
            return refusal
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        async for part in self._parts(self._first(request)):
            for at in range(0, len(part), self.piece_bytes or len(part)):
                await response.write(part[at : at + (self.piece_bytes or len(part))])
                await asyncio.sleep(0)
        return response

    async def _parts(self, begin: int) -> AsyncIterator[bytes]:
        first, drops = True, self._drops
        while self._drops == drops:
            answer = self._answer(begin)
            begin = len(self._items)
            yield self._framed(answer, first=first)
            first = False
            if self.ended:
                return
            async with self._changed:
                await self._changed.wait_for(
                    lambda: len(self._items) > begin or self.ended or self._drops != drops  # noqa: B023
                )

    def _framed(self, answer: Mapping[str, Any], *, first: bool) -> bytes:
        if self.framing == "array":
            return (("[" if first else ",\r\n") + json.dumps(answer, indent=1)).encode()
        if self.framing == "pretty":
            return json.dumps(answer, indent=2, ensure_ascii=False).encode()
        return json.dumps(answer).encode() + b"\n"
