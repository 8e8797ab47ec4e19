"""Which job a room reports to, when jobs come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.report.contract import Hold, Job, JobState
from tests.report.fakes import BAD_EVENT, BROKEN, NOT_FOUND, FakeFinder, accepted, ended, running, said, url_of
from tests.report.reporting_room import ReportingRoom, Setup

FIRST = running(url_of("k1"))
SECOND = running(url_of("k2", job="j2"), "j2")


@pytest.fixture
async def room() -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom(Setup(url=None, finder=FakeFinder())) as room:
        yield room


async def test_before_there_is_a_job_nothing_is_reported(room: ReportingRoom) -> None:
    room.arrive()
    room.destination.follow_job(None)
    await room.pass_time(10)
    assert room.destination.hold is Hold.NO_JOB
    assert room.cloud.calls == []


async def test_a_new_job_takes_over_at_once(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    room.arrive()
    await room.pass_time(1)
    room.destination.follow_job(SECOND)
    room.arrive()
    await room.pass_time(1)
    assert ["/j1/" in call.url for call in room.cloud.calls] == [True, False]
    assert room.destination.job_id == "j2"


async def test_what_waited_for_the_old_job_goes_to_the_new_one(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    room.cloud.always(BROKEN)
    room.arrive(2)
    await room.pass_time(30)
    room.cloud.always(accepted())
    room.destination.follow_job(SECOND)
    await room.pass_time(1.1)
    assert room.ledger.fates == {1: "delivered", 2: "delivered"}
    assert "/j2/" in room.cloud.calls[-1].url


async def test_an_ended_job_stops_reporting_and_events_wait_for_the_next(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    room.destination.follow_job(ended("j1"))
    room.arrive()
    await room.pass_time(10)
    assert room.destination.hold is Hold.NO_JOB
    assert (room.destination.job_id, room.destination.url) == ("", None)
    assert room.cloud.calls == []
    room.destination.follow_job(SECOND)
    await room.pass_time(1)
    assert room.ledger.fates == {1: "delivered"}


async def test_when_no_job_runs_any_more_reporting_stops(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    room.destination.follow_job(None)
    assert room.destination.hold is Hold.NO_JOB


async def test_another_jobs_end_changes_nothing(room: ReportingRoom) -> None:
    room.destination.follow_job(SECOND)
    room.destination.follow_job(ended("j1"))
    room.arrive()
    await room.pass_time(0)
    assert room.destination.job_id == "j2"
    assert room.ledger.fates == {1: "delivered"}


async def test_the_same_job_again_changes_nothing_as_long_as_its_url_works(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    url = room.destination.url
    for number in range(5):
        room.destination.follow_job(running(url_of(f"another-{number}", lives_secs=9000)))
    assert room.destination.url is url


async def test_an_unknown_address_that_is_known_again_counts_as_working(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    room.cloud.will(NOT_FOUND)
    room.destination._finder = None
    room.arrive()
    await room.pass_time(10)
    room.destination.follow_job(running(url_of("another")))
    assert room.destination.url is not None
    assert room.destination.url.key == "k1"


async def test_the_same_jobs_later_url_is_taken_when_ours_is_about_to_die(room: ReportingRoom) -> None:
    room.destination.follow_job(running(url_of("k1", lives_secs=3600)))
    room.clock.step_wall_clock(3_000_000)
    room.destination.follow_job(running(url_of("sooner", lives_secs=3500)))
    assert room.destination.url is not None
    assert room.destination.url.key == "k1"
    room.destination.follow_job(running(url_of("later", lives_secs=9000)))
    assert room.destination.url.key == "later"


async def test_a_job_that_has_no_url_yet_ends_nothing_and_is_waited_for(room: ReportingRoom) -> None:
    room.destination.follow_job(running("", "j1"))
    assert room.destination.hold is Hold.NO_URL
    room.destination.follow_job(FIRST)
    room.destination.follow_job(running("", "j1"))
    room.destination.follow_job(running("", "j2"))
    assert room.destination.is_ready
    assert room.destination.job_id == "j1"


async def test_a_job_with_an_unreadable_url_changes_nothing(room: ReportingRoom) -> None:
    room.destination.follow_job(FIRST)
    room.destination.follow_job(Job("j2", JobState.RUNNING, "not a URL"))
    assert room.destination.job_id == "j1"
    assert room.destination.is_ready


async def test_a_job_whose_url_names_it_otherwise_is_followed_once(room: ReportingRoom) -> None:
    odd = running(url_of(job="another-name"), "j9")
    room.destination.follow_job(odd)
    url = room.destination.url
    room.destination.follow_job(odd)
    assert room.destination.job_id == "j9"
    assert room.destination.url is url


@pytest.mark.parametrize("status", [404, 410])
async def test_an_unknown_address_asks_for_the_job_and_an_ended_one_stops_the_calls(status: int) -> None:
    finder = FakeFinder(ended("j1"))
    async with ReportingRoom(Setup(url=None, finder=finder)) as room:
        room.destination.follow_job(FIRST)
        room.cloud.always(said(status))
        room.arrive()
        await room.pass_time(60)
        assert len(room.cloud.calls) == 1
        assert finder.asked == 1
        assert room.destination.hold is Hold.NO_JOB
        assert room.has_one_place_for_each()


async def test_an_unknown_address_finds_the_next_job_without_waiting() -> None:
    async with ReportingRoom(Setup(url=None, finder=FakeFinder(SECOND))) as room:
        room.destination.follow_job(FIRST)
        room.cloud.will(NOT_FOUND)
        room.arrive()
        await room.pass_time(1)
        assert ["/j2/" in call.url for call in room.cloud.calls] == [False, True]


async def test_an_unknown_address_of_a_job_that_runs_is_asked_again_slowly() -> None:
    finder = FakeFinder(FIRST)
    async with ReportingRoom(Setup(url=None, finder=finder)) as room:
        room.destination.follow_job(FIRST)
        room.cloud.always(NOT_FOUND)
        room.arrive()
        await room.pass_time(60)
        assert 4 <= len(room.cloud.calls) <= 12
        assert min(room.cloud.gaps) >= 5
        room.cloud.always(accepted())
        await room.pass_time(16)
        assert room.ledger.fates == {1: "delivered"}


async def test_a_job_query_that_gives_another_unknown_address_each_time_is_asked_slowly() -> None:
    class Generous(FakeFinder):
        async def find(self) -> Job | None:
            self.asked += 1
            return running(url_of(f"k{self.asked}"))

    async with ReportingRoom(Setup(url=None, finder=Generous())) as room:
        room.destination.follow_job(FIRST)
        room.cloud.always(NOT_FOUND)
        room.arrive()
        await room.pass_time(60)
        assert min(room.cloud.gaps) >= 5


async def test_a_new_url_in_the_configuration_ends_the_wait_of_an_unknown_address() -> None:
    async with ReportingRoom() as room:
        room.cloud.judge = lambda call: accepted() if "/j2/" in call.url else NOT_FOUND
        room.arrive()
        await room.pass_time(20)
        room.configured = url_of(job="j2")
        await room.pass_time(2.5)
        assert room.ledger.fates == {1: "delivered"}


async def test_a_job_that_ends_while_a_call_is_under_way_does_not_lose_what_it_brings(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 1.0
    room.destination.follow_job(FIRST)
    room.arrive()
    await room.pass_time(0.5)
    room.destination.follow_job(None)
    await room.pass_time(1)
    assert room.ledger.fates == {1: "delivered"}
    assert not room.has_ended


@pytest.mark.parametrize("answer", [said(401), NOT_FOUND, BROKEN, BAD_EVENT])
async def test_an_ended_jobs_last_answer_does_not_wake_it(room: ReportingRoom, answer: object) -> None:
    room.cloud.rtt_secs = 1.0
    room.cloud.will(answer)  # type: ignore[arg-type]
    room.destination.follow_job(FIRST)
    room.arrive(2)
    await room.pass_time(0.5)
    room.destination.follow_job(None)
    await room.pass_time(60)
    assert len(room.cloud.calls) == 1
    assert room.destination.hold is Hold.NO_JOB
    assert room.has_one_place_for_each()
