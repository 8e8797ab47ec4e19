from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.report.batch import Batch
from bridge.report.suspects import SYSTEMIC_REFUSALS, Condemned, Suspects
from tests.report.fakes import BAD_EVENT, numbers, pending, said


def batch_of(*events: int, expires_at: float = 1e9) -> Batch:
    return Batch([pending(number, expires_at=expires_at) for number in events])


def condemned_numbers(condemned: Iterable[Condemned]) -> list[int]:
    return sorted(one.pending.number for one in condemned)


class Trial:
    """Halves a refused batch to the end against a cloud that refuses every call with a culprit in it."""

    def __init__(self, count: int, culprits: set[int]) -> None:
        self.suspects = Suspects()
        self.culprits = culprits
        self.calls = 0
        self.cleared: list[int] = []
        self.proven: list[int] = []
        self.suspects.refused(Batch([pending(number) for number in range(count)]), BAD_EVENT)

    def step(self) -> bool:
        """Try the next batch; returns whether it was accepted."""
        batch = self.suspects.next()
        self.calls += 1
        if self.culprits & set(numbers(batch.events)):
            self.suspects.refused(batch, BAD_EVENT)
            return False
        self.cleared += numbers(batch.events)
        self.proven += condemned_numbers(self.suspects.accepted())
        return True

    def run(self) -> None:
        while self.suspects.has_next:
            self.step()
        self.proven += condemned_numbers(self.suspects.accepted())


@given(
    count=st.integers(2, 200),
    culprits=st.sets(st.integers(0, 199), min_size=1, max_size=12),
)
def test_halving_clears_every_good_event_once_and_finds_every_bad_one(count: int, culprits: set[int]) -> None:
    trial = Trial(count, {number % count for number in culprits})
    trial.run()
    assert sorted(trial.cleared) == sorted(set(range(count)) - trial.culprits)
    assert sorted(trial.proven) == sorted(trial.culprits)
    assert len(trial.suspects) == 0
    assert trial.calls <= 2 * len(trial.culprits) * math.ceil(math.log2(count))


@pytest.mark.parametrize(("culprits", "most_calls"), [(1, 19), (2, 35), (10, 130)])
def test_a_few_bad_events_among_a_thousand_cost_few_calls(culprits: int, most_calls: int) -> None:
    dice = random.Random(20)
    for _ in range(40):
        trial = Trial(1000, set(dice.sample(range(1000), culprits)))
        trial.run()
        assert trial.calls <= most_calls


def test_the_left_half_is_tried_first() -> None:
    trial = Trial(8, {6})
    assert numbers(trial.suspects.next().events) == [0, 1, 2, 3]


def test_when_one_half_is_innocent_the_other_is_halved_without_a_call() -> None:
    trial = Trial(8, {6})
    assert trial.step()
    assert numbers(trial.suspects.next().events) == [4, 5]


def test_every_culprit_is_sent_alone_so_that_the_clouds_words_about_it_are_known() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, 2), said(400, "MSS.1", "both"))
    suspects.refused(suspects.next(), said(400, "MSS.2", "the first"))
    suspects.next()
    found = suspects.accepted()
    assert [(one.pending.number, one.answer.error_msg) for one in found] == [(1, "the first")]


def test_an_event_that_was_refused_alone_is_condemned_only_until_another_call_is_accepted() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1), BAD_EVENT)
    assert not suspects.has_next
    assert len(suspects) == 1
    assert condemned_numbers(suspects.accepted()) == [1]
    assert suspects.accepted() == []
    assert len(suspects) == 0


def test_twenty_refusals_without_an_acceptance_are_systemic() -> None:
    suspects = Suspects()
    for number in range(SYSTEMIC_REFUSALS - 1):
        suspects.refused(batch_of(number), BAD_EVENT)
    assert not suspects.is_systemic
    suspects.refused(batch_of(99), BAD_EVENT)
    assert suspects.is_systemic
    suspects.accepted()
    assert not suspects.is_systemic


def test_after_a_systemic_fault_the_condemned_are_suspects_again_and_nobody_is_proven_bad() -> None:
    suspects = Suspects()
    for number in range(3):
        suspects.refused(batch_of(number), BAD_EVENT)
    suspects.acquit()
    assert len(suspects) == 3
    tried = []
    while suspects.has_next:
        tried += numbers(suspects.next().events)
        assert suspects.accepted() == []
    assert tried == [0, 1, 2]


def test_after_a_systemic_fault_an_accepted_half_says_nothing_of_the_other() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, 2, 3, 4), BAD_EVENT)
    suspects.acquit()
    assert numbers(suspects.next().events) == [1, 2]
    suspects.accepted()
    assert numbers(suspects.next().events) == [3, 4]


def test_a_batch_whose_call_said_nothing_is_tried_again_before_all_others() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, 2, 3, 4), BAD_EVENT)
    batch = suspects.next()
    suspects.put_back(batch.again())
    assert suspects.next().attempts == 1
    suspects.accepted()
    assert numbers(suspects.next().events) == [3]


def test_a_batch_of_which_nothing_is_left_is_let_go() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, 2), BAD_EVENT)
    suspects.next()
    suspects.put_back(Batch(()))
    assert numbers(suspects.next().events) == [2]


def test_a_fresh_calls_fate_says_nothing_of_a_suspect_that_waits() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, 2, 3, 4), BAD_EVENT)
    suspects.put_back(suspects.next())
    suspects.accepted()
    assert numbers(suspects.next().events) == [1, 2]


def test_a_batch_under_way_is_counted_by_who_sends_it() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, 2, 3, 4), BAD_EVENT)
    assert len(suspects) == 4
    suspects.next()
    assert len(suspects) == 2
    assert sorted(numbers(suspects.everything())) == [3, 4]


def test_what_expires_leaves_as_a_suspect_or_with_the_answer_that_refused_it() -> None:
    suspects = Suspects()
    suspects.refused(batch_of(1, expires_at=5.0), BAD_EVENT)
    suspects.refused(batch_of(2, expires_at=50.0), BAD_EVENT)
    suspects.refused(Batch([pending(3, expires_at=5.0), pending(4, expires_at=50.0)]), BAD_EVENT)
    expired, dead = suspects.expire(5.0)
    assert numbers(expired) == [3]
    assert [(one.pending.number, one.answer) for one in dead] == [(1, BAD_EVENT)]
    assert sorted(numbers(suspects.everything())) == [2, 4]
    assert suspects.expire(5.0) == ([], [])


@given(
    steps=st.lists(st.sampled_from(["fresh", "accept", "refuse", "unknown", "acquit", "expire"]), max_size=60),
    dice=st.randoms(use_true_random=False),
)
def test_whatever_happens_no_event_is_lost_or_doubled(steps: list[str], dice: random.Random) -> None:
    suspects, now, came = Suspects(), 0.0, 0
    gone: list[int] = []
    for step in steps:
        if step == "fresh":
            size = dice.randint(1, 9)
            batch = Batch([pending(came + place, expires_at=now + dice.randint(1, 30)) for place in range(size)])
            came += size
            suspects.refused(batch, BAD_EVENT)
        elif step == "acquit":
            suspects.acquit()
        elif step == "expire":
            now += dice.randint(0, 10)
            expired, dead = suspects.expire(now)
            gone += numbers(expired) + [one.pending.number for one in dead]
        elif suspects.has_next:
            batch = suspects.next()
            if step == "refuse":
                suspects.refused(batch, BAD_EVENT)
            elif step == "unknown":
                odd = dice.randint(0, 1)
                kept, lost = batch.split(lambda event: event.number % 2 == odd)  # noqa: B023 (asked at once)
                gone += numbers(lost)
                suspects.put_back(kept)
            else:
                gone += numbers(batch.events) + condemned_numbers(suspects.accepted())
        assert sorted([*gone, *numbers(suspects.everything())]) == list(range(came))
        assert len(suspects) == len(suspects.everything())
