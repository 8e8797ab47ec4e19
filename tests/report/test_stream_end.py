"""The end of the job's stream: what waited is sent, what comes later is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.report.contract import Hold
from bridge.report.destination import DRAIN_SECS
from tests.report.fakes import BROKEN, running, url_of
from tests.report.reporting_room import ReportingRoom


@pytest.fixture
async def room() -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom() as room:
        yield room


def end(room: ReportingRoom) -> None:
    assert room.destination.stream_ended()
    room.reporter.drain()


async def test_what_waits_is_sent_and_what_comes_later_is_not(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 1.0
    room.arrive()
    await room.pass_time(0.1)
    room.arrive(3)
    end(room)
    room.arrive(2)
    assert room.destination.is_ready
    await room.pass_time(3)
    assert room.cloud.batches == [[1], [2, 3, 4]]
    assert room.destination.hold is Hold.ENDED
    assert not room.destination.is_ready


async def test_when_nothing_waits_reporting_stops_at_once(room: ReportingRoom) -> None:
    end(room)
    await room.pass_time(0)
    assert room.destination.hold is Hold.ENDED
    assert not room.destination.stream_ended()


async def test_a_drain_that_does_not_get_through_ends_in_time_and_loses_nothing(room: ReportingRoom) -> None:
    room.cloud.always(BROKEN)
    room.arrive(2)
    end(room)
    await room.pass_time(DRAIN_SECS + 1)
    calls = len(room.cloud.calls)
    assert room.destination.hold is Hold.ENDED
    await room.pass_time(20)
    assert len(room.cloud.calls) == calls
    assert room.reporter.parked_events == 2


async def test_a_connection_resumes_with_what_waited(room: ReportingRoom) -> None:
    end(room)
    await room.pass_time(0)
    room.arrive(2)
    await room.pass_time(5)
    assert room.cloud.batches == []
    room.destination.stream_connected()
    room.reporter.wake()
    await room.pass_time(0)
    assert room.cloud.batches == [[1, 2]]


async def test_a_new_job_takes_over_and_the_same_one_does_not(room: ReportingRoom) -> None:
    end(room)
    await room.pass_time(0)
    room.destination.follow_job(running(url_of()))
    assert room.destination.hold is Hold.ENDED
    room.destination.follow_job(running(url_of(job="j2"), "j2"))
    assert room.destination.is_ready
    room.destination.stream_connected()
    assert room.destination.stream_ended()


async def test_the_operator_has_the_last_word(room: ReportingRoom) -> None:
    end(room)
    await room.pass_time(0)
    room.destination.pause(paused=True)
    assert room.destination.hold is Hold.PAUSED
    room.destination.pause(paused=False)
    assert room.destination.is_ready
    end(room)
    await room.pass_time(0)
    room.destination.set_url(url_of())
    assert room.destination.is_ready
