"""What must survive a kill: one SQLite file a process, written in groups by one thread.

Writing happens behind sending: live latency never waits for the disk, and an event that is delivered
before its group is committed never touches it. A commit follows the first unwritten change by
``commit_interval_secs``; ``durable()`` waits for one.

A fault of the disk never stops the bridge: a fresh file is filled from memory and takes the old one's
place. If that fails too the bridge goes on in memory and tries again; the old file stays until then.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from bridge.clock import Clock
from bridge.errors import SpoolError, SpoolLockedError
from bridge.outbox.spool_file import DamagedError, SpoolFile, finish_replacing, replace, salvage
from bridge.outbox.spool_records import Contents, DeadLetter, Group, Note, Row, RowValues
from bridge.pending import Pending

COMMIT_INTERVAL_SECS = 0.03
RETRY_SECS = 30.0

T = TypeVar("T")


class NotesSource(Protocol):
    """Knows what must be written down beside the events."""

    def __call__(self, *, whole: bool) -> Iterable[Note]:
        """Return the notes that changed since the last call; all of them if ``whole``, because the disk has none."""
        ...


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
        self._owes_notes = False
        self._changed = asyncio.Event()
        self._urgent = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._committing = asyncio.Lock()
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
        """Write everything handed over so far as one group. Whoever waits can be cancelled, the group cannot."""
        await asyncio.shield(self._commit())

    async def _commit(self) -> None:
        async with self._committing:
            self._changed.clear()
            self._urgent.clear()
            waiting, self._waiting = self._waiting, []
            is_durable = False
            try:
                if self._file is None or not await self._write_changes():
                    await self._begin_anew()
                is_durable = not self.statistics.degraded
            finally:
                for future in waiting:
                    if future.done():
                        continue
                    if is_durable:
                        future.set_result(None)
                    else:
                        future.set_exception(SpoolError("the spool cannot write"))

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
        file = self._file
        if file is None:
            raise SpoolError("the spool cannot be used at present")
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, file)

    async def _write_changes(self) -> bool:
        """Write what changed since the last group; returns whether the file can still be used."""
        group = Group(
            rows=list(self._unwritten.values()),
            settled=self._settled,
            dead=self._dead,
            notes=self._notes(whole=self._owes_notes),
        )
        self._unwritten, self._settled, self._dead = {}, [], []
        if not group:
            self._owes_notes = False
            return True
        started_at = self._clock.monotonic()
        try:
            await self._in_thread(lambda file: file.write(group))
        except SpoolError as error:
            self._count_fault(error)
            # A failed fsync is not repeated: the next one may lie. Nothing more is written to this file.
            letters = await self._in_thread(SpoolFile.give_up)
            self._file = None
            self._dead = [*letters, *group.dead, *self._dead]
            return False
        self._count(group, self._clock.monotonic() - started_at)
        return True

    async def _begin_anew(self) -> None:
        """Fill a fresh file from memory; if that fails too, everything stays in memory until the next attempt."""
        whole = Group(rows=list(self._kept.values()), dead=self._dead, notes=self._notes(whole=True))
        self._unwritten, self._settled, self._dead = {}, [], []
        started_at = self._clock.monotonic()
        try:
            self._file = await asyncio.get_running_loop().run_in_executor(
                self._thread, _replaced, self._directory, whole
            )
        except SpoolError as error:
            self._count_fault(error)
            self.statistics.degraded = True
            self._dead = [*whole.dead, *self._dead]
        else:
            self._count(whole, self._clock.monotonic() - started_at)

    def _notes(self, *, whole: bool) -> list[Note]:
        self._owes_notes = True  # until they are on disk: they are told only once
        return [note for source in self._notes_sources for note in source(whole=whole)]

    def _count(self, group: Group, secs: float) -> None:
        self._owes_notes = False
        statistics = self.statistics
        statistics.degraded = False
        statistics.commits += 1
        statistics.committed_events += len(group.rows)
        statistics.commit_secs_total += secs
        statistics.last_commit_secs = secs

    def _count_fault(self, error: SpoolError) -> None:
        self.statistics.faults += 1
        self.statistics.last_fault = str(error)

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
    except OSError as error:
        raise SpoolError(f"spool.directory {directory}: {error.strerror}") from error
    lock_fd = lock(directory)
    try:
        recovered, file = _recovered(directory)
    except BaseException:
        os.close(lock_fd)
        raise
    return recovered, file, lock_fd


def _recovered(directory: Path) -> tuple[Recovered, SpoolFile]:
    finish_replacing(directory)
    try:
        file, contents = _opened(directory)
    except DamagedError:
        sound = salvage(directory)
        set_aside = replace(directory, sound.as_group())
        file, contents = _opened(directory)
        return Recovered(contents.rows, contents.notes, set_aside), file
    return Recovered(contents.rows, contents.notes), file


def _opened(directory: Path) -> tuple[SpoolFile, Contents]:
    file = SpoolFile(directory)
    try:
        return file, file.recover()
    except SpoolError:
        file.close()
        raise


def _replaced(directory: Path, whole: Group) -> SpoolFile:
    replace(directory, whole)
    return _opened(directory)[0]


def lock(directory: Path) -> int:
    """Take the directory's lock and return its file descriptor.

    Raises ``SpoolLockedError`` when it is taken, ``SpoolError`` when the directory cannot be used.
    """
    try:
        fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolError(f"spool.directory {directory}: {error.strerror}") from error
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
