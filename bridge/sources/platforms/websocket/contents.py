"""What each type of rule makes of the values that it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge.errors import DecodeError
from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    Follow,
    Gift,
    Join,
    Like,
    LiveEvent,
    User,
    Viewers,
    clamped,
    plausible_timestamp_ms,
)
from bridge.sources.codecs.amounts import MAX_AMOUNT, from_decimal
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.fields import as_integer
from bridge.sources.platforms.websocket.expressions import type_name
from bridge.sources.platforms.websocket.rules import Found, Rule

_PER_MS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}


def event_of(rule: Rule, item: Any, received_at_ms: int) -> LiveEvent | None:
    """Read one item by a rule; ``None`` if there is nothing in it."""
    found = rule.find(item)
    content = CONTENTS[rule.type](found, rule)
    if content is None:
        return None
    moment_ms = found["timestamp"]
    if type(moment_ms) is not int or rule.timestamp_unit != "ms":
        moment_ms = _moment_ms(moment_ms, rule.timestamp_unit)
    return LiveEvent(plausible_timestamp_ms(moment_ms, received_at_ms), content, found["id"])


def _user(found: Found, rule: Rule) -> User:
    """Return the viewer; without an id, or with an id of 0, it is nobody in particular."""
    user_id, name = found["user_id"], found["user_name"]
    masked = user_id in {"", "0"} or "***" in name
    level, badge_level = found["level"], found["badge_level"]
    if not (0 <= level <= MAX_INTEGER and 0 <= badge_level <= MAX_INTEGER):
        level, badge_level = clamped(level), clamped(badge_level)
    return User(f"{rule.site}_{0 if masked else user_id}", name, level, found["badge"], badge_level, masked)


def _comment(found: Found, rule: Rule) -> Content | None:
    words = found["text"]
    return Comment(_user(found, rule), words) if words else None


def _join(found: Found, rule: Rule) -> Content | None:
    return Join(_user(found, rule))


def _like(found: Found, rule: Rule) -> Content | None:
    return Like(_user(found, rule), max(clamped(found["count"]), 1))


def _follow(found: Found, rule: Rule) -> Content | None:
    return Follow(_user(found, rule))


def _gift(found: Found, rule: Rule) -> Content | None:
    """Read a gift: price of one, price of all, or both; a count of 0 is nothing."""
    count = _counted(found, "gift_count", rule)
    if count == 0:
        return None
    unit, total = _money(found, "gift_value", rule), _money(found, "gift_total", rule)
    priced = unit is not None or total is not None
    if total is None:
        total = (unit or 0) * count
    if unit is None:
        unit = total // count
    return Gift(_user(found, rule), found["gift_name"], count, unit, total, found["currency"], priced)


def _viewers(found: Found, rule: Rule) -> Content | None:
    return Viewers(_counted(found, "viewers", rule))


CONTENTS: Mapping[str, Callable[[Found, Rule], Content | None]] = {
    "comment": _comment,
    "join": _join,
    "like": _like,
    "gift": _gift,
    "follow": _follow,
    "viewers": _viewers,
}


def _counted(found: Found, key: str, rule: Rule) -> int:
    """Return what must be right: how many."""
    number = as_integer(found[key])
    if number is None or not 0 <= number <= MAX_INTEGER:
        raise _unlike(found, key, rule, "a whole number")
    return number


def _money(found: Found, key: str, rule: Rule) -> int | None:
    """Return a price in the smallest unit; ``None`` where the rule or the message has none."""
    value = found[key]
    if value is None:
        return None
    is_major = rule.value_unit == "major"
    number = from_decimal(value, found["currency"]) if is_major else as_integer(value)
    if number is None or not 0 <= number <= MAX_AMOUNT:
        raise _unlike(found, key, rule, "an amount" if is_major else "a whole number of the smallest unit (value_unit)")
    return number


def _unlike(found: Found, key: str, rule: Rule, wanted: str) -> DecodeError:
    return DecodeError(f"{rule.at}.{key}", f"gives {type_name(found[key])}, {wanted} expected")


def _moment_ms(value: Any, unit: str) -> int:
    """Return a time, 0 for none."""
    if unit == "iso":
        return timestamp_ms(value) if type(value) is str else 0
    multiplier, divisor = _PER_MS[unit]
    number = as_integer(value)
    if number is not None:
        return number * multiplier // divisor
    if type(value) is float and 0 < value < 1e18:
        return int(value * multiplier) // divisor
    return 0
