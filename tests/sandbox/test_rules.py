from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from bridge.metastudio import signing
from bridge.sandbox import Sandbox
from bridge.secret import Secret
from tests.metastudio.rule_shows import GIFT, rule, tag, wire
from tests.sandbox.fakes import JSON, SECRET_KEY, FakeClock, report_body

RULES = [
    rule("price", tag("content", "REGEX", "price"), window=60, texts=["9.90"]),
    rule("roses", tag("giftNum", "MATH_GE", "3", "SUM"), kind=GIFT, texts=["Thank you!"], mode="CALLBACK"),
]


class Operator:
    """Somebody with the access key, and somebody who looks under ``/_sandbox/``."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession, clock: FakeClock) -> None:
        self.sandbox = sandbox
        self.http = http
        self._clock = clock

    async def call(self, method: str, path: str, data: Any) -> Any:
        body = orjson.dumps(data)
        url = f"{self.sandbox.base_url}/v1/{self.sandbox.project_id}/{path}"
        key = signing.SigningKey(self.sandbox.access_key, Secret(SECRET_KEY))
        headers = JSON | {"X-Project-Id": self.sandbox.project_id}
        added = signing.authorization(key, method, url, headers, body, signing.sdk_date(self._clock.now_ms()))
        async with self.http.request(method, url, data=body, headers=headers | added) as answer:
            assert answer.status < 300, await answer.text()
            return orjson.loads(await answer.read() or b"{}")

    async def started(self, rules: list[dict[str, Any]]) -> tuple[str, str, str]:
        """Create a room with these rules and start a job in it; returns room, job and report URL."""
        room_id = (await self.call("POST", "smart-live-rooms", {"room_name": "r", "interaction_rules": rules}))[
            "room_id"
        ]
        job = await self.call("POST", f"smart-live-rooms/{room_id}/smart-live-jobs", {})
        return room_id, job["job_id"], job["live_event_report_url"]

    async def report(self, url: str, *events: Any) -> None:
        async with self.http.post(url, data=report_body(*events), headers=JSON) as answer:
            assert answer.status == 200, await answer.text()

    async def replies(self, query: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.sandbox.base_url}/_sandbox/replies{query}") as answer:
            return answer.status, orjson.loads(await answer.read())

    async def told(self, job_id: str, more: str = "") -> list[tuple[int, str, str]]:
        status, data = await self.replies(f"?job_id={job_id}{more}")
        assert (status, data["job_id"]) == (200, job_id)
        return [(reply["event"], reply["rule"], reply["reply"]) for reply in data["replies"]]


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    clock = FakeClock()
    async with Sandbox(clock=clock, secret_key=SECRET_KEY, job_id="j1") as sandbox, aiohttp.ClientSession() as http:
        yield Operator(sandbox, http, clock)


async def test_the_rules_of_a_created_room_answer_what_its_job_accepts(operator: Operator) -> None:
    _, job_id, url = await operator.started(RULES)
    await operator.report(url, wire(content="hello"), wire(content="the price?"))
    assert await operator.told(job_id) == [(2, "price", "9.90")]
    await operator.report(url, wire(content="price!", at_secs=1), wire(GIFT, giftNum=2))
    await operator.report(url, wire(GIFT, giftNum=1), wire(content="price!", at_secs=60))
    assert await operator.told(job_id) == [(2, "price", "9.90"), (5, "roses", "Thank you!"), (6, "price", "9.90")]
    assert await operator.told(job_id, "&after_event=5") == [(6, "price", "9.90")]


async def test_a_reply_names_its_event_and_call(operator: Operator) -> None:
    _, job_id, url = await operator.started(RULES)
    await operator.report(url, wire())
    price = wire(content="price")
    await operator.report(url, price)
    _, data = await operator.replies(f"?job_id={job_id}")
    expected = {"event": 2, "call": 2, "timestamp": price["timestamp"], "type": 1, "rule": "price", "reply": "9.90"}
    assert data == {"job_id": job_id, "replies": [expected]}


async def test_each_job_is_a_show_of_its_own(operator: Operator) -> None:
    room_id, job_id, url = await operator.started(RULES)
    second = await operator.call("POST", f"smart-live-rooms/{room_id}/smart-live-jobs", {})
    for one in (url, second["live_event_report_url"]):
        await operator.report(one, wire(content="price"))
    assert await operator.told(job_id) == await operator.told(second["job_id"]) == [(1, "price", "9.90")]


async def test_after_a_change_of_the_rules_the_show_is_run_anew(operator: Operator) -> None:
    room_id, job_id, url = await operator.started(RULES)
    await operator.report(url, wire(content="price"))
    assert await operator.told(job_id) == [(1, "price", "9.90")]
    changed = {"room_name": "r", "interaction_rules": [rule("any", texts=["Hi"])]}
    await operator.call("PUT", f"smart-live-rooms/{room_id}", changed)
    assert await operator.told(job_id) == [(1, "any", "Hi")]


async def test_events_that_were_forgotten_still_count_in_the_numbers(operator: Operator) -> None:
    _, job_id, url = await operator.started(RULES)
    await operator.report(url, wire(content="price"))
    async with operator.http.delete(f"{operator.sandbox.base_url}/_sandbox/events"):
        pass
    await operator.report(url, wire(content="price"))
    assert await operator.told(job_id) == [(2, "price", "9.90")]


async def test_two_who_ask_at_once_are_told_the_same(operator: Operator) -> None:
    _, job_id, url = await operator.started(RULES)
    for number in range(5):
        await operator.report(url, wire(content="price", at_secs=number * 60))
    first, second = await asyncio.gather(operator.told(job_id), operator.told(job_id))
    assert first == second
    assert len(first) == 5


async def test_a_room_without_rules_answers_nothing(operator: Operator) -> None:
    await operator.report(operator.sandbox.report_url, wire(content="price"))
    assert await operator.told("j1") == []


async def test_rules_that_cannot_be_run_and_jobs_that_are_not_there_are_said(operator: Operator) -> None:
    _, job_id, _ = await operator.started([rule("bad", tag("content", "REGEX", "("))])
    status, data = await operator.replies(f"?job_id={job_id}")
    assert status == 400
    assert "rule bad, tag content" in data["error"]
    assert await operator.replies("?job_id=nowhere") == (404, {"error": "job_id: no such job"})
    assert (await operator.replies("?job_id=j1&after_event=x"))[0] == 400


async def test_the_rules_of_a_deleted_room_are_gone_unless_they_were_asked_for(operator: Operator) -> None:
    room_id, job_id, url = await operator.started(RULES)
    await operator.report(url, wire(content="price"))
    _, unasked_job_id, _ = asked = await operator.started(RULES)
    assert await operator.told(job_id) == [(1, "price", "9.90")]
    for room, job in ((room_id, job_id), (asked[0], unasked_job_id)):
        await operator.call("POST", f"smart-live-rooms/{room}/smart-live-jobs/{job}/stop", {})
        await operator.call("DELETE", f"smart-live-rooms/{room}", {})
    assert await operator.told(job_id) == [(1, "price", "9.90")]
    assert (await operator.replies(f"?job_id={unasked_job_id}"))[0] == 400
