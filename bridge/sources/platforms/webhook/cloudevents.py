"""CloudEvents 1.0 to our own event (vendor documentation: ``spec.md``, JSON format, HTTP binding)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bridge.errors import DecodeError
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.fields import as_object, identifier, parse_json, text

TYPE_PREFIX = "live."
STRUCTURED = "application/cloudevents"
"""What the media types of an event, or a batch of them, that stands in the body begin with."""

_ESCAPED = re.compile(r"\\(.)")


Envelope = tuple[str, dict[str, Any], str, int]
"""One event to decode: its kind, its object, and what the wrapping says of id ("" if nothing) and time (0).

The id is the source and the id that identify a CloudEvent together: a source is a URI reference and so has no space.
The object is empty where there is none; that of a kind that is not ours is left unread.
"""


def is_binary_cloudevent(headers: Mapping[str, str]) -> bool:
    """Whether the event's attributes stand in the headers alone: a structured one may repeat them there."""
    return "ce-specversion" in headers and not headers.get("content-type", "").lower().startswith(STRUCTURED)


def live_kind(event_type: str) -> str | None:
    """Return our kind of a CloudEvent type: ``live.gift`` and ``com.example.live.gift`` are ``gift``."""
    before, found, kind = event_type.rpartition(TYPE_PREFIX)
    return kind if found and kind and before[-1:] in ("", ".") else None


def unwrap(value: dict[str, Any]) -> Envelope:
    """Read a structured CloudEvent. Raises ``DecodeError``."""
    event_type = text(value, "type")
    kind = live_kind(event_type)
    if kind is None:
        return event_type, {}, "", 0
    data = value.get("data")
    if type(data) is not dict:
        data = _data(_unpacked(value) if data is None else data)
    event_id = f"{text(value, 'source')} {identifier(value, 'id')}"
    return kind, data, event_id, timestamp_ms(value.get("time"))


def unwrap_binary(headers: Mapping[str, str], body: bytes | str) -> Envelope:
    """Read a binary-mode CloudEvent, whose attributes are headers and whose data is the body. Raises ``DecodeError``."""
    attributes = {name: _attribute(headers.get(f"ce-{name}", "")) for name in ("type", "source", "id", "time")}
    for name in ("type", "source", "id"):
        if not attributes[name]:
            raise DecodeError(f"ce-{name}", "is missing, a text expected")
    kind = live_kind(attributes["type"])
    if kind is None:
        return attributes["type"], {}, "", 0
    data = _data(parse_json(body, "data") if body else None)
    return kind, data, f"{attributes['source']} {attributes['id']}", timestamp_ms(attributes["time"])


def _attribute(header: str) -> str:
    """Undo a header's percent-encoding, and the quotes that older versions of the specification had around it."""
    if len(header) > 1 and header[0] == header[-1] == '"':
        header = _ESCAPED.sub(r"\1", header[1:-1])
    return unquote(header)


def _data(data: Any) -> dict[str, Any]:
    return {} if data is None else as_object(data, "data")


def _unpacked(value: dict[str, Any]) -> Any:
    """Return the data that is packed as base64, ``None`` where there is none."""
    if value.get("data_base64") is None:
        return None
    try:
        data = base64.b64decode(text(value, "data_base64"), validate=True)
    except ValueError:
        raise DecodeError("data_base64", "is not base64") from None
    return parse_json(data, "data_base64")
