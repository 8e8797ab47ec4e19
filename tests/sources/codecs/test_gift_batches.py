from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.codecs.gift_batches import MAX_GIVERS, WINDOW_MS, GiftBatches


def test_a_batchs_single_gifts_are_not_counted_again() -> None:
    batches = GiftBatches()
    assert batches.announced("ember", 3, 0) == 3
    assert [batches.single("ember", at) for at in (10, 20, 30)] == [False] * 3
    assert batches.single("ember", 40)


def test_single_gifts_that_came_first_are_taken_off_the_announcement() -> None:
    batches = GiftBatches()
    assert batches.single("ember", 0)
    assert batches.announced("ember", 3, 10) == 2
    assert not batches.single("ember", 20)
    assert not batches.single("ember", 30)


def test_givers_and_moments_are_kept_apart() -> None:
    batches = GiftBatches()
    assert batches.announced("ember", 2, 0) == 2
    assert batches.single("fern", 10)
    assert batches.single("ember", WINDOW_MS + 1)


def test_memory_is_bounded() -> None:
    batches = GiftBatches()
    for number in range(2 * MAX_GIVERS):
        batches.announced(str(number), 1, 0)
    assert len(batches._givers) == MAX_GIVERS


@given(st.permutations([True] + [False] * 5))
def test_the_sum_is_right_in_any_order(order: list[bool]) -> None:
    batches = GiftBatches()
    counted = 0
    for at_ms, is_announcement in enumerate(order):
        counted += batches.announced("ember", 5, at_ms) if is_announcement else batches.single("ember", at_ms)
    assert counted == 5
