from __future__ import annotations

import pytest

from bridge.events import MAX_INTEGER, Gift, User
from bridge.sources.codecs.twitch_loyalty import chosen_badge, is_only_cheermotes, spoken, subscription

EMBER = User("twitch_1", "Ember")


@pytest.mark.parametrize(
    ("plan", "name", "value"),
    [("1000", "Tier 1", 500), ("2000", "Tier 2", 1000), ("3000", "Tier 3", 2500), ("Prime", "Prime", 500)],
)
def test_a_month_of_a_plan_has_its_value_in_bits(plan: str, name: str, value: int) -> None:
    assert subscription(EMBER, plan, 3) == Gift(EMBER, name, 3, value, 3 * value, "bits")


def test_an_unknown_plan_has_no_price() -> None:
    assert subscription(EMBER, "4000", 1) == Gift(EMBER, "Subscription 4000", 1, currency="bits", priced=False)
    assert subscription(EMBER, "", 1).name == "Subscription"


def test_the_operators_values_may_stand_in_for_ours() -> None:
    assert subscription(EMBER, "2000", 2, (1, 2, 3)) == Gift(EMBER, "Tier 2", 2, 2, 4, "bits")


def worn(*badges: tuple[str, str, str]) -> tuple[str, int]:
    return chosen_badge(
        [{"set_id": name, "id": version, "info": info} for name, version, info in badges], "set_id", "id"
    )


def test_loyalty_is_reported_before_rank_and_months_before_versions() -> None:
    assert worn(("moderator", "1", ""), ("subscriber", "3012", "55"), ("bits", "100", "")) == ("subscriber", 55)
    assert worn(("subscriber", "2012", "")) == ("subscriber", 12)
    assert worn(("moderator", "1", ""), ("glhf", "1", "")) == ("moderator", 1)
    assert worn() == ("", 0)


@pytest.mark.parametrize("badges", [None, 7, "subscriber", {"set_id": 1}, [None], ["x"], [{}], [{"set_id": []}]])
def test_badges_in_a_shape_that_nobody_knows_are_none(badges: object) -> None:
    assert chosen_badge(badges, "set_id", "id") == ("", 0)


def test_a_badge_without_version_or_with_an_absurd_one_has_a_level_all_the_same() -> None:
    assert chosen_badge([{"set_id": "vip"}], "set_id", "id") == ("vip", 0)
    assert worn(("vip", "-5", "")) == ("vip", 0)
    assert worn(("founder", "9" * 19, "")) == ("founder", MAX_INTEGER)


@pytest.mark.parametrize("text", ["\x01ACTION waves\x01", "\x01ACTION waves", "waves"])
def test_an_action_is_its_words(text: str) -> None:
    assert spoken(text) == "waves"


def test_a_cheers_amounts_alone_are_no_words() -> None:
    assert is_only_cheermotes("Cheer100", 100)
    assert is_only_cheermotes("Cheer50 PogChamp50", 100)
    assert is_only_cheermotes("", 100)
    assert not is_only_cheermotes("Cheer100 hi", 100)
    assert not is_only_cheermotes("Cheer99", 100)
    assert is_only_cheermotes("Cheer100 \U000e0000", 100), "a client's mark of a message sent again"
