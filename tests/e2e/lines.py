"""A TCP line between the bridge and an emulator, which breaks in every way in which lines break."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

QUIET_SECS = 0.05
STALL_SECS = 1.0

_TORN_FRAME = b"\x82\x7e\x10\x00the rest of these 4096 bytes never comes"


def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


def _half_close(writer: asyncio.StreamWriter) -> None:
    writer.write_eof()


def _tear(writer: asyncio.StreamWriter) -> None:
    writer.write(_TORN_FRAME)
    writer.close()


WAYS: Mapping[str, Callable[[asyncio.StreamWriter], None]] = {
    "close": _close,
    "reset": _reset,
    "half-close": _half_close,
    "tear": _tear,
    "stall": _close,
}
"""How a line breaks; one that stalls is silent for a second before that."""


def _under_way_bytes(writer: asyncio.StreamWriter) -> int:
    """Return how many bytes the other end's kernel has not got yet; what it has got is delivered, read or not."""
    unacknowledged = fcntl.ioctl(writer.get_extra_info("socket"), termios.TIOCOUTQ, bytes(4))
    return writer.transport.get_write_buffer_size() + int.from_bytes(unacknowledged, sys.byteorder)


@dataclass(slots=True, eq=False)
class _Call:
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    held: bytearray = field(default_factory=bytearray)


class Line:
    """``async with Line(url)``: whoever connects to ``line.url`` talks to ``url``, until the line breaks."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._is_held = False
        self._passed_bytes = 0
        self._calls: list[_Call] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._called, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The socket's URL over this line."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return urlunsplit(self._target._replace(netloc=f"127.0.0.1:{port}"))

    def hold(self) -> None:
        """Let nothing through to the bridge for now."""
        self._is_held = True

    async def break_off(self, way: str) -> None:
        """Bring what was held, and break in the same breath. Who calls again has to wait for ``mend``."""
        self._is_whole.clear()
        await self._everything_sent()
        if way == "stall":
            await asyncio.sleep(STALL_SECS)
        for call in self._calls:
            call.near.write(bytes(call.held))
            while _under_way_bytes(call.near):
                await asyncio.sleep(0)
            WAYS[way](call.near)
            call.far.transport.abort()
        self._calls.clear()
        self._is_held = False

    def mend(self) -> None:
        """Put calls through again."""
        self._is_whole.set()

    async def _everything_sent(self) -> None:
        """Wait until nothing comes from the emulator any more."""
        seen = -1
        while seen != self._passed_bytes:
            seen = self._passed_bytes
            await asyncio.sleep(QUIET_SECS)

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._put_through(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _put_through(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as ended:
            ended.callback(near.transport.abort)
            await self._is_whole.wait()
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target.port)
            ended.callback(far.transport.abort)
            call = _Call(near, far)
            self._calls.append(call)
            await asyncio.gather(self._bring(far_reader, call), self._take(reader, far), return_exceptions=True)

    async def _bring(self, reader: asyncio.StreamReader, call: _Call) -> None:
        while data := await reader.read(65536):
            self._passed_bytes += len(data)
            if self._is_held:
                call.held += data
            else:
                call.near.write(data)

    async def _take(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            far.write(data)
