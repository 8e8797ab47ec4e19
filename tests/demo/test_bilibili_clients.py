"""Clients that we did not write are satisfied with the simulated room too. They run only where they are installed:

``BILIBILI_LIVE_WS_MODULES`` names a ``node_modules`` folder with bilibili-live-ws 6.3, ``BILIBILI_DANMAKU_MODULES``
one with bilibili-live-danmaku 0.7 and, for a node without sockets of its own, ws.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.demo.bilibili_api import Grant
from bridge.demo.bilibili_messages import danmu, gift, interact_v2, super_chat
from bridge.demo.bilibili_people import Medal, Viewer
from bridge.demo.bilibili_room import BilibiliRoom
from tests.emulators.test_twitch_clients import Client, running

NOW = 1_785_000_000_000
VIEWER = Viewer(8_000_000_501, "青柠", 12, 21, Medal("小灯塔", 18, 550_001, "灯塔台", 92_000_001), 3)

BILIBILI_LIVE_WS = """
const { KeepLiveWS } = require("bilibili-live-ws");
const [address, room] = process.argv.slice(2);
const say = (...what) => console.log(JSON.stringify(what));
const live = new KeepLiveWS(Number(room), { address, protover: 3, uid: 42, key: "t0ken", buvid: "B-1" });
live.on("heartbeat", (online) => say("heartbeat", online));
live.on("DANMU_MSG", ({ info }) => say("danmu", info[2][0], info[2][1], info[1]));
live.on("SEND_GIFT", ({ data }) => say("gift", data.giftName, data.num, data.total_coin));
live.on("SUPER_CHAT_MESSAGE", ({ data }) => say("super chat", data.message, data.price));
"""

BILIBILI_LIVE_DANMAKU = """
const modules = process.argv[2];
const [address, room] = process.argv.slice(3);
const say = (...what) => console.log(JSON.stringify(what));
globalThis.WebSocket ??= require(modules + "/ws");
import(modules + "/bilibili-live-danmaku/dist/index.js").then(({ LiveWS }) => {
  const live = new LiveWS(Number(room), { address, uid: 42, key: "t0ken", buvid: "B-1" });
  live.addEventListener("HEARTBEAT_REPLY", ({ data }) => say("heartbeat", data));
  live.addEventListener("error:decode", ({ error }) => say("error", String(error)));
  live.addEventListener("DANMU_MSG", ({ data: { info } }) => say("danmu", info[2][1], info[1]));
  live.addEventListener("INTERACT_WORD_V2", ({ data: { decoded } }) =>
    say("interact", Number(decoded.uid), decoded.uname, Number(decoded.msgType), Number(decoded.timestamp),
      decoded.fansMedal.medalName, Number(decoded.fansMedal.medalLevel)));
});
"""


@asynccontextmanager
async def visited(modules: str, script: Path, *arguments: str) -> AsyncIterator[tuple[BilibiliRoom, Client]]:
    """A room with the client in it, in whose hands the token already is: neither client can ask our API for one."""
    node = shutil.which("node")
    assert node
    async with BilibiliRoom() as room:
        room.api.grants["t0ken"] = Grant(42, room.room_id, "B-1", user_agent="")
        command = (node, str(script), *arguments, room.websocket_url, str(room.room_id))
        async with running(*command, env={"NODE_PATH": modules}) as client:
            yield room, client


def modules_named_by(variable: str, package: str) -> str:
    modules = os.environ.get(variable)
    if not (shutil.which("node") and modules):
        pytest.skip(f"needs node, and {variable} naming a node_modules folder with {package}")
    return modules


@pytest.mark.slow
@pytest.mark.parametrize("version", [0, 2, 3])
async def test_bilibili_live_ws_reads_the_simulated_room_and_comes_back(tmp_path: Path, version: int) -> None:
    modules = modules_named_by("BILIBILI_LIVE_WS_MODULES", "bilibili-live-ws")
    script = tmp_path / "client.cjs"
    script.write_text(BILIBILI_LIVE_WS)
    async with visited(modules, script) as (room, client):
        await client.says("heartbeat", 1)
        await room.send(
            [
                danmu(VIEWER, "晚上好", at_ms=NOW),
                gift(VIEWER, "小花花", at_ms=NOW, num=3),
                super_chat(VIEWER, "唱首歌吧", at_ms=NOW),
            ],
            version=version,
        )
        await client.says("danmu", 8_000_000_501, "青柠", "晚上好")
        await client.says("gift", "小花花", 3, 300)
        await client.says("super chat", "唱首歌吧", 30)
        await room.drop_all()
        await client.says("heartbeat", 1)
        assert not room.refusals


@pytest.mark.slow
async def test_bilibili_live_danmaku_reads_the_protobuf_of_the_simulated_room(tmp_path: Path) -> None:
    modules = modules_named_by("BILIBILI_DANMAKU_MODULES", "bilibili-live-danmaku")
    script = tmp_path / "client.cjs"
    script.write_text(BILIBILI_LIVE_DANMAKU)
    async with visited(modules, script, modules) as (room, client):
        await client.says("heartbeat", 1)
        await room.send([danmu(VIEWER, "晚上好", at_ms=NOW), interact_v2(VIEWER, 2, at_ms=NOW)])
        await client.says("danmu", "青柠", "晚上好")
        await client.says("interact", 8_000_000_501, "青柠", 2, NOW // 1000, "小灯塔", 18)
