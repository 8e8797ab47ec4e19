"""Limits of what stands beside the body: path values, query parameters, headers. Pure.

Source: the service's OpenAPI document. The list calls' parameters are read here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.sandbox import refusal
from bridge.sandbox.asked import Asked
from bridge.sandbox.checks import MAX_TIMESTAMP_MS
from bridge.sandbox.refusal import Refusal

MAX_ID_CHARS = 64
MAX_PAGE = 100
DEFAULT_PAGE = 10
"""Page size of the list calls when ``limit`` is absent; together with ``asc`` it shows the ten oldest."""

_MAX_OFFSET = 2**31 - 1
_MAX_STATE_CHARS = 1024
_MAX_TIME_CHARS = 20
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HEADER_CHARS = {
    "X-Auth-Token": (1, 16384),
    "Authorization": (0, 256),
    "X-Sdk-Date": (16, 16),
    "X-Project-Id": (1, 64),
    "X-App-UserId": (1, 256),
}
_SORT_KEYS = ("create_time", "update_time", "asset_order")
_SORT_DIRS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class JobQuery:
    """What a list call asks for; times in ms, ``states`` empty for all."""

    offset: int
    limit: int
    states: frozenset[str]
    sort_key: str
    descending: bool
    created_since_ms: int
    created_until_ms: int
    room_name: str


@dataclass(frozen=True, slots=True)
class RoomQuery:
    """What the list of rooms is asked for; ``states`` and times are those of a room's newest job."""

    offset: int
    limit: int
    room_name: str
    room_type: str
    states: frozenset[str]
    started_since_ms: int
    started_until_ms: int


def common_problem(asked: Asked) -> Refusal | None:
    """Check what every call has: the path's ids and the headers."""
    for name, value in asked.ids.items():
        if not 1 <= len(value) <= MAX_ID_CHARS:
            return refusal.invalid_parameter(f"{name}: 1 to {MAX_ID_CHARS} characters expected")
    for name, (fewest, most) in _HEADER_CHARS.items():
        header = asked.headers.get(name)
        if header is not None and not fewest <= len(header) <= most:
            return refusal.invalid_parameter(f"{name}: {fewest} to {most} characters expected")
    if _CHINESE.search(asked.headers.get("X-App-UserId", "")):
        return refusal.invalid_parameter("X-App-UserId: no Chinese characters expected")
    return None


def report_problem(asked: Asked) -> Refusal | None:
    """Check the report call's own parameters, in the query and in their header variant."""
    query, headers = asked.query, asked.headers
    for name, key in (("auth_key", query.get("auth_key")), ("x-mss-auth-key", headers.get("x-mss-auth-key"))):
        if key is not None and len(key) > MAX_ID_CHARS:
            return refusal.invalid_parameter(f"{name}: 0 to {MAX_ID_CHARS} characters expected")
    expiries = (("expires_time", query.get("expires_time")), ("x-mss-expires-time", headers.get("x-mss-expires-time")))
    for name, text in expiries:
        if text is not None and _integer(text, MAX_TIMESTAMP_MS) is None:
            return refusal.invalid_parameter(f"{name}: ms from 0 to {MAX_TIMESTAMP_MS} expected")
    if query.get("refresh_url", "false") not in {"true", "false"}:
        return refusal.invalid_parameter("refresh_url: true or false expected")
    return None


def job_query(query: Mapping[str, str]) -> JobQuery | Refusal:
    """Return what a list-jobs call asks for, or the refusal of its first wrong parameter."""
    window = _page(query)
    if isinstance(window, Refusal):
        return window
    states = query.get("state", "")
    if len(states) > _MAX_STATE_CHARS:
        return refusal.invalid_parameter(f"state: at most {_MAX_STATE_CHARS} characters expected")
    sort_key, sort_dir = query.get("sort_key", "create_time"), query.get("sort_dir", "asc")
    if sort_key not in _SORT_KEYS:
        return refusal.invalid_parameter(f"sort_key: one of {', '.join(_SORT_KEYS)} expected")
    if sort_dir not in _SORT_DIRS:
        return refusal.invalid_parameter("sort_dir: asc or desc expected")
    since, until = _time_ms(query, "create_since", 0), _time_ms(query, "create_until", MAX_TIMESTAMP_MS)
    if isinstance(since, Refusal):
        return since
    if isinstance(until, Refusal):
        return until
    return JobQuery(
        *window,
        states=_names(states),
        sort_key=sort_key,
        descending=sort_dir == "desc",
        created_since_ms=since,
        created_until_ms=until,
        room_name=query.get("room_name", ""),
    )


def room_query(query: Mapping[str, str]) -> RoomQuery | Refusal:
    """Return what a list-rooms call asks for, or the refusal of its first wrong parameter."""
    window = _page(query)
    if isinstance(window, Refusal):
        return window
    since, until = _time_ms(query, "start_time", 0), _time_ms(query, "end_time", MAX_TIMESTAMP_MS)
    if isinstance(since, Refusal):
        return since
    if isinstance(until, Refusal):
        return until
    return RoomQuery(
        *window,
        room_name=query.get("room_name", ""),
        room_type=query.get("room_type", ""),
        states=_names(query.get("live_state", "").replace("SUCCESS", "SUCCEED")),
        started_since_ms=since,
        started_until_ms=until,
    )


def time_text(at_ms: int) -> str:
    """Return a time as the cloud writes it: RFC 3339, UTC, whole seconds, 20 characters."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime(_TIME_FORMAT)


def _page(query: Mapping[str, str]) -> tuple[int, int] | Refusal:
    """Return ``offset`` and ``limit`` of a list call."""
    offset = _integer(query.get("offset", "0"), _MAX_OFFSET)
    if offset is None:
        return refusal.invalid_parameter(f"offset: 0 to {_MAX_OFFSET} expected")
    limit = _integer(query.get("limit", str(DEFAULT_PAGE)), MAX_PAGE)
    if not limit:
        return refusal.invalid_parameter(f"limit: 1 to {MAX_PAGE} expected")
    return offset, limit


def _time_ms(query: Mapping[str, str], name: str, default_ms: int) -> int | Refusal:
    """Return a time parameter such as ``2021-01-10T08:43:17Z`` in ms."""
    text = query.get(name)
    if text is None:
        return default_ms
    try:
        if len(text) == _MAX_TIME_CHARS:
            return int(datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        pass
    return refusal.invalid_parameter(f"{name}: a time such as 2021-01-10T08:43:17Z expected")


def _names(text: str) -> frozenset[str]:
    """Return the names of a comma separated list."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _integer(text: str, most: int) -> int | None:
    value = int(text) if _DIGITS.fullmatch(text) else -1
    return value if 0 <= value <= most else None
