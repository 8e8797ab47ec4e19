"""Time, as an argument: the only module of the core that asks the system for it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the bridge knows of time."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow; for deadlines and ages."""
        ...

    def now_ms(self) -> int:
        """Return the wall clock in ms since 1970; for what others will read."""
        ...

    async def sleep(self, secs: float) -> None:
        """Wait."""
        ...

    async def wait(self, event: asyncio.Event, secs: float | None) -> bool:
        """Wait for ``event``, at most ``secs`` (``None``: for ever); return whether it is set."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    def now_ms(self) -> int:
        """Return the wall clock."""
        return time.time_ns() // 1_000_000

    async def sleep(self, secs: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(secs)

    async def wait(self, event: asyncio.Event, secs: float | None) -> bool:
        """Wait on the running event loop."""
        if not event.is_set():
            try:
                async with asyncio.timeout(secs):
                    await event.wait()
            except TimeoutError:
                return False
        return True
