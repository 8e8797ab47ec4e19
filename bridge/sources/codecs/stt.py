"""Douyu's text serialisation (STT) and the frames that carry it.

STT is ``key@=value/`` pairs. Inside a value ``@`` is written ``@A`` and ``/`` is written ``@S``; a
nested message is such a value, escaped once more per level (vendor documentation; observed).
A frame is little endian: length, the same length again, kind, two unused bytes, the text, NUL. The
length does not count its own four bytes: the vendor's text says it does, real frames say it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

from bridge.errors import DecodeError

FROM_CLIENT = 689
FROM_SERVER = 690
_KINDS = frozenset({FROM_CLIENT, FROM_SERVER})

MAX_MESSAGE_BYTES = 1024 * 1024

_HEADER = Struct("<IIHH")
_LENGTH_BYTES = 4
_COUNTED_HEADER_BYTES = _HEADER.size - _LENGTH_BYTES
_LAST_BYTES = b"\0/"
"""What a frame ends with; the NUL may be left out."""


def parse(text: str) -> dict[str, str]:
    """Return the pairs of a message, values still escaped; ``value`` reads them.

    Items without ``@=`` are skipped. Raises ``DecodeError`` when nothing is a pair.
    """
    items = text.split("/")
    if not items[-1]:
        items.pop()  # what follows the last slash: nothing, in a whole message
    try:
        return dict([item.split("@=") for item in items])
    except ValueError:
        fields = dict(pair for item in items if len(pair := item.split("@=", 1)) == 2)
    if not fields:
        raise DecodeError("stt", f"holds no key@=value pair ({len(text)} characters)")
    return fields


def value(fields: Mapping[str, str], key: str, default: str = "") -> str:
    """Return the unescaped value of ``key``, or ``default``."""
    text = fields.get(key)
    if text is None:
        return default
    if "@" not in text:
        return text
    # In this order: "@AS" is an escaped "@S", not a slash.
    return text.replace("@S", "/").replace("@A", "@")


def serialise(fields: Mapping[str, str]) -> str:
    """Return ``fields`` as one message."""
    return "".join(f"{_escaped(key)}@={_escaped(text)}/" for key, text in fields.items())


def frame(text: str, kind: int = FROM_CLIENT) -> bytes:
    """Return one message as a frame."""
    body = text.encode() + b"\0"
    length = _COUNTED_HEADER_BYTES + len(body)
    return _HEADER.pack(length, length, kind, 0) + body


def _escaped(text: str) -> str:
    return text.replace("@", "@A").replace("/", "@S")


class FrameReader:
    """Cuts chunks into messages: a chunk may hold several frames, and a frame may span chunks.

    At most one unfinished frame is kept, ``MAX_MESSAGE_BYTES`` long. A header that cannot be true costs
    the rest of its chunk: the boundaries after it are lost. A chunk that begins with a true header ends
    the wait for an unfinished frame, so a length that claims too much swallows one frame and not the room.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> tuple[list[str], list[DecodeError]]:
        """Take a chunk; return the texts of the messages that it completed, and what could not be read."""
        texts: list[str] = []
        problems: list[DecodeError] = []
        if self._rest:
            if _begins_frame(chunk):
                problems.append(DecodeError("frame", f"is cut off after {len(self._rest)} bytes"))
                self._rest.clear()
            else:
                self._rest += chunk
                if not self._is_whole():
                    return texts, problems
                chunk = bytes(self._rest)
                self._rest.clear()
        at, size = 0, len(chunk)
        while size - at >= _HEADER.size:
            length, again, kind, _ = _HEADER.unpack_from(chunk, at)
            if length != again or not _plausible(length, kind):
                problems.append(DecodeError("frame.length", f"is not that of a frame ({length}, {again}, kind {kind})"))
                return texts, problems
            end = at + _LENGTH_BYTES + length
            if end > size:
                break
            if chunk[end - 1] in _LAST_BYTES:
                texts.append(chunk[at + _HEADER.size : end].rstrip(b"\0").decode("utf-8", "replace"))
            else:
                problems.append(DecodeError("frame", f"has no end mark after {length} bytes"))
            at = end
        if at < size:
            self._rest += chunk[at:]
        return texts, problems

    def _is_whole(self) -> bool:
        """Say whether the kept bytes can be cut: the announced length is there, or cannot be true."""
        if len(self._rest) < _HEADER.size:
            return False
        length, again, kind, _ = _HEADER.unpack_from(self._rest)
        return length != again or not _plausible(length, kind) or len(self._rest) >= length + _LENGTH_BYTES


def _plausible(length: int, kind: int) -> bool:
    return _COUNTED_HEADER_BYTES < length <= MAX_MESSAGE_BYTES and kind in _KINDS


def _begins_frame(chunk: bytes) -> bool:
    if len(chunk) < _HEADER.size:
        return False
    length, again, kind, unused = _HEADER.unpack_from(chunk)
    return length == again and unused == 0 and _plausible(length, kind)
