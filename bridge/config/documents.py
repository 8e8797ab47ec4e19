"""YAML text to plain values, with every problem in it found at once.

Built on the parser's events and not on its loaders, for what those do not give: keys given twice,
room numbers and ids kept digit for digit, ``no`` and ``on`` kept as the words they are, and a bound on
nesting (libyaml's own composer overflows the stack on a hostile file).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from bridge.config.problems import Path, Problem

MAX_DOCUMENT_CHARS = 1024 * 1024
_MAX_DEPTH = 32
_MAX_VALUES = 20_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_REAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_FORM = "key: value lines, indented with spaces"


def parse(text: str) -> tuple[Any, list[Problem]]:
    """Return the document's values and what is wrong with it; an empty document is an empty mapping.

    A number is read as one only where its digits can be told again from it, everything else is the
    text that stands there. Keys are always texts. After a syntax error the values are ``None``.
    """
    if len(text) > MAX_DOCUMENT_CHARS:
        return None, [Problem((), "is too long", f"at most {MAX_DOCUMENT_CHARS} characters")]
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        return None, [Problem((f"line {line}",), "has a character that YAML does not allow", "printable text")]
    reader = _Reader(text)
    try:
        document = reader.document()
    except yaml.YAMLError as error:
        return None, [_syntax_problem(error, text)]
    except _RefusedError as error:
        return None, [error.problem]
    if document is None:
        document = {}
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a single value"
        return None, [*reader.problems, Problem((), f"is {kind}", "key: value lines")]
    return document, reader.problems


class _RefusedError(Exception):
    """The document is YAML, and nothing that a configuration could be."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.problem)


class _Reader:
    """Builds the values of one document from the parser's events."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_LOADER))
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def document(self) -> Any:
        """Return the only document's value."""
        next(self._events)  # the stream's start
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), (), 0)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _RefusedError(Problem((f"line {_line(after)}",), "begins a second document", "one document a file"))
        return value

    def _value(self, event: yaml.Event, path: Path, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._count
        self._counted(1, path)
        if depth > _MAX_DEPTH:
            raise _RefusedError(Problem(path[:4], "is nested too deeply", f"at most {_MAX_DEPTH} levels"))
        assert isinstance(event, yaml.NodeEvent)
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _TAGS:
            self.problems.append(Problem(path, "has a YAML tag", "a plain value; quote one that begins with !"))
        value: Any
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path, depth)
        else:
            assert isinstance(event, yaml.ScalarEvent)
            plain = not event.style and tag != "tag:yaml.org,2002:str"
            value = plain_value(event.value) if plain else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _RefusedError(Problem((f"line {line}",), "has a key that is no plain word", "key: value lines"))
            key: str = event.value
            value = self._value(next(self._events), (*path, key), depth + 1)
            if key in lines:
                where = f"it stands in lines {lines[key]} and {line}, keep one"
                self.problems.append(Problem((*path, key), "is given twice", where))
                continue
            lines[key] = line
            mapping[key] = value
        return mapping

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items)), depth + 1))
        return items

    def _alias(self, event: yaml.AliasEvent, path: Path) -> Any:
        known = self._anchors.get(event.anchor or "")
        if known is None:
            self.problems.append(Problem(path, "refers to no anchor above it", "quote a value that begins with *"))
            return None
        value, count = known
        self._counted(count, path)
        return value

    def _counted(self, values: int, path: Path) -> None:
        self._count += values
        if self._count > _MAX_VALUES:
            raise _RefusedError(Problem(path[:4], "is one value too many", f"at most {_MAX_VALUES} in a file"))


_TAGS = frozenset(
    ["!", *(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map"))]
)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def plain_value(text: str) -> Any:
    """Return what an unquoted scalar means: null, true, false, a number that keeps its digits, or its text."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def _syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return Problem((), "is not YAML", _FORM)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem((f"line {mark.line + 1}",), "is indented with a tab", "spaces only")
    problem = _QUOTED.sub(_unechoed, error.problem or "cannot be read")
    place = f"line {mark.line + 1}, column {mark.column + 1}"
    allowed = f'{_FORM}; between braces or brackets a reference in quotes, "${{NAME}}"' if "${" in line else _FORM
    return Problem((place,), f"is not YAML ({problem})", allowed)


def _unechoed(match: re.Match[str]) -> str:
    """Keep single characters and names of tokens; a longer quotation is an alias or tag, or a password not quoted."""
    inner = match[1] or match[2] or ""
    return match[0] if len(inner) == 1 or inner.startswith("<") else "something"
