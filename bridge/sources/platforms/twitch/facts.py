"""What IRC and EventSub tell in different shapes and the bridge reports in one: viewers, words, money.

Bits are counted as bits (vendor documentation: one is worth one US cent to the channel). No message tells a
subscription's price, so a table of tier values in bits stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.events import Comment, Content, Follow, Gift, PaidMessage, Twin, User
from bridge.sources.fields import as_integer

TierValues = tuple[int, int, int]
"""Value in bits of a month of tier 1, 2 and 3; Prime counts as tier 1."""

BITS = "bits"
TIERS = {"Prime": ("Prime", 0), "1000": ("Tier 1", 0), "2000": ("Tier 2", 1), "3000": ("Tier 3", 2)}

BADGES = ("subscriber", "founder", "vip", "lead_moderator", "moderator", "broadcaster")
"""Badges that are reported, the first that a viewer has: loyalty before rank. The many others are decoration."""

BADGE_RANKS: Mapping[Any, int] = {name: rank for rank, name in enumerate(BADGES)}

MAX_NAME_CHARS = 64
"""What a message's name is cut to: it becomes a label."""

BATCH_WAIT_SECS = 2.0
"""How long a gift of a batch waits for the batch's announcement (observed: 0.7 s before it)."""

ANONYMOUS = User("twitch_0", "AnAnonymousGifter", masked=True)
"""A giver of whom no id is told; the name is the one that Twitch itself shows (observed on IRC)."""

_ACTION = "\x01ACTION "
_INVISIBLE = "\U000e0000"
_MAX_CHEERMOTE_DIGITS = 7
_VERSIONS_PER_TIER = 1000


def viewer(user_id: str, name: str, badge: str = "", badge_level: int = 0) -> User:
    """Return a viewer; without an id it is nobody in particular. Twitch has no user level."""
    if not user_id:
        return User("twitch_0", name, 0, badge, badge_level, masked=True)
    return User(f"twitch_{user_id}", name, 0, badge, badge_level)


def badge_level(badge: str, version: Any, months: Any) -> int:
    """Return a badge's level: months subscribed where told, else its version.

    A subscriber badge's version is 2000 or 3000 above the months for tiers 2 and 3 (observed).
    """
    if months:
        return as_integer(months) or 0
    number = as_integer(version) or 0
    return number % _VERSIONS_PER_TIER if badge == "subscriber" else number


def spoken(text: str) -> str:
    r"""Return the words of a message: ``/me`` wraps them in ``\x01ACTION …\x01``, whose end may be missing."""
    if text.startswith(_ACTION):
        return text[len(_ACTION) :].removesuffix("\x01")
    return text


def visible(text: str) -> str:
    """Return a text without the mark that clients append to one that is sent again (observed)."""
    return text.replace(_INVISIBLE, "")


def has_words_beside_cheermotes(text: str, bits: int) -> bool:
    """Tell whether a cheer of ``bits`` says something too.

    A channel may define cheermotes of any name, so a word is taken for one by its form (``Cheer100``), and
    only if the amounts of all of them make up the cheer.
    """
    cheered = 0
    for word in visible(text).split():
        name = word.rstrip("0123456789")
        amount = word[len(name) :]
        if not (amount and len(amount) <= _MAX_CHEERMOTE_DIGITS and name.isascii() and name.isalnum()):
            return True
        cheered += int(amount)
    return cheered not in (0, bits)


def bits(user: User, amount: int) -> Gift:
    """Return a gift of bits."""
    return Gift(user, "Bits", amount, 1, amount, BITS)


def subscription(user: User, plan: str, count: int, tier_values: TierValues) -> Gift:
    """Return ``count`` months or subscriptions of a plan; a plan of another name than Twitch has today has no price."""
    tier = TIERS.get(plan)
    if tier is None:
        return Gift(user, f"Subscription {plan}".rstrip(), count, currency=BITS, priced=False)
    name, index = tier
    value = tier_values[index]
    return Gift(user, name, count, value, value * count, BITS)


def paid(gift: Gift, text: str) -> Content:
    """Return money with the words that came with it, if any did."""
    return PaidMessage(text, gift) if text.strip() else gift


def unpaid(user: User, text: str) -> Content:
    """Return a subscription for which nothing was paid now: its words, or that it was announced."""
    return Comment(user, text) if text.strip() else Follow(user)


def part_of_batch(key: str, *, settles: bool) -> Twin | None:
    """Return what ties a batch's announcement, which settles how many there are, to its single gifts.

    Without a key a gift was given directly.
    """
    return Twin(key, settles, 0.0 if settles else BATCH_WAIT_SECS) if key else None
