"""What is done with each type of event: how long it is worth reporting, what it survives, what goes first.

One table. The numbers that an operator can change are the defaults of the configuration's ``events``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.events import EventType


@dataclass(frozen=True, slots=True)
class TypePolicy:
    """The policy of one event type.

    ``ttl_secs`` runs from arrival. ``durable``: survives a kill. ``resend_when_unknown``: sent again when a
    call's outcome is unknown, because a loss would be worse than a repetition.
    ``once_per_user_secs``: a user's next one within that time says nothing new.
    ``min_interval_secs``: spacing; in between the last value wins.
    """

    ttl_secs: float
    enabled: bool = True
    durable: bool = False
    resend_when_unknown: bool = False
    once_per_user_secs: float = 0.0
    min_interval_secs: float = 0.0


Policies = Mapping[EventType, TypePolicy]

DEFAULT_POLICIES: Policies = {
    EventType.COMMENT: TypePolicy(ttl_secs=90, durable=True, resend_when_unknown=True),
    EventType.GIFT: TypePolicy(ttl_secs=600, durable=True, resend_when_unknown=True),
    EventType.FOLLOW: TypePolicy(ttl_secs=120, enabled=False, durable=True, resend_when_unknown=True),
    EventType.JOIN: TypePolicy(ttl_secs=20, once_per_user_secs=60),
    EventType.LIKE: TypePolicy(ttl_secs=15, once_per_user_secs=1),
    EventType.VIEWERS: TypePolicy(ttl_secs=10, min_interval_secs=5),
}

SACRIFICE_ORDER = (
    EventType.VIEWERS,
    EventType.LIKE,
    EventType.JOIN,
    EventType.FOLLOW,
    EventType.COMMENT,
    EventType.GIFT,
)
"""Under pressure the oldest of the first type present goes; a gift only when nothing else is left."""
