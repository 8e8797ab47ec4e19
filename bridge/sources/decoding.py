"""Captured frames in, results out: what ``decode`` prints, without any network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from bridge.errors import DecodeError
from bridge.events import MAX_TIMESTAMP_MS, LiveEvent, encodable
from bridge.sources.contract import Decoded, Decoder, Frame
from bridge.sources.fields import integer, parse_json
from bridge.sources.intake import Intake, Taken

Result = dict[str, Any]


def decode_lines(
    decoder: Decoder,
    lines: Iterable[bytes],
    *,
    now_ms: int,
    bare: bool = False,
    report: Callable[[LiveEvent], Iterable[LiveEvent]] = lambda event: (event,),
) -> Iterator[Result]:
    """Yield one result an event, refusal, unknown or ignored message, in the order of the lines.

    A line is ``{"at_ms": …, "text": …}`` or ``{"at_ms": …, "b64": …}``; ``now_ms`` stands in for a
    missing ``at_ms``. With ``bare``, any other line is one message as the platform sends it. ``report`` is
    the room's way with paid messages. What is held for a twin or a combo is let go at the end of the input.
    """
    intake = Intake()
    at_ms = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            frame = _message(line, at_ms or now_ms) if bare else _frame(line, at_ms or now_ms)
        except DecodeError as error:
            yield {"rejected": f"line {number}: {error}"}
            continue
        at_ms = max(at_ms, frame.received_at_ms)
        yield from _taken(intake.due(at_ms / 1000), report)
        yield from _results(decoder.feed(frame), intake, at_ms, report)
    yield from _taken(intake.flush(at_ms / 1000), report)


def _frame(line: bytes, at_ms: int) -> Frame:
    value = parse_json(line)
    if not isinstance(value, dict):
        raise DecodeError("", "is not an object with text or b64")
    received_at_ms = integer(value, "at_ms") if "at_ms" in value else at_ms
    if not 0 <= received_at_ms <= MAX_TIMESTAMP_MS:
        raise DecodeError("at_ms", "is out of range")
    if isinstance(value.get("text"), str):
        return Frame(value["text"], received_at_ms)
    if isinstance(value.get("b64"), str):
        try:
            return Frame(base64.b64decode(value["b64"], validate=True), received_at_ms)
        except ValueError as error:
            raise DecodeError("b64", "is not base64") from error
    raise DecodeError("", "has neither text nor b64")


def _message(line: bytes, at_ms: int) -> Frame:
    """Return the frame in the line, or else the line as a frame: messages may have a ``text`` of their own."""
    try:
        value = parse_json(line)
    except DecodeError:
        value = None
    has_data = isinstance(value, dict) and ("text" in value or "b64" in value)
    if has_data and ("at_ms" in value or value.keys() <= {"text", "b64"}):
        return _frame(line, at_ms)
    return Frame(line.decode("utf-8", "replace").strip(), at_ms)


def _results(
    decoded: Decoded, intake: Intake, at_ms: int, report: Callable[[LiveEvent], Iterable[LiveEvent]]
) -> Iterator[Result]:
    yield from _taken(intake.offer(decoded.events, at_ms / 1000), report)
    yield from ({"rejected": encodable(str(error))} for error in decoded.rejected)
    yield from ({"unknown": encodable(name)} for name in decoded.unknown)
    yield from ({"ignored": encodable(name)} for name in decoded.ignored)
    yield from ({"ignored": f"notice {notice.kind.value}"} for notice in decoded.notices)
    if decoded.end is not None:
        yield {"ignored": f"end {type(decoded.end).__name__}"}


def _taken(taken: Taken, report: Callable[[LiveEvent], Iterable[LiveEvent]]) -> Iterator[Result]:
    for event in taken.events:
        for one in report(event):
            yield {"event": orjson.loads(one.to_wire())}
    for _, reason in taken.dropped:
        yield {"ignored": reason.value}
