"""An endless body of JSON objects, cut anywhere.

One object a line, objects one after the other, or an array that never ends: servers that push JSON over HTTP
disagree about the framing, so none is assumed.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from bridge.errors import DecodeError
from bridge.sources.fields import parse_json

MAX_OBJECT_BYTES = 4 * 1024 * 1024

_BETWEEN = b" \t\r\n,[]\xef\xbb\xbf"

# Up to the next brace, past whole strings; or up to a quote whose string has not ended yet.
_OUTSIDE = re.compile(rb'[^"{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}]*+)*+["{}]', re.DOTALL)
# Up to what ends a string, or to a backslash whose other half is missing.
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_QUOTE, _OPEN = b'"{'


class JsonObjects:
    """Reads a body's top-level objects; strings may hold braces and quotes.

    At most one unfinished object is kept, up to ``max_object_bytes``; a longer one is read past and refused.
    Each byte is looked at once or twice, however small the chunks are.
    """

    def __init__(self, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        self._max_object_bytes = max_object_bytes
        self._buffer = bytearray()
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._oversized = False

    def feed(self, chunk: bytes) -> tuple[list[Any], list[DecodeError]]:
        """Take a chunk; return the objects that it completed, parsed, and what could not be read."""
        if not self._buffer and not self._depth and (whole := self._whole_object(chunk)) is not None:
            return [whole], []
        objects: list[Any] = []
        problems: list[DecodeError] = []
        self._buffer += chunk
        while self._scanned < len(self._buffer):
            if self._depth == 0:
                self._find_beginning(problems)
            elif self._find_end():
                self._complete(objects, problems)
            else:
                break
        self._refuse_oversized(len(self._buffer), problems)
        if self._oversized:
            self._forget_scanned()
        return objects, problems

    def _whole_object(self, chunk: bytes) -> Any:
        """Return the object that a chunk is; mostly one push is one chunk, and that needs no scanning."""
        if not chunk.startswith(b"{") or len(chunk) > self._max_object_bytes:
            return None
        try:
            return orjson.loads(chunk)
        except orjson.JSONDecodeError:
            return None

    def _find_beginning(self, problems: list[DecodeError]) -> None:
        begin = self._buffer.find(b"{")
        between = self._buffer[:begin] if begin >= 0 else self._buffer[:]
        if between.strip(_BETWEEN) and not problems:
            problems.append(DecodeError("stream", f"holds {len(between)} bytes that are no JSON object"))
        self._scanned = len(between)
        self._forget_scanned()
        if begin >= 0:
            self._depth = self._scanned = 1

    def _find_end(self) -> bool:
        """Scan on; ``True`` when the object's last byte has been scanned."""
        buffer, pos = self._buffer, self._scanned
        while True:
            if self._in_string:
                match = _IN_STRING.match(buffer, pos)
                assert match is not None  # it matches nothing at all, too
                pos = match.end()
                if pos == len(buffer) or buffer[pos] != _QUOTE:
                    self._scanned = pos
                    return False
                self._in_string = False
                pos += 1
            match = _OUTSIDE.match(buffer, pos)
            if match is None:
                self._scanned = len(buffer)
                return False
            pos = match.end()
            byte = buffer[pos - 1]
            if byte == _QUOTE:
                self._in_string = True
                continue
            self._depth += 1 if byte == _OPEN else -1
            if self._depth == 0:
                self._scanned = pos
                return True

    def _complete(self, objects: list[Any], problems: list[DecodeError]) -> None:
        self._refuse_oversized(self._scanned, problems)
        if not self._oversized:
            try:
                objects.append(parse_json(bytes(self._buffer[: self._scanned]), "stream"))
            except DecodeError as error:
                problems.append(error)
        self._oversized = False
        self._forget_scanned()

    def _refuse_oversized(self, size_bytes: int, problems: list[DecodeError]) -> None:
        if size_bytes > self._max_object_bytes and not self._oversized:
            self._oversized = True
            problems.append(DecodeError("stream", f"holds an object of more than {self._max_object_bytes} bytes"))

    def _forget_scanned(self) -> None:
        del self._buffer[: self._scanned]
        self._scanned = 0
