"""The gateway's topics: chat in each platform's own shape, and activities in the gateway's.

A Twitch and a Trovo comment, a follow, a tip and the status messages are the vendor's examples; YouTube's and
Kick's comments are vendor documentation; the other activities' data is inferred from older documents and programs.
Chat tells the words, activities tell the money: a cheer or Super Chat in the chat is left to its activity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from bridge.errors import DecodeError
from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    Follow,
    Gift,
    Like,
    LiveEvent,
    User,
    plausible_timestamp_ms,
    with_words,
)
from bridge.sources.codecs.amounts import from_decimal
from bridge.sources.codecs.gift_batches import GiftBatches
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.codecs.twitch_loyalty import bits, chosen_badge, is_only_cheermotes, spoken, subscription
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import (
    identifier,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    text,
)

_SITE = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_KICK_EMOTE = re.compile(r"\[emote:[0-9]{1,20}:([^\[\]]{0,100})\]", re.ASCII)

Told = LiveEvent | Notice | None
"""What a message says; ``None`` is nothing for us."""


class Published(Struct, frozen=True):
    """A message of a topic, the data in it, and when it came."""

    message: dict[str, Any]
    data: dict[str, Any]
    received_at_ms: int
    batches: GiftBatches

    def told(self, content: Content, own_id: str = "", own_ms: int = 0) -> LiveEvent:
        """Return an event, with the gateway's id and time where the data has none of its own."""
        moment_ms = own_ms or timestamp_ms(optional_text(self.message, "ts"))
        event_id = own_id or optional_text(self.message, "id")
        return LiveEvent(plausible_timestamp_ms(moment_ms, self.received_at_ms), content, event_id)


def chat_message(published: Published) -> Told:
    """Read a comment; which platform it is of, its shape tells."""
    data = published.data
    for key, read in CHAT_SHAPES.items():
        if key in data:
            return read(published)
    raise DecodeError("data", "is no platform's chat message that is known")


def _twitch_chat(published: Published) -> Told:
    data = published.data
    source = data.get("source_broadcaster_user_id")
    if source and source != data.get("broadcaster_user_id"):
        return None
    cheer = data.get("cheer")
    if cheer and optional_integer(cheer, "bits") > 0:
        return None
    words = text(data.get("message"), "text", "data.message")
    if "\x01" in words:
        words = spoken(words)
    name = optional_text(data, "chatter_user_name") or optional_text(data, "chatter_user_login")
    badge, level = chosen_badge(data.get("badges"), "set_id", "id")
    user = _viewer("twitch", optional_text(data, "chatter_user_id"), name, badge, level)
    return _comment(published, user, words, data.get("message_id"))


def _youtube_chat(published: Published) -> Told:
    snippet = mapping(published.data, "snippet", "data")
    if text(snippet, "type", "data.snippet") != "textMessageEvent":
        return None
    author = optional_mapping(published.data, "authorDetails")
    user_id = optional_text(author, "channelId") or identifier(snippet, "authorChannelId", "data.snippet")
    badge = next((name for name, flag in _YOUTUBE_RANKS if author.get(flag) is True), "")
    user = _viewer("youtube", user_id, optional_text(author, "displayName"), badge)
    details = optional_mapping(snippet, "textMessageDetails")
    words = optional_text(details, "messageText") or text(snippet, "displayMessage", "data.snippet")
    at_ms = timestamp_ms(optional_text(snippet, "publishedAt"))
    return _comment(published, user, words, published.data.get("id"), at_ms)


def _kick_chat(published: Published) -> Told:
    data = published.data
    sender = mapping(data, "sender", "data")
    name = optional_text(sender, "username")
    user = _viewer("kick", optional_text(sender, "user_id"), name, *_kick_badge(optional_mapping(sender, "identity")))
    words = _KICK_EMOTE.sub(r"\1", text(data, "content", "data"))
    at_ms = timestamp_ms(optional_text(data, "created_at"))
    return _comment(published, user, words, data.get("message_id"), at_ms)


def _kick_badge(identity: dict[str, Any]) -> tuple[str, int]:
    """Return the subscriber's badge and its months; others are decoration."""
    for badge in optional_sequence(identity, "badges"):
        if type(badge) is dict and badge.get("type") == "subscriber":
            return optional_text(badge, "text") or "Subscriber", optional_integer(badge, "count")
    return "", 0


def _trovo_chat(published: Published) -> Told:
    """Read a comment of Trovo's; other types are spells and notices."""
    data = published.data
    if optional_integer(data, "type") != 0:
        return None
    said = mapping(data, "data", "data")
    name = optional_text(said, "display_name") or optional_text(said, "username")
    user = _viewer("trovo", optional_text(said, "sender_id"), name)
    at_ms = timestamp_ms(optional_text(data, "created_at"))
    return _comment(published, user, text(said, "text", "data.data"), data.get("id"), at_ms)


def _comment(published: Published, user: User, words: str, own_id: object, at_ms: int = 0) -> Told:
    if not words.strip():
        return None
    return published.told(Comment(user, words), f"chat/{own_id}" if own_id else "", at_ms)


_YOUTUBE_RANKS = (("member", "isChatSponsor"), ("owner", "isChatOwner"), ("moderator", "isChatModerator"))

CHAT_SHAPES: Mapping[str, Callable[[Published], Told]] = {
    "chatter_user_id": _twitch_chat,
    "snippet": _youtube_chat,
    "sender": _kick_chat,
    "channel_id": _trovo_chat,
}
"""Platforms by a field that only their messages have."""


def activity(published: Published) -> Told:
    """Read an activity; one that was made for a test is none."""
    data = published.data
    kind = text(data, "type", "data")
    read = ACTIVITIES.get(kind)
    if read is None or data.get("isMock") is True:
        return None
    provider = optional_text(data, "provider").lower()
    if not _SITE.fullmatch(provider):
        raise DecodeError("data.provider", "is no platform's name")
    return read(published, provider, mapping(data, "data", "data"))


def _activity_user(provider: str, about: dict[str, Any]) -> User:
    name = optional_text(about, "displayName") or optional_text(about, "username")
    user_id = optional_text(about, "providerId") or optional_text(about, "username")
    return _viewer(provider, user_id, name)


def _activity(published: Published, content: Content) -> LiveEvent:
    data = published.data
    own_id = optional_text(data, "activityId") or optional_text(data, "_id")
    at_ms = timestamp_ms(optional_text(data, "createdAt"))
    return published.told(content, f"activity/{own_id}" if own_id else "", at_ms)


def _follow(published: Published, provider: str, about: dict[str, Any]) -> Told:
    return _activity(published, Follow(_activity_user(provider, about)))


def _subscriber(published: Published, provider: str, about: dict[str, Any]) -> Told:
    """Read a subscription. YouTube calls following so; ``amount`` counts the months so far and is not what was bought."""
    user = _activity_user(provider, about)
    if provider == "youtube":
        return _activity(published, Follow(user))
    return _bought(published, provider, about, user)


def _sponsor(published: Published, provider: str, about: dict[str, Any]) -> Told:
    return _bought(published, provider, about, _activity_user(provider, about))


def _bought(published: Published, provider: str, about: dict[str, Any], user: User) -> Told:
    sender = optional_text(about, "sender")
    if about.get("gifted") is True or sender:
        giver = _viewer(provider, sender.lower(), sender)
        if not published.batches.single(f"{provider}/{sender.lower()}", published.received_at_ms):
            return None
        return _activity(published, _membership(provider, about, giver, 1))
    gift = _membership(provider, about, user, 1)
    return _activity(published, with_words(gift, optional_text(about, "message")))


def _gave_many(published: Published, provider: str, about: dict[str, Any]) -> Told:
    """Read a batch of subscriptions; its single ones are told too, by the giver's name."""
    count = integer(about, "amount", "data.data")
    if not 0 < count <= MAX_INTEGER:
        raise DecodeError("data.data.amount", "is not a count")
    login = (optional_text(about, "username") or optional_text(about, "displayName")).lower()
    left = published.batches.announced(f"{provider}/{login}", count, published.received_at_ms)
    if not left:
        return None
    return _activity(published, _membership(provider, about, _activity_user(provider, about), left))


def _membership(provider: str, about: dict[str, Any], user: User, count: int) -> Gift:
    tier = optional_text(about, "tier")
    if provider == "twitch":
        return subscription(user, tier, count)
    return Gift(user, tier or ("Membership" if provider == "youtube" else "Subscription"), count, priced=False)


def _cheer(published: Published, provider: str, about: dict[str, Any]) -> Told:
    amount = integer(about, "amount", "data.data")
    if not 0 < amount <= MAX_INTEGER:
        raise DecodeError("data.data.amount", "is not a number of bits")
    user = _activity_user(provider, about)
    gift = bits(user, amount) if provider == "twitch" else Gift(user, "Kicks", 1, amount, amount, "kicks")
    words = optional_text(about, "message")
    return _activity(published, gift if is_only_cheermotes(words, amount) else with_words(gift, words))


def _stars(published: Published, provider: str, about: dict[str, Any]) -> Told:
    amount = integer(about, "amount", "data.data")
    if not 0 < amount <= MAX_INTEGER:
        raise DecodeError("data.data.amount", "is not a number of stars")
    gift = Gift(_activity_user(provider, about), "Stars", amount, 1, amount, "stars")
    return _activity(published, with_words(gift, optional_text(about, "message")))


def _liked(published: Published, provider: str, about: dict[str, Any]) -> Told:
    return _activity(published, Like(_activity_user(provider, about), _bounded(about, "amount")))


def _bounded(about: dict[str, Any], key: str) -> int:
    return min(max(optional_integer(about, key, 1), 1), MAX_INTEGER)


def _activity_tip(published: Published, provider: str, about: dict[str, Any]) -> Told:
    """Read a tip. It has the id that the tip's own topic gives it."""
    tip_id = optional_text(about, "tipId")
    told = _money("Tip", about, _activity_user(provider, about), "data.data")
    event = _activity(published, told)
    return LiveEvent(event.timestamp_ms, told, f"tip/{tip_id}") if tip_id else event


def _super_chat(published: Published, provider: str, about: dict[str, Any]) -> Told:
    return _activity(published, _money("Super Chat", about, _activity_user(provider, about), "data.data"))


def _money(name: str, about: dict[str, Any], user: User, at: str) -> Content:
    """Read an amount of main units with its currency's code."""
    currency = text(about, "currency", at).upper()
    value = from_decimal(about.get("amount"), currency)
    if value is None:
        raise DecodeError(f"{at}.amount", "is no amount")
    gift = Gift(user, f"{name} {currency}", 1, value, value, currency)
    return with_words(gift, optional_text(about, "message"))


ACTIVITIES: Mapping[str, Callable[[Published, str, dict[str, Any]], Told]] = {
    "charityCampaignDonation": _activity_tip,
    "cheer": _cheer,
    "communityGiftPurchase": _gave_many,
    "follow": _follow,
    "like": _liked,
    "sponsor": _sponsor,
    "stars": _stars,
    "subscriber": _subscriber,
    "superchat": _super_chat,
    "tip": _activity_tip,
}
IGNORED_ACTIVITIES = frozenset(
    {
        "channelPointsRedemption",
        "cheerPurchase",
        "fan",
        "hypetrain",
        "host",
        "merch",
        "purchase",
        "raid",
        "redemption",
        "share",
        "supporter",
    }
)


def tip(published: Published) -> Told:
    """Read a tip of its own topic; only one that was paid and let through."""
    data = published.data
    donation = mapping(data, "donation", "data")
    if optional_text(data, "status", "success") != "success" or optional_text(data, "approved") in {
        "denied",
        "pending",
    }:
        return None
    giver = mapping(donation, "user", "data.donation")
    name = optional_text(giver, "username")
    told = _money("Tip", donation, _viewer("streamelements", name, name), "data.donation")
    tip_id = optional_text(data, "_id")
    return published.told(told, f"tip/{tip_id}" if tip_id else "", timestamp_ms(optional_text(data, "createdAt")))


def stream_status(published: Published) -> Told:
    """Read that the channel went live or ended."""
    is_live = published.data.get("isLive")
    if type(is_live) is not bool:
        raise DecodeError("data.isLive", "is neither true nor false")
    if is_live:
        return Notice(NoticeKind.LIVE, "StreamElements says that the channel is live")
    return Notice(NoticeKind.ENDED, "StreamElements says that the live has ended")


def _viewer(site: str, user_id: str, name: str, badge: str = "", level: int = 0) -> User:
    """Return a viewer; without an id it is nobody in particular."""
    if user_id.strip("0"):
        return User(f"{site}_{user_id}", name, 0, badge, level)
    return User(f"{site}_0", name, 0, badge, level, masked=True)


MESSAGES: Mapping[str, Callable[[Published], Told]] = {
    "channel.activities": activity,
    "channel.chat.message": chat_message,
    "channel.stream.status": stream_status,
    "channel.tips": tip,
}
IGNORED_TOPICS = frozenset(
    {
        "astro",
        "channel.chatbot.modules.pyramid",
        "channel.contests",
        "channel.contests.update",
        "channel.follow",
        "channel.giveaway",
        "channel.giveaways",
        "channel.overlay.action",
        "channel.overlay.broadcast",
        "channel.overlay.update",
        "channel.session.reset",
        "channel.session.update",
        "channel.songrequest",
        "channel.songrequest.update",
        "channel.tips.moderation",
        "chatbot.counters",
        "chatbot.modules.emotecombo",
        "chatbot.modules.pyramid",
        "chatbot.status",
        "chatbot.timeout",
    }
)
