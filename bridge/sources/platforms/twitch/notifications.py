"""EventSub notifications, read into live events.

Every frame of ``captures/twitch_eventsub`` was read with these tables. The subscriptions that the bridge makes
tell every fact once: a cheer comes with its chat message, gifts and months with the chat notification, so
``channel.cheer``, ``channel.subscribe`` and their kin are known but ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.events import Comment, Content, Follow, Gift, LiveEvent, Twin, User, plausible_timestamp_ms, with_words
from bridge.sources.codecs.results import without_event
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.codecs.twitch_loyalty import (
    TierValues,
    bits,
    chosen_badge,
    is_only_cheermotes,
    spoken,
    subscription,
    visible,
)
from bridge.sources.contract import Decoded
from bridge.sources.fields import (
    identifier,
    integer,
    mapping,
    optional_integer,
    optional_sequence,
    optional_text,
    positive,
    text,
)
from bridge.sources.platforms.twitch.facts import ANONYMOUS, part_of_batch, unpaid, viewer
from bridge.sources.platforms.twitch.viewers import StreamState

Fields = dict[str, Any]

_SHARED_CHAT = "shared chat"


@dataclass(frozen=True, slots=True)
class Channel:
    """What is known of the channel besides its messages."""

    tier_values: TierValues
    stream: StreamState


def _chat_message(event: Fields, metadata: Fields, received_at_ms: int, _channel: Channel) -> Decoded:
    if _is_from_another_room(event):
        return Decoded(ignored=(f"channel.chat.message/{_SHARED_CHAT}",))
    message = mapping(event, "message", "event")
    words = text(message, "text", "event.message")
    if "\x01" in words:
        words = spoken(words)
    user = _chatter(event)
    if cheer := event.get("cheer"):
        amount = integer(cheer, "bits", "event.cheer")
        if amount > 0:
            gift = bits(user, amount)
            content = with_words(gift, words) if _says_something(message, words, amount) else gift
            return _told(event, metadata, received_at_ms, content)
    if not words.strip():
        return Decoded(ignored=("channel.chat.message/no text",))
    return _told(event, metadata, received_at_ms, Comment(user, words))


def _chat_notification(event: Fields, metadata: Fields, received_at_ms: int, channel: Channel) -> Decoded:
    kind = text(event, "notice_type", "event")
    name = f"channel.chat.notification/{kind}"
    decode = NOTICE_TYPES.get(kind)
    if decode is None:
        known = kind in IGNORED_NOTICE_TYPES or kind.startswith("shared_chat_")
        return without_event(name, known=known)
    if _is_from_another_room(event):
        return Decoded(ignored=(f"{name}/{_SHARED_CHAT}",))
    return _told(event, metadata, received_at_ms, decode(event, channel.tier_values), _batch_of(kind, event))


def _sub(event: Fields, tier_values: TierValues) -> Content:
    return with_words(_months(event, mapping(event, "sub", "event"), tier_values), _notice_words(event))


def _resub(event: Fields, tier_values: TierValues) -> Content:
    """Read a further month: one that somebody else paid costs nothing now."""
    bought = mapping(event, "resub", "event")
    if bought.get("is_gift") is True:
        return unpaid(_chatter(event), _notice_words(event))
    return with_words(_months(event, bought, tier_values), _notice_words(event))


def _sub_gift(event: Fields, tier_values: TierValues) -> Content:
    given = mapping(event, "sub_gift", "event")
    months = max(optional_integer(given, "duration_months"), 1)
    return subscription(_giver(event), optional_text(given, "sub_tier"), months, tier_values)


def _community_sub_gift(event: Fields, tier_values: TierValues) -> Content:
    given = mapping(event, "community_sub_gift", "event")
    count = positive(given, "total", "event.community_sub_gift")
    return subscription(_giver(event), optional_text(given, "sub_tier"), count, tier_values)


def _continued(event: Fields, _tier_values: TierValues) -> Content:
    """Read of a gifted or Prime subscription gone on with, or a gift passed on: what is paid for it comes apart."""
    return Follow(_chatter(event))


def _announcement(event: Fields, _tier_values: TierValues) -> Content:
    return Comment(_chatter(event), text(mapping(event, "message", "event"), "text", "event.message"))


def _follow(event: Fields, metadata: Fields, received_at_ms: int, _channel: Channel) -> Decoded:
    user_id = identifier(event, "user_id", "event")
    user = viewer(user_id, optional_text(event, "user_name") or optional_text(event, "user_login"))
    sent_at_ms = timestamp_ms(event.get("followed_at")) or timestamp_ms(metadata.get("message_timestamp"))
    sent_at_ms = plausible_timestamp_ms(sent_at_ms, received_at_ms)
    return Decoded((LiveEvent(sent_at_ms, Follow(user), optional_text(metadata, "message_id")),))


def _stream_online(event: Fields, _metadata: Fields, _received_at_ms: int, channel: Channel) -> Decoded:
    return channel.stream.went_live(optional_text(event, "id"))


def _stream_offline(_event: Fields, _metadata: Fields, _received_at_ms: int, channel: Channel) -> Decoded:
    return channel.stream.ended()


NOTIFICATIONS: Mapping[str, Callable[[Fields, Fields, int, Channel], Decoded]] = {
    "channel.chat.message": _chat_message,
    "channel.chat.notification": _chat_notification,
    "channel.follow": _follow,
    "stream.online": _stream_online,
    "stream.offline": _stream_offline,
}
NOTICE_TYPES: Mapping[str, Callable[[Fields, TierValues], Content]] = {
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


def _told(event: Fields, metadata: Fields, received_at_ms: int, content: Content, twin: Twin | None = None) -> Decoded:
    """Return a chat event; its id is the one that IRC gives the same message."""
    sent_at_ms = plausible_timestamp_ms(timestamp_ms(metadata.get("message_timestamp")), received_at_ms)
    event_id = optional_text(event, "message_id") or optional_text(metadata, "message_id")
    return Decoded((LiveEvent(sent_at_ms, content, event_id, None, twin),))


def _is_from_another_room(event: Fields) -> bool:
    """Tell whether it was written in another channel of a shared chat."""
    source = event.get("source_broadcaster_user_id")
    return bool(source) and source != event.get("broadcaster_user_id")


def _batch_of(kind: str, event: Fields) -> Twin | None:
    """Return what ties a batch's announcement and its single gifts; a gift without it was given directly."""
    if kind == "sub_gift":
        return part_of_batch(optional_text(event[kind], "community_gift_id"), settles=False)
    if kind == "community_sub_gift":
        return part_of_batch(optional_text(event[kind], "id"), settles=True)
    return None


def _chatter(event: Fields) -> User:
    user_id, name = optional_text(event, "chatter_user_id"), optional_text(event, "chatter_user_name").strip()
    if not (user_id and name):
        login = optional_text(event, "chatter_user_login")
        user_id, name = user_id or login, name or login
    badges = event.get("badges")
    if not badges:
        return viewer(user_id, name)
    badge, level = chosen_badge(badges, "set_id", "id")
    return viewer(user_id, name, badge, level)


def _giver(event: Fields) -> User:
    return ANONYMOUS if event.get("chatter_is_anonymous") is True else _chatter(event)


def _months(event: Fields, bought: Fields, tier_values: TierValues) -> Gift:
    plan = "Prime" if bought.get("is_prime") is True else optional_text(bought, "sub_tier")
    months = max(optional_integer(bought, "duration_months"), 1)
    return subscription(_chatter(event), plan, months, tier_values)


def _notice_words(event: Fields) -> str:
    return spoken(optional_text(event.get("message"), "text"))


def _says_something(message: Fields, words: str, amount: int) -> bool:
    fragments = optional_sequence(message, "fragments")
    if not fragments:
        return not is_only_cheermotes(words, amount)
    return any(
        optional_text(fragment, "type") != "cheermote" and visible(optional_text(fragment, "text")).strip()
        for fragment in fragments
    )
