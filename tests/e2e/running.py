"""A bridge as a process of its own, with its configuration in a folder of the test's."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import yaml
from prometheus_client.parser import text_string_to_metric_families

START_SECS = 20.0


class RunningBridge:
    """``async with RunningBridge(folder, rooms={…})``: started and ready; ends with SIGTERM unless it was ended before."""

    def __init__(
        self,
        folder: Path,
        rooms: Mapping[str, Mapping[str, Any]],
        bridge: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._environ = dict(environ or {})
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = {
            "spool": {"directory": str(folder / "spool")},
            "server": {"listen": f"127.0.0.1:{self.port}", "admin_token": "admin-token-of-the-test"},
            **(bridge or {}),
        }
        (folder / "rooms").mkdir(parents=True, exist_ok=True)
        (folder / "bridge.yaml").write_text(yaml.safe_dump(settings))
        for name, room in rooms.items():
            (folder / "rooms" / f"{name}.yaml").write_text(yaml.safe_dump(room))
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.output = bytearray()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            await self.stop()

    @property
    def url(self) -> str:
        """Where the bridge listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bridge",
            "run",
            "--config",
            str(self._folder),
            env={**os.environ, **self._environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.ensure_future(self._read())
        async with asyncio.timeout(START_SECS):
            while not await self._is_ready():
                if not self.is_running:
                    raise AssertionError(f"the bridge ended with {self._process.returncode}:\n{self.text}")
                await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """Send SIGTERM; returns the exit code."""
        return await self.end(signal.SIGTERM)

    async def kill(self) -> None:
        """Send SIGKILL."""
        await self.end(signal.SIGKILL)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        assert self._process is not None
        assert self._reading is not None
        if self.is_running:
            self._process.send_signal(number)
        code = await asyncio.wait_for(self._process.wait(), 30)
        await self._reading
        return code

    @property
    def text(self) -> str:
        """Everything that the bridge has printed."""
        return self.output.decode(errors="replace")

    def log(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of that event."""
        lines = [orjson.loads(line) for line in self.output.splitlines() if line.startswith(b"{")]
        return [line for line in lines if line.get("event") == event]

    async def get(self, path: str) -> str:
        """Ask the bridge's own HTTP."""
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as response:
            return await response.text()

    async def status(self, room: str) -> dict[str, Any]:
        """Return a room's state."""
        found: dict[str, Any] = orjson.loads(await self.get("/status"))["rooms"][room]
        return found

    async def metrics(self) -> dict[str, float]:
        """Return the sum of each metric over its labels."""
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(await self.get("/metrics")):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0) + sample.value
        return sums

    async def _is_ready(self) -> bool:
        try:
            return await self.get("/readyz") == "ok\n"
        except aiohttp.ClientError:
            return False

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(65536):
            self.output += chunk
