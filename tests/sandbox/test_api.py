from __future__ import annotations

from typing import Any

import orjson
import pytest

from bridge.sandbox import api, state
from bridge.sandbox.asked import Answer
from bridge.sandbox.cloud import Call, Cloud
from bridge.sandbox.refusal import Refusal
from tests.sandbox.fakes import NOW_MS, PROJECT, ask, clock_of, new_cloud, signed

ROOMS = f"/v1/{PROJECT}/smart-live-rooms"
ROOM = {"room_name": "morning market", "room_type": "TEMP", "priv_data": "mine"}
CALLS: list[tuple[Call, str, dict[str, str]]] = [
    (api.list_room_jobs, "GET", {"room_id": "r1"}),
    (api.list_tenant_jobs, "GET", {}),
    (api.show_job, "GET", {"room_id": "r1", "job_id": "j1"}),
    (api.start_job, "POST", {"room_id": "r1"}),
    (api.stop_job, "POST", {"room_id": "r1", "job_id": "j1"}),
    (api.create_room, "POST", {}),
    (api.list_rooms, "GET", {}),
    (api.show_room, "GET", {"room_id": "r1"}),
    (api.update_room, "PUT", {"room_id": "r1"}),
    (api.delete_room, "DELETE", {"room_id": "r1"}),
]


@pytest.fixture
def cloud() -> Cloud:
    return new_cloud()


def ask_for(
    cloud: Cloud, call: Call, method: str = "GET", *, data: Any = None, query: str = "", **ids: str
) -> Answer | Refusal:
    body = b"" if data is None else data if isinstance(data, bytes) else orjson.dumps(data)
    return call(cloud, signed(method, f"{ROOMS}{query}", body=body, ids=ids))


def answered(result: Answer | Refusal, status: int = 200) -> Any:
    assert isinstance(result, Answer), result
    assert result.status == status
    return result.data


def code(result: Answer | Refusal) -> str:
    assert isinstance(result, Refusal), result
    return result.error_code


@pytest.mark.parametrize(("call", "method", "ids"), CALLS)
def test_every_call_needs_a_credential(cloud: Cloud, call: Call, method: str, ids: dict[str, str]) -> None:
    asked = ask(method, ROOMS, ids={"project_id": PROJECT} | ids)
    assert code(call(cloud, asked)) == "APIGW.0301"
    assert code(call(cloud, signed(method, ROOMS, ids=ids, secret_key="wrong"))) == "APIGW.0301"


@pytest.mark.parametrize(("call", "method", "ids"), CALLS)
def test_every_call_keeps_the_limits_of_headers_and_ids(
    cloud: Cloud, call: Call, method: str, ids: dict[str, str]
) -> None:
    asked = signed(method, ROOMS, ids=ids, headers={"X-App-UserId": "小店"})
    assert code(call(cloud, asked)) == "MSS.00000003"


def test_a_rooms_jobs_are_listed_with_their_urls(cloud: Cloud) -> None:
    data = answered(ask_for(cloud, api.list_room_jobs, room_id="r1"))
    assert data["count"] == 1
    (job,) = data["smart_live_jobs"]
    assert (job["job_id"], job["state"], job["room_name"]) == ("j1", "PROCESSING", "evening show")
    assert job["live_event_report_url"] == cloud.report_url(cloud.tenant.jobs["j1"])


def test_an_empty_list_has_no_items_at_all(cloud: Cloud) -> None:
    data = answered(ask_for(cloud, api.list_room_jobs, query="?state=FAILED", room_id="r1"))
    assert data == {"count": 0}


def test_the_list_takes_its_parameters_from_the_query(cloud: Cloud) -> None:
    cloud.tenant.start_job("r1", {}, NOW_MS + 1, job_id="j2")
    data = answered(ask_for(cloud, api.list_room_jobs, query="?sort_dir=desc&limit=1", room_id="r1"))
    assert (data["count"], [job["job_id"] for job in data["smart_live_jobs"]]) == (2, ["j2"])
    assert code(ask_for(cloud, api.list_room_jobs, query="?limit=1000", room_id="r1")) == "MSS.00000003"
    assert code(ask_for(cloud, api.list_tenant_jobs, query="?sort_dir=up")) == "MSS.00000003"


def test_jobs_of_no_room_are_not_found(cloud: Cloud) -> None:
    assert code(ask_for(cloud, api.list_room_jobs, room_id="r9")) == "MSS.20010045"
    assert code(ask_for(cloud, api.start_job, "POST", room_id="r9")) == "MSS.20010045"


def test_the_tenants_jobs_are_listed_over_all_rooms(cloud: Cloud) -> None:
    cloud.tenant.add_room({"room_name": "other"}, NOW_MS, "r2")
    cloud.tenant.start_job("r2", {}, NOW_MS + 1, job_id="j2")
    data = answered(ask_for(cloud, api.list_tenant_jobs))
    assert [job["job_id"] for job in data["smart_live_jobs"]] == ["j1", "j2"]
    data = answered(ask_for(cloud, api.list_tenant_jobs, query="?room_name=other"))
    assert [job["job_id"] for job in data["smart_live_jobs"]] == ["j2"]


def test_a_job_is_shown_with_a_living_url(cloud: Cloud) -> None:
    before = answered(ask_for(cloud, api.show_job, room_id="r1", job_id="j1"))
    assert before["live_event_report_url"] == cloud.report_url(cloud.tenant.jobs["j1"])
    clock_of(cloud).elapsed = 3600
    after = answered(
        api.show_job(cloud, signed("GET", ROOMS, ids={"room_id": "r1", "job_id": "j1"}, at_ms=NOW_MS + 3600_000))
    )
    assert after["live_event_report_url"] != before["live_event_report_url"]
    assert after["duration"] == 3600.0
    clock_of(cloud).elapsed = 0
    assert code(ask_for(cloud, api.show_job, room_id="r1", job_id="j9")) == "MSS.20010074"


def test_starting_a_job_answers_202_and_a_url_that_works(cloud: Cloud) -> None:
    config = {"live_event_type_callback_url": "https://cb.example.com/x", "auth_type": "MSS_A_HEAD", "key": "k" * 32}
    body = {"live_event_callback_config": config}
    data = answered(ask_for(cloud, api.start_job, "POST", data=body, room_id="r1"), 202)
    job = cloud.tenant.jobs[data["job_id"]]
    assert job.state == "PROCESSING"
    assert data["live_event_report_url"] == cloud.report_url(job)
    assert data["live_event_callback_config"] == config


def test_starting_a_job_needs_no_body(cloud: Cloud) -> None:
    answered(ask_for(cloud, api.start_job, "POST", room_id="r1"), 202)


@pytest.mark.parametrize(
    ("data", "error_code"),
    [
        (b"{", "MSS.10000002"),
        (b"[]", "MSS.00000002"),
        ({"output_urls": ["a", "b"]}, "MSS.00000003"),
        ({"view_mode": "SIDEWAYS"}, "MSS.00000003"),
        ({"nonsense": 1}, "MSS.00000003"),
    ],
)
def test_a_wrong_start_is_refused(cloud: Cloud, data: Any, error_code: str) -> None:
    assert code(ask_for(cloud, api.start_job, "POST", data=data, room_id="r1")) == error_code
    assert len(cloud.tenant.jobs) == 1


def test_one_room_too_many_is_refused(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MAX_ROOMS", 1)
    assert code(ask_for(cloud, api.create_room, "POST", data=ROOM)) == "MSS.20010056"


def test_stopping_a_job_answers_200_without_a_body(cloud: Cloud) -> None:
    assert answered(ask_for(cloud, api.stop_job, "POST", room_id="r1", job_id="j1")) is None
    assert cloud.tenant.jobs["j1"].state == "SUCCEED"
    assert code(ask_for(cloud, api.stop_job, "POST", room_id="r1", job_id="j1")) == "MSS.20020001"


def test_a_room_is_created_shown_changed_and_deleted(cloud: Cloud) -> None:
    room_id = answered(ask_for(cloud, api.create_room, "POST", data=ROOM))["room_id"]
    assert answered(ask_for(cloud, api.show_room, room_id=room_id)).items() >= ROOM.items()
    clock_of(cloud).elapsed = 5
    changed = answered(ask_for(cloud, api.update_room, "PUT", data={"room_name": "noon market"}, room_id=room_id))
    assert changed["room_name"] == "noon market"
    assert "priv_data" not in changed
    assert changed["update_time"] != changed["create_time"]
    assert answered(ask_for(cloud, api.delete_room, "DELETE", room_id=room_id)) is None
    assert code(ask_for(cloud, api.show_room, room_id=room_id)) == "MSS.20010045"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "room_name"),
        ({"room_name": ""}, "room_name"),
        ({"room_name": "x" * 257}, "room_name"),
        ({"room_name": "x", "room_type": "BIG"}, "room_type"),
        ({"room_name": "x", "room_nam": "y"}, "room_nam"),
        ([], "Invalid body"),
        (b"", "Request JSON exception"),
    ],
)
def test_a_wrong_room_is_refused_with_the_field(cloud: Cloud, data: Any, problem: str) -> None:
    for call, method, ids in ((api.create_room, "POST", {}), (api.update_room, "PUT", {"room_id": "r1"})):
        result = ask_for(cloud, call, method, data=data, **ids)
        assert isinstance(result, Refusal)
        assert problem in result.error_msg
    assert len(cloud.tenant.rooms) == 1
    assert cloud.tenant.rooms["r1"].name == "evening show"


def test_changing_or_deleting_no_room_is_not_found(cloud: Cloud) -> None:
    assert code(ask_for(cloud, api.update_room, "PUT", data=ROOM, room_id="r9")) == "MSS.20010045"
    assert code(ask_for(cloud, api.delete_room, "DELETE", room_id="r9")) == "MSS.20010045"


def test_a_room_with_a_running_job_stays(cloud: Cloud) -> None:
    assert code(ask_for(cloud, api.delete_room, "DELETE", room_id="r1")) == "MSS.20020001"


def test_rooms_are_listed_page_by_page(cloud: Cloud) -> None:
    for number in range(3):
        cloud.tenant.add_room({"room_name": f"room {number}"}, NOW_MS, f"x{number}")
    data = answered(ask_for(cloud, api.list_rooms, query="?offset=1&limit=2"))
    assert (data["count"], [room["room_id"] for room in data["smart_live_rooms"]]) == (4, ["x0", "x1"])
    assert answered(ask_for(cloud, api.list_rooms, query="?room_name=nowhere")) == {"count": 0}
    assert code(ask_for(cloud, api.list_rooms, query="?limit=0")) == "MSS.00000003"
