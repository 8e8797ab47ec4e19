"""Douyin's push bodies and the items in them.

A body is the array of items itself, its type and room standing in the headers (vendor documentation); older
documents and the query for lost messages wrap it: ``{"roomid", "msg_type", "payload": "[…]"}`` (observed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Follow, Gift, Join, Like, LiveEvent, User, plausible_timestamp_ms
from bridge.sources.contract import Decoded
from bridge.sources.fields import (
    integer,
    optional_integer,
    optional_sequence,
    optional_text,
    parse_json,
    sequence,
    text,
)
from bridge.sources.platforms.douyin_push.options import Options

SITE = "douyin"
CURRENCY = "fen"

MAX_NAME_CHARS = 64
"""What an unknown type is cut to: it becomes a label."""

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


class Ignored(NamedTuple):
    """A known item that is no event."""

    reason: str


class Unknown(NamedTuple):
    """An item of a kind that is new."""

    name: str


def _user(item: dict[str, Any], badge_level: int = 0) -> User:
    user_id = optional_text(item, "sec_openid") or optional_text(item, "sec_open_id")
    return User(f"{SITE}_{user_id or 0}", optional_text(item, "nickname"), badge_level=badge_level, masked=not user_id)


def _comment(item: dict[str, Any], _options: Options) -> Content:
    return Comment(_user(item), text(item, "content"))


def _gift(item: dict[str, Any], options: Options) -> Content:
    """Read a gift: ``gift_value`` is fen for all ``gift_num`` together, so one is worth their quotient, rounded down."""
    gift_id = optional_text(item, "sec_gift_id")
    count, total = integer(item, "gift_num"), integer(item, "gift_value")
    if count < 1:
        raise DecodeError("gift_num", "is not positive")
    if total < 0:
        raise DecodeError("gift_value", "is negative")
    name = options.gift_names.get(gift_id) or GIFT_NAMES.get(gift_id) or gift_id
    return Gift(_user(item), name, count, total // count, total, CURRENCY)


def _like(item: dict[str, Any], _options: Options) -> Content:
    return Like(_user(item), max(optional_integer(item, "like_num", 1), 1))


_FANS_CLUB_IGNORED = {1: "fans club level up", 16: "fans club left"}


def _fans_club(item: dict[str, Any], _options: Options) -> Content | Ignored | Unknown:
    """Read a fans club's news: 1 level up, 2 joined (vendor documentation), 16 left (seen by two programs)."""
    reason = integer(item, "fansclub_reason_type")
    if reason == 2:
        return Follow(_user(item, badge_level=optional_integer(item, "fansclub_level")))
    if reason in _FANS_CLUB_IGNORED:
        return Ignored(_FANS_CLUB_IGNORED[reason])
    return Unknown(f"live_fansclub {reason}")


def _follow(item: dict[str, Any], _options: Options) -> Content | Ignored:
    """Read a follow (1) or unfollow (2): not among the documented types, seen by one program."""
    key = "user_follow_action" if "user_follow_action" in item else "use_follow_action"
    return Follow(_user(item)) if integer(item, key) == 1 else Ignored("unfollow")


def _enter(item: dict[str, Any], _options: Options) -> Content | Ignored:
    """Read an entry (1) or leaving (2): not among the documented types, read from one program's source."""
    if optional_integer(item, "enter_room_type", 1) != 1:
        return Ignored("left the room")
    return Join(_user(item))


MESSAGES: dict[str, Callable[[dict[str, Any], Options], Content | Ignored | Unknown]] = {
    "live_comment": _comment,
    "live_gift": _gift,
    "live_like": _like,
    "live_fansclub": _fans_club,
    "live_follow": _follow,
    "live_enter": _enter,
}

_TELLING_FIELDS = {
    "gift_value": "live_gift",
    "like_num": "live_like",
    "fansclub_reason_type": "live_fansclub",
    "user_follow_action": "live_follow",
    "use_follow_action": "live_follow",
    "enter_room_type": "live_enter",
    "content": "live_comment",
}
"""Which field gives an item's type away, for captured bodies that lost their headers."""


class Batch(NamedTuple):
    """Items of one type and room; both are "" where nothing says. ``at`` is their place in the body."""

    kind: str
    room: str
    items: list[Any]
    at: str = ""


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


def decode_body(
    data: bytes | str,
    options: Options,
    received_at_ms: int,
    *,
    kind: str = "",
    room: str = "",
    oldest_ms: int = 0,
) -> Decoded:
    """Decode a push, or a page of lost messages. ``kind`` and ``room`` are what the headers say.

    Items from before ``oldest_ms`` are ignored.
    """
    collected = Collected()
    try:
        for batch in _batches(parse_json(data), kind, room, collected):
            _decode_batch(batch, options, received_at_ms, oldest_ms, collected)
    except DecodeError as error:
        collected.rejected.append(error)
    return collected.decoded()


def _batches(value: Any, kind: str, room: str, collected: Collected) -> Iterator[Batch]:
    if isinstance(value, list):
        yield Batch(kind, room, value)
    elif not isinstance(value, dict):
        raise DecodeError("", f"is {type(value).__name__}, an array expected")
    elif "payload" in value:
        yield _wrapped(value, kind, room, "")
    elif isinstance(value.get("data"), dict):
        for number, one in enumerate(optional_sequence(value["data"], "data_list")):
            try:
                yield _wrapped(one, kind, room, f"data_list[{number}]")
            except DecodeError as error:
                collected.rejected.append(error)
    elif "msg_id" in value:
        yield Batch(kind, room, [value])
    else:
        raise DecodeError("payload", "is missing, an array expected")


def _wrapped(value: Any, kind: str, room: str, at: str) -> Batch:
    """Open ``{"roomid" or "room_id", "msg_type", "payload": array or its text}``."""
    if not isinstance(value, dict):
        raise DecodeError(at, f"is {type(value).__name__}, an object expected")
    path = f"{at}.payload" if at else "payload"
    payload = value.get("payload")
    if isinstance(payload, str):
        payload = parse_json(payload, path)
    return Batch(
        kind=optional_text(value, "msg_type") or kind,
        room=optional_text(value, "roomid") or optional_text(value, "room_id") or room,
        items=sequence({"payload": payload}, "payload", at),
        at=path,
    )


def _decode_batch(batch: Batch, options: Options, received_at_ms: int, oldest_ms: int, collected: Collected) -> None:
    if options.room and batch.room and batch.room != options.room:
        collected.ignored += ["other room"] * max(len(batch.items), 1)
        return
    for number, item in enumerate(batch.items):
        if not isinstance(item, dict):
            collected.rejected.append(
                DecodeError(f"{batch.at}[{number}]", f"is {type(item).__name__}, an object expected")
            )
            continue
        kind = batch.kind or _kind_of(item)
        if kind not in MESSAGES:
            collected.unknown.append(kind[:MAX_NAME_CHARS] or "(no type)")
            continue
        if item.get("test") is True:
            collected.ignored.append("test")
            continue
        timestamp_ms = optional_integer(item, "timestamp")
        if 0 < timestamp_ms < oldest_ms:
            collected.ignored.append("too old")
            continue
        try:
            content = MESSAGES[kind](item, options)
        except DecodeError as error:
            collected.rejected.append(DecodeError(f"{batch.at}[{number}].{error.path}", error.problem))
            continue
        if isinstance(content, Ignored):
            collected.ignored.append(content.reason)
        elif isinstance(content, Unknown):
            collected.unknown.append(content.name)
        else:
            event_id = optional_text(item, "msg_id")
            collected.events.append(LiveEvent(plausible_timestamp_ms(timestamp_ms, received_at_ms), content, event_id))


def _kind_of(item: dict[str, Any]) -> str:
    return next((kind for field_name, kind in _TELLING_FIELDS.items() if field_name in item), "")
