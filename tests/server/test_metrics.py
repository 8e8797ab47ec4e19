"""What the rooms counted, in Prometheus' words, and the sums in it agree."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bridge.events import EventType, Join, PaidMessage, User, Viewers
from bridge.outbox.admission import PaidMessageForm
from bridge.sources.contract import Decoded, NoticeKind
from tests.room_bench import UNAVAILABLE
from tests.samples import ANN, NOBODY, comment, event, rose
from tests.server.served import Served, served

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(bridge: Served) -> Samples:
    status, text = await bridge.get("/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, family: str, /, **labels: str) -> float:
    return samples[family, frozenset(labels.items())]


def total(samples: Samples, name: str) -> float:
    return sum(count for (one, _), count in samples.items() if one == name)


async def busy(bridge: Served) -> None:
    bench = bridge.bench
    bench.cloud.poison = b"poison"
    await bench.take(comment("a", "1"), comment("a", "1"), event(rose(2)), comment("poison"))
    await bench.take(event(PaidMessage("words", rose(3))), event(Join(NOBODY)), event(Viewers(9)))
    bench.room.take(bench.source, Decoded(unknown=["NEW", "odd\ud800"], ignored=["test", "test"]))
    await bench.clock.advance(5)
    await bench.take(comment("proves that others are taken"))
    await bench.clock.advance(1)
    bench.cloud.script = [UNAVAILABLE] * 100
    await bench.take(comment("waits"), event(Join(ANN)))


async def test_the_sums_agree_at_every_scrape(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        for _ in range(2):
            await busy(bridge)
            samples = await scraped(bridge)
            received = total(samples, "bridge_source_events_received_total")

            assert received > 0
            assert received == (
                total(samples, "bridge_events_delivered_total")
                + total(samples, "bridge_events_dropped_total")
                + total(samples, "bridge_queue_events")
            )
            await bridge.bench.notice(NoticeKind.ENDED)


async def test_what_happened_stands_there_by_room_and_kind(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        await busy(bridge)
        samples = await scraped(bridge)

    def of(family: str, /, **labels: str) -> float:
        return value(samples, family, room="evening", **labels)

    assert of("bridge_source_events_received_total", platform="pond", type="comment") == 6
    assert of("bridge_source_duplicates_total", platform="pond") == 1
    assert of("bridge_source_masked_users_total", platform="pond") == 1
    assert of("bridge_source_paid_value_total", platform="pond", currency="coin") == 50
    assert of("bridge_source_messages_unknown_total", platform="pond", name="NEW") == 1
    assert of("bridge_source_messages_unknown_total", platform="pond", name="odd�") == 1
    assert of("bridge_source_messages_ignored_total", platform="pond", name="test") == 2
    assert of("bridge_events_delivered_total", type="gift") == 1
    assert of("bridge_events_dropped_total", type="comment", reason="duplicate") == 1
    assert of("bridge_events_dropped_total", type="comment", reason="poison") == 1
    assert of("bridge_dlq_events_total", code="MSS.0001") == 1
    assert of("bridge_queue_events") == 2
    assert of("bridge_url_expiry_timestamp_seconds") == 1_900_000_000
    assert of("bridge_destination_ready") == 1
    assert of("bridge_http_requests_total", code="200") >= 2
    assert of("bridge_http_batch_events_bucket", le="1.0") >= 1
    assert of("bridge_event_latency_seconds_count") == of("bridge_event_latency_seconds_bucket", le="+Inf")
    assert value(samples, "bridge_spool_degraded") == 0
    assert value(samples, "bridge_http_limit_per_second") == 10


async def test_a_paid_message_in_both_forms_is_received_twice_and_the_sums_agree(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.bench.room._admission._paid_message = PaidMessageForm.BOTH
        await bridge.bench.take(event(PaidMessage("words", rose(3))))
        samples = await scraped(bridge)

    assert total(samples, "bridge_source_events_received_total") == 2 == total(samples, "bridge_queue_events")


async def test_what_the_spool_held_is_received_under_its_own_name(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        await bridge.bench.take(comment("a"))
    async with served(tmp_path, reports=False) as bridge:
        samples = await scraped(bridge)

    assert value(samples, "bridge_source_events_received_total", room="evening", platform="spool", type="comment") == 1


async def test_names_follow_the_conventions_and_no_secret_is_in_it(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()
        await busy(bridge)
        text = (await bridge.get("/metrics"))[1]

    assert "s3cr3t" not in text
    assert "k3y" not in text
    assert "Ann" not in text
    for family in text_string_to_metric_families(text):
        if family.name.startswith("bridge_"):
            assert re.fullmatch(r"[a-z_]+", family.name)
            assert family.documentation
            assert not re.search(r"_(ms|millis|kb)$", family.name)
            for sample in family.samples:
                assert family.type != "counter" or sample.name.endswith("_total")


async def test_a_user_cannot_make_series_without_bound(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        for number in range(300):
            await bridge.bench.take(
                event(rose(user=User(f"pond_{number}", f"name {number}"), currency=f"currency {number}"))
            )
        samples = await scraped(bridge)

    by_name: dict[str, int] = {}
    for name, _ in samples:
        by_name[name] = by_name.get(name, 0) + 1
    assert max(by_name.values()) < 100
    assert bridge.bench.room.counters.received_events() == 300
    assert set(EventType) >= {kind for _, kind in bridge.bench.room.counters.received}
