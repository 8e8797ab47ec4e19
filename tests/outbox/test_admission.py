"""Which events of a room are worth reporting, and in which form."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from bridge.events import Comment, Content, EventType, Follow, Gift, Join, Like, LiveEvent, PaidMessage, User, Viewers
from bridge.outbox import admission as module
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.money import Money
from bridge.outbox.policy import DEFAULT_POLICIES, Policies
from bridge.pending import DropReason
from tests.samples import ANN, BOB, NOBODY, comment, event, rose

PAID = event(PaidMessage("thank you", rose(2)), "1")


def admission(
    form: PaidMessageForm = PaidMessageForm.COMMENT, money: Money | None = None, policies: Policies = DEFAULT_POLICIES
) -> Admission:
    return Admission(policies, form, money or Money())


@pytest.mark.parametrize(
    ("form", "contents", "counted_as"),
    [
        (PaidMessageForm.COMMENT, [Comment(ANN, "thank you")], EventType.COMMENT),
        (PaidMessageForm.GIFT, [rose(2)], EventType.GIFT),
        (PaidMessageForm.BOTH, [Comment(ANN, "thank you"), rose(2)], EventType.COMMENT),
    ],
)
def test_a_paid_message_becomes_what_the_room_wants(
    form: PaidMessageForm, contents: list[Content], counted_as: EventType
) -> None:
    gate = admission(form)

    assert [one.content for one in gate.forms(PAID)] == contents
    assert {(one.timestamp_ms, one.id) for one in gate.forms(PAID)} == {(PAID.timestamp_ms, "1")}
    assert gate.type_of(PAID) is counted_as


@pytest.mark.parametrize("content", [Comment(ANN, "hi"), Join(ANN), Like(ANN), Follow(ANN), Viewers(3), rose()])
def test_every_other_event_has_one_form_and_its_own_type(content: Content) -> None:
    gate, one = admission(PaidMessageForm.BOTH), event(content)

    assert list(gate.forms(one)) == [one]
    assert gate.type_of(one) is content.type


def test_gifts_and_the_gifts_of_paid_messages_are_valued_as_the_room_wants() -> None:
    money = Money(in_fen=True)
    gift = event(rose(1, value=10, currency="diamond"))
    paid = event(PaidMessage("hi", rose(1, value=10, currency="diamond")))

    for form in (
        admission(money=money).forms(gift)[0],
        admission(PaidMessageForm.BOTH, money).forms(paid)[1],
        admission(PaidMessageForm.GIFT, money).forms(paid)[0],
    ):
        assert isinstance(form.content, Gift)
        assert form.content.total_value == 100


def test_a_type_that_is_switched_off_is_refused() -> None:
    assert admission().refusal(event(Follow(ANN)), 0.0) is DropReason.DISABLED
    assert admission().refusal(comment(), 0.0) is None


def test_a_user_joins_once_in_a_while() -> None:
    gate = admission()

    assert gate.refusal(event(Join(ANN)), 0.0) is None
    assert gate.refusal(event(Join(ANN)), 59.9) is DropReason.ONCE_PER_USER
    assert gate.refusal(event(Join(BOB)), 59.9) is None
    assert gate.refusal(event(Join(ANN)), 60.0) is None


def test_the_likes_of_a_user_are_merged_within_a_window_of_their_own() -> None:
    gate = admission()

    assert gate.refusal(event(Like(ANN)), 0.0) is None
    assert gate.refusal(event(Like(ANN)), 0.5) is DropReason.MERGED
    assert gate.refusal(event(Join(ANN)), 0.5) is None
    assert gate.refusal(event(Like(ANN)), 1.0) is None


def test_a_flood_of_likes_lets_one_pass_in_every_window() -> None:
    gate = admission()

    passed = [now for now in range(100) if gate.refusal(event(Like(ANN)), now / 10) is None]

    assert passed == list(range(0, 100, 10))


@pytest.mark.parametrize("content", [Join(NOBODY), Like(NOBODY)])
def test_masked_users_are_never_one_person(content: Content) -> None:
    gate = admission()

    assert [gate.refusal(event(content), 0.0) for _ in range(5)] == [None] * 5


def test_the_rule_of_once_a_user_can_be_switched_off() -> None:
    policies = MappingProxyType(
        {
            **DEFAULT_POLICIES,
            EventType.JOIN: dataclasses.replace(DEFAULT_POLICIES[EventType.JOIN], once_per_user_secs=0),
        }
    )
    gate = admission(policies=policies)

    assert [gate.refusal(event(Join(ANN)), 0.0) for _ in range(3)] == [None] * 3


def test_comments_gifts_and_viewer_counts_are_never_merged() -> None:
    gate = admission()

    for one in (comment(), event(rose()), event(Viewers(3))):
        assert [gate.refusal(one, 0.0) for _ in range(3)] == [None] * 3


def test_the_memory_of_users_is_bounded_and_forgets_those_that_no_longer_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MAX_REMEMBERED_USERS", 3)
    gate = admission()
    for number, now in enumerate((0.0, 50.0, 55.0)):
        gate.refusal(_join(number), now)

    assert gate.refusal(_join(3), 70.0) is None
    assert gate.refusal(_join(1), 70.0) is DropReason.ONCE_PER_USER

    for number in range(10, 100):
        assert gate.refusal(_join(number), 70.0) is None
    assert len(gate._seen[EventType.JOIN]) <= 3


def test_an_unknown_price_is_said_once_a_gift() -> None:
    gate = admission()

    assert gate.is_unknown_price(rose())
    assert not gate.is_unknown_price(rose())
    assert gate.is_unknown_price(replace(rose(), name="Boat"))


def test_the_operators_prices_are_those_of_the_room() -> None:
    unpriced = replace(rose(2, value=0), priced=False)

    assert admission(money=Money(prices={"Rose": 5})).priced(unpriced).total_value == 10
    assert admission().priced(unpriced) is unpriced


def test_the_names_of_unpriced_gifts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_UNPRICED", 2)
    gate = admission()

    said = [gate.is_unknown_price(replace(rose(), name=f"gift {number}", priced=False)) for number in range(4)]

    assert said == [True, True, False, False]


def _join(number: int) -> LiveEvent:
    return event(Join(User(f"pond_{number}")))
