"""The way into a room: who we are, which room it is, and the token that opens its socket.

Four GETs in one session of a browser's looks: login and signing keys, device cookie, room, token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bridge.errors import (
    DecodeError,
    RoomNotFoundError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.secret import Secret
from bridge.sources.codecs.wbi import mixin_key, signed
from bridge.sources.contract import Connection, Endpoint, HttpAnswer, HttpCall, HttpClient, Notice, NoticeKind, Poll
from bridge.sources.fields import (
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    text,
)
from bridge.sources.platforms.bilibili.decoder import NOT_LOGGED_IN, Pass, RoomDecoder
from bridge.sources.platforms.bilibili.options import Options

NAV_URL = "https://api.bilibili.com/x/web-interface/nav"
HOME_URL = "https://www.bilibili.com/"
FINGERPRINT_URL = "https://api.bilibili.com/x/frontend/finger/spi"
ROOM_URL = "https://api.live.bilibili.com/room/v1/Room/get_info"
TOKEN_URL = "https://api.live.bilibili.com/xlive/web-room/v1/index/getDanmuInfo"  # noqa: S105
FALLBACK_HOST = "broadcastlv.chat.bilibili.com"

USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
"""A browser's, the same for HTTP and socket: the token is bound to it."""

LOGIN_PROBE_SECS = 1800.0
"""How often the site is asked whether the cookie is still good: its end would show only at the next dial."""

_ORIGIN = "https://live.bilibili.com"
_HEARTBEAT_SECS = 30.0
_SILENCE_SECS = 40.0
"""Each heartbeat is answered, so a living socket is never silent for longer than that."""

_THROTTLED_SECS = 60.0
_RISK_CONTROL_SECS = 300.0
_LONGEST_WAIT_SECS = 3600.0
_MAX_HOSTS = 8
_LONGEST_SHORT_ROOM = 100_000

_RISK_CONTROL = -352
_ROOM_UNKNOWN = frozenset({1, 60004})
_TOO_MANY_CALLS = frozenset({-412, -509, -799})
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True, slots=True)
class _Login:
    """Who the site takes us for, the day's signing key and the site's clock."""

    uid: int
    signing_key: str
    clock_secs: int


@dataclass(frozen=True, slots=True)
class _Room:
    """The room behind the number that the operator gave."""

    room_id: int
    is_live: bool


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Return one connection a host, all with the same token.

    An offline room is entered too: its socket works, and tells when the broadcast begins. Raises
    ``RoomNotFoundError``, ``SourceThrottledError`` (HTTP 412 and 429, lasting risk control),
    ``SourceAuthError`` (risk control against a cookie that is not logged in) or ``SourceUnavailableError``.
    """
    try:
        return await _Visit(options, http).connections()
    except DecodeError as error:
        raise SourceUnavailableError(f"Bilibili answered something unexpected: {error}") from None


class _Visit:
    """One attempt to get in. The calls of an attempt share cookies and User-Agent."""

    def __init__(self, options: Options, http: HttpClient) -> None:
        self._options = options
        self._http = http
        self._cookie = _cookie_header(options.cookie.reveal())

    async def connections(self) -> list[Connection]:
        """Make the calls in order and put together what they gave."""
        login = await self._login()
        buvid = await self._device()
        room = await self._room()
        answer, login = await self._token(room, login)
        door = Pass(room.room_id, login.uid, buvid, Secret(text(answer, "token", "getDanmuInfo.data")))
        notices = []
        if self._options.cookie and not login.uid:
            notices.append(Notice(NoticeKind.CREDENTIAL_WEAK, "cookie: is not logged in, it has probably expired"))
        polls = []
        if login.uid:
            polls.append(Poll(self._request(NAV_URL), LOGIN_PROBE_SECS, after_secs=LOGIN_PROBE_SECS))
        if room.is_live:
            notices.append(Notice(NoticeKind.LIVE, "live when we came in"))
        return [
            Connection(
                Endpoint(
                    url=url,
                    headers={"User-Agent": USER_AGENT, "Origin": _ORIGIN},
                    heartbeat_interval_secs=_HEARTBEAT_SECS,
                    silence_timeout_secs=_SILENCE_SECS,
                    answers_pings=False,
                    polls=polls,
                ),
                RoomDecoder(door, notices),
            )
            for url in _socket_urls(self._options, optional_sequence(answer, "host_list"))
        ]

    async def _login(self) -> _Login:
        """Ask who we are. A guest gets -101, and the signing keys all the same."""
        answer = await self._call(NAV_URL)
        body = answer.json()
        code = optional_integer(body, "code")
        if code not in (0, NOT_LOGGED_IN):
            raise _refused("nav", code)
        data = optional_mapping(body, "data")
        pictures = optional_mapping(data, "wbi_img")
        key = mixin_key(optional_text(pictures, "img_url"), optional_text(pictures, "sub_url"))
        if not key:
            raise DecodeError("nav.data.wbi_img", "holds no signing keys")
        uid = optional_integer(data, "mid") if code == 0 and data.get("isLogin") is not False else 0
        # By the site's clock where it tells, so that a wrong one of ours spoils no signature.
        return _Login(uid, key, (answer.sent_at_ms or self._http.now_ms()) // 1000)

    async def _device(self) -> str:
        """Return ``buvid3``, the device cookie without which no token is given, and send it from now on."""
        buvid = _cookie_value(self._cookie, "buvid3")
        if buvid:
            return buvid
        try:
            buvid = (await self._call(HOME_URL)).cookies.get("buvid3", "")
        except SourceUnavailableError:
            buvid = ""  # the page is heavy and guarded; the next call exists for this value alone
        if not buvid:
            body = (await self._call(FINGERPRINT_URL)).json()
            buvid = text(optional_mapping(body, "data"), "b_3", "spi.data")
        self._cookie = f"{self._cookie}; buvid3={buvid}" if self._cookie else f"buvid3={buvid}"
        return buvid

    async def _room(self) -> _Room:
        """Look up the real room behind a number. A number that cannot be a short one will do without an answer."""
        number = int(self._options.room)
        try:
            body = (await self._call(ROOM_URL, {"room_id": str(number)})).json()
            code = optional_integer(body, "code")
            data = optional_mapping(body, "data")
            if code in _ROOM_UNKNOWN or (code == 0 and not data):
                raise RoomNotFoundError(f"room: Bilibili knows no room {number}")
            if code:
                raise _refused("get_info", code)
            return _Room(integer(data, "room_id", "get_info.data"), optional_integer(data, "live_status") == 1)
        except (SourceUnavailableError, DecodeError):
            if number < _LONGEST_SHORT_ROOM:
                raise
            return _Room(number, is_live=False)

    async def _token(self, room: _Room, login: _Login) -> tuple[dict[str, Any], _Login]:
        """Return token and hosts. Risk control may only mean that the keys changed just now: ask once more with new ones."""
        body = await self._ask_token(room, login)
        if optional_integer(body, "code") == _RISK_CONTROL:
            login = await self._login()
            body = await self._ask_token(room, login)
        code = optional_integer(body, "code")
        if code == _RISK_CONTROL:
            if self._options.cookie and not login.uid:
                raise SourceAuthError("cookie: is not logged in, and Bilibili refuses guests now (code -352)")
            raise SourceThrottledError(
                "Bilibili's risk control refuses us (code -352): wait, use another address, "
                "or set cookie to that of another logged-in account",
                _RISK_CONTROL_SECS,
            )
        if code:
            raise _refused("getDanmuInfo", code)
        return mapping(body, "data", "getDanmuInfo"), login

    async def _ask_token(self, room: _Room, login: _Login) -> Any:
        query = {"id": str(room.room_id), "type": "0", "web_location": "444.8"}
        return (await self._call(TOKEN_URL, signed(query, login.signing_key, login.clock_secs))).json()

    def _request(self, url: str, query: Mapping[str, str] | None = None) -> HttpCall:
        headers = {"User-Agent": USER_AGENT, "Referer": f"{_ORIGIN}/", "Accept": "application/json, text/html, */*"}
        if self._cookie:
            headers["Cookie"] = self._cookie
        return HttpCall("GET", self._options.api_url(url), query=query or {}, headers=headers)

    async def _call(self, url: str, query: Mapping[str, str] | None = None) -> HttpAnswer:
        answer = await self._http.send(self._request(url, query))
        if answer.status in (412, 429):
            wait_secs = min(answer.retry_after_secs(_THROTTLED_SECS), _LONGEST_WAIT_SECS)
            raise SourceThrottledError(f"Bilibili takes no calls from us just now (HTTP {answer.status})", wait_secs)
        if answer.status != 200:
            raise SourceUnavailableError(f"Bilibili answered HTTP {answer.status} at {urlsplit(url).path}")
        return answer


def _refused(call: str, code: int) -> SourceError:
    if code in _TOO_MANY_CALLS:
        return SourceThrottledError(f"Bilibili takes no calls from us just now (code {code})", _THROTTLED_SECS)
    return SourceUnavailableError(f"Bilibili refused {call} with code {code}")


def _cookie_header(configured: str) -> str:
    """Return what to send as cookie: the whole header as copied from a browser, or only the value of ``SESSDATA``."""
    cookie = " ".join(configured.split()).strip("; ")
    return f"SESSDATA={cookie}" if cookie and "=" not in cookie else cookie


def _cookie_value(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def _socket_urls(options: Options, hosts: Sequence[Any]) -> list[str]:
    """Return the sockets to try. Behind an ``api_base`` of the operator's, only its hosts are."""
    if options.websocket_url:
        return [options.websocket_url]
    plain = urlsplit(options.api_base).scheme == "http"
    scheme, port_name, usual_port = ("ws", "ws_port", 2244) if plain else ("wss", "wss_port", 443)
    urls = []
    for number, entry in enumerate(hosts[:_MAX_HOSTS]):
        host = text(entry, "host", f"host_list[{number}]")
        port = optional_integer(entry, port_name, usual_port)
        if _HOST.fullmatch(host) and 0 < port < 65536:
            urls.append(f"{scheme}://{host}:{port}/sub")
    fallback = f"wss://{FALLBACK_HOST}:443/sub"
    if not options.api_base and fallback not in urls:
        urls.append(fallback)
    if not urls:
        raise DecodeError("getDanmuInfo.data.host_list", "names no host")
    return urls
