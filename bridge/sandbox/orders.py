"""What may be ordered from the sandbox under ``/_sandbox/``: the bodies of its POST calls."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bridge.errors import DecodeError
from bridge.sandbox.callbacks import AuthType, EventType, TimeUnit, Uri
from bridge.sandbox.faults import readable

_Order = TypeVar("_Order", bound=BaseModel)


class JobOrder(BaseModel):
    """Start a job (in ``state``), or put one into another state; ``job_id`` and ``room_id`` default to the first ones."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["start", "run", "end", "fail", "block"]
    room_id: str = ""
    job_id: str = ""
    state: Literal["", "WAITING", "PROCESSING"] = ""
    reason: str = Field(default="", max_length=2000)


class ExpireOrder(BaseModel):
    """Let report URLs or tokens die, now or ``in_secs``; without ``job_id`` those of all jobs.

    ``url_life_secs`` is how long the URLs made from now on live.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    what: Literal["url", "tokens", "revoked_tokens"] = "url"
    job_id: str = ""
    which: Literal["all", "old", "current"] = "all"
    in_secs: float = Field(default=0, ge=0, le=86_400)
    url_life_secs: float | None = Field(default=None, gt=0, le=1e9)


class CallbackOrder(BaseModel):
    """Send the operator's callback. What is absent comes from the callback settings of the job, then of the room.

    ``signed_url`` is the URL that is signed (by default the configured one, else ``target``); ``body`` replaces the whole
    body, for what is not quite JSON; ``again`` sends the last callback's very bytes once more.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    target: str = ""
    signed_url: str = ""
    auth_type: AuthType | None = None
    key: str | None = None
    event_type: EventType = "SHOOT_SCRIPT_SWITCH"
    message: dict[str, Any] = Field(default_factory=dict)
    body: str | None = None
    job_id: str = ""
    uri: Uri = "host_path_sorted_query"
    time_unit: TimeUnit = "seconds"
    time_offset_secs: float = Field(default=0, ge=-1e9, le=1e9)
    again: bool = False

    @field_validator("target")
    @classmethod
    def _target_is_safe(cls, target: str) -> str:
        if target and not is_callable(target):
            raise ValueError("an https URL expected, or http on loopback")
        return target


def is_callable(target: str) -> bool:
    """Tell whether a callback may go to ``target``: https anywhere, http only to this machine."""
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def parse(order: type[_Order], body: bytes) -> _Order:
    """Return an order; an empty body is one with its defaults. Raises ``DecodeError`` with every problem."""
    try:
        return order.model_validate_json(body.strip() or b"{}")
    except ValidationError as error:
        raise DecodeError("", "; ".join(readable(error))) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
