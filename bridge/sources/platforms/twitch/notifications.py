"""EventSub notifications, read into live events.

Every frame of ``captures/twitch_eventsub`` was read with these tables. The subscriptions that the bridge makes
tell every fact once: a cheer comes with its chat message, gifts and months with the chat notification, so
``channel.cheer``, ``channel.subscribe`` and their kin are known but ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Follow, Gift, LiveEvent, Twin, User, plausible_timestamp_ms
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import Decoded
from bridge.sources.fields import identifier, integer, mapping, optional_integer, optional_sequence, optional_text, text
from bridge.sources.platforms.twitch.facts import (
    ANONYMOUS,
    BADGES,
    MAX_NAME_CHARS,
    TierValues,
    bits,
    chosen_badge,
    has_words_beside_cheermotes,
    paid,
    part_of_batch,
    spoken,
    subscription,
    unpaid,
    viewer,
)
from bridge.sources.platforms.twitch.viewers import StreamState

_SHARED_CHAT = "shared chat"


@dataclass(slots=True)
class Notification:
    """One notification and what is needed to read it: ``sent_at_ms`` is Twitch's time of sending it."""

    event: dict[str, Any]
    id: str
    sent_at_ms: int
    received_at_ms: int
    tier_values: TierValues
    stream: StreamState

    def told(self, content: Content, twin: Twin | None = None) -> Decoded:
        """Return a chat event; its id is the one that IRC gives the same message."""
        event_id = optional_text(self.event, "message_id") or self.id
        return Decoded(events=(LiveEvent(self.sent_at_ms, content, event_id, twin=twin),))

    @property
    def is_from_another_room(self) -> bool:
        """Whether it was written in another channel of a shared chat."""
        source = self.event.get("source_broadcaster_user_id")
        return bool(source) and source != self.event.get("broadcaster_user_id")


def _chat_message(notification: Notification) -> Decoded:
    event = notification.event
    if notification.is_from_another_room:
        return Decoded(ignored=(f"channel.chat.message/{_SHARED_CHAT}",))
    message = mapping(event, "message", "event")
    words = spoken(text(message, "text", "event.message"))
    user = _chatter(event)
    if type(event.get("cheer")) is dict:
        amount = integer(event["cheer"], "bits", "event.cheer")
        if amount > 0:
            gift = bits(user, amount)
            return notification.told(paid(gift, words) if _says_something(message, words, amount) else gift)
    if not words.strip():
        return Decoded(ignored=("channel.chat.message/no text",))
    return notification.told(Comment(user, words))


def _chat_notification(notification: Notification) -> Decoded:
    kind = text(notification.event, "notice_type", "event")
    name = f"channel.chat.notification/{kind}"[:MAX_NAME_CHARS]
    decode = NOTICE_TYPES.get(kind)
    if decode is None:
        known = kind in IGNORED_NOTICE_TYPES or kind.startswith("shared_chat_")
        return Decoded(ignored=(name,)) if known else Decoded(unknown=(name,))
    if notification.is_from_another_room:
        return Decoded(ignored=(f"{name}/{_SHARED_CHAT}",))
    return decode(notification)


def _sub(notification: Notification) -> Decoded:
    event = notification.event
    bought = mapping(event, "sub", "event")
    return notification.told(paid(_months(notification, bought), _notice_words(event)))


def _resub(notification: Notification) -> Decoded:
    """Read a further month: one that somebody else paid costs nothing now."""
    event = notification.event
    bought = mapping(event, "resub", "event")
    if bought.get("is_gift") is True:
        return notification.told(unpaid(_chatter(event), _notice_words(event)))
    return notification.told(paid(_months(notification, bought), _notice_words(event)))


def _sub_gift(notification: Notification) -> Decoded:
    event = notification.event
    given = mapping(event, "sub_gift", "event")
    months = max(optional_integer(given, "duration_months"), 1)
    gift = subscription(_giver(event), optional_text(given, "sub_tier"), months, notification.tier_values)
    return notification.told(gift, part_of_batch(optional_text(given, "community_gift_id"), settles=False))


def _community_sub_gift(notification: Notification) -> Decoded:
    event = notification.event
    given = mapping(event, "community_sub_gift", "event")
    count = integer(given, "total", "event.community_sub_gift")
    if count <= 0:
        raise DecodeError("event.community_sub_gift.total", "is not positive")
    gift = subscription(_giver(event), optional_text(given, "sub_tier"), count, notification.tier_values)
    return notification.told(gift, part_of_batch(optional_text(given, "id"), settles=True))


def _continued(notification: Notification) -> Decoded:
    """Read of a gifted or Prime subscription gone on with, or a gift passed on: what is paid for it comes apart."""
    return notification.told(Follow(_chatter(notification.event)))


def _announcement(notification: Notification) -> Decoded:
    message = mapping(notification.event, "message", "event")
    return notification.told(Comment(_chatter(notification.event), text(message, "text", "event.message")))


def _follow(notification: Notification) -> Decoded:
    event = notification.event
    user_id = identifier(event, "user_id", "event")
    user = viewer(user_id, optional_text(event, "user_name") or optional_text(event, "user_login"), ("", 0))
    followed_at_ms = timestamp_ms(optional_text(event, "followed_at")) or notification.sent_at_ms
    sent_at_ms = plausible_timestamp_ms(followed_at_ms, notification.received_at_ms)
    return Decoded(events=(LiveEvent(sent_at_ms, Follow(user), notification.id),))


def _stream_online(notification: Notification) -> Decoded:
    return notification.stream.went_live(optional_text(notification.event, "id"))


def _stream_offline(notification: Notification) -> Decoded:
    return notification.stream.ended()


NOTIFICATIONS: Mapping[str, Callable[[Notification], Decoded]] = {
    "channel.chat.message": _chat_message,
    "channel.chat.notification": _chat_notification,
    "channel.follow": _follow,
    "stream.online": _stream_online,
    "stream.offline": _stream_offline,
}
NOTICE_TYPES: Mapping[str, Callable[[Notification], Decoded]] = {
    "sub": _sub,
    "resub": _resub,
    "sub_gift": _sub_gift,
    "community_sub_gift": _community_sub_gift,
    "gift_paid_upgrade": _continued,
    "prime_paid_upgrade": _continued,
    "pay_it_forward": _continued,
    "announcement": _announcement,
}
IGNORED_NOTICE_TYPES = frozenset(
    {"raid", "unraid", "bits_badge_tier", "charity_donation", "watch_streak", "modiversary", "unknown"}
)
IGNORED_NOTIFICATIONS = frozenset(
    {
        "automod.message.hold",
        "automod.message.update",
        "automod.settings.update",
        "automod.terms.update",
        "channel.ad_break.begin",
        "channel.ban",
        "channel.bits.use",
        "channel.channel_points_automatic_reward_redemption.add",
        "channel.channel_points_custom_reward.add",
        "channel.channel_points_custom_reward.remove",
        "channel.channel_points_custom_reward.update",
        "channel.channel_points_custom_reward_redemption.add",
        "channel.channel_points_custom_reward_redemption.update",
        "channel.charity_campaign.donate",
        "channel.charity_campaign.progress",
        "channel.charity_campaign.start",
        "channel.charity_campaign.stop",
        "channel.chat.clear",
        "channel.chat.clear_user_messages",
        "channel.chat.message_delete",
        "channel.chat.user_message_hold",
        "channel.chat.user_message_update",
        "channel.chat_settings.update",
        "channel.cheer",
        "channel.goal.begin",
        "channel.goal.end",
        "channel.goal.progress",
        "channel.guest_star_guest.update",
        "channel.guest_star_session.begin",
        "channel.guest_star_session.end",
        "channel.guest_star_settings.update",
        "channel.hype_train.begin",
        "channel.hype_train.end",
        "channel.hype_train.progress",
        "channel.moderate",
        "channel.moderator.add",
        "channel.moderator.remove",
        "channel.poll.begin",
        "channel.poll.end",
        "channel.poll.progress",
        "channel.prediction.begin",
        "channel.prediction.end",
        "channel.prediction.lock",
        "channel.prediction.progress",
        "channel.raid",
        "channel.shared_chat.begin",
        "channel.shared_chat.end",
        "channel.shared_chat.update",
        "channel.shield_mode.begin",
        "channel.shield_mode.end",
        "channel.shoutout.create",
        "channel.shoutout.receive",
        "channel.subscribe",
        "channel.subscription.end",
        "channel.subscription.gift",
        "channel.subscription.message",
        "channel.suspicious_user.message",
        "channel.suspicious_user.update",
        "channel.unban",
        "channel.unban_request.create",
        "channel.unban_request.resolve",
        "channel.update",
        "channel.vip.add",
        "channel.vip.remove",
        "channel.warning.acknowledge",
        "channel.warning.send",
        "conduit.shard.disabled",
        "drop.entitlement.grant",
        "extension.bits_transaction.create",
        "user.authorization.grant",
        "user.authorization.revoke",
        "user.update",
        "user.whisper.message",
    }
)
"""What Twitch documents beside the above; more may be asked for by who shares the session."""


def _chatter(event: Mapping[str, Any]) -> User:
    login = optional_text(event, "chatter_user_login")
    name = optional_text(event, "chatter_user_name").strip() or login
    return viewer(optional_text(event, "chatter_user_id") or login, name, _badge(event))


def _giver(event: Mapping[str, Any]) -> User:
    return ANONYMOUS if event.get("chatter_is_anonymous") is True else _chatter(event)


def _badge(event: Mapping[str, Any]) -> tuple[str, int]:
    badges = optional_sequence(event, "badges")
    if not badges:
        return "", 0
    versions: dict[str, Any] = {}
    months: dict[str, Any] = {}
    for badge in badges:
        name = badge.get("set_id") if type(badge) is dict else None
        if name in BADGES:
            versions[name] = badge.get("id")
            info = badge.get("info")
            if info:
                months[name] = info
    return chosen_badge(versions, months) if versions else ("", 0)


def _months(notification: Notification, bought: Mapping[str, Any]) -> Gift:
    plan = "Prime" if bought.get("is_prime") is True else optional_text(bought, "sub_tier")
    months = max(optional_integer(bought, "duration_months"), 1)
    return subscription(_chatter(notification.event), plan, months, notification.tier_values)


def _notice_words(event: Mapping[str, Any]) -> str:
    return spoken(optional_text(event.get("message"), "text"))


def _says_something(message: Mapping[str, Any], words: str, amount: int) -> bool:
    fragments = optional_sequence(message, "fragments")
    if not fragments:
        return has_words_beside_cheermotes(words, amount)
    return any(
        optional_text(fragment, "type") != "cheermote" and optional_text(fragment, "text").strip()
        for fragment in fragments
    )
