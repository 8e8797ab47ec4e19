"""A platform's call is answered once its events are on disk; a call that is refused has no effect."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.outbox.spool import RETRY_SECS
from bridge.outbox.spool_file import SpoolFile
from bridge.server.bodies import MAX_BODY_BYTES
from bridge.server.refusal_pace import REFUSALS_LOGGED_EVERY_SECS
from bridge.sources.contract import PushAnswer, PushRequest
from tests.fakes import settle
from tests.outbox.test_spool import disk_fault
from tests.room_bench import texts
from tests.server.served import served

KEY = {"X-Key": "k3y"}


async def test_a_verified_call_is_answered_as_the_platform_wants_after_the_commit(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()

        answer = await bridge.post("/push/door/evening", data=b"hello", headers=KEY)

        assert answer == (201, '{"ok":1}')
        with contextlib.closing(SpoolFile(tmp_path / "spool", read_only=True)) as file:
            assert [count for _, _, count, _, _ in file.waiting()] == [1]


async def test_before_the_commit_there_is_no_answer(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()
        await bridge.bench.stop()

        asking = asyncio.create_task(bridge.post("/push/door/evening", data=b"hello", headers=KEY))
        while not bridge.bench.spool._waiting:
            await asyncio.sleep(0.002)
        await settle()
        assert not asking.done()

        await bridge.bench.spool.commit()
        assert (await asking)[0] == 201


async def test_its_events_go_the_way_of_all_events(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()
        for words in ("hello", "hello"):
            await bridge.post("/push/door/evening", data=words, headers={**KEY, "X-Id": "1"})
        await bridge.bench.clock.advance(1)

        assert texts(bridge.bench.cloud.contents) == ["hello"]
        assert bridge.bench.room.counters.duplicates == {"door": 1}
        bridge.bench.assert_sums_agree()


async def test_a_call_that_is_not_verified_is_refused_and_has_no_effect(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()

        answer = await bridge.post("/push/door/evening", data=b"hello", headers={"X-Key": "wrong"})

        assert answer == (401, '{"error": "x-key is wrong"}')
        assert bridge.bench.room.counters.received_events() == 0


async def test_refusals_are_said_in_the_log_now_and_then(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()

        with capture_logs() as logs:
            for _ in range(3):
                await bridge.post("/push/door/evening", data=b"hello", headers={"X-Key": "wrong"})
            await bridge.post("/push/window/evening", data=b"hello")
            await bridge.bench.clock.advance(REFUSALS_LOGGED_EVERY_SECS)
            await bridge.post("/push/door/evening", data=io.BytesIO(b"x" * (MAX_BODY_BYTES + 1)), headers=KEY)

    told = [(one["problem"], one["refused"]) for one in logs if one["event"] == "push.refused"]
    assert told == [("x-key is wrong", 1), ("a body may have 1048576 bytes", 4)]


@pytest.mark.parametrize("path", ["/push/door/morning", "/push/window/evening", "/push/pond/evening"])
async def test_a_call_for_what_is_not_there_is_not_found(path: str, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()

        assert (await bridge.post(path, data=b"hello", headers=KEY))[0] == 404
        assert (await bridge.ask("HEAD", path))[0] == 404


async def test_the_platforms_probe_is_answered(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.add_door()

        assert (await bridge.ask("HEAD", "/push/door/evening"))[0] == 200
        assert (await bridge.get("/push/door/evening"))[0] == 404, "no page may connect to this platform"


async def test_several_sources_of_one_platform_are_told_apart_by_whom_they_verify(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        first, second = bridge.add_door("door:1", "one"), bridge.add_door("door:2", "two")

        assert (await bridge.post("/push/door/evening", data=b"a", headers={"X-Key": "two", "X-Id": "7"}))[0] == 201
        assert (await bridge.post("/push/door/evening", data=b"a", headers={"X-Key": "three"}))[0] == 401

        assert second.intake.remembers
        assert not first.intake.remembers


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
async def test_a_body_has_a_bound(size: int, tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()

        status, _ = await bridge.post("/push/door/evening", data=io.BytesIO(b"x" * size), headers=KEY)

        assert status == (201 if size <= MAX_BODY_BYTES else 413)
        assert bridge.bench.room.counters.received_events() == int(status == 201)


async def test_a_body_without_a_stated_length_has_the_same_bound(tmp_path: Path) -> None:
    async def endless() -> object:
        for _ in range(40):
            yield b"x" * 65536

    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()

        assert (await bridge.post("/push/door/evening", data=endless(), headers=KEY))[0] == 413


async def test_a_compressed_body_that_is_none_is_refused_and_one_that_blows_up_too(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()
        packed = {**KEY, "Content-Encoding": "gzip", "Connection": "close"}

        assert (await bridge.post("/push/door/evening", data=b"no gzip", headers=packed))[0] == 400
        bomb = gzip.compress(b"\0" * 50 * MAX_BODY_BYTES)
        assert (await bridge.post("/push/door/evening", data=bomb, headers=packed))[0] == 413
        assert (await bridge.post("/push/door/evening", data=gzip.compress(b"hello"), headers=packed))[0] == 201


async def test_a_body_that_breaks_off_has_no_effect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()
        host, port = bridge.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /push/door/evening HTTP/1.1\r\nHost: x\r\nX-Key: k3y\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()

        assert (await bridge.get("/livez"))[0] == 200
        assert bridge.bench.room.counters.received_events() == 0
        assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_while_nothing_can_be_written_the_platform_is_asked_to_come_again(tmp_path: Path) -> None:
    async with served(tmp_path, reports=False) as bridge:
        bridge.add_door()
        with disk_fault():
            for _ in range(2):
                status, text = await bridge.post("/push/door/evening", data=b"hello", headers=KEY)
                assert (status, text) == (503, '{"error": "the events cannot be written to disk"}')
        await bridge.bench.clock.advance(RETRY_SECS + 1)
        async with asyncio.timeout(5):
            while bridge.bench.spool.statistics.degraded:
                await asyncio.sleep(0.002)

        assert (await bridge.post("/push/door/evening", data=b"again", headers=KEY))[0] == 201


async def test_the_call_is_handed_on_with_its_query_and_lower_case_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as bridge:
        door = bridge.add_door()
        assert door.push is not None
        requests: list[PushRequest] = []
        receive = door.push.receive

        def listening(request: PushRequest) -> PushAnswer:
            requests.append(request)
            return receive(request)

        monkeypatch.setattr(door.push, "receive", listening)
        await bridge.post("/push/door/evening?nonce=1&x=%E4%BD%A0", data=b"hello", headers=KEY)

    (request,) = requests
    assert request.method == "POST"
    assert request.query == {"nonce": "1", "x": "你"}
    assert request.headers["x-key"] == "k3y"
    assert request.body == b"hello"
    assert request.received_at_ms == bridge.bench.clock.now_ms()
