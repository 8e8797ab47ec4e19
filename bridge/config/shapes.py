"""The shape of a section as JSON Schema, and which keys it knows at a place."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from bridge.config.problems import Path

DEFINITIONS = "#/$defs/"


class _Generator(GenerateJsonSchema):
    """Leaves out defaults that JSON cannot write (credentials, platform objects) without a warning for each."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 (as in the base)
        "skipped-choice",
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out titles that only repeat the key."""
        return False


def shape(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the JSON Schema of what ``adapter`` reads."""
    return adapter.json_schema(schema_generator=_Generator, ref_template=DEFINITIONS + "{model}")


def keys_at(root: dict[str, Any], path: Path) -> set[str]:
    """Return the keys that the section at ``path`` knows; none where any key goes, or there is no section."""
    here = _section(root, root)
    for step in path:
        if isinstance(step, int):
            here = _section(root, here.get("items", {}))
        else:
            here = _section(root, here.get("properties", {}).get(step) or here.get("additionalProperties") or {})
    return set(here.get("properties", {}))


def _section(root: dict[str, Any], node: Any) -> dict[str, Any]:
    """Follow references, and of alternatives take the one that is a section."""
    while isinstance(node, dict) and "$ref" in node:
        node = root.get("$defs", {}).get(node["$ref"].removeprefix(DEFINITIONS), {})
    if not isinstance(node, dict):
        return {}
    choices = [_section(root, choice) for choice in node.get("anyOf", ())]
    return next((choice for choice in choices if "properties" in choice or "items" in choice), node)
