"""Kuaishou's calls: a token, the room bound to the app, its state, and gifts whose push got lost.

Bodies carry a time and a signature over themselves. Vendor documentation for the signature and the older
``data/task`` calls; ``smallPlay/bind`` and ``pushdata/query`` were read from the source of programs that use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources.contract import (
    NOTHING,
    Decoded,
    Frame,
    HttpAnswer,
    HttpCall,
    Notice,
    NoticeKind,
    QuietDecoder,
    rebased,
)
from bridge.sources.fields import (
    optional_integer,
    optional_mapping,
    optional_text,
    parse_json,
    text,
)
from bridge.sources.platforms.kuaishou_push.items import decode_lost, decode_push
from bridge.sources.platforms.kuaishou_push.options import Options, call_signature

TOKEN_URL = "https://open.kuaishou.com/oauth2/access_token"  # noqa: S105 - an address
API_URL = "https://open.kuaishou.com/openapi/developer/live/"
LOST_PATH = "data/interactive/pushdata/query"

OK = 1
"""``result`` of a call that worked."""

BIND_RETRY_SECS = 3.0
SLOW_BIND_RETRY_SECS = 30.0
EAGER_BIND_TRIES = 200
"""How often to try eagerly (ten minutes) before the room is taken for off air."""
TRIES_A_TOKEN = 20
"""After so many refusals in a row the token is fetched anew: somebody else may have replaced it."""

ROUND_SECS = 60.0
MAX_FAILURES = 5
"""Unanswered questions in a row after which the connection is given up and made anew."""


class Token:
    """An access token and when to get the next one: at half its life."""

    def __init__(self, value: str, refresh_at_ms: int) -> None:
        self.value = value
        self.refresh_at_ms = refresh_at_ms


def token_call(options: Options) -> HttpCall:
    """Return the call that gets an access token."""
    return HttpCall(
        "POST",
        rebased(TOKEN_URL, options.auth_base),
        form={
            "app_id": options.app_id,
            "app_secret": options.app_secret.reveal(),
            "grant_type": "client_credentials",
        },
        tag="token",
    )


def read_token(answer: HttpAnswer, now_ms: int) -> Token:
    """Read the token call's answer. Raises ``SourceError``."""
    value = _answer(answer, "token")
    result = optional_integer(value, "result")
    if result != OK:
        raise SourceAuthError(f"app_id, app_secret: no access token, result {result}")
    try:
        lifetime_secs = max(optional_integer(value, "expires_in", 3600), 60)
        return Token(text(value, "access_token"), now_ms + lifetime_secs * 500)
    except DecodeError as error:
        raise SourceUnavailableError(f"token: {error}") from error


def _answer(answer: HttpAnswer, what: str) -> dict[str, Any]:
    if answer.status == 429:
        raise SourceThrottledError(f"{what}: too many calls", 30)
    if answer.status >= 500:
        raise SourceUnavailableError(f"{what}: HTTP {answer.status}")
    try:
        value = answer.json()
    except DecodeError as error:
        raise SourceUnavailableError(f"{what}: {error}") from error
    if not isinstance(value, dict):
        raise SourceUnavailableError(f"{what}: the answer is {type(value).__name__}, an object expected")
    return value


class TaskDecoder(QuietDecoder):
    """Binds the room, looks every minute whether it still is, and fetches what got lost."""

    def __init__(self, options: Options, token: Token, now_ms: int) -> None:
        self._options = options
        self._token = token
        self._now_ms = now_ms
        self._round_id = str(now_ms)
        self._bound = False
        self._bound_status = 0
        self._tries = 0
        self._failures = 0
        self._told: set[int] = set()

    def feed(self, frame: Frame) -> Decoded:
        """Decode a body, should one come this way."""
        return decode_body(frame, self._options)

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return the token, the binding or the minute's round: what is most due."""
        if self._now_ms >= self._token.refresh_at_ms:
            return 0.0, (token_call(self._options),)
        if not self._bound:
            wait_secs = self._bind_wait_secs()
            return wait_secs, (self._bind_call("start", wait_secs),)
        return ROUND_SECS, (self._bind_call("status", ROUND_SECS), self._lost_call(ROUND_SECS))

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take an answer and go on from there."""
        self._now_ms = received_at_ms
        try:
            if call.tag == "token":
                self._token = read_token(answer, received_at_ms)
                return NOTHING
            value = _answer(answer, call.tag)
        except SourceError as error:
            return self._unanswered(call.tag, error)
        self._failures = 0
        result = optional_integer(value, "result")
        if call.tag == "start":
            return self._started(result)
        if call.tag == "status" and result == OK:
            return self._looked(value)
        if call.tag == "lost" and result == OK:
            return decode_lost(value.get("data"), self._options.room, self._now_ms)
        return NOTHING

    def farewell(self) -> Sequence[HttpCall]:
        """Unbind the room."""
        return (self._bind_call("stop", 0),) if self._bound else ()

    def _unanswered(self, what: str, error: SourceError) -> Decoded:
        """Bear with a platform that is busy: the pushes go on meanwhile."""
        self._failures += 1
        if self._failures >= MAX_FAILURES or isinstance(error, SourceAuthError):
            return Decoded(end=error)
        if what == "token":
            self._token.refresh_at_ms = self._now_ms + int(SLOW_BIND_RETRY_SECS * 1000)
        if what == "start":
            self._tries += 1
        return NOTHING

    def _bind_wait_secs(self) -> float:
        if not self._tries:
            return 0.0
        return BIND_RETRY_SECS if self._tries <= EAGER_BIND_TRIES else SLOW_BIND_RETRY_SECS

    def _started(self, result: int) -> Decoded:
        if result == OK:
            self._bound, self._bound_status, self._tries = True, 0, 0
            return Decoded(notices=[Notice(NoticeKind.LIVE, "the room is bound")])
        self._tries += 1
        if self._tries % TRIES_A_TOKEN == 0:
            self._token.refresh_at_ms = self._now_ms
        if result in self._told:
            return NOTHING
        self._told.add(result)
        detail = f"room: binding was refused with result {result}: is the code right and the anchor on air?"
        return Decoded(notices=[Notice(NoticeKind.CREDENTIAL_WEAK, detail)])

    def _looked(self, value: dict[str, Any]) -> Decoded:
        """Read the state: the first one after binding is what a bound room's looks like, another is the end of it.

        It stands beside ``result`` (1 running, 2 stopped) or in ``data``, an object's JSON text, whose numbers
        nothing explains.
        """
        status = optional_integer(value, "taskStatus") or _status_in_data(value)
        if not self._bound_status or not status:
            self._bound_status = status
            return NOTHING
        if status == self._bound_status:
            return NOTHING
        self._bound = False
        return Decoded(notices=[Notice(NoticeKind.ENDED, "the room is no longer bound")])

    def _bind_call(self, action: str, wait_secs: float) -> HttpCall:
        if self._options.task_api == "task":
            return self._call(f"data/task/{action}", {"roundId": self._round_id}, action, wait_secs)
        module = {"moduleType": "bind", "actionType": action, "data": "{}"}
        return self._call("smallPlay/bind", module, action, wait_secs)

    def _lost_call(self, wait_secs: float) -> HttpCall:
        return self._call(LOST_PATH, {"pushType": "giftSend", "data": "{}"}, "lost", wait_secs)

    def _call(self, path: str, parameters: dict[str, str], tag: str, wait_secs: float) -> HttpCall:
        """Return a signed call; its time is when it will be made, reckoned from the last answer."""
        options = self._options
        body: dict[str, str | int] = {
            "roomCode": options.room,
            "timestamp": self._now_ms + int(wait_secs * 1000),
            **parameters,
        }
        body["sign"] = call_signature(body, options.app_id, options.app_secret)
        query = {"app_id": options.app_id, "access_token": self._token.value}
        return HttpCall("POST", options.api_url(API_URL + path), query=query, json=body, tag=tag)


def _status_in_data(value: dict[str, Any]) -> int:
    try:
        data = parse_json(optional_text(value, "data") or "{}")
    except DecodeError:
        return 0
    return optional_integer(data, "status") or optional_integer(optional_mapping(value, "data"), "status")


def decode_body(frame: Frame, options: Options) -> Decoded:
    """Decode one push body."""
    try:
        value = parse_json(frame.data)
    except DecodeError as error:
        return Decoded(rejected=[error])
    return decode_push(value, options.room, frame.received_at_ms)
