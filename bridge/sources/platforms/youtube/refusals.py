"""What YouTube's error answers mean (vendor documentation; the two places of a reason were observed)."""

from __future__ import annotations

from typing import Any

from bridge.errors import (
    DecodeError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.sources.contract import HttpAnswer
from bridge.sources.fields import optional_mapping, optional_sequence, optional_text
from bridge.sources.platforms.youtube.quota import next_reset_ms

RATE_WAIT_SECS = 30.0

_ENDED = frozenset({"liveChatEnded", "liveChatDisabled", "liveChatNotFound", "FAILED_PRECONDITION"})
_DAY_IS_SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
_CREDENTIAL = frozenset(
    {
        "API_KEY_INVALID",
        "API_KEY_SERVICE_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "SERVICE_DISABLED",
        "accessNotConfigured",
        "authError",
        "authorizationRequired",
        "forbidden",
        "insufficientPermissions",
        "ipRefererBlocked",
        "keyExpired",
        "keyInvalid",
        "unauthorized",
        "youtubeSignupRequired",
    }
)

PAGE_TOKEN_INVALID = "pageTokenInvalid"  # noqa: S105


def error_of(answer: HttpAnswer) -> dict[str, Any]:
    """Return the error object of an answer, or an empty one."""
    try:
        return optional_mapping(answer.json(), "error")
    except DecodeError:
        return {}


def reasons(error: dict[str, Any]) -> frozenset[str]:
    """Return an error's reasons: ``errors[].reason``, ``details[].reason`` and the status word."""
    listed: list[Any] = [*optional_sequence(error, "errors"), *optional_sequence(error, "details")]
    return frozenset({optional_text(error, "status"), *(optional_text(one, "reason") for one in listed)} - {""})


def refusal(answer: HttpAnswer, now_ms: int, credential: str) -> SourceError | None:
    """Return what an answer's refusal asks us to do; ``None`` for an answer that refuses nothing.

    ``credential`` is the option in use, for the operator to mend.
    """
    if answer.status < 400:
        return None
    wait_secs = max(answer.retry_after_secs(RATE_WAIT_SECS), RATE_WAIT_SECS)
    return meaning(error_of(answer), answer.status, now_ms, credential, wait_secs)


def meaning(
    error: dict[str, Any], status: int, now_ms: int, credential: str, wait_secs: float = RATE_WAIT_SECS
) -> SourceError:
    """Return what an error object asks us to do."""
    given = reasons(error)
    if given & _DAY_IS_SPENT:
        until_reset_secs = (next_reset_ms(now_ms) - now_ms) / 1000
        problem = f"YouTube's quota of this {credential} is spent until midnight Pacific"
        return SourceThrottledError(problem, until_reset_secs)
    if given & _ENDED:
        is_off = "liveChatDisabled" in given
        return RoomOfflineError("the live chat is switched off" if is_off else "the live chat has ended")
    if given & _TOO_FAST or status == 429:
        return SourceThrottledError("YouTube answers that we ask too often", wait_secs)
    if given & _CREDENTIAL or status in (401, 403):
        reason = min(given & _CREDENTIAL, default=f"HTTP {status}")
        return SourceAuthError(f"{credential}: YouTube refuses it ({reason})")
    return SourceUnavailableError(f"YouTube answers HTTP {status}")
