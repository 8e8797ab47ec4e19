from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import RoomOfflineError, SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.sources.contract import HttpAnswer
from bridge.sources.platforms.youtube.refusals import refusal
from tests.sources.platforms.scripted_http import json_answer

NOW_MS = int(datetime(2026, 7, 15, 6, 0, tzinfo=UTC).timestamp() * 1000)


def error(status: int, reason: str = "", detail: str = "", word: str = "") -> HttpAnswer:
    body: dict[str, Any] = {"code": status, "errors": [{"reason": reason}], "details": [{"reason": detail}]}
    return json_answer({"error": {**body, "status": word} if word else body}, status)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(403, "liveChatEnded"), RoomOfflineError),
        (error(403, "liveChatDisabled"), RoomOfflineError),
        (error(404, "liveChatNotFound"), RoomOfflineError),
        (error(400, word="FAILED_PRECONDITION"), RoomOfflineError),
        (error(403, "quotaExceeded"), SourceThrottledError),
        (error(403, "quotaExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"), SourceThrottledError),
        (error(403, "dailyLimitExceeded"), SourceThrottledError),
        (error(403, "rateLimitExceeded"), SourceThrottledError),
        (error(429), SourceThrottledError),
        (error(429, word="RESOURCE_EXHAUSTED"), SourceThrottledError),
        (error(400, "badRequest", "API_KEY_INVALID"), SourceAuthError),
        (error(400, "keyInvalid"), SourceAuthError),
        (error(401, "authError"), SourceAuthError),
        (error(401), SourceAuthError),
        (error(403, "forbidden"), SourceAuthError),
        (error(403, "accessNotConfigured", "SERVICE_DISABLED"), SourceAuthError),
        (error(400, "badRequest"), SourceUnavailableError),
        (error(500, "backendError"), SourceUnavailableError),
        (HttpAnswer(503, body=b"<html>"), SourceUnavailableError),
        (HttpAnswer(404, body=b""), SourceUnavailableError),
        (json_answer({"error": "invalid"}, 400), SourceUnavailableError),
        (json_answer([1], 400), SourceUnavailableError),
    ],
)
def test_each_refusal_says_what_to_do_next(answer: HttpAnswer, kind: type[Exception]) -> None:
    assert type(refusal(answer, NOW_MS, "api_key")) is kind


def test_a_chat_that_was_switched_off_has_not_ended() -> None:
    assert str(refusal(error(403, "liveChatEnded"), NOW_MS, "api_key")) == "the live chat has ended"
    assert str(refusal(error(403, "liveChatDisabled"), NOW_MS, "api_key")) == "the live chat is switched off"


def test_a_spent_day_is_over_at_midnight_pacific() -> None:
    refused = refusal(error(403, "quotaExceeded"), NOW_MS, "api_key")
    assert isinstance(refused, SourceThrottledError)
    assert refused.retry_after_secs == 3600


def test_the_server_may_ask_for_a_longer_wait() -> None:
    for asked, waited in (("90", 90), ("1", 30)):
        refused = refusal(json_answer({}, 429, retry_after=asked), NOW_MS, "api_key")
        assert isinstance(refused, SourceThrottledError)
        assert refused.retry_after_secs == waited


def test_a_refused_credential_is_named_and_the_servers_words_are_not_repeated() -> None:
    answer = json_answer({"error": {"message": "key AIzaSECRET", "details": [{"reason": "API_KEY_INVALID"}]}}, 400)
    text = str(refusal(answer, NOW_MS, "api_key"))
    assert "api_key" in text
    assert "API_KEY_INVALID" in text
    assert "AIza" not in text


def test_an_answer_that_refuses_nothing() -> None:
    assert refusal(json_answer({"items": []}), NOW_MS, "api_key") is None
