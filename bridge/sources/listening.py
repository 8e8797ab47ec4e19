"""Peers that connect to us: a page that pushes over a WebSocket is handed to the source that waits for it."""

from __future__ import annotations

import asyncio

from bridge.sources.channel import Channel


class Listener:
    """One source's door. A newer peer waits until the source takes it; one more is turned away."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[Channel] = asyncio.Queue(maxsize=1)
        self.is_open = False

    async def accept(self) -> Channel:
        """Wait for a peer."""
        self.is_open = True
        return await self._arrived.get()

    def offer(self, channel: Channel) -> bool:
        """Hand over a peer that has connected; returns whether there is room for it."""
        if self._arrived.full():
            return False
        self._arrived.put_nowait(channel)
        return True
