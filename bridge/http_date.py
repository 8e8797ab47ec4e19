"""Times in HTTP headers (``Date``, ``Retry-After``). Pure."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime


def http_date_ms(text: str) -> int | None:
    """Return an HTTP date in ms since 1970, ``None`` if it is none; one without a zone is UTC."""
    try:
        moment = parsedate_to_datetime(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (IndexError, OverflowError, TypeError, ValueError):
        return None
