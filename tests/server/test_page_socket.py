from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest

from bridge.sandbox.server import Sandbox
from tests.e2e.running import RunningBridge

pytestmark = pytest.mark.slow

PATH = "/push/douyin_relay/show"
SAID = [{"id": "1", "method": "WebcastChatMessage", "user": {"id": "77", "name": "岚"}, "content": "你好"}]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


def room_of(sandbox: Sandbox) -> dict[str, object]:
    return {
        "sources": [{"platform": "douyin_relay", "dialect": "dycast"}],
        "report": {"url": sandbox.report_url},
    }


async def test_a_page_that_connects_to_us_is_read_and_may_come_back(tmp_path: Path, sandbox: Sandbox) -> None:
    async with RunningBridge(tmp_path, {"show": room_of(sandbox)}) as bridge, aiohttp.ClientSession() as http:
        url = f"{bridge.url}{PATH}?token=admin-token-of-the-test"
        for number in range(2):
            async with http.ws_connect(url) as page:
                await page.send_str(orjson.dumps([{**SAID[0], "id": str(number)}]).decode())
                await sandbox.wait_for_events(number + 1)
            await asyncio.sleep(1.2)  # the page is gone; the source waits for the next one

        contents = [orjson.loads(event.content) for event in sandbox.events()]
        assert [content["content"] for content in contents] == ["你好", "你好"]
        assert contents[0]["user"]["userId"] == "douyin_77"


async def test_a_page_without_the_token_or_without_a_socket_is_turned_away(tmp_path: Path, sandbox: Sandbox) -> None:
    async with RunningBridge(tmp_path, {"show": room_of(sandbox)}) as bridge, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{bridge.url}{PATH}?token=guessed")
        assert refused.value.status == 401
        async with http.get(f"{bridge.url}{PATH}?token=admin-token-of-the-test") as answer:
            assert answer.status == 426
        async with http.get(f"{bridge.url}/push/douyin_relay/nowhere") as answer:
            assert answer.status == 404
