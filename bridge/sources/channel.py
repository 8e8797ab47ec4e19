"""One open connection to a platform, whatever it runs over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ChannelClosedError(Exception):
    """The peer closed, or the connection broke; ``code`` is the WebSocket close code, 1006 for a loss."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"closed with {code} {reason}".rstrip())


class Channel(Protocol):
    """Frames in, frames out."""

    async def receive(self) -> bytes | str:
        """Return the next frame; raises ``ChannelClosedError``."""
        ...

    async def send(self, data: bytes | str) -> None:
        """Send one frame; raises ``ChannelClosedError``."""
        ...

    async def close(self) -> Sequence[bytes | str]:
        """Close politely, but do not wait long; returns the frames that came before the end and were not received."""
        ...
