"""One connection to a room: the way in, and whether the login still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.errors import DecodeError, SourceError, SourceUnavailableError
from bridge.secret import Secret
from bridge.sources.codecs.bilibili_packets import OP_AUTH, OP_HEARTBEAT, pack
from bridge.sources.codecs.bilibili_socket import DanmakuDecoder, Findings
from bridge.sources.contract import NOTHING, Decoded, HttpAnswer, HttpCall, Notice, NoticeKind
from bridge.sources.fields import optional_integer
from bridge.sources.platforms.bilibili.messages import read_message

NOT_LOGGED_IN = -101

_LOGGED_OUT = Notice(
    NoticeKind.CREDENTIAL_WEAK, "cookie: is no longer logged in: the next connection would be a guest's"
)


@dataclass(frozen=True, slots=True)
class Pass:
    """What opens the socket: the token, and the identity of the session that fetched it."""

    room_id: int
    uid: int
    buvid: str
    token: Secret


class RoomDecoder(DanmakuDecoder):
    """Reads the socket of one room; ``notices`` are told once, when the server has let us in."""

    HEARTBEAT = pack(OP_HEARTBEAT, b"[object Object]")
    """What the site's own player sends, its slip included; the server takes any body."""

    def __init__(self, door: Pass | None = None, notices: Sequence[Notice] = ()) -> None:
        self._door = door
        self._notices = notices

    def greeting(self) -> Sequence[bytes]:
        """Return the auth packet, due within 5 seconds. Its ``uid`` must be the one that fetched the token."""
        if self._door is None:
            return ()
        body = {
            "uid": self._door.uid,
            "roomid": self._door.room_id,
            "protover": 3,
            "platform": "web",
            "type": 2,
            "buvid": self._door.buvid,
            "key": self._door.token.reveal(),
        }
        return (pack(OP_AUTH, orjson.dumps(body)),)

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take the site's word on whether we are still logged in."""
        try:
            code = optional_integer(answer.json(), "code")
        except DecodeError:
            return NOTHING
        return Decoded(notices=(_LOGGED_OUT,)) if code == NOT_LOGGED_IN else NOTHING

    def read_message(self, message: Any, found: Findings) -> None:
        """Read one command body."""
        read_message(message, found)

    def turned_away(self, code: int) -> SourceError:
        """Have the room located again: the token is no longer good."""
        return SourceUnavailableError(f"Bilibili refused the room's token (code {code}): a fresh one is needed")

    def let_in(self, found: Findings) -> None:
        """Tell what was found on the way in."""
        super().let_in(found)
        found.notices.extend(self._notices)
        self._notices = ()
