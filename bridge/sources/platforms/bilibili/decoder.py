"""One connection to a room: auth, heartbeats, and the packets in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from bridge.errors import DecodeError, SourceUnavailableError
from bridge.secret import Secret
from bridge.sources.codecs.bilibili_packets import (
    OP_AUTH,
    OP_AUTH_REPLY,
    OP_HEARTBEAT,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    pack,
    unpack,
)
from bridge.sources.contract import NOTHING, Decoded, Frame, HttpAnswer, HttpCall, Notice, NoticeKind, QuietDecoder
from bridge.sources.fields import optional_integer, parse_json
from bridge.sources.platforms.bilibili.findings import Findings
from bridge.sources.platforms.bilibili.messages import read_message

_HEARTBEAT = pack(OP_HEARTBEAT, b"[object Object]")
"""What the site's own player sends, its slip included; the server takes any body."""

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


class RoomDecoder(QuietDecoder):
    """Reads the socket of one room; ``notices`` are told once, when the server has let us in."""

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

    def heartbeat(self) -> Sequence[bytes]:
        """Return the heartbeat; the server closes after about a minute without one."""
        return (_HEARTBEAT,)

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take the site's word on whether we are still logged in."""
        try:
            code = optional_integer(answer.json(), "code")
        except DecodeError:
            return NOTHING
        return Decoded(notices=(_LOGGED_OUT,)) if code == NOT_LOGGED_IN else NOTHING

    def feed(self, frame: Frame) -> Decoded:
        """Decode a WebSocket message, or as text one command body or an array of them."""
        found = Findings(frame.received_at_ms)
        if isinstance(frame.data, str):
            self._read_text(frame.data, found)
            return found
        packets, problems = unpack(frame.data)
        for operation, body in packets:
            if operation == OP_MESSAGE:
                try:
                    message = parse_json(body, "body")
                except DecodeError as error:
                    found.rejected.append(error)
                else:
                    read_message(message, found)
            else:
                self._read_control(operation, body, found)
        found.rejected.extend(problems)
        return found

    def _read_text(self, data: str, found: Findings) -> None:
        try:
            value = parse_json(data, "body")
        except DecodeError as error:
            found.rejected.append(error)
            return
        for message in value if isinstance(value, list) else (value,):
            read_message(message, found)

    def _read_control(self, operation: int, body: bytes, found: Findings) -> None:
        if operation == OP_AUTH_REPLY:
            self._read_auth_reply(body, found)
        elif operation in (OP_AUTH, OP_HEARTBEAT):
            found.ignored.append(f"operation {operation}")
        elif operation != OP_HEARTBEAT_REPLY:  # that one tells a popularity which means nothing any more
            found.unknown.append(f"operation {operation}" if operation < 100 else "operation")

    def _read_auth_reply(self, body: bytes, found: Findings) -> None:
        try:
            code = optional_integer(parse_json(body, "auth reply"), "code") if body else 0
        except DecodeError as error:
            found.rejected.append(error)
            code = -1
        if code:
            found.end = SourceUnavailableError(
                f"Bilibili refused the room's token (code {code}): a fresh one is needed"
            )
            return
        found.replies.append(_HEARTBEAT)
        found.notices.extend(self._notices)
        self._notices = ()
