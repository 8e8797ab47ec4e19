"""TARS (also called JCE), the binary serialisation of Huya's socket: a bounded reader and a small writer.

Big endian. A field is a head byte, ``tag << 4 | type`` (tag 15: the tag is the next byte), and its value. A
struct is its fields; inside another value it stands between the types 10 and 11 (observed).
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, pack
from typing import Any

from bridge.errors import DecodeError

MAX_DEPTH = 16
MAX_ITEMS = 10_000
"""Of one list or map."""

_INT8, _INT16, _INT32, _INT64, _FLOAT, _DOUBLE, _STRING1, _STRING4, _MAP, _LIST, _BEGIN, _END, _ZERO, _BYTES = range(14)

_NUMBERS = {
    kind: (Struct(code).unpack_from, Struct(code).size)
    for kind, code in {_INT8: ">b", _INT16: ">h", _INT32: ">i", _INT64: ">q", _FLOAT: ">f", _DOUBLE: ">d"}.items()
}


def read_struct(data: bytes, at: str = "tars") -> dict[int, Any]:
    """Return the fields of a struct by their tags.

    Numbers are ``int`` or ``float``, texts ``str``, byte lists ``bytes``, structs ``dict`` by tag, lists
    ``list``, maps lists of pairs. Raises ``DecodeError`` for what is cut off, too deep or no TARS at all.
    """
    reader = _Reader(data, at)
    return reader.fields(0, whole=True)


class _Reader:
    """A position in bounded data. Every step consumes at least one byte."""

    __slots__ = ("_at", "_data", "_pos", "_size")

    def __init__(self, data: bytes, at: str) -> None:
        self._data = data
        self._pos = 0
        self._size = len(data)
        self._at = at

    def fields(self, depth: int, *, whole: bool = False) -> dict[int, Any]:
        """Read fields up to the struct's end mark, or to the end of the data where ``whole``."""
        found: dict[int, Any] = {}
        data, size = self._data, self._size
        while self._pos < size:
            # The head is read in place: a frame has a field every few bytes, most of them zeros and short texts.
            byte = data[self._pos]
            self._pos += 1
            kind = byte & 15
            tag = byte >> 4 if byte < 0xF0 else self._byte()
            if kind == _ZERO:
                found[tag] = 0
            elif kind == _END:
                if whole:
                    raise self._error("has an end mark without a beginning")
                return found
            else:
                found[tag] = self._value(kind, depth)
        if not whole:
            raise self._error("is cut off inside a struct")
        return found

    def _head(self) -> tuple[int, int]:
        byte = self._byte()
        tag = byte >> 4
        return (self._byte() if tag == 15 else tag), byte & 15

    def _value(self, kind: int, depth: int) -> Any:
        number = _NUMBERS.get(kind)
        if number is not None:
            unpack, size = number
            start = self._pos
            if size > self._size - start:
                raise self._error("is cut off")
            self._pos = start + size
            return unpack(self._data, start)[0]
        if kind == _STRING1:
            return self._raw(self._byte()).decode("utf-8", "replace")
        if kind == _STRING4:
            return self._raw(int.from_bytes(self._raw(4), "big")).decode("utf-8", "replace")
        if kind == _BYTES:
            self._head()
            return self._raw(self._count())
        if kind == _ZERO:
            return 0
        if depth >= MAX_DEPTH:
            raise self._error(f"is nested more than {MAX_DEPTH} deep")
        if kind == _BEGIN:
            return self.fields(depth + 1)
        if kind == _LIST:
            return [self._item(depth) for _ in range(self._items())]
        if kind == _MAP:
            return [(self._item(depth), self._item(depth)) for _ in range(self._items())]
        raise self._error(f"has a value of unknown type {kind}")

    def _item(self, depth: int) -> Any:
        return self._value(self._head()[1], depth + 1)

    def _items(self) -> int:
        count = self._count()
        if count > MAX_ITEMS:
            raise self._error(f"has a list of {count} items")
        return count

    def _count(self) -> int:
        kind = self._head()[1]
        count = self._value(kind, MAX_DEPTH) if kind in (_INT8, _INT16, _INT32, _ZERO) else -1
        if type(count) is not int or count < 0:
            raise self._error("has a length that is no number")
        return count

    def _byte(self) -> int:
        return self._data[self._skip(1)]

    def _raw(self, size: int) -> bytes:
        start = self._skip(size)
        return self._data[start : start + size]

    def _skip(self, size: int) -> int:
        start = self._pos
        if size > self._size - start:
            raise self._error("is cut off")
        self._pos = start + size
        return start

    def _error(self, problem: str) -> DecodeError:
        return DecodeError(self._at, f"{problem} (byte {self._pos} of {self._size})")


def integer(tag: int, value: int) -> bytes:
    """Return an integer field in its shortest form."""
    if value == 0:
        return _head_bytes(tag, _ZERO)
    for kind, code, bits in ((_INT8, ">b", 7), (_INT16, ">h", 15), (_INT32, ">i", 31)):
        if -(1 << bits) <= value < 1 << bits:
            return _head_bytes(tag, kind) + pack(code, value)
    return _head_bytes(tag, _INT64) + pack(">q", value)


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
