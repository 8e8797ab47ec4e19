"""Kuaishou's interactive push on loopback: the sender that calls us, and the API that binds rooms.

The API checks the signature of every body, binds a room only while it is on air, and keeps gifts whose push got
lost. Both families of calls are served, the present ``smallPlay/bind`` and the older ``data/task``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiohttp import web

from bridge.sources.contract import PushRequest
from tests.emulators.local_site import LocalSite

ROOM_CODE = "RC1"


@dataclass(frozen=True)
class Push:
    """One call of the platform to us."""

    headers: dict[str, str]
    body: bytes

    def request(self, received_at_ms: int) -> PushRequest:
        """Return it as it reaches a receiver."""
        return PushRequest("POST", dict(self.headers), {}, self.body, received_at_ms)

    def forged(self, body: bytes) -> Push:
        """Put another body under the signature."""
        return replace(self, body=body)


def viewer(number: int) -> dict[str, Any]:
    return {"userInfo": {"userId": f"f{number}", "userName": f"老铁{number}", "headUrl": ""}}


def gift(number: int, count: int, unit: int) -> dict[str, Any]:
    return {
        **viewer(number),
        "uniqueNo": f"no-{number}",
        "giftId": "11582",
        "giftName": "啤酒",
        "giftCount": count,
        "giftUnitPrice": unit,
        "giftTotalPrice": unit * count,
    }


def push(
    secret: str,
    kind: str,
    payload: Any,
    at_ms: int,
    *,
    message_id: str = "um-1",
    room: str = ROOM_CODE,
    event: str = "LIVE_INTERACTION_DATA",
) -> Push:
    """Return a signed call."""
    body = orjson.dumps(
        {
            "message_id": "not unique",
            "event": event,
            "app_id": "ks1",
            "timestamp": at_ms,
            "data": {
                "unique_message_id": message_id,
                "author_open_id": "anchor",
                "room_code": room,
                "live_timestamp": at_ms - 3_600_000,
                "push_type": kind,
                "payload": payload,
            },
        }
    )
    return signed(secret, body)


def signed(secret: str, body: bytes) -> Push:
    """Sign any body."""
    return Push({"kwaisign": hashlib.md5(body + secret.encode()).hexdigest()}, body)


class KuaishouApi(LocalSite):
    """Tokens, binding, state and lost gifts of one app."""

    def __init__(self) -> None:
        super().__init__()
        self.app_id, self.app_secret = "ks1", "app-secret"
        self.on_air = True
        self.bound: set[str] = set()
        self.tokens = 0
        self.lost: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.busy = 0
        """How many of the next calls are answered with HTTP 503."""
        route = self.app.router
        route.add_post("/oauth2/access_token", self._token)
        route.add_post("/openapi/developer/live/smallPlay/bind", self._small_play)
        route.add_post("/openapi/developer/live/data/task/{action}", self._task)
        route.add_post("/openapi/developer/live/data/interactive/pushdata/query", self._query)

    async def _token(self, request: web.Request) -> web.Response:
        asked = await request.post()
        self.calls.append("token")
        known = {"app_id": self.app_id, "app_secret": self.app_secret, "grant_type": "client_credentials"}
        if dict(asked) != known:
            return web.json_response({"result": 100200101, "error": "invalid_client"})
        self.tokens += 1
        return web.json_response({"result": 1, "access_token": f"token-{self.tokens}", "expires_in": 172800})

    def _sign(self, body: Mapping[str, Any]) -> str:
        signed = {**body, "app_id": self.app_id}
        signed.pop("sign", None)
        text = "&".join(f"{name}={signed[name]}" for name in sorted(signed) if signed[name] != "")
        return hashlib.md5((text + self.app_secret).encode()).hexdigest()

    async def _checked(self, request: web.Request, name: str) -> tuple[dict[str, Any], web.Response | None]:
        body: dict[str, Any] = await request.json()
        self.calls.append(name.format(**body))
        if self.busy:
            self.busy -= 1
            return body, web.Response(status=503)
        known = {"app_id": self.app_id, "access_token": f"token-{self.tokens}"}
        if dict(request.query) != known:
            return body, _answer(100200100)
        if body.get("sign") != self._sign(body) or not isinstance(body.get("timestamp"), int):
            return body, _answer(11)
        return body, None

    async def _small_play(self, request: web.Request) -> web.Response:
        body, fault = await self._checked(request, "{actionType}")
        if fault is not None or body.get("moduleType") != "bind":
            return fault or _answer(13)
        return self._act(body["actionType"], body["roomCode"], lambda status: {"data": f'{{"status":{status}}}'})

    async def _task(self, request: web.Request) -> web.Response:
        action = request.match_info["action"]
        body, fault = await self._checked(request, f"task {action}")
        if fault is not None:
            return fault
        if not body.get("roundId"):
            return _answer(13)
        return self._act(action, body["roomCode"], lambda status: {"taskStatus": status})

    def _act(self, action: str, room: str, told: Any) -> web.Response:
        if action == "start":
            if not self.on_air or room != ROOM_CODE:
                return _answer(30001)
            self.bound.add(room)
            return _answer(1, data='{"userId":"anchor","userName":"主播","headUrl":""}')
        if action == "stop":
            self.bound.discard(room)
            return _answer(1)
        return _answer(1, **told(1 if room in self.bound else 2))

    async def _query(self, request: web.Request) -> web.Response:
        body, fault = await self._checked(request, "lost {pushType}")
        if fault is not None:
            return fault
        messages = [
            {
                "uniqueMessageId": f"lost-{number}",
                "authorOpenId": "anchor",
                "roomCode": body["roomCode"],
                "pushType": "giftSend",
                "liveTimestamp": body["timestamp"],
                "payload": [one],
            }
            for number, one in enumerate(self.lost)
        ]
        return _answer(1, data=orjson.dumps(messages).decode())


def _answer(result: int, **more: Any) -> web.Response:
    return web.json_response({"result": result, "errorMsg": "" if result == 1 else f"error {result}", **more})
