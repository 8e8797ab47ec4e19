"""Bilibili's packets: the framing that every danmaku socket of the site speaks.

A packet is a header of 16 bytes, big endian, and a body: total length (4 bytes, header included),
header length (2), version (2), operation (4), sequence (4). Version 0 and 1 bodies are plain; a
version 2 (zlib) or 3 (brotli) body inflates to one or more whole packets laid end to end, which may
be compressed again. One WebSocket message may hold several packets. All of this was observed.

Nothing here raises for bad input: ``unpack`` returns what it could read beside what it could not.
"""

from __future__ import annotations

import struct
import zlib

import brotli  # type: ignore[import-untyped]

from bridge.errors import DecodeError

OP_HEARTBEAT = 2
OP_HEARTBEAT_REPLY = 3
OP_MESSAGE = 5
OP_AUTH = 7
OP_AUTH_REPLY = 8

VERSION_PLAIN = 0
VERSION_CONTROL = 1
VERSION_ZLIB = 2
VERSION_BROTLI = 3

MAX_INFLATED_BYTES = 16 * 1024 * 1024
"""What all compressed bodies of one frame may inflate to together."""
MAX_DEPTH = 4
"""How often a body may be compressed packets again; the site itself does it once."""
MAX_PACKETS = 10_000
"""Packets read of one frame: a bomb of empty packets would cost more than its bytes. Busy rooms send dozens."""

_HEADER = struct.Struct(">IHHII")
_HEADER_BYTES = 16
_BROTLI_BLOCK_BYTES = 1024 * 1024


Packet = tuple[int, bytes]
"""One plain packet: the operation that it is for, and its body."""


def pack(operation: int, body: bytes, *, version: int = VERSION_CONTROL, sequence: int = 1) -> bytes:
    """Return one packet. Clients send version 1 and sequence 1."""
    return _HEADER.pack(_HEADER_BYTES + len(body), _HEADER_BYTES, version, operation, sequence) + body


def pack_compressed(packets: bytes, version: int) -> bytes:
    """Return one message packet whose body is ``packets`` compressed as ``version`` (2 zlib, 3 brotli) says."""
    body = zlib.compress(packets) if version == VERSION_ZLIB else brotli.compress(packets, quality=5)
    return pack(OP_MESSAGE, body, version=version, sequence=0)


def unpack(frame: bytes) -> tuple[list[Packet], list[DecodeError]]:
    """Return the packets of a frame in order, compressed ones opened, and what could not be read.

    A fault costs only what follows it in its own body.
    """
    if len(frame) >= _HEADER_BYTES:
        total, header, version, operation, _ = _HEADER.unpack_from(frame)
        if total == len(frame) and header == _HEADER_BYTES and version <= VERSION_CONTROL:
            # By far the most frequent frame where nothing is compressed: one packet and nothing else.
            return [(operation, frame[header:])], []
    reader = _Reader()
    reader.read(frame, depth=0, cut=False)
    return reader.packets, reader.problems


class _Reader:
    """Reads one frame; what it may still inflate and open is counted over all its layers."""

    __slots__ = ("_inflatable_bytes", "_packets_left", "packets", "problems")

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.problems: list[DecodeError] = []
        self._inflatable_bytes = MAX_INFLATED_BYTES
        self._packets_left = MAX_PACKETS

    def read(self, data: bytes, *, depth: int, cut: bool) -> None:
        """Read packets laid end to end. ``cut`` data ends early for a reason that is told already."""
        offset, end = 0, len(data)
        while offset < end:
            left = end - offset
            if left < _HEADER_BYTES:
                return self._unreadable(f"{left} bytes are left, a header has {_HEADER_BYTES}", told=cut)
            total, header, version, operation, _ = _HEADER.unpack_from(data, offset)
            if header < _HEADER_BYTES or total < header:
                return self._unreadable(f"claims {total} bytes with a header of {header}")
            if total > left:
                return self._unreadable(f"claims {total} bytes, {left} are left", told=cut)
            if not self._packets_left:
                return None
            self._packets_left -= 1
            if not self._packets_left:
                return self._unreadable(f"is one of more than {MAX_PACKETS} in a frame")
            body = data[offset + header : offset + total]
            offset += total
            if version <= VERSION_CONTROL:
                self.packets.append((operation, body))
                if operation == OP_HEARTBEAT_REPLY:
                    # The server echoes the heartbeat's body behind this packet, outside its length.
                    return None
            elif version <= VERSION_BROTLI:
                self._open(body, version, depth + 1)
            else:
                self._unreadable(f"has version {version}, known are 0 to 3")
        return None

    def _open(self, body: bytes, version: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            return self._unreadable(f"is compressed more than {MAX_DEPTH} times")
        inflate = _inflate_zlib if version == VERSION_ZLIB else _inflate_brotli
        data, fault = inflate(body, self._inflatable_bytes)
        self._inflatable_bytes -= len(data)
        if fault:
            self._unreadable(fault)
        return self.read(data, depth=depth, cut=bool(fault))

    def _unreadable(self, problem: str, *, told: bool = False) -> None:
        if not told:
            self.problems.append(DecodeError("packet", problem))


def _inflate_zlib(body: bytes, limit_bytes: int) -> tuple[bytes, str]:
    """Return what the body inflates to, up to the limit, and what was wrong ("" if nothing)."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(body, limit_bytes + 1)
    except zlib.error:
        return b"", f"is not zlib ({len(body)} bytes)"
    if len(data) > limit_bytes:
        return data[:limit_bytes], f"inflates to more than {MAX_INFLATED_BYTES} bytes"
    return data, "" if stream.eof else "ends inside its zlib data"


def _inflate_brotli(body: bytes, limit_bytes: int) -> tuple[bytes, str]:
    """Return what the body inflates to, up to the limit, and what was wrong ("" if nothing)."""
    stream = brotli.Decompressor()
    try:
        data = stream.process(body, output_buffer_limit=_BROTLI_BLOCK_BYTES)
        while not stream.is_finished() and len(data) <= limit_bytes:
            block = stream.process(b"", output_buffer_limit=_BROTLI_BLOCK_BYTES)
            if not block:
                return data, "ends inside its brotli data"
            data += block
    except brotli.error:
        return b"", f"is not brotli ({len(body)} bytes)"
    if len(data) > limit_bytes:
        return data[:limit_bytes], f"inflates to more than {MAX_INFLATED_BYTES} bytes"
    return data, ""
