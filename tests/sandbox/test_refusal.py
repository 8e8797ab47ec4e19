from __future__ import annotations

import pytest

from bridge.sandbox import refusal
from bridge.sandbox.refusal import MAX_ERROR_MSG_CHARS, Refusal


def test_the_services_refusals_have_code_and_text_of_at_most_256_characters() -> None:
    body = refusal.invalid_parameter("x" * 1000).body("id-1")
    assert body.keys() == {"error_code", "error_msg"}
    assert len(body["error_msg"]) == MAX_ERROR_MSG_CHARS


def test_the_gateways_refusals_name_the_request_and_are_not_cut() -> None:
    body = refusal.iam_refused("x" * 1000).body("id-1")
    assert body["request_id"] == "id-1"
    assert len(body["error_msg"]) > 1000


@pytest.mark.parametrize(
    ("why", "status", "code"),
    [
        (refusal.invalid_parameter("x"), 400, "MSS.00000003"),
        (refusal.invalid_body("x"), 400, "MSS.00000002"),
        (refusal.not_json("x"), 400, "MSS.10000002"),
        (refusal.too_large(1), 413, "APIGW.0201"),
        (refusal.url_key_refused("x"), 401, "MSS.00000001"),
        (refusal.iam_refused("x"), 401, "APIGW.0301"),
        (refusal.token_revoked(), 400, "MSS.00010008"),
        (refusal.other_tenant(), 400, "MSS.00010009"),
        (refusal.throttled(5), 429, "APIGW.0308"),
        (refusal.no_such_api(), 404, "APIGW.0101"),
        (refusal.room_not_found(), 404, "MSS.20010045"),
        (refusal.job_over(), 404, "MSS.20010074"),
        (refusal.job_over(410), 410, "MSS.20010074"),
        (refusal.job_exists(), 400, "MSS.20010046"),
        (refusal.quota_reached(), 400, "MSS.20010056"),
        (refusal.job_state_forbids(), 400, "MSS.20020001"),
    ],
)
def test_codes_are_those_that_the_vendor_documents(why: Refusal, status: int, code: str) -> None:
    assert (why.status, why.error_code) == (status, code)
