"""Gift values in one unit, and prices that a platform does not tell."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.events import Gift
from bridge.outbox.money import FEN_PER_UNIT, Money
from tests.samples import ANN, rose


def priced_at(unit_value: int, total_value: int, currency: str) -> Gift:
    return Gift(ANN, "Rose", 2, unit_value, total_value, currency)


def test_by_default_values_stay_in_the_platforms_unit() -> None:
    gift = priced_at(100, 190, "bilibili_gold")

    assert Money().valued(gift) is gift


@pytest.mark.parametrize(
    ("currency", "value", "fen"),
    [
        ("bilibili_gold", 1000, 100),
        ("bilibili_gold", 15, 2),
        ("bilibili_gold", 25, 2),
        ("diamond", 1, 10),
        ("kuaicoin", 1, 10),
        ("douyu_yuchi_cent", 100, 100),
        ("fen", 7, 7),
        ("CNY", 7, 7),
        ("bits", 100, 700),
        ("JPY", 200, 1000),
        ("TWD", 100, 22),
    ],
)
def test_a_room_that_counts_in_fen_converts_what_it_knows(currency: str, value: int, fen: int) -> None:
    valued = Money(in_fen=True).valued(priced_at(value, value * 2, currency))

    assert valued.unit_value == fen
    assert valued.total_value == pytest.approx(fen * 2, abs=1)
    assert valued.currency == "fen"


def test_an_unknown_currency_is_left_as_it_is() -> None:
    gift = priced_at(100, 200, "pearls")

    assert Money(in_fen=True).valued(gift) is gift


def test_every_rate_is_exact_and_positive() -> None:
    assert all(rate > 0 and rate.denominator <= 100 for rate in FEN_PER_UNIT.values())


def test_a_price_that_the_platform_does_not_tell_comes_from_the_operators_table() -> None:
    unpriced = replace(rose(3, value=0), priced=False)

    valued = Money(prices={"Rose": 10}).valued(unpriced)

    assert (valued.unit_value, valued.total_value, valued.priced) == (10, 30, True)


def test_a_price_that_the_platform_tells_wins_over_the_table() -> None:
    gift = rose(3, value=7)

    assert Money(prices={"Rose": 10}).valued(gift) is gift


def test_a_gift_without_any_price_is_worth_nothing_and_says_so() -> None:
    unpriced = replace(rose(3, value=0), priced=False)

    assert Money(prices={"Rocket": 10}).valued(unpriced) is unpriced


def test_a_price_of_the_table_is_in_the_platforms_unit_and_converted_with_it() -> None:
    unpriced = replace(rose(3, value=0, currency="diamond"), priced=False)

    assert Money(in_fen=True, prices={"Rose": 10}).valued(unpriced).total_value == 300
