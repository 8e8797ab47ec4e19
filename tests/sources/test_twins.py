"""One fact told by several messages is one event."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import LiveEvent, Twin
from bridge.sources import twins
from bridge.sources.twins import Twins
from tests.samples import event, rose

WAIT_SECS = 2.0
START = 100.0


def whole(key: str = "bomb", name: str = "whole") -> LiveEvent:
    """Return the message that settles the fact."""
    return event(rose(5), f"{key}/{name}", twin=Twin(key, settles=True))


def part(key: str = "bomb", name: str = "part", wait_secs: float = WAIT_SECS) -> LiveEvent:
    """Return a message that waits for it."""
    return event(rose(1), f"{key}/{name}", twin=Twin(key, settles=False, wait_secs=wait_secs))


def test_an_event_without_a_twin_goes_on_at_once() -> None:
    plain = event(rose())

    assert Twins().offer(plain, START) == ([plain], [])


def test_the_settling_message_goes_out_at_once_and_swallows_those_that_waited() -> None:
    held = Twins()

    assert held.offer(part(name="1"), START) == ([], [])
    assert held.offer(part(name="2"), START + 1) == ([], [])
    assert held.offer(whole(), START + 1.9) == ([whole()], [part(name="1"), part(name="2")])
    assert len(held) == 0


def test_parts_that_come_after_the_announcement_are_swallowed() -> None:
    held = Twins()
    held.offer(whole(), START)

    assert held.offer(part(), START + 1) == ([], [part()])
    assert held.offer(part(name="late"), START + 3600) == ([], [part(name="late")])


def test_the_announcement_told_twice_is_told_once() -> None:
    held = Twins()
    held.offer(whole(), START)

    assert held.offer(whole(name="again"), START) == ([], [whole(name="again")])


def test_a_part_goes_out_as_it_is_when_nothing_settles_it_in_time() -> None:
    held = Twins()
    held.offer(part(), START)

    assert held.due(START + WAIT_SECS - 0.01) == []
    assert held.due_at() == START + WAIT_SECS
    assert held.due(START + WAIT_SECS) == [part()]
    assert held.due_at() is None


def test_after_the_parts_went_out_alone_the_rest_of_them_do_and_the_whole_does_not() -> None:
    held = Twins()
    held.offer(part(name="1"), START)
    held.due(START + WAIT_SECS)

    assert held.offer(part(name="2"), START + 3) == ([part(name="2")], [])
    assert held.offer(whole(), START + 3) == ([], [whole()])


def test_other_facts_are_not_touched() -> None:
    held = Twins()
    held.offer(part("a"), START)
    held.offer(part("b"), START)

    assert held.offer(whole("a"), START) == ([whole("a")], [part("a")])
    assert held.held() == [part("b")]


def test_at_the_end_everything_that_waits_goes_out() -> None:
    held = Twins()
    held.offer(part("a"), START)
    held.offer(part("b"), START)

    assert held.flush() == [part("a"), part("b")]
    assert len(held) == 0


def test_over_the_bound_the_oldest_fact_is_let_go_of() -> None:
    held = Twins()
    for number in range(twins.MAX_HELD_EVENTS):
        assert held.offer(part(str(number)), START) == ([], [])

    assert held.offer(part("one more"), START) == ([part("0")], [])
    assert len(held) == twins.MAX_HELD_EVENTS


MESSAGES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.booleans(), st.integers(0, 3)).map(
        lambda made: whole(made[0], f"w{made[2]}") if made[1] else part(made[0], f"p{made[2]}")
    ),
    max_size=12,
)


@given(st.lists(st.tuples(MESSAGES, st.floats(0, 3)), max_size=6))
def test_every_message_is_told_swallowed_or_held_and_a_fact_is_told_in_one_way_only(
    steps: Sequence[tuple[list[LiveEvent], float]],
) -> None:
    held, now = Twins(), START
    offered, told, swallowed = 0, [], 0
    for messages, pause_secs in steps:
        for message in messages:
            out, lost = held.offer(message, now)
            offered += 1
            told += out
            swallowed += len(lost)
        now += pause_secs
        told += held.due(now)
        assert offered == len(told) + swallowed + len(held)
    told += held.flush()

    for key in ("a", "b"):
        ways = [one.twin.settles for one in told if one.twin and one.twin.key == key]
        assert ways.count(True) <= 1
        assert not (True in ways and False in ways)
