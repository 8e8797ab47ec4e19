"""One way to drive the emulators: what a platform told whoever listened, whatever the protocol.

A feed counts only what went out to a listener. ``say`` and ``gift`` wait for one; ``drop`` breaks the connection
and returns once the platform itself knows that nobody listens any more.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

PATIENCE_SECS = 20.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Feed(ABC):
    """A platform with one room, and what it told: ``said`` in order, gifts as sums."""

    site: str
    """What the ids of its viewers begin with."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.gifts = 0
        self.value = 0
        self.numbers = itertools.count(1)
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.open(self._opened)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    async def say(self, text: str, number: int = 7) -> None:
        """Let viewer ``number`` say something."""
        await self.until(self.has_listener)
        await self.tell(text, number)
        self.said.append(text)

    async def gift(self, number: int = 7) -> None:
        """Let viewer ``number`` give something."""
        await self.until(self.has_listener)
        count, value = await self.give(number)
        self.gifts += count
        self.value += value

    def complaints(self) -> list[str]:
        """Return what the bridge did that the platform does not allow."""
        return []

    def socket_url(self) -> str:
        """Return where it is connected to."""
        return str(self.source()["websocket_url"])

    async def repeat(self) -> int:
        """Tell the last messages again, if it is a platform that does so; returns how many."""
        return 0

    async def until(self, met: Callable[[], object]) -> None:
        """Wait until ``met()``."""
        ends_at = time.monotonic() + PATIENCE_SECS
        while not met():
            assert time.monotonic() < ends_at, f"{self.site}: waited in vain, {len(self.said)} comments so far"
            await asyncio.sleep(0.01)

    @abstractmethod
    async def open(self, opened: AsyncExitStack) -> None:
        """Start the emulator."""

    @abstractmethod
    def source(self) -> dict[str, Any]:
        """Return the entry in the room's file."""

    @abstractmethod
    def has_listener(self) -> bool:
        """Say whether somebody would hear."""

    @abstractmethod
    async def tell(self, text: str, number: int) -> None:
        """Send a comment."""

    @abstractmethod
    async def give(self, number: int) -> tuple[int, int]:
        """Send a gift; returns how many were given and what they are worth."""

    @abstractmethod
    async def drop(self) -> None:
        """Break the connection; a platform that calls us repeats its last call instead."""
