from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.documents import MAX_DOCUMENT_CHARS, parse, plain_value
from bridge.config.problems import path_text


def lines(text: str) -> list[str]:
    document, problems = parse(text)
    assert problems, document
    return [problem.line("file") for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21452505", 21452505),
        ("0", 0),
        ("-3", -3),
        ("0.5", 0.5),
        ("90.0", 90.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("007", "007"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1.10", "1.10"),
        ("12:34:56", "12:34:56"),
        ("1e3", "1e3"),
        ("9" * 30, "9" * 30),
        (".inf", ".inf"),
        ("no", "no"),
        ("on", "on"),
        ("True", "True"),
        ("2026-01-02", "2026-01-02"),
        ("<<", "<<"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
    ],
)
def test_a_number_is_one_only_where_its_digits_can_be_told_again(text: str, value: object) -> None:
    document, problems = parse(f"key: {text}\n")
    assert problems == []
    assert document == {"key": value}
    assert type(document["key"]) is type(value)


@given(st.text())
def test_every_plain_value_but_null_can_be_told_again(text: str) -> None:
    value = plain_value(text)
    if isinstance(value, bool):
        assert str(value).lower() == text
    elif value is not None:
        assert str(value) == text


def test_keys_are_always_texts() -> None:
    assert parse("1: a\ntrue: b\n'x': c\n007: d\n")[0] == {"1": "a", "true": "b", "x": "c", "007": "d"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n", "~\n"])
def test_an_empty_document_is_an_empty_mapping(text: str) -> None:
    assert parse(text) == ({}, [])


def test_a_key_given_twice_is_told_with_both_lines() -> None:
    text = "a: 1\nb:\n  c: 1\n  'c': 2\na: 3\n"
    assert lines(text) == [
        "file: b.c: is given twice: it stands in lines 3 and 4, keep one",
        "file: a: is given twice: it stands in lines 1 and 5, keep one",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:\n\tb: 1\n", "file: line 2: is indented with a tab: spaces only"),
        ("a:\n  b: 1\n\tc: 2\n", "file: line 3: is indented with a tab: spaces only"),
        ("- 1\n- 2\n", "file: document: is a list: key: value lines"),
        ("just words\n", "file: document: is a single value: key: value lines"),
        ("a: 1\n---\nb: 2\n", "file: line 2: begins a second document: one document a file"),
        ("? [a, b]\n: 1\n", "file: line 1: has a key that is no plain word: key: value lines"),
        ("a: !vault x\n", "file: a: has a YAML tag: a plain value; quote one that begins with !"),
        ("a: *b\n", "file: a: refers to no anchor above it: quote a value that begins with *"),
        ("a: &x [*x]\n", "file: a[0]: refers to no anchor above it: quote a value that begins with *"),
        ("a: 1\nb: \x07\n", "file: line 2: has a character that YAML does not allow: printable text"),
    ],
)
def test_what_is_no_configuration_is_told_with_its_place(text: str, line: str) -> None:
    assert line in lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c\n",
        "a: [1\nb: 2\n",
        'a: "b\n',
        "a: @b\n",
        "a: {b: ${C}}\n",
        "a: 1\n  b: 2\n",
        'a: "\\q"\n',
        "a: !x!y z\n",
        "%YAML 9.9\n---\na: 1\n",
    ],
)
def test_a_syntax_error_is_told_with_line_and_column(text: str) -> None:
    [line] = lines(text)
    place, problem = line.removeprefix("file: ").split(": ", 1)
    assert place.startswith("line ")
    assert ", column " in place
    assert problem.startswith("is not YAML (")


def test_an_unquoted_reference_between_braces_gets_a_hint() -> None:
    assert lines("a: {b: ${C}}\n")[0].endswith('in quotes, "${NAME}"')


@pytest.mark.parametrize(
    "text", ["p: *hunter2\n", "p: !hunter2 x\n", "p: !hunter2!x y\n", 'p: "hunter2\n', "p: [hunter2\n"]
)
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_a_password_that_was_not_quoted_is_not_echoed(text: str, loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.config.documents._LOADER", getattr(yaml, loader))
    assert "hunter2" not in "\n".join(lines(text))


def test_anchors_are_followed() -> None:
    assert parse("a: &x {b: 1}\nc: [*x, *x]\n") == ({"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}, [])


def test_a_bomb_of_anchors_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert lines(bomb) == ["file: a4[0]: is one value too many: at most 20000 in a file"]


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{a: " * 100_000, "- " * 100_000])
def test_hostile_nesting_is_refused(text: str) -> None:
    assert "is nested too deeply" in lines(text)[0]


def test_a_document_has_a_greatest_length() -> None:
    assert lines("a: " + "x" * MAX_DOCUMENT_CHARS) == ["file: document: is too long: at most 1048576 characters"]


@given(st.text(alphabet=st.characters(), max_size=80) | st.text(alphabet="ab01:-[]{}\"'&*!#|>%@`\n\t ,?", max_size=60))
def test_any_text_gives_a_mapping_or_problems(text: str) -> None:
    document, problems = parse(text)
    assert problems or isinstance(document, dict)
    assert all(path_text(problem.path).isprintable() for problem in problems)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_yaml_writes_is_read_back(document: dict[str, Any]) -> None:
    assert parse(yaml.safe_dump(document)) == (document, [])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_stays_a_number_or_its_text(number: float) -> None:
    document, _ = parse(f"a: {number!r}\n")
    assert math.isclose(float(document["a"]), number)
