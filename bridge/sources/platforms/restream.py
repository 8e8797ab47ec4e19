"""Restream: one socket for the chats of all channels that a Restream account streams to.

It only reads: comments of a dozen sites and YouTube's money, no joins, likes, follows or viewers. Actions, event
types and sources are vendor documentation; the fields inside an event's payload are inferred from it and from
other clients, and read tolerantly. There are no recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bridge.errors import DecodeError, SourceAuthError, SourceError
from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    EventType,
    Gift,
    LiveEvent,
    PaidMessage,
    User,
    plausible_timestamp_ms,
)
from bridge.secret import Secret
from bridge.sources.codecs.amounts import from_decimal, from_micros, read_money
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpClient,
    Notice,
    NoticeKind,
    Officialness,
    Platform,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import (
    as_integer,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    parse_json,
    text,
)

CHAT_URL = "wss://chat.api.restream.io/ws"

SILENCE_TIMEOUT_SECS = 180.0
"""The server sends heartbeats; how often is not documented."""

MAX_NAME_CHARS = 64
MAX_MONTHS = 1_200
_FIRST_MS = 100_000_000_000
"""A smaller time is in seconds."""


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A Restream account. `room` is only a name for the logs: the token says whose chat it is."""

    access_token: Secret = field(default_factory=Secret)
    """An OAuth token with the scope chat.read; it lives an hour, so let a file be refreshed: `${file:/path}`."""

    websocket_url: str = CHAT_URL
    """The socket's URL; the token is added to its query."""

    def __post_init__(self) -> None:
        if not self.access_token:
            raise ValueError("access_token: is missing: an OAuth token of the Restream account")


class Said(NamedTuple):
    """One event's payload, and the site that it is of."""

    site: str
    payload: dict[str, Any]

    @property
    def user(self) -> User:
        """The author, whose fields each site names otherwise; Facebook may leave all of them out."""
        author = optional_mapping(self.payload, "author")
        names = ("displayName", "nickname", "name", "username")
        name = next((name for key in names if (name := optional_text(author, key))), "")
        user_id = optional_text(author, "id") or name
        masked = user_id in {"", "0"}
        badges = optional_sequence(author, "badges")
        badge = optional_text(badges[0], "title")[:MAX_NAME_CHARS] if badges else ""
        months = min(max(optional_integer(author, "subscribedFor"), 0), MAX_MONTHS)
        return User(f"{self.site}_{0 if masked else user_id}", name, 0, badge, months, masked)

    @property
    def words(self) -> str:
        """The words, "" for a picture."""
        return optional_text(self.payload, "text")


def _comment(said: Said) -> Content | None:
    words = said.words
    return Comment(said.user, words) if words.strip() else None


def _nothing(_said: Said) -> Content | None:
    return None


def _super_chat(said: Said) -> Content | None:
    gift = _money(said, "Super Chat")
    return PaidMessage(said.words, gift) if said.words.strip() else gift


def _super_sticker(said: Said) -> Content | None:
    """Read a paid sticker, whose text describes it."""
    return _money(said, "Super Sticker")


def _money(said: Said, name: str) -> Gift:
    donation = optional_mapping(said.payload, "donation") or said.payload
    currency = optional_text(donation, "currency").upper()
    micros = as_integer(donation.get("amountMicros"))
    value = from_micros(micros, currency) if micros is not None and currency else None
    if value is None and currency:
        value = from_decimal(donation.get("amount"), currency)
    if value is None:
        read = read_money(optional_text(donation, "amount")[:64])
        if read is None:
            raise DecodeError("payload.eventPayload.donation.amount", "is no amount")
        value, currency = read
    return Gift(said.user, f"{name} {currency}", 1, value, value, currency)


def _member(said: Said) -> Content | None:
    level = optional_text(optional_mapping(said.payload, "membership"), "levelName")
    return Gift(said.user, level[:MAX_NAME_CHARS] or "Membership", priced=False)


def _given_memberships(said: Said) -> Content | None:
    told = optional_mapping(said.payload, "giftMemberships")
    count = optional_integer(told, "count") or optional_integer(said.payload, "count", 1)
    level = optional_text(told, "levelName")
    return Gift(said.user, level[:MAX_NAME_CHARS] or "Membership", min(max(count, 1), MAX_INTEGER), priced=False)


def _subscription(said: Said) -> Content | None:
    gift = Gift(said.user, "Subscription", priced=False)
    return PaidMessage(said.words, gift) if said.words.strip() else gift


EVENT_TYPES: Mapping[int, tuple[str, Callable[[Said], Content | None]]] = {
    1: ("discord", _comment),
    2: ("dlive", _comment),
    3: ("dlive", _nothing),  # a picture
    4: ("twitch", _comment),
    5: ("youtube", _comment),
    7: ("youtube", _super_chat),
    8: ("youtube", _super_sticker),
    11: ("facebook", _comment),
    12: ("facebook", _nothing),  # a sticker
    13: ("facebook", _comment),
    14: ("facebook", _nothing),  # a sticker
    21: ("linkedin", _comment),
    22: ("trovo", _comment),
    23: ("youtube", _comment),  # a member's anniversary: nothing is bought by it
    24: ("x", _comment),
    25: ("kick", _comment),
    26: ("kick", _subscription),
    28: ("youtube", _member),
    29: ("youtube", _given_memberships),
    32: ("rumble", _comment),
}

IGNORED_ACTIONS = frozenset(
    {
        "connection_closed",
        "connection_info",
        "heartbeat",
        "relay_accepted",
        "relay_confirmed",
        "relay_created",
        "relay_failed",
        "reply_accepted",
        "reply_confirmed",
        "reply_created",
        "reply_failed",
    }
)

AUTH_CLOSE_CODES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
_AUTH_WORDS = ("auth", "token", "expired")


class ChatDecoder(QuietDecoder):
    """One connection; the server takes nothing from us."""

    def feed(self, frame: Frame) -> Decoded:
        """Decode one message."""
        try:
            return self._message(parse_json(frame.data), frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Take a close that speaks of the token for its refusal: it lives an hour, and the next dial reads it anew."""
        if code in AUTH_CLOSE_CODES or any(word in reason.lower() for word in _AUTH_WORDS):
            return SourceAuthError(f"access_token: Restream refuses it (close code {code})")
        return None

    def _message(self, message: Any, at_ms: int) -> Decoded:
        action = text(message, "action")
        if action == "event":
            return self._event(mapping(message, "payload"), optional_integer(message, "timestamp"), at_ms)
        name = action[:MAX_NAME_CHARS]
        if action == "connection_info":
            return _connection(optional_mapping(message, "payload"))
        known = action in IGNORED_ACTIONS or action.startswith(("reply_", "relay_"))
        return Decoded(ignored=(name,)) if known else Decoded(unknown=(name,))

    def _event(self, payload: dict[str, Any], told_at: int, at_ms: int) -> Decoded:
        number = integer(payload, "eventTypeId", "payload")
        if number not in EVENT_TYPES:
            return Decoded(unknown=(f"event type {number}"[:MAX_NAME_CHARS],))
        site, read = EVENT_TYPES[number]
        content = read(Said(site, mapping(payload, "eventPayload", "payload")))
        if content is None:
            return Decoded(ignored=(f"event type {number}/nothing",))
        moment_ms = plausible_timestamp_ms(_moment_ms(payload) or _ms(told_at), at_ms)
        return Decoded(events=(LiveEvent(moment_ms, content, optional_text(payload, "eventIdentifier")),))


def _connection(payload: dict[str, Any]) -> Decoded:
    """Tell the operator of a channel that Restream cannot read; nothing comes from it until he mends it there."""
    if optional_text(payload, "status") != "error":
        return Decoded(ignored=("connection_info",))
    reason = optional_text(payload, "reason")[:MAX_NAME_CHARS] or "no reason given"
    source = optional_integer(payload, "eventSourceId")
    detail = f"Restream cannot read the chat of its event source {source}: {reason}"
    return Decoded(ignored=("connection_info",), notices=(Notice(NoticeKind.CREDENTIAL_WEAK, detail),))


def _moment_ms(payload: dict[str, Any]) -> int:
    created = payload.get("createdAt")
    number = as_integer(created)
    if number is not None:
        return _ms(number)
    return timestamp_ms(created) if type(created) is str else 0


def _ms(moment: int) -> int:
    return moment * 1000 if 0 < moment < _FIRST_MS else moment


def _offline_decoder(_options: Options) -> ChatDecoder:
    return ChatDecoder()


async def locate(options: Options, _http: HttpClient) -> Sequence[Connection]:
    """Return the one connection, with the token as it is now."""
    url = options.websocket_url or CHAT_URL
    query = urlencode({"accessToken": options.access_token.reveal()})
    endpoint = Endpoint(
        url=f"{url}{'&' if '?' in url else '?'}{query}",
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
    )
    return [Connection(endpoint, ChatDecoder())]


PLATFORM = Platform(
    name="restream",
    title="Restream",
    route="the chat socket of a Restream account",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.GIFT),
    options=Options,
    offline_decoder=_offline_decoder,
    locate=locate,
)
