"""Recordings: a room's events in a file, one ``LiveEvent`` as on the wire a line, plain or gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson
import typer

from bridge.errors import ConfigError, DecodeError

T = TypeVar("T")

MAX_LINE_BYTES = 64 * 1024
"""An event on the wire has at most 4096 characters of content, which JSON may escape twice."""

MAX_NAMED = 100
_GZIP = b"\x1f\x8b"
_FORM = "one LiveEvent as on the wire a line, .gz allowed"


class Recording:
    """Reads a recording event by event. A line that cannot be read is named on standard error and ``unreadable``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable = 0

    def events(self, read: Callable[[Any], T]) -> Iterator[T]:
        """Yield what ``read`` makes of each line's JSON; it raises ``DecodeError`` for what is no event.

        Raises ``ConfigError`` when the file cannot be opened. What breaks off later ends there, and is named too.
        """
        with self._opened() as file:
            for number, line in self._lines(file):
                try:
                    yield read(_value(line))
                except DecodeError as error:
                    self._name(number, str(error))

    def summary(self) -> str:
        """Say how many lines could not be read, "" if there are none."""
        return f"{self.path}: {self.unreadable} line(s) could not be read" if self.unreadable else ""

    def _opened(self) -> IO[bytes] | gzip.GzipFile:
        try:
            file = self.path.open("rb")
            if file.read(len(_GZIP)) == _GZIP:
                file.close()
                return gzip.open(self.path)
            file.seek(0)
        except OSError as error:
            raise ConfigError([f"{self.path}: cannot be read ({error.strerror}): {_FORM}"]) from None
        return file

    def _lines(self, file: IO[bytes] | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
        number = 0
        while True:
            number += 1
            try:
                line = file.readline(MAX_LINE_BYTES + 1)
                if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                    self._name(number, f"is longer than {MAX_LINE_BYTES} bytes")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_LINE_BYTES)
                    if line:
                        continue
            except (OSError, EOFError, zlib.error):
                self._name(number, "the file is damaged from here on")
                return
            if not line:
                return
            if line.strip():
                yield number, line

    def _name(self, number: int, problem: str) -> None:
        self.unreadable += 1
        if self.unreadable <= MAX_NAMED:
            typer.echo(f"{self.path}: line {number}: {problem}: {_FORM}", err=True)


def _value(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise DecodeError("", "is not JSON") from None
