"""Mapping rules: compiled once, then evaluated on every message within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

from bridge.errors import DecodeError

EVENT_TYPES = ("comment", "join", "like", "gift", "follow", "viewers")
OTHER_TYPES = ("live", "ended", "ignore")
VALUES = (
    "user_id",
    "user_name",
    "level",
    "badge",
    "badge_level",
    "text",
    "gift_name",
    "gift_count",
    "gift_value",
    "gift_total",
    "currency",
    "viewers",
    "count",
    "id",
    "timestamp",
)
REQUIRED = {"comment": ("text",), "gift": ("gift_name",), "viewers": ("viewers",)}

TIMESTAMP_UNITS = ("ms", "s", "us", "ns", "iso")
VALUE_UNITS = ("minor", "major")

MAX_RULES = 100
MAX_EXPRESSION_CHARS = 2_000
MAX_ITEMS = 1_000
"""Events that one rule may make of one message."""


class Expression(Protocol):
    """A compiled JMESPath expression."""

    def search(self, value: Any) -> Any:
        """Evaluate."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. ``at`` is where it stands in the room file, for the problems that it meets."""

    at: str
    type: str
    when: Expression | None
    each: Expression | None
    values: Mapping[str, Expression]
    timestamp_unit: str
    value_unit: str

    def matches(self, message: Any) -> bool:
        """Tell whether the rule applies. As in JMESPath, ``false``, null and anything empty are false, 0 is not."""
        if self.when is None:
            return True
        found = self._evaluate(self.when, message, "when")
        return found is not None and found is not False and found not in ("", [], {})

    def items(self, message: Any) -> Sequence[Any]:
        """Return what the rule's values are read from: the message, or each part of it."""
        if self.each is None:
            return (message,)
        found = self._evaluate(self.each, message, "each")
        if found is None:
            return ()
        if type(found) is not list:
            raise DecodeError(f"{self.at}.each", f"gives {type(found).__name__}, an array expected")
        return found

    def value(self, item: Any, key: str) -> Any:
        """Return a value of the item, ``None`` if the rule has no expression for it."""
        expression = self.values.get(key)
        return None if expression is None else self._evaluate(expression, item, key)

    def _evaluate(self, expression: Expression, value: Any, key: str) -> Any:
        try:
            return expression.search(value)
        except (JMESPathError, ArithmeticError, AttributeError, RecursionError, TypeError, ValueError) as error:
            # The library's own texts quote the message.
            raise DecodeError(f"{self.at}.{key}", f"cannot be evaluated ({type(error).__name__})") from None


def compile_rules(mapping: Sequence[Mapping[str, str]]) -> list[Rule]:
    """Compile the rules; ``ValueError`` says which expression is wrong and how."""
    if len(mapping) > MAX_RULES:
        raise ValueError(f"mapping: has too many rules: at most {MAX_RULES}")
    return [_compile_rule(rule, f"mapping[{number}]") for number, rule in enumerate(mapping)]


def _compile_rule(rule: Mapping[str, str], at: str) -> Rule:
    known = ("type", "when", "each", "timestamp_unit", "value_unit", *VALUES)
    for key in rule:
        if key not in known:
            raise ValueError(f"{at}.{key}: is unknown: one of {', '.join(known)}")
    kind = _choice(rule, "type", (*EVENT_TYPES, *OTHER_TYPES), at)
    for key in REQUIRED.get(kind, ()):
        if key not in rule:
            raise ValueError(f"{at}.{key}: is missing: an expression, needed for {kind}")
    return Rule(
        at=at,
        type=kind,
        when=_compile(rule["when"], f"{at}.when") if "when" in rule else None,
        each=_compile(rule["each"], f"{at}.each") if "each" in rule else None,
        values={key: _compile(rule[key], f"{at}.{key}") for key in VALUES if key in rule},
        timestamp_unit=_choice(rule, "timestamp_unit", TIMESTAMP_UNITS, at, "ms"),
        value_unit=_choice(rule, "value_unit", VALUE_UNITS, at, "minor"),
    )


def _choice(rule: Mapping[str, str], key: str, allowed: Sequence[str], at: str, default: str = "") -> str:
    value = rule.get(key, default)
    if value not in allowed:
        problem = "is unknown" if value else "is missing"
        raise ValueError(f"{at}.{key}: {problem}: one of {', '.join(allowed)}")
    return value


def _compile(expression: str, at: str) -> Expression:
    """Compile, and evaluate once on nothing: only that finds a function's wrong name or number of arguments."""
    if not expression or len(expression) > MAX_EXPRESSION_CHARS:
        raise ValueError(f"{at}: is no expression: JMESPath of 1 to {MAX_EXPRESSION_CHARS} characters")
    try:
        compiled: Expression = jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"{at}: is no JMESPath expression ({type(error).__name__}): see jmespath.org") from None
    try:
        compiled.search(None)
    except (UnknownFunctionError, ArityError) as error:
        raise ValueError(f"{at}: {str(error).rstrip('.').lower()}: see jmespath.org") from None
    except (JMESPathError, ArithmeticError, AttributeError, RecursionError, TypeError, ValueError):
        pass  # a function that wants a value; the messages will have it
    return compiled
