"""Kuaishou's push bodies and the items in them.

``{"event", "app_id", "timestamp", "data": {"unique_message_id", "room_code", "push_type", "payload": […]}}``;
``payload`` may also be the array's JSON text. The query for lost gifts tells the same in camel case (read from
a program's source).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Gift, Like, LiveEvent, User, plausible_timestamp_ms
from bridge.sources.codecs.results import MAX_NAME_CHARS, Collected, bounded
from bridge.sources.contract import Decoded
from bridge.sources.fields import (
    as_array,
    as_integer,
    as_object,
    mapping,
    optional_integer,
    optional_mapping,
    optional_text,
    parse_json,
    positive,
    text,
)

SITE = "kuaishou"
CURRENCY = "kuaicoin"
"""快币, ten to the yuan."""

DATA_EVENT = "LIVE_INTERACTION_DATA"
TEST_EVENT = "LIVE_INTERACTION_DATA_TEST"
TEST_PREFIXES = ("test_", "stress_")
"""What the ids of the platform's self-test and load test begin with (vendor documentation)."""


def _user(item: dict[str, Any]) -> User:
    user = optional_mapping(item, "userInfo")
    user_id = optional_text(user, "userId")
    return User(f"{SITE}_{user_id or 0}", optional_text(user, "userName"), 0, "", 0, not user_id)


def _comment(item: dict[str, Any]) -> Content:
    return Comment(_user(item), text(item, "content"))


def _like(item: dict[str, Any]) -> Content:
    return Like(_user(item), max(optional_integer(item, "count", 1), 1))


def _gift(item: dict[str, Any]) -> Content:
    count = positive(item, "giftCount")
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


class Spelling(NamedTuple):
    """How a message's id, room and type are spelled."""

    message_id: str
    room_code: str
    push_type: str


_PUSHED = Spelling("unique_message_id", "room_code", "push_type")
_LOST = Spelling("uniqueMessageId", "roomCode", "pushType")


def sent_at_ms(value: Any) -> int | None:
    """Return when the platform says it sent a push, ``None`` if it does not say."""
    return as_integer(value.get("timestamp")) if isinstance(value, dict) else None


def decode_push(value: Any, room: str, received_at_ms: int) -> Decoded:
    """Decode a parsed push body."""
    reading = Reading(room=room)
    try:
        event = text(value, "event")
        if event == DATA_EVENT:
            timestamp_ms = plausible_timestamp_ms(optional_integer(value, "timestamp"), received_at_ms)
            reading.message(mapping(value, "data"), "data", _PUSHED, timestamp_ms)
        elif event == TEST_EVENT:
            reading.ignored.append("test")
        else:
            reading.unknown.append(event[:MAX_NAME_CHARS])
    except DecodeError as error:
        reading.rejected.append(error)
    return reading


def decode_lost(data: Any, room: str, received_at_ms: int) -> Decoded:
    """Decode ``data`` of the query for lost pushes: an array of messages, or its JSON text."""
    reading = Reading(room=room)
    try:
        messages = parse_json(data, "data") if isinstance(data, str) else data
        for number, message in enumerate(as_array(messages or [], "data")):
            try:
                reading.message(message, f"data[{number}]", _LOST, received_at_ms)
            except DecodeError as error:
                reading.rejected.append(error)
    except DecodeError as error:
        reading.rejected.append(error)
    return reading


class Reading(Collected, kw_only=True):
    """One push, or answer, that is being read."""

    room: str

    def message(self, message: Any, at: str, spelling: Spelling, timestamp_ms: int) -> None:
        """Read one message's payload. Raises ``DecodeError`` when not even its frame can be read."""
        kind = text(message, spelling.push_type, at)
        message_id, room_code = optional_text(message, spelling.message_id), optional_text(message, spelling.room_code)
        payload = message.get("payload")
        if isinstance(payload, str):
            payload = parse_json(payload, f"{at}.payload")
        items = as_array(payload, f"{at}.payload")
        read = MESSAGES.get(kind)
        if message_id.startswith(TEST_PREFIXES):
            self.ignored += ["test"] * max(len(items), 1)
        elif self.room and room_code not in ("", self.room):
            self.ignored += ["other room"] * max(len(items), 1)
        elif read is None:
            self.unknown += [kind[:MAX_NAME_CHARS]] * max(len(items), 1)
        else:
            for number, item in enumerate(bounded(items, f"{at}.payload", self.rejected)):
                try:
                    content = read(as_object(item))
                except DecodeError as error:
                    self.rejected.append(error.within(f"{at}.payload[{number}]"))
                    continue
                event_id = optional_text(item, "uniqueNo") or (message_id and f"{message_id}/{number}")
                self.events.append(LiveEvent(timestamp_ms, content, event_id))
