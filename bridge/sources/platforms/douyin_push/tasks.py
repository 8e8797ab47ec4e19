"""Douyin's push tasks: started, watched, stopped; and the query for what a push could not deliver.

Vendor documentation: one task a message type, idempotent, ten calls a second for an app. A task cannot start
until the anchor has mounted the app (``err_no`` 5003019) and stops by itself when it is unmounted or the
broadcast ends. Lost gifts and fans club news can be asked for; comments and likes cannot.
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
    identifier,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    text,
)
from bridge.sources.platforms.douyin_push.items import decode_body
from bridge.sources.platforms.douyin_push.options import Options

TOKEN_URL = "https://developer.toutiao.com/api/apps/v2/token"  # noqa: S105 - an address
ROOM_URL = "https://webcast.bytedance.com/api/webcastmate/info"
TASK_URL = "https://webcast.bytedance.com/api/live_data/task/"

NOT_MOUNTED = 5003019
RUNNING = 3
"""A task's ``status``: 1 none, 2 not started, 3 running."""

LOSSLESS = ("live_gift", "live_fansclub")
"""The types whose undelivered messages the platform keeps."""

PAGE_SIZE = 100
MAX_PAGES = 1000
"""The platform keeps the last 100,000 messages of a day."""

MOUNT_RETRY_SECS = 3.0
SLOW_MOUNT_RETRY_SECS = 30.0
EAGER_MOUNT_TRIES = 200
"""How often to ask eagerly for the mount (ten minutes), before it is taken for a quiet night."""

ROUND_SECS = 60.0
PAGE_SECS = 0.2
MAX_AGE_MS = 600_000
"""Lost messages older than this are history: nobody wants to be thanked for them now."""

MAX_FAILURES = 5
"""Unanswered questions in a row after which the connection is given up and made anew."""


class Token:
    """An access token and when to get the next one: at half its life, the old one living on meanwhile."""

    def __init__(self, value: str, refresh_at_ms: int) -> None:
        self.value = value
        self.refresh_at_ms = refresh_at_ms


def token_call(options: Options) -> HttpCall:
    """Return the call that gets an access token."""
    return HttpCall(
        "POST",
        rebased(TOKEN_URL, options.auth_base),
        json={
            "appid": options.app_id,
            "secret": options.app_secret.reveal(),
            "grant_type": "client_credential",
        },
        tag="token",
    )


def read_token(answer: HttpAnswer, now_ms: int) -> Token:
    """Read the token call's answer. Raises ``SourceError``."""
    value = _answer(answer, "token")
    err_no = _err_no(value)
    if err_no:
        raise SourceAuthError(f"app_id, app_secret: no access token, err_no {err_no}")
    try:
        data = mapping(value, "data")
        lifetime_secs = max(integer(data, "expires_in", "data"), 60)
        return Token(text(data, "access_token", "data"), now_ms + lifetime_secs * 500)
    except DecodeError as error:
        raise SourceUnavailableError(f"token: {error}") from error


def room_call(options: Options, token: Token) -> HttpCall:
    """Return the call that turns the companion's token into the room id."""
    return HttpCall(
        "POST",
        options.api_url(ROOM_URL),
        headers={"X-Token": token.value},
        json={"token": options.companion_token.reveal()},
    )


def read_room(answer: HttpAnswer) -> str:
    """Read the room call's answer. Raises ``SourceError``."""
    value = _answer(answer, "webcastmate/info")
    err_no = optional_integer(value, "errcode") or optional_integer(value, "err_no")
    info = optional_mapping(optional_mapping(value, "data"), "info")
    try:
        return identifier(info, "room_id")
    except DecodeError as error:
        raise SourceAuthError(f"companion_token: names no room, errcode {err_no}") from error


def _answer(answer: HttpAnswer, what: str) -> Any:
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


def _err_no(value: Any) -> int:
    """Return the answer's code; some answers call it ``code`` (observed)."""
    return optional_integer(value, "err_no") or optional_integer(value, "code")


class TaskDecoder(QuietDecoder):
    """Starts the tasks, looks every minute whether they still run, and fetches what got lost."""

    def __init__(self, options: Options, token: Token, room: str, now_ms: int) -> None:
        self._options = options
        self._token = token
        self._room = room
        self._now_ms = now_ms
        self._waiting = list(dict.fromkeys(options.tasks))
        self._running: list[str] = []
        self._refused: list[str] = []
        self._told_refused: set[str] = set()
        self._mount_tries = 0
        self._failures = 0
        self._lost_totals: dict[str, int] = {}
        self._lost_pages: list[tuple[str, int]] = []

    def feed(self, frame: Frame) -> Decoded:
        """Decode a body, should one come this way."""
        return decode_body(frame.data, self._options, frame.received_at_ms)

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return the token, the starts, the pages still to read, or the minute's round: what is most due."""
        if self._now_ms >= self._token.refresh_at_ms:
            return 0.0, (token_call(self._options),)
        if self._waiting:
            # Until the mount is there one type is enough to ask: all wait for the same thing.
            kinds = self._waiting[:1] if self._mount_tries else self._waiting
            return self._mount_wait_secs(), [self._task_call("start", kind) for kind in kinds]
        if self._lost_pages:
            return PAGE_SECS, (self._lost_call(*self._lost_pages.pop(0)),)
        self._waiting, self._refused = self._refused, []
        return ROUND_SECS, [
            *(self._task_call("get", kind) for kind in self._running),
            *(self._lost_call(kind, 1) for kind in self._running if kind in LOSSLESS),
        ]

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take an answer and go on from there."""
        self._now_ms = received_at_ms
        what, _, rest = call.tag.partition("/")
        try:
            if what == "token":
                self._token = read_token(answer, received_at_ms)
                value = None
            else:
                value = _answer(answer, what)
        except SourceError as error:
            return self._unanswered(what, error)
        self._failures = 0
        if what == "start":
            return self._started(rest, _err_no(value))
        if what == "get":
            return self._looked(rest, value)
        if what == "lost":
            kind, _, page = rest.partition("/")
            return self._lost(kind, int(page), value, answer.body)
        return NOTHING

    def farewell(self) -> Sequence[HttpCall]:
        """Stop what was started."""
        return [self._task_call("stop", kind) for kind in self._running]

    def _unanswered(self, what: str, error: SourceError) -> Decoded:
        """Bear with a platform that is busy: the tasks run on meanwhile."""
        self._failures += 1
        if self._failures >= MAX_FAILURES or isinstance(error, SourceAuthError):
            return Decoded(end=error)
        if what == "token":
            self._token.refresh_at_ms = self._now_ms + int(SLOW_MOUNT_RETRY_SECS * 1000)
        if what == "start":
            self._mount_tries += 1
        return NOTHING

    def _mount_wait_secs(self) -> float:
        if not self._mount_tries:
            return 0.0
        return MOUNT_RETRY_SECS if self._mount_tries <= EAGER_MOUNT_TRIES else SLOW_MOUNT_RETRY_SECS

    def _started(self, kind: str, err_no: int) -> Decoded:
        if err_no == NOT_MOUNTED:
            self._mount_tries += 1
            if self._mount_tries > 1:
                return NOTHING
            detail = "room: the app is not mounted in the room: the anchor does that in the live companion"
            return Decoded(notices=[Notice(NoticeKind.CREDENTIAL_WEAK, detail)])
        self._mount_tries = 0
        if kind in self._waiting:
            self._waiting.remove(kind)
        if err_no == 0:
            first = not self._running
            if kind not in self._running:
                self._running.append(kind)
            return Decoded(notices=[Notice(NoticeKind.LIVE, "push tasks run")] if first else [])
        self._refused.append(kind)
        if not self._running and not self._waiting:
            # Nothing works: the token may have been replaced by somebody else's.
            self._token.refresh_at_ms = self._now_ms
        if kind in self._told_refused:
            return NOTHING
        self._told_refused.add(kind)
        detail = f"tasks: {kind} was refused with err_no {err_no}: has the app this capability?"
        return Decoded(notices=[Notice(NoticeKind.CREDENTIAL_WEAK, detail)])

    def _looked(self, kind: str, value: Any) -> Decoded:
        status = optional_integer(optional_mapping(value, "data"), "status", RUNNING)
        if _err_no(value) or status == RUNNING or kind not in self._running:
            return NOTHING
        self._running.remove(kind)
        self._waiting.append(kind)
        if self._running:
            return NOTHING
        return Decoded(notices=[Notice(NoticeKind.ENDED, "push tasks stopped: unmounted or off air")])

    def _lost(self, kind: str, page: int, value: Any, body: bytes) -> Decoded:
        """Read a page of undelivered messages; further pages only when there are more than last time."""
        if _err_no(value):
            return NOTHING
        data = optional_mapping(value, "data")
        total = optional_integer(data, "total_count")
        more = bool(optional_sequence(data, "data_list")) and page * PAGE_SIZE < total
        if more and page < MAX_PAGES and (page > 1 or total != self._lost_totals.get(kind)):
            self._lost_pages.append((kind, page + 1))
        else:
            self._lost_totals[kind] = total
        return decode_body(body, self._options, self._now_ms, kind=kind, oldest_ms=self._now_ms - MAX_AGE_MS)

    def _task_call(self, action: str, kind: str) -> HttpCall:
        url = self._options.api_url(TASK_URL + action)
        names = {"roomid": self._room, "appid": self._options.app_id, "msg_type": kind}
        headers = {"access-token": self._token.value}
        tag = f"{action}/{kind}"
        if action == "get":
            return HttpCall("GET", url, query=names, headers=headers, tag=tag)
        return HttpCall("POST", url, headers=headers, json=names, tag=tag)

    def _lost_call(self, kind: str, page: int) -> HttpCall:
        return HttpCall(
            "GET",
            self._options.api_url(TASK_URL + "fail_data/get"),
            query={
                "roomid": self._room,
                "appid": self._options.app_id,
                "msg_type": kind,
                "page_num": str(page),
                "page_size": str(PAGE_SIZE),
            },
            headers={"access-token": self._token.value},
            tag=f"lost/{kind}/{page}",
        )
