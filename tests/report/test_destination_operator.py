"""What the operator can do: give a URL by hand, pause, resume."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.report.contract import Hold
from tests.report.fakes import (
    BAD_KEY,
    KEY,
    accepted,
    running,
    url_of,
)
from tests.report.reporting_room import ReportingRoom, Setup


@pytest.fixture
async def room() -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom() as room:
        yield room


async def test_the_operators_url_is_tried_at_once_also_if_it_was_refused_before(room: ReportingRoom) -> None:
    room.cloud.always(BAD_KEY)
    room.arrive()
    await room.pass_time(60)
    room.cloud.always(accepted())
    room.destination.set_url(f" {url_of()} ")
    await room.pass_time(0.1)
    assert room.ledger.fates == {1: "delivered"}


@pytest.mark.parametrize("text", ["", "no URL", "ftp://h/p"])
async def test_what_is_no_url_changes_nothing(room: ReportingRoom, text: str) -> None:
    with pytest.raises(ValueError, match="is not an http"):
        room.destination.set_url(text)
    room.arrive()
    await room.pass_time(0)
    assert room.cloud.keys == [KEY]


async def test_the_operators_url_wins_over_the_configured_one_after_a_restart(tmp_path: Path) -> None:
    async with ReportingRoom(Setup(directory=tmp_path)) as room:
        room.destination.set_url(url_of("by-hand"))
    async with ReportingRoom(Setup(directory=tmp_path)) as room:
        room.arrive()
        await room.pass_time(0)
        assert room.cloud.keys == ["by-hand"]


async def test_a_paused_room_reports_nothing_and_a_resumed_one_goes_on(room: ReportingRoom) -> None:
    room.destination.pause(paused=True)
    room.arrive()
    await room.pass_time(30)
    assert room.destination.hold is Hold.PAUSED
    assert room.cloud.calls == []
    room.destination.pause(paused=False)
    await room.pass_time(1)
    assert room.ledger.fates == {1: "delivered"}


async def test_a_paused_room_stays_paused_whatever_url_or_job_comes(room: ReportingRoom) -> None:
    room.destination.pause(paused=True)
    room.destination.set_url(url_of("other"))
    room.destination.follow_job(running(url_of(job="j2"), "j2"))
    room.arrive()
    await room.pass_time(10)
    assert room.cloud.calls == []
    room.destination.pause(paused=False)
    await room.pass_time(1)
    assert "/smart-live-jobs/j2/" in room.cloud.calls[0].url


async def test_a_room_can_be_paused_before_it_has_a_url() -> None:
    async with ReportingRoom(Setup(url="")) as room:
        room.destination.pause(paused=True)
        room.configured = url_of()
        room.arrive()
        await room.pass_time(5)
        assert room.cloud.calls == []
        assert room.destination.hold is Hold.PAUSED


async def test_resuming_gives_a_refused_credential_another_three_calls(room: ReportingRoom) -> None:
    room.cloud.always(BAD_KEY)
    room.arrive()
    await room.pass_time(60)
    room.destination.pause(paused=False)
    await room.pass_time(60)
    assert len(room.cloud.calls) == 6
    room.cloud.always(accepted())
    room.destination.pause(paused=False)
    await room.pass_time(1)
    assert room.ledger.fates == {1: "delivered"}


async def test_an_answer_to_an_older_url_is_not_taken_for_one_to_the_newer(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 1.0
    room.cloud.will(BAD_KEY)
    room.arrive()
    await room.pass_time(0.5)
    room.destination.set_url(url_of("newer"))
    await room.pass_time(5)
    assert room.cloud.keys == [KEY, "newer"]
    assert room.cloud.gaps == [1.0]
    assert room.ledger.fates == {1: "delivered"}


async def test_a_refusal_of_an_older_url_does_not_count_against_a_newer_one(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 1.0
    room.cloud.always(BAD_KEY)
    room.arrive()
    await room.pass_time(0.5)
    room.destination.set_url(url_of("newer"))
    await room.pass_time(60)
    assert room.cloud.keys == [KEY] + ["newer"] * 3


async def test_a_late_refresh_of_an_older_url_is_not_adopted_over_a_newer_one(room: ReportingRoom) -> None:
    room.destination.set_url(url_of("first", lives_secs=60))
    room.cloud.rtt_secs = 1.0
    room.cloud.will(accepted(url_of("late", lives_secs=7200)))
    room.arrive()
    await room.pass_time(0.5)
    room.destination.set_url(url_of("by-hand"))
    await room.pass_time(5)
    assert room.destination.url is not None
    assert room.destination.url.key == "by-hand"
