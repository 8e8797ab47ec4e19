"""One bound over all rooms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import EventType
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.outbox import Outbox
from bridge.outbox.policy import DEFAULT_POLICIES
from bridge.pending import DropReason, Pending
from tests.samples import pending


class GuardedRoom:
    """An outbox and what its room was told to give up."""

    def __init__(self, guard: MemoryGuard, name: str) -> None:
        self.outbox = Outbox(DEFAULT_POLICIES)
        self.dropped: list[tuple[Pending, DropReason]] = []
        guard.join(name, self.outbox, self._drop)

    def fill(self, events: int, kind: EventType = EventType.COMMENT, size: int = 10) -> None:
        for number in range(events):
            self.outbox.add(pending(number, kind, b"x" * size))

    def _drop(self, events: list[Pending], reason: DropReason) -> None:
        self.dropped += [(one, reason) for one in events]


def test_over_the_number_the_room_with_the_longest_queue_gives_up() -> None:
    guard = MemoryGuard(max_events=100)
    quiet, busy = GuardedRoom(guard, "quiet"), GuardedRoom(guard, "busy")
    quiet.fill(20)
    busy.fill(90)

    guard.check()

    assert quiet.dropped == []
    assert len(quiet.outbox) + len(busy.outbox) <= 100
    assert {reason for _, reason in busy.dropped} == {DropReason.OVERFLOW}
    assert len(busy.dropped) + len(busy.outbox) == 90


def test_over_the_size_too() -> None:
    guard = MemoryGuard(max_bytes=1000)
    room = GuardedRoom(guard, "big")
    room.fill(30, size=100)

    guard.check()

    assert room.outbox.size_bytes <= 1000


def test_within_the_bound_nothing_happens() -> None:
    guard = MemoryGuard(max_events=10, max_bytes=100)
    room = GuardedRoom(guard, "room")
    room.fill(10)

    guard.check()

    assert room.dropped == []


def test_the_least_valuable_goes_first() -> None:
    guard = MemoryGuard(max_events=10)
    room = GuardedRoom(guard, "room")
    room.fill(8, EventType.GIFT)
    room.fill(8, EventType.LIKE)

    guard.check()

    assert {one.type for one, _ in room.dropped} == {EventType.LIKE}


def test_the_whole_is_looked_at_once_in_many_events() -> None:
    guard = MemoryGuard(max_events=2000)
    room = GuardedRoom(guard, "room")
    room.fill(3000)

    guard.added(999)
    assert room.dropped == []
    guard.added(1)
    assert len(room.outbox) <= 2000


def test_a_bound_smaller_than_that_is_looked_at_as_often_as_it_needs() -> None:
    guard = MemoryGuard(max_events=10)
    room = GuardedRoom(guard, "room")
    room.fill(11)

    guard.added(10)

    assert len(room.outbox) <= 10


@given(st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(0, 80), st.integers(0, 900))
def test_after_a_check_the_process_is_within_its_bounds_and_nothing_is_lost_untold(
    rooms: list[int], max_events: int, max_bytes: int
) -> None:
    guard = MemoryGuard(max_events, max_bytes)
    guarded = [GuardedRoom(guard, str(number)) for number in range(len(rooms))]
    for room, events in zip(guarded, rooms, strict=True):
        room.fill(events)

    guard.check()

    assert sum(len(room.outbox) for room in guarded) <= max_events
    assert sum(room.outbox.size_bytes for room in guarded) <= max_bytes
    for room, events in zip(guarded, rooms, strict=True):
        assert len(room.outbox) + len(room.dropped) == events
