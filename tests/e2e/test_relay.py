"""One relay on the machine, several rooms on its socket: each of our rooms gets its own, through every drop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.server import Sandbox
from tests.e2e.running import RunningBridge
from tests.e2e.test_platforms import heard
from tests.emulators.relay import GIFT, OTHER_ROOM, OTHER_WEB_ROOM, ROOM, STATISTICS, GrabRelay

pytestmark = pytest.mark.slow

TURNS, WORDS_A_TURN = 4, 25


async def both_listen(relay: GrabRelay) -> None:
    async with asyncio.timeout(20):
        while len(relay.listeners) < 2:
            await asyncio.sleep(0.01)


async def happens(relay: GrabRelay, room: str, turn: int) -> list[str]:
    """Let much happen in a room; returns what was said."""
    said = [f"{room[-3:]} {turn}-{number}" for number in range(WORDS_A_TURN)]
    for number, words in enumerate(said):
        await relay.say(words, number % 3, room=room)
        if number % 5 == 4:
            await relay.tell(GIFT, number % 3, room, count=2, total=2 * number, group=turn, price=10)
            await relay.tell(STATISTICS, 0, room, viewers=number)
        await asyncio.sleep(0)
    return said


async def test_each_room_gets_its_own_once_and_in_order(tmp_path: Path) -> None:
    async with GrabRelay() as relay, Sandbox() as ours, Sandbox() as theirs:
        relay.copies = 2

        def room(name: str, sandbox: Sandbox) -> dict[str, Any]:
            source = {"platform": "douyin_relay", "room": name, "websocket_url": relay.ws_url}
            return {"sources": [source], "report": {"url": sandbox.report_url}}

        rooms = {"by-id": room(ROOM, ours), "by-web-number": room(OTHER_WEB_ROOM, theirs)}
        async with RunningBridge(tmp_path, rooms) as bridge:
            said: list[tuple[list[str], list[str]]] = []
            for turn in range(TURNS):
                await both_listen(relay)
                told = await asyncio.gather(happens(relay, ROOM, turn), happens(relay, OTHER_ROOM, turn))
                said.append((told[0], told[1]))
                relay.drop()
            gifts = TURNS * WORDS_A_TURN // 5 * 2
            wanted = [
                {"said": [words for turn in said for words in turn[side]], "gifts": gifts, "value": gifts * 10}
                for side in (0, 1)
            ]
            for _ in range(100):
                if [heard(ours, "douyin"), heard(theirs, "douyin")] == wanted:
                    break
                await asyncio.sleep(0.1)

            assert [heard(ours, "douyin"), heard(theirs, "douyin")] == wanted
            assert relay.complaints == []
            assert await bridge.stop() == 0
