from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import EventType
from bridge.outbox.outbox import Outbox
from bridge.outbox.paced_outbox import PacedOutbox
from bridge.outbox.pacing import ReplyPace
from bridge.outbox.policy import DEFAULT_POLICIES
from bridge.pending import Pending

BIG = 1_000_000
COMMENT, GIFT, JOIN, VIEWERS = EventType.COMMENT, EventType.GIFT, EventType.JOIN, EventType.VIEWERS


def pending(
    number: int, kind: EventType = COMMENT, *, arrived_at: float = 100.0, wire: bytes = b"0123456789"
) -> Pending:
    expires_at = arrived_at + DEFAULT_POLICIES[kind].ttl_secs
    return Pending(number, kind, wire, arrived_at, expires_at, durable=False, resend_when_unknown=False)


def learnt(at: float = 100.0, *, ahead: int = 1) -> ReplyPace:
    """Return the pace of a virtual human that needs 5 s a reply, and owes none."""
    pace = ReplyPace(ahead=ahead)
    pace.let_through(3, at - 15)
    for secs in (10, 5, 0):
        pace.finished(at - secs)
    assert pace.allowance(at) == 1 + ahead
    return pace


def outbox(pace: ReplyPace | None = None, *events: Pending, paid: frozenset[int] = frozenset()) -> PacedOutbox:
    made = PacedOutbox(DEFAULT_POLICIES, pace or learnt(), is_paid=lambda one: one.number in paid)
    for event in events:
        made.add(event)
    return made


def numbers(events: list[Pending]) -> list[int]:
    return [event.number for event in events]


def test_of_comments_the_newest_go_and_in_order_of_arrival() -> None:
    room = outbox(None, *(pending(number) for number in range(10)))
    assert numbers(room.take(1000, BIG, 100)) == [8, 9]
    assert numbers(room.take(1000, BIG, 100)) == []
    room.add(pending(10))
    room.pace.finished(105)
    assert numbers(room.take(1000, BIG, 105)) == [10]
    assert len(room) == 8
    assert room.size_bytes == 80


def test_gifts_and_all_the_rest_are_never_held_back() -> None:
    pace = learnt()
    pace.let_through(50, 100)
    events = [pending(1), pending(2, GIFT), pending(3, JOIN), pending(4), pending(5, VIEWERS), pending(6, GIFT)]
    room = outbox(pace, *events)
    assert room.ready_at(100) == 100
    assert numbers(room.take(1000, BIG, 100)) == [2, 3, 5, 6]
    assert numbers(room.take(1000, BIG, 100)) == []
    assert room.waiting()[COMMENT] == 2


def test_paid_words_go_like_gifts() -> None:
    pace = learnt()
    pace.let_through(50, 100)
    room = outbox(pace, *(pending(number) for number in range(1, 6)), paid=frozenset({2, 4}))
    assert room.ready_at(100) == 100
    assert numbers(room.take(1000, BIG, 100)) == [2, 4]
    assert room.ready_at(100) != 100
    assert room.size_bytes == 30


def test_paid_words_take_the_place_of_others() -> None:
    room = outbox(None, *(pending(number) for number in range(1, 6)), paid=frozenset({1}))
    assert numbers(room.take(1000, BIG, 100)) == [1, 5]


def test_while_nothing_is_learnt_everything_goes() -> None:
    room = outbox(ReplyPace(), *(pending(number) for number in range(10)))
    assert numbers(room.take(1000, BIG, 100)) == list(range(10))


def test_what_is_held_back_expires_and_is_told() -> None:
    room = outbox(None, *(pending(number) for number in range(5)))
    room.take(1000, BIG, 100)
    assert numbers(room.expire(190)) == [0, 1, 2]
    assert len(room) == 0
    assert room.size_bytes == 0


def test_when_only_comments_wait_there_is_nothing_to_send_until_the_pace_opens() -> None:
    room = outbox(None, *(pending(number) for number in range(5)))
    assert room.ready_at(100) == 100
    room.take(1000, BIG, 100)
    opens_at = room.ready_at(101)
    assert opens_at == room.pace.opens_at(101)
    assert opens_at is not None
    assert opens_at > 101
    room.pace.finished(105)
    assert room.ready_at(105) == 105
    assert outbox(None).ready_at(100) is None


def test_viewers_wait_for_their_own_interval_only() -> None:
    pace = learnt()
    room = outbox(pace, pending(1, VIEWERS))
    assert numbers(room.take(1000, BIG, 100)) == [1]
    pace.let_through(50, 100)
    room.add(pending(2, VIEWERS))
    room.add(pending(3))
    assert room.ready_at(101) == 105
    assert numbers(room.take(1000, BIG, 105)) == [2]


@pytest.mark.parametrize(
    ("max_events", "max_bytes", "expected"), [(2, BIG, [2, 9]), (1000, 22, [2, 9]), (1000, 5, [2])]
)
def test_both_bounds_hold_and_gifts_come_first(max_events: int, max_bytes: int, expected: list[int]) -> None:
    room = outbox(None, *(pending(number, GIFT if number == 2 else COMMENT) for number in range(10)))
    assert numbers(room.take(max_events, max_bytes, 100)) == expected


def test_a_comment_that_is_longer_than_a_batch_goes_alone() -> None:
    room = outbox(None, pending(1), pending(2, wire=b"x" * 100))
    assert numbers(room.take(1000, 50, 100)) == [2]


EVENTS = st.lists(
    st.tuples(st.sampled_from([COMMENT, COMMENT, COMMENT, GIFT, JOIN]), st.booleans(), st.integers(1, 40)), max_size=40
)


@given(EVENTS, st.integers(1, 12), st.integers(1, 300), st.integers(0, 3), st.booleans())
@settings(deadline=None)
def test_every_event_leaves_once_within_the_bounds_and_the_allowance(
    kinds: list[tuple[EventType, bool, int]], max_events: int, max_bytes: int, ahead: int, is_learnt: bool
) -> None:
    paid = frozenset(number for number, (_, is_paid, _) in enumerate(kinds) if is_paid)
    pace = learnt(ahead=ahead) if is_learnt else ReplyPace()
    room = outbox(
        pace, *(pending(number, kind, wire=b"x" * size) for number, (kind, _, size) in enumerate(kinds)), paid=paid
    )
    gone: list[int] = []
    now = 100.0
    for _ in range(200):
        ready_at = room.ready_at(now)
        if ready_at is None:
            break
        now = max(now, ready_at)
        allowance = pace.allowance(now)
        taken = room.take(max_events, max_bytes, now)
        assert taken, "said to be ready"
        assert len(taken) <= max_events
        assert len(taken) == 1 or sum(len(event.wire) + 1 for event in taken) <= max_bytes
        assert all(one.number < other.number for one, other in pairwise(taken))
        free = [event.number for event in taken if event.type is COMMENT and event.number not in paid]
        if allowance is not None:
            assert len(free) <= allowance
            left = [event.number for event in room._lanes[COMMENT] if event.number not in paid]
            assert not free or not left or min(free) > max(left)
        gone += numbers(taken)
    assert sorted(gone) == list(range(len(kinds)))
    assert (len(room), room.size_bytes) == (0, 0)


@given(EVENTS, st.integers(1, 12), st.integers(1, 300))
@settings(deadline=None)
def test_unlearnt_it_is_the_outbox_that_it_extends(
    kinds: list[tuple[EventType, bool, int]], max_events: int, max_bytes: int
) -> None:
    plain, paced = Outbox(DEFAULT_POLICIES), outbox(ReplyPace())
    for number, (kind, _, size) in enumerate(kinds):
        for room in (plain, paced):
            room.add(pending(number, kind, wire=b"x" * size))
    while len(plain):
        assert paced.ready_at(100) == plain.ready_at(100)
        assert numbers(paced.take(max_events, max_bytes, 100)) == numbers(plain.take(max_events, max_bytes, 100))
    assert len(paced) == 0
