"""What Bilibili's two danmaku sockets have in common: auth and heartbeats beside messages, all in packets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from bridge.errors import DecodeError, SourceError
from bridge.events import Content, LiveEvent, Twin, in_ms, plausible_timestamp_ms
from bridge.sources.codecs.bilibili_packets import (
    OP_AUTH,
    OP_AUTH_REPLY,
    OP_HEARTBEAT,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    unpack,
)
from bridge.sources.codecs.results import Collected
from bridge.sources.contract import Decoded, Frame, QuietDecoder
from bridge.sources.fields import optional_integer, parse_json


class Findings(Collected, kw_only=True):
    """What a frame yields, gathered while it is read."""

    received_at_ms: int

    def event(self, content: Content, timestamp: int, event_id: str, twin: Twin | None = None) -> None:
        """Add an event; ``timestamp`` is the platform's, in seconds or ms, 0 if it told none."""
        timestamp_ms = plausible_timestamp_ms(in_ms(timestamp), self.received_at_ms)
        self.events.append(LiveEvent(timestamp_ms, content, event_id, None, twin))


class DanmakuDecoder(QuietDecoder):
    """Reads one socket; what its messages mean, the platform's own decoder says."""

    HEARTBEAT: ClassVar[bytes]

    @abstractmethod
    def read_message(self, message: Any, found: Findings) -> None:
        """Read one command body and add what it yields; never raises."""

    @abstractmethod
    def turned_away(self, code: int) -> SourceError:
        """Return what it means that the server did not take our auth packet."""

    def let_in(self, found: Findings) -> None:
        """Answer a taken auth packet with the first heartbeat."""
        found.replies.append(self.HEARTBEAT)

    def heartbeat(self) -> Sequence[bytes]:
        """Return the heartbeat; the server closes after about a minute without one."""
        return (self.HEARTBEAT,)

    def feed(self, frame: Frame) -> Decoded:
        """Decode a WebSocket message, or as text one command body or an array of them."""
        data, found = frame.data, Findings(received_at_ms=frame.received_at_ms)
        if isinstance(data, str):
            self._read_text(data, found)
            return found
        packets, problems = unpack(data)
        for operation, body in packets:
            if operation == OP_MESSAGE:
                try:
                    message = parse_json(body, "body")
                except DecodeError as error:
                    found.rejected.append(error)
                else:
                    self.read_message(message, found)
            else:
                self._read_control(operation, body, found)
        if problems:
            found.rejected.extend(problems)
        return found

    def _read_text(self, data: str, found: Findings) -> None:
        try:
            value = parse_json(data, "body")
        except DecodeError as error:
            found.rejected.append(error)
            return
        for message in value if isinstance(value, list) else (value,):
            self.read_message(message, found)

    def _read_control(self, operation: int, body: bytes, found: Findings) -> None:
        if operation == OP_AUTH_REPLY:
            self._read_auth_reply(body, found)
        elif operation in (OP_AUTH, OP_HEARTBEAT):
            found.ignored.append(f"operation {operation}")
        elif operation != OP_HEARTBEAT_REPLY:  # that one tells a popularity which means nothing any more
            found.unknown.append(f"operation {operation}" if operation < 100 else "operation")

    def _read_auth_reply(self, body: bytes, found: Findings) -> None:
        try:
            code = optional_integer(parse_json(body, "auth reply"), "code") if body else 0
        except DecodeError as error:
            found.rejected.append(error)
            code = -1
        if code:
            found.end = self.turned_away(code)
        else:
            self.let_in(found)
