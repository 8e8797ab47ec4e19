"""Douyin's push bodies and the items in them.

A body is the array of items itself, its type and room standing in the headers (vendor documentation); older
documents and the query for lost messages wrap it: ``{"roomid", "msg_type", "payload": "[…]"}`` (observed).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Follow, Gift, Join, Like, LiveEvent, User, plausible_timestamp_ms
from bridge.sources.codecs.results import MAX_NAME_CHARS, Collected, bounded
from bridge.sources.contract import Decoded
from bridge.sources.fields import (
    as_array,
    as_object,
    integer,
    optional_integer,
    optional_sequence,
    optional_text,
    parse_json,
    positive,
    text,
)
from bridge.sources.platforms.douyin_push.options import Options

SITE = "douyin"
CURRENCY = "fen"

GIFT_NAMES = {
    "n1/Dg1905sj1FyoBlQBvmbaDZFBNaKuKZH6zxHkv8Lg5x2cRfrKUTb8gzMs=": "仙女棒",
    "28rYzVFNyXEXFC8HI+f/WG+I7a6lfl3OyZZjUS+CVuwCgYZrPrUdytGHu0c=": "能力药丸",
    "fJs8HKQ0xlPRixn8JAUiL2gFRiLD9S6IFCFdvZODSnhyo9YN8q7xUuVVyZI=": "魔法镜",
    "PJ0FFeaDzXUreuUBZH6Hs+b56Jh0tQjrq0bIrrlZmv13GSAL9Q1hf59fjGk=": "甜甜圈",
    "IkkadLfz7O/a5UR45p/OOCCG6ewAWVbsuzR/Z+v1v76CBU+mTG/wPjqdpfg=": "能量电池",
    "gx7pmjQfhBaDOG2XkWI2peZ66YFWkCWRjZXpTqb23O/epru+sxWyTV/3Ufs=": "爱的爆炸",
    "YbLESoUj053FWVYPWUNOAtp4FYnb+/eZbyrLi7ndArVFz14rivgxf0cFrKs=": "派对话筒",
    "pGLo7HKNk1i4djkicmJXf6iWEyd+pfPBjbsHmd3WcX0Ierm2UdnRR7UINvI=": "神秘空投",
}
"""Gifts are named by opaque ids alone. These few are the same in many apps (observed)."""


class Skipped(NamedTuple):
    """An item that can be read but is no event: one that is known by this name, or of a kind that is new."""

    name: str
    is_known: bool = True


def _user(item: dict[str, Any], badge_level: int = 0) -> User:
    user_id = optional_text(item, "sec_openid") or optional_text(item, "sec_open_id")
    return User(f"{SITE}_{user_id or 0}", optional_text(item, "nickname"), 0, "", badge_level, not user_id)


def _comment(item: dict[str, Any], _options: Options) -> Content:
    return Comment(_user(item), text(item, "content"))


def _gift(item: dict[str, Any], options: Options) -> Content:
    """Read a gift: ``gift_value`` is fen for all ``gift_num`` together, so one is worth their quotient, rounded down."""
    gift_id = optional_text(item, "sec_gift_id")
    name = options.gift_names.get(gift_id) or optional_text(item, "gift_name") or GIFT_NAMES.get(gift_id) or gift_id
    count = positive(item, "gift_num")
    if item.get("gift_value") is None:
        return Gift(_user(item), name, count, currency=CURRENCY, priced=False)
    total = integer(item, "gift_value")
    if total < 0:
        raise DecodeError("gift_value", "is negative")
    return Gift(_user(item), name, count, total // count, total, CURRENCY)


def _like(item: dict[str, Any], _options: Options) -> Content:
    return Like(_user(item), max(optional_integer(item, "like_num", 1), 1))


_FANS_CLUB_IGNORED = {1: "fans club level up", 16: "fans club left"}


def _fans_club(item: dict[str, Any], _options: Options) -> Content | Skipped:
    """Read a fans club's news: 1 level up, 2 joined (vendor documentation), 16 left (seen by two programs)."""
    reason = integer(item, "fansclub_reason_type")
    if reason == 2:
        return Follow(_user(item, badge_level=optional_integer(item, "fansclub_level")))
    if reason in _FANS_CLUB_IGNORED:
        return Skipped(_FANS_CLUB_IGNORED[reason])
    return Skipped(f"live_fansclub {reason}", is_known=False)


def _follow(item: dict[str, Any], _options: Options) -> Content | Skipped:
    """Read a follow (1) or unfollow (2): not among the documented types, seen by one program."""
    key = "user_follow_action" if "user_follow_action" in item else "use_follow_action"
    return Follow(_user(item)) if integer(item, key) == 1 else Skipped("unfollow")


def _enter(item: dict[str, Any], _options: Options) -> Content | Skipped:
    """Read an entry (1) or leaving (2): not among the documented types, read from one program's source."""
    if optional_integer(item, "enter_room_type", 1) != 1:
        return Skipped("left the room")
    return Join(_user(item))


MESSAGES: dict[str, Callable[[dict[str, Any], Options], Content | Skipped]] = {
    "live_comment": _comment,
    "live_gift": _gift,
    "live_like": _like,
    "live_fansclub": _fans_club,
    "live_follow": _follow,
    "live_enter": _enter,
}

_TELLING_FIELDS = (
    ("content", "live_comment"),
    ("gift_num", "live_gift"),
    ("gift_value", "live_gift"),
    ("like_num", "live_like"),
    ("fansclub_reason_type", "live_fansclub"),
    ("user_follow_action", "live_follow"),
    ("use_follow_action", "live_follow"),
    ("enter_room_type", "live_enter"),
)


def _kind_of(item: dict[str, Any]) -> str:
    """Return the type of an item that came without headers: the companion's items name it, others give it away."""
    if "msg_type_str" in item:
        return optional_text(item, "msg_type_str")
    for field_name, kind in _TELLING_FIELDS:
        if field_name in item:
            return kind
    return ""


def decode_body(
    data: bytes | str,
    options: Options,
    received_at_ms: int,
    *,
    kind: str = "",
    room: str = "",
) -> Decoded:
    """Decode a push, or a page of lost messages. ``kind`` and ``room`` are what the headers say."""
    try:
        value = parse_json(data)
    except DecodeError as error:
        return Decoded(rejected=[error])
    return decode_value(value, options, received_at_ms, kind, room)


def decode_value(
    value: Any, options: Options, received_at_ms: int, kind: str = "", room: str = "", *, oldest_ms: int = 0
) -> Decoded:
    """Decode a parsed body or page. Items from before ``oldest_ms`` are ignored."""
    reading = Reading(options=options, received_at_ms=received_at_ms, oldest_ms=oldest_ms)
    try:
        reading.body(value, kind, room)
    except DecodeError as error:
        reading.rejected.append(error)
    return reading


class Reading(Collected, kw_only=True):
    """One body, or page, that is being read."""

    options: Options
    received_at_ms: int
    oldest_ms: int

    def body(self, value: Any, kind: str, room: str) -> None:
        """Read a body of any form. Raises ``DecodeError`` when it is none of them."""
        if type(value) is list:
            self._items(value, kind, room)
        elif type(value) is not dict:
            raise DecodeError("", f"is {type(value).__name__}, an array expected")
        elif "payload" in value:
            self._wrapped(value, kind, room)
        elif type(value.get("data")) is dict:
            for number, one in enumerate(optional_sequence(value["data"], "data_list")):
                try:
                    self._wrapped(one, kind, room, f"data_list[{number}].")
                except DecodeError as error:
                    self.rejected.append(error.within(f"data_list[{number}]"))
        elif "msg_id" in value:
            self._items([value], kind, room)
        else:
            raise DecodeError("payload", "is missing, an array expected")

    def _wrapped(self, value: Any, kind: str, room: str, at: str = "") -> None:
        """Open ``{"roomid" or "room_id", "msg_type", "payload": array or its text}``."""
        wrapper = as_object(value)
        payload = wrapper.get("payload")
        if type(payload) is str:
            payload = parse_json(payload, "payload")
        self._items(
            as_array(payload, "payload"),
            optional_text(wrapper, "msg_type") or kind,
            optional_text(wrapper, "roomid") or optional_text(wrapper, "room_id") or room,
            f"{at}payload",
        )

    def _items(self, items: list[Any], kind: str, room: str, at: str = "") -> None:
        """Read items of one type and room; both are "" where nothing says. ``at`` is their place in the body."""
        if self.options.room and room not in ("", self.options.room):
            self.ignored += ["other room"] * max(len(items), 1)
            return
        for number, item in enumerate(bounded(items, at, self.rejected)):
            try:
                content = self._content(item, kind)
            except DecodeError as error:
                self.rejected.append(error.within(f"{at}[{number}]"))
                continue
            if isinstance(content, Skipped):
                (self.ignored if content.is_known else self.unknown).append(content.name)
            else:
                timestamp_ms = plausible_timestamp_ms(optional_integer(item, "timestamp"), self.received_at_ms)
                self.events.append(LiveEvent(timestamp_ms, content, optional_text(item, "msg_id")))

    def _content(self, item: Any, kind: str) -> Content | Skipped:
        item = as_object(item)
        kind = kind or _kind_of(item)
        read = MESSAGES.get(kind)
        if read is None:
            return Skipped(kind[:MAX_NAME_CHARS] or "(no type)", is_known=False)
        if item.get("test") is True:
            return Skipped("test")
        if self.oldest_ms and 0 < optional_integer(item, "timestamp") < self.oldest_ms:
            return Skipped("too old")
        return read(item, self.options)
