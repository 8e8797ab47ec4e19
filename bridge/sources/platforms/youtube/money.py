"""YouTube's amounts are millionths of a currency's main unit; ours are its ISO 4217 minor unit."""

from __future__ import annotations

_WITHOUT_DECIMALS = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_WITH_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_MICROS = 1_000_000


def minor_units(micros: int, currency: str) -> int:
    """Return an amount in the currency's smallest unit; what does not divide is rounded to the nearest.

    A currency has two decimals unless ISO 4217 says otherwise: 200 JPY are 200, 2 CAD are 200, 1 KWD is 1000.
    """
    units = 1 if currency in _WITHOUT_DECIMALS else 1000 if currency in _WITH_THREE_DECIMALS else 100
    return (micros * units + _MICROS // 2) // _MICROS
