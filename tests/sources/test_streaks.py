"""A combo is counted once, whatever becomes of its frames."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Gift, LiveEvent, Streak, User
from bridge.sources.streaks import QUIET_SECS, Streaks, combo_key
from tests.samples import ANN, BOB, NOW_MS, event, rose

START = 100.0


def frame(count: int, *, ended: bool = False, key: str = "g1", user: User = ANN, started_at_ms: int = 0) -> LiveEvent:
    """Return a frame that says how many roses the combo has by now."""
    return event(rose(count, user=user), f"{key}/{count}/{ended}", streak=Streak(key, ended, started_at_ms))


def counts(events: Sequence[LiveEvent]) -> list[int]:
    return [one.content.count for one in events if isinstance(one.content, Gift)]


def money(events: Sequence[LiveEvent]) -> int:
    return sum(one.content.total_value for one in events if isinstance(one.content, Gift))


def test_the_first_frame_is_reported_at_once_and_the_rest_as_one_closing_delta() -> None:
    streaks = Streaks()

    assert counts(streaks.offer(frame(1), START)[0]) == [1]
    assert streaks.offer(frame(2), START + 0.1) == ([], [])
    assert streaks.offer(frame(7), START + 0.2) == ([], [frame(2)])
    told, useless = streaks.offer(frame(9, ended=True), START + 0.3)

    assert counts(told) == [8]
    assert money(told) == 80
    assert useless == [frame(7)]
    assert streaks.open_count == 0


def test_what_is_told_carries_no_mark_and_the_closing_delta_no_id() -> None:
    streaks = Streaks()
    (first,), _ = streaks.offer(frame(1), START)
    (rest,), _ = streaks.offer(frame(3, ended=True), START)

    assert (first.streak, first.id) == (None, "g1/1/False")
    assert (rest.streak, rest.id) == (None, "")


def test_without_an_end_mark_a_combo_closes_after_a_quiet_time() -> None:
    streaks = Streaks()
    streaks.offer(frame(1), START)
    streaks.offer(frame(2), START + 1)
    streaks.offer(frame(4), START + 2)

    assert streaks.due_at() == START + 2 + QUIET_SECS
    assert streaks.due(START + 4.9) == []
    assert counts(streaks.due(START + 5)) == [3]
    assert streaks.due_at() is None


def test_a_frame_that_tells_nothing_new_does_not_put_off_the_closing() -> None:
    streaks = Streaks()
    streaks.offer(frame(1), START)
    streaks.offer(frame(4), START)
    streaks.offer(frame(2), START + 2)

    assert counts(streaks.due(START + QUIET_SECS)) == [3]


def test_at_the_end_of_the_room_everything_owed_is_told() -> None:
    streaks = Streaks()
    for user in (ANN, BOB):
        streaks.offer(frame(1, user=user), START)
        streaks.offer(frame(5, user=user), START)

    assert counts(streaks.flush()) == [4, 4]
    assert streaks.flush() == []


def test_late_repeated_and_reordered_frames_change_nothing() -> None:
    streaks = Streaks()
    streaks.offer(frame(1), START)
    streaks.offer(frame(5, ended=True), START)

    for late in (frame(3), frame(5, ended=True), frame(1)):
        assert streaks.offer(late, START + 1) == ([], [late])
    assert streaks.flush() == []


def test_a_combo_that_goes_on_after_its_end_mark_owes_what_came_on_top() -> None:
    streaks = Streaks()
    streaks.offer(frame(5, ended=True), START)
    streaks.offer(frame(7), START + 1)

    assert counts(streaks.due(START + 1 + QUIET_SECS)) == [2]


def test_a_lone_frame_with_the_end_mark_is_told_once() -> None:
    streaks = Streaks()

    assert counts(streaks.offer(frame(188, ended=True), START)[0]) == [188]
    assert streaks.open_count == 0


def test_what_a_combo_had_before_we_connected_is_not_ours() -> None:
    streaks = Streaks()

    assert streaks.offer(frame(50, started_at_ms=NOW_MS - 1), START, NOW_MS) == (
        [],
        [frame(50, started_at_ms=NOW_MS - 1)],
    )
    assert counts(streaks.offer(frame(53, ended=True, started_at_ms=NOW_MS - 1), START, NOW_MS)[0]) == [3]


def test_a_combo_that_began_after_we_connected_is_all_ours() -> None:
    assert counts(Streaks().offer(frame(50, started_at_ms=NOW_MS), START, NOW_MS)[0]) == [50]


def test_a_combo_with_other_users_gifts_or_groups_is_another_one() -> None:
    keys = {
        combo_key(gift, Streak(group))
        for gift in (rose(), rose(user=BOB), Gift(ANN, "Rocket"))
        for group in ("g1", "g2")
    }

    assert len(keys) == 6


def test_masked_users_are_told_apart_by_what_remains_of_their_names() -> None:
    masked = [User("pond_0", name, masked=True) for name in ("A***", "B***")]

    assert len({combo_key(rose(user=user), Streak("g")) for user in masked}) == 2
    assert combo_key(rose(user=User("pond_1", "Ann")), Streak("g")) == combo_key(
        rose(user=User("pond_1", "Ann renamed")), Streak("g")
    )


@pytest.mark.parametrize("count", [0, -3])
def test_a_frame_without_gifts_counts_nothing(count: int) -> None:
    streaks = Streaks()

    assert streaks.offer(frame(count), START)[0] == []
    assert counts(streaks.offer(frame(2, ended=True), START)[0]) == [2]


def test_only_so_many_combos_are_remembered_and_the_closed_ones_are_forgotten_first() -> None:
    streaks = Streaks(max_combos=2)
    streaks.offer(frame(1, key="open"), START)
    streaks.offer(frame(3, key="open"), START)
    streaks.offer(frame(1, key="closed"), START)

    assert counts(streaks.offer(frame(1, key="new"), START)[0]) == [1]
    assert len(streaks) == 2
    assert counts(streaks.flush()) == [2]


def test_a_combo_that_is_forgotten_while_open_tells_what_it_owes_first() -> None:
    streaks = Streaks(max_combos=1)
    streaks.offer(frame(1, key="old"), START)
    streaks.offer(frame(3, key="old"), START)

    told, _ = streaks.offer(frame(1, key="new"), START)

    assert counts(told) == [2, 1]
    assert streaks.open_count == 0


def test_combos_that_fall_due_together_close_in_the_order_in_which_they_opened() -> None:
    streaks = Streaks()
    keys = [str(number) for number in range(20)]
    for count in (1, 2):
        for key in keys:
            streaks.offer(frame(count, key=key), START)

    assert [one.id for one in streaks.flush()] == [""] * 20
    for key in keys:
        streaks.offer(frame(int(key) + 10, key=key), START + 1)
    assert counts(streaks.due(START + 60)) == [number + 8 for number in range(20)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["g1", "g2"]),
        st.integers(0, 30),
        st.booleans(),
        st.sampled_from([0.0, 0.5, QUIET_SECS, 60.0]),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_sum_told_is_the_highest_total_seen_whatever_becomes_of_the_frames(
    steps: Sequence[tuple[str, int, bool, float]],
) -> None:
    """Any order, any repetition, any loss, end marks anywhere or nowhere, and pauses of any length."""
    streaks, now = Streaks(), START
    told: list[LiveEvent] = []
    useless = 0
    for offered, (key, count, ended, pause_secs) in enumerate(steps, start=1):
        out, lost = streaks.offer(frame(count, key=key, ended=ended), now)
        useless += len(lost)
        told += out
        now += pause_secs
        told += streaks.due(now)
        assert offered == len(told) + useless + streaks.open_count
    told += streaks.flush()

    highest = [max((count for key, count, *_ in steps if key == group), default=0) for group in ("g1", "g2")]
    assert sum(counts(told)) == sum(highest)
    assert money(told) == sum(highest) * 10
    assert all(count > 0 for count in counts(told))


@given(STEPS, st.integers(1, 3))
def test_forgetting_loses_nothing_that_was_owed(steps: Sequence[tuple[str, int, bool, float]], max_combos: int) -> None:
    """A combo that is forgotten counts anew if it comes back, but what was seen of it is told."""
    streaks = Streaks(max_combos=max_combos)
    told: list[LiveEvent] = []
    useless = 0
    for number, (key, count, ended, _) in enumerate(steps):
        out, lost = streaks.offer(frame(count, key=f"{key}{number % 3}", ended=ended), START)
        told += out
        useless += len(lost)
        assert len(streaks) <= max_combos
        assert number + 1 == len(told) + useless + streaks.open_count
    told += streaks.flush()

    seen = {f"{key}{number % 3}" for number, (key, *_) in enumerate(steps)}
    highest = sum(
        max(count for number, (key, count, *_) in enumerate(steps) if f"{key}{number % 3}" == group) for group in seen
    )
    assert sum(counts(told)) >= highest


@given(STEPS)
def test_the_changes_are_all_that_must_be_written_down(steps: Sequence[tuple[str, int, bool, float]]) -> None:
    streaks = Streaks(max_combos=1)
    noted: dict[str, object] = {}
    for key, count, ended, _ in steps:
        streaks.offer(frame(count, key=key, ended=ended), START)
        for changed, combo in streaks.changes().items():
            if combo is None:
                del noted[changed]
            else:
                noted[changed] = (combo.seen_count, combo.reported_count, combo.last)
        assert streaks.changes() == {}

    streaks.all_changed()
    whole = {
        key: (combo.seen_count, combo.reported_count, combo.last) for key, combo in streaks.changes().items() if combo
    }
    assert noted == whole
