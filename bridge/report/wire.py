"""The report call's body, and what its answer means. Pure: no socket, no clock, no logger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import orjson

from bridge.events import MAX_CONTENT_CHARS, MAX_TIMESTAMP_MS, EventType

MAX_ANSWER_BYTES = 64 * 1024
MAX_MESSAGE_CHARS = 1000
MAX_RETRY_AFTER_SECS = 60.0

_AUTH_CODES = ("MSS.00010008",)
_CONFIGURATION_FAULTS = frozenset({405, 411, 414, 415, 501, 505})
_ENVELOPE = b'{"total":%d,"events":[%b]%b}'
ENVELOPE_BYTES = 200
"""Room to leave for what stands around the events in a body."""


class Verdict(Enum):
    """What the program does next with the batch."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The events, or one of them: halve until the bad one stands alone."""
    UNAUTHORISED = "unauthorised"
    """The credential, never the events: hold."""
    GONE = "gone"
    """The job may have ended: ask for its state."""
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    """The same events again, after a while."""
    MISCONFIGURED = "misconfigured"
    """The URL does not lead to the report call: hold long, say so."""
    UNKNOWN = "unknown"
    """The request went out and no answer came."""
    NOT_SENT = "not_sent"
    """Nothing of the request can have been processed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one report call.

    ``new_url`` is the refreshed report URL, "" when the answer brings none. ``date_ms`` is the server's
    clock, 0 when it did not say.
    """

    verdict: Verdict
    status: int = 0
    error_code: str = ""
    error_msg: str = ""
    request_id: str = ""
    new_url: str = ""
    retry_after_secs: float = 0.0
    date_ms: int = 0

    def __str__(self) -> str:
        words = [f"HTTP {self.status}" if self.status else self.verdict.value, self.error_code, self.error_msg]
        return " ".join(word for word in words if word)


def encode(wires: Iterable[bytes], *, no_need_review: bool | None = None) -> bytes:
    """Return the body of a report call for events that are encoded already."""
    events = list(wires)
    review = b""
    if no_need_review is not None:
        review = b',"review_config":' + orjson.dumps({"no_need_review": no_need_review})
    return _ENVELOPE % (len(events), b",".join(events), review)


def classify(status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> Answer:
    """Say what an answer means. ``headers`` have lower-case names."""
    code, message, from_application = _error(body)
    common: dict[str, Any] = {
        "status": status,
        "error_code": code,
        "error_msg": message,
        "request_id": headers.get("x-request-id", "")[:100],
        "date_ms": _date_ms(headers.get("date", "")),
    }
    if 200 <= status < 300:
        return Answer(Verdict.DELIVERED, **{**common, "error_code": "", "error_msg": "", "new_url": _new_url(body)})
    if status in (401, 403) or code in _AUTH_CODES:
        return Answer(Verdict.UNAUTHORISED, **common)
    if status in (400, 409, 422):
        # A proxy's 400 is HTML or empty and says nothing about the events.
        return Answer(Verdict.REFUSED if from_application else Verdict.UNAVAILABLE, **common)
    if status in (404, 410):
        return Answer(Verdict.GONE, **common)
    if status == 413:
        return Answer(Verdict.TOO_LARGE, **common)
    if status in (425, 429):
        return Answer(Verdict.THROTTLED, **common, retry_after_secs=retry_after_secs(headers, now_ms))
    if status in _CONFIGURATION_FAULTS or 300 <= status < 400:
        return Answer(Verdict.MISCONFIGURED, **common)
    return Answer(Verdict.UNAVAILABLE, **common, retry_after_secs=retry_after_secs(headers, now_ms))


def retry_after_secs(headers: Mapping[str, str], now_ms: int) -> float:
    """Return how long the server asks us to wait: seconds or an HTTP date, at most a minute, 0 if unreadable."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return 0.0
    if value.isascii() and value.isdigit():
        secs = float(value[:9])
    else:
        moment_ms = _date_ms(value)
        secs = (moment_ms - now_ms) / 1000 if moment_ms else 0.0
    return min(max(secs, 0.0), MAX_RETRY_AFTER_SECS)


def problem(wire: bytes) -> str:
    """Say what the documented contract forbids in an encoded event, "" if nothing.

    Asked before the cloud's refusal is taken for the fault of a single event.
    """
    try:
        event = orjson.loads(wire)
        if not 0 <= event["timestamp"] <= MAX_TIMESTAMP_MS:
            return "timestamp: out of range"
        EventType(event["type"])
        content = event["content"]
        if len(content) > MAX_CONTENT_CHARS:
            return f"content: longer than {MAX_CONTENT_CHARS} characters"
        if not isinstance(orjson.loads(content), dict):
            return "content: not a JSON object"
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return "not a LiveEvent"
    return ""


def _error(body: bytes) -> tuple[str, str, bool]:
    """Return code, message and whether the application itself (not a proxy) spoke; one level of nesting is looked into."""
    try:
        value = orjson.loads(body[:MAX_ANSWER_BYTES])
    except orjson.JSONDecodeError:
        return "", "", False
    for candidate in (value, *(value.values() if isinstance(value, dict) else ())):
        if not isinstance(candidate, dict):
            continue
        for code_key, message_key in (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")):
            if code_key in candidate:
                message = str(candidate.get(message_key, ""))[:MAX_MESSAGE_CHARS]
                return str(candidate[code_key])[:64], message, True
    return "", "", False


def _new_url(body: bytes) -> str:
    try:
        value = orjson.loads(body[:MAX_ANSWER_BYTES])
    except orjson.JSONDecodeError:
        return ""
    url = value.get("live_event_report_url") if isinstance(value, dict) else None
    return url if isinstance(url, str) else ""


def _date_ms(value: str) -> int:
    try:
        return int(parsedate_to_datetime(value).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return 0
