"""Douyin's data push on loopback: the sender that calls us, and the API for tokens, tasks and lost messages.

The sender signs as the platform does, or forges, repeats and delays on demand. The API starts a task only
once the app is mounted and keeps gifts whose push was not answered.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web

from bridge.sources.contract import PushRequest
from tests.emulators.local_site import LocalSite

ROOM = "7379647559584631604"
NOT_MOUNTED = 5003019


@dataclass(frozen=True)
class Push:
    """One call of the platform to us."""

    headers: dict[str, str]
    body: bytes

    def request(self, received_at_ms: int) -> PushRequest:
        """Return it as it reaches a receiver."""
        return PushRequest(
            "POST", {name.lower(): value for name, value in self.headers.items()}, {}, self.body, received_at_ms
        )

    def without(self, *names: str) -> Push:
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})

    def altered(self, **headers: str) -> Push:
        """Change headers after signing."""
        return replace(self, headers={**self.headers, **{name.replace("_", "-"): headers[name] for name in headers}})


def comment(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {"content": text, **common(number), **more}


def gift(number: int, gift_id: str, count: int, value: int, **more: Any) -> dict[str, Any]:
    return {"sec_gift_id": gift_id, "gift_num": count, "gift_value": value, **common(number), **more}


def common(number: int) -> dict[str, Any]:
    return {
        "msg_id": f"73796596056240{number:05d}",
        "sec_openid": f"_000fan{number}",
        "nickname": f"粉丝{number}",
        "avatar_url": "",
        "timestamp": 1_760_000_000_000 + number,
    }


@dataclass
class Sender:
    """The platform's calling side; one push secret a message type."""

    secrets: Mapping[str, str]
    room: str = ROOM
    _sent: int = field(default=0)

    def push(self, kind: str, items: Sequence[Any], at_ms: int, *, secret: str | None = None) -> Push:
        """Return a signed call; another ``secret`` than the console's forges it."""
        self._sent += 1
        return self.signed(kind, orjson.dumps(list(items)), at_ms, secret or self.secrets[kind])

    def signed(self, kind: str, body: bytes, at_ms: int, secret: str) -> Push:
        """Sign any body: four headers by name, the raw body, the secret; MD5, base64."""
        signed = {"x-msg-type": kind, "x-nonce-str": f"n{self._sent}", "x-roomid": self.room, "x-timestamp": str(at_ms)}
        text = "&".join(f"{name}={signed[name]}" for name in sorted(signed)).encode()
        signature = base64.b64encode(hashlib.md5(text + body + secret.encode()).digest()).decode()
        return Push({**signed, "x-signature": signature, "content-type": "application/json"}, body)


class DouyinApi(LocalSite):
    """Tokens, the companion's room, tasks and lost messages of one app."""

    def __init__(self) -> None:
        super().__init__()
        self.app_id, self.app_secret = "tt1", "app-secret"
        self.companion_token = "companion"
        self.room = ROOM
        self.mounted = True
        self.token_lives_secs = 7200
        self.tokens = 0
        self.running: set[str] = set()
        self.refused: dict[str, int] = {}
        """``err_no`` that starting a task of a type is refused with."""
        self.lost: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.busy = 0
        """How many of the next calls are answered with HTTP 503."""
        route = self.app.router
        route.add_post("/api/apps/v2/token", self._token)
        route.add_post("/api/webcastmate/info", self._room)
        route.add_post("/api/live_data/task/start", self._start)
        route.add_post("/api/live_data/task/stop", self._stop)
        route.add_get("/api/live_data/task/get", self._get)
        route.add_get("/api/live_data/task/fail_data/get", self._fail_data)

    async def _token(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.calls.append("token")
        known = {"appid": self.app_id, "secret": self.app_secret, "grant_type": "client_credential"}
        if asked != known:
            return web.json_response({"err_no": 40017, "err_tips": "bad secret", "data": None})
        self.tokens += 1
        data = {"access_token": f"token-{self.tokens}", "expires_in": self.token_lives_secs}
        return web.json_response({"err_no": 0, "err_tips": "success", "data": data})

    async def _room(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.calls.append("room")
        if request.headers.get("X-Token") != self._current or asked != {"token": self.companion_token}:
            return web.json_response({"errcode": 40022, "errmsg": "bad token", "data": None})
        # The id is a bare number beyond what a double can hold.
        body = b'{"errcode":0,"data":{"info":{"room_id":' + self.room.encode() + b',"nick_name":"x"}}}'
        return web.Response(body=body, content_type="application/json")

    @property
    def _current(self) -> str:
        return f"token-{self.tokens}"

    def _fault(self, headers: Mapping[str, str], asked: Mapping[str, str]) -> web.Response | None:
        if self.busy:
            self.busy -= 1
            return web.Response(status=503)
        if headers.get("access-token") != self._current:
            return _answer(40022)
        if (asked.get("roomid"), asked.get("appid")) != (self.room, self.app_id):
            return _answer(10001)
        return None

    async def _start(self, request: web.Request) -> web.Response:
        asked = await request.json()
        kind = asked["msg_type"]
        self.calls.append(f"start {kind}")
        fault = self._fault(request.headers, asked)
        if fault is not None:
            return fault
        if not self.mounted:
            return _answer(NOT_MOUNTED)
        if kind in self.refused:
            return _answer(self.refused[kind])
        self.running.add(kind)
        return _answer(0, {"task_id": kind})

    async def _stop(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.calls.append(f"stop {asked['msg_type']}")
        fault = self._fault(request.headers, asked)
        if fault is not None:
            return fault
        self.running.discard(asked["msg_type"])
        return _answer(0, {})

    async def _get(self, request: web.Request) -> web.Response:
        kind = request.query["msg_type"]
        self.calls.append(f"get {kind}")
        return self._fault(request.headers, request.query) or _answer(0, {"status": 3 if kind in self.running else 1})

    async def _fail_data(self, request: web.Request) -> web.Response:
        kind, page, size = request.query["msg_type"], int(request.query["page_num"]), int(request.query["page_size"])
        self.calls.append(f"lost {kind} {page}")
        fault = self._fault(request.headers, request.query)
        if fault is not None:
            return fault
        if page < 1 or size > 100:
            return _answer(10001)
        items = self.lost.get(kind, [])
        rows = [
            {"roomid": self.room, "msg_type": kind, "payload": orjson.dumps([item]).decode()}
            for item in items[(page - 1) * size : page * size]
        ]
        return _answer(0, {"page_num": page, "total_count": len(items), "data_list": rows or None})


def _answer(err_no: int, data: Any = None) -> web.Response:
    return web.json_response({"err_no": err_no, "err_msg": "" if not err_no else f"error {err_no}", "data": data})
