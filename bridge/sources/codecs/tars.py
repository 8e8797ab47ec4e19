"""TARS (also called JCE), the binary serialisation of Huya's socket: a bounded reader and a small writer.

Big endian. A field is a head byte, ``tag << 4 | type`` (tag 15: the tag is the next byte), and its value. A
struct is its fields; inside another value it stands between the types 10 and 11 (observed).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge.errors import DecodeError

MAX_DEPTH = 16
MAX_ITEMS = 10_000
"""Of one list or map."""

_INT8, _INT16, _INT32, _INT64, _FLOAT, _DOUBLE, _STRING1, _STRING4, _MAP, _LIST, _BEGIN, _END, _ZERO, _BYTES = range(14)

Value = tuple[Any, int]
"""A value and the position behind it."""


def read_struct(data: bytes, at: str = "tars") -> dict[int, Any]:
    """Return the fields of a struct by their tags.

    Numbers are ``int`` or ``float``, texts ``str``, byte lists ``bytes``, structs ``dict`` by tag, lists
    ``list``, maps lists of pairs. Raises ``DecodeError`` for what is cut off, too deep or no TARS at all.
    """
    # With an end mark of its own the outermost struct reads like a nested one, and whatever is cut off takes
    # that mark for its missing part, so that the end of the data is hit.
    marked = data + bytes([_END])
    try:
        found, end = _struct(marked, 0, 0)
    except (IndexError, struct.error):
        raise DecodeError(at, f"is cut off inside a struct ({len(data)} bytes)") from None
    except KeyError as unknown:
        raise DecodeError(at, f"has a value of unknown type {unknown}") from None
    except DecodeError as refused:
        raise DecodeError(at, refused.problem) from None
    if end < len(marked):
        raise DecodeError(at, f"has an end mark without a beginning (byte {end} of {len(data)})")
    return found


def _struct(data: bytes, pos: int, depth: int) -> tuple[dict[int, Any], int]:
    """Read fields up to the end mark. Every step consumes at least one byte."""
    if depth > MAX_DEPTH:
        raise DecodeError("", f"is nested more than {MAX_DEPTH} deep (byte {pos})")
    found: dict[int, Any] = {}
    while True:
        head = data[pos]
        pos += 1
        kind, tag = head & 15, head >> 4
        if tag == 15:
            tag = data[pos]
            pos += 1
        if kind == _ZERO:  # about every third field
            found[tag] = 0
        elif kind == _END:
            return found, pos
        else:
            found[tag], pos = _READERS[kind](data, pos, depth)


def _item(data: bytes, pos: int, depth: int) -> Value:
    """Read a value of a list or map, with its head."""
    head = data[pos]
    pos += 2 if head >> 4 == 15 else 1
    return _READERS[head & 15](data, pos, depth + 1)


def _number(layout: struct.Struct) -> Reader:
    unpack, size = layout.unpack_from, layout.size
    return lambda data, pos, _: (unpack(data, pos)[0], pos + size)


def _zero(_data: bytes, pos: int, _depth: int) -> Value:
    return 0, pos


def _short_text(data: bytes, pos: int, _depth: int) -> Value:
    end = pos + 1 + data[pos]
    return data[pos + 1 : end].decode("utf-8", "replace"), end


def _long_text(data: bytes, pos: int, _depth: int) -> Value:
    end = pos + 4 + int.from_bytes(data[pos : pos + 4], "big")
    return data[pos + 4 : end].decode("utf-8", "replace"), end


def _bytes(data: bytes, pos: int, depth: int) -> Value:
    size, start = _count(data, pos + 1, depth)  # behind the head of the bytes' own type
    return data[start : start + size], start + size


def _list(data: bytes, pos: int, depth: int) -> Value:
    items = []
    count, pos = _item_count(data, pos, depth)
    for _ in range(count):
        item, pos = _item(data, pos, depth)
        items.append(item)
    return items, pos


def _map(data: bytes, pos: int, depth: int) -> Value:
    pairs = []
    count, pos = _item_count(data, pos, depth)
    for _ in range(count):
        key, pos = _item(data, pos, depth)
        value, pos = _item(data, pos, depth)
        pairs.append((key, value))
    return pairs, pos


def _item_count(data: bytes, pos: int, depth: int) -> tuple[int, int]:
    if depth > MAX_DEPTH:
        raise DecodeError("", f"is nested more than {MAX_DEPTH} deep (byte {pos})")
    count, pos = _count(data, pos, depth)
    if count > MAX_ITEMS:
        raise DecodeError("", f"has a list of {count} items (byte {pos})")
    return count, pos


def _count(data: bytes, pos: int, depth: int) -> tuple[int, int]:
    kind = data[pos] & 15
    count, pos = _item(data, pos, depth) if kind in (_INT8, _INT16, _INT32, _ZERO) else (-1, pos)
    if count < 0:
        raise DecodeError("", f"has a length that is no number (byte {pos})")
    return count, pos


Reader = Callable[[bytes, int, int], Value]
"""Takes the data, the position of a value behind its head, and how deep it stands."""

_READERS: Mapping[int, Reader] = {
    _INT8: _number(struct.Struct(">b")),
    _INT16: _number(struct.Struct(">h")),
    _INT32: _number(struct.Struct(">i")),
    _INT64: _number(struct.Struct(">q")),
    _FLOAT: _number(struct.Struct(">f")),
    _DOUBLE: _number(struct.Struct(">d")),
    _STRING1: _short_text,
    _STRING4: _long_text,
    _MAP: _map,
    _LIST: _list,
    _BEGIN: lambda data, pos, depth: _struct(data, pos, depth + 1),
    _ZERO: _zero,
    _BYTES: _bytes,
}


def integer(tag: int, value: int) -> bytes:
    """Return an integer field in its shortest form."""
    if value == 0:
        return _head_bytes(tag, _ZERO)
    for kind, code, bits in ((_INT8, ">b", 7), (_INT16, ">h", 15), (_INT32, ">i", 31)):
        if -(1 << bits) <= value < 1 << bits:
            return _head_bytes(tag, kind) + struct.pack(code, value)
    return _head_bytes(tag, _INT64) + struct.pack(">q", value)


def text(tag: int, value: str) -> bytes:
    """Return a text field."""
    data = value.encode()
    if len(data) < 256:
        return _head_bytes(tag, _STRING1) + bytes([len(data)]) + data
    return _head_bytes(tag, _STRING4) + len(data).to_bytes(4, "big") + data


def data(tag: int, value: bytes) -> bytes:
    """Return a field of bytes."""
    return _head_bytes(tag, _BYTES) + _head_bytes(0, _INT8) + integer(0, len(value)) + value


def texts(tag: int, values: Iterable[str]) -> bytes:
    """Return a field that is a list of texts."""
    items = [text(0, value) for value in values]
    return _head_bytes(tag, _LIST) + integer(0, len(items)) + b"".join(items)


def _head_bytes(tag: int, kind: int) -> bytes:
    return bytes([tag << 4 | kind]) if tag < 15 else bytes([15 << 4 | kind, tag])
