"""The open live commands: one table from ``cmd`` to what it becomes.

Times are seconds. ``open_id`` names the viewer (per app); ``uid`` is 0 nowadays, older messages have it alone.
Every message carries an ``msg_id`` of its own. Money is gold (1000 to the yuan), super chats are yuan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.errors import DecodeError
from bridge.events import (
    Comment,
    Content,
    Gift,
    Join,
    Like,
    User,
    with_words,
)
from bridge.sources.codecs.bilibili_socket import Findings
from bridge.sources.contract import NoticeKind
from bridge.sources.fields import (
    as_integer,
    integer,
    optional_integer,
    optional_mapping,
    optional_text,
    positive,
    text,
)

GOLD = "bilibili_gold"
PREFIX = "LIVE_OPEN_PLATFORM_"
NEWER_PREFIX = "OPEN_LIVEROOM_"
"""What the documents of 2026 call the same messages where an app was authorised by the anchor's login."""

GUARD_NAMES = {1: "总督", 2: "提督", 3: "舰长"}
SUPER_CHAT_NAME = "醒目留言"


def _user(who: dict[str, Any], data: dict[str, Any]) -> User:
    """Read the viewer: ``who`` has the ids and the name, ``data`` the medal of this room and the level."""
    user_id = optional_text(who, "open_id") or optional_text(who, "openid") or optional_text(who, "uid")
    name, level = optional_text(who, "uname"), optional_integer(data, "glory_level")
    badge = optional_text(data, "fans_medal_name")
    badge_level = optional_integer(data, "fans_medal_level") if badge else 0
    if not user_id or user_id == "0":
        return User("bilibili_0", name, level, badge, badge_level, masked=True)
    return User(f"bilibili_{user_id}", name, level, badge, badge_level)


def _danmaku(data: dict[str, Any]) -> Content:
    return Comment(_user(data, data), text(data, "msg", "data"))


def _send_gift(data: dict[str, Any]) -> Content:
    """Read a gift. ``gift_num`` is this message's own increment; ``combo_info`` repeats the sum and is left aside.

    ``price`` is the list price of one and ``r_price`` what was really paid for it; with ``paid`` false
    the gift is worth nothing, whatever stands there. A blind box shows what fell out of it.
    """
    count = positive(data, "gift_num", "data")
    paid = bool(data.get("paid", True))
    price = max(optional_integer(data, "price"), 0) if paid else 0
    really_paid = (optional_integer(data, "r_price") or price) if paid else 0
    return Gift(
        _user(data, data),
        optional_text(data, "gift_name") or optional_text(data, "gift_id"),
        count,
        price,
        max(really_paid, 0) * count,
        GOLD,
        priced=not paid or "price" in data or "r_price" in data,
    )


def _super_chat(data: dict[str, Any]) -> Content:
    """Read a super chat. Its words are told also when the price is missing, which is an unknown price then."""
    priced = data.get("rmb") is not None
    fen = _fen(data, "rmb") if priced else 0
    gift = Gift(_user(data, data), SUPER_CHAT_NAME, 1, fen, fen, "CNY", priced=priced)
    return with_words(gift, optional_text(data, "message"))


def _fen(data: dict[str, Any], key: str) -> int:
    """Read yuan as fen; they are whole so far, but nothing says they must be."""
    value = data.get(key)
    if isinstance(value, float) and 0 <= value < 1e9:
        return round(value * 100)
    yuan = integer(data, key, "data")
    if yuan < 0:
        raise DecodeError(f"data.{key}", "is negative")
    return yuan * 100


def _guard(data: dict[str, Any]) -> Content:
    """Read a guard; where ``guard_unit`` is not the month it says all, and ``guard_num`` nothing (documentation)."""
    level = optional_integer(data, "guard_level")
    count = positive(data, "guard_num", "data") if optional_text(data, "guard_unit", "月") in ("月", "") else 1
    price = as_integer(data.get("price"))
    worth = max(price or 0, 0)
    user = _user(optional_mapping(data, "user_info"), data)
    return Gift(user, GUARD_NAMES.get(level, "大航海"), count, worth, worth * count, GOLD, priced=price is not None)


def _like(data: dict[str, Any]) -> Content:
    """Read likes, summed by the platform over two seconds; the number may come as a text."""
    return Like(_user(data, data), max(optional_integer(data, "like_count", 1), 1))


def _enter(data: dict[str, Any]) -> Content:
    return Join(_user(data, data))


MESSAGES: dict[str, Callable[[dict[str, Any]], Content]] = {
    f"{PREFIX}DM": _danmaku,
    f"{PREFIX}DM_MIRROR": _danmaku,
    f"{PREFIX}SEND_GIFT": _send_gift,
    f"{PREFIX}SUPER_CHAT": _super_chat,
    f"{PREFIX}GUARD": _guard,
    f"{PREFIX}LIKE": _like,
    f"{PREFIX}LIVE_ROOM_ENTER": _enter,
    f"{NEWER_PREFIX}DM": _danmaku,
    f"{NEWER_PREFIX}SEND_GIFT": _send_gift,
    f"{NEWER_PREFIX}SUPER_CHAT": _super_chat,
    f"{NEWER_PREFIX}GUARD": _guard,
    f"{NEWER_PREFIX}LIKE": _like,
    f"{NEWER_PREFIX}LIVE_ROOM_ENTER": _enter,
    "OPEN_PLATFORM_LIVE_ROOM_ENTER": _enter,  # so in the documents' example of the line above
}

NOTICES = {
    f"{PREFIX}LIVE_START": NoticeKind.LIVE,
    f"{PREFIX}LIVE_END": NoticeKind.ENDED,
}

SESSION_OVER = f"{PREFIX}INTERACTION_END"

IGNORED = frozenset({f"{PREFIX}SUPER_CHAT_DEL", f"{NEWER_PREFIX}SUPER_CHAT_DEL"})


def read_nameless(message: dict[str, Any], found: Findings) -> None:
    """Sort a message without ``cmd``."""
    if "code" in message:
        found.ignored.append("API answer")  # what the HTTP API answers is kept among captures, too
    elif "scatter" in message:
        found.ignored.append("scatter")  # when to refresh what; the site's sockets send it every few minutes
    else:
        found.unknown.append("(no cmd)")
