"""Restream's messages, read into live events.

Actions, event types, sources, and the payloads of the types up to 21 are vendor documentation; the fields of the
later types are inferred from it and from other clients, and how an amount is written is not said: all are read
tolerantly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge.errors import DecodeError, SourceAuthError, SourceError
from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    Gift,
    LiveEvent,
    User,
    in_ms,
    plausible_timestamp_ms,
    with_words,
)
from bridge.sources.codecs.amounts import from_decimal, from_micros, read_money
from bridge.sources.codecs.results import without_event
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import Decoded, Frame, Notice, NoticeKind, QuietDecoder
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

MAX_NAME_CHARS = 64
MAX_AMOUNT_CHARS = 64
MAX_MONTHS = 1_200

Json = dict[str, Any]


def _comment(payload: Json, user: User) -> Content | None:
    """Read a comment; a picture has no words, and a whisper was said to the streamer alone."""
    words = optional_text(payload, "text")
    if not words.strip() or optional_mapping(payload, "contentModifiers").get("whisper") is True:
        return None
    return Comment(user, words)


def _nothing(_payload: Json, _user: User) -> Content | None:
    return None


def _super_chat(payload: Json, user: User) -> Content | None:
    return with_words(_money(payload, user, "Super Chat"), optional_text(payload, "text"))


def _super_sticker(payload: Json, user: User) -> Content | None:
    """Read a paid sticker, whose text describes it."""
    return _money(payload, user, "Super Sticker")


def _money(payload: Json, user: User, name: str) -> Gift:
    value, currency = _amount(optional_mapping(payload, "donation") or payload)
    return Gift(user, f"{name} {currency}", 1, value, value, currency)


def _amount(donation: Json) -> tuple[int, str]:
    """Read an amount: a number beside the code of its currency, or both in one text."""
    currency = (optional_text(donation, "currency") or optional_text(donation, "currencyString")).strip()
    code = currency.upper() if len(currency) == 3 and currency.isalpha() else ""
    amount = donation.get("amount")
    if code:
        micros = as_integer(donation.get("amountMicros"))
        value = from_decimal(amount, code) if micros is None else from_micros(micros, code)
        if value is not None:
            return value, code
    for written in (amount, currency, f"{currency}{amount}"):
        if type(written) is str and (read := read_money(written[:MAX_AMOUNT_CHARS])) is not None:
            # A sign that several currencies share is outranked by the code beside it.
            return read.value, code or read.currency
    raise DecodeError("payload.eventPayload.donation.amount", "is no amount")


def _member(payload: Json, user: User) -> Content | None:
    level = optional_text(optional_mapping(payload, "membership"), "levelName")
    return Gift(user, level[:MAX_NAME_CHARS] or "Membership", priced=False)


def _given_memberships(payload: Json, user: User) -> Content | None:
    told = optional_mapping(payload, "giftMemberships")
    count = optional_integer(told, "count") or optional_integer(payload, "count", 1)
    level = optional_text(told, "levelName")
    return Gift(user, level[:MAX_NAME_CHARS] or "Membership", min(max(count, 1), MAX_INTEGER), priced=False)


def _subscription(payload: Json, user: User) -> Content | None:
    return with_words(Gift(user, "Subscription", priced=False), optional_text(payload, "text"))


def _user(site: str, payload: Json) -> User:
    """Read the author, whose fields each site names otherwise; Facebook and LinkedIn may leave all of them out."""
    author = optional_mapping(payload, "author")
    name = (
        optional_text(author, "displayName")
        or optional_text(author, "nickname")
        or optional_text(author, "name")
        or optional_text(author, "username")
    )
    user_id = optional_text(author, "id") or name
    masked = not user_id or user_id == "0"
    months = optional_integer(author, "subscribedFor")
    if not 0 <= months <= MAX_MONTHS:
        months = min(max(months, 0), MAX_MONTHS)
    return User(f"{site}_{0 if masked else user_id}", name, 0, _badge(author), months, masked)


def _badge(author: Json) -> str:
    """Return what the author is: the first of Twitch's badges, or what YouTube says in as many words."""
    if badges := optional_sequence(author, "badges"):
        return optional_text(badges[0], "title")[:MAX_NAME_CHARS]
    if author.get("isChatSponsor") is True:
        return "member"
    if author.get("isChatOwner") is True:
        return "owner"
    return "moderator" if author.get("isChatModerator") is True else ""


EVENT_TYPES: Mapping[int, tuple[str, Callable[[Json, User], Content | None]]] = {
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
    19: ("facebook", _comment),
    20: ("facebook", _nothing),  # a sticker
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

NOT_LIVE_REASONS = frozenset(
    {"event_not_started", "facebook_event_not_live", "youtube_broadcast_completed", "youtube_livechat_ended"}
)
"""Why a channel has no chat while its show is not on: nothing to mend."""

AUTH_CLOSE_CODES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
_AUTH_WORDS = ("auth", "token", "expired")


class ChatDecoder(QuietDecoder):
    """One connection; the server takes nothing from us."""

    def feed(self, frame: Frame) -> Decoded:
        """Decode one message."""
        try:
            message = parse_json(frame.data)
            action = text(message, "action")
            if action == "event":
                return _event(message, mapping(message, "payload"), frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        if action == "connection_info":
            return _connection(optional_mapping(message, "payload"))
        return without_event(action, known=action in IGNORED_ACTIONS or action.startswith(("reply_", "relay_")))

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Take a close that speaks of the token for its refusal: it lives an hour, and the next dial reads it anew."""
        if code in AUTH_CLOSE_CODES or any(word in reason.lower() for word in _AUTH_WORDS):
            return SourceAuthError(f"access_token: Restream refuses it (close code {code})")
        return None


def _event(message: Json, event: Json, at_ms: int) -> Decoded:
    number = integer(event, "eventTypeId", "payload")
    known = EVENT_TYPES.get(number)
    if known is None:
        return without_event(f"event type {number}", known=False)
    site, read = known
    payload = mapping(event, "eventPayload", "payload")
    content = read(payload, _user(site, payload))
    if content is None:
        return without_event(f"event type {number}/nothing", known=True)
    created_at_ms = _moment_ms(event.get("createdAt"))
    sent_at_ms = plausible_timestamp_ms(created_at_ms or _moment_ms(message.get("timestamp")), at_ms)
    identifier = optional_text(event, "eventIdentifier")
    # Alone it does not tell events apart (vendor documentation).
    return Decoded((LiveEvent(sent_at_ms, content, f"{identifier}/{created_at_ms}" if identifier else ""),))


def _connection(payload: dict[str, Any]) -> Decoded:
    """Tell the operator of a channel that Restream cannot read; nothing comes from it until he mends it there."""
    reason = optional_text(payload, "reason")[:MAX_NAME_CHARS] or "no reason given"
    if optional_text(payload, "status") != "error" or reason in NOT_LIVE_REASONS:
        return Decoded(ignored=("connection_info",))
    source = optional_integer(payload, "eventSourceId")
    detail = f"Restream cannot read the chat of its event source {source}: {reason}"
    return Decoded(ignored=("connection_info",), notices=(Notice(NoticeKind.CREDENTIAL_WEAK, detail),))


def _moment_ms(moment: Any) -> int:
    """Return a time in ms: it comes in seconds, in ms or as a text; 0 is none."""
    number = as_integer(moment)
    if number is None:
        return timestamp_ms(moment)
    return in_ms(number)
