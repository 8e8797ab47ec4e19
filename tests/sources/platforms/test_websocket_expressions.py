"""Expressions mean what the library says they mean, whoever evaluates them."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.sources.platforms.websocket.expressions import Equality, compile_expression, field_path, is_true
from bridge.sources.platforms.websocket.expressions import needed_equality as needed
from tests.sources.platforms.odd_json import odd_values

NAMES = st.sampled_from(["a", "b", '"a b"', "n"])
LITERALS = st.sampled_from(
    ["'x'", "''", "'1'", "`0`", "`1`", "`1.0`", "`-2`", "`true`", "`false`", "`null`", "`[]`", '`{"a": 1}`', '`"x"`']
)
PATHS = st.builds(
    lambda first, rest: first + "".join(rest),
    NAMES | st.sampled_from(["@", "[0]", "[-1]"]),
    st.lists(NAMES.map(".{}".format) | st.sampled_from(["[0]", "[-1]", "[7]"]), max_size=3),
)
EXPRESSIONS = st.recursive(
    PATHS | LITERALS | st.sampled_from(["a[*].b", "length(a)", "a || length(b)", "[a, b]"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["==", "!=", "<", "&&", "||", "|"]), inner)
        | inner.map("!({})".format)
    ),
    max_leaves=5,
)
MESSAGES = odd_values(["a", "b", "a b", "n"]) | st.sampled_from([0, 1, "", "x", True, False])


def outcome(evaluate: Any, message: Any) -> Any:
    try:
        return repr(evaluate(message))
    except (DecodeError, jmespath.exceptions.JMESPathError, TypeError, AttributeError, ValueError):
        return "cannot be evaluated"


@given(EXPRESSIONS, MESSAGES)
def test_an_expression_gives_what_the_library_gives(expression: str, message: Any) -> None:
    assert outcome(compile_expression(expression, "at"), message) == outcome(
        jmespath.compile(expression).search, message
    )


@given(MESSAGES)
def test_what_is_true_is_what_the_library_takes_for_true(message: Any) -> None:
    assert is_true(message) is not jmespath.search("!(@)", message)


@given(st.sampled_from(["a", "a.b", 'a."a b".n']), MESSAGES)
def test_a_path_of_fields_is_what_the_library_walks(expression: str, message: Any) -> None:
    value = message
    for name in field_path(expression) or ():
        value = value.get(name) if isinstance(value, dict) else None
    assert value == jmespath.search(expression, message) or value != value


@pytest.mark.parametrize("expression", ["a[0]", "@", "'a'", "length(a)", "a[*].b", "a.[b, c]", "a || b"])
def test_anything_else_is_no_path_of_fields(expression: str) -> None:
    assert field_path(expression) is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("cmd == 'chat'", Equality(("cmd",), "chat", is_all=True)),
        ("data.type == `1`", Equality(("data", "type"), 1, is_all=True)),
        ("cmd == 'gift' && end && n", Equality(("cmd",), "gift", is_all=False)),
        ("cmd == 'a' || cmd == 'b'", None),
        ("cmd == `true`", None),
        ("cmd == other", None),
        ("cmd != 'a'", None),
        ("list[0] == 'a'", None),
        ("cmd", None),
    ],
)
def test_the_equality_that_a_condition_begins_with(condition: str, expected: Equality | None) -> None:
    assert needed(condition) == expected


@pytest.mark.parametrize("expression", ["!" * 1999 + "a", "&&".join(["a"] * 600), "(" * 900 + "a" + ")" * 900])
def test_a_deep_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="at: is no JMESPath expression"):
        compile_expression(expression, "at")


def test_a_long_expression_is_evaluated() -> None:
    assert compile_expression("&&".join(["a"] * 250), "at")({"a": 1}) == 1
    assert compile_expression(".".join(["a"] * 900), "at")({"a": 1}) is None
