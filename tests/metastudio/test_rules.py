from __future__ import annotations

import random
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.metastudio.rule_matching import RuleEvent
from bridge.metastudio.rule_options import (
    AfterAnswer,
    Answers,
    Reserved,
    RuleOptions,
    Suppressed,
    Time,
    TotalsOver,
    WindowEnd,
)
from bridge.metastudio.rules import Outcome, Rules, read_rules
from tests.metastudio import room_file
from tests.metastudio.rule_shows import GIFT, JOIN, LIKE, START_MS, event, fired, rule, show, tag, take


def test_an_event_is_answered_by_rules_of_its_type_alone() -> None:
    rules = show(*(rule(str(kind), kind=kind) for kind in (1, 2, 3, 4, 10)))
    events = [event(kind) for kind in (LIKE, GIFT, JOIN)] + [RuleEvent(START_MS, kind) for kind in (1, 10, 6, 5, 99)]
    assert fired(rules, events) == [["3"], ["4"], ["2"], ["1"], ["10"], [], [], []]


def test_a_rule_without_an_event_type_answers_nothing() -> None:
    rules = show({"rule_name": "r"})
    assert not take(rules).fired
    assert rules.never_fired() == ["r"]


def test_the_best_answers_by_priority_then_by_list_order() -> None:
    rules = show(rule("late", priority=501), rule("default"), rule("same", priority=500), rule("best", priority=0))
    assert take(rules).fired == ["best"]
    assert take(show(rule("late", priority=501), rule("default"), rule("same", priority=500))).fired == ["default"]


def test_one_rule_answers_or_all_that_hit() -> None:
    given_rules = rule("a", texts=["A"], mode="SHOW_LAYER"), rule("b", texts=["B"]), rule("c", texts=["C"])
    assert take(show(*given_rules)) == Outcome(["a"], [], None)
    assert take(show(*given_rules, answers=Answers.ALL)) == Outcome(["a", "b", "c"], [], "B")


def test_a_suppressed_rule_lets_the_next_one_answer_or_nobody() -> None:
    given_rules = rule("a", window=60, priority=1), rule("b", window=60, priority=2), rule("c", priority=3)
    rules = show(*given_rules)
    assert take(rules).fired == ["a"]
    assert take(rules, at_secs=1) == Outcome(["b"], ["a"], None)
    assert take(rules, at_secs=2) == Outcome(["c"], ["a", "b"], None)
    silent = show(*given_rules, suppressed=Suppressed.SILENT)
    take(silent)
    assert take(silent, at_secs=1) == Outcome([], ["a"], None)


def test_all_that_hit_are_asked_each_for_itself() -> None:
    rules = show(rule("a", window=60), rule("b"), answers=Answers.ALL, suppressed=Suppressed.SILENT)
    take(rules)
    assert take(rules, at_secs=1) == Outcome(["b"], ["a"], None)


def test_a_reserved_rule_answers_when_nothing_else_hit_and_looks_at_no_tags() -> None:
    rules = show(
        rule("fallback", tag("content", "EQUAL", "never said"), relation="RESERVED", priority=0),
        rule("price", tag("content", "REGEX", "price"), window=60),
    )
    events = [event(content="hi"), event(content="price"), event(content="hi")]
    assert fired(rules, events) == [["fallback"], ["price"], ["fallback"]]


def test_a_suppressed_hit_is_a_hit_unless_only_answers_count() -> None:
    given_rules = rule("fallback", relation="RESERVED"), rule("price", tag("content", "REGEX", "price"), window=60)
    rules = show(*given_rules)
    take(rules, content="price")
    assert take(rules, at_secs=1, content="price") == Outcome([], ["price"], None)
    lenient = show(*given_rules, reserved=Reserved.NOTHING_ANSWERED)
    take(lenient, content="price")
    assert take(lenient, at_secs=1, content="price") == Outcome(["fallback"], ["price"], None)


def test_reserved_rules_have_windows_and_priorities_of_their_own() -> None:
    rules = show(rule("b", relation="RESERVED"), rule("a", relation="RESERVED", priority=1, window=60))
    assert take(rules).fired == ["a"]
    assert take(rules, at_secs=1) == Outcome(["b"], ["a"], None)


def test_a_window_of_minus_one_is_once_a_show_and_of_none_or_zero_every_time() -> None:
    days = [event(at_secs=at) for at in (0, 86_400, 864_000)]
    assert fired(show(rule("r", window=-1)), days) == [["r"], [], []]
    assert fired(show(rule("r", window=0)), [event()] * 3) == [["r"]] * 3
    assert fired(show(rule("r")), [event()] * 3) == [["r"]] * 3


def test_exactly_at_its_windows_end_a_rule_fires_again_or_not_yet() -> None:
    at_end = [event(at_secs=at) for at in (0, 9.999, 10)]
    assert fired(show(rule("r", window=10)), at_end) == [["r"], [], ["r"]]
    later = [*at_end, event(at_secs=10.001)]
    assert fired(show(rule("r", window=10), window_end=WindowEnd.SUPPRESSED), later) == [["r"], [], [], ["r"]]


def test_time_is_the_events_own_or_never_goes_back() -> None:
    r = rule("r", tag("name", "EQUAL", "Ann"), window=10)
    events = [event(at_secs=0), event(at_secs=20, name="Bob"), event(at_secs=5)]
    assert fired(show(r), events) == [["r"], [], []]
    assert fired(show(r, time=Time.LATEST), events) == [["r"], [], ["r"]]


def test_an_event_from_before_the_last_answer_is_suppressed() -> None:
    assert fired(show(rule("r", window=10)), [event(at_secs=100), event(at_secs=0)]) == [["r"], []]


def test_totals_go_on_after_an_answer_or_start_anew() -> None:
    r = rule("r", tag("giftNum", "MATH_GE", "2", "SUM"), kind=GIFT)
    assert fired(show(r), [event(GIFT)] * 4) == [[], ["r"], ["r"], ["r"]]
    assert fired(show(r, after_answer=AfterAnswer.START_ANEW), [event(GIFT)] * 4) == [[], ["r"], [], ["r"]]


def test_a_rule_switched_off_answers_nothing_and_counts_as_never_fired() -> None:
    rules = show(rule("off", enabled=False), rule("on", enabled=True), rule("dull", kind=GIFT))
    assert take(rules).fired == ["on"]
    assert rules.never_fired() == ["off", "dull"]


def test_a_scene_takes_its_own_rules_and_those_of_all_scenes() -> None:
    given_rules = (
        rule("tea", enabled_scenes=["tea"]),
        rule("jam", enabled_scenes=["jam"]),
        rule("any", enabled_scenes=[]),
    )
    assert take(show(*given_rules, answers=Answers.ALL)).fired == ["tea", "jam", "any"]
    assert take(show(*given_rules, answers=Answers.ALL, scene="jam")).fired == ["jam", "any"]


def test_replies_come_in_turn_or_by_chance() -> None:
    in_turn = show(rule("r", texts="AB", order="ORDER"))
    assert [take(in_turn).reply for _ in range(3)] == ["A", "B", "A"]
    for order in ("RANDOM", None):
        assert take(show(rule("r", texts="ABC", order=order))).reply == "C"


def test_the_same_seed_draws_the_same_replies() -> None:
    def replies(seed: int) -> list[str | None]:
        rules = Rules(read_rules([rule("r", texts="ABCDE", order="RANDOM")]), choose=random.Random(seed).randrange)
        return [rules.take(event()).reply for _ in range(20)]

    assert replies(1) == replies(1)
    assert len(set(replies(1))) > 1
    assert replies(1) != replies(2)


@pytest.mark.parametrize(
    ("mode", "reply"),
    [("SYSTEM_REPLY", "A"), ("CALLBACK", "A"), ("SYSTEM_REPLY_AND_CALLBACK", "A"), (None, "A"), ("SHOW_LAYER", None)],
)
def test_a_reply_is_the_wording_that_the_answer_carries(mode: str | None, reply: str | None) -> None:
    assert take(show(rule("r", texts=["A"], mode=mode))).reply == reply


def test_a_language_model_has_its_own_words() -> None:
    r = rule("r", texts=["A"], mode="INTELLIGENT_REPLY")
    r["trigger"]["robot_id"] = "robot-1"
    assert take(show(r)) == Outcome(["r"], [], None)


def test_rules_are_called_by_name_index_or_place_and_told_apart() -> None:
    rules = show(rule("a"), rule("a"), {"event_type": 1}, {"event_type": 1, "rule_index": "i-1"}, rule("a (2)"))
    assert rules.never_fired() == ["a", "a (2)", "rule 3", "i-1", "a (2) (2)"]


def test_counts_tell_hits_answers_and_suppressions() -> None:
    rules = show(rule("a", window=60), rule("b"))
    for at in range(3):
        take(rules, at_secs=at)
    assert [(r.hits, r.answers, r.suppressions) for r in rules.rules] == [(3, 1, 2), (3, 2, 0)]


def test_rules_are_read_from_a_list_or_from_a_room() -> None:
    room = room_file.room()
    assert [r.rule_name for r in read_rules(room)] == [r.rule_name for r in read_rules(room["interaction_rules"])]
    assert read_rules([]) == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"room_name": "r"}, "interaction_rules: is missing: a list of at most 500 items"),
        ({"interaction_rules": "x"}, "interaction_rules: is a text of 1 characters: a list of at most 500 items"),
        ("x", "is neither rules nor a room: a list of rules, or a mapping with interaction_rules"),
        ([{"event_type": 6}], "interaction_rules[0].event_type: is 6: one of 1, 2, 3, 4, 10"),
        (
            [rule("r", *[tag("level", "EQUAL", "1")] * 6)],
            "interaction_rules[0].hit_condition.tags: has 6 items: a list of 1 to 5 items",
        ),
        ([rule("r", window=7201)], "interaction_rules[0].trigger.time_window: is 7201: an integer from -1 to 7200"),
    ],
)
def test_wrong_rules_are_refused_by_their_place(data: object, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_rules(data)
    assert error.value.problems == [problem]


def test_a_pattern_that_cannot_be_used_is_named_by_rule_and_tag_beside_all_other_problems() -> None:
    with pytest.raises(ConfigError) as error:
        read_rules([rule("r", priority=1000), rule("price", tag("level", "EQUAL", "1"), tag("content", "REGEX", "("))])
    assert error.value.problems == [
        "interaction_rules[0].hit_condition.priority: is 1000: an integer from 0 to 999",
        (
            "interaction_rules[1].hit_condition.tags[1].value: is no pattern that can be used, missing ), unterminated "
            "subpattern at character 1 (rule price, tag content): a regular expression without back references"
        ),
    ]


TAGS = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.sampled_from(["content", "level", "giftNum", "userId", "name", ""]) | st.text(max_size=4),
        "operation": st.sampled_from(["SUM", "AVG", "COUNT", "NONE"]),
        "match": st.sampled_from(["EQUAL", "REGEX", "MATH_GT", "MATH_GE", "MATH_LT", "MATH_LE", "MATH_EQ"]),
        "value": st.sampled_from(["", "1", "-2.5", "1e300", "a|b", ".*", "(", "hello"]) | st.integers(),
    },
)
RULES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "rule_name": st.text(max_size=3),
            "enabled": st.booleans(),
            "event_type": st.sampled_from([1, 4, 10]),
            "hit_condition": st.fixed_dictionaries(
                {},
                optional={
                    "relation": st.sampled_from(["AND", "OR", "RESERVED"]),
                    "priority": st.integers(0, 999),
                    "tags": st.lists(TAGS, min_size=1, max_size=5),
                },
            ),
            "trigger": st.fixed_dictionaries(
                {},
                optional={
                    "time_window": st.integers(-1, 7200),
                    "reply_mode": st.sampled_from(["SYSTEM_REPLY", "CALLBACK", "SHOW_LAYER"]),
                    "reply_texts": st.lists(st.text(max_size=3), max_size=5),
                    "reply_order": st.sampled_from(["RANDOM", "ORDER"]),
                },
            ),
            "enabled_scenes": st.lists(st.sampled_from(["tea", "jam"]), max_size=2),
        },
    ),
    max_size=5,
)
LEAVES = st.text(max_size=4) | st.integers() | st.floats() | st.booleans() | st.sampled_from(["hello", "9" * 40])
EVENTS = st.lists(
    st.builds(
        RuleEvent,
        st.integers(0, 4_102_415_999_000),
        st.sampled_from([1, 4, 10, 6]),
        st.dictionaries(st.sampled_from(["content", "level", "giftNum", "userId", "x"]), LEAVES, max_size=4),
    ),
    max_size=10,
)
OPTIONS = st.builds(RuleOptions, **{option.name: ... for option in fields(RuleOptions)})


@settings(max_examples=200, deadline=None)
@given(RULES, EVENTS, OPTIONS, st.sampled_from(["", "tea"]), st.integers())
def test_rules_that_validate_take_any_event(
    data: list[dict[str, Any]], events: list[RuleEvent], options: RuleOptions, scene: str, seed: int
) -> None:
    try:
        rules = read_rules(data)
    except ConfigError:
        return
    running = Rules(rules, choose=random.Random(seed).randrange, options=options, scene=scene)
    outcomes = [running.take(one) for one in events]
    answered = {name for outcome in outcomes for name in outcome.fired}
    assert {r.name for r in running.rules} - answered == set(running.never_fired())
    assert sum(r.answers for r in running.rules) == sum(len(outcome.fired) for outcome in outcomes)
    if options.answers is Answers.ONE:
        assert all(len(outcome.fired) <= 1 for outcome in outcomes)


@given(
    st.integers(1, 7200),
    st.lists(st.integers(0, 100_000_000), max_size=30),
    st.sampled_from(WindowEnd),
    st.sampled_from(Time),
)
def test_two_answers_of_a_rule_are_never_closer_than_its_window(
    window: int, moments: list[int], end: WindowEnd, time: Time
) -> None:
    rules = show(rule("r", window=window), window_end=end, time=time)
    answers, latest = [], 0
    for moment in moments:
        latest = max(latest, moment)
        if rules.take(RuleEvent(moment, 1)).fired:
            answers.append(latest if time is Time.LATEST else moment)
    for before, after in pairwise(answers):
        assert after - before >= window * 1000 + (end is WindowEnd.SUPPRESSED)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.sampled_from(TotalsOver))
def test_without_a_window_and_with_one_viewer_every_sum_runs_over_the_show(counts: list[int], over: TotalsOver) -> None:
    r = rule("r", tag("giftNum", "MATH_GE", str(sum(counts)), "SUM"), kind=GIFT)
    outcomes = fired(show(r, totals_over=over), [event(GIFT, giftNum=count) for count in counts])
    assert outcomes[-1] == ["r"]
