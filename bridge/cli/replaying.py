"""``replay``: a recording to a job or to the screen, at any speed."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import aiohttp
import orjson
import typer

from bridge.backoff import Backoff
from bridge.cli.pacing import Pacer, RecordedEvent, recorded_event
from bridge.cli.recording_file import Recording
from bridge.cli.running import run_loop
from bridge.clock import Clock, SystemClock
from bridge.errors import BridgeError, ConfigError
from bridge.events import EventType
from bridge.report.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from bridge.report.post import HttpPoster, Poster
from bridge.report.url import report_url
from bridge.report.wire import ENVELOPE_BYTES, Verdict, encode

EXIT_REFUSED = 3
EXIT_LEFT = 4
MAX_CALLS = 6
"""How often the same events are sent when the cloud cannot take them just now."""
SYSTEMIC_REFUSALS = 20
"""So many refusals without one acceptance are not the events' fault."""

_HOPELESS = (Verdict.UNAUTHORISED, Verdict.GONE, Verdict.MISCONFIGURED)
_DIVISIBLE = (Verdict.REFUSED, Verdict.TOO_LARGE)


class NotReplayedError(BridgeError):
    """Not every event was taken."""

    def __init__(self, problem: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(problem)


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file of `record`: one event a line; .gz is read too.")
    ],
    *,
    url: Annotated[
        str, typer.Option("--url", help="A job's live_event_report_url, in quotes; without it, the screen.")
    ] = "",
    speed: Annotated[float, typer.Option(min=0, help="1: as it was; 2: twice as fast; 0: as fast as possible.")] = 1.0,
    now: Annotated[
        bool, typer.Option("--now", help="Give each event the time at which it is sent, not the recorded one.")
    ] = False,
    max_batch: Annotated[
        int, typer.Option(min=1, max=MAX_BATCH_EVENTS, help="The most events in one call.")
    ] = MAX_BATCH_EVENTS,
    min_interval_ms: Annotated[int, typer.Option(min=0, help="Time between the starts of two calls.")] = 200,
) -> None:
    """Send a recording to a job, or show it on the screen, at any speed.

    Exit codes: **0** every event that could be read was taken (or shown) · **2** a wrong file or URL · **3** some
    were not taken · **4** stopped before the end.
    """
    clock = SystemClock()
    recording = Recording(file)
    events = recording.events(recorded_event)
    if url:
        try:
            target = report_url(url, clock.now_ms()).text
        except ValueError as error:
            raise ConfigError([f"--url: {error}: a job's live_event_report_url, in quotes"]) from None
        pace = Pace(speed, max_batch, min_interval_ms / 1000, restamp=now)
        run_loop(_to_job(events, target, pace, clock))
    else:
        run_loop(_to_screen(events, speed, clock))
    if recording.unreadable:
        typer.echo(recording.summary(), err=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a recording is sent; ``restamp`` gives each event the time at which it is sent."""

    speed: float
    max_batch: int = MAX_BATCH_EVENTS
    min_interval_secs: float = 0.2
    restamp: bool = False


@dataclass(slots=True)
class Tally:
    """What became of the events: ``left`` were not sent before ``given_up`` or the end."""

    delivered: int = 0
    refused: int = 0
    unknown: int = 0
    left: int = 0
    calls: int = 0
    given_up: str = ""
    problems: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Say it in one line."""
        told = f"{self.delivered} event(s) delivered in {self.calls} call(s)"
        for count, words in (
            (self.refused, "refused"),
            (self.unknown, "with unknown outcome"),
            (self.left, "not sent"),
        ):
            told += f", {count} {words}" if count else ""
        return told


class Sender:
    """Sends batches one after the other and keeps the tally."""

    def __init__(self, url: str, poster: Poster, clock: Clock, stop: asyncio.Event) -> None:
        self.tally = Tally()
        self._url = url
        self._poster = poster
        self._clock = clock
        self._stop = stop
        self._backoff = Backoff(0.5, 15.0, random.random)

    async def send(self, events: list[RecordedEvent]) -> None:
        """Send events until their fate is decided: halved when refused, again after a while when not taken."""
        waiting = [events]
        while waiting:
            batch = waiting.pop()
            if self.tally.given_up or self._stop.is_set():
                self.tally.left += len(batch)
                continue
            verdict = await self._call(batch)
            if verdict in _DIVISIBLE and len(batch) > 1:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
            elif verdict in _DIVISIBLE:
                self.tally.refused += 1
                if self.tally.refused == SYSTEMIC_REFUSALS and not self.tally.delivered:
                    self.tally.given_up = "the cloud refuses every event"
            elif verdict is Verdict.DELIVERED:
                self.tally.delivered += len(batch)
            elif verdict is Verdict.UNKNOWN:
                # Sent again, they might be answered twice.
                self.tally.unknown += len(batch)
            else:
                self.tally.left += len(batch)

    async def _call(self, batch: list[RecordedEvent]) -> Verdict:
        self._backoff.reset()
        body = encode([event.wire for event in batch])
        for number in range(1, MAX_CALLS + 1):
            self.tally.calls += 1
            answer = await self._poster.post(self._url, {}, body)
            if answer.verdict is Verdict.DELIVERED:
                break
            self.tally.problems[str(answer)] += 1
            if answer.verdict is Verdict.UNKNOWN or answer.verdict in _DIVISIBLE:
                break
            if answer.verdict in _HOPELESS or number == MAX_CALLS:
                self.tally.given_up = str(answer)
            elif not await self._clock.wait(self._stop, max(self._backoff.next_secs(), answer.retry_after_secs)):
                continue
            break
        return answer.verdict


async def send_all(pacer: Pacer, sender: Sender, pace: Pace, clock: Clock, stop: asyncio.Event) -> Tally:
    """Send events as they become due, those of one moment together, until the last or until ``stop``."""
    tally = sender.tally
    while (due_at := pacer.due_at()) is not None and not tally.given_up:
        if await _stopped(clock, stop, due_at):
            break
        started_at = clock.monotonic()
        batch = pacer.take(started_at, pace.max_batch, MAX_BATCH_BYTES - ENVELOPE_BYTES)
        await sender.send([_stamped(event, clock.now_ms()) for event in batch] if pace.restamp else batch)
        if pacer.due_at() is not None and await _stopped(clock, stop, started_at + pace.min_interval_secs):
            break
    tally.left += pacer.rest()
    return tally


async def _stopped(clock: Clock, stop: asyncio.Event, until: float) -> bool:
    """Wait until a moment; tell whether to stop instead."""
    secs = until - clock.monotonic()
    return await clock.wait(stop, secs) if secs > 0 else stop.is_set()


def _stamped(event: RecordedEvent, now_ms: int) -> RecordedEvent:
    return replace(event, timestamp_ms=now_ms, wire=orjson.dumps({**orjson.loads(event.wire), "timestamp": now_ms}))


def stop_signal() -> asyncio.Event:
    """Return what SIGTERM and Ctrl-C set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _to_job(events: Iterator[RecordedEvent], url: str, pace: Pace, clock: Clock) -> None:
    stop = stop_signal()
    async with aiohttp.ClientSession() as http:
        sender = Sender(url, HttpPoster(http, clock), clock, stop)
        tally = await send_all(Pacer(events, pace.speed, clock.monotonic()), sender, pace, clock, stop)
    typer.echo(tally.summary())
    for problem, count in tally.problems.most_common(5):
        typer.echo(f"  {count} time(s): {problem}", err=True)
    if tally.given_up or tally.refused or tally.unknown:
        raise NotReplayedError(f"not all delivered{f': {tally.given_up}' if tally.given_up else ''}", EXIT_REFUSED)
    if tally.left:
        raise NotReplayedError("stopped before the end", EXIT_LEFT)


async def _to_screen(events: Iterator[RecordedEvent], speed: float, clock: Clock) -> None:
    stop = stop_signal()
    pacer = Pacer(events, speed, clock.monotonic())
    while (due_at := pacer.due_at()) is not None:
        if await _stopped(clock, stop, due_at):
            raise NotReplayedError(f"stopped before the end, {pacer.rest()} event(s) not shown", EXIT_LEFT)
        for event in pacer.take(clock.monotonic(), MAX_BATCH_EVENTS, MAX_BATCH_BYTES):
            typer.echo(_line(event))


def _line(event: RecordedEvent) -> str:
    moment = datetime.fromtimestamp(event.timestamp_ms / 1000, UTC).strftime("%H:%M:%S")
    text = str(orjson.loads(event.wire)["content"])
    shown = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return f"{moment} {EventType(event.type).name.lower():8}{shown}"
