"""One bad event among many: a refused batch is halved until it stands alone. Pure.

Events that were refused alone are only *condemned* until some other call is accepted: that proves that
the fault is theirs. If much is refused and nothing accepted, the fault lies elsewhere and nobody is a dead
letter. One that was condemned when its time ran out is a dead letter too: the cloud's words are not lost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bridge.pending import Pending
from bridge.report.batch import Batch
from bridge.report.wire import Answer

SYSTEMIC_REFUSALS = 20


@dataclass(frozen=True, slots=True)
class Condemned:
    """An event that was refused alone, and the answer that refused it."""

    pending: Pending
    answer: Answer


@dataclass(slots=True)
class _Suspect:
    batch: Batch
    known_bad: bool = False
    sibling: _Suspect | None = None
    """The other half: if this one is innocent, that one is guilty without another call."""


class Suspects:
    """The refused events of one room, parked beside its fresh ones."""

    def __init__(self) -> None:
        self._queue: deque[_Suspect] = deque()
        self._under_way: _Suspect | None = None
        self._condemned: list[Condemned] = []
        self.refusals_in_a_row = 0

    def __len__(self) -> int:
        """How many events are parked here; a batch under way is counted by whoever sends it."""
        return sum(len(suspect.batch) for suspect in self._queue) + len(self._condemned)

    @property
    def has_next(self) -> bool:
        """Whether a suspect batch waits to be tried."""
        return bool(self._queue)

    @property
    def is_systemic(self) -> bool:
        """Whether so much was refused and nothing accepted that the events cannot be to blame."""
        return self.refusals_in_a_row >= SYSTEMIC_REFUSALS

    def next(self) -> Batch:
        """Return the next batch to try; its answer must be told by ``accepted`` or ``refused``, or ``put_back``."""
        suspect = self._queue.popleft()
        if suspect.known_bad and len(suspect.batch) > 1:
            suspect = self._halved(suspect.batch)
        self._under_way = suspect
        return suspect.batch

    def refused(self, batch: Batch, answer: Answer) -> None:
        """Take a batch that the cloud refused, whether fresh or suspect."""
        self.refusals_in_a_row += 1
        self._under_way = None
        if len(batch) == 1:
            self._condemned.append(Condemned(batch.events[0], answer))
            return
        self._queue.appendleft(self._halved(batch))

    def accepted(self) -> list[Condemned]:
        """Take note of an acceptance; returns those whose guilt it proves."""
        self.refusals_in_a_row = 0
        suspect, self._under_way = self._under_way, None
        if suspect is not None and suspect.sibling is not None:
            suspect.sibling.known_bad = True
        proven, self._condemned = self._condemned, []
        return proven

    def put_back(self, batch: Batch) -> None:
        """Try the batch under way again later: its call said nothing about it.

        ``batch`` is what is left of it, which may be nothing.
        """
        suspect, self._under_way = self._under_way, None
        if suspect is not None and batch.events:
            suspect.batch = batch
            self._queue.appendleft(suspect)

    def acquit(self) -> None:
        """After a systemic fault: whoever was condemned is a suspect again, and no half says anything of the other."""
        batches = [suspect.batch for suspect in self._queue]
        batches += [Batch([condemned.pending]) for condemned in self._condemned]
        self._queue = deque(_Suspect(batch) for batch in batches)
        self._condemned = []

    def expire(self, now: float) -> tuple[list[Pending], list[Condemned]]:
        """Return, and no longer keep, what is too old: the merely suspect, and the condemned."""
        expired: list[Pending] = []
        for suspect in self._queue:
            suspect.batch, late = suspect.batch.split(lambda pending: pending.expires_at > now)
            expired.extend(late)
        self._queue = deque(suspect for suspect in self._queue if suspect.batch.events)
        dead = [condemned for condemned in self._condemned if condemned.pending.expires_at <= now]
        self._condemned = [condemned for condemned in self._condemned if condemned.pending.expires_at > now]
        return expired, dead

    def everything(self) -> list[Pending]:
        """Return all events that are parked here, in no certain order."""
        parked = [pending for suspect in self._queue for pending in suspect.batch.events]
        return [*parked, *(condemned.pending for condemned in self._condemned)]

    def _halved(self, batch: Batch) -> _Suspect:
        """Queue the right half and return the left one."""
        left, right = (_Suspect(half) for half in batch.halves())
        left.sibling = right
        self._queue.appendleft(right)
        return left
