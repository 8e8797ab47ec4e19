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
from tests.e2e.feed import Feed
from tests.e2e.lines import WAYS, Line
from tests.e2e.mapped_feed import MappedFeed
from tests.e2e.platform_feeds import (
    BilibiliFeed,
    BilibiliOpenFeed,
    DouyuFeed,
    EventSubFeed,
    KickFeed,
    TikTokFeed,
    TwitchFeed,
    YouTubeFeed,
)
from tests.e2e.running import RunningBridge

pytestmark = pytest.mark.slow

Heard = dict[str, Any]

VIEWERS = (7, 8)
"""The same numbers on every platform."""


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


async def talk_over(line: Line, feed: Feed, seed: int) -> int:
    """Say and give something over a line that breaks in every way, each time right after a burst of words.

    Returns how many messages were told once more.
    """
    rng = random.Random(seed)
    repeated = 0
    for turn, way in enumerate(rng.sample([*WAYS], len(WAYS))):
        for number in range(8):
            await feed.say(f"{feed.site} {turn}-{number}", VIEWERS[number % 2])
            await asyncio.sleep(rng.random() * 0.2)
        line.hold()
        for number in range(8, 60):
            await feed.say(f"{feed.site} {turn}-{number}", VIEWERS[number % 2])
            if number % 8 == 0:
                await feed.gift(VIEWERS[number // 8 % 2])
        await line.break_off(way)
        await feed.drop()
        line.mend()
        repeated += await feed.repeat()
    return repeated


async def burst(feed: Feed) -> None:
    """Say much at once and drop, three times."""
    for turn in range(3):
        for number in range(150):
            await feed.say(f"{feed.site} {turn}-{number}")
        await feed.drop()


async def test_five_platforms_in_one_room_whose_lines_keep_breaking_and_a_dead_one(tmp_path: Path) -> None:
    feeds: Sequence[Feed] = [BilibiliFeed(), TwitchFeed(), DouyuFeed(), KickFeed(), MappedFeed()]
    async with AsyncExitStack() as opened:
        sandbox = await opened.enter_async_context(Sandbox())
        lines: list[Line] = []
        for feed in feeds:
            await opened.enter_async_context(feed)
            lines.append(await opened.enter_async_context(Line(feed.socket_url())))
        nobody = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        silent_url = f"ws://127.0.0.1:{nobody.getsockname()[1]}"
        dead = {"platform": "douyin_relay", "room": "5", "websocket_url": silent_url}
        sources = [{**feed.source(), "websocket_url": line.url} for feed, line in zip(feeds, lines, strict=True)]
        room = {
            "sources": [dead, *sources],
            "report": {"url": sandbox.report_url},
            "events": {"viewers": {"enabled": False}},
        }
        bridge = await opened.enter_async_context(RunningBridge(tmp_path, {"show": room}))
        talks = [talk_over(line, feed, seed) for seed, (feed, line) in enumerate(zip(feeds, lines, strict=True))]
        repeated = sum(await asyncio.gather(*talks))
        await until_heard(dict.fromkeys(feeds, sandbox))
        status, metrics = await bridge.status("show"), await bridge.metrics()

        assert {feed.site: heard(sandbox, feed.site) for feed in feeds} == {feed.site: told(feed) for feed in feeds}
        assert {orjson.loads(event.content)["user"]["userId"] for event in sandbox.events()} == {
            f"{feed.site}_{number}" for feed in feeds for number in VIEWERS
        }
        assert [feed.complaints() for feed in feeds] == [[]] * len(feeds)
        reconnects = {name: source["reconnects"] for name, source in status["sources"].items()}
        assert {name for name, count in reconnects.items() if count < len(WAYS)} == {"douyin_relay:5"}
        assert status["sources"]["douyin_relay:5"]["state"] in {"connecting", "waiting"}
        assert metrics["bridge_events_delivered_total"] == len(sandbox.events())
        assert metrics["bridge_source_duplicates_total"] == repeated
        assert metrics["bridge_source_events_received_total"] == (
            metrics["bridge_events_delivered_total"]
            + metrics["bridge_events_dropped_total"]
            + metrics["bridge_queue_events"]
        )
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
