from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from bridge.sandbox import Sandbox
from tests.sandbox.fakes import JSON, NOW_MS, FakeClock, event, report_body

KEY = "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly"


@dataclass
class Desk:
    """The sandbox's own calls, from outside."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    clock: FakeClock

    async def ask(self, method: str, path: str, data: Any = None) -> tuple[int, Any]:
        body = None if data is None else data if isinstance(data, bytes) else orjson.dumps(data)
        async with self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", data=body) as answer:
            assert answer.headers["X-Request-Id"]
            return answer.status, orjson.loads(await answer.read())

    async def get(self, path: str) -> Any:
        status, data = await self.ask("GET", path)
        assert status == 200, data
        return data

    async def post(self, path: str, data: Any = None) -> Any:
        status, answer = await self.ask("POST", path, data)
        assert status == 200, answer
        return answer

    async def report(self, *events: Any, url: str = "") -> int:
        async with self.http.post(url or self.sandbox.report_url, data=report_body(*events), headers=JSON) as answer:
            return answer.status


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = FakeClock()
    async with Sandbox(clock=clock, job_id="j1", room_id="r1") as sandbox, aiohttp.ClientSession() as http:
        yield Desk(sandbox, http, clock)


async def test_accepted_events_are_listed_in_order_with_their_call(desk: Desk) -> None:
    await desk.report(event(1), event(6))
    await desk.report({"wrong": True})
    await desk.report(event(4))
    data = await desk.get("events?job_id=j1")
    assert data == {
        "job_id": "j1",
        "events": [event(1) | {"call": 1}, event(6) | {"call": 1}, event(4) | {"call": 3}],
    }
    assert (await desk.get("events?job_id=j1&after_call=1"))["events"] == [event(4) | {"call": 3}]
    assert (await desk.get("events"))["events"][0] == event(1) | {"call": 1, "job_id": "j1"}


async def test_events_of_a_quiet_job_are_none_and_of_no_job_not_found(desk: Desk) -> None:
    assert await desk.get("events?job_id=j1") == {"job_id": "j1", "events": []}
    assert await desk.ask("GET", "events?job_id=j9") == (404, {"error": "job_id: no such job"})
    for wrong in ("x", "-1", "²", "9" * 30):
        assert (await desk.ask("GET", f"events?after_call={wrong}"))[0] == 400


async def test_a_call_without_events_leaves_no_gap_in_the_list() -> None:
    async with Sandbox(checks="light") as sandbox, aiohttp.ClientSession() as http:
        for body in (b'{"total":1}', report_body(event())):
            async with http.post(sandbox.report_url, data=body, headers=JSON) as answer:
                assert answer.status == 200
        async with http.get(f"{sandbox.base_url}/_sandbox/events?job_id={sandbox.job_id}") as answer:
            assert [item["call"] for item in (await answer.json())["events"]] == [2]


async def test_events_can_be_forgotten(desk: Desk) -> None:
    await desk.report(event())
    await desk.ask("DELETE", "events")
    assert (await desk.get("events?job_id=j1"))["events"] == []
    assert (await desk.get("stats"))["accepted"] == 1


async def test_calls_tell_what_became_of_each_report(desk: Desk) -> None:
    await desk.report(event())
    await desk.report({"wrong": True})
    calls = (await desk.get("calls"))["calls"]
    assert [(call["call"], call["status"], call["events"]) for call in calls] == [(1, 200, 1), (2, 400, 0)]
    assert [call["call"] for call in (await desk.get("calls?after_call=1"))["calls"]] == [2]


async def test_stats_name_credentials_totals_and_jobs(desk: Desk) -> None:
    await desk.report(event())
    await desk.report({"wrong": True})
    await desk.post("faults", {"status": 500})
    stats = await desk.get("stats")
    sandbox = desk.sandbox
    assert stats["report_url"] == sandbox.report_url
    assert stats["project_id"] == sandbox.project_id
    assert stats["access_key"] == sandbox.access_key
    assert stats["secret_key"] == sandbox.secret_key
    assert (stats["calls"], stats["accepted"], stats["refused"], stats["contract_violations"]) == (2, 1, 1, 1)
    assert stats["refused_by_code"] == {"MSS.00000003": 1}
    assert stats["faults_waiting"] == [{"status": 500}]
    assert (stats["access_key_locks"], stats["access_key_locked"]) == (0, False)
    assert stats["jobs"] == [
        {
            "job_id": "j1",
            "room_id": "r1",
            "state": "PROCESSING",
            "accepted": 1,
            "report_url": sandbox.report_url,
            "expires_at_ms": NOW_MS + 3_600_000,
        }
    ]


async def test_faults_are_added_shown_and_cleared(desk: Desk) -> None:
    assert await desk.post("faults", [{"times": 2, "status": 500}]) == {"waiting": [{"times": 2, "status": 500}]}
    assert await desk.report(event()) == 500
    assert await desk.get("faults") == {"waiting": [{"status": 500}]}
    assert await desk.ask("DELETE", "faults") == (200, {"waiting": []})
    assert await desk.report(event()) == 200


@pytest.mark.parametrize("data", [b"", b"{", [{"staus": 500}]])
async def test_a_wrong_script_is_refused(desk: Desk, data: Any) -> None:
    status, answer = await desk.ask("POST", "faults", data)
    assert status == 400
    assert answer["error"]


async def test_clearing_the_faults_lifts_the_lock_of_the_access_key(desk: Desk) -> None:
    header = {
        "Authorization": f"SDK-HMAC-SHA256 Access={desk.sandbox.access_key}, SignedHeaders=a, Signature={'0' * 64}"
    }
    for _ in range(6):
        async with desk.http.get(f"{desk.sandbox.base_url}/v3/projects", headers=header) as answer:
            assert answer.status == 401
    assert (await desk.get("stats"))["access_key_locked"]
    await desk.ask("DELETE", "faults")
    assert not (await desk.get("stats"))["access_key_locked"]


async def test_jobs_can_be_started_ended_failed_and_blocked(desk: Desk) -> None:
    second = await desk.post("jobs", {"action": "start", "job_id": "j2", "state": "WAITING"})
    assert (second["job_id"], second["room_id"], second["state"]) == ("j2", "r1", "WAITING")
    assert await desk.report(event(), url=second["live_event_report_url"]) == 200
    assert (await desk.post("jobs", {"action": "run", "job_id": "j2"}))["state"] == "PROCESSING"
    assert (await desk.post("jobs", {"action": "fail", "job_id": "j2"}))["state"] == "FAILED"
    blocked = await desk.post("jobs", {"action": "block", "job_id": "j2", "reason": "bad words"})
    assert (blocked["state"], blocked["block_reason"]) == ("BLOCKED", "bad words")
    assert (await desk.post("jobs", {"action": "end"}))["job_id"] == "j1"
    assert [job["state"] for job in (await desk.get("jobs"))["jobs"]] == ["SUCCEED", "BLOCKED"]
    assert await desk.report(event()) == 404
    assert (await desk.post("jobs", {"action": "start"}))["state"] == "PROCESSING"


async def test_a_wrong_order_for_a_job_is_refused(desk: Desk) -> None:
    assert (await desk.ask("POST", "jobs", {"action": "end", "job_id": "j9"}))[0] == 404
    assert (await desk.ask("POST", "jobs", {"action": "start", "room_id": "r9"}))[0] == 404
    assert (await desk.ask("POST", "jobs", {"action": "explode"}))[0] == 400


async def test_urls_expire_on_command_now_or_later(desk: Desk) -> None:
    url = desk.sandbox.report_url
    assert await desk.post("expire", {"in_secs": 5}) == {"expired": 1}
    assert await desk.report(event(), url=url) == 200
    desk.clock.elapsed = 5
    assert await desk.report(event(), url=url) == 401
    url = desk.sandbox.report_url
    assert await desk.post("expire") == {"expired": 2}
    assert await desk.report(event(), url=url) == 401
    assert (await desk.ask("POST", "expire", {"job_id": "j9"}))[0] == 404


async def test_the_urls_of_one_job_can_expire(desk: Desk) -> None:
    second = await desk.post("jobs", {"action": "start", "job_id": "j2"})
    first_url, second_url = desk.sandbox.report_url, second["live_event_report_url"]
    assert await desk.post("expire", {"job_id": "j2"}) == {"expired": 1}
    assert await desk.report(event(), url=first_url) == 200
    assert await desk.report(event(), url=second_url) == 401


async def test_the_life_of_new_urls_can_be_set(desk: Desk) -> None:
    await desk.post("expire", {"url_life_secs": 3, "job_id": "j1"})
    assert desk.sandbox.report_url.endswith(f"expires_time={NOW_MS + 3000}")


async def test_tokens_expire_or_are_revoked_on_command(desk: Desk) -> None:
    tokens = desk.sandbox._cloud.tokens

    async def status(token: str) -> int:
        headers = {"X-Auth-Token": token}
        url = f"{desk.sandbox.base_url}/v1/{desk.sandbox.project_id}/smart-live-jobs"
        async with desk.http.get(url, headers=headers) as answer:
            return answer.status

    first, _ = tokens.issue(desk.sandbox.project_id, NOW_MS)
    assert await status(first) == 200
    assert await desk.post("expire", {"what": "revoked_tokens"}) == {"expired": 1}
    assert await status(first) == 400
    second, _ = tokens.issue(desk.sandbox.project_id, NOW_MS)
    assert await desk.post("expire", {"what": "tokens"}) == {"expired": 2}
    assert await status(second) == 401


@dataclass
class Owner:
    """The operator's side of a callback."""

    url: str
    got: list[tuple[str, dict[str, str], bytes]]


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    got: list[tuple[str, dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(
            (request.path_qs, {key.lower(): value for key, value in request.headers.items()}, await request.read())
        )
        return web.Response(status=401, text="forged") if "refuse" in request.path else web.Response(text="ok")

    runner = web.ServerRunner(web.Server(take))  # type: ignore[arg-type]  # a request of a bare server is a base request
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Owner(f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks/show", got)
    await runner.cleanup()


async def test_a_callback_is_sent_signed_and_its_answer_shown(desk: Desk, owner: Owner) -> None:
    order = {
        "target": owner.url,
        "signed_url": "https://api.example.com/v1/products?live_id=111&limit=10&offset=0",
        "auth_type": "MSS_A_HEAD",
        "key": KEY,
        "event_type": "RTMP_STREAM_STATE_CHANGE",
        "message": {"state": "END"},
        "time_offset_secs": (1725928200_000 - NOW_MS) / 1000,
    }
    answer = await desk.post("callback", order)
    assert (answer["status"], answer["answer"]) == (200, "ok")
    ((path, headers, body),) = owner.got
    assert path == "/callbacks/show"
    assert headers["x-hw-mss-secret"] == "5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7"
    assert headers["x-hw-mss-time"] == "66df9308"
    assert headers["content-type"] == "application/json"
    assert answer["sent"]["body"].encode() == body
    message = orjson.loads(orjson.loads(body)["message"])
    assert (message["room_id"], message["job_id"], message["state"]) == ("r1", "j1", "END")


async def test_a_callback_takes_what_is_absent_from_the_jobs_settings(desk: Desk, owner: Owner) -> None:
    room = desk.sandbox._cloud.tenant.rooms["r1"]
    room.data["live_event_callback_config"] = {
        "live_event_type_callback_url": owner.url,
        "auth_type": "MSS_A",
        "key": KEY,
    }
    await desk.post("callback")
    path = owner.got[0][0]
    assert path.startswith("/callbacks/show?hwSecret=")
    assert "&hwTime=" in path


async def test_the_url_configured_in_the_cloud_is_what_is_signed(desk: Desk, owner: Owner) -> None:
    config = {"live_event_type_callback_url": "https://bridge.example.com/x", "auth_type": "MSS_A_HEAD", "key": KEY}
    desk.sandbox._cloud.tenant.rooms["r1"].data["live_event_callback_config"] = config
    await desk.post("callback", {"target": owner.url})
    await desk.post("callback", {"target": owner.url, "signed_url": "https://bridge.example.com/x"})
    await desk.post("callback", {"target": owner.url, "signed_url": owner.url})
    secrets = [headers["x-hw-mss-secret"] for _path, headers, _body in owner.got]
    assert secrets[0] == secrets[1] != secrets[2]


async def test_a_configured_way_to_sign_that_is_not_documented_is_refused(desk: Desk, owner: Owner) -> None:
    config = {"live_event_type_callback_url": owner.url, "auth_type": "MEITUAN_DEFAULT", "key": KEY}
    desk.sandbox._cloud.tenant.rooms["r1"].data["live_event_callback_config"] = config
    status, answer = await desk.ask("POST", "callback")
    assert (status, answer["error"]) == (400, "auth_type: NONE, MSS_A or MSS_A_HEAD expected")


async def test_the_same_callback_can_come_again(desk: Desk, owner: Owner) -> None:
    refused = await desk.ask("POST", "callback", {"again": True})
    assert refused == (400, {"error": "again: no callback was sent yet"})
    order = {"target": owner.url, "auth_type": "MSS_A_HEAD", "key": KEY}
    await desk.post("callback", order)
    desk.clock.elapsed = 30
    await desk.post("callback", {"again": True})
    assert owner.got[0] == owner.got[1]


async def test_a_callbacks_body_can_be_anything(desk: Desk, owner: Owner) -> None:
    await desk.post("callback", {"target": owner.url, "body": "{not json"})
    assert owner.got[0][2] == b"{not json"
    assert "x-hw-mss-secret" not in owner.got[0][1]


async def test_a_refused_callback_shows_the_status(desk: Desk, owner: Owner) -> None:
    answer = await desk.post("callback", {"target": f"{owner.url}/refuse"})
    assert (answer["status"], answer["answer"]) == (401, "forged")


async def test_a_callback_that_nobody_takes_says_so(desk: Desk) -> None:
    status, answer = await desk.ask("POST", "callback", {"target": "http://127.0.0.1:1/"})
    assert (status, answer["status"]) == (502, 0)
    assert answer["error"]


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({}, "target: is missing"),
        ({"target": "http://example.com/"}, "target: "),
        ({"target": "https://x.example.com/", "auth_type": "MSS_A"}, "key: is missing"),
        ({"target": "https://x.example.com/", "auth_type": "MEITUAN_DEFAULT"}, "auth_type: "),
        ({"target": "https://x.example.com/", "job_id": "j9"}, "job_id: no such job"),
    ],
)
async def test_a_wrong_callback_is_not_sent(desk: Desk, order: Any, problem: str) -> None:
    status, answer = await desk.ask("POST", "callback", order)
    assert status == 400
    assert problem in answer["error"]


async def test_the_index_names_every_call(desk: Desk) -> None:
    calls = await desk.get("")
    assert "POST /_sandbox/faults" in calls
    assert all(calls.values())


async def test_an_unknown_call_is_not_found(desk: Desk) -> None:
    assert (await desk.ask("GET", "nothing"))[0] == 404
    assert (await desk.ask("PUT", "stats"))[0] == 404
