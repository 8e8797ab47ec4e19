"""``record``: what a room would report, into a file."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import IO, Annotated

import typer

from bridge import log
from bridge.assembly import policies_of
from bridge.cli.options import ConfigDirectory
from bridge.cli.replaying import stop_signal
from bridge.cli.running import run_loop
from bridge.clock import Clock, SystemClock
from bridge.config import Room as RoomConfig
from bridge.config import load
from bridge.errors import ConfigError, RoomNotFoundError
from bridge.events import EventType, Viewers
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.money import Money
from bridge.secret import Heirs
from bridge.sources.channel import Channel
from bridge.sources.contract import Decoded, Endpoint, NoticeKind, Platform, Transport
from bridge.sources.heirs import HeirStore
from bridge.sources.http import SourceHttp
from bridge.sources.intake import Taken
from bridge.sources.limiter import DialLimiter
from bridge.sources.room_source import RoomSource, at_the_end, of_the_room
from bridge.sources.supervisor import Supervisor, dial_endpoint

EXIT_REFUSED = 3
TICK_SECS = 0.5


def record(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file; one that ends with .gz is compressed.", dir_okay=False)
    ],
    *,
    room: Annotated[str, typer.Option("--room", metavar="NAME", help="The room, by its file's name.")],
    config: ConfigDirectory = Path("config"),
    seconds: Annotated[int, typer.Option(metavar="N", min=0, help="How long; 0: until Ctrl-C.")] = 0,
) -> None:
    """Record what a room would report, without reporting it: for `rehearse` and `replay`.

    The room's sources are connected to and its `events` settings hold, so gifts are counted once and replays are left
    out. Nothing is sent to the cloud, and a bridge that runs is not disturbed. Platforms that call us cannot be
    recorded this way. Exit code 2 for a wrong configuration or file, 3 if no source has such a room.
    """
    loaded = load(config, os.environ)
    found = next((one for one in loaded.rooms if one.name == room), None)
    if found is None:
        raise ConfigError([f"--room: {room}: unknown: one of {', '.join(one.name for one in loaded.rooms)}"])
    _check_sources(found)
    log.configure(loaded.bridge.log.format, "warning")
    try:
        with _opened(file) as target:
            recorder = Recorder(found, target, SystemClock(), HeirStore(loaded.bridge.spool.directory))
            all_refused = run_loop(_recorded(recorder, seconds))
    except OSError as error:
        raise ConfigError([_unwritable(file, error)]) from None
    typer.echo(recorder.summary())
    raise typer.Exit(EXIT_REFUSED if all_refused else 0)


def _check_sources(room: RoomConfig) -> None:
    """Say which sources bring nothing; raises ``ConfigError`` if none brings anything."""
    deaf = [
        f"rooms/{room.name}: sources[{index}].platform: {source.platform.name} only calls the bridge: "
        "record needs a platform that is connected to"
        for index, source in enumerate(room.sources)
        if source.platform.locate is None
    ]
    if len(deaf) == len(room.sources):
        raise ConfigError(deaf)
    for line in deaf:
        typer.echo(line, err=True)


def _opened(file: Path) -> IO[bytes] | gzip.GzipFile:
    try:
        return gzip.open(file, "xb") if file.suffix == ".gz" else file.open("xb")
    except FileExistsError:
        raise ConfigError([f"{file}: exists already: the name of a new file"]) from None
    except OSError as error:
        raise ConfigError([_unwritable(file, error)]) from None


def _unwritable(file: Path, error: OSError) -> str:
    return (
        f"{file}: cannot be written ({error.strerror or type(error).__name__}): a new file where there is room for it"
    )


async def _recorded(recorder: Recorder, seconds: int) -> bool:
    """Record until the time is over or we are told to stop; returns whether every source was refused for good."""
    stop = stop_signal()
    running = asyncio.ensure_future(recorder.run())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait((running, stopped), timeout=seconds or None, return_when=asyncio.FIRST_COMPLETED)
    all_refused = running.done() and not running.cancelled() and not running.exception()
    for task in (running, stopped):
        task.cancel()
    results = await asyncio.gather(running, stopped, return_exceptions=True)
    recorder.close()
    failure = results[0]
    if isinstance(failure, Exception):
        raise failure
    return all_refused


class Recorder:
    """Connects a room's sources and writes what would be reported, a line an event."""

    def __init__(self, room: RoomConfig, file: IO[bytes] | gzip.GzipFile, clock: Clock, heirs: Heirs) -> None:
        self.events: Counter[EventType] = Counter()
        self.dropped: Counter[str] = Counter()
        self.rejected = 0
        self._file = file
        self._clock = clock
        money = Money(in_fen=room.events.gift_value_unit == "fen", prices=room.gift_prices)
        self._admission = Admission(policies_of(room), PaidMessageForm(room.events.paid_message), money)
        self._sources: list[RoomSource] = []
        self._supervisors: list[Supervisor] = []
        limiter = DialLimiter()
        for config in room.sources:
            platform = config.platform
            source = RoomSource(config.name, platform.name, replays_history=platform.replays_history)
            source.begin(clock.now_ms())
            self._sources.append(source)
            self._supervisors.append(
                Supervisor(
                    source.name,
                    room.name,
                    platform,
                    options=config.options,
                    sink=partial(self.take, source),
                    clock=clock,
                    random=random.random,
                    dial=partial(_dial, platform),
                    limiter=limiter,
                    heirs=heirs,
                )
            )

    async def run(self) -> None:
        """Record until cancelled; returns when no source has a room to listen to."""
        listening = [asyncio.ensure_future(_until_refused(supervisor)) for supervisor in self._supervisors]
        sources = asyncio.gather(*listening)
        ticking = asyncio.ensure_future(self._tick())
        try:
            done, _ = await asyncio.wait((sources, ticking), return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                finished.result()
        finally:
            sources.cancel()
            ticking.cancel()
            # A cancelled gather ends with the first of its tasks; the others may still owe their platforms a call.
            await asyncio.gather(sources, *listening, ticking, return_exceptions=True)

    def take(self, source: RoomSource, decoded: Decoded) -> None:
        """Take what one frame of a source yielded."""
        self.rejected += len(decoded.rejected)
        events = decoded.events
        if source.replays_history:
            events, old = source.without_history(events, lambda _: 0)
            self.dropped.update(reason.value for _, reason in old)
        self._write(source, source.intake.offer(events, self._clock.monotonic()))
        for notice in decoded.notices:
            if notice.kind in (NoticeKind.LIVE, NoticeKind.ENDED):
                self._turn(source, is_live=notice.kind is NoticeKind.LIVE)

    def close(self) -> None:
        """Write what sources still hold."""
        for source in self._sources:
            self._write(source, source.intake.flush(self._clock.monotonic()))
        self._file.flush()

    def summary(self) -> str:
        """Say in one line what was recorded and what was not."""
        told = ", ".join(f"{count} {kind.name.lower()}" for kind, count in self.events.most_common())
        line = f"{self.events.total()} event(s) recorded{f' ({told})' if told else ''}"
        if self.dropped:
            line += f", not reported: {', '.join(f'{count} {why}' for why, count in self.dropped.most_common())}"
        return f"{line}, {self.rejected} message(s) unreadable" if self.rejected else line

    def _write(self, source: RoomSource, taken: Taken) -> None:
        for _, reason in taken.dropped:
            self.dropped[reason.value] += 1
        now = self._clock.monotonic()
        for event in taken.events:
            told = event
            if isinstance(event.content, Viewers):
                told = of_the_room(event, source, self._sources, now)
            for form in self._admission.forms(told):
                refusal = self._admission.refusal(form, now)
                if refusal is not None:
                    self.dropped[refusal.value] += 1
                    continue
                self._file.write(form.to_wire() + b"\n")
                self.events[form.content.type] += 1

    def _turn(self, source: RoomSource, *, is_live: bool) -> None:
        """At the end of a live let go of what is held, and say once that nobody watches there any more."""
        if is_live == source.is_live:
            return
        now = self._clock.monotonic()
        source.turned(now, is_live=is_live)
        if not is_live:
            self._write(source, source.intake.flush(now))
            self._write(source, Taken(at_the_end(self._sources, now, self._clock.now_ms())))

    async def _tick(self) -> None:
        """Let go of what was held long enough, and let the file have what was written."""
        while True:
            await self._clock.sleep(TICK_SECS)
            for source in self._sources:
                self._write(source, source.intake.due(self._clock.monotonic()))
                source.intake.notes()  # what would go into the spool: not needed, and not to be kept
            self._file.flush()


async def _dial(platform: Platform, endpoint: Endpoint, proxy: str, http: SourceHttp) -> Channel | None:
    """Dial what brings events. The calls of a platform that pushes would start and stop the running bridge's tasks."""
    if platform.receiver is not None and endpoint.transport is Transport.POLLING:
        raise RoomNotFoundError("the platform calls the bridge, there is nothing to connect to")
    return await dial_endpoint(endpoint, proxy, http)


async def _until_refused(supervisor: Supervisor) -> None:
    try:
        await supervisor.run()
    except RoomNotFoundError as error:
        typer.echo(f"{supervisor.name}: {error}", err=True)
