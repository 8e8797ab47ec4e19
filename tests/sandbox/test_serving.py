from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from bridge.sandbox import Sandbox
from bridge.sandbox.checks import MAX_BODY_BYTES
from tests.sandbox.fakes import JSON, NOW_MS, FakeClock, event, report_body

BODY = report_body(event(1), event(6))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def sandbox(clock: FakeClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


class Reply:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def data(self) -> Any:
        return orjson.loads(self.body)


async def post(
    http: aiohttp.ClientSession, url: str, body: bytes = BODY, headers: dict[str, str] | None = None
) -> Reply:
    async with http.post(url, data=body, headers=headers or JSON, allow_redirects=False) as answer:
        return Reply(answer.status, answer.headers, await answer.read())


def last_call(sandbox: Sandbox) -> Any:
    return sandbox._cloud.ledger.calls[-1]


async def test_an_answer_has_a_request_id_and_the_clouds_own_date(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    reply = await post(http, sandbox.report_url)
    assert reply.status == 200
    assert len(reply.headers["X-Request-Id"]) == 32
    assert reply.headers.getall("Date") == ["Thu, 09 Oct 2025 08:53:20 GMT"]
    assert reply.headers["Content-Type"] == "application/json"


async def test_a_refusal_has_the_clouds_form(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    reply = await post(http, sandbox.report_url, b"{}")
    assert (reply.status, reply.data["error_code"]) == (400, "MSS.00000003")
    reply = await post(http, f"{sandbox.base_url}/v2/nothing")
    assert (reply.status, reply.data["error_code"]) == (404, "APIGW.0101")
    assert reply.data["request_id"] == reply.headers["X-Request-Id"]


async def test_every_report_call_is_written_down(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    await post(http, f"{sandbox.report_url}&refresh_url=true")
    record = last_call(sandbox)
    assert (record.call, record.received_at_ms, record.job_id) == (1, NOW_MS, sandbox.job_id)
    assert (record.status, record.events, record.body_bytes) == (200, 2, len(BODY))
    assert (record.credential, record.refresh_url, record.fault) == ("url", True, "")
    await post(http, sandbox.report_url.partition("?")[0])
    record = last_call(sandbox)
    assert (record.call, record.status, record.error_code, record.credential) == (2, 401, "MSS.00000001", "none")
    assert sandbox._cloud.ledger.totals()["calls_by_name"] == {"live_event_report": 2}


async def test_a_body_over_12_mb_is_too_large(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 2**20 + 1):
            yield b" " * 2**20

    async with http.post(sandbox.report_url, data=chunks(), headers=JSON) as answer:
        assert (answer.status, (await answer.json())["error_code"]) == (413, "APIGW.0201")


async def test_a_body_that_says_it_is_over_12_mb_is_not_even_read(sandbox: Sandbox) -> None:
    host, _, port = sandbox.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    target = sandbox.report_url.removeprefix(sandbox.base_url)
    writer.write(f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode())
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()


async def test_a_compressed_body_is_refused(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    reply = await post(http, sandbox.report_url, b"\x1f\x8b", JSON | {"Content-Encoding": "gzip"})
    assert (reply.status, reply.data["error_code"]) == (400, "MSS.10000002")
    assert "Content-Encoding" in reply.data["error_msg"]


async def test_a_query_without_end_is_refused(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    reply = await post(http, f"{sandbox.base_url}/v3/x?{'a&' * 1500}")
    assert (reply.status, reply.data["error_code"]) == (400, "MSS.00000003")


async def test_the_url_answered_names_the_host_that_was_asked(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    reply = await post(http, sandbox.report_url, headers=JSON | {"Host": "sandbox.local:9300"})
    assert reply.data["live_event_report_url"].startswith("http://sandbox.local:9300/v1/")
    reply = await post(http, sandbox.report_url, headers=JSON | {"Host": "a b/<c>"})
    assert reply.data["live_event_report_url"].startswith(sandbox.base_url)


async def test_a_scripted_status_turns_the_call_away(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"status": 503, "retry_after": 7, "error_msg": "later"}, {"status": 429, "body": "<html>"})
    reply = await post(http, sandbox.report_url)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "7")
    assert "Location" not in reply.headers
    assert reply.data == {"error_code": "MSS.00000004", "error_msg": "later"}
    assert (await post(http, sandbox.report_url)).body == b"<html>"
    assert sandbox.accepted() == 0
    assert last_call(sandbox).fault == "status=429, body=<html>"
    sandbox.misbehave({"status": 500, "body": "x" * 1000})
    assert (await post(http, sandbox.report_url)).body == b"x" * 1000
    assert len(last_call(sandbox).fault) == 200
    assert (await post(http, sandbox.report_url)).status == 200


async def test_a_scripted_redirect_names_its_place(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"status": 307, "location": "http://elsewhere.example.com/"})
    reply = await post(http, sandbox.report_url)
    assert (reply.status, reply.headers["Location"]) == (307, "http://elsewhere.example.com/")
    assert sandbox.accepted() == 0


async def test_a_scripted_delay_only_delays(sandbox: Sandbox, http: aiohttp.ClientSession, clock: FakeClock) -> None:
    sandbox.misbehave({"delay_ms": 250})
    assert (await post(http, sandbox.report_url)).status == 200
    assert clock.slept == [0.25]


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("during", 0), ("after", 2)])
async def test_a_scripted_reset_cuts_the_connection(
    sandbox: Sandbox, http: aiohttp.ClientSession, when: str, accepted: int
) -> None:
    sandbox.misbehave({"reset": when})
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await post(http, sandbox.report_url)
    assert sandbox.accepted() == accepted
    assert (last_call(sandbox).status, last_call(sandbox).events) == (0, accepted)
    assert (await post(http, sandbox.report_url)).status == 200


async def test_a_lost_answer_comes_after_the_events_were_taken(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"lost_answer": True})
    call = asyncio.create_task(post(http, sandbox.report_url))
    await sandbox.wait_for_events(2)
    done, _ = await asyncio.wait({call}, timeout=0.05)
    assert not done
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert sandbox.accepted() == 2
    assert (await post(http, sandbox.report_url)).status == 200


async def test_a_refusal_is_not_lost(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"lost_answer": True}, {"garbage": True})
    assert (await post(http, sandbox.report_url, b"{}")).status == 400
    assert (await post(http, sandbox.report_url, b"{}")).data["error_code"] == "MSS.00000003"


async def test_garbage_comes_after_the_events_were_taken(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"garbage": True})
    reply = await post(http, sandbox.report_url)
    assert reply.status == 200
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(reply.body)
    assert sandbox.accepted() == 2


async def test_an_error_may_come_after_the_events_were_taken(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"status": 502, "accepted": True}, {"status": 204})
    reply = await post(http, sandbox.report_url)
    assert (reply.status, reply.data["error_code"]) == (502, "MSS.00000004")
    assert sandbox.accepted() == 2
    assert (await post(http, sandbox.report_url)).status == 204
    assert sandbox.accepted() == 4


async def test_another_url_and_another_body_can_be_answered(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"answer_url": "https://evil.example.com/?auth_key=1"}, {"body": "{}"})
    assert (await post(http, sandbox.report_url)).data == {
        "live_event_report_url": "https://evil.example.com/?auth_key=1"
    }
    assert (await post(http, sandbox.report_url)).data == {}
    assert sandbox.accepted() == 4


async def test_an_answer_can_drip(sandbox: Sandbox, http: aiohttp.ClientSession, clock: FakeClock) -> None:
    sandbox.misbehave({"drip_bytes_per_second": 4})
    reply = await post(http, sandbox.report_url)
    assert reply.data == {"live_event_report_url": sandbox.report_url}
    assert clock.slept == [0.25] * len(reply.body)
    assert reply.headers["X-Request-Id"]


async def test_the_url_can_expire_just_before_a_call(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"expire_url": True})
    assert (await post(http, sandbox.report_url)).status == 401
    assert (await post(http, sandbox.report_url)).status == 200


async def test_rules_hold_for_reports_until_they_are_cleared(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"max_bytes": len(BODY) - 1})
    assert (await post(http, sandbox.report_url)).status == 413
    assert (await post(http, sandbox.report_url, report_body(event(6)))).status == 200
    sandbox.misbehave({"throttle_per_second": 1})
    sandbox.behave()
    assert (await post(http, sandbox.report_url)).status == 200
    assert (await post(http, sandbox.report_url)).status == 200


async def test_faults_can_meet_the_other_calls(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    sandbox.misbehave({"call": "jobs", "status": 500}, {"call": "jobs", "expire_url": True})
    assert (await post(http, sandbox.report_url)).status == 200
    url = f"{sandbox.base_url}/v1/{sandbox.project_id}/smart-live-jobs"
    async with http.get(url) as answer:
        assert answer.status == 500
    async with http.get(url) as answer:
        assert answer.status == 401
