"""Interaction rules at work: which rule answers which event. Pure: time is the events' own, chance is passed in.

What the documents say is done as they say it: priority 0 to 999, lower first, 500 by default; ``time_window`` -1 once a
show, 0 every time, else at most once in so many seconds; a ``RESERVED`` rule looks at no tags; a rule without
``enabled_scenes`` holds in all. What they leave open is ``RuleOptions``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from bridge.errors import ConfigError
from bridge.metastudio.models.base import Part
from bridge.metastudio.models.interaction import InteractionRule
from bridge.metastudio.models.limits import REQUIRED, Items
from bridge.metastudio.models.problems import problems
from bridge.metastudio.rule_matching import Condition, RuleEvent, pattern_problem
from bridge.metastudio.rule_options import (
    DEFAULTS,
    AfterAnswer,
    Answers,
    Reserved,
    RuleOptions,
    Suppressed,
    Time,
    WindowEnd,
)

DEFAULT_PRIORITY = 500
ONCE_A_SHOW = -1
_WITHOUT_WORDS = frozenset({"SHOW_LAYER", "INTELLIGENT_REPLY"})
_MAX_SHOWN_CHARS = 64

Choose = Callable[[int], int]
"""Draws a number from 0 up to and without the one given: for ``reply_order`` RANDOM."""


class _RuleFile(Part):
    interaction_rules: Annotated[list[InteractionRule], Items(500), REQUIRED] = Field(default_factory=list)


def read_rules(data: object) -> list[InteractionRule]:
    """Read rules from a list of them, or from a whole room with ``interaction_rules``.

    Of a room nothing else is looked at. Raises ``ConfigError`` with every problem as ``path: problem: what is allowed``.
    """
    rules = data.get("interaction_rules") if isinstance(data, dict) else data
    if not isinstance(data, dict | list):
        raise ConfigError(["is neither rules nor a room: a list of rules, or a mapping with interaction_rules"])
    whole = {} if rules is None else {"interaction_rules": rules}
    found = [*problems(_RuleFile, whole), *_pattern_problems(rules)]
    if found:
        raise ConfigError(found)
    return _RuleFile.from_operator(whole).interaction_rules


def _pattern_problems(rules: object) -> Iterator[str]:
    """Name every pattern that cannot be used, in whatever else is wrong around it."""
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        condition = rule.get("hit_condition") if isinstance(rule, dict) else None
        tags = condition.get("tags") if isinstance(condition, dict) else None
        for index, tag in enumerate(tags if isinstance(tags, list) else ()):
            value = tag.get("value") if isinstance(tag, dict) and tag.get("match") == "REGEX" else None
            problem = pattern_problem(value) if isinstance(value, str) else ""
            if problem:
                whose = f"rule {_shown(rule.get('rule_name'), number)}, tag {_shown(tag.get('tag'), index)}"
                yield (
                    f"interaction_rules[{number}].hit_condition.tags[{index}].value: is no pattern that can be used, "
                    f"{problem} ({whose}): a regular expression without back references"
                )


def _shown(name: object, index: int) -> str:
    text = str(name)[:_MAX_SHOWN_CHARS] if isinstance(name, str) and name else str(index + 1)
    return text if text.isprintable() else ascii(text)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one event led to: names of rules, in the order in which they were asked."""

    fired: Sequence[str] = ()
    suppressed: Sequence[str] = ()
    reply: str | None = None


SILENCE = Outcome()


class Rule:
    """A rule in a show, with what became of it: events that ``hits`` its condition, answers, suppressions."""

    def __init__(self, rule: InteractionRule, name: str, options: RuleOptions, *, active: bool) -> None:
        trigger, condition = rule.trigger, rule.hit_condition
        self.name = name
        self.event_type = rule.event_type
        self.active = active
        self.priority = DEFAULT_PRIORITY
        if condition is not None and condition.priority is not None:
            self.priority = condition.priority
        self.is_reserved = condition is not None and condition.relation == "RESERVED"
        self.time_window_secs = (trigger.time_window if trigger else None) or 0
        self.condition = Condition(condition, options, self.time_window_secs)
        self.hits = self.answers = self.suppressions = 0
        self._fires_at_end = options.window_end is WindowEnd.FIRES
        self._texts = (trigger.reply_texts if trigger else None) or []
        self._has_words = trigger is None or trigger.reply_mode not in _WITHOUT_WORDS
        self._in_order = trigger is not None and trigger.reply_order == "ORDER"
        self._answered_at_ms: int | None = None

    def is_suppressed(self, now_ms: int) -> bool:
        """Tell whether the rule answered too short a time ago, or after this moment."""
        if self._answered_at_ms is None or self.time_window_secs == 0:
            return False
        if self.time_window_secs == ONCE_A_SHOW:
            return True
        left_ms = self._answered_at_ms + self.time_window_secs * 1000 - now_ms
        return left_ms > 0 or (left_ms == 0 and not self._fires_at_end)

    def answer(self, now_ms: int, choose: Choose) -> str | None:
        """Answer; returns the preset wording, if the rule has any to say or to hand on."""
        number = self.answers
        self.answers += 1
        self._answered_at_ms = now_ms
        if not self._texts or not self._has_words:
            return None
        return self._texts[number % len(self._texts) if self._in_order else choose(len(self._texts))]


class Rules:
    """The rules of one show, asked event by event.

    ``scene`` is the scene that plays; "" takes the rules of all scenes. Rules must have come from ``read_rules`` or
    the cloud. Raises ``PatternError`` for a pattern that ``read_rules`` would have refused.
    """

    def __init__(
        self,
        rules: Sequence[InteractionRule],
        *,
        choose: Choose,
        options: RuleOptions = DEFAULTS,
        scene: str = "",
    ) -> None:
        self._options = options
        self._choose = choose
        self._latest_ms = 0
        self.rules = [
            Rule(rule, name, options, active=_is_active(rule, scene))
            for rule, name in zip(rules, _names(rules), strict=True)
        ]
        self._by_type: dict[int, tuple[list[Rule], list[Rule]]] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.priority):
            if rule.active and rule.event_type is not None:
                ordinary, reserved = self._by_type.setdefault(rule.event_type, ([], []))
                (reserved if rule.is_reserved else ordinary).append(rule)

    def take(self, event: RuleEvent) -> Outcome:
        """Say what an event leads to."""
        self._latest_ms = max(self._latest_ms, event.timestamp_ms)
        now_ms = self._latest_ms if self._options.time is Time.LATEST else event.timestamp_ms
        known = self._by_type.get(event.type)
        if known is None:
            return SILENCE
        ordinary, reserved = known
        hits = [rule for rule in ordinary if rule.condition.take(event, now_ms)]
        fired, suppressed, reply = self._asked(hits, now_ms)
        is_open = not fired if self._options.reserved is Reserved.NOTHING_ANSWERED else not hits
        if reserved and is_open:
            fired, more, reply = self._asked(reserved, now_ms)
            suppressed += more
        if not fired and not suppressed:
            return SILENCE
        return Outcome(fired, suppressed, reply)

    def never_fired(self) -> list[str]:
        """Return the rules that answered nothing, in the order of the list, those switched off included."""
        return [rule.name for rule in self.rules if not rule.answers]

    def _asked(self, hits: Sequence[Rule], now_ms: int) -> tuple[list[str], list[str], str | None]:
        """Ask the rules that hit in turn; return who answered, who was suppressed, and the first answer's words."""
        fired: list[str] = []
        suppressed: list[str] = []
        reply: str | None = None
        for rule in hits:
            rule.hits += 1
        for rule in hits:
            if rule.is_suppressed(now_ms):
                rule.suppressions += 1
                suppressed.append(rule.name)
                if self._options.answers is Answers.ONE and self._options.suppressed is Suppressed.SILENT:
                    break
                continue
            words = rule.answer(now_ms, self._choose)
            reply = words if reply is None else reply
            fired.append(rule.name)
            if self._options.after_answer is AfterAnswer.START_ANEW:
                rule.condition.start_anew()
            if self._options.answers is Answers.ONE:
                break
        return fired, suppressed, reply


def _is_active(rule: InteractionRule, scene: str) -> bool:
    if rule.enabled is False:
        return False
    return not scene or not rule.enabled_scenes or scene in rule.enabled_scenes


def _names(rules: Sequence[InteractionRule]) -> list[str]:
    """Return a name for each rule; of those alike, the second becomes ``name (2)``."""
    names: dict[str, Any] = {}
    for number, rule in enumerate(rules, start=1):
        name = free = rule.rule_name or rule.rule_index or f"rule {number}"
        again = 1
        while free in names:
            again += 1
            free = f"{name} ({again})"
        names[free] = rule
    return list(names)
