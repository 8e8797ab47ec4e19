"""The events of one report call: how they are halved, and what is left of them after a while. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.pending import Pending

MAX_BATCH_EVENTS = 1000
MAX_BATCH_BYTES = 900_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in the order in which they go out. ``attempts`` counts the calls that carried it so far."""

    events: Sequence[Pending]
    attempts: int = 0

    def __len__(self) -> int:
        return len(self.events)

    @property
    def size_bytes(self) -> int:
        """How much text the events are, without the envelope."""
        return sum(len(pending.wire) + 1 for pending in self.events)

    def halves(self) -> tuple[Batch, Batch]:
        """Return the two halves in order; the batch holds at least two events."""
        middle = len(self.events) // 2
        return Batch(self.events[:middle]), Batch(self.events[middle:])

    def split(self, keep: Callable[[Pending], bool]) -> tuple[Batch, list[Pending]]:
        """Return a new batch of what is kept, and the rest. A batch is never changed in place."""
        kept: list[Pending] = []
        rest: list[Pending] = []
        for pending in self.events:
            (kept if keep(pending) else rest).append(pending)
        return (Batch(kept, self.attempts) if rest else self), rest

    def again(self) -> Batch:
        """Return the same batch after one more call."""
        return Batch(self.events, self.attempts + 1)
