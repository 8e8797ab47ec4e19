from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.events import Comment, Follow, Gift, Join, Like, Streak, User, Viewers
from bridge.sources.contract import Connection, NoticeKind
from bridge.sources.platforms.douyin_relay import PLATFORM, locate
from bridge.sources.platforms.douyin_relay.options import Options
from bridge.sources.supervisor import SourceState
from tests.emulators.driving import Driven, RealHttp, Seen
from tests.emulators.relay import (
    CREATED_AT_MS,
    END,
    ENTER,
    FOLLOW,
    GIFT,
    LIKE,
    OTHER_ROOM,
    ROOM,
    STATISTICS,
    WEB_ROOM,
    BarrageGrabRelay,
    DouyinLiveRelay,
    GrabRelay,
    RelayEmulator,
    sec_uid,
)
from tests.emulators.supervised import Supervised

VIEWER = User(f"douyin_{sec_uid(7)}", "观众7", 9)


def options(relay: RelayEmulator, **more: Any) -> Options:
    url = relay.url if isinstance(relay, DouyinLiveRelay) else relay.ws_url
    return Options(websocket_url=url, **more)


async def connection(relay: RelayEmulator, **more: Any) -> Connection:
    async with RealHttp() as http:
        (one,) = await locate(options(relay, **more), http)
    return one


def contents(seen: Seen) -> list[Any]:
    return [event.content for event in seen.events]


@pytest.mark.parametrize("kind_of_relay", [GrabRelay, BarrageGrabRelay, DouyinLiveRelay])
async def test_every_event_is_the_same_from_each_program(kind_of_relay: type[RelayEmulator]) -> None:
    async with kind_of_relay() as relay, Driven(await connection(relay)) as driven:
        await relay.listening()
        await relay.tell(ENTER)
        await relay.say("主播好")
        await relay.tell(LIKE, 7, ROOM, count=12)
        await relay.tell(FOLLOW)
        await relay.tell(GIFT, 7, ROOM, count=2, total=2, price=5)
        await relay.tell(STATISTICS, 7, ROOM, viewers=42)
        await relay.tell(END)
        seen = await driven.until(lambda seen: NoticeKind.ENDED in seen.notices)

        assert contents(seen) == [
            Join(VIEWER),
            Comment(VIEWER, "主播好"),
            Like(VIEWER, 12),
            Follow(VIEWER),
            Gift(VIEWER, "小心心", 2, 5, 10, "diamond"),
            Viewers(42),
        ]
        assert len({event.id for event in seen.events}) == 6
        assert seen.unknown == []
        assert seen.rejected == []
        assert relay.complaints == []


async def test_a_gift_counts_increments_from_one_program_and_running_totals_from_the_other() -> None:
    async with GrabRelay() as relay, Driven(await connection(relay)) as driven:
        await relay.listening()
        for count, total in ((1, 1), (2, 3), (0, 3)):
            await relay.tell(GIFT, 7, ROOM, count=count, total=total, group=5)
        seen = await driven.until(lambda seen: "gift/nothing" in seen.ignored)
        assert [gift.count for gift in contents(seen)] == [1, 2]
        assert [event.streak for event in seen.events] == [None, None]

    async with DouyinLiveRelay() as live, Driven(await connection(live)) as driven:
        await live.listening()
        for total, end in ((1, False), (3, False), (3, True)):
            await live.tell(GIFT, 7, ROOM, total=total, group=5, end=end)
        seen = await driven.until(lambda seen: len(seen.events) == 3)
        assert [gift.count for gift in contents(seen)] == [1, 3, 3]
        streaks = [event.streak for event in seen.events]
        assert all(isinstance(streak, Streak) for streak in streaks)
        assert len({streak.key for streak in streaks if streak}) == 1
        assert [streak.ended for streak in streaks if streak] == [False, False, True]
        assert {event.timestamp_ms for event in seen.events} == {CREATED_AT_MS}


@pytest.mark.parametrize("room", [ROOM, WEB_ROOM])
@pytest.mark.parametrize("ids_are_numbers", [False, True])
async def test_another_room_on_the_same_machine_is_kept_out(room: str, *, ids_are_numbers: bool) -> None:
    async with (
        GrabRelay(ids_are_numbers=ids_are_numbers) as relay,
        Driven(await connection(relay, room=room)) as driven,
    ):
        await relay.listening()
        await relay.say("hers", room=OTHER_ROOM)
        await relay.say("ours")
        await relay.tell(LIKE, 8, OTHER_ROOM)
        await relay.tell(LIKE, 7)
        seen = await driven.until(lambda seen: len(seen.events) + len(seen.ignored) == 4)
        assert contents(seen) == [Comment(VIEWER, "ours"), Like(VIEWER, 1)]
        assert seen.ignored == ["other room"] * 2


async def test_a_repetition_has_the_same_id() -> None:
    async with GrabRelay() as relay, Driven(await connection(relay)) as driven:
        await relay.listening()
        relay.copies = 2
        await relay.tell(GIFT, 7, ROOM, count=1)
        seen = await driven.until(lambda seen: len(seen.events) == 2)
        assert seen.events[0] == seen.events[1]
        assert seen.events[0].id


async def test_a_fork_brings_kuaishou() -> None:
    async with GrabRelay(platform=2) as relay, Driven(await connection(relay)) as driven:
        await relay.listening()
        await relay.say("老铁")
        seen = await driven.until(lambda seen: seen.events)
        assert contents(seen) == [Comment(User(f"kuaishou_{sec_uid(7)}", "观众7", 9), "老铁")]


async def test_garbage_costs_itself() -> None:
    async with GrabRelay() as relay, Driven(await connection(relay)) as driven:
        await relay.listening()
        await relay.send('{"Type":1,"ProcessName":"msedge","Data":"{cut')
        await relay.say("still here")
        seen = await driven.until(lambda seen: seen.events)
        assert len(seen.rejected) == 1


async def test_nothing_is_ever_sent_to_a_program_that_takes_it_for_a_command() -> None:
    async with GrabRelay() as relay, Supervised(PLATFORM, options(relay)) as source:
        await relay.listening()
        await relay.say("one")
        await source.until(lambda seen: len(seen.events) == 1)
        await asyncio.sleep(0.1)  # several heartbeats of the hasty clock
        await relay.say("two")
        await source.until(lambda seen: len(seen.events) == 2)
        assert relay.complaints == []
        assert relay.connections == 1


async def test_the_one_that_answers_is_pinged_with_its_own_word() -> None:
    async with DouyinLiveRelay() as relay, Supervised(PLATFORM, options(relay)) as source:
        await relay.listening()
        await source.until(lambda seen: "pong" in seen.ignored)
        assert relay.pings > 0
        assert relay.complaints == []
        assert source.seen.notices == [NoticeKind.LIVE]


async def test_a_dropped_connection_is_opened_again() -> None:
    async with GrabRelay() as relay, Supervised(PLATFORM, options(relay)) as source:
        await relay.listening()
        await relay.say("before")
        await source.until(lambda seen: len(seen.events) == 1)
        relay.drop()
        await relay.listening(connections=2)
        await relay.say("after")
        seen = await source.until(lambda seen: len(seen.events) == 2)
        assert seen.texts == ["before", "after"]


async def test_a_room_that_is_not_live_is_waited_for_on_the_open_socket() -> None:
    async with DouyinLiveRelay() as relay:
        relay.live = False
        async with Supervised(PLATFORM, options(relay)) as source:
            await relay.listening()
            await source.until(lambda seen: NoticeKind.ENDED in seen.notices)
            await relay.status("ROOM_STATUS_UNKNOWN")
            await relay.status("ROOM_ONLINE")
            await relay.say("here")
            seen = await source.until(lambda seen: seen.events)
            assert seen.notices[-1] is NoticeKind.LIVE
            assert relay.connections == 1


async def test_a_room_that_does_not_exist_is_told() -> None:
    async with DouyinLiveRelay() as relay:
        relay.knows_room = False
        async with Supervised(PLATFORM, options(relay)) as source:
            await source.until_state(SourceState.FAILED)
