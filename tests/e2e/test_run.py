"""``run`` as a process, between a Bilibili room and a report sink: what an operator relies on."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.demo import bilibili_messages as messages
from bridge.demo.bilibili_people import Viewer
from bridge.demo.bilibili_room import BilibiliRoom
from bridge.sandbox.ledger import AcceptedEvent
from bridge.sandbox.server import Sandbox
from tests.e2e.running import RunningBridge

pytestmark = pytest.mark.slow

VERSIONS = (3, 2, 0)
ODD_TEXTS = (
    'quotes " and \\ backslashes',
    "newline\nand tab\t",
    "emoji 😀👨‍👩‍👧 and flags 🇸🇬",
    "right to left \u202eשלום",
    "zero\u200bwidth",
    "控制\u0007字符",
    "</script><b>bold</b>",
    "一" * 1000,
)


def room_file(room: BilibiliRoom, sandbox: Sandbox, **report: Any) -> dict[str, Any]:
    return {
        "sources": [{"platform": "bilibili", "room": 92, "api_base": room.api_base}],
        "report": {"url": sandbox.report_url, **report},
    }


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def words_of(events: list[AcceptedEvent]) -> list[str]:
    return [orjson.loads(event.content)["content"] for event in events if event.type == 1]


def danmu(number: int, words: str = "") -> messages.Message:
    return messages.danmu(Viewer(number % 50 + 1, "Bob"), words or f"#{number}", at_ms=now_ms(), serial=number)


async def test_every_comment_arrives_once_in_order_and_gifts_add_up(tmp_path: Path) -> None:
    async with BilibiliRoom() as room, Sandbox() as sandbox:
        async with RunningBridge(tmp_path, {"show": room_file(room, sandbox)}) as bridge:
            await room.wait_for_clients()
            said, given = [], Counter[str]()
            for tick in range(60):
                frame = [danmu(tick * 10 + number, f"{ODD_TEXTS[number % 8]} {tick}-{number}") for number in range(10)]
                said += [message["info"][1] for message in frame]
                gift = messages.gift(Viewer(7, "Ann"), "小花花", at_ms=now_ms(), serial=tick, price=100, num=3)
                given.update(num=3, value=300)
                await room.send([*frame, gift], version=VERSIONS[tick % 3], nested=tick % 5 == 4)
                if tick % 25 == 24:
                    await asyncio.sleep(0.2)
                    await room.drop_all()
                    await room.wait_until_empty()
                    await room.wait_for_clients()
                    await room.repeat_last(30)
            guards = messages.guard(Viewer(8, "Guard"), 3, at_ms=now_ms(), serial=1, months=2, paid=300_000)
            await room.send(guards)
            given.update(num=2, value=300_000)
            await sandbox.wait_for_events(len(said) + 61, timeout_secs=20)
            code = await bridge.stop()

        assert words_of(sandbox.events()) == said
        gifts = [orjson.loads(event.content)["gift"] for event in sandbox.events() if event.type == 4]
        assert sum(gift["giftNum"] for gift in gifts) == given["num"]
        assert sum(gift["totalValue"] for gift in gifts) == given["value"]
        assert code == 0
        key = sandbox.report_url.partition("auth_key=")[2][:64]
        assert len(key) == 64
        assert key not in bridge.text


@pytest.mark.parametrize("seed", range(3))
async def test_a_kill_loses_at_most_the_last_moment_and_repeats_at_most_one_batch(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with BilibiliRoom() as room, Sandbox() as sandbox:
        bridge = RunningBridge(tmp_path, {"show": room_file(room, sandbox)})
        sent_at: dict[str, float] = {}
        kills: list[float] = []
        number = 0
        for _ in range(3):
            await bridge.start()
            await room.wait_for_clients()
            # A slow cloud keeps a batch in flight most of the time.
            sandbox.misbehave({"delay_ms": 60, "times": 1000})
            ends_at = time.time() + 0.5 + rng.random()
            while time.time() < ends_at:
                frame = [danmu(number + offset) for offset in range(5)]
                number += 5
                await room.send(frame, version=VERSIONS[number % 3])
                sent_at.update({message["info"][1]: time.time() for message in frame})
                await asyncio.sleep(0.01)
            kills.append(time.time())
            await bridge.kill()
            sandbox.behave()
            await room.wait_until_empty()
        await bridge.start()
        await asyncio.sleep(2)
        assert await bridge.stop() == 0

        arrived = words_of(sandbox.events())
        missing = {words for words in sent_at if words not in set(arrived)}
        too_old = {
            words for words in missing if not any(kill - 0.05 <= sent_at[words] <= kill + 0.01 for kill in kills)
        }
        assert too_old == set()
        batches = Counter(event.call for event in sandbox.events())
        repeated = len(arrived) - len(set(arrived))
        assert repeated <= len(kills) * max(batches.values())


async def test_what_is_left_at_the_stop_waits_in_the_spool_for_the_next_start(tmp_path: Path) -> None:
    async with BilibiliRoom() as room, Sandbox() as sandbox:
        bridge = RunningBridge(tmp_path, {"show": room_file(room, sandbox)}, bridge={"shutdown_budget_secs": 2})
        await bridge.start()
        await room.wait_for_clients()
        sandbox.misbehave({"status": 500, "times": 1000})
        await room.send([danmu(number) for number in range(100)])
        await asyncio.sleep(0.3)

        assert await bridge.stop() == 4
        assert bridge.log("app.stopped")[0]["left_in_spool"] == 100

        sandbox.behave()
        await bridge.start()
        await sandbox.wait_for_events(100)
        assert await bridge.stop() == 0
        assert words_of(sandbox.events()) == [f"#{number}" for number in range(100)]


async def test_no_fault_of_the_cloud_loses_an_event_but_the_poison_one(tmp_path: Path) -> None:
    async with (
        BilibiliRoom() as room,
        Sandbox() as sandbox,
        RunningBridge(tmp_path, {"show": room_file(room, sandbox, min_interval_ms=50)}) as bridge,
    ):
        await room.wait_for_clients()
        sandbox.misbehave({"refuse_text": "poison"})
        faults: list[dict[str, Any]] = [
            {"status": 500, "times": 2},
            {"status": 429, "retry_after": 1, "times": 1},
            {"reset": "before", "times": 1},
            {"reset": "after", "times": 1},
            {"max_bytes": 60_000, "times": 20},
            {"garbage": True, "times": 1},
        ]
        number = 0
        for fault in faults:
            sandbox.misbehave(fault)
            for _ in range(20):
                frame = [danmu(number + offset) for offset in range(25)]
                number += 25
                await room.send(frame, version=VERSIONS[number % 3])
                await asyncio.sleep(0.02)
        await room.send(danmu(number, "poison"))
        await room.send([danmu(number + 1 + offset) for offset in range(20)])
        number += 21
        async with asyncio.timeout(40):
            while (await bridge.status("show"))["pending"]:
                await asyncio.sleep(0.2)

        arrived = words_of(sandbox.events())
        assert set(arrived) == {f"#{count}" for count in range(number)} - {f"#{number - 21}"}
        status = await bridge.status("show")
        assert status["dropped"] == {"poison": 1}
        assert status["received"] == status["delivered"] + 1


async def test_a_url_that_dies_every_few_seconds_is_renewed_in_time(tmp_path: Path) -> None:
    async with BilibiliRoom() as room, Sandbox(url_life_secs=3, old_url_dies="at_expiry") as sandbox:
        async with RunningBridge(tmp_path, {"show": room_file(room, sandbox)}) as bridge:
            await room.wait_for_clients()
            for number in range(60):
                await room.send(danmu(number))
                await asyncio.sleep(0.15)
            await sandbox.wait_for_events(60)
            status = await bridge.status("show")
            assert await bridge.stop() == 0

        assert words_of(sandbox.events()) == [f"#{number}" for number in range(60)]
        assert status["report_url_refreshes"] >= 3
        assert bridge.log("report.failed") == []


async def test_a_refused_url_is_called_three_times_and_no_more(tmp_path: Path) -> None:
    async with BilibiliRoom() as room, Sandbox() as sandbox:
        async with RunningBridge(tmp_path, {"show": room_file(room, sandbox)}) as bridge:
            await room.wait_for_clients()
            sandbox.misbehave({"status": 401, "times": 0})
            for number in range(30):
                await room.send(danmu(number))
                await asyncio.sleep(0.3)
            status = await bridge.status("show")
            metrics = await bridge.get("/metrics")
            sandbox.behave()

        assert 'bridge_http_requests_total{code="401",room="show"} 3.0' in metrics
        assert status["reporting"] == "credential refused"
        assert "show.yaml: report.url" in status["alarms"][0]
        assert status["pending"] == 30
        key = sandbox.report_url.partition("auth_key=")[2][:64]
        assert key not in bridge.text + metrics + str(status)
