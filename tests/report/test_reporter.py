"""What goes out when, and what a failed call does to the order, to the events and to the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.events import EventType
from bridge.report.limiter import CallLimiter
from bridge.report.reporter import ReporterSettings
from bridge.report.wire import Answer, Verdict
from tests.fakes import FakeClock
from tests.report.fakes import BROKEN, NO_ANSWER, NO_CONNECTION, TOO_LARGE, Call, FakeCloud, accepted, said, url_of
from tests.report.reporting_room import ReportingRoom, Setup

PROXY_400 = said(400, body=b"<html>Bad Request</html>")


@pytest.fixture
async def room() -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom() as room:
        yield room


async def test_a_lone_event_in_a_quiet_room_leaves_at_once(room: ReportingRoom) -> None:
    await room.pass_time(100)
    room.arrive()
    await room.pass_time(0)
    assert room.cloud.batches == [[1]]
    assert room.ledger.fates == {1: "delivered"}


async def test_what_arrives_during_a_call_goes_together_in_the_next(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 1.0
    room.arrive()
    await room.pass_time(0.5)
    for _ in range(3):
        room.arrive()
        await room.pass_time(0.1)
    await room.pass_time(5)
    assert room.cloud.batches == [[1], [2, 3, 4]]


async def test_two_calls_start_at_least_the_interval_apart(room: ReportingRoom) -> None:
    for _ in range(20):
        room.arrive()
        await room.pass_time(0.05)
    await room.pass_time(1)
    assert room.cloud.gaps == pytest.approx([0.2] * len(room.cloud.gaps))
    assert room.ledger.delivered_in_order == list(range(1, 21))


async def test_the_interval_runs_from_the_last_start_so_a_slow_call_is_followed_at_once(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 3.0
    room.arrive()
    await room.pass_time(1)
    room.arrive()
    await room.pass_time(2)
    assert room.cloud.gaps == [3.0]


async def test_a_call_holds_at_most_what_the_settings_allow() -> None:
    async with ReportingRoom(Setup(settings=ReporterSettings(max_batch_events=3))) as room:
        room.arrive(8)
        await room.pass_time(1)
        assert room.cloud.batches == [[1, 2, 3], [4, 5, 6], [7, 8]]


async def test_a_body_never_exceeds_the_size_allowed() -> None:
    async with ReportingRoom(Setup(settings=ReporterSettings(max_batch_bytes=20_000))) as room:
        room.arrive(100, text="x" * 1000)
        await room.pass_time(3)
        assert max(call.size_bytes for call in room.cloud.calls) <= 20_000
        assert min(len(call.numbers) for call in room.cloud.calls[:-1]) > 15
        assert room.ledger.delivered_in_order == list(range(1, 101))


async def test_review_and_user_go_with_each_call_when_configured() -> None:
    settings = ReporterSettings(no_need_review=True, app_user_id="shop-7")
    async with ReportingRoom(Setup(settings=settings)) as room:
        room.arrive()
        await room.pass_time(0)
        assert room.cloud.calls[0].headers == {"X-App-UserId": "shop-7"}
        assert room.cloud.calls[0].body["review_config"] == {"no_need_review": True}


async def test_a_lone_event_does_not_wait_for_one_that_may_not_go_yet(room: ReportingRoom) -> None:
    room.queue.opens_at = room.clock.monotonic() + 0.9
    room.arrive()
    await room.pass_time(0.1)
    room.queue.opens_at = 0.0
    room.arrive()
    await room.pass_time(0)
    assert room.cloud.batches == [[1, 2]]


async def test_what_may_not_go_yet_goes_when_it_may(room: ReportingRoom) -> None:
    room.queue.opens_at = room.clock.monotonic() + 4.5
    room.arrive()
    await room.pass_time(10)
    assert room.cloud.times == [room.queue.opens_at]


@pytest.mark.parametrize("failure", [BROKEN, NO_CONNECTION, NO_ANSWER, said(503), said(408)])
async def test_a_failed_batch_goes_again_unmixed_and_before_anything_newer(
    room: ReportingRoom, failure: Answer
) -> None:
    room.cloud.will(failure, failure)
    room.arrive(2)
    await room.pass_time(0)
    room.arrive(2)
    await room.pass_time(10)
    assert room.cloud.batches == [[1, 2], [1, 2], [1, 2], [3, 4]]
    assert room.ledger.delivered_in_order == [1, 2, 3, 4]


async def test_the_order_of_arrival_holds_over_any_row_of_failures(room: ReportingRoom) -> None:
    room.cloud.will(*[BROKEN, accepted(), NO_ANSWER, NO_CONNECTION, accepted(), TOO_LARGE, said(429), accepted()] * 4)
    for _ in range(40):
        room.arrive(3)
        await room.pass_time(0.4)
    await room.pass_time(120)
    assert room.ledger.delivered_in_order == list(range(1, 121))


async def test_failures_are_waited_out_with_waits_that_double_up_to_fifteen_seconds(room: ReportingRoom) -> None:
    room.cloud.always(BROKEN)
    room.arrive()
    await room.pass_time(75)
    assert room.cloud.gaps == pytest.approx([0.5, 1, 2, 4, 8, 15, 15, 15])


async def test_the_waits_are_spread_by_chance_down_to_a_tenth() -> None:
    async with ReportingRoom(Setup(random=lambda: 0.0, settings=ReporterSettings(min_interval_secs=0.0))) as room:
        room.cloud.always(BROKEN)
        room.arrive()
        await room.pass_time(3.2)
        assert room.cloud.gaps == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.5])


async def test_after_a_success_the_waits_begin_anew(room: ReportingRoom) -> None:
    room.cloud.will(BROKEN, BROKEN, BROKEN, accepted(), BROKEN)
    room.arrive()
    await room.pass_time(20)
    room.arrive()
    await room.pass_time(20)
    assert room.cloud.gaps[-1] == pytest.approx(0.5)


async def test_a_server_that_names_a_longer_wait_gets_it(room: ReportingRoom) -> None:
    room.cloud.will(said(503, retry_after="7"))
    room.arrive()
    await room.pass_time(30)
    assert room.cloud.gaps[0] == pytest.approx(7)


async def test_expired_events_are_taken_out_before_a_resend_and_the_rest_keeps_its_order(room: ReportingRoom) -> None:
    room.cloud.will(BROKEN, BROKEN)
    room.arrive(1, ttl_secs=60)
    room.arrive(2, ttl_secs=1.2)
    room.arrive(1, ttl_secs=60)
    await room.pass_time(0)
    room.arrive(1)
    await room.pass_time(10)
    assert room.cloud.batches == [[1, 2, 3, 4], [1, 2, 3, 4], [1, 4], [5]]
    assert room.ledger.fates == {1: "delivered", 2: "ttl", 3: "ttl", 4: "delivered", 5: "delivered"}


async def test_a_batch_that_expired_as_a_whole_is_not_sent(room: ReportingRoom) -> None:
    room.cloud.will(BROKEN)
    room.arrive(3, ttl_secs=0.4)
    await room.pass_time(30)
    assert room.cloud.batches == [[1, 2, 3]]
    assert room.ledger.fate("ttl") == [1, 2, 3]


async def test_events_expire_on_time_while_nothing_can_be_sent(room: ReportingRoom) -> None:
    room.destination.pause(paused=True)
    room.arrive(2, ttl_secs=5)
    await room.pass_time(6.1)
    assert room.ledger.fate("ttl") == [1, 2]
    assert room.cloud.calls == []


async def test_events_that_expire_while_the_limiter_makes_them_wait_are_not_sent() -> None:
    limiter = CallLimiter(10)
    async with ReportingRoom(limiter=limiter) as room:
        limiter.throttled(room.clock.monotonic(), 30.0)
        room.arrive(1, ttl_secs=10)
        room.arrive(1)
        await room.pass_time(31)
        assert room.cloud.batches == [[2]]
        assert room.ledger.fates == {1: "ttl", 2: "delivered"}


async def test_after_a_lost_answer_only_what_would_be_a_worse_loss_goes_again(room: ReportingRoom) -> None:
    room.cloud.will(NO_ANSWER)
    room.arrive(1)
    room.arrive(2, kind=EventType.JOIN)
    room.arrive(1, kind=EventType.GIFT)
    room.arrive(1, kind=EventType.VIEWERS)
    await room.pass_time(10)
    assert room.cloud.batches == [[1, 2, 3, 4, 5], [1, 4]]
    assert room.ledger.fate("ambiguous") == [2, 3, 5]
    assert room.ledger.fate("delivered") == [1, 4]


async def test_a_batch_of_which_nothing_may_go_again_is_over(room: ReportingRoom) -> None:
    room.cloud.will(NO_ANSWER)
    room.arrive(2, kind=EventType.LIKE)
    await room.pass_time(10)
    assert room.cloud.batches == [[1, 2]]
    assert room.ledger.fate("ambiguous") == [1, 2]


async def test_what_was_surely_not_sent_goes_again_whatever_it_is(room: ReportingRoom) -> None:
    room.cloud.will(NO_CONNECTION, BROKEN)
    room.arrive(2, kind=EventType.JOIN)
    await room.pass_time(10)
    assert room.ledger.fate("delivered") == [1, 2]


async def test_a_wrong_address_is_tried_again_after_half_a_minute_with_an_alarm_that_names_it(
    room: ReportingRoom,
) -> None:
    room.cloud.will(Answer(Verdict.MISCONFIGURED, 307))
    room.arrive()
    await room.pass_time(29)
    assert len(room.cloud.calls) == 1
    assert "/run/secrets/report_url" in room.destination.alarm
    await room.pass_time(2)
    assert room.cloud.gaps[0] == pytest.approx(30)
    assert room.destination.alarm == ""


async def test_an_address_that_is_put_right_is_called_without_waiting_for_the_half_minute(room: ReportingRoom) -> None:
    room.cloud.will(Answer(Verdict.MISCONFIGURED, 405))
    room.arrive()
    await room.pass_time(3)
    room.configured = url_of("mended")
    await room.pass_time(2.1)
    assert "auth_key=mended" in room.cloud.calls[1].url
    assert room.ledger.fates == {1: "delivered"}


async def test_an_unknown_address_is_asked_again_slowly(room: ReportingRoom) -> None:
    room.cloud.always(said(404))
    room.arrive()
    await room.pass_time(22)
    assert room.cloud.gaps == pytest.approx([5, 5, 5, 5])


async def test_a_proxys_400_is_repeated_three_times_before_the_events_are_suspected(room: ReportingRoom) -> None:
    room.cloud.judge = lambda call: PROXY_400 if 3 in call.numbers else accepted()
    room.arrive(4)
    await room.pass_time(0)
    room.arrive(1)
    await room.pass_time(120)
    assert room.cloud.batches[:6] == [[1, 2, 3, 4]] * 4 + [[1, 2], [5]]
    assert room.ledger.fate("delivered") == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("retry_after", "wait_secs"),
    [("7", 7.0), ("Tue, 14 Nov 2023 22:13:40 GMT", 20.0), ("soon", 0.5), ("1000000000", 60.0)],
)
async def test_a_429_is_waited_out_as_asked_within_bounds(
    room: ReportingRoom, retry_after: str, wait_secs: float
) -> None:
    room.cloud.will(said(429, "APIGW.0308", "too many", retry_after=retry_after))
    room.arrive()
    await room.pass_time(90)
    assert room.cloud.gaps[0] == pytest.approx(wait_secs)


async def test_a_429_of_one_room_slows_the_others_and_success_speeds_them_up_again() -> None:
    clock, limiter = FakeClock(), CallLimiter(10)
    first, second = FakeCloud(clock), FakeCloud(clock)
    async with (
        ReportingRoom(clock=clock, cloud=first, limiter=limiter) as one,
        ReportingRoom(clock=clock, cloud=second, limiter=limiter) as other,
    ):
        first.will(said(429, retry_after="5"))
        one.arrive()
        await clock.advance(1)
        other.arrive()
        await clock.advance(3.5)
        assert second.calls == []
        await clock.advance(10)
        assert len(second.calls) == 1
        assert limiter.calls_per_second < 6
        for _ in range(30):
            other.arrive()
            await clock.advance(0.5)
        assert limiter.calls_per_second == 10


async def test_all_rooms_together_keep_to_the_tenants_rate() -> None:
    clock, limiter = FakeClock(), CallLimiter(10)
    clouds = [FakeCloud(clock) for _ in range(8)]
    rooms = [ReportingRoom(clock=clock, cloud=cloud, limiter=limiter) for cloud in clouds]
    for one in rooms:
        await one.__aenter__()
    for _ in range(100):
        for one in rooms:
            one.arrive()
        await clock.advance(0.1)
    calls = sum(len(cloud.calls) for cloud in clouds)
    for one in rooms:
        await one.cut_off()
    assert 100 <= calls <= 111
    assert min(len(cloud.calls) for cloud in clouds) >= 10


async def test_at_every_moment_each_event_is_in_one_place(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 0.3
    room.cloud.will(*[BROKEN, NO_ANSWER, said(400, "MSS.00000003"), TOO_LARGE, said(429), NO_CONNECTION] * 8)
    for step in range(200):
        if step < 120:
            room.arrive(2, ttl_secs=8, kind=EventType.JOIN if step % 3 else EventType.COMMENT)
        await room.pass_time(0.17)
        assert room.has_one_place_for_each()
    await room.pass_time(60)
    assert room.reporter.parked_events == 0
    assert len(room.ledger.fates) == 240


async def test_every_call_is_told_with_its_answer_its_events_and_its_time(room: ReportingRoom) -> None:
    room.cloud.rtt_secs = 0.25
    room.cloud.will(BROKEN)
    room.arrive(3)
    await room.pass_time(10)
    assert [(answer.status, events, round(secs, 3)) for answer, events, secs in room.ledger.calls] == [
        (500, 3, 0.25),
        (200, 3, 0.25),
    ]


async def test_the_last_error_is_shown_until_a_call_works(room: ReportingRoom) -> None:
    room.cloud.will(BROKEN)
    room.arrive()
    await room.pass_time(0.1)
    assert room.reporter.last_error == "HTTP 500 MSS.00000004 Internal error"
    await room.pass_time(1)
    assert room.reporter.last_error == ""


async def test_a_bug_in_a_call_loses_no_event(room: ReportingRoom) -> None:
    def broken(_call: Call) -> Answer:
        raise RuntimeError("a bug")

    room.cloud.judge = broken
    room.arrive(2)
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(asyncio.shield(room._tasks[0]), 1)
    assert room.has_one_place_for_each()
    room.cloud.always(accepted())
    again = asyncio.ensure_future(room.reporter.run())
    await room.pass_time(1)
    assert room.ledger.delivered_in_order == [1, 2]
    again.cancel()
    room._tasks[0] = again
