"""Kuaishou's calls: a token, the room bound to the app, its state, and gifts whose push got lost.

Bodies carry a time and a signature over themselves. Vendor documentation for the signature and the older
``data/task`` calls; ``smallPlay/bind`` and ``pushdata/query`` were read from the source of programs that use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.errors import DecodeError, SourceAuthError, SourceUnavailableError
from bridge.sources.codecs.app_tasks import ROUND_SECS, AppTasks, Token, read_object
from bridge.sources.contract import (
    NOTHING,
    Decoded,
    HttpAnswer,
    HttpCall,
    Notice,
    NoticeKind,
    rebased,
)
from bridge.sources.fields import (
    optional_integer,
    optional_mapping,
    optional_text,
    parse_json,
    text,
)
from bridge.sources.platforms.kuaishou_push.items import decode_lost
from bridge.sources.platforms.kuaishou_push.options import Options, call_signature

TOKEN_URL = "https://open.kuaishou.com/oauth2/access_token"  # noqa: S105 - an address
API_URL = "https://open.kuaishou.com/openapi/developer/live/"
LOST_PATH = "data/interactive/pushdata/query"

OK = 1
"""``result`` of a call that worked."""

TRIES_A_TOKEN = 20
"""After so many refusals in a row the token is fetched anew: somebody else may have replaced it."""


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
    value = read_object(answer, "token")
    result = optional_integer(value, "result")
    if result != OK:
        raise SourceAuthError(f"app_id, app_secret: no access token, result {result}")
    try:
        return Token(text(value, "access_token"), optional_integer(value, "expires_in", 3600), now_ms)
    except DecodeError as error:
        raise SourceUnavailableError(f"token: {error}") from error


class TaskDecoder(AppTasks):
    """Binds the room, looks every minute whether it still is, and fetches what got lost."""

    def __init__(self, options: Options, token: Token, now_ms: int) -> None:
        super().__init__(token_call(options), read_token, token, now_ms)
        self._options = options
        self._round_id = str(now_ms)
        self._bound = False
        self._bound_status = 0
        self._told_results: set[int] = set()

    def due_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return the binding or the minute's round."""
        if not self._bound:
            wait_secs = self.start_wait_secs()
            return wait_secs, (self._bind_call("start", wait_secs),)
        return ROUND_SECS, (self._bind_call("status", ROUND_SECS), self._lost_call(ROUND_SECS))

    def told(self, call: HttpCall, value: dict[str, Any]) -> Decoded:
        """Take the answer about the binding, or the gifts that got lost."""
        result = optional_integer(value, "result")
        if call.tag == "start":
            return self._started(result)
        if call.tag == "status" and result == OK:
            return self._looked(value)
        if call.tag == "lost" and result == OK:
            return decode_lost(value.get("data"), self._options.room, self.now_ms)
        return NOTHING

    def farewell(self) -> Sequence[HttpCall]:
        """Unbind the room."""
        return (self._bind_call("stop", 0),) if self._bound else ()

    def _started(self, result: int) -> Decoded:
        if result == OK:
            self._bound, self._bound_status, self.tries = True, 0, 0
            return Decoded(notices=[Notice(NoticeKind.LIVE, "the room is bound")])
        self.tries += 1
        if self.tries % TRIES_A_TOKEN == 0:
            self.renew_token()
        if result in self._told_results:
            return NOTHING
        self._told_results.add(result)
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
            "timestamp": self.now_ms + int(wait_secs * 1000),
            **parameters,
        }
        body["sign"] = call_signature(body, options.app_id, options.app_secret)
        query = {"app_id": options.app_id, "access_token": self.token.value}
        return HttpCall("POST", options.api_url(API_URL + path), query=query, json=body, tag=tag)


def _status_in_data(value: dict[str, Any]) -> int:
    try:
        data = parse_json(optional_text(value, "data") or "{}")
    except DecodeError:
        return 0
    return optional_integer(data, "status") or optional_integer(optional_mapping(value, "data"), "status")
