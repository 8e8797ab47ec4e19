from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.config import schema
from tests.config.toys import TOYS

SCHEMAS = schema(TOYS)
BRIDGE = SCHEMAS["bridge.yaml"]
ROOM = SCHEMAS["rooms/*.yaml"]


def nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in nodes(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for item in node.values() for found in nodes(item))]


@pytest.mark.parametrize("document", [BRIDGE, ROOM], ids=["bridge", "room"])
def test_each_schema_stands_alone(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document)) == document
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for node in nodes(document):
        if "$ref" in node:
            assert node["$ref"].removeprefix("#/$defs/") in document["$defs"]


@pytest.mark.parametrize("document", [BRIDGE, ROOM], ids=["bridge", "room"])
def test_only_known_keys_are_allowed_and_each_is_described(document: dict[str, Any]) -> None:
    for node in nodes(document):
        if "properties" in node and node.get("title") != "Pond":
            assert node["additionalProperties"] is False
            for key, value in node["properties"].items():
                assert value.get("description") or "const" in value, key


def test_a_value_may_be_a_reference_or_left_out() -> None:
    log = BRIDGE["$defs"]["Log"]["properties"]
    assert log["level"]["default"] == "info"
    assert log["level"]["anyOf"] == [
        {"type": "string", "enum": ["debug", "info", "warning", "error"]},
        {"$ref": "#/$defs/reference"},
        {"type": "null"},
    ]
    limit = ROOM["$defs"]["Report"]["properties"]["max_batch_events"]
    assert limit["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 1000}
    assert limit["default"] == 1000
    assert BRIDGE["properties"]["spool"]["$ref"] == "#/$defs/Spool"
    assert BRIDGE["$defs"]["Spool"]["type"] == ["object", "null"]


def test_a_text_may_be_written_as_a_number() -> None:
    room = ROOM["$defs"]["source_pond"]["properties"]["room"]
    assert room["type"] == ["string", "number", "boolean", "null"]


def test_sources_are_one_of_the_platforms() -> None:
    items = ROOM["properties"]["sources"]["items"]
    assert items == {"oneOf": [{"$ref": "#/$defs/source_mail"}, {"$ref": "#/$defs/source_pond"}]}
    pond, mail = ROOM["$defs"]["source_pond"], ROOM["$defs"]["source_mail"]
    assert pond["properties"]["platform"] == {"const": "pond"}
    assert pond["required"] == ["platform"]
    assert mail["required"] == ["platform", "key"]
    assert pond["title"] == "Pond"
    assert pond["description"] == "Pond: a toy (experimental)"
    assert pond["properties"]["cookie"]["description"] == "Cookie of a logged-in frog."
    assert list(pond["properties"]) == [
        "platform", "room", "proxy", "cookie", "secrets", "depth", "temperature",
        "frozen", "mode", "tags", "prices", "chart", "api_base", "websocket_url",
    ]  # fmt: skip


def test_a_report_goes_to_a_url_or_to_a_room() -> None:
    assert ROOM["$defs"]["Report"]["oneOf"] == [{"required": ["url"]}, {"required": ["smart_live_room_id"]}]


def test_the_installed_platforms_have_schemas() -> None:
    assert set(schema()) == {"bridge.yaml", "rooms/*.yaml"}
