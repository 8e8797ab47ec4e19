"""Results of decoding: what a message without an event yields, and a frame that carries several messages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from msgspec import field

from bridge.errors import DecodeError
from bridge.events import LiveEvent
from bridge.sources.contract import NOTHING, Decoded, Notice

MAX_NAME_CHARS = 64
"""What the name of a message without an event is cut to: it becomes a label."""

MAX_ITEMS = 20_000
"""How many messages a body may have. Real ones have hundreds, and a MiB of what cannot be read would cost seconds."""


def without_event(name: str, *, known: bool) -> Decoded:
    """Return what a message without an event yields: its name, among those that are known or the new ones."""
    names = (name[:MAX_NAME_CHARS],)
    return Decoded(ignored=names) if known else Decoded(unknown=names)


def bounded(items: list[Any], at: str, rejected: list[DecodeError]) -> list[Any]:
    """Return the items of a body, which stand there ``at``; those beyond ``MAX_ITEMS`` are rejected as one."""
    if len(items) <= MAX_ITEMS:
        return items
    rejected.append(DecodeError(at, f"has more than {MAX_ITEMS} items: the rest is not read"))
    return items[:MAX_ITEMS]


class Collected(Decoded):
    """What a body of several messages yields, gathered while it is read, each kind in order."""

    events: list[LiveEvent] = field(default_factory=list)
    rejected: list[DecodeError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    replies: list[bytes | str] = field(default_factory=list)


def joined(parts: Sequence[Decoded]) -> Decoded:
    """Return one result for all ``parts``, each kind in their order; the first ``end`` and ``follow`` count."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Decoded(
        events=[*chain.from_iterable(part.events for part in parts)],
        rejected=[*chain.from_iterable(part.rejected for part in parts)],
        ignored=[*chain.from_iterable(part.ignored for part in parts)],
        unknown=[*chain.from_iterable(part.unknown for part in parts)],
        notices=[*chain.from_iterable(part.notices for part in parts)],
        replies=[*chain.from_iterable(part.replies for part in parts)],
        calls=[*chain.from_iterable(part.calls for part in parts)],
        end=next((part.end for part in parts if part.end is not None), None),
        follow=next((part.follow for part in parts if part.follow is not None), None),
    )
