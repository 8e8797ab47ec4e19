"""What a Bilibili source can be given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bridge.secret import Secret
from bridge.sources.contract import SourceOptions

_ROOM = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A Bilibili room. ``room`` is the number in its address, live.bilibili.com/21452505; short numbers are fine."""

    cookie: Secret = field(default_factory=Secret)
    """Cookie of a logged-in account, at least ``SESSDATA=…``. Without it names are masked and most events are missing."""
    api_base: str = ""
    """Replaces scheme, host and port of every HTTP call, whichever of the site's hosts it is for."""
    websocket_url: str = ""
    """Replaces the address of the danmaku socket."""

    def __post_init__(self) -> None:
        """Refuse a room that is no number."""
        if not _ROOM.fullmatch(self.room):
            raise ValueError("room: is not a room number: the digits in the room's address, live.bilibili.com/<room>")
