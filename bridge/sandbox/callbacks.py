"""The callbacks that a job sends to its owner, signed as MetaStudio may sign them. Pure.

How MSS_A and MSS_A_HEAD sign is documented by a formula only: HMAC-SHA256, the key's, of the callback's URI and a time
in hex. What "URI" is and whether the time is in seconds or ms is open, so both can be chosen. The default reading is that
of the vendor's one worked example with the same header names: host, path and query sorted by name, then seconds, hex digits.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import orjson

AuthType = Literal["NONE", "MSS_A", "MSS_A_HEAD"]
TimeUnit = Literal["seconds", "milliseconds", "decimal_milliseconds"]
"""``decimal_milliseconds`` signs decimal digits and sends hex ones, as the vendor's language model callback does."""

Uri = Literal["host_path_sorted_query", "whole_url", "whole_url_sorted_query", "path", "path_query"]
EventType = Literal["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A callback ready to be posted."""

    url: str
    headers: dict[str, str]
    body: bytes


def signed_callback(
    *,
    target: str,
    signed_url: str,
    body: bytes,
    auth_type: AuthType,
    key: str,
    at_ms: int,
    uri: Uri = "host_path_sorted_query",
    time_unit: TimeUnit = "seconds",
) -> Outgoing:
    """Return the callback to ``target``; ``signed_url`` is the URL as configured in the cloud, which is what is signed."""
    headers = {"Content-Type": "application/json"}
    if auth_type == "NONE":
        return Outgoing(target, headers, body)
    stamp = at_ms // 1000 if time_unit == "seconds" else at_ms
    hw_time = f"{stamp:x}"
    text = uri_of(signed_url, uri) + (str(stamp) if time_unit == "decimal_milliseconds" else hw_time)
    secret = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    if auth_type == "MSS_A_HEAD":
        return Outgoing(target, headers | {"x-hw-mss-secret": secret, "x-hw-mss-time": hw_time}, body)
    glue = "&" if "?" in target else "?"
    return Outgoing(f"{target}{glue}hwSecret={secret}&hwTime={hw_time}", headers, body)


def uri_of(url: str, uri: Uri) -> str:
    """Return the part of a URL that a reading signs."""
    return _READINGS[uri](urlsplit(url))


def callback_body(event_type: EventType, message: dict[str, Any], *, room_id: str, job_id: str) -> bytes:
    """Return the documented body, JSON in JSON; what ``message`` leaves out gets a plausible value."""
    whole = {"room_id": room_id, "job_id": job_id} | _MESSAGES[event_type] | message
    return orjson.dumps({"event_type": event_type, "message": orjson.dumps(whole).decode()})


def _sorted_query(parts: SplitResult) -> str:
    return "&".join(sorted(parts.query.split("&")))


def _with_query(start: str, query: str) -> str:
    return f"{start}?{query}" if query else start


_READINGS: dict[Uri, Callable[[SplitResult], str]] = {
    "host_path_sorted_query": lambda parts: _with_query(parts.netloc + parts.path, _sorted_query(parts)),
    "whole_url": lambda parts: _with_query(f"{parts.scheme}://{parts.netloc}{parts.path}", parts.query),
    "whole_url_sorted_query": lambda parts: _with_query(
        f"{parts.scheme}://{parts.netloc}{parts.path}", _sorted_query(parts)
    ),
    "path": lambda parts: parts.path,
    "path_query": lambda parts: _with_query(parts.path, parts.query),
}

_MESSAGES: dict[EventType, dict[str, Any]] = {
    # The sequence number is a text in this callback, a number in the RTC message (vendor documentation).
    "SHOOT_SCRIPT_SWITCH": {
        "scene_script_name": "scene-1",
        "shoot_script_sequence_no": "1",
        "shoot_script_title": "opening",
    },
    "RTMP_STREAM_STATE_CHANGE": {
        "output_url": "rtmp://push.example.com/live/",
        "stream_key": "sandbox-stream-key",
        "state": "CONNECTED",
    },
    "REPLY_COMMAND_FINISH": {"reply_id": "reply-1"},
}
