from __future__ import annotations

import pytest

from bridge.errors import RoomNotFoundError, SourceUnavailableError
from bridge.events import Comment, Gift, User
from bridge.sources.contract import NoticeKind
from bridge.sources.platforms.huya import PLATFORM, Options, locate
from tests.emulators.driving import Driven, RealHttp
from tests.emulators.huya import HuyaEmulator, comment, gift, push, push_batch
from tests.emulators.supervised import Supervised


def options(huya: HuyaEmulator) -> Options:
    return Options(room="lanyou", api_base=huya.http_url, websocket_url=huya.ws_url)


async def connected(huya: HuyaEmulator) -> Driven:
    async with RealHttp() as http:
        return Driven((await locate(options(huya), http))[0])


async def test_a_session_registers_for_both_groups_of_the_anchor_and_is_kept_alive() -> None:
    async with HuyaEmulator() as huya, await connected(huya) as driven:
        await huya.socket()
        await driven.heartbeat()
        seen = await driven.until(lambda seen: "HeartBeatRsp" in seen.ignored)

        assert b"live:2001" in huya.registered[0]
        assert b"chat:2001" in huya.registered[0]
        assert huya.heartbeats == 1
        assert "RegisterGroupRsp" in seen.ignored


async def test_single_and_batched_pushes_are_read() -> None:
    async with HuyaEmulator() as huya, await connected(huya) as driven:
        socket = await huya.socket()
        await socket.send_bytes(push(1400, comment(31, "雨燕", "晚上好", noble=2, badge=("燕群", 9)), 701))
        await socket.send_bytes(
            push_batch(
                [
                    (1400, comment(32, "x", "a"), 702),
                    (8006, {0: 90_000}, 703),
                    (6501, gift(33, "y", 4, "虎粮", 6, 60), 704),
                ]
            )
        )
        await socket.send_bytes(push(8001, {0: 2001}))
        seen = await driven.until(lambda seen: seen.notices)

        assert [event.id for event in seen.events] == ["701", "702", "704"]
        assert seen.events[0].content == Comment(User("huya_31", "雨燕", 2, "燕群", 9), "晚上好")
        assert seen.events[2].content == Gift(User("huya_33", "y"), "虎粮", 6, 10, 60, "huya_coin_cent")
        assert "8006 AttendeeCountNotice" in seen.ignored
        assert seen.notices == [NoticeKind.ENDED]


async def test_garbage_costs_its_own_frame_only() -> None:
    async with HuyaEmulator() as huya, await connected(huya) as driven:
        socket = await huya.socket()
        good = push(1400, comment(31, "雨燕", "还在"), 701)
        await socket.send_bytes(b"\xff" * 40)
        await socket.send_bytes(good[:-20])
        await socket.send_str("not binary")
        await socket.send_bytes(good)
        seen = await driven.until(lambda seen: seen.events)

        assert seen.texts == ["还在"]
        assert len(seen.rejected) == 3


async def test_a_dropped_session_is_opened_and_registered_again() -> None:
    async with HuyaEmulator() as huya, Supervised(PLATFORM, options(huya)) as source:
        socket = await huya.socket()
        await socket.send_bytes(push(1400, comment(31, "雨燕", "before"), 701))
        await source.until(lambda seen: len(seen.events) == 1)
        await socket.close()
        again = await huya.socket(1)
        # Late, and told a second time: the id says so.
        await again.send_bytes(push(1400, comment(31, "雨燕", "before"), 701))
        await again.send_bytes(push(1400, comment(31, "雨燕", "after"), 702))
        seen = await source.until(lambda seen: len(seen.events) == 3)
        assert [event.id for event in seen.events] == ["701", "701", "702"]


async def test_a_refused_registration_ends_the_connection() -> None:
    huya = HuyaEmulator()
    huya.refusal_code = 3
    async with huya, await connected(huya) as driven:
        seen = await driven.until(lambda seen: seen.ends)
        assert isinstance(seen.ends[0], SourceUnavailableError)


async def test_a_page_without_a_uid_asks_for_the_option_and_no_page_is_no_room() -> None:
    async with HuyaEmulator(page="<html>new layout</html>") as huya, RealHttp() as http:
        with pytest.raises(SourceUnavailableError, match="anchor_uid"):
            await locate(Options(room="lanyou", api_base=huya.http_url), http)
        with pytest.raises(RoomNotFoundError):
            await locate(Options(room="nobody", api_base=huya.http_url), http)
