from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.metastudio.rule_matching import leaves, number_of, read_event, text_of
from bridge.metastudio.rule_options import AndTakes, NoTags, Regex, TotalsOver
from tests.metastudio.rule_shows import GIFT, event, fired, rule, show, tag, take, wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def test_fields_are_found_by_their_bare_leaf_names() -> None:
    found = event(GIFT, level=3, giftName="Rose", giftNum=5).fields
    assert (found["level"], found["giftName"], found["giftNum"], found["userId"]) == (3, "Rose", 5, "pond_1")
    assert "user" not in found
    assert "gift" not in found


def test_of_two_fields_alike_the_outer_one_counts() -> None:
    assert leaves({"user": {"content": "inner", "name": "Ann"}, "content": "outer"}) == {
        "content": "outer",
        "name": "Ann",
    }


def test_preset_wording_need_not_be_json() -> None:
    assert read_event({"timestamp": 1, "type": 10, "content": "plain words"}).fields == {"content": "plain words"}
    assert read_event({"timestamp": 1, "type": 10, "content": '{"content": "in JSON"}'}).fields == {
        "content": "in JSON"
    }


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"timestamp": "1"}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"type": None}, "type"),
        ({"type": 101}, "type"),
        ({"content": {}}, "content"),
        ({"content": "words"}, "content"),
        ({"content": "[]"}, "content"),
        ({"content": "\ud800"}, "content"),
    ],
)
def test_what_is_no_event_is_refused_by_its_field(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(DecodeError) as error:
        read_event(wire() | changes)
    assert error.value.path == place


@given(JSON | st.fixed_dictionaries({"timestamp": JSON, "type": JSON, "content": JSON}))
def test_anything_is_an_event_or_a_decode_error(value: object) -> None:
    try:
        read_event(value)
    except DecodeError:
        return


@pytest.mark.parametrize(
    ("leaf", "number"),
    [
        (17, 17),
        (1.5, 1.5),
        ("17", 17),
        (" -2.5 ", -2.5),
        ("1e3", 1000.0),
        ("9" * 30, 1e30),
        ("9" * 400, None),
        ("two", None),
        ("--1", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (float("inf"), None),
        (True, None),
        (None, None),
    ],
)
def test_numbers_are_numbers_also_in_a_text(leaf: Any, number: float | None) -> None:
    assert number_of(leaf) == number


@pytest.mark.parametrize(("leaf", "text"), [(17, "17"), (17.0, "17"), (1.5, "1.5"), (True, "true"), ("x", "x")])
def test_texts_are_compared_as_json_writes_them(leaf: Any, text: str) -> None:
    assert text_of(leaf) == text


@pytest.mark.parametrize(
    ("match", "value", "hits"),
    [
        ("EQUAL", "17", True),
        ("EQUAL", "1", False),
        ("EQUAL", "17.0", False),
        ("REGEX", "^1", True),
        ("REGEX", "[89]", False),
        ("MATH_GT", "16", True),
        ("MATH_GT", "17", False),
        ("MATH_GE", "17", True),
        ("MATH_GE", "17.5", False),
        ("MATH_LT", "18", True),
        ("MATH_LT", "17", False),
        ("MATH_LE", "17", True),
        ("MATH_LE", "16", False),
        ("MATH_EQ", "17.0", True),
        ("MATH_EQ", 18, False),
    ],
)
def test_each_comparison(match: str, value: object, *, hits: bool) -> None:
    assert bool(take(show(rule("r", tag("level", match, value))), level=17).fired) == hits


def test_equal_is_equal_to_the_letter() -> None:
    rules = show(rule("r", tag("content", "EQUAL", "Hello")))
    assert fired(rules, [event(content="Hello"), event(content="hello"), event(content="Hello!")]) == [["r"], [], []]


def test_words_are_no_number_and_meet_no_comparison_of_numbers() -> None:
    assert not take(show(rule("r", tag("content", "MATH_LT", "5"))), content="four").fired


def test_a_field_that_the_event_does_not_have_meets_nothing() -> None:
    rules = show(rule("r", tag("giftName", "REGEX", "")), rule("s", tag("level", "EQUAL", "17")))
    assert take(rules).fired == ["s"]


def test_and_wants_every_tag_or_one_of_them() -> None:
    tags = tag("content", "REGEX", "price"), tag("level", "MATH_GE", "10")
    both, either = show(rule("r", *tags)), show(rule("r", *tags, relation="OR"))
    events = [event(content="price", level=10), event(content="price", level=1), event(content="hi", level=1)]
    assert fired(both, events) == [["r"], [], []]
    assert fired(either, events) == [["r"], ["r"], []]


def test_a_regex_searches_or_must_match_the_whole() -> None:
    r = rule("r", tag("content", "REGEX", "price|cost"))
    assert take(show(r), content="the price?").fired
    assert not take(show(r, regex=Regex.WHOLE), content="the price?").fired
    assert take(show(r, regex=Regex.WHOLE), content="cost").fired


def test_no_tags_match_everything_or_nothing() -> None:
    for r in (rule("r"), {"rule_name": "r", "event_type": 1}, {"rule_name": "r", "event_type": 1, "hit_condition": {}}):
        assert take(show(r)).fired == ["r"]
        assert not take(show(r, no_tags=NoTags.NOTHING)).fired


def test_a_sum_runs_over_the_show() -> None:
    rules = show(rule("r", tag("giftNum", "MATH_GE", "10", "SUM"), kind=GIFT))
    gifts = [event(GIFT, giftNum=count) for count in (4, 5, 1, 1)]
    assert fired(rules, gifts) == [[], [], ["r"], ["r"]]


def test_an_average_runs_over_the_show() -> None:
    rules = show(rule("r", tag("giftValue", "MATH_GT", "2", "AVG"), kind=GIFT))
    assert fired(rules, [event(GIFT, giftValue=value) for value in (1, 3, 5, 1)]) == [[], [], ["r"], ["r"]]


def test_a_count_counts_the_events_that_have_the_field() -> None:
    with_field = show(rule("r", tag("name", "MATH_EQ", "2", "COUNT")))
    assert fired(with_field, [event(), event(), event()]) == [[], ["r"], []]
    without = show(rule("r", tag("giftName", "MATH_GE", "1", "COUNT")))
    assert fired(without, [event(), event()]) == [[], []]
    of_the_type = show(rule("r", {"operation": "COUNT", "match": "EQUAL", "value": "2"}))
    assert fired(of_the_type, [event(), event(GIFT), event()]) == [[], [], ["r"]]


def test_a_total_counts_the_events_of_its_type_whoever_answers_them() -> None:
    rules = show(
        rule("first", priority=1, kind=GIFT, window=-1), rule("r", tag("giftNum", "MATH_GE", "2", "SUM"), kind=GIFT)
    )
    assert fired(rules, [event(GIFT), event(), event(GIFT)]) == [["first"], [], ["r"]]


def test_an_ands_sum_takes_every_event_or_those_that_meet_its_other_tags() -> None:
    r = rule("r", tag("giftName", "EQUAL", "Rose"), tag("giftNum", "MATH_GE", "10", "SUM"), kind=GIFT)
    gifts = [event(GIFT, giftName="Kite", giftNum=9), event(GIFT, giftName="Rose", giftNum=1)]
    assert fired(show(r), gifts) == [[], ["r"]]
    assert fired(show(r, and_takes=AndTakes.MATCHING), gifts) == [[], []]


def test_totals_run_over_the_show_the_window_or_the_viewers_show() -> None:
    r = rule("r", tag("giftNum", "MATH_GE", "3", "SUM"), kind=GIFT, window=10)
    slow = [event(GIFT, at, giftNum=1) for at in (0, 20, 40)]
    assert fired(show(r), slow)[-1] == ["r"]
    assert fired(show(r, totals_over=TotalsOver.WINDOW), slow)[-1] == []
    quick = [event(GIFT, at, giftNum=1) for at in (0, 4, 9)]
    assert fired(show(r, totals_over=TotalsOver.WINDOW), quick)[-1] == ["r"]
    two = [event(GIFT, at, giftNum=2, userId=user) for at, user in ((0, "a"), (1, "b"), (2, "a"))]
    assert fired(show(r), two) == [[], ["r"], []]
    assert fired(show(r, totals_over=TotalsOver.USER), two) == [[], [], ["r"]]


def test_a_total_over_the_window_forgets_without_a_new_part() -> None:
    r = rule("r", tag("name", "EQUAL", "Ann"), tag("level", "MATH_GE", "5", "SUM"), relation="AND", window=10)
    rules = show(r, totals_over=TotalsOver.WINDOW, and_takes=AndTakes.MATCHING)
    assert take(rules, at_secs=0, level=5).fired == ["r"]
    late = [event(at_secs=10, level=9, name="Bob"), event(at_secs=11, level=0)]
    assert fired(rules, late) == [[], []]
