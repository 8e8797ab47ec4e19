"""Every kind of platform through ``run``, from an emulator to a strict sink: counts, sums, order, identities."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.sandbox.server import Sandbox
from tests.e2e.calling_feeds import (
    CallingFeed,
    DouyinFeed,
    KickWebhookFeed,
    KuaishouFeed,
    WebhookFeed,
    WeChatFeed,
)
from tests.e2e.platform_feeds import (
    BilibiliFeed,
    BilibiliOpenFeed,
    DouyuFeed,
    EventSubFeed,
    Feed,
    KickFeed,
    TikTokFeed,
    TwitchFeed,
    YouTubeFeed,
)
from tests.e2e.running import RunningBridge

pytestmark = pytest.mark.slow

Heard = dict[str, Any]


def heard(sandbox: Sandbox, site: str) -> Heard:
    """Return what the sink was told of a site's viewers: words in order, gifts as sums."""
    words: list[str] = []
    gifts = value = 0
    for event in sandbox.events():
        content = orjson.loads(event.content)
        if not content.get("user", {}).get("userId", "").startswith(f"{site}_"):
            continue
        if event.type == 1:
            words.append(content["content"])
        elif event.type == 4:
            gifts += content["gift"]["giftNum"]
            value += content["gift"]["totalValue"]
    return {"said": words, "gifts": gifts, "value": value}


def told(feed: Feed) -> Heard:
    return {"said": feed.said, "gifts": feed.gifts, "value": feed.value}


async def until_heard(feeds: dict[Feed, Sandbox], secs: float = 15) -> None:
    """Wait until everything that was told has arrived, or until there is no hope left: the caller compares."""
    ends_at = time.monotonic() + secs
    while any(heard(sandbox, feed.site) != told(feed) for feed, sandbox in feeds.items()):
        if time.monotonic() > ends_at:
            return
        await asyncio.sleep(0.1)


async def talk(feed: Feed, rounds: int, seed: int) -> None:
    """Say and give something, drop in the middle of it; many times, the last connection stays."""
    rng = random.Random(seed)
    for turn in range(rounds):
        await asyncio.sleep(rng.random())
        for number in range(12):
            await feed.say(f"{feed.site} {turn}-{number}")
            if number % 4 == 0:
                await feed.gift()
            if rng.random() < 0.3:
                await asyncio.sleep(rng.random() * 0.3)
        if turn < rounds - 1:
            await feed.drop()


async def burst(feed: Feed) -> None:
    """Say much at once and drop, three times."""
    for turn in range(3):
        for number in range(150):
            await feed.say(f"{feed.site} {turn}-{number}")
        await feed.drop()


async def test_five_platforms_in_one_room_that_keep_dropping_and_a_dead_one(tmp_path: Path) -> None:
    feeds: Sequence[Feed] = [BilibiliFeed(), TwitchFeed(), DouyuFeed(), KickFeed(), YouTubeFeed()]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    dead = {"platform": "tiktok", "room": "@nobody", "api_base": nobody, "sign_url": nobody}
    async with AsyncExitStack() as opened:
        sandbox = await opened.enter_async_context(Sandbox())
        for feed in feeds:
            await opened.enter_async_context(feed)
        room = {
            "sources": [dead, *(feed.source() for feed in feeds)],
            "report": {"url": sandbox.report_url},
            "events": {"viewers": {"enabled": False}},
        }
        bridge = await opened.enter_async_context(RunningBridge(tmp_path, {"show": room}))
        await asyncio.gather(*(talk(feed, 6, seed) for seed, feed in enumerate(feeds)))
        await until_heard(dict.fromkeys(feeds, sandbox))
        status = await bridge.status("show")

        assert {feed.site: heard(sandbox, feed.site) for feed in feeds} == {feed.site: told(feed) for feed in feeds}
        assert {orjson.loads(event.content)["user"]["userId"] for event in sandbox.events()} == {
            f"{feed.site}_7" for feed in feeds
        }
        assert [feed.complaints() for feed in feeds] == [[]] * len(feeds)
        reconnects = {name: source["reconnects"] for name, source in status["sources"].items()}
        assert {name: count for name, count in reconnects.items() if count < 3} == {}
        assert status["sources"]["tiktok:@nobody"]["state"] == "waiting"
        assert status["dropped"].keys() == {"disabled", "duplicate"}
        assert await bridge.stop() == 0


async def test_each_platform_alone_brings_its_comments_and_gifts(tmp_path: Path) -> None:
    feeds: dict[str, Feed] = {
        "twitch-irc": TwitchFeed(),
        "twitch-eventsub": EventSubFeed(),
        "bilibili-open": BilibiliOpenFeed(),
        "douyu": DouyuFeed(),
        "youtube": YouTubeFeed(),
        "tiktok": TikTokFeed(),
        "douyin": DouyinFeed(),
        "kick": KickWebhookFeed(),
        "kuaishou": KuaishouFeed(),
        "wechat_channels": WeChatFeed(),
        "webhook": WebhookFeed(),
    }
    async with AsyncExitStack() as opened:
        sandboxes, rooms = {}, {}
        for name, feed in feeds.items():
            sandboxes[name] = await opened.enter_async_context(Sandbox())
            await opened.enter_async_context(feed)
            rooms[name] = {"sources": [feed.source()], "report": {"url": sandboxes[name].report_url}}
        bridge = await opened.enter_async_context(RunningBridge(tmp_path, rooms))
        callers = [feed for feed in feeds.values() if isinstance(feed, CallingFeed)]
        for caller in callers:
            caller.push_base = bridge.url
        await asyncio.gather(*(talk(feed, 3, seed) for seed, feed in enumerate(feeds.values())))
        forged = [await caller.forge() for caller in callers]
        await until_heard({feed: sandboxes[name] for name, feed in feeds.items()})

        assert {name: heard(sandboxes[name], feed.site) for name, feed in feeds.items()} == {
            name: told(feed) for name, feed in feeds.items()
        }
        assert forged == [401] * 5
        assert {name: feed.complaints() for name, feed in feeds.items() if feed.complaints()} == {}
        assert await bridge.stop() == 0


async def test_many_rooms_come_up_no_faster_than_a_host_admits(tmp_path: Path) -> None:
    feed = TwitchFeed()
    report = {"url": "http://127.0.0.1:9/live?auth_key=x"}
    async with feed:
        rooms = {f"room-{number}": {"sources": [feed.source()], "report": report} for number in range(24)}
        began_at = time.monotonic()
        async with RunningBridge(tmp_path, rooms):
            peers = feed.twitch.peers
            await feed.until(lambda: len(peers) >= 20)
            assert len(peers) == 20
            await feed.until(lambda: len(peers) == 24)
            assert time.monotonic() - began_at > 10.0


@pytest.mark.parametrize("feed", [DouyinFeed(), KickWebhookFeed()], ids=lambda feed: feed.site)
async def test_a_push_that_was_answered_survives_a_kill_right_after_the_answer(
    tmp_path: Path, feed: CallingFeed
) -> None:
    async with feed, Sandbox() as sandbox:
        room = {"sources": [feed.source()], "report": {"url": sandbox.report_url}}
        bridge = RunningBridge(tmp_path, {feed.site: room})
        sandbox.misbehave({"status": 503, "times": 1000})
        for turn in range(2):
            await bridge.start()
            feed.push_base = bridge.url
            await feed.gift()
            await feed.say(f"before kill {turn}")
            await bridge.kill()
        sandbox.behave()
        await bridge.start()
        await feed.drop()
        await until_heard({feed: sandbox})

        assert heard(sandbox, feed.site) == told(feed)
        assert set(feed.statuses) == {200}
        assert await bridge.stop() == 0


async def test_a_burst_right_before_a_drop_is_read_to_its_end(tmp_path: Path) -> None:
    feeds: Sequence[Feed] = [BilibiliFeed(), TwitchFeed(), DouyuFeed(), KickFeed()]
    async with AsyncExitStack() as opened:
        sandbox = await opened.enter_async_context(Sandbox())
        for feed in feeds:
            await opened.enter_async_context(feed)
        room = {"sources": [feed.source() for feed in feeds], "report": {"url": sandbox.report_url}}
        bridge = await opened.enter_async_context(RunningBridge(tmp_path, {"show": room}))
        await asyncio.gather(*(burst(feed) for feed in feeds))
        await until_heard(dict.fromkeys(feeds, sandbox))

        assert {feed.site: heard(sandbox, feed.site) for feed in feeds} == {feed.site: told(feed) for feed in feeds}
        assert await bridge.stop() == 0
