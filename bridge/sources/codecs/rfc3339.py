"""Times as text: RFC 3339, as web services write it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000


def timestamp_ms(text: Any) -> int:
    """Return a time in ms since 1970, 0 for what is none or no text.

    Read are 0 to 9 digits of a second, ``Z``, ``+00:00`` and ``+0000``; a time without a zone counts as UTC.
    """
    try:
        moment = datetime.fromisoformat(text)
        passed = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return 0
    return passed.days * _DAY_MS + passed.seconds * 1000 + passed.microseconds // 1000
