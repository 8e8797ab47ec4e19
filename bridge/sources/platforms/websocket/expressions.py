"""JMESPath expressions as functions, made once for all messages.

What mappings are mostly made of (paths, constants, comparisons with a constant, and, or, not) becomes plain functions:
the library's interpreter costs ten times as much. An expression with anything else in it is left to the library whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError
from jmespath.visitor import TreeInterpreter

from bridge.errors import DecodeError

MAX_EXPRESSION_CHARS = 2_000

Read = Callable[[Any], Any]
"""Evaluates an expression on a part of a message; ``None`` is null."""

Path = tuple[str, ...]
"""Names of fields, each in the object that the one before it holds."""

Node = Any
"""A node of the library's syntax tree: an object with its type, its value and its children."""

_FAILURES = (JMESPathError, ArithmeticError, AttributeError, RecursionError, TypeError, ValueError)
_INTERPRETER = TreeInterpreter()
_TYPE_NAMES = {
    type(None): "nothing",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "an array",
    dict: "an object",
}


class Equality(NamedTuple):
    """That a field has a certain value; ``is_all`` says whether the condition asks nothing else."""

    path: Path
    constant: str | int
    is_all: bool


class _NotPlainError(Exception):
    """The expression has something in it that only the library evaluates."""


def compile_expression(expression: str, at: str) -> Read:
    """Compile; ``ValueError`` says what is wrong. The function raises ``DecodeError`` when it cannot be evaluated."""
    if not expression or len(expression) > MAX_EXPRESSION_CHARS:
        raise ValueError(f"{at}: is no expression: JMESPath of 1 to {MAX_EXPRESSION_CHARS} characters")
    try:
        tree = jmespath.compile(expression).parsed
        return _plain(tree)
    except _NotPlainError:
        return _interpreted(tree, at)
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"{at}: is no JMESPath expression ({type(error).__name__}): see jmespath.org") from None


def field_path(expression: str) -> Path | None:
    """Return the fields that a compilable expression names one below the other, ``None`` if it is more than that."""
    return _names(jmespath.compile(expression).parsed)


def needed_equality(condition: str) -> Equality | None:
    """Return the equality that a compilable condition is, or begins with; ``None`` if it is something else."""
    whole = part = jmespath.compile(condition).parsed
    while part["type"] == "and_expression":
        part = part["children"][0]
    if part["type"] != "comparator" or part["value"] != "eq":
        return None
    left, right = part["children"]
    path = _names(left)
    if not path or right["type"] != "literal" or type(right["value"]) not in (str, int):
        return None
    return Equality(path, right["value"], is_all=part is whole)


def is_true(value: Any) -> bool:
    """Tell what counts as true in JMESPath: all but ``false``, null and anything empty, so 0 too."""
    return value is True or (value is not False and value is not None and value not in ("", [], {}))


def type_name(value: Any) -> str:
    """Return what a value is, in the words of JSON."""
    return _TYPE_NAMES.get(type(value), "no value")


def _interpreted(tree: Node, at: str) -> Read:
    """Leave it to the library. Evaluated once on nothing: only that finds a function's wrong name or arguments."""
    try:
        _INTERPRETER.visit(tree, None)
    except (UnknownFunctionError, ArityError) as error:
        raise ValueError(f"{at}: {str(error).rstrip('.').lower()}: see jmespath.org") from None
    except _FAILURES:
        pass  # a function that wants a value; the messages will have it

    def read(value: Any) -> Any:
        try:
            return _INTERPRETER.visit(tree, value)
        except _FAILURES as error:
            # The library's own texts quote the message.
            raise DecodeError(at, f"cannot be evaluated ({type(error).__name__})") from None

    return read


def _plain(node: Node) -> Read:
    make = _PLAIN.get(node["type"])
    if make is None:
        raise _NotPlainError
    return make(node)


def _itself(_node: Node) -> Read:
    return lambda value: value


def _literal(node: Node) -> Read:
    constant = node["value"]
    return lambda _value: constant


def _names(node: Node) -> Path | None:
    steps = node["children"] if node["type"] == "subexpression" else [node]
    return tuple(step["value"] for step in steps) if all(step["type"] == "field" for step in steps) else None


def _fields(node: Node) -> Read:
    names = _names(node) or ()

    def read(value: Any) -> Any:
        try:
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            return None
        return value

    return read


def _index(node: Node) -> Read:
    number = node["value"]

    def read(value: Any) -> Any:
        return value[number] if type(value) is list and -len(value) <= number < len(value) else None

    return read


def _steps(node: Node) -> Read:
    if _names(node):
        return _fields(node)
    steps = [_plain(step) for step in node["children"]]

    def read(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return read


def _comparison(node: Node) -> Read:
    """Compare with a constant: a text, a number, which no boolean equals, or one of true, false and null."""
    left, right = node["children"]
    constant = right.get("value")
    if node["value"] != "eq" or right["type"] != "literal" or type(constant) in (list, dict):
        raise _NotPlainError
    read = _plain(left)
    if constant is None or type(constant) is bool:
        return lambda value: read(value) is constant
    if type(constant) is str:
        return lambda value: read(value) == constant

    def equals(value: Any) -> bool:
        found = read(value)
        return found == constant and type(found) is not bool

    return equals


def _and(node: Node) -> Read:
    first, second = map(_plain, node["children"])

    def read(value: Any) -> Any:
        found = first(value)
        return second(value) if is_true(found) else found

    return read


def _or(node: Node) -> Read:
    first, second = map(_plain, node["children"])

    def read(value: Any) -> Any:
        found = first(value)
        return found if is_true(found) else second(value)

    return read


def _not(node: Node) -> Read:
    read = _plain(node["children"][0])
    return lambda value: not is_true(read(value))


_PLAIN: Mapping[str, Callable[[Node], Read]] = {
    "and_expression": _and,
    "comparator": _comparison,
    "current": _itself,
    "field": _fields,
    "identity": _itself,
    "index": _index,
    "index_expression": _steps,
    "literal": _literal,
    "not_expression": _not,
    "or_expression": _or,
    "subexpression": _steps,
}
