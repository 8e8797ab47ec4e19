"""A room's file: read whole at the start, and its credentials again and again while the room runs.

What is read anew are values: sources' options and the report URL. Other sources or another kind of
report are a different room and take effect when the whole configuration is loaded again. While the
file itself cannot be read (an editor is just writing it), the values stand as they were loaded;
references in them are still resolved anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from bridge.config.crosschecks import room_rules, section
from bridge.config.files import ConfigDirectory
from bridge.config.interpolation import Ground, files_in, resolve, variables_in
from bridge.config.problems import Problem, from_validation
from bridge.config.room_settings import Callbacks, Events, Pacing, Report, RoomSettings
from bridge.config.shapes import keys_at, shape
from bridge.config.sources import PLATFORM_KEY, ReadEntry, Source, read_entry
from bridge.config.values import Text, Whole
from bridge.errors import ConfigError
from bridge.secret import Secret
from bridge.sources.contract import Platform, SourceOptions

_ROOM = TypeAdapter(RoomSettings)
_REPORT = TypeAdapter(Report)
_PRICES_KEY = "gift_prices"
_PRICES = TypeAdapter(dict[Text, Annotated[Whole, Field(ge=0)]])


@dataclass(frozen=True, slots=True)
class Room:
    """One live room as its file describes it; ``gift_prices`` are by gift name."""

    name: str
    file: Path
    sources: tuple[Source, ...]
    report: Report
    callbacks: Callbacks | None
    events: Events
    gift_prices: Mapping[str, int] = field(default_factory=dict)
    pacing: Pacing = field(default_factory=Pacing)


@dataclass(frozen=True, slots=True)
class Around:
    """What a room is read with: its directory, what references mean, the platforms, and the resolved ``bridge.yaml``.

    ``bridge`` is ``None`` when that file cannot be read.
    """

    directory: ConfigDirectory
    ground: Ground
    platforms: Mapping[str, Platform]
    bridge: Mapping[str, Any] | None

    @property
    def context(self) -> dict[str, Any]:
        """What the value checks need."""
        return {"directory": self.directory.path}


def read_room(name: str, path: Path, document: Mapping[str, Any], around: Around) -> tuple[Room | None, list[Problem]]:
    """Check a room's parsed file; ``problems`` are all that is wrong with it, ``None`` is returned if there are any."""
    raw_sources = document.get("sources")
    rest = resolve({key: value for key, value in document.items() if key != "sources"}, around.ground)
    tree = rest.document if raw_sources is None else {**rest.document, "sources": raw_sources}
    problems = [*rest.problems, *room_rules(rest.document, around.bridge)]
    settings = None
    try:
        settings = _ROOM.validate_python(tree, context=around.context)
    except ValidationError as error:
        found = from_validation(error, tree, lambda at: keys_at(shape(_ROOM), at))
        problems += [problem for problem in found if problem.path not in rest.broken]
    entries = list(_entries(raw_sources, around))
    problems += [problem for _, entry in entries for problem in entry.problems]
    problems += _twice(entries)
    prices, price_problems = _prices(section(rest.document, "events").get(_PRICES_KEY), around)
    problems += price_problems
    if problems or settings is None:
        return None, problems
    file = _RoomFile(path, document, around)
    sources = tuple(file.source(index, entry) for index, entry in entries)
    room = Room(
        name,
        path,
        sources,
        file.report(settings.report),
        settings.callbacks,
        settings.events,
        prices,
        settings.pacing,
    )
    return room, []


def _entries(raw_sources: Any, around: Around) -> Iterator[tuple[int, ReadEntry]]:
    for index, entry in enumerate(raw_sources if isinstance(raw_sources, list) else ()):
        if isinstance(entry, Mapping):
            base = ("sources", index)
            yield index, read_entry(entry, base, around.ground, around.platforms, around.context)


def _twice(entries: list[tuple[int, ReadEntry]]) -> Iterator[Problem]:
    """Find sources that differ in nothing but credentials."""
    seen: list[tuple[str, dict[str, Any]]] = []
    for index, entry in entries:
        if entry.platform is None or entry.options is None:
            continue
        values = {known.name: getattr(entry.options, known.name) for known in dataclasses.fields(entry.options)}
        identity = entry.platform.name, {key: value for key, value in values.items() if not isinstance(value, Secret)}
        if identity in seen:
            yield Problem(("sources", index), "is the same source a second time", "each source once a room")
        seen.append(identity)


def _prices(named: Any, around: Around) -> tuple[Mapping[str, int], list[Problem]]:
    if not isinstance(named, str) or "${" in named:
        return {}, []  # not given, or told already
    path = around.directory.path / named
    document, problems = around.directory.document(path)
    if document is not None:
        try:
            prices = _PRICES.validate_python(document)
        except ValidationError as error:
            problems += from_validation(error, document, lambda _: ())
        else:
            if not problems:
                return prices, []
    file = around.directory.shown(path)
    place = ("events", _PRICES_KEY, file)
    return {}, [Problem((*place, *item.path), item.problem, item.allowed) for item in problems]


class _RoomFile:
    """A room's file as it was loaded, and the way back to it."""

    def __init__(self, path: Path, loaded: Mapping[str, Any], around: Around) -> None:
        self._path = path
        self._loaded = loaded
        self._around = around

    def source(self, index: int, entry: ReadEntry) -> Source:
        """Return the source at ``index``, able to read its options anew."""
        assert entry.platform is not None
        assert entry.options is not None
        loaded = self._loaded["sources"][index]
        nth = sum(_same_place(other, loaded) for other in self._loaded["sources"][:index])

        def options() -> SourceOptions:
            entries = self._now().get("sources")
            alike = [item for item in entries if _same_place(item, loaded)] if isinstance(entries, list) else []
            raw = alike[nth] if nth < len(alike) else loaded
            base = ("sources", index)
            read = read_entry(raw, base, self._around.ground, self._around.platforms, self._around.context)
            if read.options is None:
                raise self._error(read.problems)
            return read.options

        return Source(entry.platform, entry.options, options)

    def report(self, report: Report) -> Report:
        """Return the room's report section, able to read its URL anew."""
        return report.reading(self._url, self._url_origin)

    def _raw_url(self) -> Any:
        loaded = section(self._loaded, "report").get("url")
        # A report that was never to a URL does not become one without a reload.
        return None if loaded is None else section(self._now(), "report").get("url") or loaded

    def _url(self) -> Secret:
        resolved = resolve({"report": {"url": self._raw_url()}}, self._around.ground)
        if resolved.problems:
            raise self._error(resolved.problems)
        try:
            return _REPORT.validate_python(resolved.document["report"]).configured_url
        except ValidationError as error:
            raise self._error(from_validation(error, resolved.document["report"], lambda _: (), ("report",))) from None

    def _url_origin(self) -> str:
        place = f"{self._path}: report.url"
        raw = str(self._raw_url() or "")
        for file in files_in(raw):
            return str(self._around.directory.path / file)
        for variable in variables_in(raw):
            return f"environment variable {variable} ({place})"
        return place

    def _now(self) -> Mapping[str, Any]:
        document, problems = self._around.directory.document(self._path)
        return self._loaded if problems or not isinstance(document, Mapping) else document

    def _error(self, problems: list[Problem]) -> ConfigError:
        return ConfigError(self._around.directory.lines(self._path, problems))


def _same_place(entry: Any, other: Mapping[str, Any]) -> bool:
    keys = (PLATFORM_KEY, "room")
    return isinstance(entry, Mapping) and all(entry.get(key) == other.get(key) for key in keys)
