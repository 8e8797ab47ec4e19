from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from bridge.config.shapes import keys_at, shape


def test_a_default_that_json_cannot_write_is_left_out_in_silence() -> None:
    @dataclass
    class Odd:
        thing: Any = field(default=object())

    assert shape(TypeAdapter(Odd))["properties"] == {"thing": {}}


def test_a_shape_has_no_titles_that_only_repeat_the_key() -> None:
    adapter = TypeAdapter(dict[str, int], config=ConfigDict(title="numbers"))
    assert "title" not in shape(adapter)["additionalProperties"]


def test_keys_are_found_through_references_lists_and_alternatives() -> None:
    root = {
        "$defs": {"A": {"properties": {"x": {}, "many": {"type": "array", "items": {"$ref": "#/$defs/B"}}}}, "B": {"properties": {"y": {}}}},
        "properties": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/A"}]}, "any": {"additionalProperties": {"$ref": "#/$defs/B"}}},
    }  # fmt: skip
    assert keys_at(root, ()) == {"a", "any"}
    assert keys_at(root, ("a",)) == {"x", "many"}
    assert keys_at(root, ("a", "many", 3)) == {"y"}
    assert keys_at(root, ("any", "what")) == {"y"}
    assert keys_at(root, ("a", "x", "deeper")) == set()
