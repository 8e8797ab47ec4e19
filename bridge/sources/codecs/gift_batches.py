"""Batches of given subscriptions that a hub announces and also tells one by one, with nothing to tie the two.

A giver's single gifts within the time window belong to the batch that is announced before or after them, so
that the sum is right in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_MS = 30_000
"""How far a batch's single gifts may be from its announcement: a big one takes seconds to be told."""

MAX_GIVERS = 1_000


@dataclass(slots=True)
class _Giver:
    """What was counted of a giver lately: subscriptions announced and not yet told singly, and the other way round."""

    at_ms: int
    announced: int = 0
    told: int = 0


class GiftBatches:
    """The givers of the last half minute."""

    def __init__(self) -> None:
        self._givers: dict[str, _Giver] = {}

    def announced(self, giver: str, count: int, at_ms: int) -> int:
        """Take the announcement of ``count``; return how many of them are not counted yet."""
        seen = self._recent(giver, at_ms)
        already = min(seen.told, count)
        seen.told -= already
        seen.announced += count - already
        return count - already

    def single(self, giver: str, at_ms: int) -> bool:
        """Take one single gift; return whether it is to be counted: not if its batch was announced."""
        seen = self._recent(giver, at_ms)
        if seen.announced > 0:
            seen.announced -= 1
            return False
        seen.told += 1
        return True

    def _recent(self, giver: str, at_ms: int) -> _Giver:
        seen = self._givers.pop(giver, None)
        if seen is None or at_ms - seen.at_ms > WINDOW_MS:
            seen = _Giver(at_ms)
        seen.at_ms = at_ms
        self._givers[giver] = seen
        if len(self._givers) > MAX_GIVERS:
            del self._givers[next(iter(self._givers))]
        return seen
