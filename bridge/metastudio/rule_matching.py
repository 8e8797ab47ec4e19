"""Whether an event meets a rule's ``hit_condition``: its fields, and the totals that run over a show. Pure."""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.errors import DecodeError
from bridge.events import MAX_TIMESTAMP_MS
from bridge.metastudio.models.interaction import HitCondition, HitConditionTag
from bridge.metastudio.rule_options import AndTakes, NoTags, Regex, RuleOptions, TotalsOver
from bridge.metastudio.rule_patterns import Pattern, PatternError

PRESET_WORDING = 10
"""The event type of preset wording: it has no content of its own shape, rules match its text as ``content``."""

_MAX_TYPE = 100
_MAX_EXACT_DIGITS = 18

Leaf = str | int | float | bool
Number = int | float


@dataclass(frozen=True, slots=True)
class RuleEvent:
    """An event as rules see it: ``fields`` are the leaves of its content by their bare names."""

    timestamp_ms: int
    type: int
    fields: Mapping[str, Leaf] = field(default_factory=dict)


def read_event(value: object) -> RuleEvent:
    """Read a ``LiveEvent`` as on the wire; raises ``DecodeError``."""
    if not isinstance(value, dict):
        raise DecodeError("", "is no JSON object")
    timestamp_ms = _integer(value, "timestamp", MAX_TIMESTAMP_MS)
    kind = _integer(value, "type", _MAX_TYPE)
    content = value.get("content")
    if not isinstance(content, str):
        raise DecodeError("content", "is no text")
    return RuleEvent(timestamp_ms, kind, _fields(kind, content))


def _integer(value: Mapping[str, Any], name: str, most: int) -> int:
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        raise DecodeError(name, f"is no integer from 0 to {most}")
    return found


def _fields(kind: int, content: str) -> Mapping[str, Leaf]:
    try:
        value = orjson.loads(content)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        value = None
    if isinstance(value, dict):
        return leaves(value)
    if kind == PRESET_WORDING:
        return {"content": content}
    raise DecodeError("content", "is no JSON object")


def leaves(content: Mapping[str, Any]) -> dict[str, Leaf]:
    """Return the texts, numbers and truth values of a decoded content by name; of two alike the outer, earlier one."""
    found: dict[str, Leaf] = {}
    waiting = deque([content])
    while waiting:
        for name, value in waiting.popleft().items():
            if isinstance(value, dict):
                waiting.append(value)
            elif isinstance(value, str | int | float):
                found.setdefault(name, value)
    return found


def number_of(leaf: Leaf | None) -> Number | None:
    """Return the number that a field or a rule's value is; a text may be one too. Truth values are none."""
    if isinstance(leaf, str):
        text = leaf.strip()
        try:
            found: Number = (
                int(text) if len(text) <= _MAX_EXACT_DIGITS and text.lstrip("+-").isdecimal() else float(text)
            )
        except ValueError:
            return None
        return found if math.isfinite(found) else None
    if leaf is None or isinstance(leaf, bool) or (isinstance(leaf, float) and not math.isfinite(leaf)):
        return None
    return leaf


def text_of(leaf: Leaf) -> str:
    """Return a field as the text that ``EQUAL`` and ``REGEX`` look at: 17 is ``17``, and so is 17.0."""
    if isinstance(leaf, bool):
        return "true" if leaf else "false"
    if isinstance(leaf, float) and leaf.is_integer():
        return str(int(leaf))
    return str(leaf)


_COMPARISONS: Mapping[str, Callable[[Number, Number], bool]] = {
    "MATH_GT": operator.gt,
    "MATH_GE": operator.ge,
    "MATH_LT": operator.lt,
    "MATH_LE": operator.le,
    "MATH_EQ": operator.eq,
}


def _test(tag: HitConditionTag, options: RuleOptions) -> Callable[[Leaf], bool]:
    """Return the comparison with the tag's value. Raises ``PatternError``."""
    value = tag.value or ""
    if tag.match == "REGEX":
        pattern = Pattern(value, whole=options.regex is Regex.WHOLE)
        return lambda leaf: pattern.matches(text_of(leaf))
    compare = _COMPARISONS.get(tag.match or "")
    if compare is None:
        return lambda leaf: text_of(leaf) == value
    bound = number_of(value)

    def holds(leaf: Leaf) -> bool:
        number = number_of(leaf)
        return number is not None and bound is not None and compare(number, bound)

    return holds


class _Tag:
    """One comparison. ``meets`` judges an event alone, a tag with totals what ``take`` was given so far."""

    def __init__(self, tag: HitConditionTag, options: RuleOptions, window_ms: int) -> None:
        self.name = tag.tag or ""
        self.operation = tag.operation or "NONE"
        self.has_totals = self.operation != "NONE"
        self._test = _test(tag, options)
        self._over = options.totals_over
        self._window_ms = window_ms if self._over is TotalsOver.WINDOW else 0
        self._totals: dict[object, _Total] = {}

    def meets(self, event: RuleEvent) -> bool:
        leaf = self._total(event).result(self.operation) if self.has_totals else event.fields.get(self.name)
        return leaf is not None and self._test(leaf)

    def take(self, event: RuleEvent, now_ms: int, *, counts: bool) -> None:
        """Let the totals know the time, and the event if it ``counts``; one without the field adds nothing."""
        total = self._total(event)
        leaf = event.fields.get(self.name)
        number = number_of(leaf)
        if self.operation == "COUNT":
            number = 1 if leaf is not None or not self.name else None
        if counts and number is not None:
            total.add(now_ms, number)
        if self._window_ms > 0:
            total.forget(now_ms - self._window_ms)

    def start_anew(self) -> None:
        self._totals.clear()

    def _total(self, event: RuleEvent) -> _Total:
        whose = event.fields.get("userId") if self._over is TotalsOver.USER else None
        total = self._totals.get(whose)
        if total is None:
            total = self._totals[whose] = _Total(keeps=self._window_ms > 0)
        return total


class _Total:
    """A running sum; what it is made of is kept only where it must be forgotten again."""

    def __init__(self, *, keeps: bool) -> None:
        self.sum: Number = 0
        self.count = 0
        self._parts: deque[tuple[int, Number]] | None = deque() if keeps else None

    def add(self, at_ms: int, number: Number) -> None:
        self.sum += number
        self.count += 1
        if self._parts is not None:
            self._parts.append((at_ms, number))

    def forget(self, until_ms: int) -> None:
        parts = self._parts
        while parts and parts[0][0] <= until_ms:
            self.sum -= parts.popleft()[1]
            self.count -= 1
        if not self.count:
            self.sum = 0

    def result(self, operation: str) -> Number | None:
        if operation == "COUNT":
            return self.count
        if operation == "SUM":
            return self.sum
        return self.sum / self.count if self.count else None


class Condition:
    """A rule's ``hit_condition``, and the totals that it has gathered. Raises ``PatternError``."""

    def __init__(self, condition: HitCondition | None, options: RuleOptions, time_window_secs: int) -> None:
        tags = (condition.tags if condition else None) or []
        self._tags = [_Tag(tag, options, time_window_secs * 1000) for tag in tags]
        self._with_totals = [tag for tag in self._tags if tag.has_totals]
        self._alone = [tag for tag in self._tags if not tag.has_totals]
        self._is_or = condition is not None and condition.relation == "OR"
        self._sums_matching = options.and_takes is AndTakes.MATCHING and not self._is_or
        self._without_tags = options.no_tags is NoTags.EVERYTHING

    def take(self, event: RuleEvent, now_ms: int) -> bool:
        """Take an event of the rule's type into the totals, and tell whether it hits."""
        if not self._tags:
            return self._without_tags
        if self._with_totals:
            counts = not self._sums_matching or all(tag.meets(event) for tag in self._alone)
            for tag in self._with_totals:
                tag.take(event, now_ms, counts=counts)
        outcomes = (tag.meets(event) for tag in self._tags)
        return any(outcomes) if self._is_or else all(outcomes)

    def start_anew(self) -> None:
        """Forget the totals."""
        for tag in self._with_totals:
            tag.start_anew()


def pattern_problem(text: str) -> str:
    """Say why a text cannot be used as a pattern, "" if it can."""
    try:
        Pattern(text)
    except PatternError as error:
        return str(error)
    return ""
