"""Amounts that came as text (``$5.00``, ``1,500 bits``, ``3 roses``), to gifts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bridge.events import Gift, User
from bridge.sources.codecs.amounts import read_count, read_money

MAX_AMOUNT_CHARS = 80
MAX_NAME_CHARS = 64


class Unit(NamedTuple):
    """A site's own coin: the gift's name, its currency, and whether a gift counts coins or is one worth many."""

    name: str
    currency: str
    is_counted: bool


UNITS: Mapping[str, Unit] = {
    "bit": Unit("Bits", "bits", is_counted=True),
    "jewel": Unit("Jewels", "jewels", is_counted=False),
    "kick": Unit("Kicks", "kicks", is_counted=False),
    "star": Unit("Stars", "stars", is_counted=True),
}
"""Coins by their name in the singular, in small letters."""

TIKTOK_UNITS: Mapping[str, Unit] = {
    "coin": Unit("Coins", "diamond", is_counted=True),
    "diamond": Unit("Coins", "diamond", is_counted=True),
}
"""TikTok's gift price in diamonds is what it costs the viewer in coins."""

MONEY_NAMES: Mapping[str, str] = {"superchat": "Super Chat", "supersticker": "Super Sticker"}


def read_donation(amount: str, site: str, event: str, label: str, user: User) -> Gift:
    """Return the gift that an amount's text stands for.

    ``label`` is the gift's own name where the hub tells it. Money is in the smallest unit of its currency; things
    that are only counted have no price; a text without a number is one of that name.
    """
    amount = amount[:MAX_AMOUNT_CHARS].strip()
    money = read_money(amount)
    if money is not None:
        name = f"{MONEY_NAMES.get(event, 'Donation')} {money.currency}"
        return Gift(user, name, 1, money.value, money.value, money.currency)
    counted = read_count(amount)
    if counted is None:
        return Gift(user, label or amount[:MAX_NAME_CHARS], priced=False)
    number, words = counted
    unit = _unit(words, site)
    if unit is None:
        return Gift(user, label or words[:MAX_NAME_CHARS] or "Donation", max(number, 1), priced=False)
    if unit.is_counted:
        return Gift(user, label or unit.name, max(number, 1), 1, number, unit.currency)
    return Gift(user, label or unit.name, 1, number, number, unit.currency)


def _unit(words: str, site: str) -> Unit | None:
    singular = words.strip(" .!").lower().removesuffix("s")
    return (TIKTOK_UNITS.get(singular) if site == "tiktok" else None) or UNITS.get(singular)
