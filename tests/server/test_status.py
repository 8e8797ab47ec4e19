"""What an operator wants to see of each room, without a secret and without a viewer's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import Clock
from bridge.errors import SourceUnavailableError
from bridge.events import Join
from bridge.sources.contract import NoticeKind
from bridge.sources.supervisor import SourceState, Supervisor
from tests.room_bench import UNAVAILABLE
from tests.samples import ANN, comment, event, rose
from tests.server.served import Served, served
from tests.sources.toy_platform import toy_platform


async def room(bridge: Served) -> dict[str, Any]:
    status, text = await bridge.get("/status")
    assert status == 200
    found = json.loads(text)["rooms"]["evening"]
    assert isinstance(found, dict)
    return found


async def test_a_room_at_work(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        await bridge.bench.take(comment("a", "1"), comment("a", "1"))
        found = await room(bridge)

    assert (found["job_id"], found["reporting"]) == ("job-1", "yes")
    assert found["report_url"] == "https://cloud.example/v1/smart-live-jobs/job-1/report"
    assert found["report_url_expires_at_ms"] == 1_900_000_000_000
    assert (found["received"], found["delivered"], found["dropped"], found["pending"]) == (2, 1, {"duplicate": 1}, 0)
    assert found["last_delivered_at_ms"] == bridge.bench.clock.now_ms()
    assert found["alarms"] == []


async def test_what_waits_is_shown_by_type_with_its_age(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.cloud.script = [UNAVAILABLE] * 50
        await bridge.bench.take(comment("a"))
        await bridge.bench.clock.advance(3)
        await bridge.bench.take(event(rose()), event(Join(ANN)))
        found = await room(bridge)

    assert found["pending"] == 3
    assert sum(found["pending_by_type"].values()) <= 3
    assert found["last_error"] == "HTTP 503"


async def test_why_a_room_does_not_report_is_said(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.room.destination.pause(paused=True)

        assert (await room(bridge))["reporting"] == "paused by the operator"


def supervisor(clock: Clock) -> Supervisor:
    return Supervisor(
        "pond:7",
        "evening",
        toy_platform(None),
        options=lambda: None,  # type: ignore[arg-type,return-value]
        sink=lambda _: None,
        clock=clock,
        random=lambda: 0.0,
    )


async def test_a_source_tells_its_state_and_its_alarms(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bench = bridge.bench
        bench.source.supervisor = supervisor(bench.clock)
        bench.source.supervisor.status.state = SourceState.WAITING
        bench.source.supervisor.status.last_error = str(SourceUnavailableError("odd\ud800 words"))
        await bench.take(comment("a"))
        await bench.notice(NoticeKind.CREDENTIAL_WEAK, "cookie: guests see masked names")
        bench.source.alarms["gift"] = "no gifts for 12 minutes"
        found = await room(bridge)

    source = found["sources"]["pond:7"]
    assert (source["platform"], source["state"], source["last_error"]) == ("pond", "waiting", "odd\ud800 words")
    assert source["last_event_at_ms"] == {"comment": bench.clock.now_ms()}
    assert found["alarms"] == ["pond:7: cookie: guests see masked names", "pond:7: no gifts for 12 minutes"]
    assert source["alarms"] == ["no gifts for 12 minutes"]


@pytest.mark.parametrize(
    ("state", "alarms"),
    [
        (SourceState.REFUSED, ["pond:7: code: the anchor has renewed it"]),
        (SourceState.FAILED, ["pond:7: code: the anchor has renewed it"]),
        (SourceState.WAITING, []),
        (SourceState.OFFLINE, []),
    ],
)
async def test_a_refused_source_is_an_alarm_and_one_that_tries_again_is_none(
    tmp_path: Path, state: SourceState, alarms: list[str]
) -> None:
    async with served(tmp_path) as bridge:
        source = bridge.bench.source
        source.supervisor = supervisor(bridge.bench.clock)
        source.supervisor.status.state = state
        source.supervisor.status.last_error = "code: the anchor has renewed it"
        found = await room(bridge)
        _, metrics = await bridge.get("/metrics")

    assert found["alarms"] == alarms
    assert f'bridge_source_alarms{{room="evening",source="pond:7"}} {len(alarms)}.0' in metrics


async def test_neither_a_secret_nor_a_viewers_name_is_in_it(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()
        bridge.bench.cloud.script = [UNAVAILABLE] * 50
        await bridge.bench.take(comment("the words of Ann"), event(Join(ANN)))
        _, text = await bridge.get("/status")

    for hidden in ("s3cr3t", "k3y", "adm1n", "Ann", "pond_1", "words"):
        assert hidden not in text
