"""The HTTP calls that lead into a simulated Bilibili room."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.demo.bilibili_people import CDN, hex_id
from bridge.sources.codecs.wbi import mixin_key, signed

_RISK_CONTROL = {"code": -352, "message": "-352", "ttl": 1}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token was given for: the socket takes it from nobody else."""

    uid: int
    room_id: int
    buvid: str
    user_agent: str


class BilibiliApi:
    """The calls, who is known to them, and the tokens that they gave.

    ``accounts`` are uids by the value of the cookie ``SESSDATA``. ``calls`` counts by path. Setting
    ``token_refusals`` or ``throttled_calls`` makes that many of the next calls fail (-352, HTTP 412).
    """

    def __init__(self, *, room_id: int, short_id: int, anchor_uid: int, accounts: Mapping[str, int]) -> None:
        self.room_id = room_id
        self.short_id = short_id
        self.anchor_uid = anchor_uid
        self.accounts = dict(accounts)
        self.is_live = True
        self.socket_ports: list[int] = []
        self.grants: dict[str, Grant] = {}
        self.calls: Counter[str] = Counter()
        self.token_refusals = 0
        self.throttled_calls = 0
        self._key_day = 0

    def rotate_keys(self) -> None:
        """Change the signing keys, as every day: tokens signed with the old ones are refused."""
        self._key_day += 1

    def revoke_tokens(self) -> None:
        """Forget every token: the socket answers -101 to them."""
        self.grants.clear()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, at the real paths."""
        handlers: dict[str, _Handler] = {
            "/": self._home,
            "/x/web-interface/nav": self._nav,
            "/x/frontend/finger/spi": self._fingerprint,
            "/room/v1/Room/get_info": self._room_info,
            "/xlive/web-room/v1/index/getDanmuInfo": self._token,
        }
        return [web.get(path, self._counted(path, handler)) for path, handler in handlers.items()]

    def _counted(self, path: str, handler: _Handler) -> _Handler:
        async def counted(request: web.Request) -> web.StreamResponse:
            self.calls[path] += 1
            if self.throttled_calls:
                self.throttled_calls -= 1
                return web.Response(
                    status=412, text="The request was rejected because of the bilibili security control"
                )
            return await handler(request)

        return counted

    async def _home(self, _request: web.Request) -> web.Response:
        response = web.Response(text="<!DOCTYPE html><title>bilibili</title>", content_type="text/html")
        response.set_cookie("buvid3", _new_buvid(), path="/")
        return response

    async def _fingerprint(self, _request: web.Request) -> web.Response:
        return web.json_response({"code": 0, "data": {"b_3": _new_buvid(), "b_4": _new_buvid()}, "message": "ok"})

    async def _nav(self, request: web.Request) -> web.Response:
        img_url, sub_url = self._key_urls()
        uid = self._uid(request)
        data: dict[str, Any] = {"isLogin": uid > 0, "wbi_img": {"img_url": img_url, "sub_url": sub_url}}
        if not uid:
            return web.json_response({"code": -101, "message": "账号未登录", "ttl": 1, "data": data})
        return web.json_response({"code": 0, "message": "0", "ttl": 1, "data": {**data, "mid": uid, "uname": "bridge"}})

    async def _room_info(self, request: web.Request) -> web.Response:
        if request.query.get("room_id") not in {str(self.room_id), str(self.short_id)}:
            return web.json_response({"code": 1, "msg": "未找到该房间", "message": "未找到该房间", "data": []})
        data = {
            "uid": self.anchor_uid,
            "room_id": self.room_id,
            "short_id": self.short_id,
            "attention": 1234,
            "online": 1,
            "is_portrait": False,
            "description": "",
            "live_status": int(self.is_live),
            "area_id": 745,
            "parent_area_id": 9,
            "title": "simulated room",
            "user_cover": f"{CDN}/live/{hex_id('cover', chars=40)}.jpg",
            "live_time": "2026-01-01 20:00:00" if self.is_live else "0000-00-00 00:00:00",
            "tags": "",
        }
        return web.json_response({"code": 0, "msg": "ok", "message": "ok", "data": data})

    async def _token(self, request: web.Request) -> web.Response:
        buvid = request.cookies.get("buvid3", "")
        if self.token_refusals or not buvid or not self._is_signed(request.query):
            self.token_refusals = max(self.token_refusals - 1, 0)
            return web.json_response(_RISK_CONTROL)
        if request.query.get("id") != str(self.room_id):
            return web.json_response({"code": 1002, "message": "room not found", "ttl": 1})
        token = secrets.token_urlsafe(96)
        self.grants[token] = Grant(self._uid(request), self.room_id, buvid, request.headers.get("User-Agent", ""))
        hosts = [{"host": "127.0.0.1", "port": port, "wss_port": port, "ws_port": port} for port in self.socket_ports]
        data = {
            "group": "live",
            "business_id": 0,
            "refresh_row_factor": 0.125,
            "refresh_rate": 100,
            "max_delay": 5000,
            "token": token,
            "host_list": hosts,
        }
        return web.json_response({"code": 0, "message": "0", "ttl": 1, "data": data})

    def _uid(self, request: web.Request) -> int:
        return self.accounts.get(request.cookies.get("SESSDATA", ""), 0)

    def _key_urls(self) -> tuple[str, str]:
        img, sub = (hex_id(name, self._key_day, chars=32) for name in ("img", "sub"))
        return f"{CDN}/wbi/{img}.png", f"{CDN}/wbi/{sub}.png"

    def _is_signed(self, query: Mapping[str, str]) -> bool:
        bare = {name: value for name, value in query.items() if name not in {"wts", "w_rid"}}
        at_secs = query.get("wts", "")
        if not at_secs.isdigit():
            return False
        expected = signed(bare, mixin_key(*self._key_urls()), int(at_secs))["w_rid"]
        return hmac.compare_digest(expected.encode(), query.get("w_rid", "").encode())


def _new_buvid() -> str:
    """Return a device id of the usual look."""
    digits = secrets.token_hex(16).upper()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}{secrets.randbelow(100_000):05d}infoc"
