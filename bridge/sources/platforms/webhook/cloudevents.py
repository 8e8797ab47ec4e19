"""CloudEvents 1.0 to our own event (vendor documentation: ``spec.md``, JSON format, HTTP binding)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bridge.errors import DecodeError
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.fields import identifier, optional_text, parse_json, text

TYPE_PREFIX = "live."


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event to decode: its kind, its object, and what the wrapping says of id and time.

    ``event_id`` is "" and ``timestamp_ms`` 0 where nothing is said. ``data`` of a kind that is not ours
    is left unread.
    """

    kind: str
    data: Any
    event_id: str = ""
    timestamp_ms: int = 0


def is_cloudevent(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a structured CloudEvent."""
    return "specversion" in value


def is_binary_cloudevent(headers: Mapping[str, str]) -> bool:
    """Whether the headers carry a CloudEvent's attributes."""
    return "ce-specversion" in headers


def live_kind(event_type: str) -> str | None:
    """Return our kind of a CloudEvent type: ``live.gift`` and ``com.example.live.gift`` are ``gift``."""
    before, found, kind = event_type.rpartition(TYPE_PREFIX)
    return kind if kind and found and (not before or before.endswith(".")) else None


def unwrap(value: dict[str, Any], at: str = "") -> Envelope:
    """Read a structured CloudEvent. Raises ``DecodeError``."""
    event_type = text(value, "type", at)
    kind = live_kind(event_type)
    if kind is None:
        return Envelope(event_type, None)
    return Envelope(
        kind=kind,
        data=_data(value, at),
        event_id=_unique(text(value, "source", at), identifier(value, "id", at)),
        timestamp_ms=timestamp_ms(optional_text(value, "time")),
    )


def unwrap_binary(headers: Mapping[str, str], body: bytes) -> Envelope:
    """Read a binary-mode CloudEvent, whose attributes are percent-encoded headers. Raises ``DecodeError``."""
    attributes = {name: unquote(headers.get(f"ce-{name}", "")) for name in ("type", "source", "id", "time")}
    for name in ("type", "source", "id"):
        if not attributes[name]:
            raise DecodeError(f"ce-{name}", "is missing, a text expected")
    kind = live_kind(attributes["type"])
    if kind is None:
        return Envelope(attributes["type"], None)
    return Envelope(
        kind=kind,
        data=parse_json(body, "data"),
        event_id=_unique(attributes["source"], attributes["id"]),
        timestamp_ms=timestamp_ms(attributes["time"]),
    )


def _unique(source: str, event_id: str) -> str:
    """Join the two that identify a CloudEvent; a source is a URI reference and so has no space."""
    return f"{source} {event_id}"


def _data(value: dict[str, Any], at: str) -> Any:
    packed = value.get("data_base64")
    if packed is None:
        return value.get("data")
    try:
        return parse_json(base64.b64decode(text(value, "data_base64", at), validate=True), "data_base64")
    except (binascii.Error, ValueError):
        raise DecodeError(f"{at}.data_base64" if at else "data_base64", "is not base64") from None
