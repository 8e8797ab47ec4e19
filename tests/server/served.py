"""The bridge's own HTTP over a room on the bench, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bridge.errors import PushRefusedError
from bridge.events import Comment, User
from bridge.report.limiter import CallLimiter
from bridge.secret import Secret
from bridge.server.http import Health, Server
from bridge.server.metrics import BridgeCollector, registry
from bridge.sources.contract import Decoded, PushAnswer, PushRequest, SourceOptions
from bridge.sources.push import PushSource
from bridge.sources.room_source import RoomSource
from tests.room_bench import Bench
from tests.samples import event
from tests.sources.toy_platform import toy_platform

TOKEN = "adm1n-t0ken"


@dataclass(frozen=True, kw_only=True)
class DoorOptions(SourceOptions):
    key: Secret = field(default_factory=Secret)


class Door:
    """Takes a body that comes with its key; the body's words are a comment."""

    def __init__(self, options: DoorOptions) -> None:
        self._key = options.key.reveal()

    def receive(self, request: PushRequest) -> PushAnswer:
        if request.headers.get("x-key") != self._key:
            raise PushRefusedError(401, "x-key is wrong")
        words = request.body.decode(errors="replace")
        events = [event(Comment(User("door_1"), words), request.headers.get("x-id", ""))]
        return PushAnswer(Decoded(events=events), status=201, body=b'{"ok":1}')


class Served:
    """What the tests hold of it."""

    def __init__(self, bench: Bench, server: Server, health: Health, http: aiohttp.ClientSession) -> None:
        self.bench = bench
        self.server = server
        self.health = health
        self.http = http
        self.url = ""

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, **options: Any) -> tuple[int, str]:
        return await self.ask("POST", path, **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        async with self.http.request(method, self.url + path, **options) as response:
            return response.status, await response.text()

    def add_door(self, name: str = "door:1", key: str = "k3y", platform: str = "door") -> RoomSource:
        """Give the room a platform that calls us."""
        source = self.bench.add_source(name, platform)
        kind = toy_platform(None, name=platform, receiver=Door, options=DoorOptions)
        source.push = PushSource(kind, lambda: DoorOptions(key=Secret(key)), self.bench.clock)
        return source


@asynccontextmanager
async def served(directory: Path, token: str = TOKEN, *, reports: bool = True, port: int = 0) -> AsyncIterator[Served]:
    """Serve one room called ``evening``, which reports unless told otherwise."""
    bench = Bench(directory / "spool")
    await bench.start(reports=reports)
    rooms = {"evening": bench.room}
    health = Health(beat_at=bench.clock.monotonic(), ready=True, problem="")
    collector = BridgeCollector(rooms, bench.spool, CallLimiter(10.0), bench.clock, [0.0], callbacks={})
    server = Server(
        host="127.0.0.1",
        port=port,
        admin_token=Secret(token),
        rooms=rooms,
        callbacks={},
        spool=bench.spool,
        registry=registry(collector),
        health=health,
        clock=bench.clock,
    )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        found = Served(bench, server, health, http)
        try:
            found.url = f"http://{await server.start()}"
            yield found
        finally:
            await server.stop()
            await bench.close()
