"""A virtual human that answers one thing after the other, and a room that asks more than it can."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.outbox.pacing import FORGOTTEN_SECS, LEARNT_REPLIES, MIN_PATIENCE_SECS, ReplyPace

TICK_SECS = 0.25


@dataclass
class VirtualHuman:
    """Answers a share of what it is asked, in order, ``reply_secs`` each."""

    reply_secs: Callable[[float], float]
    share: float = 1.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    waiting: deque[float] = field(default_factory=deque)
    busy_until: float | None = None
    longest_wait: float = 0.0
    finished: int = 0

    def ask(self, events: int, now: float) -> None:
        self.waiting.extend(now for _ in range(events) if self.chance.random() < self.share)

    def passes(self, now: float) -> int:
        """Let time pass; returns how many replies were finished."""
        done = 0
        if self.busy_until is not None and now >= self.busy_until:
            self.busy_until = None
            done = 1
        if self.busy_until is None and self.waiting:
            self.longest_wait = max(self.longest_wait, now - self.waiting.popleft())
            self.busy_until = now + self.reply_secs(now)
        self.finished += done
        return done


@dataclass
class Show:
    pace: ReplyPace
    human: VirtualHuman
    now: float = 0.0
    let_through: int = 0
    longest_queue: int = 0
    callbacks: bool = True

    def run(self, secs: float, *, asked: Callable[[float], int] = lambda _: 1000, gifts: float = 0.0) -> None:
        """Let a room run in which more is asked than can be answered."""
        until = self.now + secs
        while self.now < until:
            self.now += TICK_SECS
            for _ in range(self.human.passes(self.now) if self.callbacks else 0):
                self.pace.finished(self.now)
            given_now = int(self.human.chance.random() < gifts * TICK_SECS)
            allowance = self.pace.allowance(self.now)
            comments = min(asked(self.now), 1 if allowance is None else allowance)
            self.pace.let_through(comments + given_now, self.now)
            self.human.ask(comments + given_now, self.now)
            self.let_through += comments
            self.longest_queue = max(self.longest_queue, len(self.human.waiting))

    def warm_up(self) -> None:
        """Learn from a few comments a minute, as a room does when it opens."""
        self.run(180, asked=lambda now: int(now % 15 < TICK_SECS))
        while not self.pace.is_learnt(self.now):
            self.run(60, asked=lambda now: int(now % 15 < TICK_SECS))
        assert self.pace.is_learnt(self.now)
        self.human.finished = self.let_through = self.longest_queue = 0
        self.human.longest_wait = 0.0


def show(reply_secs: float | Callable[[float], float], *, share: float = 1.0, ahead: int = 1) -> Show:
    timing = reply_secs if callable(reply_secs) else (lambda _: reply_secs)
    return Show(ReplyPace(ahead=ahead), VirtualHuman(timing, share))


def test_until_something_is_learnt_nothing_is_held_back() -> None:
    pace = ReplyPace()
    assert pace.allowance(0) is None
    assert pace.replies_per_minute(0) is None
    pace.let_through(500, 0)
    for number in range(1, LEARNT_REPLIES):
        pace.finished(number * 5.0)
        assert pace.allowance(number * 5.0) is None
    pace.finished(LEARNT_REPLIES * 5.0)
    assert pace.allowance(LEARNT_REPLIES * 5.0) == 0


@pytest.mark.parametrize("reply_secs", [3.0, 6.0, 12.0, 25.0])
def test_the_pace_is_learnt_and_held(reply_secs: float) -> None:
    room = show(reply_secs)
    room.warm_up()
    room.run(1800)
    assert room.pace.replies_per_minute(room.now) == pytest.approx(60 / reply_secs, rel=0.1)
    possible = 1800 / (reply_secs + TICK_SECS)
    assert room.human.finished >= 0.95 * possible
    assert room.longest_queue <= 2
    assert room.human.longest_wait <= 2 * reply_secs + 1


@given(st.floats(2.0, 18.0), st.integers(0, 3), st.integers(0, 2**32))
@example(reply_secs=4.0, ahead=1, seed=137701739)
@settings(max_examples=20, deadline=None)
def test_no_more_goes_ahead_of_the_finished_replies_than_asked_for(reply_secs: float, ahead: int, seed: int) -> None:
    chance = random.Random(seed)
    room = show(lambda _: chance.uniform(0.7, 1.3) * reply_secs, ahead=ahead)
    room.warm_up()
    asked_at = chance.uniform(0, 1)
    room.run(400, asked=lambda _: int(chance.random() < asked_at))
    assert room.longest_queue <= 1 + ahead
    assert room.let_through <= room.human.finished + 1 + ahead


def test_a_change_of_pace_is_followed() -> None:
    room = show(lambda now: 5.0 if now < 900 or now > 1800 else 15.0)
    room.warm_up()
    room.run(720)
    assert room.pace.replies_per_minute(room.now) == pytest.approx(12, rel=0.1)
    room.run(900)
    assert room.pace.replies_per_minute(room.now) == pytest.approx(4, rel=0.1)
    room.run(900)
    assert room.pace.replies_per_minute(room.now) == pytest.approx(12, rel=0.1)
    assert room.longest_queue <= 3


def test_one_long_reply_among_many_changes_little() -> None:
    room = show(lambda now: 60.0 if 600 < now < 606 else 5.0)
    room.warm_up()
    room.run(900)
    assert room.pace.replies_per_minute(room.now) == pytest.approx(12, rel=0.1)
    assert room.longest_queue <= 6


@pytest.mark.parametrize("share", [0.15, 0.3, 0.6])
def test_where_only_some_comments_are_answered_more_of_them_go(share: float) -> None:
    room = show(6.0, share=share)
    room.warm_up()
    room.run(3600)
    possible = 3600 / (6 + TICK_SECS)
    assert room.human.finished >= 0.5 * possible
    assert room.human.longest_wait <= 90
    assert room.pace.answered_share == pytest.approx(share, abs=0.25)


def test_when_suddenly_everything_is_answered_the_queue_is_worked_off() -> None:
    room = show(6.0, share=0.2)
    room.warm_up()
    room.run(1200)
    room.human.share = 1.0
    room.run(1200)
    room.longest_queue = 0
    room.run(1200)
    assert room.pace.answered_share > 0.8
    assert room.longest_queue <= 4


def test_gifts_take_the_place_of_comments_and_are_never_refused() -> None:
    without, with_gifts = show(6.0), show(6.0)
    for room, gifts in ((without, 0.0), (with_gifts, 0.08)):
        room.warm_up()
        room.run(1800, gifts=gifts)
    assert with_gifts.let_through < 0.75 * without.let_through
    assert with_gifts.human.finished == pytest.approx(without.human.finished, rel=0.05)


def test_nothing_owed_after_a_pause_opens_again() -> None:
    pace = ReplyPace()
    pace.let_through(3, 0)
    for at in (5.0, 10.0, 15.0):
        pace.finished(at)
    assert pace.allowance(15) == 2
    pace.let_through(2, 15)
    assert pace.allowance(15) == 0
    assert pace.opens_at(15) == 15 + MIN_PATIENCE_SECS
    assert pace.allowance(15 + MIN_PATIENCE_SECS - 0.1) == 0
    assert pace.allowance(15 + MIN_PATIENCE_SECS) >= 2  # type: ignore[operator]


def test_without_callbacks_the_room_is_not_strangled() -> None:
    room = show(6.0)
    room.warm_up()
    room.callbacks = False
    room.run(FORGOTTEN_SECS + 60)
    assert room.pace.allowance(room.now) is None
    assert room.pace.replies_per_minute(room.now) is None


@given(st.lists(st.tuples(st.sampled_from(["finish", "let"]), st.floats(0, 300), st.integers(0, 50)), max_size=60))
@settings(deadline=None)
def test_whatever_happens_it_opens_again(steps: list[tuple[str, float, int]]) -> None:
    pace, now = ReplyPace(), 0.0
    for what, secs, events in steps:
        now += secs
        if what == "finish":
            pace.finished(now)
        else:
            pace.let_through(events, now)
        allowance = pace.allowance(now)
        assert allowance is None or allowance >= 0
        if allowance == 0:
            assert now < pace.opens_at(now) <= now + 120
    later = now if pace.allowance(now) != 0 else pace.opens_at(now)
    assert pace.allowance(later) != 0
