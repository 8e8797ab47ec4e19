"""Values that several of a room's messages share."""

from __future__ import annotations

import binascii
from typing import Any

from google.protobuf.message import DecodeError as ProtobufDecodeError
from google.protobuf.message import Message

from bridge.errors import DecodeError
from bridge.events import User
from bridge.sources.fields import mapping, optional_integer, optional_text, text


def viewer(uid: str, name: str, level: int = 0, badge: str = "", badge_level: int = 0) -> User:
    """Return a user. What guests are shown (uid 0, ``张***``) is nobody in particular."""
    if uid == "0" or "***" in name:
        return User("bilibili_0", name, level, badge, badge_level, masked=True)
    return User(f"bilibili_{uid}", name, level, badge, badge_level)


def medal_worn(medal: dict[str, Any]) -> tuple[str, int]:
    """Return name and level of the fan medal worn, which may be another anchor's; without one, "" and 0."""
    name = optional_text(medal, "medal_name")
    return (name, optional_integer(medal, "medal_level")) if name else ("", 0)


def message_id(message: dict[str, Any]) -> str:
    """Return the envelope's id, which not every message has."""
    return optional_text(message, "msg_id")


def read_protobuf(message: dict[str, Any], into: Message) -> None:
    """Read the base64 protobuf in ``data.pb``."""
    encoded = text(mapping(message, "data"), "pb", "data")
    try:
        into.ParseFromString(binascii.a2b_base64(encoded, strict_mode=True))
    except ValueError:
        raise DecodeError("data.pb", "is not base64") from None
    except ProtobufDecodeError:
        raise DecodeError("data.pb", "is not the protobuf that was expected") from None
