"""TikTok's bytes written by hand, so that the decoder's schema is not its own witness."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import Any

Fields = Mapping[int, Any]
"""By number: an integer, text, bytes, a nested message, or a list of these."""

GRADE, FANS, SUBSCRIBER = 8, 10, 4
DISPLAY_ID, BADGES = 38, 64


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encoded(fields: Fields) -> bytes:
    """Return a protobuf message: integers as varints, the rest with its length; a list repeats its field."""
    out = bytearray()
    for number, values in fields.items():
        for value in values if isinstance(values, list | tuple) else [values]:
            if isinstance(value, int):
                out += varint(number << 3) + varint(value)
            else:
                data = (
                    value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else encoded(value)
                )
                out += varint(number << 3 | 2) + varint(len(data)) + data
    return bytes(out)


def common(method: str, msg_id: int, at_ms: int) -> Fields:
    return {1: method, 2: msg_id, 3: 7300000000000000001, 4: at_ms}


def badge(scene: int, level: int, text: str = "") -> Fields:
    return {1: 4, 3: scene, 12: {1: "2", 5: str(level)}, **({23: {1: 4, 4: text}} if text else {})}


def user(user_id: int = 11, name: str = "Mira", badges: Sequence[Fields] = (), handle: str = "mira.live") -> Fields:
    return {1: user_id, 3: name, DISPLAY_ID: handle, 46: "MS4w", BADGES: list(badges)}


def chat(text: str, msg_id: int, at_ms: int, who: Fields | None = None) -> bytes:
    return encoded({1: common("WebcastChatMessage", msg_id, at_ms), 2: who or user(), 3: text, 14: "en"})


def member(msg_id: int, at_ms: int, who: Fields | None = None, action: int = 1) -> bytes:
    return encoded({1: common("WebcastMemberMessage", msg_id, at_ms), 2: who or user(), 3: 4221, 10: action})


def like(count: int, msg_id: int, at_ms: int, who: Fields | None = None) -> bytes:
    return encoded({1: common("WebcastLikeMessage", msg_id, at_ms), 2: count, 3: 90210, 5: who or user()})


def gift(
    repeat: int,
    msg_id: int,
    at_ms: int,
    *,
    group_id: int = 0,
    ended: bool = False,
    kind: int = 1,
    diamonds: int = 5,
    name: str = "Paper Crane",
    pack: int = 1,
    who: Fields | None = None,
) -> bytes:
    return encoded(
        {
            1: common("WebcastGiftMessage", msg_id, at_ms),
            2: 5487,
            4: pack,
            5: repeat,
            6: repeat,
            7: who or user(),
            8: user(99, "Host"),
            **({9: 1} if ended else {}),
            **({11: group_id} if group_id else {}),
            15: {5: 5487, 11: kind, 12: diamonds, 16: name},
        }
    )


def social(action: int, msg_id: int, at_ms: int, who: Fields | None = None) -> bytes:
    key = {1: "pm_main_follow_message_viewer_2", 3: "pm_mt_guidance_share"}[action]
    return encoded({1: {**common("WebcastSocialMessage", msg_id, at_ms), 8: {1: key}}, 2: who or user(), 4: action})


def subscription(msg_id: int, at_ms: int, months: int = 4, who: Fields | None = None) -> bytes:
    return encoded({1: common("WebcastSubNotifyMessage", msg_id, at_ms), 2: who or user(), 4: months})


def viewers(now: int, ever: int, msg_id: int, at_ms: int) -> bytes:
    return encoded({1: common("WebcastRoomUserSeqMessage", msg_id, at_ms), **({3: now} if now else {}), 7: ever})


def control(action: int, msg_id: int, at_ms: int) -> bytes:
    return encoded({1: common("WebcastControlMessage", msg_id, at_ms), 2: action})


def envelope(method: str, payload: bytes, msg_id: int = 0, *, is_history: bool = False) -> Fields:
    return {1: method, 2: payload, **({3: msg_id} if msg_id else {}), **({6: 1} if is_history else {})}


def fetch_result(
    messages: Sequence[Fields] = (),
    *,
    push_server: str = "",
    route_params: Mapping[str, str] | None = None,
    internal_ext: str = "internal_src:dim|wss_push_room_id:1",
    need_ack: bool = False,
) -> bytes:
    return encoded(
        {
            1: list(messages),
            2: "t-1700000000000_r-1",
            3: 1000,
            4: 1_700_000_000_000,
            5: internal_ext,
            7: [{1: key, 2: value} for key, value in (route_params or {}).items()],
            8: 10_000,
            **({9: 1} if need_ack else {}),
            **({10: push_server} if push_server else {}),
        }
    )


def push(payload: bytes, payload_type: str = "msg", *, log_id: int = 41, packed: bool = True) -> bytes:
    headers = [{1: "compress_type", 2: "gzip"}] if packed else [{1: "im-cursor", 2: "0"}]
    body = gzip.compress(payload, mtime=0) if packed else payload
    return encoded({1: 3, 2: log_id, 3: 9, 4: 8, 5: headers, 6: "pb", 7: payload_type, 8: body})


def pushed(*messages: Fields, need_ack: bool = False, packed: bool = True, log_id: int = 41) -> bytes:
    """Return one socket frame with these messages."""
    return push(fetch_result(messages, need_ack=need_ack), log_id=log_id, packed=packed)
