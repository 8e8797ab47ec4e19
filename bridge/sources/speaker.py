"""What we say on a connection: in order, and only while the peer is not speaking.

A peer that has gone answers our next word with a reset, and a reset costs whatever of its own words is
still on its way or waits in the system's buffers. So what can be read is read before anything is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Sequence

from bridge.clock import Clock
from bridge.errors import SourceUnavailableError
from bridge.sources.channel import Channel, ChannelClosedError

QUIET_SECS = 0.02
"""How long the peer must have been silent before we speak: longer than the gaps within a burst."""

LATEST_SECS = 0.5
"""How long a peer that never pauses is let speak before we speak all the same."""

MAX_UNSAID_BYTES = 4 * 1024 * 1024
"""What may wait for a peer that does not read."""

WORK_SLICE_SECS = 0.005
"""How long what is already at hand, to read or to say, may keep the event loop from everybody else."""


class Speaker:
    """Says what it is given over one channel. That nobody hears it is for the reader to find out."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self._channel = channel
        self._clock = clock
        self._unsaid: deque[bytes | str] = deque()
        self._unsaid_bytes = 0
        self._asked = asyncio.Event()
        self.heard_at = -math.inf
        """When the peer last spoke (monotonic); set by the reader."""

    def say(self, messages: Sequence[bytes | str]) -> None:
        """Have these said after those before. Raises ``SourceUnavailableError`` when too much waits already."""
        self._unsaid.extend(messages)
        self._unsaid_bytes += sum(map(len, messages))
        if self._unsaid_bytes > MAX_UNSAID_BYTES:
            raise SourceUnavailableError(f"{self._unsaid_bytes} bytes wait to be sent: the platform does not read")
        self._asked.set()

    async def run(self) -> None:
        """Speak for as long as the connection lives."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._peer_pauses()
            slice_ends_at = self._clock.monotonic() + WORK_SLICE_SECS
            while self._unsaid:
                message = self._unsaid.popleft()
                self._unsaid_bytes -= len(message)
                with contextlib.suppress(ChannelClosedError):
                    await self._channel.send(message)
                if self._clock.monotonic() >= slice_ends_at:
                    await asyncio.sleep(0)
                    slice_ends_at = self._clock.monotonic() + WORK_SLICE_SECS

    async def _peer_pauses(self) -> None:
        latest_at = self._clock.monotonic() + LATEST_SECS
        while (left_secs := min(self.heard_at + QUIET_SECS, latest_at) - self._clock.monotonic()) > 0:
            await self._clock.sleep(left_secs)
