"""The simulated room against our own way in, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
import websockets

from bridge.demo.bilibili_messages import (
    Given,
    combo,
    danmu,
    gift,
    gift_v2,
    guard,
    interact,
    interact_v2,
    like,
    likes_total,
    log_in_notice,
    super_chat,
    viewers,
    watched,
)
from bridge.demo.bilibili_people import Medal, Viewer
from bridge.demo.bilibili_room import BilibiliRoom
from bridge.errors import RoomNotFoundError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment
from bridge.secret import Secret
from bridge.sources.contract import Connection, Decoded, Frame, HttpAnswer, HttpCall, NoticeKind
from bridge.sources.heirs import HeirStore
from bridge.sources.platforms.bilibili import Options, RoomDecoder, locate

NOW = 1_785_000_000_000
VIEWER = Viewer(8_000_000_501, "青柠", 12, 21, Medal("小灯塔", 18, 550_001, "灯塔台", 92_000_001), 3)


class Http:
    """The plainest client that satisfies ``locate``."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.heirs = HeirStore()

    async def send(self, call: HttpCall) -> HttpAnswer:
        async with self._session.get(call.url, params=call.query, headers=call.headers) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            cookies = {name: morsel.value for name, morsel in response.cookies.items()}
            return HttpAnswer(response.status, headers, await response.read(), cookies)

    def now_ms(self) -> int:
        return NOW


class Socket:
    """One connection as the bridge keeps it, without its reconnecting."""

    def __init__(self, ws: websockets.ClientConnection, connection: Connection) -> None:
        self.ws = ws
        self._decoder = connection.decoder

    async def next(self) -> Decoded:
        data = await asyncio.wait_for(self.ws.recv(), 5)
        decoded = self._decoder.feed(Frame(data, NOW))
        for reply in decoded.replies:
            await self.ws.send(reply)
        return decoded

    async def admitted(self) -> Decoded:
        """Return what being let in yields, once the reply to the first heartbeat has come too."""
        decoded = await self.next()
        assert decoded.end is None
        assert not (await self.next()).rejected
        return decoded


async def ways_in(room: BilibiliRoom, /, **options: Any) -> list[Connection]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        return list(await locate(Options(**{"room": "92", "api_base": room.api_base, **options}), Http(session)))


@asynccontextmanager
async def connected(connection: Connection) -> AsyncIterator[Socket]:
    headers = dict(connection.endpoint.headers)
    agent = headers.pop("User-Agent")
    async with websockets.connect(
        connection.endpoint.url, additional_headers=headers, user_agent_header=agent, proxy=None
    ) as ws:
        for greeting in connection.decoder.greeting():
            await ws.send(greeting)
        yield Socket(ws, connection)


@asynccontextmanager
async def visit(room: BilibiliRoom, **options: Any) -> AsyncIterator[Socket]:
    async with connected((await ways_in(room, **options))[0]) as opened:
        await opened.admitted()
        await asyncio.wait_for(room.wait_for_clients(), 5)
        yield opened


@pytest.fixture
async def room() -> AsyncIterator[BilibiliRoom]:
    async with BilibiliRoom(accounts={"good": 42}) as opened:
        yield opened


def words(decoded: Decoded) -> list[str]:
    return [one.content.text for one in decoded.events if isinstance(one.content, Comment)]


async def test_a_guest_and_an_account_are_admitted_and_told_that_the_room_is_live(room: BilibiliRoom) -> None:
    for options, uid in (({}, 0), ({"cookie": Secret("SESSDATA=good")}, 42)):
        async with connected((await ways_in(room, **options))[0]) as opened:
            decoded = await opened.admitted()
            assert [notice.kind for notice in decoded.notices] == [NoticeKind.LIVE]
        assert room.visits[-1].uid == uid
        assert room.visits[-1].heartbeats == 1
    assert not room.refusals


async def test_the_way_in_is_the_real_one(room: BilibiliRoom) -> None:
    ways = await ways_in(room)
    assert room.api.calls.keys() >= {
        "/",
        "/x/web-interface/nav",
        "/room/v1/Room/get_info",
        "/xlive/web-room/v1/index/getDanmuInfo",
    }
    assert [way.endpoint.url for way in ways] == [f"ws://127.0.0.1:{port}/sub" for port in room.api.socket_ports]


async def test_an_unknown_room_is_unknown(room: BilibiliRoom) -> None:
    with pytest.raises(RoomNotFoundError):
        await ways_in(room, room="93")


async def test_an_expired_cookie_is_told_after_the_admission(room: BilibiliRoom) -> None:
    async with connected((await ways_in(room, cookie=Secret("SESSDATA=old")))[0]) as opened:
        kinds = [notice.kind for notice in (await opened.admitted()).notices]
    assert kinds == [NoticeKind.CREDENTIAL_WEAK, NoticeKind.LIVE]


async def test_refused_and_throttled_token_calls(room: BilibiliRoom) -> None:
    room.api.token_refusals = 1
    assert await ways_in(room)
    room.api.token_refusals = 2
    with pytest.raises(SourceThrottledError):
        await ways_in(room)
    room.api.throttled_calls = 1
    with pytest.raises(SourceThrottledError):
        await ways_in(room)


@pytest.mark.parametrize("query", [{}, {"wts": "1", "w_rid": "0" * 32}, {"wts": "x", "w_rid": "é"}])
async def test_an_unsigned_token_call_is_refused(room: BilibiliRoom, query: dict[str, str]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{room.api_base}/xlive/web-room/v1/index/getDanmuInfo",
            params={"id": str(room.room_id), **query},
            headers={"Cookie": "buvid3=x"},
        ) as response,
    ):
        assert (await response.json())["code"] == -352


async def test_keys_of_yesterday_sign_nothing(room: BilibiliRoom) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        http = Http(session)

        class Late(Http):
            async def send(self, call: HttpCall) -> HttpAnswer:
                answer = await http.send(call)
                if call.url.endswith("get_info"):
                    room.api.rotate_keys()
                return answer

        assert await locate(Options(room="92", api_base=room.api_base), Late(session))
    assert room.api.calls["/x/web-interface/nav"] == 2


async def test_a_token_opens_the_socket_only_to_the_session_that_fetched_it(room: BilibiliRoom) -> None:
    way = (await ways_in(room))[0]
    room.api.revoke_tokens()
    async with connected(way) as opened:
        assert isinstance((await opened.next()).end, SourceUnavailableError)
    way = (await ways_in(room))[0]
    way.endpoint.headers["User-Agent"] = "other"  # type: ignore[index]
    async with connected(way) as opened:
        assert isinstance((await opened.next()).end, SourceUnavailableError)
    assert room.refusals == {"unknown token": 1, "token of another User-Agent": 1}


async def test_whoever_says_nothing_is_shown_out() -> None:
    async with BilibiliRoom(auth_timeout_secs=0.05) as room, websockets.connect(room.websocket_url, proxy=None) as ws:
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(ws.recv(), 5)
        assert room.refusals == {"no auth in time": 1}


async def test_whoever_sends_no_heartbeat_is_shown_out() -> None:
    async with BilibiliRoom(idle_timeout_secs=0.05) as room, visit(room) as opened:
        with pytest.raises(websockets.ConnectionClosed):
            await opened.next()
        await asyncio.wait_for(room.wait_until_empty(), 5)


@pytest.mark.parametrize("version", [0, 2, 3])
@pytest.mark.parametrize("nested", [False, True])
async def test_messages_arrive_in_order_however_they_are_packed(room: BilibiliRoom, version: int, nested: bool) -> None:
    async with visit(room) as opened:
        batch = [danmu(VIEWER, f"第{n}句", at_ms=NOW, serial=n) for n in range(5)]
        assert await room.send(batch, version=version, nested=nested) == 1
        assert words(await opened.next()) == [f"第{n}句" for n in range(5)]
        assert room.sent == room.clients[0].delivered == {"DANMU_MSG": 5}


async def test_every_message_is_read(room: BilibiliRoom) -> None:
    gifts = [Given("糖", 9000, 2), Given("枕", 16000)]
    messages = [
        danmu(VIEWER, "赞", at_ms=NOW, emoticon=True),
        interact(VIEWER, 1, at_ms=NOW),
        interact_v2(VIEWER, 2, at_ms=NOW),
        like(VIEWER),
        gift(VIEWER, "小花花", at_ms=NOW, num=3),
        gift(VIEWER, "辣条", at_ms=NOW, serial=1, coin_type="silver"),
        combo(VIEWER, "小花花", total_num=3),
        gift_v2(VIEWER, gifts, at_ms=NOW, serial=2, box_price=15000),
        *guard(VIEWER, 2, at_ms=NOW, months=12, paid=19_176_000),
        super_chat(VIEWER, "唱首歌吧", at_ms=NOW),
        super_chat(VIEWER, "唱首歌吧", at_ms=NOW, japanese=True),
        viewers(1200),
        watched(99_000),
        likes_total(5000),
        log_in_notice(),
    ]
    async with visit(room) as opened:
        await room.send(messages)
        decoded = await opened.next()
    contents = [orjson.loads(orjson.loads(one.to_wire())["content"]) for one in decoded.events]
    assert len(contents) == 14
    assert {content["user"]["userId"] for content in contents if "user" in content} == {"bilibili_8000000501"}
    money = [(content["gift"]["giftName"], content["gift"]["totalValue"]) for content in contents if "gift" in content]
    assert money == [
        ("小花花", 300),
        ("辣条", 0),
        ("糖", 30000),
        ("枕", 15000),
        ("提督", 12 * 1_998_000),
        ("提督", 19_176_000),
        ("提督", 19_176_000),
    ]
    assert (decoded.rejected, decoded.unknown) == ([], [])


async def test_both_forms_of_a_gift_and_both_super_chats_have_one_id() -> None:
    pairs = [
        (gift(VIEWER, "糖", at_ms=NOW, serial=7), gift_v2(VIEWER, [Given("糖", 100)], at_ms=NOW, serial=7)),
        (super_chat(VIEWER, "嗨", at_ms=NOW), super_chat(VIEWER, "嗨", at_ms=NOW, japanese=True)),
    ]
    for first, second in pairs:
        decoded = RoomDecoder().feed(Frame(orjson.dumps([first, second]).decode(), NOW))
        assert len(decoded.events) == 2
        assert decoded.events[0] == decoded.events[1]


async def test_going_live_and_ending(room: BilibiliRoom) -> None:
    async with visit(room) as opened:
        await room.end_live(NOW)
        assert [notice.kind for notice in (await opened.next()).notices] == [NoticeKind.ENDED]
        assert not (await ways_in(room))[0].decoder.feed(Frame("[]", NOW)).notices
        await room.start_live(NOW)
        decoded = await opened.next()
        assert [notice.kind for notice in decoded.notices] == [NoticeKind.LIVE]
        assert decoded.ignored == ["LIVE repeated"]


async def test_connections_cut_without_a_word(room: BilibiliRoom) -> None:
    async with visit(room) as opened:
        assert await room.drop_all() == 1
        with pytest.raises(websockets.ConnectionClosed):
            await opened.next()
        await asyncio.wait_for(room.wait_until_empty(), 5)
    assert await room.send(viewers(1)) == 0
    assert not room.sent


async def test_a_host_that_is_gone_leaves_the_others(room: BilibiliRoom) -> None:
    ways = await ways_in(room)
    await room.close_host(0)
    with pytest.raises(ConnectionRefusedError):
        async with connected(ways[0]):
            pass
    async with connected(ways[1]) as opened:
        await opened.admitted()


async def test_repeated_messages_have_the_same_ids_and_are_counted_once(room: BilibiliRoom) -> None:
    async with visit(room) as opened:
        await room.send([danmu(VIEWER, "一", at_ms=NOW), danmu(VIEWER, "二", at_ms=NOW)])
        first = await opened.next()
        await room.repeat_last(2)
        assert (await opened.next()).events == first.events
        assert room.sent == {"DANMU_MSG": 2}


async def test_silence_loses_what_was_to_be_sent_and_answers_no_heartbeat(room: BilibiliRoom) -> None:
    async with visit(room) as opened:
        room.go_silent()
        assert await room.send(viewers(1)) == 0
        await opened.ws.send(b"".join(opened._decoder.heartbeat()))  # type: ignore[arg-type]
        room.speak_again()
        assert await room.send(viewers(2)) == 1
        counts = [one.content for one in (await opened.next()).events]
        assert [count.count for count in counts] == [2]  # type: ignore[union-attr]


@pytest.mark.parametrize("version", [2, 3])
async def test_a_frame_cut_short_yields_a_fault_and_what_was_whole(room: BilibiliRoom, version: int) -> None:
    batch = [danmu(VIEWER, f"{n}" * 9, at_ms=NOW + n * 7919, serial=n * n) for n in range(40)]
    async with visit(room) as opened:
        await room.send_cut(batch, version=version, lost_bytes=600)
        decoded = await opened.next()
    assert len(decoded.rejected) == 1
    assert 0 < len(decoded.events) < 40
    assert not room.sent


@pytest.mark.parametrize("claimed", [0, 15, 2_000_000_000])
async def test_a_lying_length_costs_one_message(room: BilibiliRoom, claimed: int) -> None:
    async with visit(room) as opened:
        await room.send_lie(danmu(VIEWER, "真的", at_ms=NOW), claimed)
        decoded = await opened.next()
        assert words(decoded) == ["真的"]
        assert len(decoded.rejected) == 1
        assert room.sent == {"DANMU_MSG": 1}


async def test_bombs_and_noise_are_survived(room: BilibiliRoom) -> None:
    async with visit(room) as opened:
        started = time.monotonic()
        await room.send_bomb()
        assert (await opened.next()).rejected
        await room.send_bytes(b"\xff" * 100)
        assert (await opened.next()).rejected
        assert time.monotonic() - started < 5
        await room.send(danmu(VIEWER, "还在", at_ms=NOW))
        assert words(await opened.next()) == ["还在"]


def test_messages_are_as_full_as_real_ones_and_the_same_for_the_same_arguments() -> None:
    message = danmu(VIEWER, "晚上好", at_ms=NOW)
    assert 2000 < len(orjson.dumps(message)) < 3500
    assert 2000 < len(orjson.dumps(gift(VIEWER, "糖", at_ms=NOW))) < 4500
    assert message == danmu(VIEWER, "晚上好", at_ms=NOW)
    assert message != danmu(VIEWER, "晚上好", at_ms=NOW, serial=1)
