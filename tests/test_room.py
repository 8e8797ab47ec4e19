"""Every event that comes in ends in exactly one place, whatever happens in between."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge import room as module
from bridge.counters import LATENCY_BOUNDS_SECS, Histogram
from bridge.errors import DecodeError, RoomNotFoundError
from bridge.events import (
    Comment,
    EventType,
    Follow,
    Gift,
    Join,
    Like,
    LiveEvent,
    PaidMessage,
    Streak,
    Twin,
    User,
    Viewers,
)
from bridge.keep_running import RESTART_SECS
from bridge.outbox.admission import PaidMessageForm
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.money import Money
from bridge.outbox.spool_file import SpoolFile
from bridge.report.wire import Answer, Verdict
from bridge.sources.channel import Channel
from bridge.sources.contract import Connection, Decoded, Endpoint, HttpClient, NoticeKind, Platform, SourceOptions
from bridge.sources.http import SourceHttp
from bridge.sources.liveness import SILENT_SECS
from bridge.sources.room_source import VIEWERS_KEPT_SECS
from bridge.sources.supervisor import Dial, SourceState, Supervisor
from tests.fakes import FakeClock, settle
from tests.room_bench import REFUSED, UNAVAILABLE, Bench, texts
from tests.samples import ANN, BOB, NOBODY, NOW_MS, comment, event, rose
from tests.sources.toy_platform import ToyDecoder, ToyNetwork, toy_platform

Begin = Callable[..., Awaitable[Bench]]


def supervised(bench: Bench, platform: Platform, dial: Dial | None = None) -> Supervisor:
    return Supervisor(
        "pond:7",
        "evening",
        platform,
        options=SourceOptions,
        sink=partial(bench.room.take, bench.source),
        clock=bench.clock,
        random=lambda: 1.0,
        dial=dial,
    )


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    benches: list[Bench] = []

    async def start(*, reports: bool = True, **options: Any) -> Bench:
        bench = Bench(tmp_path / "spool", **options)
        benches.append(bench)
        await bench.start(reports=reports)
        return bench

    yield start
    for bench in benches:
        await bench.close()


def frame(count: int, *, ended: bool = False) -> LiveEvent:
    return event(rose(count), f"frame/{count}/{ended}", streak=Streak("g", ended))


class TestDelivery:
    async def test_a_comment_in_a_quiet_room_leaves_at_once(self, begin: Begin) -> None:
        bench = await begin()

        await bench.take(comment("hello", at_ms=NOW_MS + 5))

        assert bench.cloud.bodies == [
            {"total": 1, "events": [orjson.loads(comment("hello", at_ms=NOW_MS + 5).to_wire())]}
        ]
        assert bench.room.counters.delivered == {EventType.COMMENT: 1}
        bench.assert_sums_agree()

    async def test_what_comes_meanwhile_goes_together_in_order(self, begin: Begin) -> None:
        bench = await begin()
        await bench.take(comment("first"))
        for number in range(3):
            await bench.take(comment(f"c{number}"), event(rose(number + 1)))
        await bench.clock.advance(0.2)

        assert [body["total"] for body in bench.cloud.bodies] == [1, 6]
        assert bench.cloud.types[1:] == [EventType.COMMENT, EventType.GIFT] * 3

    async def test_what_the_cloud_has_taken_is_off_the_disk(self, begin: Begin, tmp_path: Path) -> None:
        bench = await begin(reports=False)
        await bench.take(comment("a"), event(rose()), event(Join(ANN)))
        await bench.spool.commit()
        assert bench.spool.kept_events() == 2

        bench.report()
        await settle()
        await bench.spool.commit()

        assert bench.spool.kept_events() == 0
        file = SpoolFile(tmp_path / "spool", read_only=True)
        assert file.waiting() == []
        file.close()

    async def test_an_event_that_the_cloud_refuses_by_itself_becomes_a_dead_letter(
        self, begin: Begin, tmp_path: Path
    ) -> None:
        bench = await begin(reports=False)
        bench.cloud.poison = b"poison"
        await bench.take(*(comment(text) for text in ("a", "poison", "b")))
        bench.report()
        await bench.clock.advance(5)

        assert sorted(texts(bench.cloud.contents)) == ["a", "b"]
        assert bench.dropped() == {"poison": 1}
        assert bench.room.counters.dead_letters == {"MSS.0001": 1}
        bench.assert_sums_agree()
        await bench.spool.commit()
        file = SpoolFile(tmp_path / "spool", read_only=True)
        (letter,) = file.dead_letters()
        file.close()
        assert (letter.room, letter.job_id, letter.status, letter.error_code, letter.error_msg, letter.request_id) == (
            "evening",
            "job-1",
            400,
            "MSS.0001",
            "not like this",
            "req-1",
        )
        assert b"poison" in letter.wire

    @pytest.mark.parametrize("content", [Comment(ANN, "poison"), Join(User("pond_9", "poison"))])
    async def test_a_revived_letter_is_reported_once_and_then_off_the_disk_whatever_its_type(
        self, content: Comment | Join, begin: Begin
    ) -> None:
        bench = await begin(reports=False)
        bench.cloud.poison = b"poison"
        await bench.take(event(content), comment("good"))
        bench.report()
        await bench.clock.advance(3)
        await bench.spool.commit()
        bench.cloud.poison = b""

        row = await bench.spool.revive(1, bench.spool.next_number(), NOW_MS)
        assert row is not None
        bench.room.revive(row)
        bench.assert_sums_agree()
        await bench.clock.advance(1)
        await bench.spool.commit()

        assert bench.cloud.types[-1] is content.type
        assert bench.spool.kept_events() == 0
        bench.assert_sums_agree()

    async def test_while_the_cloud_is_down_events_wait_and_expire_by_their_type(self, begin: Begin) -> None:
        bench = await begin()
        bench.cloud.script = [UNAVAILABLE] * 500
        await bench.take(comment("a"), event(Join(ANN)), event(Like(ANN)), event(rose()), event(Viewers(3)))
        await bench.clock.advance(30)
        assert bench.dropped() == {"ttl": 3}
        await bench.clock.advance(70)
        assert bench.dropped() == {"ttl": 4}
        bench.assert_sums_agree()

        bench.cloud.script = []
        await bench.clock.advance(20)
        assert bench.cloud.types == [EventType.GIFT]
        bench.assert_sums_agree()

    async def test_an_unknown_outcome_repeats_what_must_not_be_lost_and_drops_the_rest(self, begin: Begin) -> None:
        bench = await begin(reports=False)
        bench.cloud.script = [Answer(Verdict.UNKNOWN)]
        await bench.take(comment("a"), event(Join(ANN)), event(rose()))
        bench.report()
        await bench.clock.advance(2)

        assert bench.dropped() == {"ambiguous": 1}
        assert bench.cloud.types == [EventType.COMMENT, EventType.GIFT]
        bench.assert_sums_agree()

    async def test_over_its_bound_a_room_gives_up_the_least_valuable(self, begin: Begin) -> None:
        bench = await begin(reports=False, max_events=3)
        await bench.take(event(rose()), comment("a"), event(Join(ANN)), comment("b"), comment("c"))

        assert bench.dropped() == {"overflow": 2}
        assert bench.room.outbox.waiting()[EventType.GIFT] == 1
        bench.assert_sums_agree()

    async def test_over_the_processs_bound_the_busiest_room_gives_up(self, begin: Begin) -> None:
        bench = await begin(reports=False, guard=MemoryGuard(max_events=5))
        await bench.take(*(comment(str(number)) for number in range(9)))

        assert len(bench.room.outbox) <= 5
        assert bench.dropped() == {"overflow": 4}
        bench.assert_sums_agree()

    async def test_latencies_are_counted_by_bucket(self, begin: Begin) -> None:
        bench = await begin(reports=False)
        arrivals = [0.0, 0.003, 0.3, 1.0, 1.0, 4.0]
        begun_at = bench.clock.monotonic()
        for arrival in arrivals:
            await bench.clock.advance(begun_at + arrival - bench.clock.monotonic())
            await bench.take(comment())
        await bench.clock.advance(1)
        bench.report()
        await settle()

        expected = Histogram(LATENCY_BOUNDS_SECS)
        for arrival in arrivals:
            expected.observe(5.0 - arrival)
        assert bench.room.counters.latency_secs.counts == expected.counts
        assert bench.room.counters.latency_secs.total == pytest.approx(expected.total)


class TestForms:
    @pytest.mark.parametrize(
        ("form", "types"),
        [
            (PaidMessageForm.COMMENT, [EventType.COMMENT]),
            (PaidMessageForm.GIFT, [EventType.GIFT]),
            (PaidMessageForm.BOTH, [EventType.COMMENT, EventType.GIFT]),
        ],
    )
    async def test_a_paid_message_takes_the_rooms_form_and_its_money_counts_once(
        self, form: PaidMessageForm, types: list[EventType], begin: Begin
    ) -> None:
        bench = await begin(form=form)

        await bench.take(event(PaidMessage("thank you", rose(3, value=10)), "1"))
        await bench.clock.advance(1)

        assert bench.cloud.types == types
        assert bench.room.counters.paid_value == {("pond", "coin"): 30}
        assert bench.room.counters.received_events() == len(types)
        bench.assert_sums_agree()

    async def test_a_user_joins_once_and_likes_are_merged_and_masked_users_never(self, begin: Begin) -> None:
        bench = await begin()
        for user in (ANN, ANN, BOB, NOBODY, NOBODY):
            await bench.take(event(Join(user)), event(Like(user)))
        await bench.clock.advance(1)

        assert [content["user"]["userId"] for content in bench.cloud.contents] == [
            user.id for user in (ANN, BOB, NOBODY, NOBODY) for _ in range(2)
        ]
        assert bench.dropped() == {"once_per_user": 1, "merged": 1}
        assert bench.room.counters.masked_users == {"pond": 4}
        bench.assert_sums_agree()

    async def test_what_is_switched_off_is_counted_and_not_sent(self, begin: Begin) -> None:
        bench = await begin()
        await bench.take(event(Follow(ANN)))

        assert bench.cloud.bodies == []
        assert bench.dropped() == {"disabled": 1}
        bench.assert_sums_agree()

    async def test_gift_values_are_in_the_rooms_unit_and_the_money_counted_in_the_platforms(self, begin: Begin) -> None:
        bench = await begin(money=Money(in_fen=True))
        await bench.take(event(rose(2, value=10, currency="diamond")))

        assert bench.cloud.contents[0]["gift"] == {
            "giftName": "Rose",
            "giftNum": 2,
            "giftValue": 100,
            "totalValue": 200,
        }
        assert bench.room.counters.paid_value == {("pond", "diamond"): 20}

    async def test_a_gift_without_a_price_is_reported_counted_and_the_operators_price_fills_it_in(
        self, begin: Begin
    ) -> None:
        bench = await begin(money=Money(prices={"Rocket": 100}))
        unpriced = replace(rose(2, value=0), priced=False)
        await bench.take(event(unpriced), event(unpriced), event(replace(unpriced, name="Rocket")))
        await bench.clock.advance(1)

        assert [content["gift"]["totalValue"] for content in bench.cloud.contents] == [0, 0, 200]
        assert bench.room.counters.unpriced_gifts == {"pond": 2}
        assert bench.room.counters.paid_value == {("pond", "coin"): 200}

    async def test_currencies_are_bounded(self, begin: Begin) -> None:
        bench = await begin(reports=False)
        await bench.take(*(event(rose(currency=f"c{number}\ud800" * 20)) for number in range(200)))

        paid = bench.room.counters.paid_value
        assert len(paid) == module.MAX_CURRENCIES + 1
        assert paid["pond", "other"] == 10 * (200 - module.MAX_CURRENCIES)
        assert all(len(currency) <= 32 and currency.encode() for _, currency in paid)


class TestOnceOnly:
    async def test_replays_twins_and_frames_of_combos_are_told_once(self, begin: Begin) -> None:
        bench = await begin()
        await bench.take(comment("a", "1"), comment("a", "1"))
        await bench.take(
            event(rose(1), "part", twin=Twin("t", settles=False, wait_secs=1)),
            event(rose(9), "whole", twin=Twin("t", settles=True)),
        )
        await bench.take(frame(1), frame(5), frame(3), frame(7, ended=True))
        await bench.clock.advance(1)

        gifts = [content["gift"]["giftNum"] for content in bench.cloud.contents if "gift" in content]
        assert gifts == [9, 1, 6]
        assert bench.dropped() == {"duplicate": 1, "twin": 1, "streak": 2}
        assert bench.room.counters.duplicates == {"pond": 1}
        bench.assert_sums_agree()

    async def test_what_waits_goes_out_in_its_time_even_if_it_came_after_something_that_waits_longer(
        self, begin: Begin
    ) -> None:
        bench = await begin()
        await bench.take(frame(1), frame(2))
        await bench.clock.advance(0.5)
        await bench.take(event(rose(9), "part", twin=Twin("t", settles=False, wait_secs=1)))
        bench.assert_sums_agree()
        await bench.clock.advance(1.0)

        assert [content["gift"]["giftNum"] for content in bench.cloud.contents] == [1, 9]
        await bench.clock.advance(1.5)
        assert [content["gift"]["giftNum"] for content in bench.cloud.contents] == [1, 9, 1]
        bench.assert_sums_agree()

    async def test_sources_do_not_know_each_others_ids(self, begin: Begin) -> None:
        bench = await begin()
        other = bench.add_source("brook:8", "brook")
        await bench.take(comment("a", "1"))
        await bench.take(comment("a", "1"), source=other)
        await bench.clock.advance(1)

        assert len(bench.cloud.taken) == 2
        assert bench.room.counters.received == {
            ("pond", EventType.COMMENT): 1,
            ("brook", EventType.COMMENT): 1,
        }


class TestHistory:
    async def test_at_the_first_connection_what_was_said_before_is_not_reported(self, begin: Begin) -> None:
        bench = await begin()
        source = bench.add_source("pond:8", replays_history=True)
        now_ms = bench.clock.now_ms()
        old, new = comment("old", "1", at_ms=now_ms - 60_000), comment("new", "2", at_ms=now_ms)
        await bench.take(old, new, source=source)
        await bench.take(old, source=source)

        assert texts(bench.cloud.contents) == ["new"]
        assert bench.dropped() == {"history": 2}
        bench.assert_sums_agree()

    async def test_after_a_reconnect_what_was_said_meanwhile_is_new_if_it_is_unknown_and_not_too_old(
        self, begin: Begin
    ) -> None:
        bench = await begin()
        source = bench.add_source("pond:8", replays_history=True)
        await bench.take(comment("seen", "1", at_ms=bench.clock.now_ms()), source=source)
        started_ms = bench.clock.now_ms()
        await bench.clock.advance(120)
        now_ms = bench.clock.now_ms()
        await bench.take(
            comment("before our time", "0", at_ms=started_ms - 60_000),
            comment("seen", "1", at_ms=started_ms),
            comment("too old", "2", at_ms=now_ms - 91_000),
            comment("missed", "3", at_ms=now_ms - 60_000),
            source=source,
        )

        assert texts(bench.cloud.contents) == ["seen", "missed"]
        assert bench.dropped() == {"history": 1, "ttl": 2}
        bench.assert_sums_agree()

    async def test_after_a_restart_what_was_said_meanwhile_is_new_too(self, begin: Begin, tmp_path: Path) -> None:
        first = await begin()
        source = first.add_source("pond:8", replays_history=True)
        await first.take(comment("seen", "1", at_ms=first.clock.now_ms()), source=source)
        await first.close()

        clock = FakeClock(now_ms=first.clock.now_ms() + 30_000)
        second = Bench(tmp_path / "spool", clock=clock)
        source = second.add_source("pond:8", replays_history=True)
        await second.start()
        await second.take(
            comment("seen", "1", at_ms=NOW_MS),
            comment("missed", "2", at_ms=clock.now_ms() - 20_000),
            source=source,
        )

        assert texts(second.cloud.contents) == ["missed"]
        second.assert_sums_agree()
        await second.close()

    async def test_a_platform_that_replays_nothing_is_believed(self, begin: Begin) -> None:
        bench = await begin()
        await bench.take(comment("late but live", at_ms=NOW_MS - 600_000))

        assert len(bench.cloud.taken) == 1


class TestRestart:
    async def test_what_waited_is_reported_after_a_restart_and_ages_by_the_wall_clock(
        self, begin: Begin, tmp_path: Path
    ) -> None:
        first = await begin(reports=False)
        await first.take(comment("too old"), event(rose(3)), event(Join(ANN)))
        await first.clock.advance(60)
        await first.take(comment("young enough"))
        await first.close()

        second = Bench(tmp_path / "spool", clock=FakeClock(now_ms=first.clock.now_ms() + 40_000))
        await second.start()
        await second.clock.advance(1)

        assert second.cloud.types == [EventType.GIFT, EventType.COMMENT]
        assert second.dropped() == {"ttl": 1}
        assert second.room.counters.recovered == {EventType.COMMENT: 2, EventType.GIFT: 1}
        second.assert_sums_agree()
        await second.close()

    async def test_a_wall_clock_that_went_back_makes_nothing_younger_than_just_arrived(
        self, begin: Begin, tmp_path: Path
    ) -> None:
        first = await begin(reports=False)
        await first.take(comment("from the future"))
        await first.close()

        second = Bench(tmp_path / "spool", clock=FakeClock(now_ms=NOW_MS - 3_600_000))
        await second.start(reports=False)

        assert second.room.outbox.oldest_arrival() == second.clock.monotonic()
        await second.clock.advance(90)
        assert second.room.outbox.expire(second.clock.monotonic())
        await second.close()

    async def test_an_open_combo_survives_a_kill_even_if_nothing_else_happened(
        self, begin: Begin, tmp_path: Path
    ) -> None:
        first = await begin()
        for commits, count in enumerate((1, 5), start=1):
            await first.take(frame(count))
            await first.clock.advance(0.5)
            async with asyncio.timeout(5):
                while first.spool.statistics.commits < commits:
                    await asyncio.sleep(0.001)
        shutil.copytree(tmp_path / "spool", tmp_path / "killed", ignore=shutil.ignore_patterns("lock"))

        second = Bench(tmp_path / "killed")
        await second.start()
        await second.clock.advance(1)

        assert [content["gift"]["giftNum"] for content in second.cloud.contents] == [4]
        assert second.room.counters.recovered == {EventType.GIFT: 1}
        second.assert_sums_agree()
        await second.close()

    async def test_what_is_left_at_the_end_stays_on_disk_if_it_is_durable(self, begin: Begin, tmp_path: Path) -> None:
        bench = await begin(reports=False)
        await bench.take(comment("a"), event(Join(ANN)), frame(1), frame(4))
        bench.room.let_go()
        left = bench.room.close()
        await bench.close()

        assert left == 3
        assert bench.dropped() == {"shutdown": 1}
        again = Bench(tmp_path / "spool")
        await again.start()
        await again.clock.advance(1)
        assert again.cloud.types == [EventType.COMMENT, EventType.GIFT, EventType.GIFT]
        await again.close()


class TestNotices:
    async def test_when_the_broadcast_ends_combos_close_and_zero_viewers_are_told_once(self, begin: Begin) -> None:
        bench = await begin()
        await bench.notice(NoticeKind.LIVE)
        await bench.take(event(Viewers(50)), frame(1), frame(4))
        for _ in range(3):
            await bench.notice(NoticeKind.ENDED)
        await bench.clock.advance(10)

        contents = bench.cloud.contents
        assert [content["numberOfViewers"] for content in contents if "numberOfViewers" in content] == [50, 0]
        assert [content["gift"]["giftNum"] for content in contents if "gift" in content] == [1, 3]
        assert bench.room.is_live is False
        bench.assert_sums_agree()

    async def test_the_next_broadcast_ends_with_zero_viewers_too(self, begin: Begin) -> None:
        bench = await begin()
        for kind in (NoticeKind.LIVE, NoticeKind.ENDED) * 2:
            await bench.notice(kind)
            await bench.clock.advance(10)

        assert [content["numberOfViewers"] for content in bench.cloud.contents] == [0, 0]

    async def test_one_of_several_broadcasts_that_ends_leaves_the_others_viewers(self, begin: Begin) -> None:
        bench = await begin()
        other = bench.add_source("lake:9", "lake")
        await bench.notice(NoticeKind.LIVE)
        await bench.notice(NoticeKind.LIVE, source=other)
        await bench.take(event(Viewers(50)))
        await bench.clock.advance(10)
        await bench.take(event(Viewers(7)), source=other)
        await bench.clock.advance(10)
        await bench.notice(NoticeKind.ENDED)
        await bench.clock.advance(10)
        assert bench.room.is_live is True
        await bench.notice(NoticeKind.ENDED, source=other)
        await bench.clock.advance(10)

        assert [content["numberOfViewers"] for content in bench.cloud.contents] == [50, 57, 7, 0]
        assert bench.room.is_live is False
        bench.assert_sums_agree()

    async def test_a_broadcast_that_ends_beside_one_without_viewers_tells_no_zero(self, begin: Begin) -> None:
        bench = await begin()
        other = bench.add_source("lake:9", "lake")
        await bench.notice(NoticeKind.LIVE)
        await bench.notice(NoticeKind.LIVE, source=other)
        await bench.notice(NoticeKind.ENDED)
        await bench.clock.advance(10)

        assert bench.cloud.contents == []
        bench.assert_sums_agree()

    async def test_a_viewer_count_that_its_source_does_not_renew_counts_no_longer(self, begin: Begin) -> None:
        bench = await begin()
        other = bench.add_source("lake:9", "lake")
        await bench.take(event(Viewers(50)))
        await bench.clock.advance(VIEWERS_KEPT_SECS + 1)
        await bench.take(event(Viewers(7)), source=other)
        await bench.clock.advance(10)

        assert [content["numberOfViewers"] for content in bench.cloud.contents] == [50, 7]

    async def test_a_weak_credential_is_an_alarm_until_it_changes(self, begin: Begin) -> None:
        bench = await begin()
        await bench.notice(NoticeKind.CREDENTIAL_WEAK, "cookie: guests see masked names")

        await bench.clock.advance(module.CHECK_SECS)

        assert bench.source.credential_alarm == "cookie: guests see masked names"

    async def test_a_connection_that_does_not_tell_again_of_a_weak_credential_ends_its_alarm(
        self, begin: Begin
    ) -> None:
        bench = await begin()
        await bench.notice(NoticeKind.CREDENTIAL_WEAK, "cookie: guests see masked names")
        bench.source.supervisor = supervised(bench, toy_platform(None))
        bench.source.supervisor._set(SourceState.CONNECTED)
        await bench.clock.advance(module.CHECK_SECS)
        assert bench.source.credential_alarm, "the connection on which it was told stands"

        bench.source.supervisor._set(SourceState.WAITING)
        bench.source.supervisor._set(SourceState.CONNECTED)
        await bench.clock.advance(module.CHECK_SECS)
        assert bench.source.credential_alarm == ""


class TestLiveness:
    async def test_gifts_that_stop_coming_are_an_alarm_until_they_come_again(self, begin: Begin) -> None:
        bench = await begin()
        for minute in range(32):
            gifts = [event(rose(), f"g{minute}/{number}") for number in range(3 if minute < 20 else 0)]
            await bench.take(comment("hello"), *gifts)
            await bench.clock.advance(60)

        assert list(bench.source.alarms) == ["gift"]
        assert bench.source.alarms["gift"].startswith("no gifts for 1")
        await bench.take(event(rose(), "at last"))
        await bench.clock.advance(module.CHECK_SECS)
        assert bench.source.alarms == {}

    async def test_a_source_that_is_connected_and_brings_nothing_is_connected_anew(self, begin: Begin) -> None:
        bench = await begin()
        dialled: list[float] = []
        network = ToyNetwork()

        async def dial(endpoint: Endpoint, proxy: str, http: SourceHttp) -> Channel | None:
            dialled.append(bench.clock.monotonic())
            return await network.dial(endpoint, proxy, http)

        async def locate(_options: Any, _http: HttpClient) -> list[Connection]:
            return [Connection(Endpoint("wss://pond.example", silence_timeout_secs=1e9), ToyDecoder())]

        bench.source.supervisor = supervised(bench, toy_platform(locate), dial)
        bench.tasks.append(asyncio.create_task(bench.source.supervisor.run()))
        await settle()
        for _ in range(15):
            network.channel.says(*"abcd")
            await bench.clock.advance(60)
        silent_at = bench.clock.monotonic()
        await bench.clock.advance(SILENT_SECS + 60)

        assert len(dialled) == 2
        assert dialled[1] - silent_at <= SILENT_SECS + module.CHECK_SECS
        assert bench.source.alarms["comment"].endswith("the connection stands but brings nothing")

    async def test_nothing_is_missed_of_a_broadcast_that_has_ended(self, begin: Begin) -> None:
        bench = await begin()
        await bench.notice(NoticeKind.LIVE)
        for minute in range(20):
            await bench.take(*(comment("hello", f"{minute}/{number}") for number in range(5)))
            await bench.clock.advance(60)
        await bench.notice(NoticeKind.ENDED)
        await bench.clock.advance(3600)

        assert bench.source.alarms == {}

    async def test_viewers_that_lose_their_identity_are_an_alarm(self, begin: Begin) -> None:
        bench = await begin()
        for user in (ANN, NOBODY):
            await bench.take(*(comment("hello", user=user) for _ in range(100)))
            await bench.clock.advance(module.CHECK_SECS)

        assert list(bench.source.alarms) == ["identity"]


class TestNames:
    async def test_what_cannot_be_read_or_is_ignored_is_counted_by_platform(self, begin: Begin) -> None:
        bench = await begin()
        bench.room.take(
            bench.source, Decoded(rejected=[DecodeError("a", "x")] * 2, ignored=["test", "other room", "test"])
        )

        assert bench.room.counters.rejected == {"pond": 2}
        assert bench.room.counters.ignored == {("pond", "test"): 2, ("pond", "other room"): 1}

    async def test_ignored_names_are_bounded(self, begin: Begin) -> None:
        bench = await begin()
        bench.room.take(bench.source, Decoded(ignored=[f"{n}\ud800" for n in range(module.MAX_IGNORED_NAMES + 7)] * 2))

        assert len(bench.room.counters.ignored) == module.MAX_IGNORED_NAMES + 1
        assert bench.room.counters.ignored["pond", "0\ufffd"] == 2
        assert bench.room.counters.ignored["pond", "other"] == 14

    async def test_unknown_names_are_said_once_cut_and_bounded(
        self, begin: Begin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[str] = []
        bench = await begin()
        monkeypatch.setattr(bench.room, "_log", _Listener(said))
        for number in range(module.MAX_UNKNOWN_NAMES + 50):
            bench.room.take(bench.source, Decoded(unknown=[f"NEW{number}"] * 2))
        bench.room.take(bench.source, Decoded(unknown=["long" * 1000, "odd\ud800"]))

        unknown = bench.room.counters.unknown
        assert len(unknown) == module.MAX_UNKNOWN_NAMES + 1
        assert unknown["pond", "NEW0"] == 2
        assert unknown["pond", "other"] == 2 * 50 + 2
        assert said == [f"message.unknown NEW{number}" for number in range(module.MAX_UNKNOWN_NAMES)]

    async def test_a_name_that_utf8_cannot_carry_is_made_one_that_it_can(self, begin: Begin) -> None:
        bench = await begin()
        bench.room.take(bench.source, Decoded(unknown=["odd\ud800" + "x" * 200]))

        assert bench.room.counters.unknown == {("pond", "odd�" + "x" * 96): 1}


class _Listener:
    def __init__(self, said: list[str]) -> None:
        self._said = said

    def __getattr__(self, _level: str) -> Callable[..., None]:
        return lambda event, **fields: self._said.append(f"{event} {fields.get('name', '')}".strip())


class TestCarrier:
    async def test_the_latest_viewer_count_can_carry_a_call_with_the_time_of_now(self, begin: Begin) -> None:
        bench = await begin()
        assert bench.room.carrier() is None
        await bench.take(event(Viewers(50)), event(Viewers(60)))
        await bench.clock.advance(100)

        carried = bench.room.carrier()

        assert carried is not None
        assert orjson.loads(carried) == {
            "timestamp": bench.clock.now_ms(),
            "type": 6,
            "content": '{"numberOfViewers":60}',
        }
        await bench.clock.advance(module.CARRIER_MAX_AGE_SECS)
        assert bench.room.carrier() is None


class TestParts:
    async def test_a_bug_in_one_source_restarts_only_that_source(
        self, begin: Begin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = await begin()
        runs: list[str] = []

        async def buggy() -> None:
            runs.append("buggy")
            raise ValueError("a bug")

        async def sound() -> None:
            runs.append("sound")
            await asyncio.Event().wait()

        async def gone() -> None:
            runs.append("gone")
            raise RoomNotFoundError("no such room")

        for name, run in (("a", buggy), ("b", sound), ("c", gone)):
            source = bench.add_source(name)
            source.supervisor = _supervisor(name)
            monkeypatch.setattr(source.supervisor, "run", run)
        running = asyncio.create_task(bench.room.run_sources())
        await settle()
        await bench.clock.advance(RESTART_SECS * 2)

        assert sorted(runs) == ["buggy", "buggy", "buggy", "gone", "sound"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def test_the_sources_end_when_all_have_said_their_farewells(
        self, begin: Begin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = await begin()
        may_end = asyncio.Event()
        said: list[str] = []

        async def run(name: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await may_end.wait()
                said.append(name)

        for name in ("a", "b"):
            source = bench.add_source(name)
            source.supervisor = _supervisor(name)
            monkeypatch.setattr(source.supervisor, "run", partial(run, name))
        running = asyncio.create_task(bench.room.run_sources())
        await settle()
        running.cancel()
        await settle()
        assert not running.done()
        may_end.set()
        await asyncio.gather(running, return_exceptions=True)

        assert sorted(said) == ["a", "b"]

    async def test_stopping_the_reporter_leaves_nothing_running(self, begin: Begin) -> None:
        bench = await begin(reports=False)
        others = asyncio.all_tasks()
        reporting = asyncio.create_task(bench.room.run_reporter())
        await settle()
        bench.room.reporter.stop(bench.clock.monotonic())
        await asyncio.wait_for(reporting, 5)

        assert asyncio.all_tasks() == others


def _supervisor(name: str) -> Supervisor:
    return Supervisor(
        name,
        "evening",
        toy_platform(None),
        options=lambda: None,  # type: ignore[arg-type,return-value]
        sink=lambda _: None,
        clock=FakeClock(),
        random=lambda: 0.0,
    )


USERS = st.sampled_from([ANN, BOB, NOBODY])
IDS = st.sampled_from(["", "1", "2", "3", "4"])
EVENTS = st.one_of(
    st.builds(lambda user, text, event_id: comment(text, event_id, user), USERS, st.sampled_from(["a", "poison"]), IDS),
    st.builds(lambda user: event(Join(user)), USERS),
    st.builds(lambda user: event(Like(user)), USERS),
    st.builds(lambda user: event(Follow(user)), USERS),
    st.builds(lambda count: event(Viewers(count)), st.integers(0, 9)),
    st.builds(lambda user, event_id: event(Gift(user, "Boat", 2, 5, 10), event_id), USERS, IDS),
    st.builds(lambda user: event(PaidMessage("words", rose(user=user))), USERS),
    st.builds(frame, st.integers(1, 6), ended=st.booleans()),
    st.builds(lambda settles: event(rose(), twin=Twin("t", settles, 0.0 if settles else 1.0)), st.booleans()),
)
STEPS = st.one_of(
    st.lists(EVENTS, min_size=1, max_size=5),
    st.sampled_from([0.0, 0.3, 2.0, 16.0, 100.0]),
    st.sampled_from([NoticeKind.LIVE, NoticeKind.ENDED]),
    st.sampled_from([UNAVAILABLE, REFUSED, Answer(Verdict.UNKNOWN), Answer(Verdict.TOO_LARGE, 413)]),
)


@given(st.lists(STEPS, max_size=12), st.sampled_from(PaidMessageForm), st.integers(2, 8))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_every_step_the_sums_agree(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[list[LiveEvent] | float | NoticeKind | Answer],
    form: PaidMessageForm,
    max_events: int,
) -> None:
    """Received and recovered are delivered, dropped for one reason, or pending."""

    async def live() -> None:
        bench = Bench(tmp_path_factory.mktemp("spool"), form=form, max_events=max_events)
        bench.cloud.poison = b"poison"
        await bench.start()
        for step in steps:
            if isinstance(step, list):
                await bench.take(*step)
            elif isinstance(step, float):
                await bench.clock.advance(step)
            elif isinstance(step, Answer):
                bench.cloud.script.append(step)
            else:
                await bench.notice(step)
            bench.assert_sums_agree()
        bench.room.let_go()
        bench.assert_sums_agree()
        await bench.stop()
        pending = bench.room.pending_events()
        left = bench.room.close()
        assert left + bench.dropped().get("shutdown", 0) == pending
        await bench.close()

    asyncio.run(live())
