"""From a directory to a ``Config``, or to a ``ConfigError`` with all that is wrong in all of its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bridge.config.bridge_settings import BridgeSettings
from bridge.config.crosschecks import bridge_rules
from bridge.config.files import ConfigDirectory
from bridge.config.interpolation import Ground, resolve
from bridge.config.problems import Problem, from_validation
from bridge.config.rooms import Around, Room, read_room
from bridge.config.shapes import keys_at, shape
from bridge.config.sources import InstalledPlatforms
from bridge.errors import ConfigError
from bridge.sources.contract import Platform

ROOMS = "rooms"
_BRIDGE_STEM = "bridge"
_ROOM_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_BRIDGE = TypeAdapter(BridgeSettings)
_INSTALLED = InstalledPlatforms()


@dataclass(frozen=True, slots=True)
class Config:
    """All that the operator configured. ``rooms`` are in the order of their names, at least one."""

    directory: Path
    bridge: BridgeSettings
    rooms: tuple[Room, ...]


def load(directory: Path, environ: Mapping[str, str], platforms: Mapping[str, Platform] = _INSTALLED) -> Config:
    """Read and check a configuration directory.

    Raises ``ConfigError`` with one line for each problem in any of the files.
    """
    place = ConfigDirectory(directory)
    ground = Ground(environ, place.read)
    settings, document, lines = _read_bridge(place, ground)
    rooms, room_lines = _read_rooms(Around(place, ground, platforms, document))
    lines += room_lines
    if lines or settings is None:
        raise ConfigError(list(dict.fromkeys(lines)))
    return Config(directory, settings, rooms)


def load_bridge(directory: Path, environ: Mapping[str, str]) -> BridgeSettings:
    """Read ``bridge.yaml`` alone: for commands that need the account or the spool, and no room.

    Raises ``ConfigError``.
    """
    place = ConfigDirectory(directory)
    settings, _, lines = _read_bridge(place, Ground(environ, place.read))
    if lines or settings is None:
        raise ConfigError(list(dict.fromkeys(lines)))
    return settings


def _read_bridge(
    place: ConfigDirectory, ground: Ground
) -> tuple[BridgeSettings | None, Mapping[str, Any] | None, list[str]]:
    """Return the settings, the resolved document (``None`` when it cannot be read) and the problems' lines."""
    try:
        files = [path for path in place.yaml_files() if path.stem == _BRIDGE_STEM]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        # Nothing else can be said about a directory that cannot be read.
        raise ConfigError([f"{place.path}: directory: cannot be read ({reason}): a directory with {ROOMS}/"]) from None
    if not files:
        return BridgeSettings(), {}, []
    lines = place.lines(files[-1], [_second_file(files[0])]) if len(files) > 1 else []
    document, problems = place.document(files[0])
    if document is None:
        return None, None, lines + place.lines(files[0], problems)
    settings, resolved, found = read_bridge(document, ground, place.path)
    return settings, resolved, lines + place.lines(files[0], problems + found)


def read_bridge(
    document: Mapping[str, Any], ground: Ground, directory: Path
) -> tuple[BridgeSettings | None, Mapping[str, Any], list[Problem]]:
    """Check a parsed ``bridge.yaml``; return its settings, its resolved document and all that is wrong with it."""
    resolved = resolve(document, ground)
    problems = [*resolved.problems, *bridge_rules(resolved.document)]
    settings = None
    try:
        settings = _BRIDGE.validate_python(resolved.document, context={"directory": directory})
    except ValidationError as error:
        found = from_validation(error, resolved.document, lambda at: keys_at(shape(_BRIDGE), at))
        problems += [problem for problem in found if problem.path not in resolved.broken]
    return settings, resolved.document, problems


def _read_rooms(around: Around) -> tuple[tuple[Room, ...], list[str]]:
    place = around.directory
    try:
        files = place.yaml_files(ROOMS)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return (), [f"{ROOMS}: directory: cannot be read ({reason}): a directory with a file for each room"]
    if not files:
        return (), [f"{ROOMS}: directory: holds no room: at least one file {ROOMS}/NAME.yaml"]
    rooms: list[Room] = []
    lines: list[str] = []
    first_of: dict[str, Path] = {}
    for path in files:
        name = path.stem
        problems: list[Problem] = []
        if not _ROOM_NAME.fullmatch(name):
            allowed = "a-z, 0-9, - and _ before .yaml, a letter or digit first, at most 63"
            problems.append(Problem(("name",), "the file's name is no room name", allowed))
        if first_of.setdefault(name, path) is not path:
            problems.append(_second_file(first_of[name]))
        document, syntax = place.document(path)
        problems += syntax
        if document is not None:
            room, found = read_room(name, path, document, around)
            problems += found
            rooms += [room] if room is not None else []
        lines += place.lines(path, problems)
    return tuple(rooms), lines


def _second_file(first: Path) -> Problem:
    return Problem(("name",), f"{first.name} stands beside it", "one of the two files")
