"""What Twitch's subscription plans and loyalty badges mean, for the hubs that pass them on.

No message tells a subscription's price: a month of tier 1, 2 and 3 counts as 500, 1000 and 2500 bits, Prime as
tier 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.events import MAX_INTEGER, Gift, User
from bridge.sources.fields import as_integer

BITS = "bits"

PLANS: Mapping[str, tuple[str, int]] = {
    "1000": ("Tier 1", 500),
    "2000": ("Tier 2", 1000),
    "3000": ("Tier 3", 2500),
    "prime": ("Prime", 500),
}
"""Name and value in bits of a month."""

BADGES = ("subscriber", "founder", "vip", "lead_moderator", "moderator", "broadcaster")
"""Badges that are reported, the first that a viewer has: loyalty before rank."""

_VERSIONS_PER_TIER = 1000


def bits(user: User, amount: int) -> Gift:
    """Return a gift of bits."""
    return Gift(user, "Bits", amount, 1, amount, BITS)


def subscription(user: User, plan: str, count: int) -> Gift:
    """Return ``count`` months or subscriptions of a plan; one that is not known has no price."""
    known = PLANS.get(plan.lower())
    if known is None:
        return Gift(user, f"Subscription {plan}".rstrip(), count, currency=BITS, priced=False)
    name, value = known
    return Gift(user, name, count, value, value * count, BITS)


def chosen_badge(badges: Iterable[tuple[str, str, str]]) -> tuple[str, int]:
    """Return the badge to report and its level, of names, versions and infos."""
    worn = {name: (version, info) for name, version, info in badges}
    for name in BADGES:
        if name in worn:
            return name, badge_level(name, *worn[name])
    return "", 0


def badge_level(name: str, version: object, info: object) -> int:
    """Return a badge's level: the months subscribed where ``info`` tells, else the version.

    A subscriber badge's version is 2000 or 3000 above the months for tiers 2 and 3 (observed).
    """
    level = as_integer(info) if info else None
    if level is None:
        level = as_integer(version) or 0
        if name == "subscriber" and level > 0:
            level = min(level, MAX_INTEGER) % _VERSIONS_PER_TIER
    return level if 0 <= level <= MAX_INTEGER else min(max(level, 0), MAX_INTEGER)


def is_only_cheermotes(words: str, amount: int) -> bool:
    """Tell whether a cheer's words are nothing but its amounts, as in ``Cheer100``."""
    cheered = 0
    for word in words.split():
        name = word.rstrip("0123456789")
        digits = word[len(name) :]
        if not (0 < len(digits) <= 7 and name.isascii() and name.isalnum()):
            return False
        cheered += int(digits)
    return cheered in (0, amount)
