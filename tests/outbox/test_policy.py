"""One table says what is done with each type of event."""

from __future__ import annotations

import pytest

from bridge.events import EventType
from bridge.outbox.policy import DEFAULT_POLICIES, SACRIFICE_ORDER


@pytest.mark.parametrize(
    ("kind", "ttl_secs", "durable", "resent", "enabled"),
    [
        (EventType.COMMENT, 90, True, True, True),
        (EventType.GIFT, 600, True, True, True),
        (EventType.FOLLOW, 120, True, True, False),
        (EventType.JOIN, 20, False, False, True),
        (EventType.LIKE, 15, False, False, True),
        (EventType.VIEWERS, 10, False, False, True),
    ],
)
def test_the_defaults_are_those_of_the_design(
    kind: EventType, ttl_secs: float, durable: bool, resent: bool, enabled: bool
) -> None:
    policy = DEFAULT_POLICIES[kind]

    assert (policy.ttl_secs, policy.durable, policy.resend_when_unknown, policy.enabled) == (
        ttl_secs,
        durable,
        resent,
        enabled,
    )


def test_joins_and_likes_are_told_once_a_user_and_while_and_viewers_are_spaced() -> None:
    assert DEFAULT_POLICIES[EventType.JOIN].once_per_user_secs == 60
    assert DEFAULT_POLICIES[EventType.LIKE].once_per_user_secs == 1
    assert DEFAULT_POLICIES[EventType.VIEWERS].min_interval_secs == 5


def test_every_type_has_a_policy_and_a_place_in_the_order_of_sacrifice() -> None:
    assert set(DEFAULT_POLICIES) == set(EventType)
    assert sorted(SACRIFICE_ORDER) == sorted(EventType)


def test_viewers_likes_and_joins_go_first_then_comments_and_gifts_last() -> None:
    assert SACRIFICE_ORDER[:3] == (EventType.VIEWERS, EventType.LIKE, EventType.JOIN)
    assert SACRIFICE_ORDER[-2:] == (EventType.COMMENT, EventType.GIFT)
