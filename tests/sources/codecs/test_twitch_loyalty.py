from __future__ import annotations

import pytest

from bridge.events import Gift, User
from bridge.sources.codecs.twitch_loyalty import chosen_badge, is_only_cheermotes, subscription

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


def test_loyalty_is_reported_before_rank_and_months_before_versions() -> None:
    assert chosen_badge([("moderator", "1", ""), ("subscriber", "3012", "55"), ("bits", "100", "")]) == (
        "subscriber",
        55,
    )
    assert chosen_badge([("subscriber", "2012", "")]) == ("subscriber", 12)
    assert chosen_badge([("moderator", "1", ""), ("glhf", "1", "")]) == ("moderator", 1)
    assert chosen_badge([]) == ("", 0)


def test_a_cheers_amounts_alone_are_no_words() -> None:
    assert is_only_cheermotes("Cheer100", 100)
    assert is_only_cheermotes("Cheer50 PogChamp50", 100)
    assert is_only_cheermotes("", 100)
    assert not is_only_cheermotes("Cheer100 hi", 100)
    assert not is_only_cheermotes("Cheer99", 100)
