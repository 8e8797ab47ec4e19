"""TikTok's socket: frames in, acknowledgements and heartbeats out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import orjson

from bridge.errors import DecodeError, SourceAuthError, SourceError
from bridge.sources.codecs import tiktok_pb2 as wire
from bridge.sources.codecs.gzipped import unpacked
from bridge.sources.contract import Decoded, Frame, QuietDecoder
from bridge.sources.fields import optional_text
from bridge.sources.platforms.tiktok.messages import decode_messages, label, parse, text

MAX_PAYLOAD_BYTES = 2 * 1024 * 1024
"""Of one frame, unpacked; real ones stay below 300 kB. It also bounds how many messages are built at once."""

_LIVE_ID = 12

FRAME_TYPES = frozenset({"hb", "ack", "im_enter_room", "im_enter_room_resp", "close"})
"""Frames that carry no messages."""

_TYPES_ON_THE_WIRE = frozenset(name.encode() for name in (*FRAME_TYPES, "msg"))


class WebcastDecoder(QuietDecoder):
    """One socket connection to one live.

    ``backlog`` is what the signer's answer told already: the socket goes on after it. It is told with the first
    messages of the socket. ``unsigned`` says that no signer vouched for us, which explains a socket that closes
    without a word.
    """

    def __init__(
        self, room_id: int, cursor: bytes = b"", backlog: Sequence[wire.Envelope] = (), *, unsigned: bool = False
    ) -> None:
        self._room_id = room_id
        self._cursor = cursor
        self._backlog = backlog
        self._unsigned = unsigned
        self._heartbeats = 0
        self._was_served = False

    def greeting(self) -> list[bytes | str]:
        """Enter the room; the first heartbeat goes with it."""
        enter = wire.EnterRoom(
            room_id=self._room_id,
            live_id=_LIVE_ID,
            identity="audience",
            cursor=self._cursor,
            filter_welcome_message="0",
        )
        return [_frame(b"im_enter_room", enter.SerializeToString()), *self.heartbeat()]

    def heartbeat(self) -> list[bytes | str]:
        """Say that we are there; the packet number rises."""
        self._heartbeats += 1
        beat = wire.HeartBeat(room_id=self._room_id, packet_seq_id=self._heartbeats)
        return [_frame(b"hb", beat.SerializeToString())]

    def feed(self, frame: Frame) -> Decoded:
        """Decode one binary frame; the acknowledgement it asks for is in ``replies``."""
        if isinstance(frame.data, str):
            return Decoded(rejected=[DecodeError("frame", "is text, binary expected")])
        try:
            push = parse(wire.PushFrame, frame.data, "frame")
            return self._pushed(push, frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=[error])

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Blame the missing signature where TikTok hung up before it served anything."""
        if self._was_served or not self._unsigned:
            return None
        return SourceAuthError(
            f"sign_url: TikTok closed the unsigned connection unserved (code {code}): name a signer, or set cookie"
        )

    def _pushed(self, push: wire.PushFrame, received_at_ms: int) -> Decoded:
        name = text(push.payload_type)
        if name != "msg":
            if name in FRAME_TYPES:
                return Decoded(ignored=[f"frame {name}"])
            if not name:
                raise DecodeError("frame.payload_type", "is missing, a name expected")
            return Decoded(unknown=[f"frame {label(name)}"])
        result = parse(wire.FetchResult, unpacked(push.payload, MAX_PAYLOAD_BYTES, "frame.payload"), "frame.payload")
        self._was_served = True
        messages: Sequence[wire.Envelope] = result.messages
        if self._backlog:
            messages, self._backlog = [*self._backlog, *messages], ()
        found = decode_messages(messages, received_at_ms)
        if result.need_ack:
            found.replies.append(_frame(b"ack", result.internal_ext, push.log_id))
        return found


class OfflineDecoder(WebcastDecoder):
    """Reads what captures hold: whole frames, the signer's answers, bare payloads.

    As text: base64 of any of these, or an object that names a bare payload:
    ``{"method": "WebcastChatMessage", "payload": "<base64>"}`` (``eventData`` is read like ``payload``).
    """

    def __init__(self) -> None:
        super().__init__(0)

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame, answer or bare message."""
        try:
            method, data = ("", frame.data) if isinstance(frame.data, bytes) else _written(frame.data)
            return self._read(method, data, frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=[error])

    def _read(self, method: str, data: bytes, received_at_ms: int) -> Decoded:
        if method:
            return _bare(method, data, received_at_ms)
        push = parse(wire.PushFrame, data, "frame")
        if push.payload_type in _TYPES_ON_THE_WIRE:
            return self._pushed(push, received_at_ms)
        # The other two begin alike, but a payload's first field holds a number where an envelope holds bytes: what is
        # of the other kind is skipped by the parser.
        common = parse(wire.Bare, data, "frame").common
        if common.method and common.msg_id:
            return _bare(text(common.method), data, received_at_ms)
        if common.method:
            return decode_messages(parse(wire.FetchResult, data, "frame").messages, received_at_ms)
        return Decoded(unknown=["(no name)"])


def _frame(payload_type: bytes, payload: bytes, log_id: int = 0) -> bytes:
    return wire.PushFrame(
        log_id=log_id, payload_encoding=b"pb", payload_type=payload_type, payload=payload
    ).SerializeToString()


def _bare(method: str, payload: bytes, received_at_ms: int) -> Decoded:
    if not method:
        return Decoded(unknown=["(no name)"])
    envelope = wire.Envelope(method=method.encode("utf-8", "replace"), payload=payload)
    return decode_messages([envelope], received_at_ms)


def _written(data: str) -> tuple[str, bytes]:
    method, encoded = "", data
    if data.lstrip().startswith("{"):
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise DecodeError("", "is not JSON") from None
        method = optional_text(value, "method") or optional_text(value, "type")
        encoded = optional_text(value, "payload") or optional_text(value, "eventData")
    try:
        return method, base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise DecodeError("payload", "is not base64") from None
