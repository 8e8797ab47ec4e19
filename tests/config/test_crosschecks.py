"""The rules themselves are tested with the settings, line by line; here is what they look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.crosschecks import bridge_rules, room_rules

ODD = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=2)
KEYS = st.sampled_from(
    ["region", "endpoint", "access_key", "token", "iam", "listen", "url", "auth", "auth_type", "smart_live_room_id"]
)
SECTIONS = st.dictionaries(KEYS, ODD) | ODD


def test_what_is_given_counts_even_where_its_value_is_wrong() -> None:
    assert list(room_rules({"report": {"url": ["wrong"]}}, {})) == []
    [problem] = room_rules({"report": {"url": ["wrong"], "smart_live_room_id": 5}}, None)
    assert problem.path == ("report", "smart_live_room_id")


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_value_is_not_given(nothing: object) -> None:
    [problem] = room_rules({"report": {"url": nothing}}, {})
    assert problem.path == ("report", "url")


def test_without_a_readable_bridge_file_the_account_is_not_missed() -> None:
    report = {"report": {"smart_live_room_id": "r"}}
    assert list(room_rules(report, None)) == []
    assert len(list(room_rules(report, {}))) == 2


@given(
    st.dictionaries(st.sampled_from(["metastudio", "server"]), SECTIONS),
    st.dictionaries(st.sampled_from(["report", "callbacks"]), SECTIONS),
)
def test_odd_sections_are_left_to_the_value_checks(bridge: dict[str, object], room: dict[str, object]) -> None:
    for problem in [*bridge_rules(bridge), *room_rules(room, bridge)]:
        assert problem.line("f").isprintable()
