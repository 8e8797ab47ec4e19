"""The items of a live chat: one visible table from their types to decode functions, and those functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Gift, LiveEvent, User, plausible_timestamp_ms, with_words
from bridge.sources.codecs.amounts import from_micros
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.fields import (
    as_integer,
    identifier,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_text,
    positive,
    text,
)

Json = dict[str, Any]

CHAT_ENDED = "chatEndedEvent"
JEWELS = "jewels"

_UNNAMED_LEVEL = "Membership"
_MEMBER = "member"


def decode_item(item: Any, received_at_ms: int) -> LiveEvent | str:
    """Return an item's event, or its type when it is none. Raises ``DecodeError``."""
    snippet = mapping(item, "snippet", "item")
    kind = text(snippet, "type", "item.snippet")
    decode = MESSAGES.get(kind)
    if decode is None:
        return kind
    content = decode(snippet, _user(item, snippet))
    if content is None:
        return kind
    sent_at_ms = timestamp_ms(snippet.get("publishedAt"))
    return LiveEvent(plausible_timestamp_ms(sent_at_ms, received_at_ms), content, identifier(item, "id", "item"))


def _comment(snippet: Json, user: User) -> Content:
    details = optional_mapping(snippet, "textMessageDetails")
    if details.get("messageText") is not None:
        return Comment(user, text(details, "messageText", "textMessageDetails"))
    return Comment(user, text(snippet, "displayMessage", "item.snippet"))


def _super_chat(snippet: Json, user: User) -> Content:
    details = mapping(snippet, "superChatDetails", "item.snippet")
    gift = _paid("Super Chat", details, user, "superChatDetails")
    return with_words(gift, optional_text(details, "userComment"))


def _super_sticker(snippet: Json, user: User) -> Content:
    return _paid("Super Sticker", mapping(snippet, "superStickerDetails", "item.snippet"), user, "superStickerDetails")


def _paid(name: str, details: Json, user: User, at: str) -> Gift:
    """Read an amount; the currency is part of the name, for rules that see nothing else of it."""
    currency = text(details, "currency", at).upper()
    value = from_micros(integer(details, "amountMicros", at), currency)
    if value is None:
        raise DecodeError(f"{at}.amountMicros", "is no amount")
    return Gift(user, f"{name} {currency}", 1, value, value, currency)


def _jewels(snippet: Json, user: User) -> Content:
    """Read a gift in Jewels, in the form of the discovery document or in that of the reference page.

    Each step of a combo is an item of its own with its own amount (inferred), so each counts one.
    """
    details = optional_mapping(snippet, "giftDetails") or mapping(snippet, "giftEventDetails", "item.snippet")
    told = optional_mapping(details, "giftMetadata") or details
    jewels = as_integer(told.get("jewelsAmount"))
    if jewels is not None and jewels < 0:
        raise DecodeError("giftDetails.jewelsAmount", "is negative")
    name = optional_text(told, "giftName") or optional_text(told, "altText") or "Jewels"
    return Gift(user, name, 1, jewels or 0, jewels or 0, JEWELS, priced=jewels is not None)


def _new_member(snippet: Json, user: User) -> Content:
    """Read a new or upgraded membership: one month of a level whose price the API does not tell."""
    return _membership(optional_text(optional_mapping(snippet, "newSponsorDetails"), "memberLevelName"), 1, user)


def _given_memberships(snippet: Json, user: User) -> Content:
    details = mapping(snippet, "membershipGiftingDetails", "item.snippet")
    count = positive(details, "giftMembershipsCount", "membershipGiftingDetails")
    return _membership(optional_text(details, "giftMembershipsLevelName"), count, user)


def _membership(level: str, count: int, user: User) -> Gift:
    return Gift(user, level or _UNNAMED_LEVEL, count, priced=False)


def _milestone(snippet: Json, user: User) -> Content | None:
    """Read a member's words on an anniversary. Nothing is bought by it, so it is a comment; the months are a badge."""
    details = optional_mapping(snippet, "memberMilestoneChatDetails")
    words = optional_text(details, "userComment")
    if not words.strip():
        return None
    months = optional_integer(details, "memberMonth")
    return Comment(User(user.id, user.name, 0, _MEMBER, months, masked=user.masked), words)


def _user(item: Json, snippet: Json) -> User:
    author = optional_mapping(item, "authorDetails")
    channel_id = optional_text(author, "channelId") or optional_text(snippet, "authorChannelId")
    badge = ""
    if author.get("isChatSponsor") is True:
        badge = _MEMBER
    elif author.get("isChatOwner") is True:
        badge = "owner"
    elif author.get("isChatModerator") is True:
        badge = "moderator"
    return User(f"youtube_{channel_id or 0}", optional_text(author, "displayName"), 0, badge, 0, not channel_id)


MESSAGES: dict[str, Callable[[Json, User], Content | None]] = {
    "textMessageEvent": _comment,
    "superChatEvent": _super_chat,
    "superStickerEvent": _super_sticker,
    "giftEvent": _jewels,
    "newSponsorEvent": _new_member,
    "membershipGiftingEvent": _given_memberships,
    "memberMilestoneChatEvent": _milestone,
}

IGNORED = frozenset(
    {
        # a milestone without words
        "memberMilestoneChatEvent",
        # told by the membershipGiftingEvent that gave it
        "giftMembershipReceivedEvent",
        "fanFundingEvent",
        "pollEvent",
        "sponsorOnlyModeStartedEvent",
        "sponsorOnlyModeEndedEvent",
        "messageDeletedEvent",
        "messageRetractedEvent",
        "userBannedEvent",
        "tombstone",
    }
)
