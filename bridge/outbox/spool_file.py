"""The SQLite file behind the spool: one group a transaction, and recovery from damage.

A chunk of events goes when all of them are settled; until then it says which of them are.

Used by one thread at a time. Every fault of the disk or of the file is a ``SpoolError``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bridge.errors import SpoolError
from bridge.events import EventType
from bridge.outbox.spool_records import (
    Contents,
    DeadLetter,
    Group,
    Note,
    Row,
    RowValues,
    checksum,
    chunk_rows,
    chunk_values,
    dead_letter_values,
    note_values,
    packed_numbers,
    read_dead_letter,
    read_note,
)

T = TypeVar("T")

FILE_NAME = "spool.db"
SCHEMA_VERSION = 1
MAX_DEAD_LETTERS = 10_000
_BESIDE = "fresh"
"""The directory in which a fresh file is made, before it takes the old one's place."""

_SCHEMA = """
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, room TEXT NOT NULL, numbers BLOB NOT NULL, types BLOB NOT NULL,
    arrived_at_ms BLOB NOT NULL, wires BLOB NOT NULL, settled BLOB NOT NULL, crc INTEGER NOT NULL
);
CREATE TABLE notes (
    room TEXT NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (room, source, key)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, room TEXT NOT NULL, job_id TEXT NOT NULL,
    type INTEGER NOT NULL, died_at_ms INTEGER NOT NULL, status INTEGER NOT NULL,
    error_code TEXT NOT NULL, error_msg TEXT NOT NULL, request_id TEXT NOT NULL, wire BLOB NOT NULL,
    crc INTEGER NOT NULL
);
"""
_READ_CHUNKS = "SELECT id, room, numbers, types, arrived_at_ms, wires, settled, crc FROM chunks"
_READ_CHUNK = "SELECT room, numbers, types, arrived_at_ms, wires, settled, crc FROM chunks WHERE id=?"
_ADD_CHUNK = "INSERT INTO chunks (room, numbers, types, arrived_at_ms, wires, settled, crc) VALUES (?,?,?,?,?,?,?)"
_SETTLE_CHUNK = "UPDATE chunks SET settled = CAST(settled || ? AS BLOB), crc = ? WHERE id=?"
_READ_NOTES = "SELECT room, source, key, value, crc FROM notes"
_READ_LETTERS = (
    "SELECT number, room, job_id, type, died_at_ms, status, error_code, error_msg, request_id, wire, crc, id"
    " FROM dead_letters WHERE ? = 0 OR id = ? ORDER BY id"
)
_ADD_LETTER = (
    "INSERT INTO dead_letters (number, room, job_id, type, died_at_ms, status, error_code, error_msg, request_id,"
    " wire, crc) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
)

_OUTSIDE_CAUSES = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""SQLite's errors for which the file itself is not to blame."""


_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: SQLite's words about it may hold pieces of it."""


class DamagedError(SpoolError):
    """The file's contents are damaged: it can be set aside and what is sound of it be salvaged."""


class SpoolFile:
    """One open file. The constructor creates it when it is absent."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.path = directory / FILE_NAME
        self._chunk_of: dict[int, int] = {}
        self._unsettled: dict[int, int] = {}
        self._checksums: dict[int, int] = {}
        with _faults(self.path):
            self._db = _connected(self.path, read_only=read_only)
            try:
                if not read_only:
                    self._prepare()
            except BaseException:
                self._db.close()
                raise

    def write(self, group: Group) -> None:
        """Write one group in one transaction."""
        with self._transaction():
            if group.rows:
                self._write_rows(group.rows)
            if group.settled:
                self._settle(group.settled)
            if group.dead:
                self._write_dead(group.dead)
            for note in group.notes:
                self._write_note(note)

    def recover(self) -> Contents:
        """Return all events and notes, so that the events can be settled; ``DamagedError`` if anything is damaged.

        Dead letters stay where they are.
        """
        with _faults(self.path):
            problem = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise DamagedError(f"{self.path}: {problem}")
            contents = Contents()
            for chunk_id, *values in self._db.execute(_READ_CHUNKS):
                rows = chunk_rows(*values)
                self._open_chunk(chunk_id, [row.number for row in rows], values[-1])
                contents.rows.extend(rows)
            contents.rows.sort()
            for values in self._db.execute(_READ_NOTES):
                contents.take_note(read_note(*values))
            return contents

    def dead_letters(self, room: str = "") -> list[DeadLetter]:
        """Return the dead letters, oldest first, of one room or of all."""
        with _faults(self.path):
            letters = _sound(self._db, read_dead_letter, _READ_LETTERS, 0, 0)
            return [letter for letter in letters if room in ("", letter.room)]

    def remove_dead_letter(self, letter_id: int) -> DeadLetter | None:
        """Delete a dead letter and return it, ``None`` if there is none of that id."""
        with self._transaction():
            return self._take_letter(letter_id)

    def revive(self, letter_id: int, number: int, arrived_at_ms: int) -> Row | None:
        """Turn a dead letter back into a waiting event that arrived just now."""
        with self._transaction():
            letter = self._take_letter(letter_id)
            if letter is None:
                return None
            row = Row(number, letter.room, letter.type, arrived_at_ms, letter.wire)
            self._write_rows([row])
            return row

    def highest_number(self) -> int:
        """Return the highest number given to a waiting event, 0 if none waits."""
        return max((row.number for row in self._all_rows()), default=0)

    def waiting(self) -> list[tuple[str, EventType, int, int, int]]:
        """Return what waits: room, type, events, bytes, arrival of the oldest (ms)."""
        found: dict[tuple[str, EventType], list[Row]] = {}
        for row in self._all_rows():
            found.setdefault((row.room, row.type), []).append(row)
        return [
            (room, kind, len(rows), sum(len(row.wire) for row in rows), min(row.arrived_at_ms for row in rows))
            for (room, kind), rows in sorted(found.items())
        ]

    def close(self) -> None:
        """Fold the log into the file and close it."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def give_up(self) -> list[DeadLetter]:
        """Close the file without another write; returns the dead letters in it that can still be read."""
        letters = list(_sound(self._db, read_dead_letter, _READ_LETTERS, 0, 0))
        self._db.close()
        return letters

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise _other_version(self.path, version)
        self.path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _faults(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def _all_rows(self) -> list[Row]:
        with _faults(self.path):
            return [row for _, *values in self._db.execute(_READ_CHUNKS) for row in chunk_rows(*values)]

    def _write_rows(self, rows: Sequence[RowValues]) -> None:
        by_room: dict[str, list[RowValues]] = {}
        for row in rows:
            by_room.setdefault(row[1], []).append(row)
        for of_room in by_room.values():
            values = chunk_values(of_room)
            chunk_id = self._db.execute(_ADD_CHUNK, values).lastrowid
            assert chunk_id is not None
            self._open_chunk(chunk_id, [row[0] for row in of_room], values[-1])

    def _open_chunk(self, chunk_id: int, numbers: Sequence[int], crc: int) -> None:
        self._chunk_of.update(dict.fromkeys(numbers, chunk_id))
        self._unsettled[chunk_id] = len(numbers)
        self._checksums[chunk_id] = crc

    def _settle(self, numbers: Iterable[int]) -> None:
        """Delete the chunks that are done with; write down in the others which events are."""
        touched: dict[int, list[int]] = {}
        for number in numbers:
            chunk_id = self._chunk_of.pop(number, None)
            if chunk_id is not None:
                touched.setdefault(chunk_id, []).append(number)
        for chunk_id, settled in touched.items():
            self._unsettled[chunk_id] -= len(settled)
            if self._unsettled[chunk_id] == 0:
                del self._unsettled[chunk_id], self._checksums[chunk_id]
                self._db.execute("DELETE FROM chunks WHERE id=?", (chunk_id,))
                continue
            packed = packed_numbers(settled)
            crc = self._checksums[chunk_id] = checksum(packed, begun=self._checksums[chunk_id])
            self._db.execute(_SETTLE_CHUNK, (packed, crc, chunk_id))

    def _write_note(self, note: Note) -> None:
        if note.value is None:
            self._db.execute("DELETE FROM notes WHERE room=? AND source=? AND key=?", note[:3])
        else:
            self._db.execute("INSERT OR REPLACE INTO notes VALUES (?,?,?,?,?)", note_values(note))

    def _write_dead(self, letters: Sequence[DeadLetter]) -> None:
        self._db.executemany(_ADD_LETTER, map(dead_letter_values, letters))
        self._db.execute(
            "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?", (MAX_DEAD_LETTERS,)
        )

    def _take_letter(self, letter_id: int) -> DeadLetter | None:
        values = self._db.execute(_READ_LETTERS, (letter_id, letter_id)).fetchone() if letter_id else None
        if values is None:
            return None
        self._db.execute("DELETE FROM dead_letters WHERE id=?", (letter_id,))
        return read_dead_letter(*values)


def salvage(directory: Path) -> Contents:
    """Return what is sound of a damaged file, record by record."""
    path = directory / FILE_NAME
    contents = Contents()
    with contextlib.suppress(*_UNREADABLE), contextlib.closing(_connected(path)) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise _other_version(path, version)
        for (chunk_id,) in _sound(database, _as_it_is, "SELECT id FROM chunks"):
            # One by one: what is damaged in one keeps nobody from the next.
            for rows in _sound(database, chunk_rows, _READ_CHUNK, chunk_id):
                contents.rows.extend(rows)
        contents.rows.sort()
        for note in _sound(database, read_note, _READ_NOTES):
            contents.take_note(note)
        contents.dead.extend(_sound(database, read_dead_letter, _READ_LETTERS, 0, 0))
    return contents


def replace(directory: Path, whole: Group) -> Path | None:
    """Put a fresh file that holds ``whole`` in the place of the old one; returns where that was set aside.

    If it fails before the fresh file is complete, the old one stays as it is.
    """
    beside = directory / _BESIDE
    shutil.rmtree(beside, ignore_errors=True)
    try:
        _write_beside(beside, whole)
    except SpoolError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    aside = _set_aside(directory)
    finish_replacing(directory)
    return aside if aside.exists() else None


def _write_beside(beside: Path, whole: Group) -> None:
    with _faults(beside):
        beside.mkdir(mode=0o700)
    file = SpoolFile(beside)
    try:
        file.write(whole)
    finally:
        file.close()
    if any(path.exists() for path in _companions(file.path)[1:]):
        raise SpoolError(f"{file.path}: its log cannot be folded in")


def finish_replacing(directory: Path) -> None:
    """Put a complete fresh file in its place if an earlier process was killed while it replaced the old one."""
    path, fresh = directory / FILE_NAME, directory / _BESIDE / FILE_NAME
    if fresh.exists() and not path.exists():
        _set_aside(directory)  # a log of the old file must not be taken for the fresh one's
        with _faults(path):
            fresh.replace(path)
            _sync(directory)
    shutil.rmtree(directory / _BESIDE, ignore_errors=True)


def _set_aside(directory: Path) -> Path:
    path = directory / FILE_NAME
    aside = path.with_name(f"{path.name}.bad-{time.time_ns()}")
    with _faults(path):
        for old, new in zip(_companions(path), _companions(aside), strict=True):
            with contextlib.suppress(FileNotFoundError):
                old.replace(new)
    return aside


def _sync(directory: Path) -> None:
    """Have the names in a directory survive a loss of power."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _connected(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a database. The writer thread is its only user, but not always the thread that opened it."""
    where = f"{path.resolve().as_uri()}?mode=ro" if read_only else str(path)
    database = sqlite3.connect(where, uri=read_only, isolation_level=None, check_same_thread=False)
    # Damaged texts are found by their checksum.
    database.text_factory = lambda raw: raw.decode(errors="replace")
    return database


def _other_version(path: Path, version: int) -> SpoolError:
    return SpoolError(
        f"{path} was written by another version of the bridge (schema {version},"
        f" this one knows {SCHEMA_VERSION}); it is left untouched"
    )


def _as_it_is(*values: Any) -> tuple[Any, ...]:
    return values


def _sound(database: sqlite3.Connection, read: Callable[..., T], query: str, *parameters: Any) -> Iterator[T]:
    """Yield the sound records among those found, up to where the file cannot be read any further."""
    with contextlib.suppress(*_UNREADABLE):
        for values in database.execute(query, parameters):
            with contextlib.suppress(ValueError):
                yield read(*values)


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


@contextlib.contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, struct.error) as error:
        raise DamagedError(f"{path}: {error}") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        is_outside = code & 0xFF in _OUTSIDE_CAUSES and code != sqlite3.SQLITE_IOERR_SHORT_READ
        raise (SpoolError if is_outside else DamagedError)(f"{path}: {error}") from error
    except OSError as error:
        raise SpoolError(f"{path}: {error.strerror}") from error
