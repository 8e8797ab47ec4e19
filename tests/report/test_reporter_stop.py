"""Stopping: send what the budget allows, give back the rest."""

from __future__ import annotations

import pytest

from bridge.events import EventType
from bridge.report.limiter import CallLimiter
from bridge.report.reporter import ReporterSettings
from bridge.report.wire import Answer
from tests.report.fakes import BAD_EVENT, BAD_KEY, BROKEN, NO_ANSWER, TOO_LARGE, accepted, numbers, said
from tests.report.reporting_room import ReportingRoom, Setup


def stop(room: ReportingRoom, budget_secs: float = 7.0) -> float:
    at = room.clock.monotonic() + budget_secs
    room.reporter.stop(at)
    return at


async def test_an_idle_room_ends_at_once() -> None:
    async with ReportingRoom() as room:
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert room.reporter.leftovers() == []


async def test_what_waits_is_sent_without_waiting_for_interval_or_limiter() -> None:
    limiter = CallLimiter(1)
    settings = ReporterSettings(max_batch_events=10, min_interval_secs=60)
    async with ReportingRoom(Setup(settings=settings), limiter=limiter) as room:
        limiter.throttled(room.clock.monotonic(), 60.0)
        room.arrive(50)
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert room.cloud.gaps == [0.0] * 4
        assert room.ledger.delivered_in_order == list(range(1, 51))


async def test_a_wait_for_the_limiter_is_cut_short() -> None:
    limiter = CallLimiter(1)
    async with ReportingRoom(limiter=limiter) as room:
        limiter.throttled(room.clock.monotonic(), 60.0)
        room.arrive()
        await room.pass_time(5)
        assert room.cloud.calls == []
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert room.ledger.fates == {1: "delivered"}


@pytest.mark.parametrize("failure", [BROKEN, said(503, retry_after="60"), said(307), said(404)])
async def test_a_wait_after_a_failure_is_cut_short_by_one_more_try(failure: Answer) -> None:
    async with ReportingRoom() as room:
        room.cloud.will(*[failure] * 5)
        room.arrive()
        await room.pass_time(1)
        room.cloud._script.clear()
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert room.ledger.fates == {1: "delivered"}


async def test_the_last_lone_event_is_sent_though_the_interval_runs() -> None:
    async with ReportingRoom(Setup(settings=ReporterSettings(min_interval_secs=60))) as room:
        room.arrive()
        await room.pass_time(1)
        room.arrive()
        await room.pass_time(1)
        stop(room)
        await room.pass_time(0)
        assert room.ledger.delivered_in_order == [1, 2]


async def test_an_event_that_may_not_go_yet_does_not_keep_the_room() -> None:
    async with ReportingRoom() as room:
        room.queue.opens_at = room.clock.monotonic() + 4
        room.arrive()
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert len(room.queue) == 1


async def test_a_cloud_that_is_down_is_tried_until_the_budget_ends_and_what_is_left_keeps_its_order() -> None:
    async with ReportingRoom(Setup(settings=ReporterSettings(max_batch_events=4))) as room:
        room.cloud.always(BROKEN)
        room.arrive(4)
        await room.pass_time(1)
        room.arrive(6)
        at = stop(room)
        await room.pass_time(30)
        assert room.has_ended
        assert at - 1.1 <= room.cloud.times[-1] <= at
        assert numbers(room.reporter.leftovers()) == [1, 2, 3, 4]
        assert [event.number for event in room.queue.events] == [5, 6, 7, 8, 9, 10]
        assert room.reporter.parked_events == 0


async def test_in_a_long_outage_the_last_seconds_are_used_for_a_try_each() -> None:
    async with ReportingRoom() as room:
        room.cloud.always(BROKEN)
        room.arrive()
        await room.pass_time(40)
        before = len(room.cloud.calls)
        stop(room)
        await room.pass_time(8)
        assert len(room.cloud.calls) - before == 8


async def test_leftovers_are_in_order_of_arrival_wherever_they_were() -> None:
    async with ReportingRoom() as room:
        room.cloud.will(BAD_EVENT, BAD_EVENT)
        room.cloud.always(BROKEN)
        room.arrive(4)
        await room.pass_time(0)
        room.arrive(2)
        await room.pass_time(0.5)
        assert room.cloud.batches == [[1, 2, 3, 4], [1, 2], [5, 6]]
        await room.cut_off()
        assert numbers(room.reporter.leftovers()) == [1, 2, 3, 4, 5, 6]


async def test_a_server_that_asks_for_a_longer_wait_than_the_budget_is_not_waited_for() -> None:
    async with ReportingRoom() as room:
        room.cloud.always(said(429, retry_after="30"))
        room.arrive(2)
        stop(room)
        await room.pass_time(0.5)
        assert room.has_ended
        assert len(room.cloud.calls) == 1
        assert numbers(room.reporter.leftovers()) == [1, 2]


async def test_a_server_that_asks_for_a_shorter_wait_than_the_budget_gets_it() -> None:
    async with ReportingRoom() as room:
        room.cloud.will(said(503, retry_after="4"))
        room.arrive()
        stop(room)
        await room.pass_time(5)
        assert room.cloud.gaps == [4.0]
        assert room.ledger.fates == {1: "delivered"}


async def test_halving_goes_on_while_there_is_time() -> None:
    async with ReportingRoom() as room:
        room.cloud.judge = lambda call: BAD_EVENT if 5 in call.numbers else accepted()
        room.arrive(16)
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert room.ledger.fate("delivered") == [number for number in range(1, 17) if number != 5]


async def test_what_was_condemned_and_not_proven_bad_is_left_over() -> None:
    async with ReportingRoom() as room:
        room.cloud.always(BAD_EVENT)
        room.arrive(8)
        stop(room)
        await room.pass_time(10)
        assert room.has_ended
        assert room.ledger.fates == {}
        assert numbers(room.reporter.leftovers()) == list(range(1, 9))


async def test_a_refused_credential_or_a_pause_ends_the_room_with_everything_left() -> None:
    async with ReportingRoom() as room:
        room.cloud.always(BAD_KEY)
        room.arrive(2)
        await room.pass_time(60)
        room.arrive()
        stop(room)
        await room.pass_time(0)
        assert room.has_ended
        assert len(room.cloud.calls) == 3
        assert numbers(room.reporter.leftovers()) == [1, 2]
        assert len(room.queue) == 1


async def test_a_call_under_way_is_waited_for() -> None:
    async with ReportingRoom() as room:
        room.cloud.rtt_secs = 2.0
        room.arrive()
        await room.pass_time(1)
        room.arrive(kind=EventType.JOIN)
        stop(room)
        await room.pass_time(5)
        assert room.has_ended
        assert room.ledger.delivered_in_order == [1, 2]


@pytest.mark.parametrize("first", [accepted(), BAD_EVENT, TOO_LARGE, NO_ANSWER, BROKEN])
async def test_a_call_that_is_cut_off_gives_its_events_back_once_and_in_order(first: Answer) -> None:
    async with ReportingRoom() as room:
        room.cloud.rtt_secs = 0.1
        room.cloud.will(first)
        room.arrive(6)
        await room.pass_time(0.15)
        room.cloud.rtt_secs = 60.0
        room.arrive(3)
        stop(room)
        await room.pass_time(5)
        assert room.reporter.in_flight > 0
        assert room.has_one_place_for_each()
        await room.cut_off()
        assert room.reporter.in_flight == 0
        assert room.has_one_place_for_each()
        left = numbers(room.reporter.leftovers())
        assert left == sorted(set(left))
        waiting = [event.number for event in room.queue.events]
        assert sorted([*room.ledger.fates, *left, *waiting]) == list(range(1, 10))


async def test_a_room_cut_off_while_it_asks_for_the_job_loses_nothing() -> None:
    class Slow:
        async def find(self) -> None:
            await room.clock.sleep(60)

    async with ReportingRoom(Setup(finder=Slow())) as room:
        room.cloud.always(said(404))
        room.arrive(3)
        await room.pass_time(1)
        await room.cut_off()
        assert numbers(room.reporter.leftovers()) == [1, 2, 3]


async def test_expired_events_are_not_sent_in_the_last_moment() -> None:
    async with ReportingRoom() as room:
        room.destination.pause(paused=True)
        room.arrive(ttl_secs=0.5)
        room.arrive()
        await room.pass_time(0.6)
        room.destination.pause(paused=False)
        stop(room)
        await room.pass_time(0)
        assert room.cloud.batches == [[2]]
        assert room.ledger.fates == {1: "ttl", 2: "delivered"}
