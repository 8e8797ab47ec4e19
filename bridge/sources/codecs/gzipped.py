"""Payloads that may be gzip: told by their first bytes and unpacked within bounds."""

from __future__ import annotations

import zlib

from bridge.errors import DecodeError

_MAGIC = b"\x1f\x8b"  # neither protobuf nor JSON begins so
_WINDOW_BITS = 31  # zlib's way of asking for a gzip header


def unpacked(payload: bytes, max_bytes: int, at: str = "") -> bytes:
    """Return the payload, unpacked if it is gzip; ``DecodeError`` beyond ``max_bytes``."""
    if not payload.startswith(_MAGIC):
        if len(payload) > max_bytes:
            raise DecodeError(at, f"is longer than {max_bytes} bytes")
        return payload
    stream = zlib.decompressobj(_WINDOW_BITS)
    try:
        data = stream.decompress(payload, max_bytes + 1)
    except zlib.error:
        raise DecodeError(at, f"is broken gzip ({len(payload)} bytes)") from None
    if len(data) > max_bytes:
        raise DecodeError(at, f"unpacks to more than {max_bytes} bytes")
    if not stream.eof:
        raise DecodeError(at, "is gzip that ends early")
    return data
