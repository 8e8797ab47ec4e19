"""Bilibili's open live HTTP API: signed calls, and what its error codes mean for us.

Vendor documentation: six ``x-bili-*`` headers are signed in the order of their names, one ``name:value`` a line;
``Accept`` and ``Content-Type`` must both say JSON. A nonce may be used once, a clock may hardly be off.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.secret import Secret
from bridge.sources.contract import HttpAnswer, HttpCall, SourceOptions
from bridge.sources.fields import optional_integer

BASE_URL = "https://live-open.biliapi.com"

SESSION_LOST_CODES = frozenset({7000, 7003})
"""Not in a game, heartbeat too late: the session is gone and must be started again."""

COOLING_WAIT_SECS = 10.0
"""Wait after 7001 (cooling down) and 7002 (the room's session still runs: it dies after 60 s without heartbeat)."""

_REFUSED = {
    4000: "code, app_id: the platform cannot read a parameter",
    4001: "app_id: no such app",
    4002: "access_key_secret: the signature is wrong",
    4007: "access_key_id: this machine's address is not on the app's list",
    4008: "app_id: no permission",
    5004: "code: the room is not on the app's list",
    5005: "code: the room is on the app's black list",
    7007: "code: wrong identity code, the anchor may have renewed it",
    8002: "app_id: the project has no access",
}
_THROTTLED = {
    4009: "too many calls",
    7001: "the app is cooling down",
    7002: "the room's last session still runs",
}
_PASSING = {
    4003: "the request expired: is this machine's clock right?",
    4004: "the nonce was used before",
    7000: "not in a game",
    7003: "the session's heartbeat came too late",
}


_REQUIRED = {
    "access_key_id": "the developer's key id",
    "access_key_secret": "the developer's key",
    "app_id": "the project's id, digits",
    "code": "the anchor's identity code",
}


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Bilibili's open live platform. `room` is not needed: the identity code names the room."""

    access_key_id: Secret = field(default_factory=Secret)
    """The developer's key id."""
    access_key_secret: Secret = field(default_factory=Secret)
    """The developer's key."""
    app_id: str = ""
    """The project's id, digits."""
    code: Secret = field(default_factory=Secret)
    """The anchor's identity code (身份码)."""
    api_base: str = ""
    """Replaces scheme and host of the API calls."""
    websocket_url: str = ""
    """Replaces the socket URLs that the API names."""

    def __post_init__(self) -> None:
        for name, allowed in _REQUIRED.items():
            if not getattr(self, name):
                raise ValueError(f"{name}: is missing: {allowed}")
        if not (self.app_id.isascii() and self.app_id.isdigit()):
            raise ValueError("app_id: is not a number: the project's id, digits")


def signed_headers(key_id: Secret, key_secret: Secret, body: bytes, nonce: str, timestamp_secs: int) -> dict[str, str]:
    """Return the headers that sign ``body``."""
    headers = {
        "x-bili-accesskeyid": key_id.reveal(),
        "x-bili-content-md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "x-bili-signature-method": "HMAC-SHA256",
        "x-bili-signature-nonce": nonce,
        "x-bili-signature-version": "1.0",
        "x-bili-timestamp": str(timestamp_secs),
    }
    text = "\n".join(f"{name}:{value}" for name, value in headers.items())
    signature = hmac.new(key_secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()
    return {**headers, "Authorization": signature}


def new_nonce() -> str:
    """Return a value that no other call uses."""
    return str(uuid.uuid4())


def api_call(options: Options, path: str, parameters: dict[str, Any], nonce: Callable[[], str] = new_nonce) -> HttpCall:
    """Return a call that is signed anew each time it is made."""
    body = orjson.dumps(parameters)
    return HttpCall(
        "POST",
        options.api_url(BASE_URL + path),
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=body,
        tag=path,
        sign=lambda now_ms: signed_headers(
            options.access_key_id, options.access_key_secret, body, nonce(), now_ms // 1000
        ),
    )


def start_call(options: Options) -> HttpCall:
    """Return the call that begins a session."""
    return api_call(options, "/v2/app/start", {"code": options.code.reveal(), "app_id": int(options.app_id)})


def heartbeat_call(options: Options, game_id: str) -> HttpCall:
    """Return the call that keeps a session alive: every 20 s, it dies after 60 s without."""
    return api_call(options, "/v2/app/heartbeat", {"game_id": game_id})


def end_call(options: Options, game_id: str) -> HttpCall:
    """Return the call that ends a session; without it the next start is refused for a while."""
    return api_call(options, "/v2/app/end", {"app_id": int(options.app_id), "game_id": game_id})


def read_answer(answer: HttpAnswer, what: str) -> Any:
    """Return an answer's ``data``. Raises ``SourceError`` sorted by what to do next."""
    if answer.status == 429:
        raise SourceThrottledError(f"{what}: too many calls", COOLING_WAIT_SECS)
    try:
        value = answer.json()
    except DecodeError as error:
        raise SourceUnavailableError(f"{what}: {error}") from error
    code = answer_code(value)
    if code:
        raise refusal(code, what)
    return value.get("data") if isinstance(value, dict) else None


def answer_code(value: Any) -> int:
    """Return the code of a parsed answer; one without is none of the platform's."""
    return optional_integer(value, "code", -1)


def refusal(code: int, what: str) -> SourceError:
    """Return what an error code means: mend an option, wait, or try again."""
    if code in _REFUSED:
        return SourceAuthError(f"{_REFUSED[code]} ({what}: {code})")
    if code in _THROTTLED:
        return SourceThrottledError(f"{_THROTTLED[code]} ({what}: {code})", COOLING_WAIT_SECS)
    return SourceUnavailableError(f"{_PASSING.get(code, 'the platform answered with an error')} ({what}: {code})")
