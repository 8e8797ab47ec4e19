"""What waits: order of arrival across lanes, each bounded by time, number and size."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bridge.events import EventType
from bridge.outbox.outbox import Outbox
from bridge.outbox.policy import DEFAULT_POLICIES, SACRIFICE_ORDER
from bridge.pending import Pending
from tests.samples import pending

SPACING_SECS = DEFAULT_POLICIES[EventType.VIEWERS].min_interval_secs
NOW = 1000.0
BIG = 10**6


def numbers(events: Sequence[Pending]) -> list[int]:
    return [one.number for one in events]


def filled(*kinds: EventType, wire: bytes = b"{}") -> Outbox:
    """Return an outbox with one event of each kind, numbered from 1."""
    outbox = Outbox(DEFAULT_POLICIES)
    for number, kind in enumerate(kinds, start=1):
        outbox.add(pending(number, kind, wire, NOW))
    return outbox


def test_events_of_all_types_leave_in_order_of_arrival() -> None:
    outbox = filled(EventType.GIFT, EventType.JOIN, EventType.COMMENT, EventType.VIEWERS, EventType.COMMENT)

    assert numbers(outbox.take(BIG, BIG, NOW)) == [1, 2, 3, 4, 5]
    assert len(outbox) == 0
    assert outbox.size_bytes == 0


def test_no_more_is_taken_than_a_call_may_carry() -> None:
    outbox = filled(*[EventType.COMMENT] * 5, wire=b"x" * 9)

    assert numbers(outbox.take(2, BIG, NOW)) == [1, 2]
    assert numbers(outbox.take(BIG, 29, NOW)) == [3, 4]
    assert numbers(outbox.take(BIG, 1, NOW)) == [5]
    assert outbox.take(BIG, BIG, NOW) == []


def test_what_has_expired_is_given_up_lane_by_lane() -> None:
    outbox = filled(EventType.VIEWERS, EventType.LIKE, EventType.JOIN, EventType.COMMENT, EventType.GIFT)

    assert outbox.expire(NOW + 9.9) == []
    assert numbers(outbox.expire(NOW + 10)) == [1]
    assert numbers(outbox.expire(NOW + 20)) == [3, 2]
    assert numbers(outbox.expire(NOW + 599.9)) == [4]
    assert numbers(outbox.expire(NOW + 600)) == [5]


def test_of_viewer_counts_the_last_value_wins() -> None:
    outbox = Outbox(DEFAULT_POLICIES)
    first, second = pending(1, EventType.VIEWERS), pending(2, EventType.VIEWERS)

    assert outbox.add(first) is None
    assert outbox.add(second) is first
    assert outbox.waiting()[EventType.VIEWERS] == 1
    assert outbox.take(BIG, BIG, NOW) == [second]


def test_viewer_counts_are_spaced_and_others_do_not_wait_for_them() -> None:
    outbox = filled(EventType.VIEWERS)
    outbox.take(BIG, BIG, NOW)
    outbox.add(pending(2, EventType.VIEWERS))

    assert outbox.ready_at(NOW + 1) == NOW + SPACING_SECS
    assert outbox.take(BIG, BIG, NOW + 1) == []

    outbox.add(pending(3, EventType.COMMENT))
    assert outbox.ready_at(NOW + 1) == NOW + 1
    assert numbers(outbox.take(BIG, BIG, NOW + 1)) == [3]
    assert numbers(outbox.take(BIG, BIG, NOW + SPACING_SECS)) == [2]


def test_an_empty_outbox_is_never_ready() -> None:
    assert Outbox(DEFAULT_POLICIES).ready_at(NOW) is None
    assert Outbox(DEFAULT_POLICIES).oldest_arrival() is None


def test_the_oldest_arrival_is_that_over_all_types() -> None:
    outbox = Outbox(DEFAULT_POLICIES)
    outbox.add(pending(1, EventType.GIFT, arrived_at=7.0))
    outbox.add(pending(2, EventType.COMMENT, arrived_at=9.0))

    assert outbox.oldest_arrival() == 7.0


def test_over_the_number_the_least_valuable_and_oldest_goes_first() -> None:
    outbox = Outbox(DEFAULT_POLICIES, max_events=4)
    kinds = [EventType.GIFT, EventType.COMMENT, EventType.JOIN, EventType.COMMENT, EventType.LIKE, EventType.GIFT]
    for number, kind in enumerate(kinds, start=1):
        outbox.add(pending(number, kind))

    assert numbers(outbox.overflow()) == [5, 3]
    assert numbers(outbox.take(BIG, BIG, NOW)) == [1, 2, 4, 6]


def test_over_the_size_as_much_is_given_up_as_is_needed() -> None:
    outbox = Outbox(DEFAULT_POLICIES, max_bytes=25)
    for number in range(1, 5):
        outbox.add(pending(number, wire=b"x" * 10))

    assert numbers(outbox.overflow()) == [1, 2]
    assert outbox.size_bytes == 20


def test_gifts_are_given_up_only_when_nothing_else_is_left() -> None:
    outbox = filled(*EventType)

    given_up = [outbox.sacrifice().type for _ in EventType]

    assert given_up == list(SACRIFICE_ORDER)


def test_types_can_be_cleared() -> None:
    outbox = filled(EventType.COMMENT, EventType.JOIN, EventType.COMMENT, EventType.GIFT)

    assert numbers(outbox.clear([EventType.COMMENT])) == [1, 3]
    assert outbox.waiting() == {**dict.fromkeys(EventType, 0), EventType.JOIN: 1, EventType.GIFT: 1}
    assert len(outbox) == 2


class OutboxAgainstAList(RuleBasedStateMachine):
    """The outbox does what one plain list in order of arrival would do."""

    @initialize(max_events=st.integers(1, 8), max_bytes=st.integers(10, 60))
    def begin(self, max_events: int, max_bytes: int) -> None:
        self.outbox = Outbox(DEFAULT_POLICIES, max_events=max_events, max_bytes=max_bytes)
        self.max_events, self.max_bytes = max_events, max_bytes
        self.model: list[Pending] = []
        self.now = NOW
        self.number = 0
        self.viewers_due_at = 0.0

    @rule(kind=st.sampled_from(EventType), size=st.integers(0, 12))
    def add(self, kind: EventType, size: int) -> None:
        self.number += 1
        new = pending(self.number, kind, b"x" * size, self.now)
        old = [one for one in self.model if one.type is kind is EventType.VIEWERS]
        assert self.outbox.add(new) is (old[0] if old else None)
        self.model = [one for one in self.model if one not in old] + [new]

    @rule()
    def overflow(self) -> None:
        expected = []
        left = list(self.model)
        while len(left) > self.max_events or sum(len(one.wire) for one in left) > self.max_bytes:
            worst = min(left, key=lambda one: (SACRIFICE_ORDER.index(one.type), one.number))
            left.remove(worst)
            expected.append(worst)
        assert self.outbox.overflow() == expected
        self.model = left

    @rule(secs=st.sampled_from([0.1, 3.0, 8.0, 30.0, 200.0]))
    def pass_time(self, secs: float) -> None:
        self.now += secs

    @rule()
    def expire(self) -> None:
        expired = self.outbox.expire(self.now)
        assert {one.number for one in expired} == {one.number for one in self.model if one.expires_at <= self.now}
        self.model = [one for one in self.model if one.expires_at > self.now]

    @rule(max_events=st.integers(1, 5), max_bytes=st.integers(1, 40))
    def take(self, max_events: int, max_bytes: int) -> None:
        open_now = [one for one in self.model if one.type is not EventType.VIEWERS or self.now >= self.viewers_due_at]
        assert (self.outbox.ready_at(self.now) == self.now) is bool(open_now)
        expected: list[Pending] = []
        size = 0
        for one in open_now[:max_events]:
            size += len(one.wire) + 1
            if size > max_bytes and expected:
                break
            expected.append(one)
        assert self.outbox.take(max_events, max_bytes, self.now) == expected
        if any(one.type is EventType.VIEWERS for one in expected):
            self.viewers_due_at = self.now + SPACING_SECS
        self.model = [one for one in self.model if one not in expected]

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "outbox"):
            assert len(self.outbox) == len(self.model)
            assert self.outbox.size_bytes == sum(len(one.wire) for one in self.model)
            counts = {kind: sum(one.type is kind for one in self.model) for kind in EventType}
            assert self.outbox.waiting() == counts
            assert self.outbox.oldest_arrival() == min((one.arrived_at for one in self.model), default=None)


TestOutboxAgainstAList = OutboxAgainstAList.TestCase
TestOutboxAgainstAList.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)


@given(
    st.lists(st.tuples(st.sampled_from(EventType), st.integers(0, 30)), max_size=30),
    st.integers(1, 10),
    st.integers(1, 60),
)
def test_taking_until_nothing_is_left_gives_every_event_once_in_order_and_never_too_much(
    events: Sequence[tuple[EventType, int]], max_events: int, max_bytes: int
) -> None:
    outbox = Outbox(DEFAULT_POLICIES)
    kept = [
        pending(number, kind, b"x" * size)
        for number, (kind, size) in enumerate(events)
        if kind is not EventType.VIEWERS
    ]
    for one in kept:
        outbox.add(one)

    batches = []
    while batch := outbox.take(max_events, max_bytes, NOW):
        batches.append(batch)

    assert [one for batch in batches for one in batch] == kept
    for batch in batches:
        assert len(batch) <= max_events
        assert len(batch) == 1 or sum(len(one.wire) + 1 for one in batch) <= max_bytes
