"""Rules and events in few words, for the tests of the rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from bridge.metastudio.rule_matching import RuleEvent, read_event
from bridge.metastudio.rule_options import DEFAULTS, RuleOptions
from bridge.metastudio.rules import Outcome, Rules, read_rules

START_MS = 1_700_000_000_000
COMMENT, JOIN, LIKE, GIFT = 1, 2, 3, 4


def tag(name: str, match: str, value: object, operation: str | None = None) -> dict[str, Any]:
    return {"tag": name, "match": match, "value": value} | ({"operation": operation} if operation else {})


def rule(
    name: str,
    *tags: dict[str, Any],
    kind: int = COMMENT,
    relation: str = "AND",
    priority: int | None = None,
    window: int | None = None,
    texts: Iterable[str] = (),
    order: str | None = None,
    mode: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a rule as a file has it, without what is not given."""
    condition = {"relation": relation, "priority": priority, "tags": list(tags) or None}
    trigger = {"time_window": window, "reply_texts": list(texts) or None, "reply_order": order, "reply_mode": mode}
    return {
        "rule_name": name,
        "event_type": kind,
        "hit_condition": {key: value for key, value in condition.items() if value is not None},
        "trigger": {key: value for key, value in trigger.items() if value is not None},
        **more,
    }


def wire(kind: int = COMMENT, at_secs: float = 0, **fields: Any) -> dict[str, Any]:
    """Return a ``LiveEvent`` as on the wire; ``fields`` are put where the documents have them."""
    user = {"userId": "pond_1", "name": "Ann", "level": 17, "badge": "", "badgeLevel": 0}
    gift = {"giftName": "Rose", "giftNum": 1, "giftValue": 1, "totalValue": 1}
    content: dict[str, Any] = {"user": user | {key: fields[key] for key in fields if key in user}}
    if kind == GIFT:
        content["gift"] = gift | {key: fields[key] for key in fields if key in gift}
    if kind == COMMENT:
        content["content"] = fields.get("content", "hello")
    return {"timestamp": START_MS + int(at_secs * 1000), "type": kind, "content": orjson.dumps(content).decode()}


def event(kind: int = COMMENT, at_secs: float = 0, **fields: Any) -> RuleEvent:
    return read_event(wire(kind, at_secs, **fields))


def show(*rules: dict[str, Any], scene: str = "", **options: Any) -> Rules:
    """Return a show with these rules, in which chance always draws the last reply."""
    chosen = RuleOptions(**options) if options else DEFAULTS
    return Rules(read_rules(list(rules)), choose=lambda count: count - 1, options=chosen, scene=scene)


def fired(rules: Rules, events: Iterable[RuleEvent]) -> list[list[str]]:
    return [list(rules.take(one).fired) for one in events]


def take(rules: Rules, kind: int = COMMENT, at_secs: float = 0, **fields: Any) -> Outcome:
    return rules.take(event(kind, at_secs, **fields))
