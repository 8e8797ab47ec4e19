from __future__ import annotations

import pytest

from bridge.sources.platforms.youtube.money import minor_units


@pytest.mark.parametrize(
    ("micros", "currency", "value"),
    [
        (200_000_000, "JPY", 200),
        (2_000_000, "CAD", 200),
        (2_990_000, "USD", 299),
        (5_000_000_000, "KRW", 5000),
        (1_000_000, "KWD", 1000),
        (1_500_000, "BHD", 1500),
        (100_000_000, "TWD", 10_000),
        (1_000_000, "XXX", 100),
        (0, "USD", 0),
        (9_007_199_254_740_993_000_000, "USD", 900_719_925_474_099_300),
    ],
)
def test_amounts_become_the_iso_4217_minor_unit_exactly(micros: int, currency: str, value: int) -> None:
    assert minor_units(micros, currency) == value


def test_what_does_not_divide_is_rounded_to_the_nearest() -> None:
    assert minor_units(4_999, "USD") == 0
    assert minor_units(5_000, "USD") == 1
