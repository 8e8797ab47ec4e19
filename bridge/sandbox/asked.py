"""One request as the cloud's calls see it, and one answer: plain values between HTTP and the rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.sandbox.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. ``path`` and ``raw_query`` stand as they came; ``query`` and ``ids`` (of the path) are decoded.

    ``headers`` are read without regard to case. ``base_url`` is how the caller reached us. ``call`` is the running
    number of a report call, 0 for the others.
    """

    method: str
    path: str
    raw_query: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    ids: Mapping[str, str]
    base_url: str
    call: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: ``data`` goes out as JSON unless it is bytes already; ``None`` is an empty body.

    ``refusal`` is what the answer refuses, ``accepted`` how many events it took; both are for the books.
    """

    status: int = 200
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    refusal: Refusal | None = None
    accepted: int = 0

    def body(self) -> bytes:
        """Return the bytes that go out."""
        if self.data is None:
            return b""
        return self.data if isinstance(self.data, bytes) else orjson.dumps(self.data)


def refused(why: Refusal, request_id: str) -> Answer:
    """Return the answer that carries a refusal."""
    headers = {"Retry-After": why.retry_after} if why.retry_after else {}
    return Answer(why.status, why.body(request_id), headers, refusal=why)
