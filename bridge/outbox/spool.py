"""What must survive a kill: one SQLite file a process, written in groups by one thread.

Writing happens behind sending: live latency never waits for the disk, and an event that is delivered
before its group is committed never touches it. A commit follows the first unwritten change by
``commit_interval_secs``; ``durable()`` waits for one.

A fault of the disk never stops the bridge: the file is set aside and a fresh one is filled from
memory, and if that fails too the bridge goes on in memory and tries again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bridge.clock import Clock
from bridge.errors import SpoolError, SpoolLockedError
from bridge.outbox.spool_file import DeadLetter, Group, Note, Row, RowValues, SpoolFile
from bridge.pending import Pending

COMMIT_INTERVAL_SECS = 0.03
RETRY_SECS = 30.0

T = TypeVar("T")
NotesSource = Callable[[], Iterable[Note]]


@dataclass(slots=True)
class SpoolStatistics:
    """Counters for the metrics. ``degraded`` says that nothing reaches the disk at present."""

    commits: int = 0
    committed_events: int = 0
    commit_secs_total: float = 0.0
    last_commit_secs: float = 0.0
    faults: int = 0
    degraded: bool = False
    last_fault: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an earlier process left: events in order of arrival and the notes of its sources."""

    rows: list[Row] = field(default_factory=list)
    notes: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    set_aside: Path | None = None


class Spool:
    """The process's spool. All methods are called on the event loop; the file is touched by one worker thread."""

    def __init__(self, directory: Path, clock: Clock, *, commit_interval_secs: float = COMMIT_INTERVAL_SECS) -> None:
        self._directory = directory
        self._clock = clock
        self._interval_secs = commit_interval_secs
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._file: SpoolFile | None = None
        self._lock_fd = -1
        self._number = 0
        self._kept: dict[int, RowValues] = {}
        self._unwritten: dict[int, RowValues] = {}
        self._settled: list[int] = []
        self._dead: list[DeadLetter] = []
        self._notes_sources: list[NotesSource] = []
        self._changed = asyncio.Event()
        self._urgent = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self.statistics = SpoolStatistics()

    async def open(self) -> Recovered:
        """Lock the directory, open the file and return what it holds.

        Raises ``SpoolLockedError`` when another process owns it and ``SpoolError`` when the directory
        cannot be used at all. A damaged file is set aside and what can be read of it is recovered.
        """
        loop = asyncio.get_running_loop()
        recovered, self._file, self._lock_fd = await loop.run_in_executor(self._thread, _open, self._directory)
        self._kept = {row.number: row for row in recovered.rows}
        self._number = max(self._kept, default=0)
        return recovered

    def next_number(self) -> int:
        """Return the next place in the order of arrival."""
        self._number += 1
        return self._number

    def add(self, room: str, pending: Pending, arrived_at_ms: int) -> None:
        """Have an event written with the next group."""
        number = pending.number
        row = (number, room, pending.type, arrived_at_ms, pending.wire)
        self._kept[number] = row
        self._unwritten[number] = row
        if not self._changed.is_set():
            self._changed.set()

    def settle(self, numbers: Iterable[int]) -> None:
        """Forget events whose fate is decided. What was not yet written never will be."""
        unwritten, kept, settled = self._unwritten, self._kept, self._settled
        before = len(settled)
        for number in numbers:
            if kept.pop(number, None) is not None and unwritten.pop(number, None) is None:
                settled.append(number)
        if len(settled) > before:
            self._changed.set()

    def dead_letter(self, letter: DeadLetter) -> None:
        """Keep an event that the cloud refuses, for the operator; its row goes in the same group."""
        self._dead.append(letter)
        self.settle([letter.number])
        self._changed.set()

    def notes_from(self, source: NotesSource) -> None:
        """Ask ``source`` for changed notes at every commit."""
        self._notes_sources.append(source)

    def notes_changed(self) -> None:
        """Say that some source has new notes."""
        self._changed.set()

    async def durable(self) -> None:
        """Wait until everything handed over so far is on disk.

        Raises ``SpoolError`` when it is not, because the disk is at fault.
        """
        if self.statistics.degraded:
            raise SpoolError("the spool cannot write at present")
        self._changed.set()
        self._urgent.set()
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    async def run(self) -> None:
        """Commit groups until cancelled."""
        while True:
            await self._changed.wait()
            await self._clock.wait(self._urgent, self._interval_secs)
            await self.commit()
            if self.statistics.degraded:
                await self._clock.sleep(RETRY_SECS)
                self._changed.set()

    async def commit(self) -> None:
        """Write everything handed over so far as one group."""
        self._changed.clear()
        self._urgent.clear()
        waiting, self._waiting = self._waiting, []
        group = Group(
            rows=list(self._unwritten.values()),
            settled=self._settled,
            dead=self._dead,
            notes=[note for source in self._notes_sources for note in source()],
        )
        self._unwritten, self._settled, self._dead = {}, [], []
        if group:
            started_at = self._clock.monotonic()
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._write, group)
            except SpoolError as error:
                self._degrade(group, str(error))
            else:
                self._count(group, self._clock.monotonic() - started_at)
        for future in waiting:
            if not future.done():
                if self.statistics.degraded:
                    future.set_exception(SpoolError("the spool cannot write"))
                else:
                    future.set_result(None)

    async def close(self) -> None:
        """Commit what is left and release the directory."""
        await self.commit()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def kept_events(self) -> int:
        """Return how many durable events wait for their fate."""
        return len(self._kept)

    async def revive(self, letter_id: int, number: int, arrived_at_ms: int) -> Row | None:
        """Turn a dead letter back into a waiting event; ``None`` if there is none of that id."""
        row = await self._in_thread(lambda file: file.revive(letter_id, number, arrived_at_ms))
        if row is not None:
            self._kept[row.number] = row
        return row

    async def drop_dead_letter(self, letter_id: int) -> DeadLetter | None:
        """Delete a dead letter and return it."""
        return await self._in_thread(lambda file: file.remove_dead_letter(letter_id))

    async def _in_thread(self, question: Callable[[SpoolFile], T]) -> T:
        if self._file is None:
            raise SpoolError("the spool cannot be used at present")
        file = self._file
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: question(file))

    def _count(self, group: Group, secs: float) -> None:
        statistics = self.statistics
        statistics.degraded = False
        statistics.commits += 1
        statistics.committed_events += len(group.rows)
        statistics.commit_secs_total += secs
        statistics.last_commit_secs = secs

    def _degrade(self, group: Group, fault: str) -> None:
        """Keep in memory what could not be written; the next attempt starts from a whole picture."""
        self.statistics.degraded = True
        self.statistics.last_fault = fault
        self._unwritten = dict(self._kept)
        self._settled = []
        self._dead = [*group.dead, *self._dead]

    def _write(self, group: Group) -> None:
        if self._file is not None:
            try:
                self._file.write(group)
            except SpoolError as error:
                # A failed fsync is not repeated: the next one may lie. The file is set aside instead.
                self.statistics.faults += 1
                self.statistics.last_fault = str(error)
                self._file.set_aside()
                self._file = None
            else:
                return
        file = SpoolFile(self._directory)
        whole = Group(rows=list(self._kept.values()), dead=group.dead, notes=group.notes)
        try:
            file.write(whole)
        except SpoolError:
            self.statistics.faults += 1
            file.set_aside()
            raise
        self._file = file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def _open(directory: Path) -> tuple[Recovered, SpoolFile, int]:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock_fd = lock(directory)
    except OSError as error:
        raise SpoolError(f"spool.directory {directory}: {error.strerror}") from error
    set_aside = None
    try:
        file = SpoolFile(directory)
        rows, notes = file.recover()
    except SpoolError:
        rows, notes, set_aside = SpoolFile.salvage(directory)
        file = SpoolFile(directory)
        file.write(
            Group(
                rows=rows, notes=[Note(*owner, key, value) for owner, of in notes.items() for key, value in of.items()]
            )
        )
    return Recovered(rows, notes, set_aside), file, lock_fd


def lock(directory: Path) -> int:
    """Take the directory's lock and return its file descriptor; raises ``SpoolLockedError`` when it is taken."""
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise SpoolLockedError(f"spool.directory {directory}: another live-event-bridge is using it") from None
    return fd


def rows_by_room(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return recovered rows by room, each in order of arrival."""
    by_room: dict[str, list[Row]] = {}
    for row in rows:
        by_room.setdefault(row.room, []).append(row)
    return by_room
