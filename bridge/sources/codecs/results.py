"""A frame that carries several messages: each is decoded by itself, and their results are put in line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bridge.sources.contract import NOTHING, Decoded


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
