"""What usually comes is learnt; that it has stopped coming is said, with the probable cause."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import EventType
from bridge.sources.liveness import LONGEST_PATIENCE_SECS, SILENT_SECS, Liveness

COMMENT, GIFT, VIEWERS = EventType.COMMENT, EventType.GIFT, EventType.VIEWERS
MINUTE = 60.0


def show(liveness: Liveness, minutes: int, rates: dict[EventType, int], begin_at: float = 1_000.0) -> float:
    """Let events come for some minutes, so many a minute; returns when it was over."""
    for minute in range(minutes):
        for second in range(60):
            now = begin_at + minute * MINUTE + second
            for kind, rate in rates.items():
                if second < rate:
                    liveness.took(kind, 1, now)
        liveness.look(0.0, now)
    return begin_at + minutes * MINUTE


def test_gifts_that_stop_while_comments_come_are_missed_after_ten_minutes_with_the_credential_to_look_at() -> None:
    liveness = Liveness(["cookie"])
    now = show(liveness, 30, {COMMENT: 20, GIFT: 3})

    now = show(liveness, 9, {COMMENT: 20}, now)
    assert liveness.alarms(now, unreadable=False) == {}
    now = show(liveness, 3, {COMMENT: 20}, now)

    assert liveness.alarms(now, unreadable=False) == {
        "gift": "no gifts for 12 minutes, usually 3.0 a minute: cookie is probably missing or expired"
    }
    assert not liveness.wants_renewal(now)


@pytest.mark.parametrize(
    ("credentials", "unreadable", "cause"),
    [
        ((), False, "the platform sends only the rest"),
        (("app_id", "app_secret"), False, "app_id or app_secret is probably missing or expired"),
        (("cookie",), True, "messages come that cannot be read, the platform has probably changed them"),
    ],
)
def test_the_cause_is_the_likeliest_that_is_known(credentials: tuple[str, ...], unreadable: bool, cause: str) -> None:
    liveness = Liveness(credentials)
    now = show(liveness, 20, {COMMENT: 20, GIFT: 3})
    now = show(liveness, 11, {COMMENT: 20}, now)

    assert liveness.alarms(now, unreadable=unreadable)["gift"].endswith(f": {cause}")


def test_an_alarm_stands_until_what_was_missed_comes_again() -> None:
    liveness = Liveness()
    now = show(liveness, 20, {COMMENT: 20, GIFT: 3})
    now = show(liveness, 11, {COMMENT: 20}, now)
    assert liveness.missed == [GIFT]

    liveness.look(now, now)
    assert liveness.missed == [GIFT], "a new connection is no gift"
    liveness.took(GIFT, 1, now)
    assert liveness.missed == []


def test_what_comes_once_in_a_while_is_not_missed_so_soon() -> None:
    liveness = Liveness()
    now = show(liveness, 30, {COMMENT: 20, GIFT: 1})

    now = show(liveness, 15, {COMMENT: 20}, now)
    assert liveness.missed == []
    show(liveness, 6, {COMMENT: 20}, now)
    assert liveness.missed == [GIFT]


def test_nothing_is_missed_before_it_is_known_what_is_usual() -> None:
    liveness = Liveness()
    now = show(liveness, 8, {COMMENT: 50})

    liveness.look(0.0, now + 3600)

    assert liveness.missed == []


def test_silence_counts_from_when_events_could_come() -> None:
    liveness = Liveness()
    now = show(liveness, 20, {COMMENT: 50})

    liveness.look(now + 3600, now + 3600 + SILENT_SECS - 1)
    assert liveness.missed == []
    liveness.look(now + 3600, now + 3600 + SILENT_SECS + 1)
    assert liveness.missed == [COMMENT]


def test_when_the_live_ends_nothing_is_missed_any_more() -> None:
    liveness = Liveness()
    now = show(liveness, 20, {COMMENT: 50})
    liveness.look(0.0, now + 700)
    assert liveness.missed

    liveness.ended()

    assert liveness.alarms(now, unreadable=False) == {}


def test_a_connection_that_brings_nothing_is_renewed_ever_more_rarely() -> None:
    liveness = Liveness(["cookie"])
    begin = now = show(liveness, 30, {COMMENT: 20, GIFT: 3, VIEWERS: 6})
    renewals = []
    while now < begin + 24 * 3600:
        now += 15
        liveness.took(VIEWERS, 1, now)
        liveness.look(0.0, now)
        if liveness.wants_renewal(now):
            renewals.append(now - begin)

    pauses = [after - before for before, after in pairwise(renewals)]
    assert renewals[0] == pytest.approx(SILENT_SECS, abs=60)
    assert pauses == sorted(pauses)
    assert pauses[0] >= 2 * SILENT_SECS
    assert pauses[-1] <= LONGEST_PATIENCE_SECS + 15
    assert liveness.alarms(now, unreadable=False)["comment"].endswith("the connection stands but brings nothing")


def test_after_events_came_again_renewal_is_as_quick_as_at_first() -> None:
    liveness = Liveness()
    now = show(liveness, 30, {COMMENT: 20})
    for _ in range(400):
        now += 15
        liveness.look(0.0, now)
        liveness.wants_renewal(now)

    now = show(liveness, 30, {COMMENT: 20}, now)
    liveness.look(0.0, now + SILENT_SECS - 60)
    assert not liveness.wants_renewal(now + SILENT_SECS - 60)
    liveness.look(0.0, now + SILENT_SECS + 15)
    assert liveness.wants_renewal(now + SILENT_SECS + 15)


def test_a_rising_share_of_masked_viewers_names_the_credential() -> None:
    liveness = Liveness(["cookie"])
    liveness.took_users(100, 5)
    assert liveness.alarms(0.0, unreadable=False) == {}
    liveness.took_users(60, 55)
    assert liveness.alarms(0.0, unreadable=False) == {}, "too few to tell"
    liveness.took_users(60, 55)

    assert liveness.alarms(0.0, unreadable=False) == {
        "identity": "92% of the viewers come without their identity: cookie is probably missing or expired"
    }
    liveness.took_users(100, 5)
    assert liveness.alarms(0.0, unreadable=False) == {}


def test_viewers_that_a_platform_never_names_are_no_alarm() -> None:
    liveness = Liveness(["access_token"])
    for _ in range(10):
        liveness.took_users(100, 90)

    assert liveness.alarms(0.0, unreadable=False) == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(EventType)), st.integers(1, 100_000), st.floats(0, 1e7), st.booleans(), st.booleans()
        ),
        max_size=50,
    )
)
def test_any_order_of_events_and_looks_ends_in_sentences(
    steps: list[tuple[EventType, int, float, bool, bool]],
) -> None:
    liveness, now = Liveness(), 0.0
    for kind, count, passed_secs, takes, ends in steps:
        now += passed_secs
        if takes:
            liveness.took(kind, count, now)
        liveness.look(0.0, now)
        liveness.wants_renewal(now)
        assert set(liveness.alarms(now, unreadable=ends)) == {kind.name.lower() for kind in liveness.missed}
        if ends:
            liveness.ended()
            assert not liveness.missed
