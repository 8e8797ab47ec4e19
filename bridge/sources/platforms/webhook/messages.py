"""Our own event as JSON: one table from its ``type`` to what it becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Follow, Gift, Join, Like, User, Viewers, with_words
from bridge.sources.contract import NoticeKind
from bridge.sources.fields import integer, mapping, optional_integer, optional_text, positive, text

PAID_MESSAGE_NAME = "paid message"


def _user(data: dict[str, Any], site: str) -> User:
    """Read ``user``; without an ``id``, or with 0, the viewer is nobody in particular."""
    user = mapping(data, "user")
    user_id = optional_text(user, "id") or "0"
    name, level = optional_text(user, "name"), optional_integer(user, "level")
    badge, badge_level = optional_text(user, "badge"), optional_integer(user, "badge_level")
    return User(f"{site}_{user_id}", name, level, badge, badge_level, user_id == "0")


def _count(container: dict[str, Any], key: str, at: str = "") -> int:
    """Return how many; 1 where nothing is said."""
    return 1 if container.get(key) is None else positive(container, key, at)


def _value(gift: dict[str, Any], key: str) -> int | None:
    if gift.get(key) is None:
        return None
    value = integer(gift, key, "gift")
    if value < 0:
        raise DecodeError(f"gift.{key}", "is negative")
    return value


def _read_gift(data: dict[str, Any], site: str, default_name: str = "") -> Gift:
    gift = mapping(data, "gift")
    name = optional_text(gift, "name", default_name) if default_name else text(gift, "name", "gift")
    count = _count(gift, "count", "gift")
    unit, total = _value(gift, "unit_value"), _value(gift, "total_value")
    if total is None:
        total = (unit or 0) * count
    elif unit is None:
        unit = total // count
    return Gift(_user(data, site), name, count, unit or 0, total, optional_text(gift, "currency"), unit is not None)


def _comment(data: dict[str, Any], site: str) -> Content:
    return Comment(_user(data, site), text(data, "text"))


def _join(data: dict[str, Any], site: str) -> Content:
    return Join(_user(data, site))


def _like(data: dict[str, Any], site: str) -> Content:
    return Like(_user(data, site), _count(data, "count"))


def _gift(data: dict[str, Any], site: str) -> Content:
    return _read_gift(data, site)


def _follow(data: dict[str, Any], site: str) -> Content:
    return Follow(_user(data, site))


def _viewers(data: dict[str, Any], _site: str) -> Content:
    count = integer(data, "viewers")
    if count < 0:
        raise DecodeError("viewers", "is negative")
    return Viewers(count)


def _paid_message(data: dict[str, Any], site: str) -> Content:
    """Words and money; money without words is a gift."""
    gift = _read_gift(data, site, PAID_MESSAGE_NAME)
    return with_words(gift, optional_text(data, "text"))


MESSAGES: dict[str, Callable[[dict[str, Any], str], Content]] = {
    "comment": _comment,
    "join": _join,
    "like": _like,
    "gift": _gift,
    "follow": _follow,
    "viewers": _viewers,
    "paid_message": _paid_message,
}

NOTICES = {"live": NoticeKind.LIVE, "ended": NoticeKind.ENDED}

IGNORED = frozenset({"ping"})
