"""Server-sent events (``text/event-stream``, WHATWG HTML 9.2): chunks in, events out."""

from __future__ import annotations

from bridge.errors import DecodeError

MAX_EVENT_BYTES = 1024 * 1024

_BOM = b"\xef\xbb\xbf"


class EventStream:
    """Cuts a body into events. Comment lines, ids, ``retry`` and events without data are passed over.

    An event or line beyond ``max_event_bytes`` is refused and passed over.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._started = False
        self._after_cr = False
        self._parts: list[bytes] = []
        self._rest_bytes = 0
        self._name = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._too_long = False

    def feed(self, chunk: bytes) -> tuple[list[tuple[str, bytes]], list[DecodeError]]:
        """Take a chunk; return name and data of the events that it completed, and what could not be kept.

        An event's name is ``message`` unless the server says otherwise.
        """
        events: list[tuple[str, bytes]] = []
        problems: list[DecodeError] = []
        name, data, data_bytes = self._name, self._data, self._data_bytes
        for line in self._lines(chunk, problems):
            if line:
                field, _, value = line.partition(b":")
                if field == b"data":
                    data.append(value.removeprefix(b" "))
                    data_bytes += len(line)
                    if data_bytes > self._max_event_bytes:
                        self._refuse(problems)
                        data.clear()
                elif field == b"event":
                    name = value.removeprefix(b" ").decode("utf-8", "replace")
                continue
            if data and not self._too_long:
                events.append((name or "message", b"\n".join(data)))
            name, data, data_bytes, self._too_long = "", [], 0, False
        self._name, self._data, self._data_bytes = name, data, data_bytes
        return events, problems

    def _lines(self, chunk: bytes, problems: list[DecodeError]) -> list[bytes]:
        """Return the lines that end in this chunk; what follows them is kept."""
        if self._after_cr and chunk:
            # The CR has ended its line already; an LF after it belongs to it.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        lines = chunk.splitlines()
        rest = b""
        if lines and not chunk.endswith(b"\n"):
            self._after_cr = chunk.endswith(b"\r")
            if not self._after_cr:
                rest = lines.pop()
        if lines and self._parts:
            lines[0] = b"".join([*self._parts, lines[0]])
            self._parts, self._rest_bytes = [], 0
        if lines and not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(_BOM)
        if rest:
            self._keep(rest, problems)
        return lines

    def _keep(self, rest: bytes, problems: list[DecodeError]) -> None:
        """Keep the beginning of a line; of one that is too long its last byte, so that its end is no empty line."""
        self._parts.append(rest)
        self._rest_bytes += len(rest)
        if self._rest_bytes > self._max_event_bytes:
            self._parts, self._rest_bytes = [rest[-1:]], 1
            self._refuse(problems)

    def _refuse(self, problems: list[DecodeError]) -> None:
        """Pass over the event that is being read: it is too long."""
        if not self._too_long:
            self._too_long = True
            problems.append(DecodeError("stream", f"holds an event of more than {self._max_event_bytes} bytes"))
