"""A file that holds a request to the cloud: YAML or JSON, in the API's own words.

Where a credential stands (stream keys, the callback's key and URL), ``${NAME}``, ``${NAME:-default}`` and
``${file:/path}`` are read as in the configuration. Everything else is taken as it stands: spoken words may well
contain a ``$``.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer

from bridge.config.documents import parse
from bridge.config.files import MAX_FILE_BYTES
from bridge.config.interpolation import Ground, resolve
from bridge.config.problems import Path as Place
from bridge.config.problems import Problem, path_text
from bridge.errors import ConfigError
from bridge.metastudio.models.base import Part
from bridge.metastudio.models.problems import problems

Request = TypeVar("Request", bound=Part)

STANDARD_INPUT = "-"
MASK = "***"
_MAX_DEPTH = 32
CREDENTIALS = frozenset(
    {
        "output_urls",
        "stream_keys",
        "output_external_url",
        "live_event_type_callback_url",
        "key",
        "interaction_callback_url",
    }
)
"""The fields in which references are read."""

FileOption = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="YAML or JSON; - is standard input.", show_default=False),
]


def load_request(path: Path, model: type[Request]) -> Request:
    """Read a request; raises ``ConfigError``, one line ``file: path: problem: what is allowed`` a problem."""
    file = "standard input" if str(path) == STANDARD_INPUT else str(path)
    values, found = _values(path)
    lines = [problem.line(file) for problem in found]
    if values is None:
        raise ConfigError(lines)
    if not isinstance(values, dict):
        raise ConfigError([f"{file}: document: is {_kind(values)}: key: value lines"])
    values, unresolved = _resolved(values, (), Ground(os.environ, _near(path)))
    lines += [problem.line(file) for problem in unresolved]
    broken = tuple(f"{path_text(problem.path)}: " for problem in unresolved)
    lines += [f"{file}: {line}" for line in problems(model, values) if not line.startswith(broken)]
    if lines:
        raise ConfigError(lines)
    return model.from_operator(values)


def with_references_escaped(value: Any) -> Any:
    """Return a request as a file may hold it: a ``$`` in a credential is doubled, so that it stays a ``$``."""
    if isinstance(value, dict):
        return {
            key: _escaped(item) if key in CREDENTIALS else with_references_escaped(item) for key, item in value.items()
        }
    return [with_references_escaped(item) for item in value] if isinstance(value, list) else value


def _escaped(value: Any) -> Any:
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _values(path: Path) -> tuple[Any, list[Problem]]:
    try:
        data = _read(path)
    except OSError as error:
        return None, [Problem((), f"cannot be read ({error.strerror or type(error).__name__})", "a readable file")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [Problem((), "is not UTF-8", "UTF-8 text")]
    if text.lstrip()[:1] in ("{", "["):
        try:
            # YAML does not read everything that JSON writes, such as an emoji in two escapes.
            return orjson.loads(text), []
        except orjson.JSONDecodeError:
            pass
    return parse(text)


def _read(path: Path) -> bytes:
    if str(path) == STANDARD_INPUT:
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    else:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return data


def _near(path: Path) -> Any:
    """Return the reader of files that the request names; relative paths begin beside it."""
    folder = Path() if str(path) == STANDARD_INPUT else path.parent
    return lambda name: (folder / name).read_text(encoding="utf-8-sig")


def _resolved(value: Any, place: Place, ground: Ground) -> tuple[Any, list[Problem]]:
    found: list[Problem] = []
    if len(place) > _MAX_DEPTH:
        return value, found  # no request is so deep; what it is will be told
    if isinstance(value, dict):
        tree: dict[str, Any] = {}
        for key, item in value.items():
            at = (*place, key)
            if key in CREDENTIALS:
                resolved = resolve(item, ground, at)
                tree[key] = resolved.document
                found += resolved.problems or _masked(resolved.document, at)
            else:
                tree[key], inner = _resolved(item, at, ground)
                found += inner
        return tree, found
    if isinstance(value, list):
        items = []
        for index, item in enumerate(value):
            one, inner = _resolved(item, (*place, index), ground)
            items.append(one)
            found += inner
        return items, found
    return value, found


def _masked(value: Any, at: Place) -> list[Problem]:
    """Find what was shown without ``--reveal``: the mask must not become the credential."""
    if isinstance(value, list):
        return [problem for index, item in enumerate(value) for problem in _masked(item, (*at, index))]
    if isinstance(value, str) and MASK in value:
        return [Problem(at, f"is masked with {MASK}", "the value itself; `show --reveal` tells it")]
    return []


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a single value"
