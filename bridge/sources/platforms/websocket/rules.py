"""Mapping rules: compiled once, then evaluated on every message within bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import DecodeError
from bridge.sources.fields import as_integer
from bridge.sources.platforms.websocket.expressions import (
    Equality,
    Path,
    Read,
    compile_expression,
    field_path,
    needed_equality,
    type_name,
)

EVENT_TYPES = ("comment", "join", "like", "gift", "follow", "viewers")
OTHER_TYPES = ("live", "ended", "ignore")
Kind = type[str] | type[int]

VALUES: Mapping[str, tuple[Kind, Any]] = {
    "user_id": (str, ""),
    "user_name": (str, ""),
    "level": (int, 0),
    "badge": (str, ""),
    "badge_level": (int, 0),
    "text": (str, ""),
    "gift_name": (str, ""),
    "gift_count": (int, 1),
    "gift_value": (int, None),
    "gift_total": (int, None),
    "currency": (str, ""),
    "viewers": (int, None),
    "count": (int, 1),
    "id": (str, ""),
    "timestamp": (int, None),
}
"""What a rule may find: what it usually is, and what it is without an expression."""

AS_FOUND = frozenset({"gift_count", "gift_value", "gift_total", "viewers", "timestamp"})
"""Values that are read by the content that they are for, because they depend on others or must be right."""

REQUIRED = {"comment": ("text",), "gift": ("gift_name",), "viewers": ("viewers",)}

TIMESTAMP_UNITS = ("ms", "s", "us", "ns", "iso")
VALUE_UNITS = ("minor", "major")

MAX_RULES = 100
MAX_ITEMS = 1_000
"""Events that one rule may make of one message."""

Found = dict[str, Any]
"""All of ``VALUES`` of one item."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. ``at`` is where it stands in the room file, for the problems that it meets.

    Without ``when`` it takes every message. ``objects`` are the values that are plain fields, by the path of the
    object that holds them; ``expressions`` are the others.
    """

    at: str
    type: str
    site: str
    when: Read | None
    needs: Equality | None
    each: Read | None
    objects: Sequence[tuple[Path, Sequence[tuple[str, Kind, str]]]]
    expressions: Sequence[tuple[str, Kind, Read]]
    defaults: Found
    timestamp_unit: str
    value_unit: str

    def find(self, item: Any) -> Found:
        """Return the item's values."""
        found = self.defaults.copy()
        for path, fields in self.objects:
            holder = item
            try:
                for name in path:
                    holder = holder[name]
            except (KeyError, TypeError):
                continue
            if type(holder) is not dict:
                continue
            for key, kind, name in fields:
                value = holder.get(name)
                if type(value) is kind:
                    found[key] = value
                elif value is not None:
                    found[key] = self._converted(key, kind, value)
        for key, kind, evaluate in self.expressions:
            value = evaluate(item)
            if value is not None:
                found[key] = self._converted(key, kind, value)
        return found

    def _converted(self, key: str, kind: Kind, value: Any) -> Any:
        """Return what is not of its usual type, or perhaps is, in the form that it is wanted in."""
        if key in AS_FOUND or type(value) is kind:
            return value
        if kind is int:
            number = as_integer(value)
            return self.defaults[key] if number is None else number
        if type(value) is int or (type(value) is float and value.is_integer()):
            return str(int(value))
        raise DecodeError(f"{self.at}.{key}", f"gives {type_name(value)}, a text expected")


class Choice:
    """Rules told apart by the one field that most of their conditions ask for, so that few are tried on a message."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        asked = Counter(rule.needs.path for rule in rules if rule.needs)
        self._path = max(asked, key=asked.__getitem__, default=())
        constants = {rule.needs.constant for rule in rules if rule.needs and rule.needs.path == self._path}
        self._others = self._able(rules, None)
        self._by_constant = {constant: self._able(rules, constant) for constant in constants}

    def able(self, message: Any) -> Sequence[Rule]:
        """Return the rules that can take a message, in their order, each with what is still to be asked."""
        try:
            for name in self._path:
                message = message[name]
            # In Python, though not in JMESPath, 1 and true are the same key.
            return self._others if type(message) is bool else self._by_constant.get(message, self._others)
        except (KeyError, TypeError):
            return self._others

    def _able(self, rules: Sequence[Rule], constant: str | int | None) -> Sequence[Rule]:
        able: list[Rule] = []
        for rule in rules:
            if rule.needs is None or rule.needs.path != self._path:
                able.append(rule)
            elif rule.needs.constant == constant:
                able.append(replace(rule, when=None) if rule.needs.is_all else rule)
        return able


def compile_rules(mapping: Sequence[Mapping[str, str]], site: str) -> list[Rule]:
    """Compile the rules; ``ValueError`` says which expression is wrong and how."""
    if len(mapping) > MAX_RULES:
        raise ValueError(f"mapping: has too many rules: at most {MAX_RULES}")
    return [_compile_rule(rule, f"mapping[{number}]", site) for number, rule in enumerate(mapping)]


def _compile_rule(rule: Mapping[str, str], at: str, site: str) -> Rule:
    known = ("type", "when", "each", "timestamp_unit", "value_unit", *VALUES)
    for key in rule:
        if key not in known:
            raise ValueError(f"{at}.{key}: is unknown: one of {', '.join(known)}")
    event_type = _one_of(rule, "type", (*EVENT_TYPES, *OTHER_TYPES), at)
    for key in REQUIRED.get(event_type, ()):
        if key not in rule:
            raise ValueError(f"{at}.{key}: is missing: an expression, needed for {event_type}")
    objects: dict[Path, list[tuple[str, Kind, str]]] = {}
    expressions: list[tuple[str, Kind, Read]] = []
    defaults: Found = {}
    for key, (kind, default) in VALUES.items():
        defaults[key] = None if key in AS_FOUND and key in rule else default
        if key in rule:
            evaluate, path = compile_expression(rule[key], f"{at}.{key}"), field_path(rule[key])
            if path:
                objects.setdefault(path[:-1], []).append((key, kind, path[-1]))
            else:
                expressions.append((key, kind, evaluate))
    return Rule(
        at,
        event_type,
        site,
        when=compile_expression(rule["when"], f"{at}.when") if "when" in rule else None,
        needs=needed_equality(rule["when"]) if "when" in rule else None,
        each=compile_expression(rule["each"], f"{at}.each") if "each" in rule else None,
        objects=tuple(objects.items()),
        expressions=expressions,
        defaults=defaults,
        timestamp_unit=_one_of(rule, "timestamp_unit", TIMESTAMP_UNITS, at, "ms"),
        value_unit=_one_of(rule, "value_unit", VALUE_UNITS, at, "minor"),
    )


def _one_of(rule: Mapping[str, str], key: str, allowed: Sequence[str], at: str, default: str = "") -> str:
    value = rule.get(key, default)
    if value not in allowed:
        problem = "is unknown" if value else "is missing"
        raise ValueError(f"{at}.{key}: {problem}: one of {', '.join(allowed)}")
    return value
