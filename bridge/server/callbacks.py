"""``POST /callbacks/{room}``: MetaStudio's callbacks, verified first and answered at once.

What the cloud makes of an answer is not documented, so every callback that proved itself and can be read gets a 200.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bridge.errors import DecodeError, PushRefusedError
from bridge.server.bodies import read_body
from bridge.server.room_callbacks import RoomCallbacks


class CallbackRoute:
    """Finds the room, has it verify, read and act. ``rooms`` are those whose file has a ``callbacks`` section."""

    def __init__(self, rooms: Mapping[str, RoomCallbacks]) -> None:
        self._rooms = rooms

    async def post(self, request: web.Request) -> web.Response:
        """Take a callback: 404 no such room, 401 forged or stale, 413 too long, 400 unreadable, else 200."""
        room = self._rooms.get(request.match_info["room"])
        if room is None:
            return _refusal(404, "no such room, or its file has no callbacks section")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            verified = room.verify(headers, request.query.items())
            body = await read_body(request)
            outcome = room.take(verified, body)
        except PushRefusedError as error:
            # Why a signature is wrong is for our log, not for whoever made it.
            return _refusal(error.status, "not verified" if error.status == 401 else error.problem)
        except DecodeError as error:
            return _refusal(400, str(error))
        return web.json_response({"outcome": outcome.value})


def _refusal(status: int, problem: str) -> web.Response:
    return web.json_response({"error": problem}, status=status)
