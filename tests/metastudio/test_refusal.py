"""Error answers are read whatever their shape, and show no credential."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from bridge.errors import CloudAuthError, CloudError, CloudUnavailableError
from bridge.metastudio.refusal import (
    Refusal,
    clock_skew_secs,
    error_of,
    is_stale_token,
    read_refusal,
    retry_after_secs,
    skew_words,
)
from bridge.secret import Secret

NOW_MS = 1_767_323_045_000  # 2026-01-02 03:04:05 UTC, a Friday
NOTHING = Refusal("", "", "")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error_code": "MSS.1", "error_msg": "m", "request_id": "q"}, Refusal("MSS.1", "m", "q")),
        ({"errorCode": "E", "errorMsg": "m"}, Refusal("E", "m", "")),
        ({"code": 7, "message": "m"}, Refusal("7", "m", "")),
        ({"error": {"code": "N", "message": "nested", "requestId": "q"}}, Refusal("N", "nested", "q")),
        ({"error_code": "", "error_msg": None}, Refusal("", '{"error_code":"","error_msg":null}', "")),
        (["list"], Refusal("", '["list"]', "")),
        ({}, Refusal("", "{}", "")),
    ],
)
def test_every_known_shape_is_read(body: Any, expected: Refusal) -> None:
    assert read_refusal({}, orjson.dumps(body)) == expected


def test_what_is_no_json_is_quoted_on_one_line_and_cut() -> None:
    refusal = read_refusal(CIMultiDict({"x-request-id": "q1"}), b"<html>\n <b>down\x00</b>\n" + b"x" * 9999)
    assert refusal.message.startswith("<html> <b>down </b> xxx")
    assert len(refusal.message) == 1000
    assert refusal.request_id == "q1"


def test_no_body_is_no_message() -> None:
    assert read_refusal({}, b"") == NOTHING


def test_credentials_in_an_echoed_request_are_struck_out() -> None:
    echo = "POST|/v1/p/|auth_key=hush&expires_time=1|X-Security-Token:hush hush2|x-mss-auth-key:hush|body hush-hush"
    refusal = read_refusal({}, orjson.dumps({"error_msg": echo}), [Secret("hush-hush"), Secret("")])
    assert refusal.message == (
        "POST|/v1/p/|auth_key=***&expires_time=1|X-Security-Token:*** hush2|x-mss-auth-key:***|body ***"
    )


@given(body=st.binary(), request_id=st.text())
def test_any_bytes_are_read(body: bytes, request_id: str) -> None:
    refusal = read_refusal({"X-Request-Id": request_id}, body)
    assert len(refusal.message) <= 1000
    assert refusal.message.isprintable() or "\n" not in refusal.message


def test_deep_nesting_is_read_as_text() -> None:
    assert read_refusal({}, b'{"a":' * 9999).error_code == ""


@pytest.mark.parametrize(
    ("status", "code", "stale"),
    [
        (401, "APIGW.0301", True),
        (400, "MSS.00010008", True),
        (400, "MSS.000010008", True),
        (400, "MSS.00010009", False),
        (400, "XYZ.00010008", False),
        (403, "", False),
        (500, "", False),
    ],
)
def test_a_new_token_helps_against_an_invalid_one_only(status: int, code: str, *, stale: bool) -> None:
    assert is_stale_token(status, code) is stale


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, CloudError),
        (400, CloudError),
        (401, CloudAuthError),
        (403, CloudAuthError),
        (404, CloudError),
        (408, CloudUnavailableError),
        (429, CloudUnavailableError),
        (502, CloudUnavailableError),
    ],
)
def test_the_status_decides_what_is_done_next(status: int, kind: type[CloudError]) -> None:
    assert type(error_of("call", status, {}, NOTHING, now_ms=NOW_MS, credential="token")) is kind


@pytest.mark.parametrize(
    ("value", "secs"),
    [
        ("", 0.0),
        ("7", 7.0),
        ("-7", 0.0),
        ("soon", 0.0),
        ("99999", 3600.0),
        ("9" * 5000, 0.0),
        ("٣", 0.0),
        ("Fri, 02 Jan 2026 03:04:15 GMT", 10.0),
        ("Fri, 02 Jan 2026 03:04:15", 10.0),
        ("Fri, 02 Jan 2026 03:03:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, secs: float) -> None:
    assert retry_after_secs({"Retry-After": value}, NOW_MS) == secs


def test_the_clock_is_compared_with_the_date_header() -> None:
    assert clock_skew_secs({"Date": "Fri, 02 Jan 2026 03:05:05 GMT"}, NOW_MS) == 60.0
    assert clock_skew_secs({"Date": "today"}, NOW_MS) is None
    assert clock_skew_secs({}, NOW_MS) is None


@pytest.mark.parametrize(
    ("secs", "words"),
    [(None, ""), (29.0, ""), (-29.0, ""), (61.0, "61 s behind"), (-901.0, "901 s ahead of")],
)
def test_a_wrong_clock_is_named_and_a_right_one_is_not(secs: float | None, words: str) -> None:
    assert words in skew_words(secs)
    assert bool(skew_words(secs)) is bool(words)


@given(st.text())
def test_any_header_text_is_read(value: str) -> None:
    assert 0.0 <= retry_after_secs({"Retry-After": value}, NOW_MS) <= 3600.0
    clock_skew_secs({"Date": value}, NOW_MS)
