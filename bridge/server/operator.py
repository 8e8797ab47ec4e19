"""What an operator may do to a running bridge, given the admin token."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web

from bridge.clock import Clock
from bridge.errors import SpoolError
from bridge.outbox.spool import Spool
from bridge.room import Room


class OperatorRoutes:
    """Pause and resume a room, give it another report URL, retry or drop a dead letter."""

    def __init__(self, rooms: Mapping[str, Room], spool: Spool, clock: Clock) -> None:
        self._rooms = rooms
        self._spool = spool
        self._clock = clock

    async def pause(self, request: web.Request) -> web.Response:
        """Stop reporting; events go on ageing."""
        return self._pause(request, paused=True)

    async def resume(self, request: web.Request) -> web.Response:
        """Report again."""
        return self._pause(request, paused=False)

    async def report_url(self, request: web.Request) -> web.Response:
        """Use another report URL: ``{"url": …}``."""
        room = self._rooms.get(request.match_info["room"])
        if room is None:
            return _answer(404, "no such room")
        try:
            url = orjson.loads(await request.read())["url"]
            room.destination.set_url(url)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return _answer(400, 'body: not {"url": …} with an http(s) URL')
        room.reporter.wake()
        return web.json_response({"report_url": str(room.destination.url)})

    async def retry(self, request: web.Request) -> web.Response:
        """Send a dead letter again."""
        letter_id = _id(request)
        number, now_ms = self._spool.next_number(), self._clock.now_ms()
        try:
            row = await self._spool.revive(letter_id, number, now_ms)
        except SpoolError as error:
            return _answer(503, str(error))
        if row is None:
            return _answer(404, "no such dead letter")
        room = self._rooms.get(row.room)
        if room is None:
            return _answer(409, f"room {row.room} is not configured; the event waits in the spool")
        room.revive(row)
        return web.json_response({"retried": letter_id})

    async def drop(self, request: web.Request) -> web.Response:
        """Forget a dead letter."""
        letter_id = _id(request)
        try:
            letter = await self._spool.drop_dead_letter(letter_id)
        except SpoolError as error:
            return _answer(503, str(error))
        return web.json_response({"dropped": letter_id}) if letter else _answer(404, "no such dead letter")

    def _pause(self, request: web.Request, *, paused: bool) -> web.Response:
        room = self._rooms.get(request.match_info["room"])
        if room is None:
            return _answer(404, "no such room")
        room.destination.pause(paused=paused)
        room.reporter.wake()
        return web.json_response({"paused": paused})


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _answer(status: int, problem: str) -> web.Response:
    return web.json_response({"error": problem}, status=status)
