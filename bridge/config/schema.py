"""JSON Schema of the configuration's files, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bridge.config.bridge_settings import BridgeSettings
from bridge.config.room_settings import RoomSettings
from bridge.config.shapes import DEFINITIONS, shape
from bridge.config.sources import PLATFORM_KEY, InstalledPlatforms, options_adapter
from bridge.sources.contract import Platform

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = "reference"
_REFERENCE_SCHEMA = {
    "type": "string",
    "pattern": r"\$\{[^}]+\}",
    "description": "${NAME}, ${NAME:-default} or ${file:/path}",
}
_LITERAL_KEYS = ("enum", "const", "default", "required")
_WORDS = ("title", "description", "default")
_INSTALLED = InstalledPlatforms()


def schema(platforms: Mapping[str, Platform] = _INSTALLED) -> dict[str, Any]:
    """Return two schemas by the files that they are for: ``bridge.yaml`` and ``rooms/*.yaml``.

    Each stands alone, as an editor's ``yaml.schemas`` wants it.
    """
    bridge = shape(TypeAdapter(BridgeSettings))
    room = shape(TypeAdapter(RoomSettings))
    definitions = room.setdefault("$defs", {})
    choices = []
    for name in sorted(platforms):
        entry = _entry(platforms[name], definitions)
        definitions[f"source_{name}"] = entry
        choices.append({"$ref": f"{DEFINITIONS}source_{name}"})
    room["properties"]["sources"]["items"] = {"oneOf": choices}
    return {"bridge.yaml": _finished(bridge, "bridge.yaml"), "rooms/*.yaml": _finished(room, "A room")}


def _entry(platform: Platform, definitions: dict[str, Any]) -> dict[str, Any]:
    entry = shape(options_adapter(platform.options))
    definitions.update(entry.pop("$defs", {}))
    entry["title"] = platform.title
    entry["description"] = f"{platform.title}: {platform.route} ({platform.officialness.value})"
    entry["properties"] = {PLATFORM_KEY: {"const": platform.name}, **entry.get("properties", {})}
    entry["required"] = [PLATFORM_KEY, *entry.get("required", ())]
    entry["additionalProperties"] = False
    return entry


def _finished(document: dict[str, Any], title: str) -> dict[str, Any]:
    """Let what the loader lets: a reference in place of a value, and keys without one."""
    finished: dict[str, Any] = _widened(document)
    finished.setdefault("$defs", {})[_REFERENCE] = _REFERENCE_SCHEMA
    return {"$schema": _DIALECT, **finished, "title": title}


def _widened(node: Any) -> Any:
    if isinstance(node, list):
        return [_widened(item) for item in node]
    if not isinstance(node, dict):
        return node
    widened = {key: item if key in _LITERAL_KEYS else _widened(item) for key, item in node.items()}
    kind = node.get("type")
    if kind in ("integer", "number", "boolean") or isinstance(node.get("enum"), list):
        words: dict[str, Any] = {key: widened.pop(key) for key in _WORDS if key in widened}
        return {**words, "anyOf": [widened, {"$ref": DEFINITIONS + _REFERENCE}, {"type": "null"}]}
    if isinstance(kind, str | list) and "null" not in kind:
        widened["type"] = [*([kind] if isinstance(kind, str) else kind), "null"]
    return widened
