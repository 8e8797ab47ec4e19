"""The ``sources`` entries of a room: each is checked by the options of the platform that it names."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import functools
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from bridge.config.interpolation import Ground, resolve
from bridge.config.problems import Path, Problem, from_validation, split_wording, unknown_name
from bridge.config.shapes import keys_at, shape
from bridge.config.values import is_url, readable
from bridge.secret import Secret
from bridge.sources.catalogue import available_platforms, load_platform
from bridge.sources.contract import Platform, SourceOptions

PLATFORM_KEY = "platform"

_LEAST_SECRET_CHARS = 3
"""What is shorter is in any sentence by chance, and secret to nobody."""

_COMMON_WORDS = {
    "room": "The platform's own word for the place: number, login, handle or video id.",
    "proxy": "An HTTP proxy for this source: http://user:password@host:3128.",
}


class InstalledPlatforms(Mapping[str, Platform]):
    """The modules of ``bridge.sources.platforms``, each imported when it is first asked for."""

    @functools.cached_property
    def _names(self) -> list[str]:
        return available_platforms()

    def __getitem__(self, name: str) -> Platform:
        return load_platform(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a room. ``options()`` reads its options anew; do so at every dial.

    It raises ``ConfigError`` when the room's file, a secret file or the environment now holds something wrong.
    ``initial`` are the options as they were when the configuration was loaded.
    """

    platform: Platform = field(repr=False)
    initial: SourceOptions
    options: Callable[[], SourceOptions] = field(repr=False)

    @property
    def name(self) -> str:
        """What logs and metrics call it: the platform, and the room where one is given."""
        return f"{self.platform.name}:{self.initial.room}" if self.initial.room else self.platform.name


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """What came of one entry: its platform and options as far as they could be had, and what is wrong."""

    platform: Platform | None
    options: SourceOptions | None
    problems: list[Problem]


def read_entry(
    entry: Mapping[str, Any], base: Path, ground: Ground, platforms: Mapping[str, Platform], context: Mapping[str, Any]
) -> ReadEntry:
    """Read one entry as it stands in the file, at ``base``.

    ``context`` is handed to the value checks: ``directory`` is where relative paths begin.
    """
    resolved = resolve(entry, ground, base)
    options = dict(resolved.document)
    named = options.pop(PLATFORM_KEY, None)
    if (*base, PLATFORM_KEY) in resolved.broken:
        return ReadEntry(None, None, resolved.problems)
    found = _platform(named, (*base, PLATFORM_KEY), platforms)
    if isinstance(found, Problem):
        return ReadEntry(None, None, [*resolved.problems, found, *_misspelt_platform(options, base, named)])
    names = {known.name for known in dataclasses.fields(found.options)}
    problems = [
        Problem((*base, key), *wording)
        for key, value in options.items()
        for wording in _url_problems(key, value)
        if key in names
    ]
    try:
        checked = options_adapter(found.options).validate_python(options, context=dict(context))
    except ValidationError as error:
        problems += from_validation(error, options, lambda path: _known_keys(found.options, path), base)
    if problems or resolved.problems:
        problems = [problem for problem in problems if problem.path not in resolved.broken]
        return ReadEntry(found, None, [*resolved.problems, *problems])
    given = {key: getattr(checked, key) for key in options}
    try:
        return ReadEntry(found, found.options(**given), [])
    except ValueError as error:
        hidden = resolved.borrowed | frozenset(_secrets_in(given))
        return ReadEntry(found, None, [_own_problem(str(error), names, base, hidden)])


def _platform(named: Any, path: Path, platforms: Mapping[str, Platform]) -> Platform | Problem:
    if named is None:
        return Problem(path, "is missing", f"one of {', '.join(sorted(platforms))}")
    if not isinstance(named, str) or named not in set(platforms):
        return Problem(path, *unknown_name(named if isinstance(named, str) else "", platforms, "platform"))
    try:
        return platforms[named]
    except ImportError as error:
        missing = error.name or "a part of it"
        return Problem(path, f"cannot be loaded, {missing} is not installed", "install what the platform needs")


def _misspelt_platform(options: Mapping[str, Any], base: Path, named: Any) -> list[Problem]:
    """Find the key that was meant to be ``platform``; without the platform no other key can be judged."""
    if named is not None:
        return []
    near = difflib.get_close_matches(PLATFORM_KEY, options, n=1)
    return [Problem((*base, key), f"unknown key, did you mean {PLATFORM_KEY}?", "a platform's name") for key in near]


def _url_problems(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Check what every platform's endpoint options and the proxy have in common, known by their names."""
    if not isinstance(value, str) or not value:
        return
    if key == "proxy" and not is_url(value, ("http", "https")):
        yield "is not a proxy's URL", "http://host:port, with user:password@ before the host where it asks for them"
    elif key.endswith("_base") and not is_url(value, ("http", "https")):
        yield "is not a URL", "http:// or https:// with a host"
    elif key.endswith("_url") and not is_url(value, ("http", "https", "ws", "wss")):
        yield "is not a URL", "http://, https://, ws:// or wss:// with a host"


def _own_problem(text: str, names: set[str], base: Path, hidden: frozenset[str]) -> Problem:
    """Turn a platform's ``field: problem: what is allowed`` into a problem that shows no credential."""
    name, separator, rest = text.partition(": ")
    known = bool(separator) and name in names
    shown = rest if known else text
    for value in sorted(hidden, key=len, reverse=True):
        if len(value) >= _LEAST_SECRET_CHARS:
            shown = shown.replace(value, "***")
    return Problem((*base, name) if known else base, *split_wording(shown))


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        if value:
            yield value.reveal()
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_in(item)


def options_adapter(options: type[SourceOptions]) -> TypeAdapter[Any]:
    """Return the reader of a platform's options: a twin of the dataclass whose types pydantic can read.

    Its instances hold the values; only the platform's own class holds its checks and methods.
    """
    owner: Any = options  # a class is hashable, which mypy doubts of a dataclass
    return _adapter(owner)


@functools.cache
def _adapter(options: Any) -> TypeAdapter[Any]:
    hints = get_type_hints(options, include_extras=True)
    words = option_words(options)
    fields: list[tuple[str, Any, Any]] = []
    for known in dataclasses.fields(options):
        hint: Any = Annotated[readable(hints[known.name]), Field(description=words.get(known.name))]
        if known.default_factory is not dataclasses.MISSING:
            fields.append((known.name, hint, dataclasses.field(default_factory=known.default_factory)))
        elif known.default is not dataclasses.MISSING:
            fields.append((known.name, hint, dataclasses.field(default=known.default)))
        else:
            fields.append((known.name, hint, dataclasses.field()))
    config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True, hide_input_in_errors=True)
    twin = dataclasses.make_dataclass(
        options.__name__, fields, kw_only=True, namespace={"__pydantic_config__": config}, repr=False
    )
    return TypeAdapter(twin)


def _known_keys(options: type[SourceOptions], path: Path) -> set[str]:
    known = keys_at(shape(options_adapter(options)), path)
    return known if path else known | {PLATFORM_KEY}


def option_words(options: type[SourceOptions]) -> dict[str, str]:
    """Return the docstring below each option, by the option's name; those of every platform included."""
    words = dict(_COMMON_WORDS)
    for owner in reversed(options.__mro__):
        if dataclasses.is_dataclass(owner):
            words.update(_field_docstrings(owner))
    return words


def _field_docstrings(owner: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    except (OSError, TypeError, SyntaxError):
        # No source text at hand, as in a frozen program: the options work without descriptions.
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        named.target.id: inspect.cleandoc(text.value.value)
        for named, text in itertools.pairwise(body)
        if isinstance(named, ast.AnnAssign)
        and isinstance(named.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
