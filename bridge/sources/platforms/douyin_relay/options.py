"""What a relay source can be given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bridge.sources.contract import SourceOptions

AUTO: Final = "auto"
DOUYIN_BARRAGE_GRAB: Final = "douyin_barrage_grab"
BARRAGE_GRAB: Final = "barrage_grab"
DOUYIN_LIVE: Final = "douyin_live"
DYCAST: Final = "dycast"

DEFAULT_URL = "ws://127.0.0.1:8888"
DOUYIN_LIVE_URL = "ws://127.0.0.1:1088/ws/"


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A relay on the operator's machine. `room` lets only one of its rooms through, by RoomId or web room number."""

    websocket_url: str = ""
    """The relay's socket; ws://127.0.0.1:8888 where left out, and douyinLive's own address with its dialect and a room."""

    dialect: Literal["auto", "douyin_barrage_grab", "barrage_grab", "douyin_live", "dycast"] = "auto"
    """Which program the relay is, where its messages do not tell: two of them number theirs differently."""

    @property
    def url(self) -> str:
        """The socket to connect to."""
        if not self.websocket_url and self.dialect == DOUYIN_LIVE and self.room:
            return f"{DOUYIN_LIVE_URL}{self.room}"
        return self.websocket_url or DEFAULT_URL
