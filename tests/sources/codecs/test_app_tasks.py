from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.errors import SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources.codecs.app_tasks import (
    EAGER_TRIES,
    MAX_FAILURES,
    RETRY_SECS,
    SLOW_RETRY_SECS,
    AppTasks,
    Token,
    read_object,
)
from bridge.sources.contract import NOTHING, Decoded, Frame, HttpAnswer, HttpCall
from tests.sources.platforms.scripted_http import json_answer

AT_MS = 1_760_000_000_000
BUSY = HttpAnswer(503)
START = HttpCall("POST", "https://x.example/start", tag="start/comments")
TOKEN = HttpCall("POST", "https://x.example/token", tag="token")


def read_token(answer: HttpAnswer, now_ms: int) -> Token:
    value = read_object(answer, "token")
    if "refused" in value:
        raise SourceAuthError("refused")
    return Token(value["token"], 7200, now_ms)


class Tasks(AppTasks):
    """Starts one task and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(TOKEN, read_token, Token("first", 7200, AT_MS), AT_MS)
        self.heard: list[dict[str, Any]] = []

    def due_calls(self) -> tuple[float, Sequence[HttpCall]]:
        return self.start_wait_secs(), (START,)

    def told(self, call: HttpCall, value: dict[str, Any]) -> Decoded:
        self.heard.append(value)
        return NOTHING


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(429), SourceThrottledError),
        (BUSY, SourceUnavailableError),
        (HttpAnswer(200, body=b"<html>"), SourceUnavailableError),
        (json_answer([1]), SourceUnavailableError),
    ],
)
def test_an_answer_that_is_no_object_is_sorted_by_what_to_do(answer: HttpAnswer, error: type[SourceError]) -> None:
    with pytest.raises(error, match=r"^what: "):
        read_object(answer, "what")


def test_the_token_is_renewed_at_half_its_life_and_when_asked_for() -> None:
    tasks = Tasks()
    tasks.answered(START, json_answer({}), AT_MS + 3_599_999)
    assert tasks.next_calls() == (0.0, (START,))
    tasks.answered(START, json_answer({}), AT_MS + 3_600_000)
    assert tasks.next_calls() == (0.0, (TOKEN,))

    tasks.answered(TOKEN, json_answer({"token": "second"}), AT_MS + 3_600_001)
    assert tasks.token.value == "second"
    assert tasks.next_calls() == (0.0, (START,))
    tasks.renew_token()
    assert tasks.next_calls() == (0.0, (TOKEN,))


def test_a_token_that_cannot_be_had_just_now_is_asked_for_later_and_the_old_one_lives_on() -> None:
    tasks = Tasks()
    tasks.renew_token()
    tasks.answered(TOKEN, BUSY, AT_MS)
    assert tasks.next_calls() == (0.0, (START,))
    tasks.answered(START, json_answer({}), AT_MS + int(SLOW_RETRY_SECS * 1000))
    assert tasks.next_calls() == (0.0, (TOKEN,))
    assert isinstance(tasks.answered(TOKEN, json_answer({"refused": 1}), AT_MS).end, SourceAuthError)


def test_a_start_that_is_not_answered_is_tried_eagerly_then_slowly() -> None:
    tasks = Tasks()
    tasks.answered(START, BUSY, AT_MS)
    assert tasks.next_calls() == (RETRY_SECS, (START,))
    tasks.tries = EAGER_TRIES + 1
    assert tasks.next_calls() == (SLOW_RETRY_SECS, (START,))


def test_a_busy_api_is_borne_with_until_too_many_calls_in_a_row_are_not_answered() -> None:
    tasks = Tasks()
    for answer in [BUSY] * (MAX_FAILURES - 1) + [json_answer({"a": 1})] + [BUSY] * (MAX_FAILURES - 1):
        assert tasks.answered(START, answer, AT_MS).end is None
    assert tasks.heard == [{"a": 1}]
    assert isinstance(tasks.answered(START, BUSY, AT_MS).end, SourceUnavailableError)


def test_a_connection_that_is_only_polled_has_no_frames() -> None:
    assert Tasks().feed(Frame(b"{}", AT_MS)).rejected
