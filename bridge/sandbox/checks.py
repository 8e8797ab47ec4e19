"""Every documented check of a report call's body. Pure.

Sources: the service's OpenAPI document (limits, required fields), the official SDK's event definitions (the shape of
``content`` a type). ``strict`` also holds what the documents say in words and what interaction rules need: ``total``
is the number of events, ``type`` is 1 to 6, ``content`` has exactly the documented keys and JSON types. Type 5 has no
documented shape; it is taken to be that of a join. Integers are 32 bits wide (inferred: the vendor says "int").
The limits are written down here again and not taken from the bridge: the bridge is measured against them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.sandbox import refusal
from bridge.sandbox.refusal import Refusal

MAX_BODY_BYTES = 12 * 1024 * 1024
MAX_EVENTS = 1000
MAX_CONTENT_CHARS = 4096
"""Limit of ``content``, in UTF-16 units: the vendor's services count a character beyond the BMP twice (inferred)."""

MAX_TIMESTAMP_MS = 4_102_415_999_000
_MAX_TYPE = 100
_INT_LIMIT = 2**31

_USER = {"userId": str, "name": str, "level": int, "badge": str, "badgeLevel": int}
_GIFT = {"giftName": str, "giftNum": int, "totalValue": int, "giftValue": int}
_SHAPES: dict[int, dict[str, Any]] = {
    1: {"user": _USER, "content": str},
    2: {"user": _USER},
    3: {"user": _USER},
    4: {"user": _USER, "gift": _GIFT},
    5: {"user": _USER},
    6: {"numberOfViewers": int},
}
_BODY_KEYS = {"total", "events", "review_config"}
_EVENT_KEYS = {"timestamp", "type", "content"}
_NAMES = {dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Report:
    """A report call's body that passed: its events as sent, and how many of each type."""

    events: list[dict[str, Any]]
    by_type: Counter[int]


def check_report(body: bytes, content_type: str, *, strict: bool) -> Report | Refusal:
    """Return what the body reports, or the refusal that the cloud would give for it."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return refusal.not_json(f"Content-Type is {content_type[:64]!r}, application/json expected")
    data = parse_body(body)
    if isinstance(data, Refusal):
        return data
    problem = _envelope_problem(data, strict=strict)
    if problem:
        return refusal.invalid_parameter(problem)
    events = data.get("events") or []
    check = _strict_problem if strict else _event_problem
    for index, event in enumerate(events):
        problem = check(event)
        if problem:
            return refusal.invalid_parameter(f"events[{index}]{problem}")
    return Report(events, Counter(event.get("type", 0) for event in events))


def parse_body(body: bytes) -> dict[str, Any] | Refusal:
    """Return the JSON object that a request's body holds."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = _lone_surrogate(body)
        if where:
            return refusal.invalid_parameter(where)
        return refusal.not_json(str(error))
    if type(data) is not dict:
        return refusal.invalid_body(f"is {_name(data)}, object expected")
    return data


def _envelope_problem(data: dict[str, Any], *, strict: bool) -> str:
    total = data.get("total")
    if type(total) is not int or not 1 <= total <= MAX_EVENTS:
        return f"total: {_shown(total)}, an integer from 1 to {MAX_EVENTS} expected"
    events = data.get("events")
    if events is not None and (type(events) is not list or not 1 <= len(events) <= MAX_EVENTS):
        return f"events: {_shown(events)}, an array of 1 to {MAX_EVENTS} events expected"
    review = data.get("review_config")
    if review is not None and (type(review) is not dict or type(review.get("no_need_review", False)) is not bool):
        return 'review_config: is not {"no_need_review": boolean}'
    if not strict:
        return ""
    if not data.keys() <= _BODY_KEYS:
        return f"{min(data.keys() - _BODY_KEYS)[:64]}: unknown key"
    if total != len(events or ()):
        return f"total: {total}, but the body has {len(events or ())} events"
    return ""


def _event_problem(event: Any) -> str:
    """Hold the schema: what the service's own description allows."""
    if type(event) is not dict:
        return f": is {_name(event)}, object expected"
    timestamp = event.get("timestamp")
    if type(timestamp) is not int or not 0 <= timestamp <= MAX_TIMESTAMP_MS:
        return f".timestamp: {_shown(timestamp)}, ms from 0 to {MAX_TIMESTAMP_MS} expected"
    kind = event.get("type", 0)
    if type(kind) is not int or not 0 <= kind <= _MAX_TYPE:
        return f".type: {_shown(kind)}, an integer from 0 to {_MAX_TYPE} expected"
    content = event.get("content", "")
    if type(content) is not str:
        return f".content: is {_name(content)}, JSON text in a string expected"
    if len(content) * 2 > MAX_CONTENT_CHARS and len(content.encode("utf-16-le")) > 2 * MAX_CONTENT_CHARS:
        return f".content: longer than {MAX_CONTENT_CHARS} characters"
    return ""


def _strict_problem(event: Any) -> str:
    """Hold the schema and the shape that the documents give each type."""
    problem = _event_problem(event)
    if problem:
        return problem
    if event.keys() != _EVENT_KEYS:
        return _keys_problem(event, _EVENT_KEYS)
    shape = _SHAPES.get(event["type"])
    if shape is None:
        return f".type: {event['type']}, one of 1 to 6 expected"
    try:
        content = orjson.loads(event["content"])
    except orjson.JSONDecodeError as error:
        return f".content: is not JSON: {error}"
    problem = _shape_problem(content, shape)
    return f".content{problem}" if problem else ""


def _shape_problem(value: Any, shape: dict[str, Any]) -> str:
    if type(value) is not dict:
        return f": is {_name(value)}, object expected"
    if value.keys() != shape.keys():
        return _keys_problem(value, set(shape))
    for key, wanted in shape.items():
        field = value[key]
        if type(wanted) is dict:
            problem = _shape_problem(field, wanted)
            if problem:
                return f".{key}{problem}"
        elif type(field) is not wanted:
            return f".{key}: is {_name(field)}, {_NAMES[wanted]} expected"
        elif wanted is int and not -_INT_LIMIT <= field < _INT_LIMIT:
            return f".{key}: {field} does not fit 32 bits"
    return ""


def _keys_problem(value: dict[str, Any], wanted: set[str]) -> str:
    missing = wanted - value.keys()
    if missing:
        return f".{min(missing)}: is missing"
    return f".{min(value.keys() - wanted)[:64]}: unknown key"


def _name(value: Any) -> str:
    return "null" if value is None else _NAMES.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    if type(value) in {int, float}:
        return f"is {value}"
    return f"has {len(value)}" if type(value) is list else f"is {_name(value)}"


def _lone_surrogate(body: bytes) -> str:
    """Return where a body that strict parsers refuse has half a surrogate pair; "" when that is not its trouble."""
    try:
        data = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return ""
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str) and not _is_encodable(value):
            return f"{place or 'body'}: has half a surrogate pair"
        if isinstance(value, dict):
            waiting += ((f"{place}.{key}" if place else key, item) for key, item in value.items())
            waiting += ((f"{place} key", key) for key in value)
        elif isinstance(value, list):
            waiting += ((f"{place}[{index}]", item) for index, item in enumerate(value))
    return ""


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
