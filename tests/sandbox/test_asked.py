from __future__ import annotations

from bridge.sandbox import refusal
from bridge.sandbox.asked import Answer, refused


def test_an_answer_is_json_or_bytes_or_empty() -> None:
    assert Answer(200, {"count": 0}).body() == b'{"count":0}'
    assert Answer(200, b"\xff").body() == b"\xff"
    assert Answer(200).body() == b""


def test_a_refusal_becomes_an_answer_with_its_status_and_retry_after() -> None:
    answer = refused(refusal.throttled(2, "7"), "id-1")
    assert answer.status == 429
    assert answer.headers == {"Retry-After": "7"}
    assert answer.data["request_id"] == "id-1"
    assert answer.refusal == refusal.throttled(2, "7")
    assert not refused(refusal.no_such_api(), "id-1").headers
