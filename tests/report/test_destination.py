"""A refused credential: what is tried, how often, and when the room goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.credential_guard import CredentialGuard
from bridge.errors import CloudUnavailableError, ConfigError
from bridge.report.contract import Hold
from bridge.report.url import ReportUrl
from bridge.report.url_store import UrlStore
from bridge.report.wire import Answer
from tests.fakes import FakeClock
from tests.report.fakes import (
    BAD_KEY,
    BROKEN,
    KEY,
    START_MS,
    Call,
    FakeCloud,
    FakeFinder,
    accepted,
    ended,
    running,
    said,
    url_of,
)
from tests.report.reporting_room import ReportingRoom, Setup

FORBIDDEN = said(403, "APIGW.0302", "no permission")
BAD_TOKEN_AS_400 = said(400, "MSS.00010008", "Invalid token in the header.")


def only(*good: str) -> Callable[[Call], Answer]:
    """Accept calls whose URL has one of these keys and refuse all others."""

    def judge(call: Call) -> Answer:
        return accepted() if any(f"auth_key={key}" in call.url for key in good) else BAD_KEY

    return judge


@pytest.fixture
async def room() -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom() as room:
        yield room


@pytest.mark.parametrize("refusal", [BAD_KEY, FORBIDDEN, BAD_TOKEN_AS_400, said(401), said(403, body=b"<html>")])
async def test_a_refused_credential_is_called_three_times_with_growing_waits_and_then_held(
    room: ReportingRoom, refusal: Answer
) -> None:
    room.cloud.always(refusal)
    room.arrive(3)
    await room.pass_time(60)
    assert room.cloud.gaps == pytest.approx([1, 4])
    assert room.destination.hold is Hold.REFUSED
    assert not room.destination.is_ready
    assert room.ledger.fates == {}
    assert room.guard.is_held(ReportUrl(url_of()).fingerprint)


async def test_events_are_held_not_dropped_and_still_expire(room: ReportingRoom) -> None:
    room.cloud.always(BAD_KEY)
    room.arrive(2, ttl_secs=90)
    await room.pass_time(60)
    assert room.ledger.fates == {}
    await room.pass_time(31)
    assert room.ledger.fates == {1: "ttl", 2: "ttl"}


async def test_the_alarm_names_what_was_refused_and_the_file_to_change(room: ReportingRoom) -> None:
    room.cloud.always(BAD_KEY)
    room.arrive()
    with capture_logs() as logs:
        await room.pass_time(10)
    assert room.destination.alarm == (
        "the cloud refuses the credential (HTTP 401 MSS.00000001 Unauthorized): renew /run/secrets/report_url"
    )
    errors = [line for line in logs if line["log_level"] == "error"]
    assert [(line["event"], line["renew"]) for line in errors] == [("report_url.refused", "/run/secrets/report_url")]


async def test_a_clock_that_is_wrong_is_named_because_it_spoils_expiring_keys(room: ReportingRoom) -> None:
    room.cloud.always(said(401, date="Tue, 14 Nov 2023 22:11:20 GMT"))
    room.arrive()
    await room.pass_time(10)
    assert "the clocks differ by 12" in room.destination.alarm
    assert room.destination.clock_skew_ms == pytest.approx(125_000, abs=1000)


async def test_a_refusal_that_passes_resumes_by_itself_and_clears_the_count(room: ReportingRoom) -> None:
    for _ in range(4):
        room.cloud.will(BAD_KEY, BAD_KEY)
        room.arrive()
        await room.pass_time(10)
    assert room.ledger.delivered_in_order == [1, 2, 3, 4]
    assert room.destination.alarm == ""


async def test_a_newer_url_in_the_configuration_is_taken_at_the_first_refusal(room: ReportingRoom) -> None:
    room.cloud.judge = only("newer")
    room.configured = url_of("newer")
    room.arrive()
    await room.pass_time(0.3)
    assert room.cloud.keys == [KEY, "newer"]
    assert room.ledger.fates == {1: "delivered"}


async def test_a_held_room_resumes_within_two_seconds_of_a_new_url_in_the_configuration(room: ReportingRoom) -> None:
    room.cloud.judge = only("newer")
    room.arrive()
    await room.pass_time(100)
    room.configured = url_of("newer")
    await room.pass_time(2)
    assert room.ledger.fates == {1: "delivered"}
    assert room.destination.hold is Hold.NONE
    assert room.destination.alarm == ""


async def test_a_held_room_calls_again_only_with_a_url_that_was_not_refused(room: ReportingRoom) -> None:
    room.cloud.judge = only("good")
    room.arrive()
    await room.pass_time(10)
    room.configured = url_of("second")
    await room.pass_time(10)
    room.configured = url_of()
    await room.pass_time(10)
    assert room.cloud.keys == [KEY] * 3 + ["second"] * 3
    room.configured = url_of("good")
    await room.pass_time(2)
    assert room.ledger.fates == {1: "delivered"}


@pytest.mark.parametrize("problem", [ConfigError(["rooms/evening.yaml: report.url: no"]), OSError("gone")])
async def test_a_configuration_that_cannot_be_read_is_said_once_and_asked_again(problem: Exception) -> None:
    async with ReportingRoom() as room:
        room.cloud.judge = only("newer")
        room.arrive()
        await room.pass_time(10)

        def unreadable() -> str:
            raise problem

        room.destination._configured = unreadable
        with capture_logs() as logs:
            await room.pass_time(60)
        assert [line["event"] for line in logs] == ["report_url.unreadable"]
        room.destination._configured = lambda: url_of("newer")
        await room.pass_time(2)
        assert room.ledger.fates == {1: "delivered"}


@pytest.mark.parametrize("configured", ["", "not a URL", "https://"])
async def test_a_room_without_a_url_waits_for_one_and_says_where(configured: str) -> None:
    async with ReportingRoom(Setup(url=configured)) as room:
        room.arrive()
        await room.pass_time(30)
        assert room.destination.hold is Hold.NO_URL
        assert room.destination.alarm == "there is no usable report URL: give one in /run/secrets/report_url"
        room.configured = url_of()
        await room.pass_time(2)
        assert room.ledger.fates == {1: "delivered"}
        assert room.destination.alarm == ""


async def test_the_older_url_is_kept_until_the_newer_one_has_worked(tmp_path: Path) -> None:
    first = url_of("first", lives_secs=900)
    async with ReportingRoom(Setup(directory=tmp_path, url=first)) as room:
        room.cloud.will(accepted(url_of("newer", lives_secs=7200)))
        room.cloud.judge = only("first")
        room.clock.step_wall_clock(400_000)
        room.arrive()
        await room.pass_time(1)
        room.arrive()
        await room.pass_time(1)
        assert room.cloud.keys == ["first", "newer", "first"]
        assert room.ledger.fate("delivered") == [1, 2]
        assert UrlStore(tmp_path, "evening").heir_of(ReportUrl(first)) == ReportUrl(first, START_MS)


async def test_once_the_newer_url_has_worked_the_older_one_is_not_gone_back_to(room: ReportingRoom) -> None:
    room.destination.set_url(url_of("first", lives_secs=900))
    room.cloud.will(accepted(url_of("newer", lives_secs=7200)), accepted())
    room.cloud.judge = only("first")
    room.clock.step_wall_clock(400_000)
    for _ in range(3):
        room.arrive()
        await room.pass_time(10)
    assert room.cloud.keys == ["first", "newer", "newer", "newer", "newer"]
    assert room.destination.hold is Hold.REFUSED


async def test_a_refreshed_url_that_is_always_refused_is_not_adopted_for_ever(room: ReportingRoom) -> None:
    first = url_of("first", lives_secs=900)
    room.destination.set_url(first)
    fresh = url_of("useless", lives_secs=7200)
    room.cloud.judge = lambda call: accepted(fresh) if "first" in call.url else BAD_KEY
    room.clock.step_wall_clock(400_000)
    for _ in range(20):
        room.arrive()
        await room.pass_time(5)
    assert room.cloud.keys.count("useless") == 3
    assert room.destination.refreshes == 3
    assert len(room.ledger.fate("delivered")) == 20


async def test_the_job_query_is_asked_when_nothing_newer_is_configured() -> None:
    finder = FakeFinder(running(url_of("from-the-query")))
    async with ReportingRoom(Setup(finder=finder)) as room:
        room.cloud.judge = only("from-the-query")
        room.arrive()
        await room.pass_time(0.5)
        assert room.cloud.keys == [KEY, "from-the-query"]
        assert room.ledger.fates == {1: "delivered"}


async def test_a_url_that_was_refused_is_not_gone_back_to() -> None:
    async with ReportingRoom(Setup(finder=FakeFinder(running(url_of("from-the-query"))))) as room:
        room.cloud.always(BAD_KEY)
        room.arrive()
        await room.pass_time(60)
        assert room.cloud.keys == [KEY, "from-the-query", "from-the-query"]


async def test_three_calls_are_made_after_the_first_refusal_whichever_urls_they_go_to() -> None:
    finder = FakeFinder(running(url_of("from-the-query")))
    async with ReportingRoom(Setup(url=url_of("first", lives_secs=900), finder=finder)) as room:
        room.cloud.will(accepted(url_of("newer", lives_secs=7200)))
        room.cloud.always(BAD_KEY)
        room.clock.step_wall_clock(400_000)
        room.arrive(2)
        await room.pass_time(1)
        room.arrive()
        await room.pass_time(60)
        assert room.cloud.keys == ["first", "newer", "first", "from-the-query"]
        assert room.destination.hold is Hold.REFUSED


async def test_a_job_query_that_gives_another_useless_url_each_time_costs_three_calls_and_a_pause() -> None:
    class Generous(FakeFinder):
        async def find(self):  # type: ignore[no-untyped-def]
            self.asked += 1
            return running(url_of(f"useless-{self.asked}"))

    async with ReportingRoom(Setup(finder=Generous())) as room:
        room.cloud.always(BAD_KEY)
        room.arrive()
        await room.pass_time(10)
        assert len(room.cloud.calls) == 3
        for _ in range(120):
            await room.destination.ask_for_job()
            await room.pass_time(10)
        assert 5 <= len(room.cloud.calls) <= 3 + 1 + 1200 / 300
        assert room.destination.hold is Hold.REFUSED


async def test_a_job_query_that_fails_leaves_the_ladder_where_it_is() -> None:
    finder = FakeFinder()
    finder.error = CloudUnavailableError("no answer")
    async with ReportingRoom(Setup(finder=finder)) as room:
        room.cloud.always(BAD_KEY)
        room.arrive()
        await room.pass_time(60)
        assert room.cloud.gaps == pytest.approx([1, 4])
        assert finder.asked == 2


async def test_a_refusal_because_the_job_has_ended_ends_in_no_job_not_in_a_held_credential() -> None:
    finder = FakeFinder(ended())
    async with ReportingRoom(Setup(url=None, finder=finder)) as room:
        room.destination.follow_job(running(url_of()))
        room.cloud.always(BAD_KEY)
        room.arrive()
        await room.pass_time(60)
        assert len(room.cloud.calls) == 1
        assert room.destination.hold is Hold.NO_JOB
        assert room.destination.alarm == ""


async def test_one_credential_in_two_rooms_is_refused_three_times_in_all() -> None:
    clock, guard = FakeClock(START_MS), CredentialGuard()
    clouds = [FakeCloud(clock), FakeCloud(clock)]
    async with (
        ReportingRoom(clock=clock, cloud=clouds[0], guard=guard) as one,
        ReportingRoom(clock=clock, cloud=clouds[1], guard=guard) as other,
    ):
        for cloud in clouds:
            cloud.always(BAD_KEY)
            cloud.rtt_secs = 0.3
        one.arrive()
        other.arrive()
        await clock.advance(600)
        assert len(clouds[0].calls) + len(clouds[1].calls) == 3
        assert {one.destination.hold, other.destination.hold} == {Hold.REFUSED}
        assert "renew" in one.destination.alarm
        assert "renew" in other.destination.alarm


async def test_a_gateways_error_between_refusals_does_not_make_the_count_begin_anew(room: ReportingRoom) -> None:
    room.cloud.will(BAD_KEY, said(502), BAD_KEY, said(503), BAD_KEY, said(502))
    room.cloud.always(BAD_KEY)
    room.arrive()
    await room.pass_time(60)
    assert [answer.status for answer, _, _ in room.ledger.calls].count(401) == 3


async def test_a_gateways_error_in_one_room_does_not_make_the_count_begin_anew_for_another() -> None:
    clock, guard = FakeClock(START_MS), CredentialGuard()
    clouds = [FakeCloud(clock), FakeCloud(clock)]
    async with (
        ReportingRoom(clock=clock, cloud=clouds[0], guard=guard) as one,
        ReportingRoom(clock=clock, cloud=clouds[1], guard=guard) as other,
    ):
        clouds[0].will(BAD_KEY, said(502), BAD_KEY)
        clouds[1].always(BAD_KEY)
        one.arrive()
        await clock.advance(3)
        one.destination.pause(paused=True)
        other.arrive()
        await clock.advance(60)
        assert (len(clouds[0].calls), len(clouds[1].calls)) == (3, 1)


async def test_an_outage_is_no_refusal(room: ReportingRoom) -> None:
    room.cloud.always(BROKEN)
    room.arrive()
    await room.pass_time(60)
    assert room.destination.hold is Hold.NONE
    assert room.destination.alarm == ""
