"""Douyin's push tasks: started, watched, stopped; and the query for what a push could not deliver.

Vendor documentation: one task a message type, idempotent, ten calls a second for an app. A task cannot start
until the anchor has mounted the app (``err_no`` 5003019) and stops by itself when it is unmounted or the
broadcast ends. Lost gifts and fans club news can be asked for; comments and likes cannot.
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
    identifier,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    text,
)
from bridge.sources.platforms.douyin_push.items import decode_value
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

PAGE_SECS = 0.2
MAX_AGE_MS = 600_000
"""Lost messages older than this are history: nobody wants to be thanked for them now."""


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
    value = read_object(answer, "token")
    err_no = _err_no(value)
    if err_no:
        raise SourceAuthError(f"app_id, app_secret: no access token, err_no {err_no}")
    try:
        data = mapping(value, "data")
        return Token(text(data, "access_token", "data"), integer(data, "expires_in", "data"), now_ms)
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
    value = read_object(answer, "webcastmate/info")
    err_no = optional_integer(value, "errcode") or optional_integer(value, "err_no")
    info = optional_mapping(optional_mapping(value, "data"), "info")
    try:
        return identifier(info, "room_id")
    except DecodeError as error:
        raise SourceAuthError(f"companion_token: names no room, errcode {err_no}") from error


def _err_no(value: Any) -> int:
    """Return the answer's code; some answers call it ``code`` (observed)."""
    return optional_integer(value, "err_no") or optional_integer(value, "code")


class TaskDecoder(AppTasks):
    """Starts the tasks, looks every minute whether they still run, and fetches what got lost."""

    def __init__(self, options: Options, token: Token, room: str, now_ms: int) -> None:
        super().__init__(token_call(options), read_token, token, now_ms)
        self._options = options
        self._room = room
        self._waiting = list(dict.fromkeys(options.tasks))
        self._running: list[str] = []
        self._refused: list[str] = []
        self._told_refused: set[str] = set()
        self._lost_totals: dict[str, int] = {}
        self._lost_pages: list[tuple[str, int]] = []

    def due_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return the starts, the pages still to read, or the minute's round: what is most due."""
        if self._waiting:
            # Until the mount is there one type is enough to ask: all wait for the same thing.
            kinds = self._waiting[:1] if self.tries else self._waiting
            return self.start_wait_secs(), [self._task_call("start", kind) for kind in kinds]
        if self._lost_pages:
            return PAGE_SECS, (self._lost_call(*self._lost_pages.pop(0)),)
        self._waiting, self._refused = self._refused, []
        return ROUND_SECS, [
            *(self._task_call("get", kind) for kind in self._running),
            *(self._lost_call(kind, 1) for kind in self._running if kind in LOSSLESS),
        ]

    def told(self, call: HttpCall, value: dict[str, Any]) -> Decoded:
        """Take the answer about a task, or a page of what got lost."""
        action, _, rest = call.tag.partition("/")
        if action == "start":
            return self._started(rest, _err_no(value))
        if action == "get":
            return self._looked(rest, value)
        if action == "lost":
            kind, _, page = rest.partition("/")
            return self._lost(kind, int(page), value)
        return NOTHING

    def farewell(self) -> Sequence[HttpCall]:
        """Stop what was started."""
        return [self._task_call("stop", kind) for kind in self._running]

    def _started(self, kind: str, err_no: int) -> Decoded:
        if err_no == NOT_MOUNTED:
            self.tries += 1
            if self.tries > 1:
                return NOTHING
            detail = "room: the app is not mounted in the room: the anchor does that in the live companion"
            return Decoded(notices=[Notice(NoticeKind.CREDENTIAL_WEAK, detail)])
        self.tries = 0
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
            self.renew_token()
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

    def _lost(self, kind: str, page: int, value: dict[str, Any]) -> Decoded:
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
        return decode_value(value, self._options, self.now_ms, kind=kind, oldest_ms=self.now_ms - MAX_AGE_MS)

    def _task_call(self, action: str, kind: str) -> HttpCall:
        url = self._options.api_url(TASK_URL + action)
        names = {"roomid": self._room, "appid": self._options.app_id, "msg_type": kind}
        headers = {"access-token": self.token.value}
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
            headers={"access-token": self.token.value},
            tag=f"lost/{kind}/{page}",
        )
