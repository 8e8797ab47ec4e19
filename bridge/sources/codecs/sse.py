"""Server-sent events (``text/event-stream``, WHATWG HTML 9.2): chunks in, events out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.errors import DecodeError

MAX_EVENT_BYTES = 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; ``name`` is ``message`` unless the server says otherwise."""

    data: str
    name: str = "message"
    id: str = ""


class EventStream:
    """Cuts a body into events. Comment lines, ``retry`` and events without data are passed over.

    An event or line beyond ``max_event_bytes`` is refused and passed over.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._parts: list[bytes] = []
        self._rest_bytes = 0
        self._started = False
        self._line_too_long = False
        self._name = ""
        self._data: list[str] = []
        self._data_bytes = 0
        self._event_too_long = False
        self._last_id = ""

    def feed(self, chunk: bytes) -> tuple[list[ServerSentEvent], list[DecodeError]]:
        """Take a chunk; return the events that it completed, and what could not be kept."""
        events: list[ServerSentEvent] = []
        problems: list[DecodeError] = []
        for line in self._lines(chunk, problems):
            if line:
                self._take(line, problems)
                continue
            if self._data and not self._event_too_long:
                events.append(ServerSentEvent("\n".join(self._data), self._name or "message", self._last_id))
            self._data, self._data_bytes, self._name, self._event_too_long = [], 0, "", False
        return events, problems

    def _lines(self, chunk: bytes, problems: list[DecodeError]) -> list[bytes]:
        if not (b"\n" in chunk or b"\r" in chunk or (self._parts and self._parts[-1].endswith(b"\r"))):
            self._keep(chunk, problems)
            return []
        text = b"".join([*self._parts, chunk])
        self._parts, self._rest_bytes = [], 0
        # A CR at the end may be half of a CR LF; the line is whole once the next byte is there.
        held = b"\r" if text.endswith(b"\r") else b""
        lines = _LINE_END.split(text[: len(text) - len(held)])
        rest = lines.pop() + held
        if lines and self._line_too_long:
            self._line_too_long = False
            self._event_too_long = True
            del lines[0]
        self._keep(rest, problems)
        if lines and not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def _keep(self, part: bytes, problems: list[DecodeError]) -> None:
        self._rest_bytes += len(part)
        if self._rest_bytes > self._max_event_bytes:
            if not self._line_too_long:
                problems.append(DecodeError("stream", f"holds a line of more than {self._max_event_bytes} bytes"))
            self._line_too_long = True
            self._parts, self._rest_bytes = [], 0
            part = part[-1:]
        if part:
            self._parts.append(part)

    def _take(self, line: bytes, problems: list[DecodeError]) -> None:
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data_bytes += len(line)
            if self._data_bytes > self._max_event_bytes:
                if not self._event_too_long:
                    problems.append(DecodeError("stream", f"holds an event of more than {self._max_event_bytes} bytes"))
                self._event_too_long, self._data = True, []
            else:
                self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._last_id = value
