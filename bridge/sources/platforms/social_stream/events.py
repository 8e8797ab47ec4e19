"""What the hub's messages mean: one table from its event names to decode functions.

Event names, their details and units: the hub's own event reference. ``MESSAGES`` holds "" for chat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    Follow,
    Gift,
    Join,
    Like,
    PaidMessage,
    User,
    Viewers,
    with_words,
)
from bridge.sources.codecs.amounts import read_count, read_money
from bridge.sources.codecs.gift_batches import GiftBatches
from bridge.sources.codecs.twitch_loyalty import BITS, PLANS, bits, is_only_cheermotes, subscription
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import as_integer, optional_mapping, optional_text
from bridge.sources.platforms.social_stream.donations import read_donation
from bridge.sources.platforms.social_stream.message import SITES, Message

MAX_SITES = 200
_MAX_GIFT_COUNT = 1_000_000


@dataclass(slots=True)
class Hub:
    """What is kept between messages: how many watch each site, and the batches of given subscriptions."""

    viewers: dict[str, int] = field(default_factory=dict)
    batches: GiftBatches = field(default_factory=GiftBatches)


Told = Content | Notice | None
Read = Callable[[Message, Hub], Told]


def _chat(message: Message, hub: Hub) -> Told:
    """Read chat: words, money, or both."""
    if (message.fields.get("hasDonation") or message.fields.get("donation")) and message.amount():
        return _money(message, hub)
    words = message.words()
    return Comment(message.user(), words) if words else None


def _money(message: Message, _hub: Hub) -> Told:
    """Read money with the words that came with it, if they are the viewer's."""
    gift = _gift(message)
    words = "" if message.event in _WORDS_ARE_NOT_THE_VIEWERS else message.words()
    if not words or (gift.currency == BITS and is_only_cheermotes(words, gift.count)):
        return gift
    return PaidMessage(words, gift)


def _gift(message: Message) -> Gift:
    user = message.user()
    amount = message.amount()
    label = _gift_name(message)
    if not amount:
        cheered = message.number("bits")
        if cheered is not None and cheered > 0:
            return bits(user, min(cheered, MAX_INTEGER))
        count = message.number("tiktokGiftCount", "count")
        return Gift(user, label or message.event, _bounded(count), priced=False)
    gift = read_donation(amount, message.site, message.event, label, user)
    count = message.number("tiktokGiftCount")
    if count is not None and count > 0 and gift.currency in {"diamond", ""}:
        count = _bounded(count)
        return replace(gift, count=count, unit_value=gift.total_value // count)
    return gift


def _gift_name(message: Message) -> str:
    """Return the gift's own name; the unit of its price is no name."""
    name = optional_text(message.meta, "giftName") or optional_text(message.meta.get("youtubeGift"), "name")
    return name[:64] or (message.label("subtitle")[:64] if message.event == "jeweldonation" else "")


def _bounded(count: int | None) -> int:
    return min(max(count or 1, 1), _MAX_GIFT_COUNT)


def _reacted(message: Message, hub: Hub) -> Told:
    """Read a gift whose row the page hides; other reactions are nobody's."""
    return _money(message, hub) if message.amount() else None


def _power_up(message: Message, _hub: Hub) -> Told:
    spent = message.number("bits")
    if spent is None:
        paid = _gift(message)
        spent = paid.total_value if paid.currency == BITS else 0
    if not 0 < spent <= MAX_INTEGER:
        return None
    title = optional_text(optional_mapping(message.meta, "powerUp"), "title")[:64] or "Power-up"
    return Gift(message.user(), title, 1, spent, spent, BITS)


def _somebody(message: Message) -> User | None:
    """Return the viewer, ``None`` for a line of the site's own."""
    user = message.user()
    return None if user.masked and not user.name else user


def _followed(message: Message, _hub: Hub) -> Told:
    user = _somebody(message)
    return Follow(user) if user else None


def _joined(message: Message, _hub: Hub) -> Told:
    user = _somebody(message)
    return Join(user) if user else None


def _liked(message: Message, _hub: Hub) -> Told:
    user = _somebody(message)
    return Like(user, _bounded(message.number("likeCount", "count"))) if user else None


def _became_member(message: Message, _hub: Hub) -> Told:
    """Read a subscription bought; one that was given is told by its giver."""
    if message.meta.get("isGift") is True:
        return None
    return _membership(message, message.user(), 1)


def _stayed_member(message: Message, _hub: Hub) -> Told:
    gift = _membership(message, message.user(), 1)
    return with_words(gift, message.words())


def _membership(message: Message, user: User, count: int) -> Gift:
    plan = optional_text(message.meta, "tier")
    if message.site == "twitch" and plan.lower() in PLANS:
        return subscription(user, plan, count)
    level = optional_text(message.meta, "memberLevelName") or optional_text(message.meta, "levelName")
    return Gift(user, level or ("Membership" if message.site == "youtube" else "Subscription"), count, priced=False)


def _milestone(message: Message, _hub: Hub) -> Told:
    """Read a member's words on an anniversary: nothing was bought now."""
    words = message.words()
    return Comment(message.user(), words) if words else None


def _gave_membership(message: Message, hub: Hub) -> Told:
    """Read subscriptions given: a batch, or one that may be part of a batch."""
    user = message.user()
    told = message.number("total", "totalGifted", "count", "quantity", "giftCount")
    if told is None:
        amount = message.amount()
        read = (
            read_count(message.label("subtitle"))
            or read_count(message.words()[:200])
            or (None if read_money(amount) else read_count(amount))
        )
        told = read[0] if read else None
    giver = f"{user.id}/{user.name}"
    if message.event == "giftpurchase" or (told or 1) > 1:
        count = hub.batches.announced(giver, _bounded(told), message.at_ms)
        return _membership(message, user, count) if count else None
    return _membership(message, user, 1) if hub.batches.single(giver, message.at_ms) else None


def _one_sites_viewers(message: Message, hub: Hub) -> Told:
    count = as_integer(message.fields.get("meta"))
    if count is None or not 0 <= count <= MAX_INTEGER:
        return None
    if message.site in hub.viewers or len(hub.viewers) < MAX_SITES:
        hub.viewers[message.site] = count
    return Viewers(sum(hub.viewers.values()))


def _all_sites_viewers(message: Message, hub: Hub) -> Told:
    counts: dict[str, int] = {}
    for site, value in list(message.meta.items())[:MAX_SITES]:
        count = as_integer(value)
        if count is not None and 0 <= count <= MAX_INTEGER:
            name = SITES.get(site, site)
            counts[name] = counts.get(name, 0) + count
    if not counts:
        return None
    hub.viewers = counts
    return Viewers(sum(counts.values()))


def _online(message: Message, _hub: Hub) -> Told:
    return Notice(NoticeKind.LIVE, f"the hub says that {message.site} is live")


def _offline(message: Message, hub: Hub) -> Told:
    """Read that one site's live has ended; while another still has viewers, the show goes on."""
    hub.viewers.pop(message.site, None)
    if hub.viewers:
        return Viewers(sum(hub.viewers.values()))
    return Notice(NoticeKind.ENDED, f"the hub says that the live on {message.site} has ended")


_WORDS_ARE_NOT_THE_VIEWERS = frozenset({"gift", "jeweldonation", "reaction", "supersticker", "thankyou"})
"""Events whose ``chatmessage`` describes what was given."""

MESSAGES: Mapping[str, Read] = {
    "": _chat,
    "action": _chat,
    "bits": _money,
    "cheer": _money,
    "donation": _money,
    "follow": _followed,
    "followed": _followed,
    "gift": _money,
    "giftcontribution": _money,
    "giftpurchase": _gave_membership,
    "jeweldonation": _money,
    "joined": _joined,
    "liked": _liked,
    "live_chat_ended": _offline,
    "membermilestone": _milestone,
    "new_follower": _followed,
    "new_subscriber": _became_member,
    "powerup": _power_up,
    "reaction": _reacted,
    "resub": _stayed_member,
    "sponsor": _became_member,
    "sponsorship": _became_member,
    "stream_offline": _offline,
    "stream_online": _online,
    "subscribe": _became_member,
    "subscription": _became_member,
    "subscription_gift": _gave_membership,
    "superchat": _money,
    "supersticker": _money,
    "thankyou": _money,
    "viewer_update": _one_sites_viewers,
    "viewer_updates": _all_sites_viewers,
    "volts": _money,
}

IGNORED = frozenset(
    {
        # told by the giver
        "giftredemption",
        # a line of the site's own, of no known kind
        "true",
        "ad_break",
        "ad_request",
        "ad_schedule",
        "auction_ended",
        "auction_started",
        "auction_update",
        "channel_points",
        "commerce_update",
        "community_highlight",
        "emote",
        "envelope",
        "follow_request",
        "follower_update",
        "giftfunded",
        "giveaway_state",
        "guest_update",
        "hype_train",
        "knock",
        "left",
        "likes_update",
        "media_ended",
        "merch",
        "monetization_test",
        "monetization_update",
        "new_bid",
        "notification",
        "payment_failed",
        "payment_succeeded",
        "product_sold",
        "purchase",
        "question_new",
        "raid",
        "recording_started",
        "recording_stopped",
        "redeem",
        "redirect",
        "rejoined",
        "replay_buffer_saved",
        "reward",
        "scene_changed",
        "share",
        "shared",
        "shopping_purchase",
        "shoutout",
        "sticker",
        "stream_started",
        "stream_stopped",
        "subscriber_update",
        "user_banned",
        "user_leave",
        "video_stats",
        "view_update",
        "watch_streak",
        "workflow_trigger",
    }
)
