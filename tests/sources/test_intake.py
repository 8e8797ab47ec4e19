"""Replays, twins and combos are each told once, also across reconnects, restarts and kills."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.events import Gift, LiveEvent, Streak, Twin, User
from bridge.pending import DropReason
from bridge.sources import intake as module
from bridge.sources.dedupe import GENERATION_IDS
from bridge.sources.intake import Intake, Taken
from bridge.sources.streaks import QUIET_SECS
from tests.samples import ANN, comment, event, rose

START = 100.0


class Disk:
    """What the spool does with notes: changes go in, the whole comes out at the next start."""

    def __init__(self) -> None:
        self.notes: dict[str, bytes] = {}

    def write(self, intake: Intake) -> None:
        for key, value in intake.notes().items():
            if value is None:
                del self.notes[key]
            else:
                self.notes[key] = value

    def start(self, now: float = START) -> Intake:
        """Return the intake of the next process."""
        intake = Intake()
        intake.restore(self.notes, now)
        return intake


def frame(count: int, *, ended: bool = False, key: str = "g1", event_id: str = "", user: User = ANN) -> LiveEvent:
    return event(rose(count, user=user), event_id or f"{key}/{count}/{ended}", streak=Streak(key, ended))


def part(key: str = "bomb", name: str = "part", user: User = ANN) -> LiveEvent:
    return event(rose(1, user=user), f"{key}/{name}", twin=Twin(key, settles=False, wait_secs=2.0))


def whole(key: str = "bomb") -> LiveEvent:
    return event(rose(5), f"{key}/whole", twin=Twin(key, settles=True))


def gifts(events: Sequence[LiveEvent]) -> int:
    return sum(one.content.count for one in events if isinstance(one.content, Gift))


def reasons(taken: Taken) -> list[DropReason]:
    return [reason for _, reason in taken.dropped]


def test_an_event_whose_id_is_known_is_a_replay() -> None:
    intake = Intake()

    assert intake.offer([comment("a", "1"), comment("b", "2")], START).events == [comment("a", "1"), comment("b", "2")]
    again = intake.offer([comment("b", "2"), comment("c", "3")], START + 60)

    assert again.events == [comment("c", "3")]
    assert reasons(again) == [DropReason.DUPLICATE]


def test_events_without_an_id_are_never_taken_for_replays() -> None:
    intake = Intake()

    assert len(intake.offer([comment("a"), comment("a")], START).events) == 2


def test_replays_are_removed_across_a_restart_too() -> None:
    disk, intake = Disk(), Intake()
    intake.offer([comment("a", "1")], START)
    intake.seen(comment("history", "0"))
    disk.write(intake)

    again = disk.start()

    assert again.remembers
    assert reasons(again.offer([comment("a", "1"), comment("history", "0")], START)) == [DropReason.DUPLICATE] * 2
    assert not Intake().remembers


def test_what_is_remembered_on_disk_is_bounded_and_holds_at_least_the_last_generation() -> None:
    """One event a commit, as in a quiet room, for longer than anything is remembered."""
    disk, intake = Disk(), Intake()
    total = GENERATION_IDS + 3000
    most = 0
    for number in range(total):
        intake.offer([comment("x", f"m{number}")], START)
        disk.write(intake)
        most = max(most, len(disk.notes))

    assert most <= module.MERGED_CHUNKS + GENERATION_IDS // module.MERGED_CHUNKS + 2
    again = disk.start()
    recent = [comment("x", f"m{number}") for number in range(total - GENERATION_IDS, total)]
    assert again.offer(recent, START).events == []
    assert sum(note.count(b",") + 1 for note in disk.notes.values()) <= GENERATION_IDS + 2 * module.MERGED_CHUNKS


def test_notes_of_ids_go_on_after_those_of_the_earlier_process() -> None:
    disk = Disk()
    for number in range(200):
        intake = disk.start()
        intake.offer([comment("x", f"m{number}")], START)
        disk.write(intake)

    assert disk.start().offer([comment("x", f"m{number}") for number in range(200)], START).events == []


def test_after_the_disk_was_lost_everything_is_written_down_again() -> None:
    intake, lost = Intake(), Disk()
    intake.offer([comment("a", "1"), frame(1), frame(4), part()], START)
    lost.write(intake)

    assert intake.notes() == {}
    intake.forget_notes()
    disk = Disk()
    disk.write(intake)

    again = disk.start()
    assert reasons(again.offer([comment("a", "1")], START)) == [DropReason.DUPLICATE]
    assert again.held_events == 2
    assert gifts(again.flush(START).events) == 3 + 1


def test_twins_may_come_in_either_order_late_or_alone() -> None:
    first, second, alone = Intake(), Intake(), Intake()

    assert first.offer([whole(), part()], START).events == [whole()]
    assert second.offer([part(), whole()], START).events == [whole()]
    assert alone.offer([part()], START).events == []
    assert alone.due(START + 2).events == [part()]
    assert reasons(alone.offer([whole()], START + 3)) == [DropReason.TWIN]


def test_due_is_when_the_first_of_what_waits_must_go() -> None:
    intake = Intake()
    assert intake.due_at() is None

    intake.offer([frame(1), frame(2)], START)
    assert intake.due_at() == START + QUIET_SECS
    intake.offer([part()], START + 0.5)
    assert intake.due_at() == START + 2.5

    assert intake.due(START + 2.5).events == [part()]
    assert gifts(intake.due(START + QUIET_SECS).events) == 1
    assert intake.due_at() is None


def test_a_twin_may_be_a_frame_of_a_combo() -> None:
    intake = Intake()
    both = replace(frame(3), twin=Twin("t", settles=False, wait_secs=1.0))

    assert intake.offer([both], START).events == []
    assert gifts(intake.due(START + 1).events) == 3
    assert reasons(intake.offer([frame(2)], START + 1)) == [DropReason.STREAK]


def test_what_a_twin_waits_for_is_written_down_and_forgotten_when_it_went_out() -> None:
    disk, intake = Disk(), Intake()
    intake.offer([part()], START)
    disk.write(intake)

    again = disk.start()
    assert again.held_events == 1
    assert again.offer([whole()], START).events == [whole()]
    disk.write(again)

    assert disk.start().held_events == 0


def test_a_combo_that_was_reported_whole_before_the_kill_is_not_reported_again_after_it() -> None:
    disk, intake = Disk(), Intake()
    assert gifts(intake.offer([frame(1), frame(5, ended=True)], START).events) == 5
    disk.write(intake)

    again = disk.start()

    assert again.held_events == 0
    assert reasons(again.offer([frame(5, event_id="late")], START)) == [DropReason.STREAK]
    assert gifts(again.offer([frame(7, ended=True)], START).events) == 2


def test_an_open_combo_closes_right_after_the_restart() -> None:
    disk, intake = Disk(), Intake()
    intake.offer([frame(1), frame(5)], START)
    disk.write(intake)

    again = disk.start(now=7.0)

    assert again.due_at() == 7.0
    assert gifts(again.due(7.0).events) == 4


@pytest.mark.parametrize(
    "note", [b"", b"{", b"null", b"7", b"[]", b"{}", b'{"last": 3}', b"\xff", b'{"content": {"user": 1}}']
)
@pytest.mark.parametrize("key", ["combo/x", "held/x", "ids/000000000001", "ids/x", "other"])
def test_a_note_that_cannot_be_read_is_skipped(key: str, note: bytes) -> None:
    disk, intake = Disk(), Intake()
    intake.offer([comment("a", "1"), part()], START)
    disk.write(intake)
    disk.notes[key] = note

    again = disk.start()

    assert again.held_events == 1
    assert reasons(again.offer([comment("a", "1")], START)) == [DropReason.DUPLICATE]


ODD = User("pond_\udc00", "A\ud800nn", masked=True)


def test_what_json_can_hardly_carry_is_written_down_all_the_same() -> None:
    disk, intake = Disk(), Intake()
    odd_frames = [
        replace(one, content=replace(one.content, total_value=10**30 * one.content.count))
        for one in (frame(1, user=ODD), frame(10**25, user=ODD))
        if isinstance(one.content, Gift)
    ]
    intake.offer([comment("a", "id\ud800"), part(name="p\ud800", user=ODD), *odd_frames], START)
    disk.write(intake)
    assert all(key.encode() for key in disk.notes)

    again = disk.start()

    assert reasons(again.offer([comment("a", "id\ud800")], START)) == [DropReason.DUPLICATE]
    told = again.flush(START).events
    assert told[0] == part(name="p\ud800", user=ODD)
    assert gifts(told) == 1 + 10**25 - 1


KINDS = st.one_of(
    st.builds(comment, st.just("hi"), st.sampled_from(["", "1", "2", "3"])),
    st.builds(frame, st.integers(0, 9), ended=st.booleans(), key=st.sampled_from(["g1", "g2"])),
    st.builds(part, st.sampled_from(["t1", "t2"]), st.sampled_from("pqr")),
    st.builds(whole, st.sampled_from(["t1", "t2"])),
)
PAUSES = st.sampled_from([0.0, 0.5, 2.0, QUIET_SECS])


@given(st.lists(st.tuples(st.lists(KINDS, max_size=4), PAUSES, st.booleans()), max_size=12))
@settings(deadline=None)
def test_after_every_step_what_was_received_is_told_dropped_or_held(
    steps: Sequence[tuple[list[LiveEvent], float, bool]],
) -> None:
    intake, now = Intake(), START
    received = told = dropped = 0
    for events, pause_secs, flushes in steps:
        now += pause_secs
        taken = [intake.offer(events, now), intake.flush(now) if flushes else intake.due(now)]
        received += len(events)
        told += sum(len(one.events) for one in taken)
        dropped += sum(len(one.dropped) for one in taken)

        assert received == told + dropped + intake.held_events
        assert (intake.due_at() is None) is (intake.held_events == 0)


FRAMES = st.tuples(st.sampled_from(["g1", "g2"]), st.integers(1, 30), st.booleans())
LIVES = st.lists(
    st.tuples(
        st.lists(st.tuples(FRAMES, PAUSES), max_size=6),
        st.lists(st.tuples(FRAMES, PAUSES), max_size=3),
    ),
    min_size=1,
    max_size=4,
)


@given(LIVES)
@settings(deadline=None)
def test_kills_change_no_sum(lives: Sequence[tuple[list, list]]) -> None:  # type: ignore[type-arg]
    """Each life takes frames, writes its notes down, takes some more and is killed: what came last is lost with it.

    What was told before the last commit stands, and what comes in later lives counts on from there.
    """
    disk, now, number = Disk(), START, 0
    sent = 0
    counted: dict[str, int] = {"g1": 0, "g2": 0}
    for written, lost in lives:
        intake = disk.start(now)
        told: list[LiveEvent] = []
        for frames, is_written in ((written, True), (lost, False)):
            for (key, count, ended), pause_secs in frames:
                number += 1
                out = intake.offer([frame(count, ended=ended, key=key, event_id=str(number))], now).events
                now += pause_secs
                out += intake.due(now).events
                if is_written:
                    told += out
                    counted[key] = max(counted[key], count)
            if is_written:
                disk.write(intake)
        sent += gifts(told)
    intake = disk.start(now)
    sent += gifts(intake.flush(now).events)

    assert sent == sum(counted.values())
