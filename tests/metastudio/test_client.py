"""The management calls against a server that checks what arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.metastudio.auth import AccessKeyAuth, TokenAuth
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.models import JobQuery, RoomQuery, RoomRequest, StartJobRequest
from bridge.metastudio.signing import SigningKey
from bridge.secret import Secret
from tests.metastudio.calling import Bench, page
from tests.metastudio.fake_cloud import (
    ACCESS_KEY,
    PROJECT,
    SECRET_KEY,
    answer,
)
from tests.metastudio.room_file import room

BASE = f"/v1/{PROJECT}/smart-live-rooms"


def job(job_id: str, state: str = "PROCESSING", **more: Any) -> dict[str, Any]:
    return {"job_id": job_id, "state": state, **more}


CALLS: dict[str, tuple[Callable[[MetaStudioClient], Awaitable[Any]], str, str, Any]] = {
    "list jobs": (lambda c: c.list_jobs("r1"), "GET", f"{BASE}/r1/smart-live-jobs", None),
    "list all jobs": (lambda c: c.list_all_jobs(), "GET", f"/v1/{PROJECT}/smart-live-jobs", None),
    "show job": (lambda c: c.show_job("r1", "j1"), "GET", f"{BASE}/r1/smart-live-jobs/j1", None),
    "start job": (lambda c: c.start_job("r1"), "POST", f"{BASE}/r1/smart-live-jobs", {}),
    "stop job": (lambda c: c.stop_job("r1", "j1"), "POST", f"{BASE}/r1/smart-live-jobs/j1/stop", None),
    "list rooms": (lambda c: c.list_rooms(), "GET", BASE, None),
    "show room": (lambda c: c.show_room("r1"), "GET", f"{BASE}/r1", None),
    "delete room": (lambda c: c.delete_room("r1"), "DELETE", f"{BASE}/r1", None),
    "create room": (lambda c: c.create_room(RoomRequest.from_operator(room())), "POST", BASE, room()),
    "update room": (lambda c: c.update_room("r1", RoomRequest.from_operator(room())), "PUT", f"{BASE}/r1", room()),
}


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_arrives_signed_and_as_documented(bench: Bench, name: str) -> None:
    call, method, path, body = CALLS[name]
    bench.cloud.will(answer(200, {"job_id": "j1", "room_id": "r1", "count": 0}))

    await call(bench.client)

    assert (bench.last.method, bench.last.path) == (method, path)
    assert bench.last.headers["x-project-id"] == PROJECT
    assert bench.last.headers["content-type"] == "application/json"
    assert bench.last.signed_names == "content-type;host;x-project-id;x-sdk-date"
    assert bench.last.is_signed_by(ACCESS_KEY, SECRET_KEY)
    assert (bench.last.json if bench.last.body else None) == body


async def test_the_checker_itself_refuses_another_key_and_another_body(bench: Bench) -> None:
    bench.cloud.will(answer(200, {"room_id": "r1"}))
    await bench.client.create_room(RoomRequest(room_name="x"))
    assert not bench.last.is_signed_by(ACCESS_KEY, "another")
    bench.last.body += b" "
    assert not bench.last.is_signed_by(ACCESS_KEY, SECRET_KEY)


async def test_a_temporary_key_and_a_sub_user_are_part_of_what_is_signed(bench: Bench) -> None:
    auth = AccessKeyAuth(
        SigningKey(ACCESS_KEY, Secret(SECRET_KEY), Secret("tok==")), project_id=PROJECT, clock=bench.clock
    )
    await bench.another(auth, app_user_id="shop-7").list_all_jobs()
    assert bench.last.signed_names == "content-type;host;x-app-userid;x-project-id;x-sdk-date;x-security-token"
    assert (bench.last.headers["x-app-userid"], bench.last.headers["x-security-token"]) == ("shop-7", "tok==")
    assert bench.last.is_signed_by(ACCESS_KEY, SECRET_KEY)


async def test_a_given_token_is_sent_and_nothing_is_signed(bench: Bench) -> None:
    await bench.another(TokenAuth(Secret("t" * 16_384), project_id=PROJECT)).list_all_jobs()
    assert bench.last.headers["x-auth-token"] == "t" * 16_384
    assert "authorization" not in bench.last.headers


async def test_ids_are_escaped_in_the_path(bench: Bench) -> None:
    await bench.client.show_room("a/b ?市")
    assert bench.last.path == f"{BASE}/a%2Fb%20%3F%E5%B8%82"
    assert bench.last.is_signed_by(ACCESS_KEY, SECRET_KEY)


async def test_filters_go_out_as_documented(bench: Bench) -> None:
    bench.cloud.will(page())
    query = JobQuery(
        states=("WAITING", "FAILED"), newest_first=False, created_until="2026-01-01T00:00:00Z", room_name="夜", limit=7
    )
    await bench.client.list_all_jobs(query)
    expected = {
        "offset": "0",
        "limit": "7",
        "state": "WAITING,FAILED",
        "sort_key": "create_time",
        "sort_dir": "asc",
        "create_until": "2026-01-01T00:00:00Z",
    }
    assert bench.last.query == expected | {"room_name": "夜"}
    await bench.client.list_jobs("r1", query)
    assert bench.last.query == expected
    assert bench.last.is_signed_by(ACCESS_KEY, SECRET_KEY)


async def test_all_pages_are_gone_through_and_a_job_that_moves_comes_once(bench: Bench) -> None:
    bench.cloud.will(page(job("j1"), job("j2"), count=4), page(job("j2"), job("j3"), count=4), page(count=4))
    assert [found.job_id async for found in bench.client.each_job(JobQuery(limit=2))] == ["j1", "j2", "j3"]
    assert [call.query["offset"] for call in bench.cloud.calls] == ["0", "2"]


async def test_a_list_that_never_ends_is_left(bench: Bench) -> None:
    bench.cloud.will(page(job("j1"), count=10**9))
    assert [found.job_id async for found in bench.client.each_job(room_id="r1")] == ["j1"]
    assert len(bench.cloud.calls) == 2


async def test_all_pages_of_rooms_are_gone_through(bench: Bench) -> None:
    rooms = [answer(200, {"count": 3, "smart_live_rooms": [{"room_id": f"r{n}"}]}) for n in range(3)]
    bench.cloud.will(*rooms)
    query = RoomQuery(room_name="night", limit=1)
    assert [found.room_id async for found in bench.client.each_room(query)] == ["r0", "r1", "r2"]
    assert bench.last.query == {"room_name": "night", "offset": "2", "limit": "1"}


async def test_the_newest_running_job_is_chosen_before_a_newer_waiting_one(bench: Bench) -> None:
    bench.cloud.will(page(job("new", "WAITING"), job("run-2"), job("run-1")))
    found = await bench.client.newest_job("r1")
    assert found is not None
    assert found.job_id == "run-2"
    assert bench.last.query["state"] == "PROCESSING,WAITING"
    assert bench.last.query["sort_dir"] == "desc"


async def test_the_newest_waiting_job_is_chosen_when_none_runs(bench: Bench) -> None:
    bench.cloud.will(page(job("w2", "WAITING"), job("w1", "WAITING")))
    found = await bench.client.newest_job("r1")
    assert found is not None
    assert found.job_id == "w2"


async def test_an_ended_job_is_never_chosen_even_if_the_filter_is_not_heeded(bench: Bench) -> None:
    bench.cloud.will(page(job("a", "SUCCEED"), job("b", "BLOCKED"), job("c", "FAILED")))
    assert await bench.client.newest_job("r1") is None


async def test_a_running_job_on_the_second_page_is_found(bench: Bench) -> None:
    bench.cloud.will(page(job("w", "WAITING"), count=2), page(job("run"), count=2))
    found = await bench.client.newest_job("r1")
    assert found is not None
    assert found.job_id == "run"


async def test_a_started_job_brings_its_report_url(bench: Bench) -> None:
    bench.cloud.will(answer(202, {"job_id": "j1", "live_event_report_url": "https://m.example.com/r?auth_key=k"}))
    started = await bench.client.start_job("r1", StartJobRequest.from_operator({"stream_keys": ["s"]}))
    assert started.job_id == "j1"
    assert started.live_event_report_url == Secret("https://m.example.com/r?auth_key=k")
    assert bench.last.json == {"stream_keys": ["s"]}


async def test_a_created_room_is_known_by_its_id(bench: Bench) -> None:
    bench.cloud.will(answer(200, {"room_id": "r9"}))
    assert await bench.client.create_room(RoomRequest(room_name="x")) == "r9"
