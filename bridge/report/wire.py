"""The report call's body, and what its answer means. Pure: no socket, no clock, no logger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from bridge.events import MAX_CONTENT_CHARS, MAX_TIMESTAMP_MS, EventType
from bridge.http_date import http_date_ms

MAX_ANSWER_BYTES = 64 * 1024
MAX_MESSAGE_CHARS = 1000
MAX_RETRY_AFTER_SECS = 60.0

_AUTH_CODES = frozenset({"MSS.10008"})
_CONFIGURATION_CODES = frozenset({"MSS.10003", "MSS.10004", "MSS.10009"})
"""API not found, method not allowed, another tenant's URL: they come with HTTP 400 (vendor documentation)."""
_CONFIGURATION_FAULTS = frozenset({405, 411, 414, 415, 501, 505})
_CODE_AND_MESSAGE_KEYS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
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

    @property
    def is_from_service(self) -> bool:
        """Whether the service itself spoke: the call has passed the gateway, which checks credentials."""
        return self.verdict is Verdict.DELIVERED or self.error_code.startswith("MSS.")

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


def classify(
    status: int, headers: Mapping[str, str], body: bytes, now_ms: int, *, secrets: Sequence[str] = ()
) -> Answer:
    """Say what an answer means. ``headers`` have lower-case names; ``secrets`` are struck out of the server's words.

    A gateway that refuses a call answers with all that it saw of it, credentials included.
    """
    answer = _parsed(body)
    request_id, date_ms = headers.get("x-request-id", "")[:100], http_date_ms(headers.get("date", "")) or 0
    if 200 <= status < 300:
        return Answer(Verdict.DELIVERED, status, request_id=request_id, new_url=_new_url(answer), date_ms=date_ms)
    code, message = _error(answer, secrets)
    common: dict[str, Any] = {
        "status": status,
        "error_code": code,
        "error_msg": message,
        "request_id": request_id,
        "date_ms": date_ms,
    }
    if status in (401, 403) or _without_zeros(code) in _AUTH_CODES:
        return Answer(Verdict.UNAUTHORISED, **common)
    if status in (400, 409, 422):
        if _without_zeros(code) in _CONFIGURATION_CODES:
            return Answer(Verdict.MISCONFIGURED, **common)
        # A proxy's 400 is HTML or empty and says nothing about the events.
        return Answer(Verdict.REFUSED if code else Verdict.UNAVAILABLE, **common)
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
        moment_ms = http_date_ms(value)
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
        if len(content.encode("utf-16-le")) > 2 * MAX_CONTENT_CHARS:
            return f"content: longer than {MAX_CONTENT_CHARS} characters"
        if not isinstance(orjson.loads(content), dict):
            return "content: not a JSON object"
    except (AttributeError, KeyError, TypeError, ValueError):
        return "not a LiveEvent"
    return ""


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body[:MAX_ANSWER_BYTES])
    except orjson.JSONDecodeError:
        return None


def _error(answer: Any, secrets: Sequence[str]) -> tuple[str, str]:
    """Return the application's code ("" if it was not the application that spoke) and message, also from one level down."""
    objects = [answer, *answer.values()] if isinstance(answer, dict) else []
    found = [
        (_words(item.get(code_key), secrets)[:64], _words(item.get(message_key), secrets)[:MAX_MESSAGE_CHARS])
        for item in objects
        if isinstance(item, dict)
        for code_key, message_key in _CODE_AND_MESSAGE_KEYS
    ]
    with_code = next((pair for pair in found if pair[0]), None)
    return with_code or next((pair for pair in found if pair[1]), ("", ""))


def _words(value: Any, secrets: Sequence[str]) -> str:
    """Return a text of the server's as it may be shown: on one line, without our secrets."""
    text = str(value) if isinstance(value, str | int) else ""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _UNPRINTABLE.sub(" ", text).strip()


def _without_zeros(code: str) -> str:
    """Return a code without its leading zeros: some of the vendor's pages print nine digits, others eight."""
    service, dot, digits = code.partition(".")
    return f"{service}{dot}{digits.lstrip('0')}"


def _new_url(answer: Any) -> str:
    url = answer.get("live_event_report_url") if isinstance(answer, dict) else None
    return url if isinstance(url, str) else ""
