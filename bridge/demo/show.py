"""The demonstration: a simulated Bilibili room on loopback → the bridge → the sandbox, added up at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections import Counter, deque
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bridge.app import App
from bridge.clock import SystemClock
from bridge.config import load
from bridge.demo.audience import Audience
from bridge.demo.bilibili_messages import Message
from bridge.demo.bilibili_room import BilibiliRoom
from bridge.events import EventType
from bridge.pending import DropReason
from bridge.room import Room
from bridge.sandbox.server import Sandbox

ROOM = "demo"
TICK_SECS = 0.1
DRAIN_SECS = 10.0
REPEATED_MESSAGES = 20
EXIT_MISSING = 1
_VERSIONS = (3, 2, 0)
"""Brotli, zlib and plain frames in turn, as a real room may send them."""

_BY_POLICY = (DropReason.ONCE_PER_USER, DropReason.MERGED, DropReason.SUPERSEDED, DropReason.EXPIRED)


class Demo:
    """One run: the room, the bridge and the sandbox, and what each of them counted."""

    def __init__(self, room: BilibiliRoom, sandbox: Sandbox, app: App) -> None:
        self._platform = room
        self._sandbox = sandbox
        self._app = app
        self._audience = Audience()
        self._clock = SystemClock()
        self._lines: deque[str] = deque(maxlen=8)
        self._said: deque[Message] = deque(maxlen=REPEATED_MESSAGES)
        self.happened: Counter[EventType] = Counter()

    @property
    def room(self) -> Room:
        """The bridge's room."""
        return self._app.rooms[ROOM]

    async def play(self, seconds: int, rate: float, stop: asyncio.Event) -> None:
        """Have the audience act until the time is over; halfway the platform drops the connection once."""
        await self._platform.wait_for_clients()
        started_at = self._clock.monotonic()
        owed, dropped, tick = 0.0, False, 0
        while not stop.is_set():
            passed_secs = self._clock.monotonic() - started_at
            if seconds and passed_secs >= seconds:
                return
            if seconds and not dropped and passed_secs >= seconds / 2:
                dropped = True
                await self._drop_connection()
            owed += rate * TICK_SECS
            acts = [self._audience.act(self._clock.now_ms()) for _ in range(int(owed))]
            owed -= len(acts)
            if acts:
                told = [message for act in acts for message in act.told_by]
                await self._platform.send(told, version=_VERSIONS[tick % len(_VERSIONS)])
                self.happened.update(act.type for act in acts)
                self._lines.extend(act.line for act in acts)
                self._said.extend(act.told_by[0] for act in acts if act.type is EventType.COMMENT)
            tick += 1
            await self._clock.sleep(TICK_SECS)

    async def drain(self) -> None:
        """Wait until everything arrived or was left out by the room's policy, but not for ever."""
        deadline = self._clock.monotonic() + DRAIN_SECS
        while self.missing() and self._clock.monotonic() < deadline:
            await self._clock.sleep(TICK_SECS)

    def arrived(self) -> Counter[EventType]:
        """Return what the sandbox accepted, by type."""
        return Counter(EventType(event.type) for event in self._sandbox.events())

    def left_out(self, kind: EventType) -> int:
        """Return how many events of a type the room's policy left out on purpose."""
        return sum(self.room.counters.dropped[kind, reason] for reason in _BY_POLICY)

    def missing(self) -> int:
        """Return how many events neither arrived nor were left out on purpose."""
        arrived = self.arrived()
        return sum(abs(count - arrived[kind] - self.left_out(kind)) for kind, count in self.happened.items())

    def picture(self) -> Group:
        """Return the table of what flows."""
        arrived = self.arrived()
        table = Table("event", "happened", "left out by policy", "arrived", title="Bilibili room → bridge → sandbox")
        for kind in EventType:
            if kind is not EventType.FOLLOW:
                row = (self.happened[kind], self.left_out(kind), arrived[kind])
                table.add_row(kind.name.lower(), *(str(count) for count in row))
        counters = self.room.counters
        calls, batches = counters.calls.total(), counters.batch_events
        latency = counters.latency_secs
        events = sum(latency.counts)
        facts = (
            f"report calls {calls}, {batches.total / max(sum(batches.counts), 1):.1f} events a call;"
            f" mean time in the bridge {1000 * latency.total / max(events, 1):.0f} ms;"
            f" replays removed {counters.duplicates.total()};"
            f" pending {self.room.pending_events()}"
        )
        source = next(iter(self.room.sources.values())).supervisor
        state = f"{source.status.state.value}, {source.status.reconnects} reconnect(s)" if source else ""
        latest = Panel("\n".join(self._lines) or "waiting for the room …", title="latest", height=10)
        return Group(table, Text(facts), Text(f"source {state}"), latest)

    def summary(self) -> str:
        """Return what went in and what came out, in one line."""
        arrived = self.arrived()
        left_out = sum(self.left_out(kind) for kind in EventType)
        verdict = f"{self.missing()} MISSING" if self.missing() else "none missing"
        parts = ", ".join(f"{kind.name.lower()} {self.happened[kind]}/{arrived[kind]}" for kind in self.happened)
        return (
            f"{self.happened.total()} events in, {arrived.total()} reported, {left_out} left out by policy"
            f" (repeated joins, merged likes, superseded viewer counts): {verdict}\n(in/out by type: {parts})"
        )

    async def _drop_connection(self) -> None:
        """Cut the socket once, as platforms do, and repeat the last comments to whoever comes back."""
        await self._clock.sleep(2 * TICK_SECS)
        await self._platform.drop_all()
        await self._platform.wait_until_empty()
        await self._platform.wait_for_clients()
        await self._platform.send(list(self._said))
        self._lines.append("— the platform dropped the connection and repeated its last comments —")


async def show(seconds: int, rate: float) -> int:
    """Run the demonstration; returns the exit code."""
    console = Console()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="live-event-bridge-demo-")))
        platform = await closing.enter_async_context(BilibiliRoom())
        sandbox = await closing.enter_async_context(Sandbox())
        _write_configuration(folder, platform, sandbox)
        app, stop_bridge = App(load(folder, os.environ)), asyncio.Event()
        running = asyncio.ensure_future(app.run(stop_bridge))
        while not app.health.ready:
            await asyncio.wait((running,), timeout=TICK_SECS)
            if running.done():
                return running.result()
        demo = Demo(platform, sandbox, app)
        console.print("A simulated Bilibili room, the bridge and a local MetaStudio. Nothing leaves this machine.")
        with (
            Live(demo.picture(), console=console, refresh_per_second=4)
            if console.is_terminal
            else nullcontext() as live
        ):
            drawing = asyncio.ensure_future(_draw(demo, live, console))
            await demo.play(seconds, rate, stop)
            await demo.drain()
            drawing.cancel()
            if live is not None:
                live.update(demo.picture(), refresh=True)
        stop_bridge.set()
        code = await running
        if not console.is_terminal:
            console.print(demo.picture())
        console.print(demo.summary())
        return EXIT_MISSING if demo.missing() else code.value


async def _draw(demo: Demo, live: Live | None, console: Console) -> None:
    while True:
        if live is not None:
            live.update(demo.picture())
            await asyncio.sleep(0.25)
        else:
            await asyncio.sleep(5)
            console.print(f"{demo.happened.total()} events so far, {demo.arrived().total()} reported")


def _write_configuration(folder: Path, platform: BilibiliRoom, sandbox: Sandbox) -> None:
    bridge: dict[str, Any] = {
        "spool": {"directory": str(folder / "spool")},
        "server": {"listen": "127.0.0.1:0"},
        "log": {"level": "error"},
    }
    room = {
        "sources": [{"platform": "bilibili", "room": platform.room_id, "api_base": platform.api_base}],
        "report": {"url": sandbox.report_url},
    }
    (folder / "rooms").mkdir()
    (folder / "bridge.yaml").write_text(yaml.safe_dump(bridge))
    (folder / "rooms" / f"{ROOM}.yaml").write_text(yaml.safe_dump(room))
