"""What the decode bench reads: a module a platform with its ``SAMPLES``, comments as full as real servers send them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bridge.sources.catalogue import load_platform
from bridge.sources.contract import Decoder

AT_MS = 1_760_000_000_000
FRAMES = 100
BATCH = 10
CAPTURES = Path(__file__).resolve().parents[2] / "captures"

Data = bytes | str


@dataclass(frozen=True)
class Sample:
    """One platform's frames, its decoder, and the least that reading such a frame takes."""

    name: str
    frames: Sequence[Data]
    decoder: Callable[[], Decoder]
    parse: Callable[[Any], object] = orjson.loads


def offline(name: str) -> Decoder:
    """Return the decoder that reads captured frames."""
    platform = load_platform(name)
    return platform.offline_decoder(platform.offline_options())


def words(number: int) -> str:
    """Return what a viewer says, in two scripts and different each time."""
    return f"主播今天讲得真好, what a show {number}"


def samples(platforms: Sequence[str]) -> list[Sample]:
    """Return the samples of these platforms."""
    modules = [importlib.import_module(f"{__name__}.{platform}") for platform in platforms]
    return [sample for module in modules for sample in module.SAMPLES]
