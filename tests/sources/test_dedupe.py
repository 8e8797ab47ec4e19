"""Replays removed, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.dedupe import RecentKeys

KEYS = st.lists(st.integers(0, 30).map(str))


def test_a_key_is_new_once() -> None:
    keys = RecentKeys()

    assert keys.add("a")
    assert not keys.add("a")
    assert "a" in keys
    assert "b" not in keys


@given(KEYS, st.integers(1, 5))
def test_at_least_one_generation_is_remembered_and_at_most_two(sequence: list[str], generation: int) -> None:
    keys = RecentKeys(generation)
    added: list[str] = []

    for key in sequence:
        was_known = key in keys
        assert keys.add(key) is not was_known
        if not was_known:
            added.append(key)
        assert len(keys) <= 2 * generation
        assert all(recent in keys for recent in added[-generation:])
        assert key in keys


@given(KEYS, st.integers(1, 5))
def test_what_is_remembered_can_be_written_down_and_taken_up_again(sequence: list[str], generation: int) -> None:
    keys, again = RecentKeys(generation), RecentKeys(generation)
    keys.update(sequence)

    again.update(keys)

    assert set(again) == set(keys)
    assert len(list(keys)) == len(keys)
