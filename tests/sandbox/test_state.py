from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox import state
from bridge.sandbox.parameters import JobQuery, RoomQuery, job_query, room_query
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.state import Job, Room, Tenant

NOW_MS = 1_760_000_000_000


@pytest.fixture
def tenant() -> Tenant:
    ids = iter(f"id-{number}" for number in range(10**9))
    tenant = Tenant("p1", lambda: next(ids))
    tenant.add_room({"room_name": "evening show"}, NOW_MS, "r1")
    return tenant


def started(tenant: Tenant, room_id: str = "r1", at_ms: int = NOW_MS, **more: Any) -> Job:
    job = tenant.start_job(room_id, {}, at_ms, **more)
    assert isinstance(job, Job)
    return job


def query(**parameters: str) -> JobQuery:
    result = job_query(parameters)
    assert isinstance(result, JobQuery)
    return result


def ids(tenant: Tenant, room_id: str | None = "r1", **parameters: str) -> list[str]:
    return [job.job_id for job in tenant.find_jobs(query(**parameters), room_id)[1]]


def code(result: object) -> str:
    return result.error_code if isinstance(result, Refusal) else ""


def test_a_room_gets_an_id_and_is_found_by_it(tenant: Tenant) -> None:
    room = tenant.add_room({"room_name": "x"}, NOW_MS)
    assert isinstance(room, Room)
    assert tenant.room(room.room_id) is room
    assert code(tenant.room("nowhere")) == "MSS.20010045"


def test_a_room_with_a_running_job_cannot_be_deleted(tenant: Tenant) -> None:
    job = started(tenant)
    assert code(tenant.remove_room("r1")) == "MSS.20020001"
    tenant.stop_job("r1", job.job_id, NOW_MS)
    assert tenant.remove_room("r1") is None
    assert code(tenant.remove_room("r1")) == "MSS.20010045"


def test_several_jobs_run_in_a_room_unless_a_single_one_is_asked_for(tenant: Tenant) -> None:
    started(tenant)
    started(tenant)
    single = {"job_run_config": {"single_job_in_room": True}}
    assert code(tenant.start_job("r1", single, NOW_MS)) == "MSS.20010046"
    for job in tenant.jobs_of("r1"):
        tenant.stop_job("r1", job.job_id, NOW_MS)
    assert isinstance(tenant.start_job("r1", single, NOW_MS), Job)


def test_a_job_starts_in_a_room(tenant: Tenant) -> None:
    assert code(tenant.start_job("nowhere", {}, NOW_MS)) == "MSS.20010045"
    job = started(tenant)
    assert (job.state, job.started_at_ms, job.ended_at_ms) == ("PROCESSING", NOW_MS, 0)
    waiting = started(tenant, state="WAITING")
    assert (waiting.state, waiting.started_at_ms) == ("WAITING", 0)


def test_a_job_is_found_only_in_its_own_room(tenant: Tenant) -> None:
    job = started(tenant)
    tenant.add_room({"room_name": "other"}, NOW_MS, "r2")
    assert tenant.job("r1", job.job_id) is job
    assert code(tenant.job("r2", job.job_id)) == "MSS.20010074"
    assert code(tenant.job("r1", "nothing")) == "MSS.20010074"


def test_a_stopped_job_has_succeeded_and_cannot_be_stopped_again(tenant: Tenant) -> None:
    job = started(tenant)
    assert tenant.stop_job("r1", job.job_id, NOW_MS + 5000) is None
    assert (job.state, job.is_over, job.ended_at_ms, job.updated_at_ms) == (
        "SUCCEED",
        True,
        NOW_MS + 5000,
        NOW_MS + 5000,
    )
    assert code(tenant.stop_job("r1", job.job_id, NOW_MS)) == "MSS.20020001"
    assert code(tenant.stop_job("r1", "nothing", NOW_MS)) == "MSS.20010074"


def test_a_blocked_job_says_why(tenant: Tenant) -> None:
    job = started(tenant)
    tenant.move_job(job, "BLOCKED", NOW_MS, "bad words")
    assert (job.is_over, job.block_reason) == (True, "bad words")
    tenant.move_job(job, "PROCESSING", NOW_MS + 1, "not a reason")
    assert (job.is_over, job.block_reason, job.ended_at_ms, job.started_at_ms) == (False, "", 0, NOW_MS)


def test_rooms_and_jobs_have_a_ceiling(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MAX_ROOMS", 1)
    monkeypatch.setattr(state, "MAX_JOBS", 1)
    started(tenant)
    assert code(tenant.start_job("r1", {}, NOW_MS)) == "MSS.20010056"
    assert code(tenant.add_room({"room_name": "x"}, NOW_MS)) == "MSS.20010056"


def test_jobs_are_listed_oldest_first_and_ten_at_a_time_by_default(tenant: Tenant) -> None:
    made = [started(tenant, at_ms=NOW_MS + number).job_id for number in range(12)]
    count, jobs = tenant.find_jobs(query(), "r1")
    assert (count, [job.job_id for job in jobs]) == (12, made[:10])
    assert ids(tenant, offset="10") == made[10:]
    assert ids(tenant, sort_dir="desc", limit="2") == [made[11], made[10]]


def test_jobs_can_be_sorted_by_update(tenant: Tenant) -> None:
    first, second = started(tenant), started(tenant)
    tenant.stop_job("r1", first.job_id, NOW_MS + 1)
    assert ids(tenant, sort_key="update_time") == [second.job_id, first.job_id]
    assert ids(tenant, sort_key="asset_order") == [first.job_id, second.job_id]


def test_jobs_are_filtered_by_state_and_unknown_states_match_nothing(tenant: Tenant) -> None:
    running, ended = started(tenant), started(tenant)
    tenant.stop_job("r1", ended.job_id, NOW_MS)
    assert ids(tenant, state="WAITING,PROCESSING") == [running.job_id]
    assert ids(tenant, state="CREATING,PUBLISHED") == []


def test_jobs_are_filtered_by_creation_in_whole_seconds(tenant: Tenant) -> None:
    job = started(tenant, at_ms=1_610_268_197_500)  # 2021-01-10T08:43:17.5Z
    assert ids(tenant, create_since="2021-01-10T08:43:17Z", create_until="2021-01-10T08:43:17Z") == [job.job_id]
    assert ids(tenant, create_since="2021-01-10T08:43:18Z") == []
    assert ids(tenant, create_until="2021-01-10T08:43:16Z") == []


def test_the_tenants_list_has_all_rooms_and_filters_by_a_part_of_the_name(tenant: Tenant) -> None:
    tenant.add_room({"room_name": "morning market"}, NOW_MS, "r2")
    evening, morning = started(tenant), started(tenant, "r2")
    assert ids(tenant, None) == [evening.job_id, morning.job_id]
    assert ids(tenant, None, room_name="market") == [morning.job_id]
    assert ids(tenant, "r1", room_name="market") == [evening.job_id]


def rooms(tenant: Tenant, **parameters: str) -> list[str]:
    result = room_query(parameters)
    assert isinstance(result, RoomQuery)
    return [room.room_id for room, _jobs in tenant.find_rooms(result)[1]]


def test_rooms_are_filtered_by_name_type_and_newest_job(tenant: Tenant) -> None:
    tenant.add_room({"room_name": "morning market", "room_type": "TEMP"}, NOW_MS, "r2")
    job = started(tenant)
    assert rooms(tenant) == ["r1", "r2"]
    assert rooms(tenant, limit="1", offset="1") == ["r2"]
    assert rooms(tenant, room_name="even") == ["r1"]
    assert rooms(tenant, room_type="TEMP") == ["r2"]
    assert rooms(tenant, live_state="PROCESSING") == ["r1"]
    assert rooms(tenant, live_state="NULL") == ["r2"]
    assert rooms(tenant, start_time="2021-01-10T08:43:17Z") == ["r1"]
    assert rooms(tenant, start_time="2099-01-10T08:43:17Z") == []
    tenant.stop_job("r1", job.job_id, NOW_MS)
    assert rooms(tenant, live_state="SUCCESS") == ["r1"]
