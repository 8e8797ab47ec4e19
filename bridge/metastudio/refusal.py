"""What the cloud's refusals say, read as tolerantly as the official SDK reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.errors import CloudAuthError, CloudError, CloudUnavailableError
from bridge.http_date import http_date_ms
from bridge.metastudio.signing import MAX_SKEW_SECS
from bridge.secret import Secret

NOTABLE_SKEW_SECS = 30
_MAX_RETRY_AFTER_SECS = 3600.0
_MAX_MESSAGE_CHARS = 1000
_MIN_SCRUBBED_CHARS = 6
_CODE_KEYS = ("error_code", "errorCode", "code")
_MESSAGE_KEYS = ("error_msg", "errorMsg", "message")
# A refused signature is answered with the canonical request, headers and query included.
_CREDENTIALS = re.compile(r"(?i)\b(x-security-token|x-auth-token|x-mss-auth-key|auth_key)([:=])[^|&\s\"']*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


@dataclass(frozen=True)
class Refusal:
    """An error body: ``message`` is the cloud's own words, fit to be shown."""

    error_code: str
    message: str
    request_id: str


def read_refusal(headers: Mapping[str, str], body: bytes, secrets: Iterable[Secret] = ()) -> Refusal:
    """Read an error answer of any shape: the documented keys, their other spellings, one level down, or no JSON."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    candidates = [parsed] if isinstance(parsed, dict) else []
    candidates += [value for value in candidates[0].values() if isinstance(value, dict)] if candidates else []
    code = _first(candidates, _CODE_KEYS)
    message = _first(candidates, _MESSAGE_KEYS)
    if not code and not message:
        message = body[: 4 * _MAX_MESSAGE_CHARS].decode("utf-8", "replace")
    request_id = headers.get("X-Request-Id", "") or _first(candidates, ("request_id", "requestId"))
    return Refusal(_scrubbed(code, secrets)[:64], _scrubbed(message, secrets), _scrubbed(request_id, secrets)[:128])


def is_auth_refusal(status: int, error_code: str) -> bool:
    """Tell whether it is the credential that was refused; an invalid token comes as HTTP 400."""
    return status in {401, 403} or (status == 400 and _same_code(error_code, "MSS.00010008"))


def is_stale_token(status: int, error_code: str) -> bool:
    """Tell whether a new token may help; a missing permission (403) stays missing."""
    return status != 403 and is_auth_refusal(status, error_code)


def error_of(
    doing: str, status: int, headers: Mapping[str, str], refusal: Refusal, *, now_ms: int, credential: str
) -> CloudError:
    """Return the error for a refused call. ``doing`` names the call, ``credential`` what it was made with."""
    detail = " ".join(filter(None, (str(status), refusal.error_code, refusal.message)))
    about = f" (request {refusal.request_id})" if refusal.request_id else ""
    facts: dict[str, Any] = {
        "status": status,
        "error_code": refusal.error_code,
        "request_id": refusal.request_id,
    }
    if is_auth_refusal(status, refusal.error_code):
        skew = skew_words(clock_skew_secs(headers, now_ms))
        return CloudAuthError(f"{doing}: the cloud refuses the {credential}: {detail}{about}{skew}", **facts)
    if status in {408, 425, 429} or status >= 500:
        wait_secs = retry_after_secs(headers, now_ms)
        return CloudUnavailableError(f"{doing}: {detail}{about}", retry_after_secs=wait_secs, **facts)
    if 300 <= status < 400:
        return CloudError(f"{doing}: {status}, a redirect, which is not followed: check the endpoint", **facts)
    return CloudError(f"{doing}: {detail}{about}", **facts)


def clock_skew_secs(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Return by how much the cloud's clock is ahead of ours (its ``Date`` header has whole seconds), if it says."""
    at_ms = http_date_ms(headers.get("Date", ""))
    return None if at_ms is None else (at_ms - now_ms) / 1000


def skew_words(skew_secs: float | None) -> str:
    """Return what an error says about our clock: nothing as long as it is right."""
    if skew_secs is None or abs(skew_secs) < NOTABLE_SKEW_SECS:
        return ""
    side = "behind" if skew_secs > 0 else "ahead of"
    return (
        f"; the clock of this machine is {abs(skew_secs):.0f} s {side} the cloud's, "
        f"and signatures are refused from {MAX_SKEW_SECS} s on"
    )


def retry_after_secs(headers: Mapping[str, str], now_ms: int) -> float:
    """Return how long ``Retry-After`` asks to wait, in either of its forms; 0 when it does not."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return min(float(value), _MAX_RETRY_AFTER_SECS)
    at_ms = http_date_ms(value)
    return 0.0 if at_ms is None else min(max((at_ms - now_ms) / 1000, 0.0), _MAX_RETRY_AFTER_SECS)


def _first(candidates: list[dict[str, Any]], keys: tuple[str, ...]) -> str:
    for candidate in candidates:
        for key in keys:
            value = candidate.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return str(value)
    return ""


def _same_code(given: str, known: str) -> bool:
    """Compare codes without their leading zeros: some pages print nine digits where others print eight."""
    service, _, digits = given.partition(".")
    known_service, _, known_digits = known.partition(".")
    return service == known_service and digits.lstrip("0") == known_digits.lstrip("0")


def _scrubbed(text: str, secrets: Iterable[Secret]) -> str:
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= _MIN_SCRUBBED_CHARS:
            text = text.replace(value, "***")
    text = _CREDENTIALS.sub(r"\1\2***", text)
    return _UNPRINTABLE.sub(" ", text).strip()[:_MAX_MESSAGE_CHARS]
