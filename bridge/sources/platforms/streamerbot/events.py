"""What the hub's events mean: one table from ``Source.Type`` to decode functions.

Twitch's subscriptions and follows and YouTube's Super Chats, memberships and messages were observed in
recordings; Kick's, Trovo's and the tip services' data are inferred from the hub's documents and read tolerantly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from bridge.errors import DecodeError
from bridge.events import MAX_INTEGER, Comment, Follow, Gift, Twin, User, Viewers, with_words
from bridge.sources.codecs.amounts import from_micros
from bridge.sources.codecs.twitch_loyalty import BITS, bits, is_only_cheermotes, subscription
from bridge.sources.fields import as_integer, identifier, integer, mapping, optional_integer, optional_text, text
from bridge.sources.platforms.streamerbot.reading import (
    BATCH_WAIT_SECS,
    MAX_MONTHS,
    Happening,
    Told,
    counted,
    first,
    money,
    months,
    viewer,
    watching,
    words,
)

Read = Callable[[Happening], Told]

_MEMBER = "member"
_UNNAMED_LEVEL = "Membership"


def chat(happening: Happening) -> Told:
    """Read a comment, or a cheer that came as one."""
    said = words(happening)
    bits_told = happening.message.get("bits") or happening.data.get("bits")
    spent = as_integer(bits_told) if bits_told else 0
    if spent and spent > 0:
        return _cheered(happening, spent, said)
    return happening.told(Comment(happening.user(), said)) if said else None


def cheer(happening: Happening) -> Told:
    """Read bits with or without words; many versions tell them within the message."""
    data, message = happening.data, happening.message
    spent = integer(message, "bits", "data.message") if message.get("bits") else integer(data, "bits", "data")
    if not 0 < spent <= MAX_INTEGER:
        raise DecodeError("data.bits", "is not a number of bits")
    return _cheered(happening, spent, words(happening))


def _cheered(happening: Happening, spent: int, said: str) -> Told:
    gift = bits(happening.user(), min(spent, MAX_INTEGER))
    return happening.told(gift if is_only_cheermotes(said, spent) else with_words(gift, said))


def sub(happening: Happening) -> Told:
    """Read a first subscription: the months bought by it."""
    data = happening.data
    if data.get("isGift") is True:
        return None
    return happening.told(
        subscription(happening.user(), _plan(data), months(data, "duration_months", "durationMonths"))
    )


def resub(happening: Happening) -> Told:
    """Read a further month; of one that somebody else paid only the words are left."""
    data = happening.data
    said = words(happening)
    if data.get("isGift") is True:
        return happening.told(Comment(happening.user(), said)) if said else None
    gift = subscription(happening.user(), _plan(data), months(data, "durationMonths", "duration_months"))
    return happening.told(with_words(gift, said))


def _plan(data: dict[str, Any]) -> str:
    is_prime = data.get("isPrime") is True or data.get("is_prime") is True
    return "Prime" if is_prime else first(data, "subTier", "sub_tier")


def gift_sub(happening: Happening) -> Told:
    """Read one subscription given; of a batch, it waits for the announcement."""
    data = happening.data
    gift = subscription(happening.user(), _plan(data), months(data, "durationMonths", "duration_months"))
    batch = first(data, "communityGiftId", "community_gift_id")
    is_part = data.get("fromCommunitySubGift", bool(batch)) is True
    return happening.told(
        gift, twin=Twin(batch, settles=False, wait_secs=BATCH_WAIT_SECS) if is_part and batch else None
    )


def gift_bomb(happening: Happening) -> Told:
    """Read the announcement of a batch, which settles how many were given."""
    data = happening.data
    count = counted(data, "total", "count", "gifts")
    batch = first(data, "id", "communityGiftId")
    gift = subscription(happening.user(), _plan(data), count)
    return happening.told(gift, twin=Twin(batch, settles=True) if batch else None)


def power_up(happening: Happening) -> Told:
    """Read bits spent on an effect."""
    spent = optional_integer(happening.data, "bits")
    if not 0 < spent <= MAX_INTEGER:
        return None
    name = first(happening.data, "title", "powerUpType", "type")[:64] or "Power-up"
    return happening.told(with_words(Gift(happening.user(), name, 1, spent, spent, BITS), words(happening)))


def follow(happening: Happening) -> Told:
    """Read a follow."""
    user = happening.user()
    return happening.told(Follow(user), at=first(happening.data, "followed_at", "followedAt"))


def viewer_count(happening: Happening) -> Told:
    """Read how many watch a site; what is told is all sites together."""
    count = watching(happening, "viewers", "viewerCount", "concurrentViewers")
    return None if count is None else happening.told(Viewers(happening.watched_by(count)))


def went_live(happening: Happening) -> Told:
    """Read that a site's live has begun."""
    return happening.live()


def went_offline(happening: Happening) -> Told:
    """Read that a site's live has ended; while another still has viewers, the show goes on."""
    left = happening.left_watching()
    return happening.told(Viewers(left)) if left else happening.ended()


def plain_subscription(happening: Happening) -> Told:
    """Read a subscription whose price is not told, with its words if there are any."""
    gift = Gift(happening.user(), "Subscription", priced=False)
    return happening.told(with_words(gift, words(happening)))


def plain_gift_sub(happening: Happening) -> Told:
    """Read one subscription given."""
    return happening.told(Gift(happening.user(), "Gifted subscription", priced=False))


def plain_gift_subs(happening: Happening) -> Told:
    """Read several subscriptions given at once."""
    data = happening.data
    recipients = data.get("recipients")
    count = len(recipients) if type(recipients) is list and recipients else counted(data, "count", "total", "gifts")
    return happening.told(Gift(happening.user(), "Gifted subscription", count, priced=False))


def kicks(happening: Happening) -> Told:
    """Read a gift of Kicks."""
    told = happening.data.get("kicks")
    gift = told if type(told) is dict else happening.data
    amount = integer(gift, "amount", "data")
    if not 0 < amount <= MAX_INTEGER:
        raise DecodeError("data.amount", "is not a number of Kicks")
    name = optional_text(gift, "name")[:64] or "Kicks"
    return happening.told(with_words(Gift(happening.user(), name, 1, amount, amount, "kicks"), words(happening)))


def _youtube_user(happening: Happening) -> User:
    user = mapping(happening.data, "user", "data")
    if user.get("isSponsor") is True:
        rank = _MEMBER
    elif user.get("isOwner") is True:
        rank = "owner"
    else:
        rank = "moderator" if user.get("isModerator") is True else ""
    return viewer(happening.site, identifier(user, "id", "data.user"), optional_text(user, "name"), rank)


def _published(happening: Happening) -> str:
    return optional_text(happening.data, "publishedAt")


def youtube_message(happening: Happening) -> Told:
    """Read a comment."""
    said = text(happening.data, "message", "data")
    return happening.told(Comment(_youtube_user(happening), said), at=_published(happening)) if said else None


def super_chat(happening: Happening) -> Told:
    """Read money with or without words."""
    gift = _youtube_money(happening, "Super Chat")
    return happening.told(with_words(gift, optional_text(happening.data, "message")), at=_published(happening))


def super_sticker(happening: Happening) -> Told:
    """Read a paid sticker."""
    return happening.told(_youtube_money(happening, "Super Sticker"), at=_published(happening))


def _youtube_money(happening: Happening, name: str) -> Gift:
    data, user = happening.data, _youtube_user(happening)
    micros = as_integer(data.get("microAmount"))
    currency = optional_text(data, "currencyCode").upper()
    if micros is None or not currency:
        return money(data, name, user)
    value = from_micros(micros, currency)
    if value is None:
        raise DecodeError("data.microAmount", "is no amount")
    return Gift(user, f"{name} {currency}", 1, value, value, currency)


def jewels(happening: Happening) -> Told:
    """Read a gift in Jewels; each step of a combo is an event of its own with its own amount (inferred)."""
    data = happening.data
    amount = as_integer(data.get("jewelsAmount"))
    if amount is not None and not 0 <= amount <= MAX_INTEGER:
        raise DecodeError("data.jewelsAmount", "is no number of Jewels")
    name = first(data, "name", "altText") or "Jewels"
    spent = amount or 0
    gift = Gift(_youtube_user(happening), name, 1, spent, spent, "jewels", priced=amount is not None)
    return happening.told(gift, at=_published(happening))


def new_member(happening: Happening) -> Told:
    """Read a new or upgraded membership: one month of a level whose price is not told."""
    return _membership(happening, 1)


def given_memberships(happening: Happening) -> Told:
    """Read memberships given."""
    return _membership(happening, counted(happening.data, "count", "total"))


def _membership(happening: Happening, count: int) -> Told:
    level = first(happening.data, "levelName", "tier", "memberLevelName") or _UNNAMED_LEVEL
    gift = Gift(_youtube_user(happening), level, count, priced=False)
    return happening.told(gift, at=_published(happening))


def member_milestone(happening: Happening) -> Told:
    """Read a member's words on an anniversary; nothing is bought by it, so the months are a badge."""
    said = first(happening.data, "message", "comment")
    if not said:
        return None
    member_months = optional_integer(happening.data, "months") or optional_integer(happening.data, "memberMonth")
    level = min(max(member_months, 0), MAX_MONTHS)
    user = replace(_youtube_user(happening), badge=_MEMBER, badge_level=level)
    return happening.told(Comment(user, said), at=_published(happening))


def new_subscriber(happening: Happening) -> Told:
    """Read a free subscription to a YouTube channel."""
    data = happening.data
    if type(data.get("user")) is dict:
        user = _youtube_user(happening)
    else:
        user = viewer(happening.site, first(data, "userId"), first(data, "username", "userName"))
    return happening.told(Follow(user), at=first(data, "createdAt", "publishedAt"))


def tip(happening: Happening) -> Told:
    """Read a tip that came through a payment service, of which the giver's name is all that is told."""
    data = happening.data
    name = first(data, "from", "name", "username", "userName", "displayName", "tipper")
    user = viewer(happening.site, first(data, "userId") or name, name)
    gift = money(data, "Tip", user)
    return happening.told(
        with_words(gift, words(happening)), first(data, "id", "tipId", "donationId", "kofiTransactionId")
    )


MESSAGES: Mapping[str, Read] = {
    "Twitch.Announcement": chat,
    "Twitch.ChatMessage": chat,
    "Twitch.Cheer": cheer,
    "Twitch.Follow": follow,
    "Twitch.GiftBomb": gift_bomb,
    "Twitch.GiftSub": gift_sub,
    "Twitch.PowerUp": power_up,
    "Twitch.ReSub": resub,
    "Twitch.StreamOffline": went_offline,
    "Twitch.StreamOnline": went_live,
    "Twitch.Sub": sub,
    "Twitch.ViewerCountUpdate": viewer_count,
    "YouTube.BroadcastEnded": went_offline,
    "YouTube.BroadcastStarted": went_live,
    "YouTube.JewelsGifted": jewels,
    "YouTube.MemberMileStone": member_milestone,
    "YouTube.MembershipGift": given_memberships,
    "YouTube.Message": youtube_message,
    "YouTube.NewSponsor": new_member,
    "YouTube.NewSubscriber": new_subscriber,
    "YouTube.StatisticsUpdated": viewer_count,
    "YouTube.SuperChat": super_chat,
    "YouTube.SuperSticker": super_sticker,
    "Kick.ChatMessage": chat,
    "Kick.Follow": follow,
    "Kick.GiftSubscription": plain_gift_sub,
    "Kick.KicksGifted": kicks,
    "Kick.MassGiftSubscription": plain_gift_subs,
    "Kick.Resubscription": plain_subscription,
    "Kick.StreamOffline": went_offline,
    "Kick.StreamOnline": went_live,
    "Kick.Subscription": plain_subscription,
    "Kick.ViewerCountUpdate": viewer_count,
    "Trovo.ChatMessage": chat,
    "Trovo.Follow": follow,
    "Trovo.GiftSubscription": plain_gift_sub,
    "Trovo.MassGiftSubscription": plain_gift_subs,
    "Trovo.Resubscription": plain_subscription,
    "Trovo.StreamOffline": went_offline,
    "Trovo.StreamOnline": went_live,
    "Trovo.Subscription": plain_subscription,
    "Kofi.Donation": tip,
    "StreamElements.Tip": tip,
    "Streamlabs.Donation": tip,
    "TipeeeStream.Donation": tip,
}

NEWER = frozenset({"Kick.KicksGifted", "Twitch.PowerUp", "YouTube.JewelsGifted"})
"""Events that older versions of the hub do not know: asked for apart, so that a refusal costs nothing else."""
