"""An event on its way to the job: encoded, numbered, mortal. What outbox, spool and reporter share."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from bridge.events import EventType


class DropReason(Enum):
    """Why an event that we could read is not sent. The closed set behind the metric's ``reason``."""

    DUPLICATE = "duplicate"
    TWIN = "twin"
    STREAK = "streak"
    DISABLED = "disabled"
    ONCE_PER_USER = "once_per_user"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    HISTORY = "history"
    OVERFLOW = "overflow"
    EXPIRED = "ttl"
    AMBIGUOUS = "ambiguous"
    POISON = "poison"
    SHUTDOWN = "shutdown"
    PAUSED = "paused"


class Pending(Struct, eq=False):
    """One event that waits to be reported.

    ``number`` is its place in the order of arrival, unique in the process and the key of its row in the spool.
    ``arrived_at`` and ``expires_at`` are monotonic seconds. ``durable`` events survive a kill;
    an event without ``resend_when_unknown`` is not sent twice when an answer was lost.
    ``paid``: a comment that money was given for; pacing does not hold it back.
    """

    number: int
    type: EventType
    wire: bytes
    arrived_at: float
    expires_at: float
    durable: bool
    resend_when_unknown: bool
    paid: bool = False
