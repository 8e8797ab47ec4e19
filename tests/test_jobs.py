"""Which job is found, and how it is followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from bridge.errors import CloudAuthError, CloudError, CloudUnavailableError
from bridge.jobs import RoomJobFinder, follow
from bridge.report.contract import Hold, Job, JobState
from tests.fakes import settle
from tests.metastudio.calling import Bench, page
from tests.metastudio.fake_cloud import answer, running_cloud
from tests.report.fakes import FakeFinder, ended, running, url_of
from tests.report.reporting_room import ReportingRoom, Setup

URL = "https://metastudio.example.com/v1/report?auth_key=0123456789abcdef"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_cloud() as cloud, aiohttp.ClientSession() as http:
        yield Bench(cloud, http)


def listed(job_id: str, state: str = "PROCESSING", url: str | None = URL) -> dict[str, Any]:
    return {"job_id": job_id, "state": state, "live_event_report_url": url}


def finder(bench: Bench, job_id: str = "", built_url: str = "") -> RoomJobFinder:
    return RoomJobFinder(bench.client, "r1", job_id, built_url=built_url)


async def test_the_newest_running_job_of_the_room_is_found_with_its_url(bench: Bench) -> None:
    bench.cloud.will(page(listed("j9", "WAITING"), listed("j8"), listed("j7")))
    assert await finder(bench).find() == Job("j8", JobState.RUNNING, URL)
    assert "/smart-live-rooms/r1/smart-live-jobs" in bench.last.path


async def test_without_a_running_job_the_newest_waiting_one_is_found(bench: Bench) -> None:
    bench.cloud.will(page(listed("j9", "WAITING"), listed("j8", "SUCCEED")))
    found = await finder(bench).find()
    assert found is not None
    assert (found.job_id, found.state) == ("j9", JobState.RUNNING)


async def test_no_job_is_none(bench: Bench) -> None:
    bench.cloud.will(page())
    assert await finder(bench).find() is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PROCESSING", JobState.RUNNING),
        ("WAITING", JobState.RUNNING),
        ("SOMETHING_NEW", JobState.RUNNING),
        ("", JobState.RUNNING),
        ("SUCCEED", JobState.ENDED),
        ("FAILED", JobState.ENDED),
        ("BLOCKED", JobState.ENDED),
    ],
)
async def test_a_certain_job_is_shown_and_only_a_known_end_ends_it(
    bench: Bench, state: str, expected: JobState
) -> None:
    bench.cloud.will(answer(200, listed("j5", state)))
    assert await finder(bench, "j5").find() == Job("j5", expected, URL)
    assert bench.last.path.endswith("/smart-live-jobs/j5")


async def test_a_job_that_does_not_say_its_id_has_the_one_that_was_asked_for(bench: Bench) -> None:
    bench.cloud.will(answer(200, {"state": "PROCESSING"}))
    assert await finder(bench, "j5").find() == Job("j5", JobState.RUNNING, "")


async def test_signed_calls_go_to_the_endpoint_itself_and_not_to_the_url_with_a_key(bench: Bench) -> None:
    bench.cloud.will(page(listed("j8")))
    found = await finder(bench, built_url="https://endpoint/v1/p/smart-live-jobs/{job_id}/live-event-report").find()
    assert found is not None
    assert found.url == "https://endpoint/v1/p/smart-live-jobs/j8/live-event-report"


async def test_a_job_without_a_url_is_found_without_one(bench: Bench) -> None:
    bench.cloud.will(page(listed("j8", url=None)))
    assert await finder(bench).find() == Job("j8", JobState.RUNNING, "")


@pytest.mark.parametrize(("status", "error"), [(401, CloudAuthError), (503, CloudUnavailableError), (404, CloudError)])
async def test_a_refused_query_is_an_error_of_the_cloud(bench: Bench, status: int, error: type[CloudError]) -> None:
    bench.cloud.will(answer(status, {"error_code": "APIGW.0301", "error_msg": "no"}))
    with pytest.raises(error):
        await finder(bench).find()


@asynccontextmanager
async def following(job_finder: FakeFinder, poll_secs: float = 10.0) -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom(Setup(url=None)) as room:
        task = asyncio.ensure_future(follow("evening", job_finder, room.destination, room.clock, poll_secs))
        await settle()
        try:
            yield room
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_job_is_asked_for_at_once_and_then_at_every_poll() -> None:
    job_finder = FakeFinder(running(url_of()))
    async with following(job_finder) as room:
        assert room.destination.job_id == "j1"
        assert job_finder.asked == 1
        await room.pass_time(29.9)
        assert job_finder.asked == 3


async def test_a_new_job_is_noticed_within_one_poll_and_an_ended_one_too() -> None:
    job_finder = FakeFinder(running(url_of()))
    async with following(job_finder) as room:
        job_finder.job = running(url_of(job="j2"), "j2")
        await room.pass_time(10)
        assert room.destination.job_id == "j2"
        job_finder.job = ended("j2")
        await room.pass_time(10)
        assert room.destination.hold is Hold.NO_JOB
        job_finder.job = None
        await room.pass_time(10)
        job_finder.job = running(url_of(job="j3"), "j3")
        await room.pass_time(10)
        assert room.destination.is_ready


async def test_a_query_that_fails_changes_nothing_but_raises_an_alarm_and_is_said_once() -> None:
    job_finder = FakeFinder(running(url_of()))
    async with following(job_finder) as room:
        job_finder.error = CloudUnavailableError("list the jobs: no answer")
        with capture_logs() as logs:
            await room.pass_time(60)
        assert room.destination.is_ready
        assert room.destination.alarm == "the job query fails: list the jobs: no answer"
        assert [line["event"] for line in logs] == ["job.query_failed"]


async def test_reports_that_work_do_not_hide_a_query_that_fails() -> None:
    job_finder = FakeFinder(running(url_of()))
    async with following(job_finder) as room:
        job_finder.error = CloudUnavailableError("no answer")
        await room.pass_time(10)
        room.arrive()
        await room.pass_time(1)
        assert room.ledger.fates == {1: "delivered"}
        assert room.destination.alarm == "the job query fails: no answer"


async def test_the_alarm_ends_when_the_query_works_again_also_without_a_job() -> None:
    job_finder = FakeFinder()
    async with following(job_finder) as room:
        job_finder.error = CloudUnavailableError("no answer")
        await room.pass_time(10)
        job_finder.error = None
        await room.pass_time(10)
        assert room.destination.alarm == ""
        assert room.destination.hold is Hold.NO_JOB


@pytest.mark.parametrize(
    ("error", "pause_secs"),
    [
        (CloudUnavailableError("no answer"), 10),
        (CloudUnavailableError("slow down", retry_after_secs=25), 25),
        (CloudUnavailableError("slow down", retry_after_secs=3600), 60),
        (CloudError("404"), 10),
        (CloudAuthError("refused"), 60),
    ],
)
async def test_after_a_failed_query_the_next_one_waits_as_the_failure_asks(
    error: CloudError, pause_secs: float
) -> None:
    job_finder = FakeFinder()
    job_finder.error = error
    async with following(job_finder) as room:
        await room.pass_time(pause_secs - 0.1)
        assert job_finder.asked == 1
        await room.pass_time(0.2)
        assert job_finder.asked == 2
