"""A rehearsal: a show's events put to its rules, and what came of it, for whoever shows it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bridge.events import EventType
from bridge.metastudio.rule_matching import PRESET_WORDING, RuleEvent
from bridge.metastudio.rules import Outcome, Rule, Rules

_MAX_SHOWN_CHARS = 200
_NAMES = {kind.value: kind.name.lower() for kind in EventType} | {PRESET_WORDING: "preset wording"}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One event and what it led to. ``words`` are a viewer's own: hostile until escaped."""

    timestamp_ms: int
    type: str
    words: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A whole show: its events in order, its rules with their counts, and how many lines were no events."""

    events: list[Rehearsed]
    rules: list[Rule]
    never_fired: list[str]
    unreadable: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what ``--output json`` prints."""
        events = [
            {
                "timestamp": event.timestamp_ms,
                "fired": list(event.outcome.fired),
                "suppressed": list(event.outcome.suppressed),
                "reply": event.outcome.reply,
            }
            for event in self.events
        ]
        return {"events": events, "never_fired": self.never_fired}

    def summary(self) -> str:
        """Say in one line what happened."""
        answered = sum(bool(event.outcome.fired) for event in self.events)
        kinds = Counter(event.type for event in self.events)
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        left = f", {self.unreadable} line(s) could not be read" if self.unreadable else ""
        return f"{len(self.events)} event(s){f' ({told})' if told else ''}, {answered} answered{left}"


def rehearse_events(events: Iterable[RuleEvent], rules: Rules) -> list[Rehearsed]:
    """Put events to rules, in the order in which they come."""
    return [
        Rehearsed(event.timestamp_ms, _NAMES.get(event.type, f"type {event.type}"), _words(event), rules.take(event))
        for event in events
    ]


def standing(rule: Rule) -> str:
    """Say in a word how a rule came through the show."""
    if not rule.active:
        return "switched off"
    if rule.answers:
        return "answered"
    if rule.hits:
        return "hit, never answered"
    return "never hit"


def _words(event: RuleEvent) -> str:
    fields = event.fields
    name = str(fields.get("name") or fields.get("userId") or "")
    said = ""
    if "content" in fields:
        said = str(fields["content"])
    elif "giftName" in fields:
        said = f"{fields['giftName']} × {fields.get('giftNum', 1)}"
    elif "numberOfViewers" in fields:
        said = f"{fields['numberOfViewers']} viewers"
    text = f"{name}: {said}" if name and said else name or said
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"
