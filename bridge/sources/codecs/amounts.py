"""Amounts of money as hubs write them, to whole smallest units: exactly, never through a float.

A currency's smallest unit is that of ISO 4217: 5.00 USD are 500, 500 JPY are 500.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WITHOUT_DECIMALS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
_WITH_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
_MICROS = 1_000_000
_SCALES = (1, 10, 100, 1000)

MAX_AMOUNT = 10**15
"""No single payment is larger, in any currency's smallest unit."""

_MAX_NUMBER_CHARS = 32
_PLAIN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{0,18}))?", re.ASCII)
_GROUPED = re.compile(r"[0-9](?:[0-9.,'\u2019 \u00a0\u202f]{0,29}[0-9])?", re.ASCII)
_ABBREVIATED = re.compile(r"[kKmMwW万](?![^\W\d_])")
_SPACES = re.compile(r"['\u2019 \u00a0\u202f]")

SYMBOLS = {
    "US$": "USD",
    "CA$": "CAD",
    "C$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "NT$": "TWD",
    "S$": "SGD",
    "SG$": "SGD",
    "MX$": "MXN",
    "R$": "BRL",
    "CN¥": "CNY",
    "JP¥": "JPY",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "\uffe5": "JPY",
    "元": "CNY",
    "円": "JPY",
    "₩": "KRW",
    "₹": "INR",
    "₽": "RUB",
    "₺": "TRY",
    "₫": "VND",
    "₱": "PHP",
    "฿": "THB",
    "₴": "UAH",
    "₦": "NGN",
    "₪": "ILS",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
}
"""What stands beside an amount, and the currency that it is taken for where several share the sign."""

ISO_CODES = frozenset(
    "AED ARS AUD BGN BHD BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DOP EGP EUR GBP GTQ HKD HNL HRK HUF IDR ILS INR IQD "  # noqa: SIM905
    "ISK JOD JPY KES KRW KWD KZT LBP LKR LYD MAD MXN MYR NGN NIO NOK NZD OMR PAB PEN PHP PKR PLN PYG QAR RON RSD RUB "
    "SAR SEK SGD THB TND TRY TWD UAH USD UYU VND XAF XOF ZAR".split()
)
"""The currencies that are known by their code; any other three letters beside a number are a gift's name."""


class Amount(NamedTuple):
    """``value`` in the smallest unit of ``currency``."""

    value: int
    currency: str


def decimals(currency: str) -> int:
    """Return how many decimals ISO 4217 gives a currency: 2 unless it is listed otherwise."""
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _WITH_THREE_DECIMALS else 2


def from_micros(micros: int, currency: str) -> int | None:
    """Return millionths of a main unit in the smallest unit, rounded to the nearest; ``None`` if that cannot be."""
    if not 0 <= micros <= MAX_AMOUNT:
        return None
    return (micros * _SCALES[decimals(currency)] + _MICROS // 2) // _MICROS


def from_decimal(value: object, currency: str) -> int | None:
    """Return a number of main units (``4.2``, ``"5.00"``) in the smallest unit; ``None`` if it is no such number.

    A JSON number is read by its shortest decimal form, so that 4.2 is 4.20 and not what a float holds.
    """
    if type(value) is int:
        return _scaled(str(value), "", decimals(currency))
    if type(value) is not str and type(value) is not float:
        return None
    text = str(value).strip()
    match = _PLAIN.fullmatch(text) if len(text) <= _MAX_NUMBER_CHARS else None
    return _scaled(match[1], match[2] or "", decimals(currency)) if match else None


def read_money(text: str) -> Amount | None:
    """Read an amount with its currency beside it (``$5.00``, ``5,00 €``, ``USD 1,000``); ``None`` if it is none."""
    text = text.strip()
    number = _number_in(text)
    if number is None:
        return None
    before, digits, after = number
    currency = _currency(before.strip(), after.strip())
    if not currency:
        return None
    value = _scaled(*_split(digits, decimals(currency)), decimals(currency))
    return None if value is None else Amount(value, currency)


def read_count(text: str) -> tuple[int, str] | None:
    """Read a whole number and the words around it (``1,500 bits``); ``None`` if there is none, or only a rounded one."""
    text = text.strip()
    number = _number_in(text)
    if number is None:
        return None
    before, digits, after = number
    whole, fraction = _split(digits)
    if not whole.isdigit() or len(whole) > 12 or fraction.strip("0") or _ABBREVIATED.match(after):
        return None
    return int(whole), f"{before.strip()} {after.strip()}".strip()


def _number_in(text: str) -> tuple[str, str, str] | None:
    """Cut a text around its only number; one with several numbers is no amount."""
    match = _GROUPED.search(text)
    if match is None or len(match[0]) > _MAX_NUMBER_CHARS:
        return None
    after = text[match.end() :]
    return None if _GROUPED.search(after) else (text[: match.start()], match[0], after)


def _currency(before: str, after: str) -> str:
    """Return the currency that stands beside a number; a code outranks a sign that several currencies share."""
    for word in (after, before):
        if word.upper() in ISO_CODES:
            return word.upper()
    return SYMBOLS.get(before) or SYMBOLS.get(after) or ""


def _split(digits: str, places: int = 0) -> tuple[str, str]:
    """Cut a number at its decimal point: the last separator, unless it sets off a group of thousands."""
    digits = _SPACES.sub("", digits)
    cut = max(digits.rfind("."), digits.rfind(","))
    if cut < 0:
        return digits, ""
    whole, fraction = digits[:cut], digits[cut + 1 :]
    separator = digits[cut]
    mixed = any(sign in whole for sign in ".," if sign != separator)
    if separator in whole or (len(fraction) == 3 and not mixed and places != 3):
        whole, fraction = whole + fraction, ""
    return whole.replace(".", "").replace(",", ""), fraction


def _scaled(whole: str, fraction: str, places: int) -> int | None:
    if not whole.isdigit() or len(whole) > 12:
        return None
    kept = fraction[:places].ljust(places, "0")
    rounded = 1 if fraction[places : places + 1] >= "5" else 0
    return int(whole + kept) + rounded
