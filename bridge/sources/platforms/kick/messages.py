"""Kick's messages, each to its event: one table a route.

Shapes of the webhooks are vendor documentation; those of the socket were observed, in ``captures/kick``
and in other clients' recordings of 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from bridge.errors import DecodeError
from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    Follow,
    Gift,
    LiveEvent,
    PaidMessage,
    User,
    clamped,
    plausible_timestamp_ms,
    with_words,
)
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import (
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    sequence,
    text,
)

Told = LiveEvent | Notice | None
"""What a message says: something happened, something about the channel, or nothing for us."""
Read = Callable[[dict[str, Any], str, int], Told]
"""Takes a message, the id its delivery had (or "") and the time to fall back to."""

LIVE = Notice(NoticeKind.LIVE, "Kick says that the channel is live")
ENDED = Notice(NoticeKind.ENDED, "Kick says that the live has ended")

MAX_ID_CHARS = 256

_NOBODY = "anonymous"
"""What the socket calls whoever hides behind a gift."""

_WEBHOOK_ID, _SOCKET_ID = "user_id", "id"
"""Where a viewer's number stands."""

_EMOTE = re.compile(r"\[emote:\d{1,20}:([^\[\]]{0,100})\]")


def chat_sent(data: dict[str, Any], delivery_id: str, at_ms: int) -> Told:
    """Read a webhook's comment."""
    words = plain(text(data, "content"))
    if not words:
        return None
    message_id = optional_text(data, "message_id") or delivery_id
    return _event(data, message_id, at_ms, Comment(_user(mapping(data, "sender"), _WEBHOOK_ID), words))


def followed(data: dict[str, Any], delivery_id: str, at_ms: int) -> Told:
    """Read a webhook's follow; it has no time of its own."""
    return _event(data, delivery_id, at_ms, Follow(_user(mapping(data, "follower"), _WEBHOOK_ID)))


def subscribed(data: dict[str, Any], delivery_id: str, at_ms: int) -> Told:
    """Read a new or renewed subscription: one was bought. ``duration`` is how long it lasts already."""
    return _event(data, delivery_id, at_ms, _subscription(_user(mapping(data, "subscriber"), _WEBHOOK_ID)))


def subscriptions_gifted(data: dict[str, Any], delivery_id: str, at_ms: int) -> Told:
    """Read a webhook's gifted subscriptions, one a giftee; an anonymous gifter is all null."""
    count = len(sequence(data, "giftees"))
    gifter = _user(optional_mapping(data, "gifter"), _WEBHOOK_ID)
    return _event(data, delivery_id, at_ms, _gifted_subscriptions(gifter, count))


def kicks_gifted(data: dict[str, Any], delivery_id: str, at_ms: int) -> Told:
    """Read a webhook's gift of Kicks."""
    gift = mapping(data, "gift")
    content = _kicks(_user(optional_mapping(data, "sender"), _WEBHOOK_ID), gift, optional_text(gift, "message"))
    return _event(data, delivery_id, at_ms, content)


def status_updated(data: dict[str, Any], _delivery_id: str, _at_ms: int) -> Told:
    """Read that the channel went live or ended."""
    if type(data.get("is_live")) is not bool:
        raise DecodeError("is_live", "is neither true nor false")
    return LIVE if data["is_live"] else ENDED


WEBHOOK_MESSAGES: dict[str, Read] = {
    "chat.message.sent": chat_sent,
    "channel.followed": followed,
    "channel.subscription.new": subscribed,
    "channel.subscription.renewal": subscribed,
    "channel.subscription.gifts": subscriptions_gifted,
    "kicks.gifted": kicks_gifted,
    "livestream.status.updated": status_updated,
}

WEBHOOK_IGNORED = frozenset({"livestream.metadata.updated", "moderation.banned", "channel.reward.redemption.updated"})


def chat_message(data: dict[str, Any], _delivery_id: str, at_ms: int) -> Told:
    """Read the socket's comment."""
    words = plain(text(data, "content"))
    if not words:
        return None
    user = _user(mapping(data, "sender"), _SOCKET_ID)
    return _event(data, optional_text(data, "id"), at_ms, Comment(user, words))


def subscription(data: dict[str, Any], _delivery_id: str, at_ms: int) -> Told:
    """Read a subscription; ``months`` counts those so far, and the price is not told."""
    return _event(data, "", at_ms, _subscription(_named(optional_text(data, "username"))))


def channel_subscription(data: dict[str, Any], delivery_id: str, at_ms: int) -> Told:
    """Read a subscription told to the channel; that of several users is a gift, which is told by its own name."""
    return None if len(optional_sequence(data, "user_ids")) > 1 else subscription(data, delivery_id, at_ms)


def gifted_subscriptions(data: dict[str, Any], _delivery_id: str, at_ms: int) -> Told:
    """Read gifted subscriptions. A large gift comes in chunks, each with its own giftees."""
    giftees = optional_sequence(data, "gifted_usernames")
    gifter = optional_text(data, "gifter_username")
    count = len(giftees) or optional_integer(data, "gifted_total")
    # A payment and the gifter's running total make a gift its own, the giftees a chunk of it.
    payment, total = optional_text(data, "correlation_id"), optional_integer(data, "gifter_total")
    message_id = _digest(payment, str(total), gifter, *map(str, giftees)) if payment or total else ""
    return _event(data, message_id, at_ms, _gifted_subscriptions(_named(gifter), count))


def kicks(data: dict[str, Any], _delivery_id: str, at_ms: int) -> Told:
    """Read the socket's gift of Kicks."""
    message_id = optional_text(data, "gift_transaction_id")
    user = _user(optional_mapping(data, "sender"), _SOCKET_ID)
    return _event(data, message_id, at_ms, _kicks(user, mapping(data, "gift"), optional_text(data, "message")))


def followers(data: dict[str, Any], _delivery_id: str, at_ms: int) -> Told:
    """Read a follow; unfollows and bare counts are nothing."""
    name = optional_text(data, "username")
    if not name or data.get("followed") is not True:
        return None
    return _event(data, "", at_ms, Follow(_named(name)))


def went_live(_data: dict[str, Any], _delivery_id: str, _at_ms: int) -> Told:
    """Say that the channel went live."""
    return LIVE


def stopped(_data: dict[str, Any], _delivery_id: str, _at_ms: int) -> Told:
    """Say that the live has ended; the chat goes on."""
    return ENDED


SOCKET_MESSAGES: dict[str, Read] = {
    "ChatMessageEvent": chat_message,
    "SubscriptionEvent": subscription,
    "ChannelSubscriptionEvent": channel_subscription,
    "GiftedSubscriptionsEvent": gifted_subscriptions,
    "KicksGifted": kicks,
    "FollowersUpdated": followers,
    "StreamerIsLive": went_live,
    "StopStreamBroadcast": stopped,
}
"""Names without the ``App\\Events\\`` that some of them carry."""

_SUBSCRIPTIONS = frozenset({"SubscriptionEvent", "ChannelSubscriptionEvent"})
TOLD_BEFORE_BY: dict[str, frozenset[str]] = {
    "SubscriptionEvent": _SUBSCRIPTIONS,
    "ChannelSubscriptionEvent": _SUBSCRIPTIONS | {"GiftedSubscriptionsEvent"},
    "GiftedSubscriptionsEvent": frozenset(),
    "FollowersUpdated": frozenset({"FollowersUpdated"}),
}
"""By which messages the same fact about the same viewer may have been told, seconds before and without an id.

A subscription comes by either name or by both (observed); a single gift may come as its giver's subscription too.
"""

SOCKET_IGNORED = frozenset(
    {
        "ChatMessageSentEvent",
        "ChatMoveToSupportedChannelEvent",
        "ChatroomClearEvent",
        "ChatroomUpdatedEvent",
        "GiftsLeaderboardUpdated",
        "GoalCanceledEvent",
        "GoalCreatedEvent",
        "GoalProgressUpdateEvent",
        "KicksLeaderboardUpdated",
        "LivestreamUpdated",
        "LuckyUsersWhoGotGiftSubscriptionsEvent",
        "MessageDeletedEvent",
        "PinnedMessageCreatedEvent",
        "PinnedMessageDeletedEvent",
        "PollDeleteEvent",
        "PollUpdateEvent",
        "PredictionCreated",
        "PredictionUpdated",
        "RewardRedeemedEvent",
        "StreamHostEvent",
        "StreamHostedEvent",
        "UserBannedEvent",
        "UserUnbannedEvent",
    }
)


def plain(content: str) -> str:
    """Return a comment as it is read aloud: an emote is its name."""
    # Split by a pattern with one group, the pieces are text and names in turn.
    return "".join(_EMOTE.split(content)) if "[emote:" in content else content


def _event(data: dict[str, Any], message_id: str, at_ms: int, content: Content) -> LiveEvent:
    created_at_ms = timestamp_ms(data.get("created_at"))
    return LiveEvent(plausible_timestamp_ms(created_at_ms, at_ms), content, message_id[:MAX_ID_CHARS])


def _user(user: dict[str, Any], id_key: str) -> User:
    """Level from the badge of that name (socket only); badge and months from the subscriber badge."""
    user_id = optional_integer(user, id_key)
    name = optional_text(user, "username")
    if user_id <= 0:
        return _named("" if user.get("is_anonymous") else name)
    level = badge_level = 0
    badge = ""
    identity = user.get("identity")
    if type(identity) is dict:
        for one in optional_sequence(identity, "badges_v2"):
            if type(one) is dict and one.get("name") == "level":
                level = optional_integer(one.get("metadata"), "level")
        for one in optional_sequence(identity, "badges"):
            if type(one) is dict and one.get("type") == "subscriber":
                badge = optional_text(one, "text") or "Subscriber"
                badge_level = optional_integer(one, "count")
    return User(f"kick_{user_id}", name, level, badge, badge_level)


def _named(name: str) -> User:
    """Return a viewer of whom only the name is told; without one of their own it is nobody in particular."""
    if not name or name.casefold() == _NOBODY:
        return User("kick_0", name, masked=True)
    return User(f"kick_{name}", name)


def _subscription(user: User) -> Gift:
    return Gift(user, "Subscription", priced=False)


def _gifted_subscriptions(user: User, count: int) -> Gift:
    return Gift(user, "Gifted subscription", min(max(count, 1), MAX_INTEGER), priced=False)


def _kicks(user: User, gift: dict[str, Any], message: str) -> Gift | PaidMessage:
    amount = clamped(integer(gift, "amount", "gift"))
    name = optional_text(gift, "name") or "Kicks"
    given = Gift(user, name, 1, amount, amount, "kicks", priced=amount > 0)
    return with_words(given, plain(message))


def _digest(*parts: str) -> str:
    return sha1("\x1f".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
