"""What Twitch's bits, subscription plans, badges and marked texts mean, for Twitch and the hubs that pass them on.

Bits are counted as bits (vendor documentation: one is worth one US cent to the channel). No message tells a
subscription's price, so a table of values in bits stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.events import Gift, User, clamped
from bridge.sources.fields import as_integer

BITS = "bits"

TierValues = tuple[int, int, int]
"""Value in bits of a month of tier 1, 2 and 3; Prime counts as tier 1."""

TIER_VALUES: TierValues = (500, 1000, 2500)

PLANS: Mapping[str, tuple[str, int]] = {
    "1000": ("Tier 1", 0),
    "2000": ("Tier 2", 1),
    "3000": ("Tier 3", 2),
    "prime": ("Prime", 0),
}
"""A plan's name, and which of the tier values it has."""

BADGES = ("subscriber", "founder", "vip", "lead_moderator", "moderator", "broadcaster")
"""Badges that are reported, the first that a viewer has: loyalty before rank. The many others are decoration."""

_BADGE_RANKS: Mapping[Any, int] = {name: rank for rank, name in enumerate(BADGES)}

_ACTION = "\x01ACTION "
_INVISIBLE = "\U000e0000"
_MAX_CHEERMOTE_DIGITS = 7
_VERSIONS_PER_TIER = 1000


def bits(user: User, amount: int) -> Gift:
    """Return a gift of bits."""
    return Gift(user, "Bits", amount, 1, amount, BITS)


def subscription(user: User, plan: str, count: int, tier_values: TierValues = TIER_VALUES) -> Gift:
    """Return ``count`` months or subscriptions of a plan; one of another name than Twitch has today has no price."""
    known = PLANS.get(plan.lower())
    if known is None:
        return Gift(user, f"Subscription {plan}".rstrip(), count, currency=BITS, priced=False)
    name, tier = known
    value = tier_values[tier]
    return Gift(user, name, count, value, value * count, BITS)


def chosen_badge(badges: Any, name_key: str, version_key: str) -> tuple[str, int]:
    """Return the badge to report and its level, of a list of objects; of badges in a shape that nobody knows none."""
    chosen, rank = None, len(BADGES)
    try:
        for badge in badges:
            found = _BADGE_RANKS.get(badge[name_key], rank)
            if found < rank:
                chosen, rank = badge, found
    except (KeyError, TypeError):
        return "", 0
    if chosen is None:
        return "", 0
    name = BADGES[rank]
    return name, badge_level(name, chosen.get(version_key), chosen.get("info"))


def badge_level(name: str, version: object, info: object) -> int:
    """Return a badge's level: the months subscribed where ``info`` tells, else the version.

    A subscriber badge's version is 2000 or 3000 above the months for tiers 2 and 3 (observed).
    """
    level = as_integer(info) if info else None
    if level is None:
        level = as_integer(version) or 0
        if name == "subscriber":
            level %= _VERSIONS_PER_TIER
    return clamped(level)


def spoken(text: str) -> str:
    r"""Return the words of a message: ``/me`` wraps them in ``\x01ACTION …\x01``, whose end may be missing."""
    return text[len(_ACTION) :].removesuffix("\x01") if text.startswith(_ACTION) else text


def visible(text: str) -> str:
    """Return a text without the mark that clients append to one that is sent again (observed)."""
    return text.replace(_INVISIBLE, "")


def is_only_cheermotes(words: str, amount: int) -> bool:
    """Tell whether the words of a cheer of ``amount`` bits are nothing but its amounts.

    A channel may define cheermotes of any name, so a word is taken for one by its form (``Cheer100``), and
    only if the amounts of all of them make up the cheer.
    """
    cheered = 0
    for word in visible(words).split():
        name = word.rstrip("0123456789")
        digits = word[len(name) :]
        if not (0 < len(digits) <= _MAX_CHEERMOTE_DIGITS and name.isascii() and name.isalnum()):
            return False
        cheered += int(digits)
    return cheered in (0, amount)
