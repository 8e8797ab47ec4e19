"""The channel as Kick's HTTP calls tell it: who watches, whether it is live, what is subscribed.

Vendor documentation: tokens, ``/public/v1/channels``, ``/public/v1/events/subscriptions``. The viewer count is
that of ``/public/v1/channels``; ``/public/v2/livestreams`` cannot be asked for one channel. Observed: the site's
own ``/api/v2/channels/<slug>``, which Cloudflare often refuses to programs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bridge.errors import DecodeError
from bridge.events import MAX_INTEGER, LiveEvent, Viewers
from bridge.sources.contract import NOTHING, Decoded, HttpAnswer, HttpCall, Notice, NoticeKind, Poll, rebased
from bridge.sources.fields import as_integer, optional_integer, optional_mapping, optional_sequence, optional_text
from bridge.sources.platforms.kick.messages import ENDED, LIVE, WEBHOOK_MESSAGES
from bridge.sources.platforms.kick.options import Options

OAUTH_URL = "https://id.kick.com/oauth/token"
CHANNELS_URL = "https://api.kick.com/public/v1/channels"
SUBSCRIPTIONS_URL = "https://api.kick.com/public/v1/events/subscriptions"
PAGE_URL = "https://kick.com/api/v2/channels/"

VIEWERS_SECS = 20.0
PAGE_SECS = 60.0
SUBSCRIPTIONS_SECS = 600.0
"""Kick unsubscribes an app whose webhooks fail for more than a day, so what is subscribed is looked at again."""


def token_call(options: Options) -> HttpCall:
    """Return the call for an app's token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": options.client_id.reveal(),
        "client_secret": options.client_secret.reveal(),
    }
    return HttpCall("POST", rebased(OAUTH_URL, options.auth_base), form=form, tag="token")


def channels_query(options: Options) -> dict[str, str]:
    """Return how to ask for the room: by the broadcaster's id or by slug."""
    if options.broadcaster_id:
        return {"broadcaster_user_id": str(options.broadcaster_id)}
    return {"slug": options.room}


def page_call(options: Options) -> HttpCall:
    """Return the call for the site's own view of the channel."""
    headers = {"Accept": "application/json", "User-Agent": "Mozilla/5.0 (compatible; live-event-bridge)"}
    return HttpCall("GET", options.api_url(f"{PAGE_URL}{quote(options.room, safe='')}"), headers=headers, tag="page")


def read_channel(answer: HttpAnswer, options: Options) -> dict[str, Any] | None:
    """Return the room's own row of the answer, ``None`` if it has none. Raises ``DecodeError``."""
    rows = optional_sequence(answer.json(), "data")
    return next((row for row in rows if type(row) is dict and _is_ours(row, options)), None)


def _is_ours(row: dict[str, Any], options: Options) -> bool:
    if options.broadcaster_id:
        return optional_integer(row, "broadcaster_user_id") == options.broadcaster_id
    return optional_text(row, "slug").casefold() == options.room.casefold()


class Watch(ABC):
    """Follows whether the channel is live and how many watch; each change of state is told once."""

    def __init__(self) -> None:
        self._is_live: bool | None = None

    @abstractmethod
    def polls(self) -> Sequence[Poll]:
        """Return the calls to repeat."""

    @abstractmethod
    def answered(self, call: HttpCall, answer: HttpAnswer, at_ms: int) -> Decoded:
        """Take the answer to one of them."""

    def noticed(self, notice: Notice) -> None:
        """Learn from elsewhere that the channel went live or ended."""
        self._is_live = notice.kind is NoticeKind.LIVE

    def _told(self, viewers: int | None, at_ms: int, *, is_live: bool) -> Decoded:
        was_live, self._is_live = self._is_live, is_live
        notices = [LIVE] if is_live and not was_live else [ENDED] if was_live and not is_live else []
        if not is_live or not viewers or viewers < 0:
            # A live channel that says 0 hides its count.
            return Decoded(notices=notices)
        return Decoded([LiveEvent(at_ms, Viewers(min(viewers, MAX_INTEGER)))], notices=notices)


class PageWatch(Watch):
    """Without credentials: what the site's own page call says."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options

    def polls(self) -> Sequence[Poll]:
        """Ask once a minute: nobody promised us this call."""
        return [Poll(page_call(self._options), PAGE_SECS)]

    def answered(self, call: HttpCall, answer: HttpAnswer, at_ms: int) -> Decoded:
        """Take the page; ``livestream`` is null while the channel is not live."""
        if answer.status != 200:
            return NOTHING
        try:
            body = answer.json()
        except DecodeError as error:
            return Decoded(rejected=[error])
        return self.read(body, at_ms)

    def read(self, page: Any, at_ms: int) -> Decoded:
        """Read the page call's answer."""
        stream = optional_mapping(page, "livestream")
        return self._told(as_integer(stream.get("viewer_count")), at_ms, is_live=bool(stream))


class OfficialWatch(Watch):
    """With an app's credentials: the official API. Renews the token when it is refused.

    ``subscribes`` also keeps the channel's webhooks subscribed.
    """

    def __init__(self, options: Options, token: str, broadcaster_id: int, *, subscribes: bool = False) -> None:
        super().__init__()
        self._options = options
        self._token = token
        self._broadcaster_id = broadcaster_id
        self._subscribes = subscribes
        self._waiting: list[HttpCall] = []
        self._token_is_new = False

    def polls(self) -> Sequence[Poll]:
        """Ask for the channel, and for what is subscribed."""
        polls = [Poll(self._get(CHANNELS_URL, channels_query(self._options), "channel"), VIEWERS_SECS)]
        if self._subscribes:
            query = {"broadcaster_user_id": str(self._broadcaster_id)}
            polls.append(Poll(self._get(SUBSCRIPTIONS_URL, query, "subscriptions"), SUBSCRIPTIONS_SECS))
        return polls

    def answered(self, call: HttpCall, answer: HttpAnswer, at_ms: int) -> Decoded:
        """Take an answer; a refused token is fetched anew, once, and the call made again."""
        try:
            if call.tag == "token":
                return self._token_came(answer)
            if answer.status == 401:
                return self._refused(call)
            self._token_is_new = False
            if answer.status == 403 and call.tag in {"subscriptions", "subscribe"}:
                return _weak("client_id: Kick does not let this app subscribe (HTTP 403)")
            if answer.status != 200:
                return NOTHING
            if call.tag == "channel":
                return self._channel_came(answer, at_ms)
            if call.tag == "subscriptions":
                return self._subscribe_missing(answer)
        except DecodeError as error:
            return Decoded(rejected=[error])
        return NOTHING

    def _get(self, url: str, query: Mapping[str, str], tag: str) -> HttpCall:
        return HttpCall("GET", self._options.api_url(url), query=query, tag=tag, sign=self._authorization)

    def _authorization(self, _now_ms: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}

    def _refused(self, call: HttpCall) -> Decoded:
        if self._token_is_new:
            self._token_is_new = False
            return _weak("client_id: Kick refuses the token that it has just given out")
        self._waiting.append(call)
        return Decoded(calls=[token_call(self._options)] if len(self._waiting) == 1 else [])

    def _token_came(self, answer: HttpAnswer) -> Decoded:
        waiting, self._waiting = self._waiting, []
        token = read_token(answer)
        if not token:
            return _weak(f"client_secret: Kick gives out no token for it (HTTP {answer.status})")
        self._token, self._token_is_new = token, True
        return Decoded(calls=waiting)

    def _channel_came(self, answer: HttpAnswer, at_ms: int) -> Decoded:
        row = read_channel(answer, self._options)
        if row is None:
            return NOTHING
        stream = optional_mapping(row, "stream")
        return self._told(as_integer(stream.get("viewer_count")), at_ms, is_live=stream.get("is_live") is True)

    def _subscribe_missing(self, answer: HttpAnswer) -> Decoded:
        present = {optional_text(row, "event") for row in optional_sequence(answer.json(), "data")}
        missing = [name for name in WEBHOOK_MESSAGES if name not in present]
        if not missing:
            return NOTHING
        body = {
            "broadcaster_user_id": self._broadcaster_id,
            "events": [{"name": name, "version": 1} for name in missing],
            "method": "webhook",
        }
        url = self._options.api_url(SUBSCRIPTIONS_URL)
        return Decoded(calls=[HttpCall("POST", url, json=body, tag="subscribe", sign=self._authorization)])


def read_token(answer: HttpAnswer) -> str:
    """Return the token of a token call's answer, "" if there is none."""
    if answer.status != 200:
        return ""
    try:
        token = optional_text(answer.json(), "access_token")
    except DecodeError:
        return ""
    return token if token.isascii() and token.isprintable() else ""


def _weak(problem: str) -> Decoded:
    return Decoded(notices=[Notice(NoticeKind.CREDENTIAL_WEAK, problem)])
