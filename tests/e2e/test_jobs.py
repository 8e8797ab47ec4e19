"""A room that is told which smart live room it belongs to: the bridge finds the job, and follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.demo.bilibili_room import BilibiliRoom
from bridge.sandbox.server import Sandbox
from tests.e2e.running import RunningBridge
from tests.e2e.test_run import danmu, words_of

pytestmark = pytest.mark.slow


def account_of(sandbox: Sandbox, kind: str) -> dict[str, Any]:
    account: dict[str, Any] = {
        "endpoint": sandbox.base_url,
        "project_id": sandbox.project_id,
        "job_poll_secs": 0.3,
    }
    if kind == "iam":
        user = {"user": sandbox.iam_user, "password": sandbox.iam_password, "domain": sandbox.iam_domain}
        return account | {"iam": {"endpoint": sandbox.base_url, **user}}
    return account | {"access_key": sandbox.access_key, "secret_key": sandbox.secret_key}


async def control(sandbox: Sandbox, body: dict[str, Any]) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{sandbox.base_url}/_sandbox/jobs", json=body) as response,
    ):
        answer: dict[str, Any] = await response.json()
        assert response.status == 200, answer
        return answer


async def until(condition: Callable[[], Awaitable[bool]], secs: float = 10) -> None:
    async with asyncio.timeout(secs):
        while not await condition():
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("kind", "auth"), [("key", "url"), ("key", "signed"), ("iam", "token")])
async def test_the_newest_job_is_found_followed_and_left_when_it_ends(tmp_path: Path, kind: str, auth: str) -> None:
    async with BilibiliRoom() as room, Sandbox() as sandbox:
        files = {
            "show": {
                "sources": [{"platform": "bilibili", "room": 92, "api_base": room.api_base}],
                "report": {"smart_live_room_id": sandbox.room_id, "auth": auth},
            }
        }
        async with RunningBridge(tmp_path, files, bridge={"metastudio": account_of(sandbox, kind)}) as bridge:

            async def reports_to(job_id: str) -> bool:
                return bool((await bridge.status("show"))["job_id"] == job_id)

            await room.wait_for_clients()
            await until(lambda: reports_to(sandbox.job_id))
            await room.send(danmu(1))
            await sandbox.wait_for_events(1, sandbox.job_id)

            second = (await control(sandbox, {"action": "start"}))["job_id"]
            await until(lambda: reports_to(second))
            await room.send(danmu(2))
            await sandbox.wait_for_events(1, second)

            # The end of a job that is not ours changes nothing.
            await control(sandbox, {"action": "end", "job_id": sandbox.job_id})
            await room.send(danmu(3))
            await sandbox.wait_for_events(2, second)

            await control(sandbox, {"action": "block", "job_id": second})
            await until(lambda: reports_to(""))
            assert (await bridge.status("show"))["reporting"] == "no running job"
            third = (await control(sandbox, {"action": "start"}))["job_id"]
            await until(lambda: reports_to(third))
            await room.send(danmu(4))
            await sandbox.wait_for_events(1, third)

            assert await bridge.stop() == 0
        assert words_of(sandbox.events()) == ["#1", "#2", "#3", "#4"]
        assert [line["job_id"] for line in bridge.log("job.followed")] == [sandbox.job_id, second, third]
        for secret in (sandbox.secret_key, sandbox.iam_password):
            assert secret not in bridge.text
