"""Refused events: one bad one among many is found, a fault of the cloud's is nobody's, and a size is learned."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.report.batch import MAX_BATCH_BYTES
from bridge.report.reporter import SYSTEMIC_WAIT_SECS
from bridge.report.suspects import SYSTEMIC_REFUSALS
from bridge.report.wire import Answer
from tests.report.fakes import BAD_EVENT, BROKEN, CARRIER_WIRE, NO_ANSWER, TOO_LARGE, Call, accepted, said, url_of
from tests.report.reporting_room import ReportingRoom


@pytest.fixture
async def room() -> AsyncIterator[ReportingRoom]:
    async with ReportingRoom() as room:
        yield room


def dislike(room: ReportingRoom, *culprits: int) -> None:
    """Have the cloud refuse every call with one of these events in it, each in its own words."""
    bad = set(culprits)

    def judge(call: Call) -> Answer:
        found = sorted(bad & set(call.numbers))
        return said(400, "MSS.00000003", f"event {found}") if found else accepted()

    room.cloud.judge = judge


def refuse_beyond(room: ReportingRoom, limit_bytes: int) -> None:
    room.cloud.judge = lambda call: TOO_LARGE if call.size_bytes > limit_bytes else accepted()


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 120), places=st.sets(st.integers(0, 119), min_size=1, max_size=6))
def test_good_events_are_delivered_once_and_bad_ones_are_dead_letters_with_the_clouds_words_about_them(
    count: int, places: set[int]
) -> None:
    culprits = {1 + place % count for place in places}

    async def run() -> None:
        async with ReportingRoom() as room:
            dislike(room, *culprits)
            room.arrive(count)
            await room.pass_time(60)
            calls = len(room.cloud.calls)
            room.arrive()
            await room.pass_time(10)
            assert room.ledger.fate("delivered") == sorted({*range(1, count + 2)} - culprits)
            assert sorted(room.cloud.taken) == room.ledger.fate("delivered")
            assert room.ledger.fate("dead letter") == sorted(culprits)
            for culprit in culprits:
                assert str(room.ledger.dead[culprit]) == f"HTTP 400 MSS.00000003 event [{culprit}]"
            assert calls <= 1 + 2 * len(culprits) * max(1, math.ceil(math.log2(count)))

    asyncio.run(run())


async def test_fresh_events_flow_between_the_halves(room: ReportingRoom) -> None:
    dislike(room, 7, 400, 801)
    room.arrive(1000)
    for fresh in range(1001, 1041):
        room.arrive()
        await room.pass_time(0.5)
        assert room.ledger.fates[fresh] == "delivered"
    await room.pass_time(60)
    assert room.ledger.fate("dead letter") == [7, 400, 801]


async def test_fresh_events_stay_in_order_while_the_suspects_are_tried(room: ReportingRoom) -> None:
    dislike(room, 7)
    room.arrive(100)
    await room.pass_time(0)
    for _ in range(30):
        room.arrive(2)
        await room.pass_time(0.1)
    await room.pass_time(30)
    fresh = [number for number in room.ledger.delivered_in_order if number > 100]
    assert fresh == list(range(101, 161))


async def test_a_suspect_whose_call_failed_is_tried_again_and_keeps_its_place_beside_the_fresh(
    room: ReportingRoom,
) -> None:
    room.cloud.will(BAD_EVENT, BROKEN, NO_ANSWER, said(429))
    dislike(room, 4)
    room.arrive(4)
    await room.pass_time(60)
    room.arrive()
    await room.pass_time(1)
    assert room.cloud.batches[:5] == [[1, 2, 3, 4], [1, 2], [1, 2], [1, 2], [1, 2]]
    assert room.ledger.fate("delivered") == [1, 2, 3, 5]
    assert room.ledger.fate("dead letter") == [4]


async def test_an_event_refused_alone_is_a_dead_letter_only_after_another_call_was_accepted(
    room: ReportingRoom,
) -> None:
    dislike(room, 1)
    room.arrive()
    await room.pass_time(30)
    assert room.cloud.batches == [[1]]
    assert room.ledger.fates == {}
    assert room.reporter.parked_events == 1
    room.arrive()
    await room.pass_time(0)
    assert room.ledger.fates == {2: "delivered", 1: "dead letter"}


async def test_an_accepted_refresh_call_proves_as_much_as_any_other() -> None:
    async with ReportingRoom() as room:
        room.destination.set_url(url_of("short", lives_secs=20))
        room.carrier = CARRIER_WIRE
        dislike(room, 1)
        room.arrive()
        await room.pass_time(19)
        assert room.ledger.fates == {1: "dead letter"}


async def test_an_event_still_condemned_when_its_time_is_over_is_a_dead_letter_with_the_clouds_words(
    room: ReportingRoom,
) -> None:
    dislike(room, 1)
    room.arrive(ttl_secs=20)
    await room.pass_time(21)
    assert room.ledger.fates == {1: "dead letter"}
    assert room.ledger.dead[1].error_msg == "event [1]"


async def test_a_suspect_that_expires_before_it_was_tried_is_expired(room: ReportingRoom) -> None:
    room.cloud.will(BAD_EVENT, BROKEN)
    room.arrive(2, ttl_secs=0.4)
    await room.pass_time(5)
    assert room.ledger.fates == {1: "ttl", 2: "ttl"}
    assert room.reporter.parked_events == 0


async def test_twenty_refusals_in_a_row_are_nobodys_fault_hold_and_raise_an_alarm(room: ReportingRoom) -> None:
    room.cloud.always(BAD_EVENT)
    room.arrive(64)
    await room.pass_time(20)
    assert len(room.cloud.calls) == SYSTEMIC_REFUSALS
    assert "refuses every event" in room.destination.alarm
    assert room.ledger.fates == {}
    assert room.has_one_place_for_each()


async def test_while_everything_is_refused_the_cloud_is_asked_twice_a_minute_and_nothing_is_given_up(
    room: ReportingRoom,
) -> None:
    room.cloud.always(BAD_EVENT)
    for _ in range(60):
        room.arrive(3)
        await room.pass_time(5)
    probes = room.cloud.times[SYSTEMIC_REFUSALS - 1 :]
    assert len(probes) > 8
    assert min(later - earlier for earlier, later in itertools.pairwise(probes)) >= SYSTEMIC_WAIT_SECS
    assert room.ledger.fates == {}


async def test_when_the_cloud_recovers_everything_is_delivered_and_nothing_is_a_dead_letter(
    room: ReportingRoom,
) -> None:
    room.cloud.always(BAD_EVENT)
    for _ in range(30):
        room.arrive(4)
        await room.pass_time(2)
    room.cloud.always(accepted())
    await room.pass_time(SYSTEMIC_WAIT_SECS)
    assert room.destination.alarm == ""
    await room.pass_time(60)
    assert room.ledger.fate("delivered") == list(range(1, 121))


async def test_after_a_systemic_fault_a_truly_bad_event_is_still_found(room: ReportingRoom) -> None:
    room.cloud.always(BAD_EVENT)
    room.arrive(32)
    await room.pass_time(20)
    dislike(room, 9, 30)
    await room.pass_time(90)
    room.arrive()
    await room.pass_time(1)
    assert room.ledger.fate("dead letter") == [9, 30]
    assert len(room.ledger.fate("delivered")) == 31


async def test_after_a_systemic_fault_a_new_job_is_tried_at_once(room: ReportingRoom) -> None:
    room.cloud.always(BAD_EVENT)
    room.arrive(64)
    await room.pass_time(10)
    room.cloud.always(accepted())
    room.destination.set_url(url_of(job="j2"))
    await room.pass_time(1.1)
    assert room.ledger.fate("delivered") != []


async def test_what_breaks_the_contract_by_our_own_reading_is_taken_out_without_halving(room: ReportingRoom) -> None:
    dislike(room, 2)
    room.arrive()
    room.arrive(wire=orjson.dumps({"timestamp": -5, "type": 1, "content": orjson.dumps({"content": "2"}).decode()}))
    room.arrive()
    await room.pass_time(1)
    assert room.cloud.batches == [[1, 2, 3], [1, 3]]
    assert room.ledger.fates == {1: "delivered", 2: "dead letter", 3: "delivered"}
    assert room.ledger.dead[2].error_msg == "timestamp: out of range; event [2]"
    assert room.ledger.dead[2].status == 400


async def test_a_batch_that_is_too_large_goes_in_halves_and_in_order(room: ReportingRoom) -> None:
    refuse_beyond(room, 2000)
    room.arrive(16, text="x" * 300)
    await room.pass_time(20)
    assert room.ledger.delivered_in_order == list(range(1, 17))
    assert room.reporter.parked_events == 0


async def test_the_size_that_fits_is_remembered_for_what_waits_and_for_what_comes(room: ReportingRoom) -> None:
    refuse_beyond(room, 100_000)
    room.arrive(1000, text="x" * 800)
    room.arrive(1000, text="x" * 800)
    await room.pass_time(30)
    refusals = [call for call in room.cloud.calls if call.size_bytes > 100_000]
    assert len(refusals) <= math.ceil(math.log2(MAX_BATCH_BYTES / 100_000)) + 1
    assert room.ledger.delivered_in_order == list(range(1, 2001))


async def test_a_size_that_was_learned_grows_back_with_accepted_calls(room: ReportingRoom) -> None:
    room.cloud.will(TOO_LARGE)
    room.arrive(2, text="x" * 500)
    await room.pass_time(1)
    room.arrive(8, text="x" * 500)
    await room.pass_time(1)
    assert max(len(call.numbers) for call in room.cloud.calls[1:]) == 1
    for _ in range(60):
        room.arrive(4, text="x" * 500)
        await room.pass_time(1)
    assert room.cloud.batches[-1] == [247, 248, 249, 250]


async def test_one_event_that_is_too_large_is_a_dead_letter_once_another_call_was_accepted(
    room: ReportingRoom,
) -> None:
    refuse_beyond(room, 3000)
    room.arrive(2)
    room.arrive(text="x" * 4000)
    room.arrive(2)
    await room.pass_time(10)
    assert room.ledger.fates == {1: "delivered", 2: "delivered", 3: "dead letter", 4: "delivered", 5: "delivered"}
    assert room.ledger.dead[3].status == 413


async def test_a_cloud_that_finds_everything_too_large_makes_no_dead_letters(room: ReportingRoom) -> None:
    room.cloud.always(TOO_LARGE)
    for _ in range(40):
        room.arrive()
        await room.pass_time(1)
    assert room.ledger.fates == {}
    assert room.destination.alarm != ""


async def test_a_suspect_that_is_too_large_is_halved_and_counted_once(room: ReportingRoom) -> None:
    room.cloud.will(BAD_EVENT, TOO_LARGE)
    room.arrive(8)
    await room.pass_time(0.3)
    assert room.has_one_place_for_each()
    await room.pass_time(10)
    assert room.ledger.fate("delivered") == list(range(1, 9))


async def test_a_suspect_that_is_too_large_says_nothing_of_its_other_half(room: ReportingRoom) -> None:
    room.cloud.will(BAD_EVENT, TOO_LARGE)
    room.arrive(8)
    await room.pass_time(10)
    assert room.cloud.batches == [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4], [1, 2], [3, 4], [5, 6, 7, 8]]


async def test_a_413_is_not_held_against_the_events_nor_waited_out(room: ReportingRoom) -> None:
    room.cloud.will(*[TOO_LARGE] * 3)
    room.arrive(64)
    await room.pass_time(3)
    assert room.cloud.gaps == pytest.approx([0.2] * len(room.cloud.gaps))
    assert len(room.ledger.fate("delivered")) == 64
