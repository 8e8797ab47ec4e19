"""What a new platform costs: one module. A toy of ten lines is found, configured, listed, decoded and run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from typer.testing import CliRunner

import bridge.sources.platforms as package
from bridge.app import App, ExitCode
from bridge.cli import app as command_line
from bridge.config import load
from bridge.config.sources import InstalledPlatforms
from bridge.sandbox.server import Sandbox
from bridge.sources.catalogue import available_platforms
from tests.emulators.local_site import LocalSite

MODULE = """
from bridge.events import Comment, EventType, LiveEvent, User
from bridge.sources.contract import Connection, Decoded, Endpoint, Officialness, Platform, QuietDecoder, SourceOptions
class Decoder(QuietDecoder):
    def feed(self, frame):
        name, _, words = frame.data.partition(": ")
        return Decoded([LiveEvent(frame.received_at_ms, Comment(User(f"toy_{name}", name), words))])
async def locate(options, http):
    return [Connection(Endpoint(options.room), Decoder())]
PLATFORM = Platform("toy", "Toy box", "one text a message", Officialness.EXPERIMENTAL, [EventType.COMMENT], SourceOptions,
                    lambda options: Decoder(), locate)
"""

CONTENT = '{"user":{"userId":"toy_ann","name":"ann","level":0,"badge":"","badgeLevel":0},"content":"hello"}'


class ToySite(LocalSite):
    """Greets with one comment and stays."""

    def __init__(self) -> None:
        super().__init__()
        self.app.router.add_get("/", self._talk)

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("ann: hello")
        async for _ in socket:
            pass
        return socket


@pytest.fixture(autouse=True)
def _with_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "toy.py").write_text(MODULE)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    yield
    sys.modules.pop("bridge.sources.platforms.toy", None)


def test_it_is_found_by_its_file_name() -> None:
    assert "toy" in available_platforms()


def test_it_is_listed() -> None:
    listed = CliRunner().invoke(command_line, ["platforms"])

    (row,) = [line for line in listed.output.splitlines() if "one text a message" in line]
    assert "toy" in row
    assert "experimental" in row


def test_it_decodes_captured_frames(tmp_path: Path) -> None:
    frames = tmp_path / "frames.jsonl"
    frames.write_text('{"at_ms": 1700000000000, "text": "ann: hello"}\n')

    decoded = CliRunner().invoke(command_line, ["decode", "--platform", "toy", str(frames)])

    assert orjson.loads(decoded.stdout) == {"event": {"timestamp": 1_700_000_000_000, "type": 1, "content": CONTENT}}


async def test_it_runs_as_any_other(tmp_path: Path) -> None:
    async with ToySite() as site, Sandbox() as sandbox:
        (tmp_path / "rooms").mkdir()
        (tmp_path / "rooms" / "show.yaml").write_text(
            f"sources: [{{platform: toy, room: '{site.ws_url}'}}]\nreport: {{url: '{sandbox.report_url}'}}\n"
        )
        (tmp_path / "bridge.yaml").write_text(
            f"spool: {{directory: '{tmp_path / 'spool'}'}}\nserver: {{listen: '127.0.0.1:0'}}\n"
        )
        stop = asyncio.Event()
        running = asyncio.ensure_future(App(load(tmp_path, {}, InstalledPlatforms())).run(stop))
        try:
            await sandbox.wait_for_events(1)
        finally:
            stop.set()

        assert await running is ExitCode.CLEAN
        assert [event.content for event in sandbox.events()] == [CONTENT]
