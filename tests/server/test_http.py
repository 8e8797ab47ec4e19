"""The bridge's own HTTP: health, and who may do what."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from bridge.errors import ListenError
from bridge.server.http import LOOP_BEAT_LIMIT_SECS
from tests.server.served import TOKEN, served

GUARDED = [
    "/rooms/evening/pause",
    "/rooms/evening/resume",
    "/rooms/evening/report-url",
    "/dead-letters/1/retry",
    "/dead-letters/1/drop",
]


async def test_it_lives_as_long_as_the_event_loop_beats(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        assert await bridge.get("/livez") == (200, "ok\n")

        await bridge.bench.clock.advance(LOOP_BEAT_LIMIT_SECS + 1)
        assert await bridge.get("/livez") == (503, "the event loop has not beaten for 6 s\n")

        bridge.health.beat_at = bridge.bench.clock.monotonic()
        assert (await bridge.get("/livez"))[0] == 200


async def test_it_is_ready_when_everything_is_open_and_not_when_it_stops(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        assert await bridge.get("/readyz") == (200, "ok\n")

        bridge.health.ready, bridge.health.problem = False, "stopping"
        assert await bridge.get("/readyz") == (503, "stopping\n")
        assert (await bridge.get("/livez"))[0] == 200


async def test_a_dead_room_fails_neither(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.room.destination.follow_job(None)

        assert (await bridge.get("/livez"))[0] == 200
        assert (await bridge.get("/readyz"))[0] == 200


async def test_an_address_that_is_taken_is_an_error_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"server.listen 127.0.0.1:{port}: .*address already in use"):
            async with served(tmp_path, port=port):
                pass


@pytest.mark.parametrize("path", GUARDED)
async def test_what_changes_anything_needs_the_admin_token(path: str, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        missing = await bridge.post(path, json={"url": "https://evil.example/"})
        wrong = await bridge.post(
            path, headers={"Authorization": "Bearer wrong"}, json={"url": "https://evil.example/"}
        )
        asked = await bridge.get(path, headers={"Authorization": f"Bearer {TOKEN}"})

        assert missing == wrong == (401, '{"error": "wrong or missing admin token"}')
        assert asked[0] == 405
        assert "evil" not in str(bridge.bench.room.destination.url)
        assert bridge.bench.room.destination.is_ready


@pytest.mark.parametrize("path", GUARDED)
async def test_without_a_configured_token_nobody_may(path: str, tmp_path: Path) -> None:
    async with served(tmp_path, token="") as bridge:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": ""}):
            answer = await bridge.post(path, headers=headers)
            assert answer == (403, '{"error": "set server.admin_token to allow this"}')


@pytest.mark.parametrize("given", [b"Bearer \xff\xfe", "Bearer ключ".encode(), b"Bearer " + b"x" * 4000])
async def test_a_token_of_any_bytes_is_only_wrong(given: bytes, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        host, port = bridge.url.removeprefix("http://").split(":")
        request = (
            b"POST /rooms/evening/pause HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %b\r\n\r\n" % given
        )

        assert (await _raw(host, int(port), request)).startswith(b"HTTP/1.1 401 ")


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        assert (await bridge.get("/nowhere"))[0] == 404


async def _raw(host: str, port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer
