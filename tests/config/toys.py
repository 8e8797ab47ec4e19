"""Toy platforms and a directory writer: what the tests of the configuration have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from bridge.config import Config, load
from bridge.errors import ConfigError
from bridge.events import EventType
from bridge.secret import Secret
from bridge.sources.contract import Decoder, Officialness, Platform, SourceOptions

REPORT_URL = "https://cloud.example/v1/report?auth_key=0123456789abcdef&expires_time=1900000000000"
ROOM = """\
sources:
  - platform: pond
    room: 21452505
report:
  url: ${REPORT_URL}
"""


@dataclass(frozen=True, kw_only=True)
class PondOptions(SourceOptions):
    """A pond."""

    cookie: Secret = field(default_factory=Secret)
    """Cookie of a logged-in frog."""
    secrets: dict[str, Secret] = field(default_factory=dict)
    """One secret a message type."""
    depth: int = 3
    """How deep it is,
    in metres."""
    temperature: float = 4.5
    frozen: bool = False
    mode: Literal["calm", "wild"] = "calm"
    tags: list[str] = field(default_factory=list)
    prices: Mapping[str | int, Mapping[str, Any]] = field(default_factory=dict)
    chart: Path | None = None
    api_base: str = ""
    websocket_url: str = ""

    def __post_init__(self) -> None:
        """Refuse a shallow wild pond, and show what a careless platform would show."""
        if self.mode == "wild" and self.depth < 2:
            raise ValueError("depth: is too shallow for wild frogs: at least 2")
        if self.room == "leaky":
            raise ValueError(f"cookie: {self.cookie.reveal()} is refused: a better one")
        if self.room == "vague":
            raise ValueError("this pond cannot be")


@dataclass(frozen=True, kw_only=True)
class MailOptions(SourceOptions):
    """A letter box, which has nothing but a secret that must be given."""

    key: Secret
    """Opens it."""


def _no_decoder(_options: Any) -> Decoder:
    raise NotImplementedError


def toy(name: str, options: type[SourceOptions]) -> Platform:
    """Return a platform that only has options."""
    return Platform(
        name=name,
        title=name.capitalize(),
        route="a toy",
        officialness=Officialness.EXPERIMENTAL,
        event_types=(EventType.COMMENT,),
        options=options,
        offline_decoder=_no_decoder,
    )


TOYS = {"pond": toy("pond", PondOptions), "mail": toy("mail", MailOptions)}


class Directory:
    """A configuration directory with one sound room, to be made worse."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ = {"REPORT_URL": REPORT_URL}
        self.write("rooms/evening.yaml", ROOM)

    def write(self, file: str, text: str) -> Path:
        """Write a file below the directory."""
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self) -> Config:
        """Load it with the toy platforms."""
        return load(self.path, self.environ, TOYS)

    def problems(self) -> list[str]:
        """Return the lines of the problems that loading it finds."""
        with pytest.raises(ConfigError) as caught:
            self.load()
        return caught.value.problems
