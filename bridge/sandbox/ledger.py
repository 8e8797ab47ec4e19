"""The sandbox's books: what was accepted, by which call, and what was refused. Pure, and bounded.

Accepted events are kept as the bodies that brought them and read again when asked for: a call costs
no more than its own bytes. Past a bound the oldest calls are forgotten; the totals stay true.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

MAX_KEPT_BYTES = 512 * 1024 * 1024
_MAX_KEPT_CALLS = 10_000
_MAX_KEPT_VIOLATIONS = 100


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """An event that the sandbox took, exactly as sent; ``call`` is the number of the report call that brought it."""

    timestamp: int
    type: int
    content: str
    call: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What became of one report call; ``status`` is 0 when no answer went out, ``fault`` names a script's doing."""

    call: int
    received_at_ms: int
    job_id: str
    status: int
    error_code: str
    error_msg: str
    events: int
    body_bytes: int
    credential: str
    refresh_url: bool
    fault: str


@dataclass(frozen=True, slots=True)
class _Bodies:
    call: int
    job_id: str
    events: int
    body: bytes


class Ledger:
    """Counts every report call and keeps the newest events and calls."""

    def __init__(self, keep_events: int, keep_bytes: int = MAX_KEPT_BYTES) -> None:
        self.report_calls = 0
        self.accepted = 0
        self.accepted_calls = 0
        self.body_bytes = 0
        self.refreshes = 0
        self.contract_violations = 0
        self.accepted_by_type: Counter[int] = Counter()
        self.calls_by_name: Counter[str] = Counter()
        self.refused_by_code: Counter[str] = Counter()
        self.refused_by_status: Counter[int] = Counter()
        self.violations: deque[dict[str, Any]] = deque(maxlen=_MAX_KEPT_VIOLATIONS)
        self.calls: deque[CallRecord] = deque(maxlen=_MAX_KEPT_CALLS)
        self._keep_events = keep_events
        self._keep_bytes = keep_bytes
        self._kept: deque[_Bodies] = deque()
        self._kept_events = 0
        self._kept_bytes = 0

    def next_call(self) -> int:
        """Return the number of a report call that has just arrived, from 1."""
        self.report_calls += 1
        return self.report_calls

    def accept(self, call: int, job_id: str, by_type: Counter[int], body: bytes) -> None:
        """Take the events of a call."""
        events = by_type.total()
        self.accepted += events
        self.accepted_calls += 1
        self.accepted_by_type.update(by_type)
        self._kept.append(_Bodies(call, job_id, events, body))
        self._kept_events += events
        self._kept_bytes += len(body)
        while self._kept and (self._kept_events > self._keep_events or self._kept_bytes > self._keep_bytes):
            oldest = self._kept.popleft()
            self._kept_events -= oldest.events
            self._kept_bytes -= len(oldest.body)

    def violate(self, call: int, job_id: str, problem: str) -> None:
        """Note that a call broke the documented contract."""
        self.contract_violations += 1
        self.violations.append({"call": call, "job_id": job_id, "problem": problem})

    def settle(self, record: CallRecord) -> None:
        """Note how a report call ended."""
        self.calls.append(record)
        self.body_bytes += record.body_bytes
        self.refreshes += record.refresh_url and 200 <= record.status < 300
        if record.status >= 400:
            self.refused_by_code[record.error_code] += 1
            self.refused_by_status[record.status] += 1

    def batches(self, job_id: str | None = None, after_call: int = 0) -> Iterator[list[dict[str, Any]]]:
        """Yield the kept events in the order of acceptance, a list a call, each event with its ``call``.

        Without ``job_id`` the events of all jobs come, each with its ``job_id``.
        """
        for kept in list(self._kept):
            if kept.call <= after_call or job_id not in {None, kept.job_id}:
                continue
            mark = {"call": kept.call} if job_id is not None else {"call": kept.call, "job_id": kept.job_id}
            yield [event | mark for event in orjson.loads(kept.body).get("events") or ()]

    def events(self, job_id: str | None = None) -> list[AcceptedEvent]:
        """Return the kept events in the order of acceptance."""
        return [
            AcceptedEvent(event["timestamp"], event.get("type", 0), event.get("content", ""), event["call"])
            for batch in self.batches(job_id)
            for event in batch
        ]

    def forget(self) -> None:
        """Drop the kept events and calls; the totals go on."""
        self._kept.clear()
        self._kept_events = self._kept_bytes = 0
        self.calls.clear()

    def totals(self) -> dict[str, Any]:
        """Return every counter under the name that the statistics show."""
        return {
            "calls": self.report_calls,
            "accepted": self.accepted,
            "accepted_calls": self.accepted_calls,
            "accepted_by_type": {str(kind): count for kind, count in sorted(self.accepted_by_type.items())},
            "kept_events": self._kept_events,
            "refused": self.refused_by_code.total(),
            "refused_by_code": dict(self.refused_by_code),
            "refused_by_status": {str(status): count for status, count in sorted(self.refused_by_status.items())},
            "contract_violations": self.contract_violations,
            "last_contract_violations": list(self.violations),
            "url_refreshes": self.refreshes,
            "body_bytes": self.body_bytes,
            "calls_by_name": dict(self.calls_by_name),
        }

    def call_records(self, after_call: int = 0) -> list[dict[str, Any]]:
        """Return the newest report calls."""
        return [asdict(record) for record in self.calls if record.call > after_call]
