from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.metastudio.rule_patterns import MAX_TEXT_CHARS, Pattern, PatternError

ATOMS = [
    "a",
    "b",
    ".",
    "[ab]",
    "[^a]",
    "\\w",
    "\\b",
    "\\B",
    "^",
    "$",
    "(?=b)",
    "(?!ab)",
    "(?<=a)",
    "(?<!b)",
    "A",
    "\\d",
    "",
    "ß",
]
TEXTS = st.text(alphabet="abAB1 \nß", max_size=12)


def patterns() -> st.SearchStrategy[str]:
    """Patterns of all the constructs that are supported, most of them senseless."""
    return st.recursive(
        st.sampled_from(ATOMS),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda arms: f"(?:{'|'.join(arms)})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,3}", "{2,}"])).map(
                lambda pair: f"(?:{pair[0]}){pair[1]}"
            ),
            inner.map(lambda pattern: f"({pattern})"),
            inner.map(lambda pattern: f"(?i:{pattern})"),
            inner.map(lambda pattern: f"(?m:{pattern})"),
            inner.map(lambda pattern: f"(?s:{pattern})"),
            inner.map(lambda pattern: f"(?={pattern})"),
            inner.map(lambda pattern: f"(?!{pattern})"),
        ),
        max_leaves=6,
    )


@settings(max_examples=400, deadline=None)
@given(patterns(), TEXTS)
def test_a_pattern_finds_what_pythons_own_matcher_finds(pattern: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = re.compile(pattern)
    for whole, expected in ((False, compiled.search(text)), (True, compiled.fullmatch(text))):
        found = Pattern(pattern, whole=whole)
        assert found.matches(text) == (expected is not None)
        assert found._program.matches(text) == (expected is not None)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (".*how much.*cost", "how much" * 512),
        ("(a+)+$", "a" * 4095 + "b"),
        ("(a|aa)+$", "a" * 4095 + "b"),
        ("(.*)*x", "a" * 4096),
        (r"^(\w+\s?)*$", "word " * 800 + "!"),
        ("(?=.*a.*b.*c.*d)x", "abcabc" * 682),
    ],
)
def test_no_text_keeps_a_pattern_busy(pattern: str, text: str) -> None:
    compiled = Pattern(pattern)
    began = time.process_time()
    assert not compiled.matches(text)
    assert time.process_time() - began < 2


def test_no_more_of_a_text_is_looked_at_than_an_event_can_hold() -> None:
    assert Pattern("b+").matches("a" * (MAX_TEXT_CHARS - 1) + "b")
    assert not Pattern("b+").matches("a" * MAX_TEXT_CHARS + "b")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("[", "unterminated character set at character 1"),
        ("a(b", "missing ), unterminated subpattern at character 2"),
        ("ab*+", "has a possessive quantifier, which cannot be run in bounded time"),
        (r"(a)\1", "has a back reference, which cannot be run in bounded time"),
        ("(?>a)", "has an atomic group, which cannot be run in bounded time"),
        ("(a)?(?(1)b|c)", "has a conditional group, which cannot be run in bounded time"),
        ("(a{1000}){1000}", "repeats too much to be run in bounded time"),
        ("(?=a{1500})(?=a{1500})", "repeats too much to be run in bounded time"),
        ("(" * 90 + ")" * 90, "nested too deeply"),
        ("(" * 500 + ")" * 500, "nested too deeply"),
        (r"secret\pword", "bad escape at character 7"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why_and_shows_nothing_of_itself(pattern: str, problem: str) -> None:
    with pytest.raises(PatternError) as error:
        Pattern(pattern)
    assert str(error.value) == problem


def test_a_repetition_of_nothing_ends() -> None:
    assert Pattern("(?:){4000000000}a").matches("a")


@settings(deadline=None)
@given(st.text(alphabet="ab()[]{}|*+?.^$\\1,:=!<>-PdwbZ#i ", max_size=20), TEXTS)
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        compiled = Pattern(pattern)
    except PatternError:
        return
    compiled.matches(text)
