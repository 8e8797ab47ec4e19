"""Kuaishou's push bodies and the items in them.

``{"event", "app_id", "timestamp", "data": {"unique_message_id", "room_code", "push_type", "payload": […]}}``;
``payload`` may also be the array's JSON text. The query for lost gifts tells the same in camel case (read from
a program's source).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Gift, Like, LiveEvent, User, plausible_timestamp_ms
from bridge.sources.contract import Decoded
from bridge.sources.fields import (
    as_integer,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_text,
    parse_json,
    sequence,
    text,
)

SITE = "kuaishou"
CURRENCY = "kuaicoin"
"""快币, ten to the yuan."""

DATA_EVENT = "LIVE_INTERACTION_DATA"
TEST_EVENT = "LIVE_INTERACTION_DATA_TEST"
TEST_PREFIXES = ("test_", "stress_")
"""What the ids of the platform's self-test and load test begin with (vendor documentation)."""

MAX_NAME_CHARS = 64
"""What an unknown type is cut to: it becomes a label."""


def _user(item: dict[str, Any]) -> User:
    user = optional_mapping(item, "userInfo")
    user_id = optional_text(user, "userId")
    return User(f"{SITE}_{user_id or 0}", optional_text(user, "userName"), masked=not user_id)


def _comment(item: dict[str, Any]) -> Content:
    return Comment(_user(item), text(item, "content"))


def _like(item: dict[str, Any]) -> Content:
    return Like(_user(item), max(optional_integer(item, "count", 1), 1))


def _gift(item: dict[str, Any]) -> Content:
    count = integer(item, "giftCount")
    if count < 1:
        raise DecodeError("giftCount", "is not positive")
    unit, total = as_integer(item.get("giftUnitPrice")), as_integer(item.get("giftTotalPrice"))
    if (unit or 0) < 0 or (total or 0) < 0:
        raise DecodeError("giftTotalPrice", "is negative")
    priced = unit is not None or total is not None
    if total is None:
        total = (unit or 0) * count
    if unit is None:
        unit = total // count
    name = optional_text(item, "giftName") or optional_text(item, "giftId")
    return Gift(_user(item), name, count, unit, total, CURRENCY, priced)


MESSAGES: dict[str, Callable[[dict[str, Any]], Content]] = {
    "liveComment": _comment,
    "liveLike": _like,
    "giftSend": _gift,
}


@dataclass(slots=True)
class Collected:
    """What decoding yields, bit by bit."""

    events: list[LiveEvent] = field(default_factory=list)
    rejected: list[DecodeError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def decoded(self) -> Decoded:
        """Return it as the contract wants it."""
        return Decoded(events=self.events, rejected=self.rejected, ignored=self.ignored, unknown=self.unknown)


class Shape(NamedTuple):
    """Where a message stands in its body, and how its id, room and type are spelled there."""

    at: str
    message_id: str
    room_code: str
    push_type: str


def sent_at_ms(value: Any) -> int | None:
    """Return when the platform says it sent a push, ``None`` if it does not say."""
    return as_integer(value.get("timestamp")) if isinstance(value, dict) else None


def decode_push(value: Any, room: str, received_at_ms: int) -> Decoded:
    """Decode a parsed push body."""
    collected = Collected()
    try:
        event = text(value, "event")
        if event == TEST_EVENT:
            collected.ignored.append("test")
        elif event != DATA_EVENT:
            collected.unknown.append(event[:MAX_NAME_CHARS])
        else:
            data = mapping(value, "data")
            timestamp_ms = plausible_timestamp_ms(optional_integer(value, "timestamp"), received_at_ms)
            shape = Shape("data", "unique_message_id", "room_code", "push_type")
            _decode_message(data, shape, room, timestamp_ms, collected)
    except DecodeError as error:
        collected.rejected.append(error)
    return collected.decoded()


def decode_lost(data: Any, room: str, received_at_ms: int) -> Decoded:
    """Decode ``data`` of the query for lost pushes: an array of messages, or its JSON text."""
    collected = Collected()
    try:
        messages = parse_json(data, "data") if isinstance(data, str) else data
        for number, message in enumerate(sequence({"data": messages or []}, "data")):
            shape = Shape(f"data[{number}]", "uniqueMessageId", "roomCode", "pushType")
            try:
                _decode_message(message, shape, room, received_at_ms, collected)
            except DecodeError as error:
                collected.rejected.append(error)
    except DecodeError as error:
        collected.rejected.append(error)
    return collected.decoded()


def _decode_message(message: Any, shape: Shape, room: str, timestamp_ms: int, collected: Collected) -> None:
    """Decode one message's payload. Raises ``DecodeError`` when not even its frame can be read."""
    kind = text(message, shape.push_type, shape.at)
    message_id, room_code = optional_text(message, shape.message_id), optional_text(message, shape.room_code)
    payload = message.get("payload")
    if isinstance(payload, str):
        payload = parse_json(payload, f"{shape.at}.payload")
    items = sequence({"payload": payload}, "payload", shape.at)
    if message_id.startswith(TEST_PREFIXES):
        collected.ignored += ["test"] * max(len(items), 1)
    elif room and room_code and room_code != room:
        collected.ignored += ["other room"] * max(len(items), 1)
    elif kind not in MESSAGES:
        collected.unknown += [kind[:MAX_NAME_CHARS]] * max(len(items), 1)
    else:
        for number, item in enumerate(items):
            try:
                content = _content(kind, item)
            except DecodeError as error:
                at = f"{shape.at}.payload[{number}]"
                collected.rejected.append(DecodeError(f"{at}.{error.path}" if error.path else at, error.problem))
                continue
            event_id = optional_text(item, "uniqueNo") or (f"{message_id}/{number}" if message_id else "")
            collected.events.append(LiveEvent(timestamp_ms, content, event_id))


def _content(kind: str, item: Any) -> Content:
    if not isinstance(item, dict):
        raise DecodeError("", f"is {type(item).__name__}, an object expected")
    return MESSAGES[kind](item)
