"""Typed reading of untyped messages: an error names the place and the type, and shows nothing of the value."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.sources import fields

MESSAGE = {
    "text": "hi",
    "empty": "",
    "number": 7,
    "digits": " 12 ",
    "negative": "-3",
    "whole": 4.0,
    "half": 4.5,
    "flag": True,
    "none": None,
    "object": {"a": 1},
    "array": [1, "two"],
}
READERS: list[Callable[[Any, str | int], Any]] = [
    fields.mapping,
    fields.sequence,
    fields.text,
    fields.integer,
    fields.positive,
    fields.identifier,
    fields.optional_mapping,
    fields.optional_sequence,
    fields.optional_text,
    fields.optional_integer,
]


def json_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
        max_leaves=12,
    )


JSON = json_of(st.integers() | st.floats() | st.text(st.characters(exclude_categories=())))
STRICT_JSON = json_of(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text())
NUMERALS = st.text("-+0123456789 ._eE٣²", max_size=25)


@pytest.mark.parametrize(
    ("read", "key", "expected"),
    [
        (fields.mapping, "object", {"a": 1}),
        (fields.sequence, "array", [1, "two"]),
        (fields.text, "text", "hi"),
        (fields.text, "empty", ""),
        (fields.integer, "number", 7),
        (fields.integer, "digits", 12),
        (fields.integer, "negative", -3),
        (fields.integer, "whole", 4),
        (fields.identifier, "number", "7"),
        (fields.identifier, "text", "hi"),
        (fields.optional_mapping, "absent", {}),
        (fields.optional_mapping, "text", {}),
        (fields.optional_sequence, "absent", []),
        (fields.optional_sequence, "object", []),
        (fields.optional_text, "absent", ""),
        (fields.optional_text, "number", "7"),
        (fields.optional_text, "flag", ""),
        (fields.optional_integer, "absent", 0),
        (fields.optional_integer, "half", 0),
        (fields.optional_integer, "digits", 12),
        (fields.optional_integer, "none", 0),
    ],
)
def test_a_field_is_read_in_the_ways_platforms_write_it(
    read: Callable[[Any, str], Any], key: str, expected: object
) -> None:
    assert read(MESSAGE, key) == expected


@pytest.mark.parametrize(
    ("read", "key", "message"),
    [
        (fields.mapping, "absent", "at.absent: is missing, an object expected"),
        (fields.mapping, "array", "at.array: is list, an object expected"),
        (fields.sequence, "object", "at.object: is dict, an array expected"),
        (fields.text, "number", "at.number: is int, a text expected"),
        (fields.integer, "half", "at.half: is float, an integer expected"),
        (fields.integer, "flag", "at.flag: is bool, an integer expected"),
        (fields.integer, "text", "at.text: is str, an integer expected"),
        (fields.integer, "none", "at.none: is NoneType, an integer expected"),
        (fields.identifier, "empty", "at.empty: is str, an id expected"),
        (fields.identifier, "flag", "at.flag: is bool, an id expected"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_type(
    read: Callable[[Any, str, str], Any], key: str, message: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        read(MESSAGE, key, "at")

    assert str(caught.value) == message


def test_a_whole_value_is_what_it_is_expected_to_be_or_named_by_its_place() -> None:
    value: dict[str, Any] = {"a": [1]}
    assert fields.as_object(value) is value
    assert fields.as_array(value["a"]) is value["a"]
    with pytest.raises(DecodeError) as caught:
        fields.as_object([], "Data")
    assert str(caught.value) == "Data: is list, an object expected"
    with pytest.raises(DecodeError) as caught:
        fields.as_array(None, "data.payload")
    assert str(caught.value) == "data.payload: is NoneType, an array expected"


@pytest.mark.parametrize("number", [0, -1, "0", "-3", 0.0])
def test_a_number_of_things_is_at_least_one(number: object) -> None:
    for container, key, message in (({"n": number}, "n", "at.n"), ([number], 0, "at[0]")):
        with pytest.raises(DecodeError) as caught:
            fields.positive(container, key, "at")
        assert str(caught.value) == f"{message}: is not positive"
    assert fields.positive({"n": "1"}, "n") == 1


def test_a_place_in_an_array_is_named_by_its_number() -> None:
    with pytest.raises(DecodeError) as caught:
        fields.text([1], 0, "info")

    assert str(caught.value) == "info[0]: is int, a text expected"


@pytest.mark.parametrize("read", READERS)
@given(container=JSON, key=st.text(max_size=3) | st.integers(-3, 5))
@settings(deadline=None)
def test_whatever_stands_there_only_a_decode_error_is_raised(
    read: Callable[[Any, Any], Any], container: object, key: str | int
) -> None:
    with contextlib.suppress(DecodeError):
        read(container, key)


@given(NUMERALS | st.integers().map(str))
def test_a_text_is_an_integer_if_it_is_digits_with_at_most_one_minus(text: str) -> None:
    digits = text.strip()
    is_integer = len(digits) <= 20 and digits.removeprefix("-").isascii() and digits.removeprefix("-").isdigit()

    assert fields.as_integer(text) == (int(digits) if is_integer else None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1_000", "0x10", "--5", "-", "", "9" * 5000, [], b"7"])
def test_what_is_no_integer_is_none(value: object) -> None:
    assert fields.as_integer(value) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        ('{"a": "\\ud83d"}', {"a": "\ud83d"}),
        ('{"a": "\ud83d"}', {"a": "\ud83d"}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        (b'"\xff"', "�"),
    ],
)
def test_what_strict_parsers_refuse_but_platforms_send_is_read(text: bytes | str, expected: object) -> None:
    parsed = fields.parse_json(text)

    assert parsed == expected or (isinstance(parsed, float) and parsed == float(str(expected)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"secret words", "body: is not JSON (12 bytes)"),
        ("secret words", "body: is not JSON (12 characters)"),
        ("[" * 100_000, "body: is not JSON (100000 characters)"),
        ("9" * 10_000 + "x", "body: is not JSON (10001 characters)"),
        (b"", "body: is not JSON (0 bytes)"),
    ],
)
def test_what_is_not_json_is_a_decode_error_that_shows_nothing_of_it(data: bytes | str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        fields.parse_json(data, "body")

    assert str(caught.value) == message


@given(st.binary() | st.text(st.characters(exclude_categories=())))
@settings(deadline=None)
def test_any_data_parses_or_is_a_decode_error(data: bytes | str) -> None:
    with contextlib.suppress(DecodeError):
        fields.parse_json(data)


@given(STRICT_JSON)
@settings(deadline=None)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert fields.parse_json(orjson.dumps(value)) == value
