from __future__ import annotations

from urllib.parse import urlsplit

import orjson
import pytest

from bridge.sandbox.asked import Answer, Asked
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.report import credential_of, report
from tests.sandbox.fakes import (
    HOST,
    JSON,
    NOW_MS,
    PROJECT,
    ask,
    clock_of,
    event,
    job_of,
    new_cloud,
    report_body,
    signed,
)

IDS = {"project_id": PROJECT, "room_id": "r1", "job_id": "j1"}
PATH = f"/v1/{PROJECT}/smart-live-rooms/r1/smart-live-jobs/j1/live-event-report"
BODY = report_body(event(1), event(6))


@pytest.fixture
def cloud() -> Cloud:
    return new_cloud()


def by_url(
    cloud: Cloud, url: str = "", *, extra: str = "", body: bytes = BODY, ids: dict[str, str] | None = None
) -> Asked:
    parts = urlsplit(url or cloud.report_url(job_of(cloud)))
    return ask(target=f"{parts.path}?{parts.query}{extra}", body=body, headers=JSON, ids=ids or IDS, call=1)


def url_of(result: Answer | Refusal) -> str:
    assert isinstance(result, Answer), result
    assert result.data.keys() == {"live_event_report_url"}
    return str(result.data["live_event_report_url"])


def code(result: Answer | Refusal) -> str:
    assert isinstance(result, Refusal), result
    return result.error_code


def test_a_report_to_the_url_is_taken_and_answered_with_the_url(cloud: Cloud) -> None:
    result = report(cloud, by_url(cloud))
    assert url_of(result) == cloud.report_url(job_of(cloud))
    assert isinstance(result, Answer)
    assert (result.status, result.accepted) == (200, 2)
    assert [item.type for item in cloud.ledger.events("j1")] == [1, 6]
    assert job_of(cloud).accepted == 2


def test_a_refresh_gives_a_new_url_and_takes_the_events_as_ever(cloud: Cloud) -> None:
    old = cloud.report_url(job_of(cloud))
    new = url_of(report(cloud, by_url(cloud, extra="&refresh_url=true")))
    assert new != old
    assert urlsplit(new).path == urlsplit(old).path
    assert job_of(cloud).accepted == 2
    assert url_of(report(cloud, by_url(cloud, old))) == new
    assert url_of(report(cloud, by_url(cloud, new))) == new
    assert code(report(cloud, by_url(cloud, old))) == "MSS.00000001"


def test_refresh_url_false_refreshes_nothing(cloud: Cloud) -> None:
    old = cloud.report_url(job_of(cloud))
    assert url_of(report(cloud, by_url(cloud, extra="&refresh_url=false"))) == old


def test_a_refused_report_refreshes_nothing(cloud: Cloud) -> None:
    old = cloud.report_url(job_of(cloud))
    assert code(report(cloud, by_url(cloud, extra="&refresh_url=true", body=b"{}"))) == "MSS.00000003"
    assert cloud.report_url(job_of(cloud)) == old


def test_an_expired_url_is_refused_and_cannot_refresh_itself(cloud: Cloud) -> None:
    old = by_url(cloud, extra="&refresh_url=true")
    clock_of(cloud).elapsed = 3600
    result = report(cloud, old)
    assert isinstance(result, Refusal)
    assert (result.status, result.error_code) == (401, "MSS.00000001")
    assert job_of(cloud).accepted == 0


def test_the_key_may_come_in_the_headers_instead(cloud: Cloud) -> None:
    key = cloud.report_url(job_of(cloud)).partition("auth_key=")[2].partition("&")[0]
    expires = job_of(cloud).keys[-1].expires_at_ms
    headers = JSON | {"x-mss-auth-key": key, "x-mss-expires-time": str(expires)}
    assert isinstance(report(cloud, ask(target=PATH, body=BODY, headers=headers, ids=IDS)), Answer)
    headers["x-mss-expires-time"] = str(expires + 1)
    assert code(report(cloud, ask(target=PATH, body=BODY, headers=headers, ids=IDS))) == "MSS.00000001"


@pytest.mark.parametrize("name", ["project_id", "room_id", "job_id"])
def test_a_key_is_refused_on_any_other_path(cloud: Cloud, name: str) -> None:
    cloud.tenant.add_room({"room_name": "x"}, NOW_MS, "r2")
    cloud.tenant.start_job("r1", {}, NOW_MS, job_id="j2")
    other = {"project_id": "f" * 32, "room_id": "r2", "job_id": "j2"}[name]
    result = report(cloud, by_url(cloud, ids=IDS | {name: other}))
    assert isinstance(result, Refusal)
    assert (result.status, result.error_code) == (401, "MSS.00000001")


def test_a_report_without_any_credential_is_unauthorized(cloud: Cloud) -> None:
    assert code(report(cloud, ask(target=PATH, body=BODY, headers=JSON, ids=IDS))) == "MSS.00000001"


def test_a_signed_report_needs_no_key(cloud: Cloud) -> None:
    assert isinstance(report(cloud, signed("POST", PATH, body=BODY, ids=IDS)), Answer)
    query = f"{PATH}?auth_key=ab%2B%2F%3Dc&expires_time=1700000000000&refresh_url=true"
    assert isinstance(report(cloud, signed("POST", query, body=BODY, ids=IDS)), Answer)


def test_a_wrong_signature_is_not_saved_by_a_right_key(cloud: Cloud) -> None:
    parts = urlsplit(cloud.report_url(job_of(cloud)))
    target = f"{parts.path}?{parts.query}"
    assert code(report(cloud, signed("POST", target, body=BODY, ids=IDS, secret_key="wrong"))) == "APIGW.0301"


def test_a_token_reports_too(cloud: Cloud) -> None:
    token, _ = cloud.tokens.issue(PROJECT, NOW_MS)
    asked = ask(target=PATH, body=BODY, headers=JSON | {"X-Auth-Token": token}, ids=IDS)
    assert isinstance(report(cloud, asked), Answer)


def test_a_signed_report_to_no_job_is_not_found(cloud: Cloud) -> None:
    assert code(report(cloud, signed("POST", PATH, body=BODY, ids=IDS | {"job_id": "j9"}))) == "MSS.20010074"


@pytest.mark.parametrize("status", [404, 410])
def test_a_report_to_a_job_that_is_over_is_refused(cloud: Cloud, status: int) -> None:
    cloud.ended_job_status = status
    cloud.tenant.stop_job("r1", "j1", NOW_MS)
    result = report(cloud, by_url(cloud))
    assert isinstance(result, Refusal)
    assert (result.status, result.error_code) == (status, "MSS.20010074")


def test_a_wrong_body_and_a_wrong_parameter_are_contract_violations(cloud: Cloud) -> None:
    assert code(report(cloud, by_url(cloud, body=report_body(event(), total=2)))) == "MSS.00000003"
    assert code(report(cloud, by_url(cloud, extra="&refresh_url=yes"))) == "MSS.00000003"
    parts = urlsplit(cloud.report_url(job_of(cloud)))
    headers = JSON | {"X-App-UserId": "小店"}
    asked = ask(target=f"{parts.path}?{parts.query}", body=BODY, headers=headers, ids=IDS)
    assert code(report(cloud, asked)) == "MSS.00000003"
    totals = cloud.ledger.totals()
    assert totals["contract_violations"] == 3
    assert "total: 2" in totals["last_contract_violations"][0]["problem"]
    assert totals["accepted"] == 0


def test_a_refused_credential_is_no_contract_violation(cloud: Cloud) -> None:
    report(cloud, ask(target=PATH, body=BODY, headers=JSON, ids=IDS))
    assert cloud.ledger.totals()["contract_violations"] == 0


def test_a_text_that_the_script_dislikes_is_refused_and_is_no_violation(cloud: Cloud) -> None:
    cloud.script.extend({"refuse_text": "5466"})
    assert code(report(cloud, by_url(cloud))) == "MSS.00000003"
    assert cloud.ledger.totals()["contract_violations"] == 0
    assert isinstance(report(cloud, by_url(cloud, body=report_body(event(1)))), Answer)


def test_light_checks_take_what_only_the_documents_words_forbid() -> None:
    cloud = new_cloud(strict=False)
    assert isinstance(report(cloud, by_url(cloud, body=orjson.dumps({"total": 3}))), Answer)


@pytest.mark.parametrize(
    ("target", "headers", "credential"),
    [
        ("/?auth_key=x", {"Authorization": "x", "X-Auth-Token": "x", "x-mss-auth-key": "x"}, "signed"),
        ("/?auth_key=x", {"X-Auth-Token": "x", "x-mss-auth-key": "x"}, "token"),
        ("/?auth_key=x", {"x-mss-auth-key": "x"}, "headers"),
        ("/?auth_key=x", {}, "url"),
        ("/", {}, "none"),
    ],
)
def test_one_credential_decides(target: str, headers: dict[str, str], credential: str) -> None:
    assert credential_of(ask(target=target, headers=headers)) == credential


def test_the_url_answered_has_the_host_that_the_caller_used(cloud: Cloud) -> None:
    cloud.base_url = "http://127.0.0.1:1"
    assert url_of(report(cloud, by_url(cloud))).startswith(f"http://{HOST}/v1/")
