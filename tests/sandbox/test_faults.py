from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import DecodeError
from bridge.sandbox.faults import Script, Step
from bridge.sandbox.refusal import Refusal


def script(data: Any) -> Script:
    made = Script()
    made.extend(data)
    return made


def taken(made: Script, call: str = "report", job_id: str = "j1") -> Step:
    step = made.take(call, job_id)
    assert step is not None
    return step


def early(made: Script, body_bytes: int = 10, monotonic: float = 0.0, job_id: str = "j1") -> Refusal | None:
    return made.refuse_early(job_id, body_bytes, monotonic)


def test_a_step_meets_as_many_calls_as_it_says_then_the_next_comes() -> None:
    made = script([{"times": 2, "status": 500}, {"status": 429, "retry_after": 3}])
    assert [taken(made).status for _ in range(3)] == [500, 500, 429]
    assert made.take("report", "j1") is None
    assert made.played == 3


def test_a_step_may_stand_for_ever() -> None:
    made = script({"times": 0, "status": 500})
    assert all(taken(made).status == 500 for _ in range(50))


@pytest.mark.parametrize("data", [[{"status": 500}], {"steps": [{"status": 500}]}, {"status": 500}])
def test_a_script_is_a_list_or_one_step_or_an_object_of_steps(data: Any) -> None:
    assert taken(script(data)).status == 500


def test_a_step_meets_only_its_kind_of_call_and_its_job() -> None:
    made = script([{"call": "jobs", "status": 500}, {"job_id": "j2", "status": 501}, {"call": "any", "status": 502}])
    assert taken(made).status == 502
    assert taken(made, job_id="j2").status == 501
    assert taken(made, "jobs").status == 500


def test_later_scripts_wait_behind_earlier_ones_and_all_can_be_cleared() -> None:
    made = script({"status": 500})
    made.extend({"max_bytes": 5})
    made.extend({"status": 501})
    assert made.waiting() == [{"max_bytes": 5}, {"status": 500}, {"status": 501}]
    made.clear()
    assert made.waiting() == []
    assert made.take("report", "j1") is None
    assert early(made, 10) is None


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"staus": 500}, "steps[1].staus: Extra inputs are not permitted"),
        ({"status": "500"}, "steps[1].status: Input should be a valid integer"),
        ({"status": 600}, "steps[1].status: Input should be less than or equal to 599"),
        ({"times": -1}, "steps[1].times: "),
        ({"reset": "now"}, "steps[1].reset: "),
        ({"call": "upload"}, "steps[1].call: "),
        ({"max_bytes": 0}, "steps[1].max_bytes: "),
        ({"throttle_per_second": 0}, "steps[1].throttle_per_second: "),
        ({"refuse_text": ""}, "steps[1].refuse_text: "),
        ({"refuse_text": "x", "delay_ms": 5}, "steps[1].delay_ms: "),
        (7, "steps[1]: "),
    ],
)
def test_a_wrong_script_says_where_and_takes_no_effect(item: Any, problem: str) -> None:
    made = Script()
    with pytest.raises(DecodeError) as error:
        made.extend([{"status": 500}, item, {"also": "wrong"}])
    assert problem in str(error.value)
    assert "steps[2].also" in str(error.value)
    assert made.waiting() == []


def test_a_script_is_bounded() -> None:
    with pytest.raises(DecodeError, match="at most"):
        Script().extend([{"status": 500}] * 10_001)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (302, ""),
        (400, "MSS.00000003"),
        (401, "MSS.00000001"),
        (429, "APIGW.0308"),
        (500, "MSS.00000004"),
        (503, "MSS.00000004"),
    ],
)
def test_a_status_comes_with_the_code_that_the_cloud_would_give(status: int, code: str) -> None:
    assert taken(script({"status": status})).refusal.error_code == code


def test_code_text_and_retry_after_can_be_said() -> None:
    step = taken(script({"status": 503, "error_code": "X.1", "error_msg": "gone", "retry_after": "Wed, 21 Oct 2015"}))
    assert step.refusal == Refusal(503, "X.1", "gone", "Wed, 21 Oct 2015")
    assert taken(script({"status": 429, "retry_after": 5})).refusal.retry_after == "5"


def test_only_a_bad_status_without_acceptance_turns_the_call_away() -> None:
    assert taken(script({"status": 500})).refuses
    assert taken(script({"status": 302})).refuses
    assert not taken(script({"status": 500, "accepted": True})).refuses
    assert not taken(script({"status": 204})).refuses
    assert not taken(script({"delay_ms": 5})).refuses


def test_bodies_over_a_ruled_size_are_too_large_until_the_rule_goes() -> None:
    made = script({"max_bytes": 100})
    for _ in range(5):
        why = early(made, 101)
        assert why is not None
        assert (why.status, why.error_code) == (413, "APIGW.0201")
    assert early(made, 100) is None


def test_a_rule_may_end_after_some_refusals() -> None:
    made = script({"max_bytes": 100, "times": 2})
    assert [early(made, 101) is None for _ in range(4)] == [False, False, True, True]


def test_a_rule_may_be_for_one_job() -> None:
    made = script([{"max_bytes": 1, "job_id": "j2"}, {"refuse_text": "x", "job_id": "j2"}])
    assert early(made, 10) is None
    assert early(made, 10, job_id="j2") is not None
    assert made.refuse_text("j1", b"x") is None
    assert made.refuse_text("j2", b"x") is not None


def test_calls_over_the_tenants_rate_are_throttled() -> None:
    made = script({"throttle_per_second": 2, "retry_after": 1})
    assert early(made, monotonic=0.0) is None
    assert early(made, monotonic=0.5) is None
    why = early(made, monotonic=0.9)
    assert why is not None
    assert (why.status, why.error_code, why.retry_after) == (429, "APIGW.0308", "1")
    assert early(made, monotonic=1.0) is None
    assert early(made, monotonic=1.4) is not None
    assert early(made, monotonic=1.5) is None


def test_a_rate_below_one_a_second_spaces_the_calls() -> None:
    made = script({"throttle_per_second": 0.5})
    assert early(made, monotonic=0.0) is None
    assert early(made, monotonic=1.9) is not None
    assert early(made, monotonic=2.0) is None


@pytest.mark.parametrize(
    "spelling",
    [
        "poison 好".encode(),
        b"poison \\u597d",
        b"poison \\\\u597d",
    ],
)
def test_a_refused_text_is_found_however_the_body_spells_it(spelling: bytes) -> None:
    made = script({"refuse_text": "poison 好"})
    why = made.refuse_text("j1", b'{"content":"' + spelling + b'"}')
    assert why is not None
    assert (why.status, why.error_code) == (400, "MSS.00000003")
    assert made.refuse_text("j1", b'{"content":"poison"}') is None


def test_a_refused_text_with_quotes_is_found_in_the_inner_json() -> None:
    made = script({"refuse_text": '"bad"'})
    assert made.refuse_text("j1", rb'{"content":"{\"x\":\"\\\"bad\\\"\"}"}') is not None


def test_a_rules_status_can_be_said() -> None:
    why = script({"refuse_text": "x", "status": 500}).refuse_text("j1", b"x")
    assert why is not None
    assert (why.status, why.error_code) == (500, "MSS.00000004")


def test_a_rules_code_and_text_can_be_said() -> None:
    why = script({"refuse_text": "x", "error_code": "X.1", "error_msg": "no"}).refuse_text("j1", b"x")
    assert why == Refusal(400, "X.1", "no")
    why = early(script({"max_bytes": 1, "status": 400}))
    assert why is not None
    assert (why.status, why.error_code) == (400, "MSS.00000003")
    assert "at most 1 bytes" in why.error_msg
