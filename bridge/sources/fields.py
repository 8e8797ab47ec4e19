"""Typed reading of untyped messages: each function says which field is missing or wrong, never more.

``container`` is a parsed JSON object or array, ``key`` a name or an index in it, ``at`` where the
container itself stands in the message, for the error's path.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from bridge.errors import DecodeError

_ABSENT = object()
_NOT_THERE = (KeyError, IndexError, TypeError)

_SMALL = {str(number): number for number in range(1_000)}
"""Levels, months and counts that came as texts: looking one up takes less than half of reading its digits."""


def parse_json(data: bytes | str, at: str = "") -> Any:
    """Parse JSON; what strict parsers refuse but platforms send (lone surrogates, NaN, huge numbers) is read too."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data if isinstance(data, str) else data.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        raise DecodeError(
            at, f"is not JSON ({len(data)} {'characters' if isinstance(data, str) else 'bytes'})"
        ) from None


def _get(container: Any, key: str | int) -> Any:
    try:
        return container[key]
    except _NOT_THERE:
        return _ABSENT


def _unlike(container: Any, key: str | int, at: str, wanted: str) -> DecodeError:
    """Return what is wrong with a field that is not as ``wanted``."""
    value = _get(container, key)
    found = "is missing" if value is _ABSENT else f"is {type(value).__name__}"
    return DecodeError(_path(key, at), f"{found}, {wanted} expected")


def _path(key: str | int, at: str) -> str:
    if isinstance(key, int):
        return f"{at}[{key}]"
    return f"{at}.{key}" if at else key


def mapping(container: Any, key: str | int, at: str = "") -> dict[str, Any]:
    """Return the object at ``key``."""
    try:
        if type(value := container[key]) is dict:
            return value
    except _NOT_THERE:
        pass
    raise _unlike(container, key, at, "an object")


def sequence(container: Any, key: str | int, at: str = "") -> list[Any]:
    """Return the array at ``key``."""
    try:
        if type(value := container[key]) is list:
            return value
    except _NOT_THERE:
        pass
    raise _unlike(container, key, at, "an array")


def as_object(value: Any, at: str = "") -> dict[str, Any]:
    """Return ``value``, which stands ``at``, if it is an object."""
    if type(value) is dict:
        return value
    raise DecodeError(at, f"is {type(value).__name__}, an object expected")


def as_array(value: Any, at: str = "") -> list[Any]:
    """Return ``value``, which stands ``at``, if it is an array."""
    if type(value) is list:
        return value
    raise DecodeError(at, f"is {type(value).__name__}, an array expected")


def text(container: Any, key: str | int, at: str = "") -> str:
    """Return the text at ``key``."""
    try:
        if type(value := container[key]) is str:
            return value
    except _NOT_THERE:
        pass
    raise _unlike(container, key, at, "a text")


def integer(container: Any, key: str | int, at: str = "") -> int:
    """Return the integer at ``key``; digits in a text and whole floats count as integers."""
    try:
        if type(value := container[key]) is int:
            return value
        if (number := as_integer(value)) is not None:
            return number
    except _NOT_THERE:
        pass
    raise _unlike(container, key, at, "an integer")


def positive(container: Any, key: str | int, at: str = "") -> int:
    """Return the integer at ``key``, which is how many of something there are: at least one."""
    number = integer(container, key, at)
    if number < 1:
        raise DecodeError(_path(key, at), "is not positive")
    return number


def identifier(container: Any, key: str | int, at: str = "") -> str:
    """Return an id as text, whether it came as a number or as a text."""
    try:
        value = container[key]
        if type(value) is str and value:
            return value
        if type(value) is int:
            return str(value)
    except _NOT_THERE:
        pass
    raise _unlike(container, key, at, "an id")


def optional_mapping(container: Any, key: str | int) -> dict[str, Any]:
    """Return the object at ``key``, or an empty one."""
    value = container.get(key) if type(container) is dict else _get(container, key)
    return value if type(value) is dict else {}


def optional_sequence(container: Any, key: str | int) -> list[Any]:
    """Return the array at ``key``, or an empty one."""
    value = container.get(key) if type(container) is dict else _get(container, key)
    return value if type(value) is list else []


def optional_text(container: Any, key: str | int, default: str = "") -> str:
    """Return the text at ``key``, or ``default``; a number is read as its digits."""
    value = container.get(key) if type(container) is dict else _get(container, key)
    if type(value) is str:
        return value
    return str(value) if type(value) is int else default


def optional_integer(container: Any, key: str | int, default: int = 0) -> int:
    """Return the integer at ``key``, or ``default``."""
    value = container.get(key) if type(container) is dict else _get(container, key)
    if type(value) is int:
        return value
    if value is None:
        return default
    number = as_integer(value)
    return default if number is None else number


def as_integer(value: Any) -> int | None:
    """Return ``value`` as an integer if it is one in any of the ways platforms write them, else ``None``."""
    if type(value) is int:
        return value
    if type(value) is str:
        if (small := _SMALL.get(value)) is not None:
            return small
        if len(value) <= 20 and value.isascii() and value.isdigit():
            return int(value)
        digits = value.strip()
        # int() itself would also take "1_000" and refuses more than 4300 digits with another error.
        unsigned = digits.removeprefix("-")
        if len(digits) <= 20 and unsigned.isascii() and unsigned.isdigit():
            return int(digits)
        return None
    if type(value) is float and value.is_integer():
        return int(value)
    return None
