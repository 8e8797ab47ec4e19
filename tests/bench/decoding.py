"""What decoding costs beside its floor, a platform at a time, both measured in turns in the same run.

Ours: ``feed`` and ``to_wire``. The floor: the bare parse of the same bytes (orjson, protobuf, a split into a dict, all
without looking at a field) and ``to_wire`` of an event that is ready. Each round has events of its own: a text keeps its
UTF-8 once it was encoded, so that encoding the same event again costs less than any event of a live room does.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.events import LiveEvent
from bridge.sources.contract import Decoder, Frame
from tests.bench.messages import AT_MS, Data, Sample

ROUNDS = 15


@dataclass(frozen=True)
class Cost:
    """Microseconds a message, and the median of the rounds' ratios."""

    ours_us: float
    floor_us: float
    ratio: float


def cost(sample: Sample) -> Cost:
    """Measure one platform; the median of rounds in which ours and the floor take turns."""
    frames = [Frame(data, AT_MS) for data in sample.frames]
    rounds = [[_only_events(sample, frame) for frame in frames] for _ in range(ROUNDS)]
    messages = sum(map(len, rounds[0]))
    ours, floors = [], []
    for ready in rounds:
        ours.append(_ours_secs(sample.decoder(), frames))
        floors.append(_floor_secs(sample.parse, sample.frames, ready))
    ratio = statistics.median(mine / floor for mine, floor in zip(ours, floors, strict=True))
    return Cost(1e6 * min(ours) / messages, 1e6 * min(floors) / messages, ratio)


def _only_events(sample: Sample, frame: Frame) -> Sequence[LiveEvent]:
    decoded = sample.decoder().feed(frame)
    assert decoded.events, (sample.name, decoded)
    assert not decoded.rejected, (sample.name, decoded)
    return decoded.events


def _ours_secs(decoder: Decoder, frames: Sequence[Frame]) -> float:
    began = time.process_time()
    for frame in frames:
        for event in decoder.feed(frame).events:
            event.to_wire()
    return time.process_time() - began


def _floor_secs(parse: Callable[[Any], object], frames: Sequence[Data], ready: Sequence[Sequence[LiveEvent]]) -> float:
    began = time.process_time()
    for data, events in zip(frames, ready, strict=True):
        parse(data)
        for event in events:
            event.to_wire()
    return time.process_time() - began
