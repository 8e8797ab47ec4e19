"""A source under the real supervisor, against an emulator: real sockets and real reconnects, no waiting in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bridge.clock import SystemClock
from bridge.sources.contract import Decoded, Platform, SourceOptions
from bridge.sources.supervisor import SourceState, Supervisor
from tests.emulators.driving import PATIENCE_SECS, Seen


class HastyClock(SystemClock):
    """The machine's time, but nobody sleeps longer than a moment: backoff, heartbeats and polls come at once."""

    def __init__(self, longest_sleep_secs: float = 0.02) -> None:
        self._longest_sleep_secs = longest_sleep_secs
        self.sleeps_secs: list[float] = []

    async def sleep(self, secs: float) -> None:
        self.sleeps_secs.append(secs)
        await asyncio.sleep(min(secs, self._longest_sleep_secs))


class Supervised:
    """One source that is kept connected; ``until`` waits for what it yields."""

    def __init__(self, platform: Platform, options: SourceOptions) -> None:
        self.seen = Seen()
        self.clock = HastyClock()
        self.supervisor = Supervisor(
            platform.name,
            "room",
            platform,
            options=lambda: options,
            sink=self._take,
            clock=self.clock,
            random=lambda: 0.0,
        )
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.supervisor.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def state(self) -> SourceState:
        return self.supervisor.status.state

    async def until(self, met: Callable[[Seen], Any]) -> Seen:
        """Wait until ``met`` of what was seen is true; fail with what was seen after a few seconds."""
        try:
            async with asyncio.timeout(PATIENCE_SECS):
                while not met(self.seen):
                    self._changed.clear()
                    await asyncio.wait((asyncio.ensure_future(self._changed.wait()),), timeout=0.05)
        except TimeoutError:
            raise AssertionError(f"waited in vain; seen: {self.seen}, {self.supervisor.status}") from None
        return self.seen

    async def until_state(self, state: SourceState) -> None:
        """Wait until the supervisor says so."""
        await self.until(lambda _: self.state is state)

    def _take(self, decoded: Decoded) -> None:
        self.seen.events.extend(decoded.events)
        self.seen.rejected.extend(decoded.rejected)
        self.seen.ignored.extend(decoded.ignored)
        self.seen.unknown.extend(decoded.unknown)
        self.seen.notices.extend(notice.kind for notice in decoded.notices)
        if decoded.end is not None:
            self.seen.ends.append(decoded.end)
        self._changed.set()
