"""From a handle to the socket: which live it is, who signs for us, where to connect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bridge.errors import (
    DecodeError,
    RoomNotFoundError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.sources.codecs import tiktok_pb2 as wire
from bridge.sources.contract import (
    MAX_RETRY_AFTER_SECS,
    Connection,
    Endpoint,
    HttpAnswer,
    HttpCall,
    HttpClient,
    rebased,
)
from bridge.sources.fields import as_integer, optional_integer, optional_mapping, optional_text
from bridge.sources.platforms.tiktok.connection import WebcastDecoder
from bridge.sources.platforms.tiktok.messages import label, parse, text
from bridge.sources.platforms.tiktok.options import Options, is_url

HOME_URL = "https://www.tiktok.com/"
ROOM_URL = "https://www.tiktok.com/api-live/user/room/"
ROOM_INFO_URL = "https://webcast.tiktok.com/webcast/room/info/"
SIGNER_URL = "https://api.eulerstream.com/webcast/fetch"
UNSIGNED_SOCKET_URL = "wss://webcast-ws.tiktok.com/webcast/im/ws_proxy/ws_reuse_supplement/"
"""Observed in other clients of 2026, which need only the visitor cookie ``ttwid`` there."""

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36"
"""The signature covers it, so the signer and the socket are told the same one."""

SIGNER_CLIENT = "ttlive-python"
"""What the documented call expects as `client`."""

HEARTBEAT_SECS = 10.0
SILENCE_TIMEOUT_SECS = 45.0
"""The server answers heartbeats, so four without an answer are silence."""

THROTTLED_SECS = 60.0
"""Wait where the signer or TikTok names no time. A signature is a scarce thing: 2,500 a day on the free plan."""

_NO_SUCH_USER = 19881007
_ENDED = 4
_MAX_ROOM_ID = 2**63 - 1
_COOKIE_ATTRIBUTES = frozenset({"domain", "expires", "max-age", "path", "samesite"})
_COOKIE_UNSAFE = str.maketrans("", "", "\r\n\0")
_SOCKET_PARAMS = (
    ("aid", "1988"),
    ("app_language", "en"),
    ("app_name", "tiktok_web"),
    ("browser_language", "en-US"),
    ("browser_name", "Mozilla"),
    ("browser_online", "true"),
    ("browser_platform", "Linux x86_64"),
    ("browser_version", USER_AGENT.removeprefix("Mozilla/")),
    ("client_enter", "1"),
    ("compress", "gzip"),
    ("cookie_enabled", "true"),
    ("device_platform", "web"),
    ("did_rule", "3"),
    ("heartbeat_duration", "10000"),
    ("history_comment_count", "6"),
    ("identity", "audience"),
    ("last_rtt", "150"),
    ("live_id", "12"),
    ("resp_content_type", "protobuf"),
    ("screen_height", "1080"),
    ("screen_width", "1920"),
    ("sup_ws_ds_opt", "1"),
    ("tz_name", "Etc/UTC"),
    ("update_version_code", "2.0.0"),
    ("version_code", "180800"),
    ("webcast_language", "en"),
)
_SIGNED_PARAMS = (("version_code", "270000"),)  # a second time, as the web page does
_UNSIGNED_PARAMS = (("ws_direct", "1"),)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Return the one way into the live. Each call costs a signature where a signer is used."""
    room_id = await _room_id(options, http)
    if options.signs:
        return [await _signed(options, http, room_id)]
    return [await _unsigned(options, http, room_id)]


async def _room_id(options: Options, http: HttpClient) -> int:
    handle = options.room.removeprefix("@")
    if handle.isascii() and handle.isdigit():
        return await _known_room_id(options, http, int(handle))
    query = {"aid": "1988", "sourceType": "54", "uniqueId": handle}
    body = _body(await http.send(_web_call(options, ROOM_URL, query)), "the room lookup")
    data = optional_mapping(body, "data")
    user = optional_mapping(data, "user")
    if optional_integer(body, "statusCode") == _NO_SUCH_USER or optional_text(body, "message") == "user_not_found":
        raise RoomNotFoundError(f"room: TikTok knows no {options.room} who may go live")
    room_id = optional_integer(user, "roomId")
    if not user:
        raise SourceUnavailableError(f"the room lookup tells no user (code {optional_integer(body, 'statusCode')})")
    if not 0 < room_id <= _MAX_ROOM_ID or _ENDED in (
        optional_integer(user, "status"),
        optional_integer(optional_mapping(data, "liveRoom"), "status"),
    ):
        raise RoomOfflineError(f"{options.room} is not live")
    return room_id


async def _known_room_id(options: Options, http: HttpClient, room_id: int) -> int:
    if room_id > _MAX_ROOM_ID:
        raise RoomNotFoundError(f"room: {options.room} is no room number")
    query = {"aid": "1988", "room_id": str(room_id)}
    body = _body(await http.send(_web_call(options, ROOM_INFO_URL, query)), "the room's state")
    data = optional_mapping(body, "data")
    if optional_integer(body, "status_code") != 0 or optional_integer(data, "status") == _ENDED:
        raise RoomOfflineError(f"room {room_id} is not live: a number lasts for one live, a handle for all")
    return room_id


async def _signed(options: Options, http: HttpClient, room_id: int) -> Connection:
    query = {
        "client": SIGNER_CLIENT,
        "room_id": str(room_id),
        "user_agent": USER_AGENT,
        "platform": "web",
        "client_enter": "1",
    }
    headers = {"User-Agent": "live-event-bridge", "Accept": "application/x-protobuf, application/json"}
    if options.api_key:
        headers["X-Api-Key"] = options.api_key.reveal()
    answer = await http.send(HttpCall("GET", rebased(SIGNER_URL, options.sign_url), query=query, headers=headers))
    _check_signer(answer)
    try:
        result = parse(wire.FetchResult, answer.body, "the signer's answer")
    except DecodeError as error:
        raise SourceThrottledError(str(error), THROTTLED_SECS) from None
    push_server = options.websocket_url or text(result.push_server)
    if not is_url(push_server, ("ws", "wss")):
        raise SourceThrottledError(
            "TikTok turned the signed call away: no socket in the signer's answer", THROTTLED_SECS
        )
    url = _socket_url(
        push_server,
        room_id,
        [
            *((text(param.key), text(param.value)) for param in result.route_params),
            ("cursor", text(result.cursor)),
            ("internal_ext", text(result.internal_ext)),
            *_SIGNED_PARAMS,
        ],
    )
    cookies = _cookies(answer.headers.get("x-set-tt-cookie", ""))
    if options.websocket_url or _is_tiktok(push_server):
        cookies = {**_cookies(options.cookie.reveal()), **cookies}
    return Connection(_endpoint(url, cookies), WebcastDecoder(room_id, result.cursor, result.messages))


async def _unsigned(options: Options, http: HttpClient, room_id: int) -> Connection:
    cookies = _cookies(options.cookie.reveal())
    if "ttwid" not in cookies and not options.websocket_url:
        visitor = await http.send(_web_call(options, HOME_URL, {}))
        cookies.update({name: value for name, value in visitor.cookies.items() if name == "ttwid"})
    url = _socket_url(options.websocket_url or UNSIGNED_SOCKET_URL, room_id, _UNSIGNED_PARAMS)
    return Connection(_endpoint(url, cookies), WebcastDecoder(room_id, unsigned=True))


def _check_signer(answer: HttpAnswer) -> None:
    if answer.status == 200:
        return
    if answer.status == 429:
        raise SourceThrottledError(f"the signer asks for a pause{_limit_label(answer)}", _retry_after_secs(answer))
    if answer.status in {401, 403}:
        raise SourceAuthError(f"api_key: the signer refuses it (HTTP {answer.status})")
    if answer.status in {400, 404, 405}:
        raise SourceAuthError(f"sign_url: answers HTTP {answer.status}: it must serve /webcast/fetch")
    raise SourceUnavailableError(f"the signer answers HTTP {answer.status}")


def _limit_label(answer: HttpAnswer) -> str:
    try:
        label = optional_text(answer.json(), "limit_label")
    except DecodeError:
        return ""
    return f" ({label})" if label.isidentifier() and len(label) <= 64 else ""


def _retry_after_secs(answer: HttpAnswer) -> float:
    reset_secs = as_integer(answer.headers.get("ratelimit-reset")) or 0
    # A reset may also come as a moment in time; only a span can be waited for.
    return answer.retry_after_secs(float(reset_secs) if 0 < reset_secs <= MAX_RETRY_AFTER_SECS else THROTTLED_SECS)


def _body(answer: HttpAnswer, what: str) -> Any:
    if answer.status == 429:
        raise SourceThrottledError(f"TikTok asks for a pause in {what}", _retry_after_secs(answer))
    if answer.status in {401, 403}:
        raise SourceAuthError(f"cookie: TikTok refuses {what} (HTTP {answer.status}): log in, or take another proxy")
    if answer.status != 200:
        raise SourceUnavailableError(f"TikTok answers {what} with HTTP {answer.status}")
    try:
        return answer.json()
    except DecodeError:
        raise SourceUnavailableError(
            f"TikTok answers {what} with a page instead of data: it may want another proxy or a cookie"
        ) from None


def _web_call(options: Options, url: str, query: Mapping[str, str]) -> HttpCall:
    headers = {"User-Agent": USER_AGENT, "Referer": HOME_URL, "Accept": "application/json, text/html"}
    if options.cookie:
        headers["Cookie"] = options.cookie.reveal().translate(_COOKIE_UNSAFE)
    return HttpCall("GET", options.api_url(url), query=query, headers=headers)


def _socket_url(base: str, room_id: int, params: Sequence[tuple[str, str]]) -> str:
    query = urlencode([*_SOCKET_PARAMS, ("room_id", str(room_id)), *params], quote_via=quote)
    return f"{base}{'&' if '?' in base else '?'}{query}"


def _endpoint(url: str, cookies: Mapping[str, str]) -> Endpoint:
    headers = {"User-Agent": USER_AGENT, "Origin": HOME_URL.rstrip("/"), "Referer": HOME_URL}
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Endpoint(
        url=url,
        headers=headers,
        subprotocols=("echo-protocol",),
        heartbeat_interval_secs=HEARTBEAT_SECS,
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
        answers_pings=False,
        handshake_refusal=_no_socket,
    )


def _no_socket(answer: HttpAnswer) -> SourceError | None:
    """TikTok blocks an address, a device or a signature by not upgrading; each further try costs a signature."""
    reason = answer.headers.get("handshake-msg", "")
    if answer.status != 200 and not reason:
        return None
    said = f"HTTP {answer.status}, {label(reason)}" if reason else f"HTTP {answer.status}"
    return SourceAuthError(
        f"sign_url: TikTok opens no socket ({said}): it blocks this address or the signature, "
        "try a proxy or another signer"
    )


def _cookies(header: str) -> dict[str, str]:
    """Read ``k=v; k=v``, leaving out what a Set-Cookie header says about its cookie."""
    pairs = (part.strip().partition("=") for part in header.translate(_COOKIE_UNSAFE).split(";"))
    return {name: value for name, equals, value in pairs if equals and name.lower() not in _COOKIE_ATTRIBUTES}


def _is_tiktok(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "wss" and (parts.hostname or "").endswith(".tiktok.com")
