"""A URL is refreshed before it dies: by an ordinary call, or in a silent room by one that is made for it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.report.url import ReportUrl
from bridge.report.url_store import DIRECTORY
from tests.fakes import FakeClock
from tests.report.fakes import (
    BAD_KEY,
    BROKEN,
    CARRIER,
    CARRIER_WIRE,
    HOST,
    PATH,
    START_MS,
    FakeFinder,
    accepted,
    running,
    said,
    url_of,
)
from tests.report.reporting_room import ReportingRoom, Setup

HOUR = url_of("first", lives_secs=3600)
FRESH = url_of("fresh", lives_secs=7200)


def key_in_use(room: ReportingRoom) -> str:
    assert room.destination.url is not None
    return room.destination.url.key


async def test_an_ordinary_call_asks_for_a_fresh_url_within_the_margin_and_not_before() -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.arrive()
        await room.pass_time(0)
        room.clock.step_wall_clock(2_879_000)
        room.arrive()
        await room.pass_time(2)
        room.arrive()
        await room.pass_time(1)
        assert [call.asks_refresh for call in room.cloud.calls] == [False, False, True]
        assert room.cloud.calls[2].url == f"{HOUR}&refresh_url=true"
        assert room.cloud.calls[2].numbers == [3]


async def test_the_fresh_url_is_used_from_the_next_call_on_and_asked_for_no_more() -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.cloud.will(accepted(FRESH))
        room.clock.step_wall_clock(3_000_000)
        room.arrive()
        await room.pass_time(1)
        room.arrive()
        await room.pass_time(1)
        assert room.cloud.calls[1].url == FRESH
        assert room.destination.refreshes == 1


async def test_while_no_fresh_url_comes_every_call_asks_for_one() -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.clock.step_wall_clock(3_000_000)
        for _ in range(3):
            room.arrive()
            await room.pass_time(1)
        assert [call.asks_refresh for call in room.cloud.calls] == [True] * 3


async def test_the_fresh_url_survives_a_restart_in_a_file_for_the_owner_alone(tmp_path: Path) -> None:
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR)) as room:
        room.cloud.will(accepted(FRESH))
        room.clock.step_wall_clock(3_000_000)
        room.arrive()
        await room.pass_time(1)
    (file,) = (tmp_path / DIRECTORY).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR), clock=FakeClock(START_MS + 3_100_000)) as room:
        room.arrive()
        await room.pass_time(0)
        assert room.cloud.calls[0].url == FRESH


async def test_a_changed_configuration_wins_over_what_was_kept(tmp_path: Path) -> None:
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR)) as room:
        room.destination.set_url(FRESH)
    async with ReportingRoom(Setup(directory=tmp_path, url=url_of("changed"))) as room:
        assert key_in_use(room) == "changed"


async def test_a_kept_url_that_is_refused_gives_way_to_the_configured_one(tmp_path: Path) -> None:
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR)) as room:
        room.destination.set_url(FRESH)
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR)) as room:
        room.cloud.will(BAD_KEY)
        room.arrive()
        await room.pass_time(1)
        assert [ReportUrl(call.url).key for call in room.cloud.calls] == ["fresh", "first"]
        assert room.ledger.fates == {1: "delivered"}


async def test_a_secret_file_that_appears_late_finds_the_url_that_was_kept(tmp_path: Path) -> None:
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR)) as room:
        room.destination.set_url(FRESH)
    async with ReportingRoom(Setup(directory=tmp_path, url="")) as room:
        room.configured = HOUR
        await room.pass_time(2)
        assert key_in_use(room) == "fresh"


async def test_a_disk_that_does_not_take_the_fresh_url_does_not_stop_the_room(tmp_path: Path) -> None:
    (tmp_path / DIRECTORY).write_text("in the way")
    async with ReportingRoom(Setup(directory=tmp_path, url=HOUR)) as room:
        room.cloud.will(accepted(FRESH))
        room.clock.step_wall_clock(3_000_000)
        with capture_logs() as logs:
            room.arrive()
            await room.pass_time(1)
        assert "report_url.not_kept" in [line["event"] for line in logs]
        assert key_in_use(room) == "fresh"


@pytest.mark.parametrize(
    "offered",
    [
        f"https://evil.test{PATH}?auth_key=fresh",
        FRESH.replace("https", "http"),
        url_of("fresh", job="j2"),
        f"{HOST}{PATH}",
        "no URL at all",
        "",
        HOUR,
        url_of("shorter", lives_secs=3200),
    ],
)
async def test_what_is_not_kin_or_no_better_is_not_adopted(offered: str) -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.cloud.will(accepted(offered))
        room.clock.step_wall_clock(3_000_000)
        for _ in range(2):
            room.arrive()
            await room.pass_time(1)
        assert room.destination.refreshes == 0
        assert room.cloud.calls[1].url == f"{HOUR}&refresh_url=true"
        assert room.ledger.fate("delivered") == [1, 2]


@settings(max_examples=60, deadline=None)
@given(
    scheme=st.sampled_from(["https", "http", "ftp"]),
    host=st.sampled_from(["metastudio.cn-north-4.example.com", "b.example.com", "example.com.evil.test", "evil.test"]),
    port=st.sampled_from(["", ":443", ":8443"]),
    path=st.sampled_from([PATH, "/", PATH + "/x"]),
    query=st.sampled_from(["?auth_key=fresh", "?auth_key=fresh&expires_time=1700099999000", ""]),
)
def test_only_https_the_same_house_and_the_same_path_are_ever_called(
    scheme: str, host: str, port: str, path: str, query: str
) -> None:
    async def run() -> None:
        async with ReportingRoom(Setup(url=HOUR), clock=FakeClock(START_MS + 3_000_000)) as room:
            room.cloud.always(accepted(f"{scheme}://{host}{port}{path}{query}"))
            for _ in range(3):
                room.arrive()
                await room.pass_time(1)
            for call in room.cloud.calls:
                address = call.url.partition("?")[0].replace(":443/", "/")
                assert address in {f"{HOST}{PATH}", f"https://b.example.com{PATH}"}
                assert "auth_key=" in call.url

    asyncio.run(run())


async def test_in_a_silent_room_the_latest_viewer_count_carries_the_refresh() -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.carrier = CARRIER_WIRE
        room.cloud.always(accepted(FRESH))
        room.clock.step_wall_clock(3_290_000)
        await room.pass_time(9)
        assert room.cloud.calls == []
        await room.pass_time(2.5)
        assert room.cloud.batches == [[CARRIER]]
        assert room.cloud.calls[0].asks_refresh
        assert key_in_use(room) == "fresh"
        assert room.ledger.fates == {}


async def test_in_a_silent_room_without_a_viewer_count_the_job_query_brings_the_url() -> None:
    finder = FakeFinder(running(FRESH))
    async with ReportingRoom(Setup(url=HOUR, finder=finder)) as room:
        room.clock.step_wall_clock(3_290_000)
        await room.pass_time(12.5)
        assert key_in_use(room) == "fresh"
        assert finder.asked == 1
        assert room.cloud.calls == []


async def test_a_quiet_refresh_that_brings_nothing_is_repeated_ten_times_at_most() -> None:
    finder = FakeFinder(running(HOUR))
    async with ReportingRoom(Setup(url=HOUR, finder=finder)) as room:
        room.clock.step_wall_clock(3_290_000)
        await room.pass_time(600)
        assert 8 <= finder.asked <= 10


async def test_a_silent_room_with_nobody_to_ask_uses_up_nothing_of_the_tenants_rate() -> None:
    async with ReportingRoom(Setup(url=HOUR, max_calls_per_second=1)) as room:
        room.clock.step_wall_clock(3_290_000)
        await room.pass_time(200)
        reserved = [room.limiter.reserve(room.clock.monotonic()) for _ in range(2)]
        assert reserved == [0.0, 1.0]


async def test_a_failed_quiet_refresh_is_waited_out_like_any_other_call() -> None:
    async with ReportingRoom(Setup(url=url_of("first", lives_secs=100))) as room:
        room.carrier = CARRIER_WIRE
        room.cloud.will(said(429, retry_after="3"), BROKEN, accepted(FRESH))
        await room.pass_time(99)
        assert room.cloud.gaps == pytest.approx([3, 1])
        assert key_in_use(room) == "fresh"
        assert room.limiter.calls_per_second < 1000


async def test_a_refused_quiet_refresh_goes_down_the_same_ladder() -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.carrier = CARRIER_WIRE
        room.cloud.always(BAD_KEY)
        room.clock.step_wall_clock(3_290_000)
        await room.pass_time(320)
        assert len(room.cloud.calls) == 3
        assert "renew /run/secrets/report_url" in room.destination.alarm


async def test_a_dead_url_is_not_called_for_a_refresh_alone() -> None:
    async with ReportingRoom(Setup(url=HOUR), clock=FakeClock(START_MS + 3_600_001)) as room:
        room.carrier = CARRIER_WIRE
        await room.pass_time(60)
        assert room.cloud.calls == []


async def test_no_refresh_is_made_while_paused_or_stopping() -> None:
    async with ReportingRoom(Setup(url=HOUR)) as room:
        room.carrier = CARRIER_WIRE
        room.destination.pause(paused=True)
        room.clock.step_wall_clock(3_390_000)
        await room.pass_time(10)
        room.destination.pause(paused=False)
        room.reporter.stop(room.clock.monotonic() + 8)
        await room.pass_time(9)
        assert room.cloud.calls == []


async def test_with_short_lived_urls_that_die_at_each_refresh_there_is_never_a_refusal() -> None:
    async with ReportingRoom(Setup(url=url_of("key-0", lives_secs=60))) as room:
        newest = 0

        def judge(call):  # type: ignore[no-untyped-def]
            nonlocal newest
            if f"auth_key=key-{newest}&" not in call.url:
                return BAD_KEY
            if not call.asks_refresh:
                return accepted()
            newest += 1
            return accepted(url_of(f"key-{newest}", lives_secs=room.clock.monotonic() - 1000 + 60))

        room.cloud.judge = judge
        for second in range(600):
            if second % 90 < 45:
                room.arrive()
            room.carrier = CARRIER_WIRE
            await room.pass_time(1)
        assert {answer.status for answer, _, _ in room.ledger.calls} == {200}
        assert room.destination.refreshes > 10


class TestHeaders:
    """The room whose key travels in headers."""

    async def test_key_and_end_are_moved_to_headers(self) -> None:
        async with ReportingRoom(Setup(url=HOUR, key_in_headers=True)) as room:
            room.arrive()
            await room.pass_time(0)
            (call,) = room.cloud.calls
            assert call.url == f"{HOST}{PATH}"
            assert call.headers == {"x-mss-auth-key": "first", "x-mss-expires-time": str(START_MS + 3_600_000)}

    async def test_the_refresh_is_asked_in_the_url_and_the_fresh_key_goes_to_headers_again(self) -> None:
        async with ReportingRoom(Setup(url=HOUR, key_in_headers=True)) as room:
            room.cloud.will(accepted(FRESH))
            room.clock.step_wall_clock(3_000_000)
            for _ in range(2):
                room.arrive()
                await room.pass_time(1)
            assert room.cloud.calls[0].url == f"{HOST}{PATH}?refresh_url=true"
            assert room.cloud.calls[1].url == f"{HOST}{PATH}"
            assert room.cloud.calls[1].headers["x-mss-auth-key"] == "fresh"
