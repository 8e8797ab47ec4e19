"""Times as text: RFC 3339, as web services write it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_THOUSANDTHS_MS = {f"{number:03d}": number for number in range(1000)}


def timestamp_ms(text: Any) -> int:
    """Return a time in ms since 1970, 0 for what is none or no text.

    Read are 0 to 9 digits of a second, ``Z``, ``+00:00`` and ``+0000``; a time without a zone counts as UTC.
    """
    try:
        zone = text[-6:] if text[-6] in "+-" else "Z" if text[-1] == "Z" else text[-5:]
        digits = text[20 : -len(zone)]
        if digits.isdigit():
            return _second_ms(text[:20], zone) + _THOUSANDTHS_MS[digits[:3]]
        return _second_ms(text[:19], zone) if text[19:] == zone else _any_timestamp_ms(text)
    except (LookupError, ValueError, TypeError, OverflowError):
        return _any_timestamp_ms(text)


@lru_cache(maxsize=256)
def _second_ms(second: str, zone: str) -> int:
    """Read a time up to its fraction's point. Remembered: where speed matters, several messages come in a second."""
    if zone[0] not in "Z+-" or second[19:] not in ("", "."):
        raise ValueError("in another form")
    return _since_1970_ms(second[:19] + zone)


def _any_timestamp_ms(text: Any) -> int:
    try:
        return _since_1970_ms(text)
    except (ValueError, TypeError, OverflowError):
        return 0


def _since_1970_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    passed = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return passed.days * _DAY_MS + passed.seconds * 1000 + passed.microseconds // 1000
