from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from bridge.cli.recording import Recorder, _dial, record
from bridge.clock import SystemClock
from bridge.config import load
from bridge.demo.bilibili_messages import danmu, gift, like
from bridge.demo.bilibili_people import Viewer
from bridge.demo.bilibili_room import BilibiliRoom
from bridge.errors import ConfigError, RoomNotFoundError
from bridge.report.wire import problem
from bridge.sources.catalogue import load_platform
from bridge.sources.contract import Endpoint, Transport
from bridge.sources.heirs import HeirStore
from bridge.sources.http import SourceHttp

ANN = Viewer(7001, "小星星", level=3)
URL = "https://cloud.example.com/v1/p/smart-live-rooms/r/smart-live-jobs/j/live-event-report?auth_key=k"


def configured(folder: Path, *sources: dict[str, Any], **events: Any) -> Path:
    (folder / "rooms").mkdir()
    room = {"sources": list(sources), "report": {"url": URL}, "events": events}
    (folder / "rooms" / "night.yaml").write_text(yaml.safe_dump(room))
    (folder / "bridge.yaml").write_text(yaml.safe_dump({"spool": {"directory": str(folder / "spool")}}))
    return folder


def bilibili(room: BilibiliRoom) -> dict[str, Any]:
    return {"platform": "bilibili", "room": room.room_id, "api_base": room.api_base}


@asynccontextmanager
async def recording(config: Path, file: Path) -> AsyncIterator[Recorder]:
    """Record the only room of a configuration; at the end what is held is let go of."""
    (room,) = load(config, {}).rooms
    with gzip.open(file, "xb") if file.suffix == ".gz" else file.open("xb") as target:
        recorder = Recorder(room, target, SystemClock(), HeirStore())
        work = asyncio.ensure_future(recorder.run())
        try:
            yield recorder
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            recorder.close()


async def until_recorded(recorder: Recorder, count: int) -> None:
    async with asyncio.timeout(10):
        while recorder.events.total() < count:
            await asyncio.sleep(0.01)


def lines(file: Path) -> list[Any]:
    data = file.read_bytes()
    return [orjson.loads(line) for line in (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines()]


@pytest.mark.parametrize("name", ["show.jsonl", "show.jsonl.gz"])
async def test_what_would_be_reported_is_written_a_line_an_event(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    async with BilibiliRoom() as room, recording(configured(tmp_path, bilibili(room)), file) as recorder:
        await room.wait_for_clients()
        at_ms = SystemClock().now_ms()
        await room.send([danmu(ANN, "多少钱？", at_ms=at_ms), like(ANN)])
        await until_recorded(recorder, 2)
    found = lines(file)
    assert [event["type"] for event in found] == [1, 3]
    assert orjson.loads(found[0]["content"])["content"] == "多少钱？"
    assert found[0]["timestamp"] // 1000 == at_ms // 1000
    assert not any(problem(orjson.dumps(event)) for event in found)
    assert "2 event(s) recorded (1 comment, 1 like)" in recorder.summary()


async def test_replays_are_left_out_and_the_rooms_settings_hold(tmp_path: Path) -> None:
    file = tmp_path / "show.jsonl"
    async with BilibiliRoom() as room:
        config = configured(tmp_path, bilibili(room), like={"enabled": False})
        async with recording(config, file) as recorder:
            await room.wait_for_clients()
            first = danmu(ANN, "hello", at_ms=SystemClock().now_ms(), serial=1)
            await room.send([first, like(ANN)])
            await until_recorded(recorder, 1)
            await room.send([first, danmu(ANN, "again", at_ms=SystemClock().now_ms(), serial=2)])
            await until_recorded(recorder, 2)
    assert [orjson.loads(event["content"])["content"] for event in lines(file)] == ["hello", "again"]
    assert "not reported: " in recorder.summary()
    assert {"duplicate", "disabled"} == set(recorder.dropped)


async def test_a_gift_is_counted_once(tmp_path: Path) -> None:
    file = tmp_path / "show.jsonl"
    async with BilibiliRoom() as room, recording(configured(tmp_path, bilibili(room)), file) as recorder:
        await room.wait_for_clients()
        for serial in (1, 2):
            await room.send(gift(ANN, "小花花", num=2, at_ms=SystemClock().now_ms(), serial=serial))
        await until_recorded(recorder, 2)
    assert sum(orjson.loads(event["content"])["gift"]["giftNum"] for event in lines(file)) == 4


async def test_the_end_of_a_live_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "show.jsonl"
    async with BilibiliRoom() as room, recording(configured(tmp_path, bilibili(room)), file) as recorder:
        await room.wait_for_clients()
        await room.start_live(SystemClock().now_ms())
        await room.end_live(SystemClock().now_ms())
        await until_recorded(recorder, 1)
        await room.end_live(SystemClock().now_ms())
        await room.send(danmu(ANN, "gone?", at_ms=SystemClock().now_ms()))
        await until_recorded(recorder, 2)
    ending, late = lines(file)
    assert (ending["type"], ending["content"]) == (6, '{"numberOfViewers":0}')
    assert late["type"] == 1


async def test_a_platform_that_pushes_is_not_asked_to() -> None:
    http = SourceHttp(SystemClock(), "")
    with pytest.raises(RoomNotFoundError, match="calls the bridge"):
        await _dial(load_platform("douyin_push"), Endpoint(transport=Transport.POLLING), "", http)
    assert await _dial(load_platform("youtube"), Endpoint(transport=Transport.POLLING), "", http) is None
    await http.close()


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(record)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def problems(*arguments: object) -> list[str]:
    result = run(*arguments)
    assert isinstance(result.exception, ConfigError), result.output
    return result.exception.problems


def test_a_room_that_is_not_configured_and_a_file_that_exists_are_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, {"platform": "bilibili", "room": 1, "api_base": "http://127.0.0.1:9"})
    file = tmp_path / "show.jsonl"
    assert problems(file, "--config", config, "--room", "day") == ["--room: day: unknown: one of night"]
    assert not file.exists()
    file.write_text("kept")
    assert problems(file, "--config", config, "--room", "night") == [f"{file}: exists already: the name of a new file"]
    assert file.read_text() == "kept"
    nowhere = tmp_path / "no" / "show.jsonl"
    assert problems(nowhere, "--config", config, "--room", "night")[0].startswith(
        f"{nowhere}: cannot be written (No such"
    )


def test_a_room_whose_platforms_only_call_us_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, {"platform": "webhook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    assert problems(tmp_path / "show.jsonl", "--config", config, "--room", "night") == [
        "rooms/night: sources[0].platform: webhook only calls the bridge: record needs a platform that is connected to"
    ]
