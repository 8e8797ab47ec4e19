"""Events with invented people in them, for tests that need some event and not a certain one."""

from __future__ import annotations

from bridge.events import Comment, Content, EventType, Gift, LiveEvent, Streak, Twin, User
from bridge.outbox.policy import DEFAULT_POLICIES
from bridge.pending import Pending

NOW_MS = 1_700_000_000_000

ANN = User("pond_1", "Ann")
BOB = User("pond_2", "Bob", level=7, badge="frogs", badge_level=3)
NOBODY = User("pond_0", "A***", masked=True)


def event(
    content: Content,
    event_id: str = "",
    *,
    at_ms: int = NOW_MS,
    streak: Streak | None = None,
    twin: Twin | None = None,
) -> LiveEvent:
    """Return an event of this content."""
    return LiveEvent(at_ms, content, event_id, streak, twin)


def comment(text: str = "hello", event_id: str = "", user: User = ANN, at_ms: int = NOW_MS) -> LiveEvent:
    """Return a comment."""
    return LiveEvent(at_ms, Comment(user, text), event_id)


def rose(count: int = 1, *, value: int = 10, user: User = ANN, currency: str = "coin") -> Gift:
    """Return roses at ``value`` each."""
    return Gift(user, "Rose", count, value, value * count, currency)


def pending(number: int, kind: EventType = EventType.COMMENT, wire: bytes = b"{}", arrived_at: float = 0.0) -> Pending:
    """Return an event that waits, by the default policy of its type."""
    policy = DEFAULT_POLICIES[kind]
    return Pending(
        number, kind, wire, arrived_at, arrived_at + policy.ttl_secs, policy.durable, policy.resend_when_unknown
    )
