"""Stand-ins for time and for the outside, each as strict as what it stands for."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class FakeClock:
    """Time that passes only when told. ``advance`` wakes sleepers in order, each at its own moment."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now = 1000.0
        self._epoch_ms = now_ms - 1_000_000
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        return self._now

    def now_ms(self) -> int:
        return self._epoch_ms + round(self._now * 1000)

    def step_wall_clock(self, by_ms: int) -> None:
        """Set the wall clock forward or back; monotonic time does not notice."""
        self._epoch_ms += by_ms

    async def sleep(self, secs: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + max(secs, 0.0), next(self._order), waking))
        await waking

    async def wait(self, event: asyncio.Event, secs: float | None) -> bool:
        if event.is_set():
            return True
        waiting = asyncio.ensure_future(event.wait())
        sleeping = asyncio.ensure_future(asyncio.Event().wait() if secs is None else self.sleep(secs))
        try:
            await asyncio.wait((waiting, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, sleeping):
                task.cancel()
            await asyncio.gather(waiting, sleeping, return_exceptions=True)
        return event.is_set()

    async def advance(self, secs: float) -> None:
        """Let that much time pass."""
        until = self._now + secs
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            moment, _, waking = heapq.heappop(self._sleepers)
            self._now = max(self._now, moment)
            if not waking.done():
                waking.set_result(None)
                await settle()
        self._now = until
        await settle()


async def settle(turns: int = 20) -> None:
    """Let everything that can go on without time passing go on."""
    for _ in range(turns):
        await asyncio.sleep(0)
