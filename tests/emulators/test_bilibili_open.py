from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bridge.clock import SystemClock
from bridge.errors import SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment
from bridge.secret import Secret
from bridge.sources.contract import Decoded, HttpCall
from bridge.sources.http import SourceHttp
from bridge.sources.platforms.bilibili_open import PLATFORM, Options, locate
from bridge.sources.platforms.bilibili_open.api import api_call, end_call, heartbeat_call, start_call
from bridge.sources.supervisor import Supervisor
from tests.emulators.bilibili_open import OpenLive, command, danmaku

START, HEARTBEAT, END = "/v2/app/start", "/v2/app/heartbeat", "/v2/app/end"


def options(site: OpenLive) -> Options:
    return Options(
        access_key_id=Secret(site.key_id),
        access_key_secret=Secret(site.key_secret),
        app_id=str(site.app_id),
        code=Secret(site.code),
        api_base=site.http_url,
    )


@asynccontextmanager
async def http() -> AsyncIterator[SourceHttp]:
    client = SourceHttp(SystemClock())
    try:
        yield client
    finally:
        await client.close()


class Source:
    """The platform under the real supervisor; ``until_texts`` waits for what it decodes."""

    def __init__(self) -> None:
        self.decoded: list[Decoded] = []
        self._news = asyncio.Event()

    @property
    def texts(self) -> list[str]:
        events = [event for one in self.decoded for event in one.events]
        return [event.content.text for event in events if isinstance(event.content, Comment)]

    def take(self, decoded: Decoded) -> None:
        self.decoded.append(decoded)
        self._news.set()

    async def until_texts(self, *texts: str) -> None:
        async with asyncio.timeout(5):
            while self.texts != list(texts):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def supervised(site: OpenLive) -> AsyncIterator[Source]:
    source = Source()
    supervisor = Supervisor(
        "bilibili_open",
        "show",
        PLATFORM,
        options=lambda: options(site),
        sink=source.take,
        clock=SystemClock(),
        random=lambda: 0.0,
    )
    task = asyncio.create_task(supervisor.run())
    try:
        yield source
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def code_of(site: OpenLive, call: HttpCall) -> int:
    async with http() as client:
        return int((await client.send(call)).json()["code"])


def without(call: HttpCall, header: str) -> HttpCall:
    return replace(call, headers={name: value for name, value in call.headers.items() if name != header})


def signed_with(call: HttpCall, **changed: str) -> HttpCall:
    sign = call.sign
    assert sign is not None
    return replace(
        call, sign=lambda now_ms: {**sign(now_ms), **{name.replace("_", "-"): changed[name] for name in changed}}
    )


async def test_a_session_runs_from_start_to_end() -> None:
    async with OpenLive() as site, supervised(site) as source:
        client = await site.open_client(heartbeats=1)
        await client.say(danmaku(1, "一"))
        await client.say(danmaku(2, "二"), danmaku(3, "三"), compressed=True)
        await source.until_texts("一", "二", "三")
        await site.called(HEARTBEAT)

    assert [path for path, _ in site.calls] == [START, HEARTBEAT, END]
    assert {code for _, code in site.calls} == {0}


async def test_an_app_that_is_not_listed_has_nothing_to_keep_alive_or_to_end() -> None:
    async with OpenLive(listed=False) as site:
        async with supervised(site) as source:
            await (await site.client()).say(danmaku(1, "一"))
            await source.until_texts("一")
        assert site.calls == [(START, 0)]


async def test_a_broken_socket_comes_back_without_waiting_for_the_old_session() -> None:
    async with OpenLive() as site, supervised(site) as source:
        await (await site.client()).say(danmaku(1, "一"))
        await source.until_texts("一")
        site.clients[0].cut()
        await (await site.client(1)).say(danmaku(2, "二"))
        await source.until_texts("一", "二")

    assert (END, 0) in site.calls
    assert 7002 not in {code for _, code in site.calls}


async def test_a_lost_session_is_started_again() -> None:
    async with OpenLive() as site:
        site.scripted_codes[HEARTBEAT] = [7003]
        site.session_secs = 0.0
        async with supervised(site) as source:
            await site.called(START, 2)
            site.session_secs = 60.0
            await (await site.open_client()).say(danmaku(1, "一"))
            await source.until_texts("一")


async def test_the_end_of_an_interaction_starts_the_next() -> None:
    async with OpenLive() as site, supervised(site) as source:
        client = await site.client()
        await client.say(danmaku(1, "一"), command("INTERACTION_END", game_id="game-1"))
        site.expire_sessions()
        await (await site.client(1)).say(danmaku(2, "二"))
        await source.until_texts("一", "二")

    assert [path for path, _ in site.calls].count(START) == 2


async def test_a_dead_link_is_left_for_the_next_of_the_same_session() -> None:
    async with OpenLive() as site:
        site.links = ["ws://127.0.0.1:9/sub", f"{site.ws_url}sub"]
        async with supervised(site) as source:
            await (await site.client()).say(danmaku(1, "一"))
            await source.until_texts("一")
        assert [path for path, _ in site.calls].count(START) == 1


async def test_a_lying_length_costs_its_own_message_only() -> None:
    async with OpenLive() as site, supervised(site) as source:
        client = await site.client()
        for by in (-9, 9, 2**31):
            await client.lie_about_length(danmaku(9, "lost"), by)
        await client.send_raw(b"\x00" * 40)
        await client.say(danmaku(1, "一"))
        await source.until_texts("一")

    assert sum(len(one.rejected) for one in source.decoded) >= 4


async def test_each_fault_in_the_headers_is_told_by_its_own_code() -> None:
    async with OpenLive() as site:
        call = start_call(options(site))
        assert await code_of(site, without(call, "Accept")) == 4013
        assert await code_of(site, replace(call, headers={**call.headers, "Content-Type": "text/plain"})) == 4011
        assert await code_of(site, signed_with(call, Authorization="0" * 64)) == 4002
        assert await code_of(site, signed_with(call, x_bili_signature_method="MD5")) == 4005
        assert await code_of(site, signed_with(call, x_bili_signature_version="2.0")) == 4006
        assert await code_of(site, signed_with(call, x_bili_timestamp="1700000000")) == 4003
        assert await code_of(site, replace(call, body=b"{}")) == 4012
        assert await code_of(site, start_call(replace(options(site), access_key_id=Secret("else")))) == 4001
        assert await code_of(site, call) == 0
        assert await code_of(site, heartbeat_call(options(site), "game-1")) == 0
        assert await code_of(site, heartbeat_call(options(site), "game-x")) == 7000
        assert await code_of(site, end_call(options(site), "game-1")) == 0


async def test_a_nonce_is_taken_once() -> None:
    async with OpenLive(listed=False) as site:
        asked = {"code": site.code, "app_id": site.app_id}
        call = api_call(options(site), START, asked, nonce=lambda: "same")
        assert [await code_of(site, call), await code_of(site, call)] == [0, 4004]


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (7007, SourceAuthError, "code"),
        (4002, SourceAuthError, "access_key_secret"),
        (4001, SourceAuthError, "app_id"),
        (4007, SourceAuthError, "access_key_id"),
        (7001, SourceThrottledError, "cooling"),
        (7002, SourceThrottledError, "still runs"),
        (4009, SourceThrottledError, "too many"),
        (4003, SourceUnavailableError, "clock"),
        (5000, SourceUnavailableError, "5000"),
    ],
)
async def test_a_refused_start_says_what_to_mend(code: int, error: type[Exception], words: str) -> None:
    async with OpenLive() as site, http() as client:
        site.scripted_codes[START] = [code]
        with pytest.raises(error, match=words):
            await locate(options(site), client)


async def test_the_room_runs_one_session_at_a_time() -> None:
    async with OpenLive() as site, http() as client:
        await locate(options(site), client)
        with pytest.raises(SourceThrottledError):
            await locate(options(site), client)


async def test_batched_heartbeats_tell_the_dead_and_refuse_doubles() -> None:
    async with OpenLive() as site, http() as client:
        await locate(options(site), client)

        def batch(ids: list[str]) -> HttpCall:
            return api_call(options(site), "/v2/app/batchHeartbeat", {"game_ids": ids})

        answer = (await client.send(batch(["game-1", "game-9"]))).json()
        assert answer["data"] == {"failed_game_ids": ["game-9"]}
        assert await code_of(site, batch(["game-1", "game-1"])) == 7005
        assert await code_of(site, batch([str(number) for number in range(200)])) == 7004
