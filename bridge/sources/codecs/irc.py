"""IRC lines with message tags (IRCv3), read as loosely as real servers and relays write them.

``[@tags SP] [:prefix SP] COMMAND [params] [:trailing]``. Tags come in any order, may be empty and may lack
their ``=``. A trailing parameter of one word may lack its ``:`` (observed from services that re-send lines).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from bridge.errors import DecodeError

MAX_LINES_PER_FRAME = 10_000

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPED = {":": ";", "s": " ", "r": "\r", "n": "\n"}


class IrcLine(Struct, frozen=True):
    """One line. ``tags`` are unescaped, ``params`` include the trailing one as their last."""

    tags: dict[str, str]
    prefix: str
    command: str
    params: Sequence[str]

    @property
    def nick(self) -> str:
        """The sender's nick; "" when a server speaks."""
        nick, mark, _ = self.prefix.partition("!")
        return nick if mark or "." not in nick else ""


def split_frame(data: bytes | str) -> list[str]:
    """Return the lines of one socket message: several may stand in it, each ended by CRLF, the last perhaps not.

    Only LF ends a line: a text may hold what Python takes for line ends. Raises ``DecodeError`` for a
    frame of more lines than any server packs together.
    """
    text = (data if isinstance(data, str) else data.decode("utf-8", "replace")).rstrip("\r\n")
    if "\n" not in text:
        return [text] if text else []
    lines = text.split("\n", MAX_LINES_PER_FRAME)
    if len(lines) > MAX_LINES_PER_FRAME:
        raise DecodeError("frame", f"holds more than {MAX_LINES_PER_FRAME} lines")
    return [line for line in (line.rstrip("\r") for line in lines) if line]


def parse_line(line: str) -> IrcLine:
    """Parse one line without its line end; ``DecodeError`` when it has no command."""
    rest = line
    tags: dict[str, str] = {}
    if rest.startswith("@"):
        raw, _, rest = rest.partition(" ")
        tags = _parse_tags(raw[1:])
        rest = rest.lstrip(" ")
    prefix = ""
    if rest.startswith(":"):
        prefix, _, rest = rest[1:].partition(" ")
    head, colon, trailing = rest.partition(" :")
    words = head.split(" ")
    if "" in words:
        words = [word for word in words if word]
    command = words.pop(0) if words else ""
    if not (command.isascii() and command.isalnum()):
        raise DecodeError("command", "is missing or no IRC command")
    if colon:
        words.append(trailing)
    return IrcLine(tags, prefix, command, words)


def unescape(value: str) -> str:
    r"""Return a tag's value in plain: ``\s`` space, ``\:`` semicolon, ``\r``, ``\n``, ``\\``.

    Any other escaped character stands for itself, a lone backslash at the end for nothing.
    """
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value)


def _parse_tags(raw: str) -> dict[str, str]:
    tags = {}
    for tag in raw.split(";"):
        name, _, value = tag.partition("=")
        tags[name] = value
    if "\\" in raw:
        tags = {name: unescape(value) for name, value in tags.items()}
    return tags
