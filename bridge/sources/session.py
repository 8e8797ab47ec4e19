"""One connection's life: greeting, frames, heartbeat, polls, and the watchdog that declares it dead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bridge.clock import Clock
from bridge.errors import SourceError, SourceUnavailableError
from bridge.sources.channel import Channel, ChannelClosedError
from bridge.sources.contract import Connection, Decoded, Frame, HttpCall, HttpClient, Poll, Transport
from bridge.sources.speaker import WORK_SLICE_SECS, Speaker

MAX_WAITING_CALLS = 1000
MAX_UNANSWERED_CALLS = 3

Sink = Callable[[Decoded], None]


class Session:
    """Runs one connection until it ends; ``run`` always raises, a ``SourceError`` saying why."""

    def __init__(self, connection: Connection, http: HttpClient, clock: Clock, sink: Sink) -> None:
        self.connection = connection
        self._http = http
        self._clock = clock
        self._sink = sink
        self._channel: Channel | None = None
        self._speaker: Speaker | None = None
        self._calls: asyncio.Queue[HttpCall] = asyncio.Queue()
        self._unanswered_calls = 0
        self._end: SourceError | None = None
        self._ending = asyncio.Event()
        self.opened_at = clock.monotonic()
        self.events = 0
        self.was_opened = False
        self.follow: str | None = None
        self.heard = asyncio.Event()
        self.follow_asked = asyncio.Event()

    async def run(self, channel: Channel | None) -> None:
        """Speak the platform's protocol over ``channel`` (``None`` for a platform that is only polled)."""
        self._channel = channel
        self.opened_at = self._clock.monotonic()
        tasks = [asyncio.ensure_future(work) for work in self._works(channel)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            if channel is not None:
                self._take_rest(await channel.close())
        raise self._why(results)

    def _take_rest(self, frames: Sequence[bytes | str]) -> None:
        """Take what came before the end; there is nobody left to answer."""
        for data in frames:
            decoded = self.connection.decoder.feed(Frame(data, self._clock.now_ms()))
            self.events += len(decoded.events)
            self._sink(decoded)

    async def say_farewell(self) -> None:
        """Make the calls owed to the platform; what they answer changes nothing."""
        for call in self.connection.decoder.farewell():
            try:
                await self._http.send(call)
            except SourceError:
                return

    def _works(self, channel: Channel | None) -> list[Awaitable[None]]:
        endpoint = self.connection.endpoint
        works: list[Awaitable[None]] = [self._make_calls(), self._ending_asked()]
        works.extend(self._poll(poll) for poll in endpoint.polls)
        if channel is not None:
            self._speaker = speaker = Speaker(channel, self._clock)
            works.append(self._read(channel, speaker))
            works.append(speaker.run())
            works.append(self._watch_silence(speaker))
            if endpoint.heartbeat_interval_secs:
                works.append(self._beat(speaker, endpoint.heartbeat_interval_secs))
        elif endpoint.transport is Transport.POLLING:
            works.append(self._ask_as_told())
        return works

    def _why(self, results: list[BaseException | None]) -> SourceError:
        if self._end is not None:
            return self._end
        for result in results:
            if isinstance(result, ChannelClosedError):
                meaning = self.connection.decoder.closed(result.code, result.reason)
                return meaning or SourceUnavailableError(str(result))
        for result in results:
            if isinstance(result, SourceError):
                return result
        for result in results:
            if isinstance(result, Exception):
                raise result
        return SourceUnavailableError("the connection ended")

    async def _read(self, channel: Channel, speaker: Speaker) -> None:
        decoder, clock = self.connection.decoder, self._clock
        speaker.say(decoder.greeting())
        slice_ends_at = clock.monotonic() + WORK_SLICE_SECS
        while True:
            data = await channel.receive()
            now = clock.monotonic()
            speaker.heard_at = now
            self._take(decoder.feed(Frame(data, clock.now_ms())))
            if now >= slice_ends_at:
                await asyncio.sleep(0)
                slice_ends_at = clock.monotonic() + WORK_SLICE_SECS

    def _take(self, decoded: Decoded) -> None:
        self.events += len(decoded.events)
        self._sink(decoded)
        if not self.heard.is_set() and self.connection.decoder.is_ready:
            self.heard.set()
        if decoded.replies and self._speaker is not None:
            self._speaker.say(decoded.replies)
        for call in decoded.calls:
            self._calls.put_nowait(call)
        if self._calls.qsize() > MAX_WAITING_CALLS:
            raise SourceUnavailableError(f"{self._calls.qsize()} calls wait to be made: the platform does not keep up")
        if decoded.follow is not None:
            self.follow = decoded.follow
            self.follow_asked.set()
        if decoded.end is not None:
            self._end = decoded.end
            self._ending.set()

    async def _beat(self, speaker: Speaker, interval_secs: float) -> None:
        while True:
            await self._clock.sleep(interval_secs)
            speaker.say(self.connection.decoder.heartbeat())

    async def _watch_silence(self, speaker: Speaker) -> None:
        while True:
            timeout_secs = self.connection.decoder.silence_timeout_secs or self.connection.endpoint.silence_timeout_secs
            left_secs = max(speaker.heard_at, self.opened_at) + timeout_secs - self._clock.monotonic()
            if left_secs <= 0:
                raise SourceUnavailableError(f"silent for {timeout_secs:.0f} s")
            await self._clock.sleep(left_secs)

    async def _make_calls(self) -> None:
        while True:
            await self._call(await self._calls.get())

    async def _poll(self, poll: Poll) -> None:
        if poll.after_secs:
            await self._clock.sleep(poll.after_secs)
        while True:
            await self._call(poll.call)
            await self._clock.sleep(poll.interval_secs)

    async def _ask_as_told(self) -> None:
        while True:
            wait_secs, calls = self.connection.decoder.next_calls()
            await self._clock.sleep(wait_secs)
            for call in calls:
                await self._call(call)

    async def _call(self, call: HttpCall) -> None:
        """Make a call; without an answer an open channel goes on, and a polled connection bears a few."""
        try:
            answer = await self._http.send(call)
        except SourceUnavailableError:
            self._unanswered_calls += 1
            if self._channel is None and self._unanswered_calls >= MAX_UNANSWERED_CALLS:
                raise
            return
        self._unanswered_calls = 0
        self._take(self.connection.decoder.answered(call, answer, self._clock.now_ms()))

    async def _ending_asked(self) -> None:
        await self._ending.wait()
