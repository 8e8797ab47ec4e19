"""A Facebook Graph API on loopback: one live video, its comments as server-sent events, its viewers by asking."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.emulators.local_site import LocalSite

TOKEN = "page-token"
RATES = ("one_per_two_seconds", "ten_per_second", "one_hundred_per_second")


def refused(status: int, code: int, **more: Any) -> web.Response:
    error = {"message": "refused", "type": "OAuthException", "code": code, "fbtrace_id": "x", **more}
    return web.json_response({"error": error}, status=status)


def comment(number: int, words: str, *, hidden: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": f"55_{number}",
        "message": words,
        "created_time": f"2026-07-02T10:00:{number:02d}+0000",
    }
    return told if hidden else {**told, "from": {"name": f"Viewer {number}", "id": f"77{number}"}}


class FacebookEmulator(LocalSite):
    """One live video; attributes are its state."""

    def __init__(self, video_id: str = "5501") -> None:
        super().__init__()
        self.video_id = video_id
        self.status = "LIVE"
        self.live_views = 42
        self.line_end = "\n"
        self.piece_bytes = 0
        self.stream_refusal: tuple[int, int] | None = None
        self.queries: list[dict[str, str]] = []
        self._listeners: list[asyncio.Queue[bytes | None]] = []
        self._joined = asyncio.Condition()
        self.app.router.add_get("/v26.0/{video}", self._video)
        self.app.router.add_get("/{video}/live_comments", self._comments)

    async def listening(self) -> None:
        """Wait for a client of the stream."""
        async with asyncio.timeout(5), self._joined:
            await self._joined.wait_for(lambda: self._listeners)

    def push(self, value: Any, event: str = "") -> None:
        """Send one event; JSON values in ``data``, texts as they are."""
        data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines = ([f"event: {event}"] if event else []) + [f"data: {line}" for line in data.split("\n")] + ["", ""]
        self.push_raw(self.line_end.join(lines).encode())

    def push_raw(self, data: bytes) -> None:
        for listener in self._listeners:
            listener.put_nowait(data)

    def cut(self) -> None:
        for listener in self._listeners:
            listener.put_nowait(None)
        self._listeners.clear()

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.queries.append(dict(request.query))
        if request.query.get("access_token") != TOKEN:
            return refused(400, 190, error_subcode=463)
        if request.match_info["video"] != self.video_id:
            return refused(400, 100, error_subcode=33)
        return None

    async def _video(self, request: web.Request) -> web.Response:
        told = {"status": self.status, "live_views": self.live_views, "id": self.video_id}
        return self._refusal(request) or web.json_response(told)

    async def _comments(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if self.stream_refusal is not None:
            return refused(*self.stream_refusal)
        if request.query.get("comment_rate") not in RATES or "message" not in request.query.get("fields", ""):
            return refused(400, 100)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        async with self._joined:
            self._listeners.append(queue)
            self._joined.notify_all()
        while (data := await queue.get()) is not None:
            for at in range(0, len(data), self.piece_bytes or len(data)):
                await response.write(data[at : at + (self.piece_bytes or len(data))])
                await asyncio.sleep(0)
        return response
