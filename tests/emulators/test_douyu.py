from __future__ import annotations

import asyncio

import pytest

from bridge.errors import RoomNotFoundError, SourceUnavailableError
from bridge.events import Gift
from bridge.sources.platforms.douyu import PLATFORM, Options, locate
from tests.emulators.douyu import DouyuEmulator, message
from tests.emulators.driving import Driven, RealHttp
from tests.emulators.supervised import Supervised

ROCKET = {"id": 20004, "name": "火箭", "priceInfo": {"price": 50000, "priceType": "YUCHI"}}


def chat(text: str, number: int = 1) -> str:
    return message(type="chatmsg", rid=9001, uid=100 + number, nn=f"观众{number}", txt=text, cid=f"c{number}", level=5)


def options(douyu: DouyuEmulator, room: str = "lanyou") -> Options:
    return Options(room=room, api_base=douyu.http_url, websocket_url=douyu.ws_url)


async def connected(douyu: DouyuEmulator, room: str = "lanyou") -> Driven:
    async with RealHttp() as http:
        connections = await locate(options(douyu, room), http)
    return Driven(connections[0])


async def test_a_session_logs_in_joins_all_groups_and_is_kept_alive() -> None:
    async with DouyuEmulator() as douyu, await connected(douyu) as driven:
        session = await douyu.session()
        await driven.heartbeat()
        await driven.until(lambda seen: "mrkl" in seen.ignored)

        assert session.logged_in_room == "9001"
        assert session.groups == [("9001", "-9999")]
        assert session.heartbeats == 1
        assert douyu.violations == []


async def test_nothing_is_lost_however_the_server_cuts_its_frames() -> None:
    async with DouyuEmulator() as douyu, await connected(douyu) as driven:
        session = await douyu.session()
        await session.say(chat("一", 1))
        await session.say_together(chat("二", 2), message(type="mrkl"), chat("a/b@c", 3))
        await session.say_in_pieces(chat("四" * 50, 4), 7)
        await session.say_in_pieces(chat("五", 5), 1)

        seen = await driven.until(lambda seen: len(seen.events) == 5)

        assert seen.texts == ["一", "二", "a/b@c", "四" * 50, "五"]
        assert seen.rejected == []


@pytest.mark.parametrize("by", [-5, 5, 4000, 2**31])
async def test_a_lying_length_costs_its_own_message_only(by: int) -> None:
    async with DouyuEmulator() as douyu, await connected(douyu) as driven:
        session = await douyu.session()
        await session.lie_about_length(chat("lost", 1), by)
        await session.say(chat("next", 2), chat("after", 3))

        seen = await driven.until(lambda seen: len(seen.events) == 2)

        assert seen.texts == ["next", "after"]
        assert seen.rejected


async def test_gifts_are_priced_by_the_rooms_list_and_unknown_props_are_asked_about() -> None:
    props = {"4002": {"name": "锦鲤", "price": 600, "priceType": 2}}
    async with DouyuEmulator(gifts=[ROCKET], props=props) as douyu, await connected(douyu) as driven:
        session = await douyu.session()
        lucky = message(type="dgb", uid=7, gfid=0, pid=4002, gfcnt=1)
        await session.say(message(type="dgb", uid=7, gfid=20004, pid=0, gfcnt=2, hits=2), lucky)
        await driven.until(lambda seen: len(seen.events) == 2 and seen.answers == 1)
        await session.say(lucky)
        seen = await driven.until(lambda seen: len(seen.events) == 3)

        gifts = [event.content for event in seen.events if isinstance(event.content, Gift)]
        assert [(gift.name, gift.total_value, gift.priced) for gift in gifts] == [
            ("火箭", 100000, True),
            ("4002", 0, False),
            ("锦鲤", 600, True),
        ]


async def test_a_new_session_begins_with_a_new_buffer() -> None:
    async with DouyuEmulator() as douyu:
        async with await connected(douyu) as driven:
            session = await douyu.session()
            await session.write(b"\x40\x00\x00\x00\x40\x00")
            await session.cut()
            await driven.until(lambda seen: seen.closed)
        async with await connected(douyu) as driven:
            await (await douyu.session(1)).say(chat("again"))
            assert (await driven.until(lambda seen: seen.events)).texts == ["again"]


async def test_a_cut_or_refused_session_is_opened_and_joined_again() -> None:
    async with DouyuEmulator() as douyu, Supervised(PLATFORM, options(douyu)) as source:
        session = await douyu.session()
        await session.say(chat("before", 1))
        await source.until(lambda seen: len(seen.events) == 1)
        await session.cut()
        await (await douyu.session(1)).say(message(type="error", code=51))
        await (await douyu.session(2)).say(chat("after", 2))
        seen = await source.until(lambda seen: len(seen.events) == 2)
        assert seen.texts == ["before", "after"]
        assert [session.groups for session in douyu.sessions[:3]] == [[("9001", "-9999")]] * 3
        assert douyu.violations == []


async def test_a_protocol_error_ends_the_session_as_a_loss() -> None:
    async with DouyuEmulator() as douyu, await connected(douyu) as driven:
        await (await douyu.session()).say(message(type="error", code=51))
        seen = await driven.until(lambda seen: seen.ends)
        assert isinstance(seen.ends[0], SourceUnavailableError)


async def test_a_room_that_does_not_exist() -> None:
    async with DouyuEmulator() as douyu, RealHttp() as http:
        with pytest.raises(RoomNotFoundError):
            await locate(Options(room="nobody", api_base=douyu.http_url), http)


async def test_the_emulator_refuses_what_douyu_would_refuse() -> None:
    async with DouyuEmulator() as douyu:
        port = await douyu.listen_tcp()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await douyu.close_tcp()
        assert douyu.violations == ["not a client's frame"]


async def test_a_client_that_we_did_not_write_is_satisfied_with_the_emulator() -> None:
    """Opt-in: runs where aiodouyu (MIT) is installed."""
    aiodouyu = pytest.importorskip("aiodouyu")
    async with DouyuEmulator() as douyu:
        port = await douyu.listen_tcp()
        client = aiodouyu.DanmakuClient(9001, host="127.0.0.1", port=port, reconnect=False)
        received: list[object] = []

        async def listen() -> None:
            async for one in client:
                received.append(one)
                if len(received) >= 2:
                    return

        task = asyncio.create_task(listen())
        session = await douyu.session()
        await session.say(chat("你好/@", 1), message(type="dgb", uid=7, nn="x", gfid=824, gfcnt=3))
        await asyncio.wait_for(task, 5)
        await douyu.close_tcp()
        assert "你好/@" in repr(received)
