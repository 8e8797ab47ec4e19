"""``POST /push/{platform}/{room}``: a platform's call is answered once its events are on disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial

import structlog
from aiohttp import web

from bridge.clock import Clock
from bridge.errors import PushRefusedError, SpoolError
from bridge.outbox.spool import Spool
from bridge.room import Room
from bridge.server.bodies import read_body
from bridge.server.refusal_pace import RefusalPace
from bridge.sources.contract import PushAnswer, PushRequest
from bridge.sources.room_source import RoomSource

log = structlog.get_logger()


class PushRoute:
    """Finds the room's source, has it verify and decode, and answers after the commit."""

    def __init__(self, rooms: Mapping[str, Room], spool: Spool, clock: Clock) -> None:
        self._rooms = rooms
        self._spool = spool
        self._clock = clock
        self._refused: Counter[tuple[str, str]] = Counter()
        self._paces: defaultdict[tuple[str, str], RefusalPace] = defaultdict(partial(RefusalPace, clock))

    async def head(self, request: web.Request) -> web.Response:
        """Answer the platforms' probe."""
        return web.Response(status=200 if self._sources(request) else 404)

    async def post(self, request: web.Request) -> web.Response:
        """Take a call."""
        sources = self._sources(request)
        if not sources:
            return _refusal(404, "no such room, or it has no such push source")
        try:
            body = await read_body(request)
        except PushRefusedError as error:
            return self._refuse(request, error)
        push = PushRequest(
            method=request.method,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            body=body,
            received_at_ms=self._clock.now_ms(),
        )
        refusal = PushRefusedError(404, "no such push source")
        answer: PushAnswer | None = None
        room = self._rooms[request.match_info["room"]]
        for source in sources:
            # Each that verifies takes its part: sources of one app differ by the room that they listen to.
            assert source.push is not None
            try:
                answer = source.push.receive(push)
            except PushRefusedError as error:
                refusal = error
            else:
                room.take(source, answer.decoded)
        if answer is None:
            return self._refuse(request, refusal)
        try:
            await self._spool.durable()
        except SpoolError:
            return _refusal(503, "the events cannot be written to disk")
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)

    def _sources(self, request: web.Request) -> list[RoomSource]:
        room = self._rooms.get(request.match_info["room"])
        if room is None:
            return []
        platform = request.match_info["platform"]
        return [source for source in room.sources.values() if source.platform == platform and source.push is not None]

    def _refuse(self, request: web.Request, error: PushRefusedError) -> web.Response:
        """Answer, and say so in the log now and then."""
        room, platform = place = request.match_info["room"], request.match_info["platform"]
        self._refused[place] += 1
        if self._paces[place].is_due():
            log.warning(
                "push.refused", room=room, platform=platform, problem=error.problem, refused=self._refused[place]
            )
        return _refusal(error.status, error.problem)


def _refusal(status: int, problem: str) -> web.Response:
    return web.json_response({"error": problem}, status=status)
