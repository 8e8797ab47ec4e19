"""Gift values in one unit, and prices that a platform does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from msgspec.structs import replace

from bridge.events import Gift

FEN_PER_UNIT: Mapping[str, Fraction] = MappingProxyType(
    {
        "bilibili_gold": Fraction(1, 10),
        "fen": Fraction(1),
        "CNY": Fraction(1),
        "diamond": Fraction(10),
        "kuaicoin": Fraction(10),
        "wecoin": Fraction(10),
        "douyu_yuchi_cent": Fraction(1),
        "huya_coin_cent": Fraction(1),
        "bits": Fraction(7),
        "kicks": Fraction(7),
        "jewels": Fraction(7),
        "USD": Fraction(7),
        "EUR": Fraction(8),
        "GBP": Fraction(9),
        "HKD": Fraction(9, 10),
        "TWD": Fraction(22, 100),
        "JPY": Fraction(5),
        "KRW": Fraction(1, 2),
    }
)
"""Fen (1/100 CNY) in one smallest unit of each currency.

Platform coins have a fixed price; the rates of foreign currencies are rounded, for rules that compare
gifts across platforms and not for accounts. A currency that is not listed is left as it is.
"""


@dataclass(frozen=True, slots=True)
class Money:
    """How a room values gifts: ``in_fen`` or in the platform's own unit; ``prices`` fills in unknown ones by gift name."""

    in_fen: bool = False
    prices: Mapping[str, int] = field(default_factory=dict)

    def priced(self, gift: Gift) -> Gift:
        """Return the gift with the operator's price if the platform tells none."""
        if gift.priced or gift.name not in self.prices:
            return gift
        price = self.prices[gift.name]
        return replace(gift, unit_value=price, total_value=price * gift.count, priced=True)

    def valued(self, gift: Gift) -> Gift:
        """Return the gift as this room reports it."""
        gift = self.priced(gift)
        rate = FEN_PER_UNIT.get(gift.currency) if self.in_fen else None
        if rate is None:
            return gift
        return replace(
            gift,
            unit_value=round(gift.unit_value * rate),
            total_value=round(gift.total_value * rate),
            currency="fen",
        )
