"""``${NAME}``, ``${NAME:-default}`` and ``${file:/path}`` in the configuration's texts.

Pure: the environment and the reading of files are passed in. What a reference yields is not read
for references again, so a credential may contain any characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.config.problems import Path, Problem

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<body>[^}]*)(?P<end>\}?))")
_FILE_PREFIX = "file:"
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_FORMS = "${NAME}, ${NAME:-default} or ${file:/path}, and $$ for a $ itself"


class ReferenceProblemError(Exception):
    """A reference in a text cannot be resolved; the text of neither is told."""

    def __init__(self, problem: str, allowed: str) -> None:
        self.problem = problem
        self.allowed = allowed
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Ground:
    """What references refer to.

    ``read_file`` returns a file's text and raises ``OSError`` or ``ValueError`` when it cannot be had.
    """

    environ: Mapping[str, str]
    read_file: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A document without references. What could not be resolved stands in it as written, its paths in ``problems``.

    ``borrowed`` are the texts that came from references: values that no message may show.
    """

    document: Any
    problems: list[Problem]
    borrowed: frozenset[str]

    @property
    def broken(self) -> frozenset[Path]:
        """The places that hold no usable value."""
        return frozenset(problem.path for problem in self.problems)


def resolve(document: Any, ground: Ground, base: Path = ()) -> Resolved:
    """Resolve every text of a parsed document; keys stay as they are.

    A key without a value (or null) is left out: it means the same as a line that is not there.
    """
    problems: list[Problem] = []
    borrowed: set[str] = set()

    def walk(value: Any, path: Path) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(item, (*path, key)) for key, item in value.items() if item is not None}
        if isinstance(value, list):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        try:
            return interpolated(value, ground, borrowed.add)
        except ReferenceProblemError as error:
            problems.append(Problem(path, error.problem, error.allowed))
            return value

    tree = walk(document, base)
    return Resolved(tree, problems, frozenset(borrowed - {""}))


def interpolated(text: str, ground: Ground, borrow: Callable[[str], object] = len) -> str:
    """Return ``text`` with its references replaced, or raise ``ReferenceProblemError`` for the first bad one.

    ``borrow`` is told each text that a reference yielded.
    """

    def replacement(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        value = _referent(match, ground)
        borrow(value)
        return value

    return _REFERENCE.sub(replacement, text)


def files_in(text: str) -> list[str]:
    """Return the files that a text refers to, as written."""
    return [body.removeprefix(_FILE_PREFIX) for body in _bodies(text) if body.startswith(_FILE_PREFIX)]


def variables_in(text: str) -> list[str]:
    """Return the environment variables that a text refers to."""
    matches = [_VARIABLE.fullmatch(body) for body in _bodies(text) if not body.startswith(_FILE_PREFIX)]
    return [match["name"] for match in matches if match]


def _bodies(text: str) -> Iterator[str]:
    return (match["body"] for match in _REFERENCE.finditer(text) if match["body"] is not None)


def _referent(match: re.Match[str], ground: Ground) -> str:
    body = match["body"]
    if not match["end"] or "${" in body:
        raise ReferenceProblemError("has a ${ that is not closed, or one inside another", _FORMS)
    if body.startswith(_FILE_PREFIX):
        return _file_text(body.removeprefix(_FILE_PREFIX), ground)
    variable = _VARIABLE.fullmatch(body)
    if variable is None:
        raise ReferenceProblemError("has a ${…} that cannot be read", _FORMS)
    name, default = variable["name"], variable["default"]
    value = ground.environ.get(name)
    if not value and default is not None:
        # As in a shell: the default also stands in for an empty variable.
        return default
    if value is None:
        allowed = f"set it, or write ${{{name}:-default}}"
        raise ReferenceProblemError(f"the environment variable {name} is not set", allowed)
    if not value.isprintable() and _SURROGATE.search(value):
        raise ReferenceProblemError(f"the environment variable {name} is not UTF-8", "a text")
    return value


def _file_text(path: str, ground: Ground) -> str:
    allowed = "a readable text file after file:"
    try:
        return ground.read_file(path).rstrip("\r\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ReferenceProblemError(f"the file {path} cannot be read ({reason})", allowed) from None
    except ValueError:
        raise ReferenceProblemError(f"the file {path} is not UTF-8 text", allowed) from None
