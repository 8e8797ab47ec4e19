"""``run`` as a process between a Bilibili room and the sandbox, which calls back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from bridge.demo import bilibili_messages as messages
from bridge.demo.bilibili_people import Viewer
from bridge.demo.bilibili_room import BilibiliRoom
from bridge.sandbox.server import Sandbox
from tests.e2e.running import RunningBridge

pytestmark = pytest.mark.slow

KEY = "callback-key-of-the-test"
URL = "https://bridge.example.com/callbacks/show?a=b"
FORWARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Show:
    room: BilibiliRoom
    sandbox: Sandbox
    bridge: RunningBridge
    forwarded: list[Any]
    said: int = 0

    async def say(self, count: int = 1) -> None:
        for _ in range(count):
            self.said += 1
            at_ms = time.time_ns() // 1_000_000
            await self.room.send(
                [messages.danmu(Viewer(self.said, "Bob"), f"#{self.said}", at_ms=at_ms, serial=self.said)]
            )

    async def call_back(self, **order: Any) -> int:
        whole = {
            "target": f"{self.bridge.url}/callbacks/show", "signed_url": URL, "auth_type": "MSS_A_HEAD", "key": KEY, **order,
        }  # fmt: skip
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.sandbox.base_url}/_sandbox/callback", json=whole) as answer,
        ):
            found = orjson.loads(await answer.read())
        return int(found["status"])

    async def stream(self, state: str, **order: Any) -> int:
        message = {"state": state, **({"job_id": order.pop("other")} if "other" in order else {})}
        return await self.call_back(event_type="RTMP_STREAM_STATE_CHANGE", message=message, **order)

    def words(self) -> list[str]:
        return [orjson.loads(event.content)["content"] for event in self.sandbox.events() if event.type == 1]

    async def until_reporting(self, wanted: str) -> None:
        async with asyncio.timeout(10):
            while True:
                if (await self.bridge.status("show"))["reporting"] == wanted:
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
async def show(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Show]:
    forwarded: list[Any] = []

    async def hook(call: web.Request) -> web.Response:
        forwarded.append(Webhook(FORWARD_SECRET).verify(await call.read(), dict(call.headers)))
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/hook", hook)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with BilibiliRoom() as room, Sandbox() as sandbox:
        file = {
            "sources": [{"platform": "bilibili", "room": 92, "api_base": room.api_base}],
            "report": {"url": sandbox.report_url},
            "callbacks": {
                "key": KEY, "url": URL, "forward_url": f"http://127.0.0.1:{port}/hook", "forward_secret": FORWARD_SECRET,
            },
            **getattr(request, "param", {}),
        }  # fmt: skip
        async with RunningBridge(tmp_path, {"show": file}) as bridge:
            await room.wait_for_clients()
            yield Show(room, sandbox, bridge, forwarded)
    await runner.cleanup()


async def test_the_end_of_the_stream_stops_reporting_and_a_connection_resumes_it(show: Show) -> None:
    await show.say()
    await show.sandbox.wait_for_events(1)
    assert await show.stream("END", key="another") == 401
    assert await show.stream("END", time_offset_secs=-90) == 401
    assert await show.stream("END", other="another-job") == 200
    for state in ("DISCONNECTED", "RECONNECTING"):
        assert await show.stream(state) == 200
    await show.say()
    await show.sandbox.wait_for_events(2)
    assert await show.stream("END") == 200
    await show.until_reporting("the job's stream ended")
    await show.say()
    await asyncio.sleep(0.5)
    assert show.words() == ["#1", "#2"]
    assert await show.stream("CONNECTED") == 200
    await show.sandbox.wait_for_events(3)
    assert show.words() == ["#1", "#2", "#3"]
    assert await show.call_back(again=True) == 200
    status = (await show.bridge.status("show"))["callbacks"]
    assert status["counts"]["refused"] == 2
    assert status["counts"]["repeated"] == 1
    assert status["counts"]["rtmp_stream_state_change.accepted"] == 4
    assert status["reading"] == "host_path_sorted_query+seconds"
    metrics = await show.bridge.get("/metrics")
    assert 'bridge_callbacks_total{outcome="other_job",room="show",type="rtmp_stream_state_change"} 1.0' in metrics
    assert [(one["type"], one["data"]["state"]) for one in show.forwarded] == [
        ("metastudio.stream.state_changed", state)
        for state in ("END", "DISCONNECTED", "RECONNECTING", "END", "CONNECTED")
    ]
    assert KEY not in show.bridge.text
    assert "MfKQ" not in show.bridge.text
    assert "sandbox-stream-key" not in show.bridge.text


@pytest.mark.parametrize("show", [{"pacing": {"enabled": True}}], indirect=True)
async def test_comments_go_as_replies_are_finished_newest_first(show: Show) -> None:
    async def finish(number: int) -> None:
        assert await show.call_back(event_type="REPLY_COMMAND_FINISH", message={"reply_id": f"p{number}"}) == 200

    for number in range(3):
        await show.say()
        await show.sandbox.wait_for_events(number + 1)
        await finish(number)
    await show.say(2)
    await show.sandbox.wait_for_events(5)
    await show.say(5)
    await asyncio.sleep(0.5)
    assert show.words() == ["#1", "#2", "#3", "#4", "#5"]
    at_ms = time.time_ns() // 1_000_000
    await show.room.send(messages.gift(Viewer(7, "Ann"), "小花花", at_ms=at_ms, serial=1, price=100, num=1))
    await show.sandbox.wait_for_events(6)
    await finish(3)
    await finish(4)
    await show.sandbox.wait_for_events(7)
    await asyncio.sleep(0.5)
    assert show.words()[5:] == ["#10"]
    assert (await show.bridge.status("show"))["pacing"]["answered_share"] == 1.0
    assert (await show.bridge.status("show"))["pending_by_type"] == {"comment": 4}
