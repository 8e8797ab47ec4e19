from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.interpolation import (
    Ground,
    ReferenceProblemError,
    files_in,
    interpolated,
    resolve,
    variables_in,
)
from bridge.config.problems import Problem

FILES = {"/run/secrets/cookie": "SESSDATA=abc\n", "/run/two": "a\nb\r\n\n"}


def read_file(path: str) -> str:
    if path == "/binary":
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


GROUND = Ground({"NAME": "frog", "EMPTY": "", "TRICKY": "${NAME} $$ {}", "BAD": "a\udcffb"}, read_file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NAME}", "frog"),
        ("a ${NAME} and ${NAME}!", "a frog and frog!"),
        ("${EMPTY}", ""),
        ("${MISSING:-pond}", "pond"),
        ("${EMPTY:-pond}", "pond"),
        ("${NAME:-pond}", "frog"),
        ("${MISSING:-}", ""),
        ("${MISSING:-http://a:1/b?c=$d}", "http://a:1/b?c=$d"),
        ("${file:/run/secrets/cookie}", "SESSDATA=abc"),
        ("${file:/run/two}", "a\nb"),
        ("<${file:/run/secrets/cookie};${NAME}>", "<SESSDATA=abc;frog>"),
        ("$$", "$"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$frog"),
        ("pa$word costs 5$", "pa$word costs 5$"),
        ("${TRICKY}", "${NAME} $$ {}"),
        ("", ""),
    ],
)
def test_references_are_replaced_and_what_they_yield_is_left_alone(text: str, expected: str) -> None:
    assert interpolated(text, GROUND) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${MISSING}", "the environment variable MISSING is not set"),
        ("${BAD}", "the environment variable BAD is not UTF-8"),
        ("${file:/nowhere}", "the file /nowhere cannot be read (No such file or directory)"),
        ("${file:/binary}", "the file /binary is not UTF-8 text"),
        ("${NAME", "has a ${ that is not closed, or one inside another"),
        ("${A:-${NAME}}", "has a ${ that is not closed, or one inside another"),
        ("${}", "has a ${…} that cannot be read"),
        ("${NAME:?wrong}", "has a ${…} that cannot be read"),
        ("${hunter 2}", "has a ${…} that cannot be read"),
    ],
)
def test_a_bad_reference_is_named_without_the_text_around_it(text: str, problem: str) -> None:
    with pytest.raises(ReferenceProblemError) as caught:
        interpolated(f"hush{text}", GROUND)
    assert caught.value.problem == problem
    assert "hush" not in caught.value.allowed


@given(st.text())
def test_doubled_dollars_carry_any_text(text: str) -> None:
    assert interpolated(text.replace("$", "$$"), GROUND) == text


@given(st.text(min_size=1))
def test_any_value_arrives_unchanged(value: str) -> None:
    assert interpolated("<${X}>", Ground({"X": value}, read_file)) == f"<{value}>"


def test_a_document_is_resolved_in_its_texts_only_and_bad_places_are_listed() -> None:
    document = {"${NAME}": ["${NAME}", 5, True, "${MISSING}"], "deep": {"one": "${file:/nowhere}"}}
    resolved = resolve(document, GROUND, ("base",))
    assert resolved.document == {
        "${NAME}": ["frog", 5, True, "${MISSING}"],
        "deep": {"one": "${file:/nowhere}"},
    }
    assert resolved.broken == {("base", "${NAME}", 3), ("base", "deep", "one")}
    assert resolved.borrowed == {"frog"}


def test_a_key_without_a_value_is_a_line_that_is_not_there() -> None:
    resolved = resolve({"a": None, "b": {"c": None}, "d": [None]}, GROUND)
    assert resolved.document == {"b": {}, "d": [None]}


def test_the_origin_of_a_text_can_be_told() -> None:
    text = "$${file:/no} ${file:/run/url} ${NAME:-x} ${file:/other}"
    assert files_in(text) == ["/run/url", "/other"]
    assert variables_in(text) == ["NAME"]


def test_problems_stand_at_the_place_of_the_text() -> None:
    assert resolve({"a": "${MISSING}"}, GROUND).problems == [
        Problem(("a",), "the environment variable MISSING is not set", "set it, or write ${MISSING:-default}")
    ]
