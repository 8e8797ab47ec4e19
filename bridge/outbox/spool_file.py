"""The SQLite file behind the spool: its schema, one group a transaction, and recovery from damage.

Events stand in chunks, one a room and transaction, as columns: an event costs its bytes and not a row of
its own. A chunk goes when all of its events are settled; until then it says which of them are.

Used by one thread at a time. Every fault of the disk or of the file is a ``SpoolError``.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bridge.errors import SpoolError
from bridge.events import EventType

FILE_NAME = "spool.db"
SCHEMA_VERSION = 1
MAX_DEAD_LETTERS = 10_000
_SEPARATOR = b"\n"
"""Stands in no event: JSON text has no raw line breaks."""

_SCHEMA = """
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, room TEXT NOT NULL, numbers BLOB NOT NULL, types BLOB NOT NULL,
    arrived_at_ms BLOB NOT NULL, wires BLOB NOT NULL, settled BLOB NOT NULL
);
CREATE TABLE notes (
    room TEXT NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (room, source, key)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, room TEXT NOT NULL, job_id TEXT NOT NULL,
    type INTEGER NOT NULL, died_at_ms INTEGER NOT NULL, status INTEGER NOT NULL,
    error_code TEXT NOT NULL, error_msg TEXT NOT NULL, request_id TEXT NOT NULL, wire BLOB NOT NULL
);
"""


_CHUNKS = "SELECT id, room, numbers, types, arrived_at_ms, wires, settled FROM chunks ORDER BY id"


class Row(NamedTuple):
    """A durable event as it stands in the file."""

    number: int
    room: str
    type: EventType
    arrived_at_ms: int
    wire: bytes


RowValues = tuple[int, str, EventType, int, bytes]
"""A row before it has names: one is made for every durable event, and a plain tuple costs a fifth of a named one."""


class Note(NamedTuple):
    """Something that a source must remember across a restart; a value of ``None`` deletes it."""

    room: str
    source: str
    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that the cloud refuses by itself, with the cloud's words."""

    number: int
    room: str
    job_id: str
    type: EventType
    died_at_ms: int
    status: int
    error_code: str
    error_msg: str
    request_id: str
    wire: bytes
    id: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """What goes to disk in one transaction."""

    rows: Sequence[RowValues] = ()
    settled: Sequence[int] = ()
    dead: Sequence[DeadLetter] = ()
    notes: Sequence[Note] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.rows or self.settled or self.dead or self.notes)


class SpoolFile:
    """One open file. The constructor creates it when it is absent."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.path = directory / FILE_NAME
        self._chunk_of: dict[int, int] = {}
        self._unsettled: dict[int, int] = {}
        with _faults(self.path):
            if read_only:
                self._db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
                return
            # The writer thread is the only user; it is not always the thread that opened the file.
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self.path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
            elif version != SCHEMA_VERSION:
                self._db.close()
                raise SpoolError(
                    f"{self.path} was written by another version of the bridge (schema {version},"
                    f" this one knows {SCHEMA_VERSION}); it is left untouched"
                )

    def write(self, group: Group) -> None:
        """Write one group in one transaction."""
        with _faults(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            if group.rows:
                self._write_rows(group.rows)
            if group.settled:
                self._settle(group.settled)
            if group.dead:
                self._write_dead(group.dead)
            if group.notes:
                self._write_notes(group.notes)
            self._db.execute("COMMIT")

    def recover(self) -> tuple[list[Row], dict[tuple[str, str], dict[str, bytes]]]:
        """Return all events in order of arrival, and all notes by room and source."""
        with _faults(self.path):
            problem = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise SpoolError(f"{self.path}: {problem}")
            rows: list[Row] = []
            for chunk in self._db.execute(_CHUNKS):
                found = _rows(chunk)
                self._open_chunk(chunk[0], [row.number for row in found])
                rows += found
            rows.sort()
            notes: dict[tuple[str, str], dict[str, bytes]] = {}
            for room, source, key, value in self._db.execute("SELECT * FROM notes"):
                notes.setdefault((room, source), {})[key] = value
            return rows, notes

    @classmethod
    def salvage(cls, directory: Path) -> tuple[list[Row], dict[tuple[str, str], dict[str, bytes]], Path]:
        """Set a damaged file aside and return what can still be read of it, row by row."""
        path = directory / FILE_NAME
        rows: list[Row] = []
        notes: dict[tuple[str, str], dict[str, bytes]] = {}
        with contextlib.suppress(sqlite3.Error):
            database = sqlite3.connect(path, isolation_level=None)
            with contextlib.closing(database):
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version not in (0, SCHEMA_VERSION):
                    raise SpoolError(f"{path} was written by another version of the bridge (schema {version})")
                with contextlib.suppress(sqlite3.Error, ValueError, struct.error):
                    for chunk in database.execute(_CHUNKS):
                        rows += _rows(chunk)
                with contextlib.suppress(sqlite3.Error):
                    for room, source, key, value in database.execute("SELECT * FROM notes"):
                        notes.setdefault((room, source), {})[key] = value
        return sorted(rows), notes, _set_aside(path)

    def dead_letters(self, room: str = "") -> list[DeadLetter]:
        """Return the dead letters, oldest first, of one room or of all."""
        with _faults(self.path):
            found = self._db.execute(
                "SELECT number, room, job_id, type, died_at_ms, status, error_code, error_msg, request_id, wire, id"
                " FROM dead_letters WHERE ?='' OR room=? ORDER BY id",
                (room, room),
            )
            return [_dead_letter(values) for values in found]

    def remove_dead_letter(self, letter_id: int) -> DeadLetter | None:
        """Delete a dead letter and return it, ``None`` if there is none of that id."""
        letter = next((letter for letter in self.dead_letters() if letter.id == letter_id), None)
        if letter is not None:
            with _faults(self.path):
                self._db.execute("DELETE FROM dead_letters WHERE id=?", (letter_id,))
        return letter

    def revive(self, letter_id: int, number: int, arrived_at_ms: int) -> Row | None:
        """Turn a dead letter back into a waiting event that arrived just now."""
        letter = self.remove_dead_letter(letter_id)
        if letter is None:
            return None
        row = Row(number, letter.room, letter.type, arrived_at_ms, letter.wire)
        self.write(Group(rows=[row]))
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

    def set_aside(self) -> Path:
        """Close the file without another write and rename it."""
        self._db.close()
        return _set_aside(self.path)

    def _all_rows(self) -> list[Row]:
        with _faults(self.path):
            return [row for chunk in self._db.execute(_CHUNKS) for row in _rows(chunk)]

    def _write_rows(self, rows: Sequence[RowValues]) -> None:
        by_room: dict[str, list[RowValues]] = {}
        for row in rows:
            by_room.setdefault(row[1], []).append(row)
        for room, of_room in by_room.items():
            numbers, _, types, arrivals, wires = zip(*of_room, strict=True)
            packing = f"<{len(numbers)}q"
            chunk_id = self._db.execute(
                "INSERT INTO chunks (room, numbers, types, arrived_at_ms, wires, settled) VALUES (?,?,?,?,?,?)",
                (
                    room,
                    struct.pack(packing, *numbers),
                    bytes(types),
                    struct.pack(packing, *arrivals),
                    _SEPARATOR.join(wires),
                    b"",
                ),
            ).lastrowid
            assert chunk_id is not None
            self._open_chunk(chunk_id, numbers)

    def _open_chunk(self, chunk_id: int, numbers: Sequence[int]) -> None:
        self._chunk_of.update(dict.fromkeys(numbers, chunk_id))
        self._unsettled[chunk_id] = len(numbers)

    def _settle(self, numbers: Sequence[int]) -> None:
        """Delete the chunks that are done with; write down in the others which events are."""
        touched: dict[int, list[int]] = {}
        for number in numbers:
            chunk_id = self._chunk_of.pop(number, None)
            if chunk_id is not None:
                touched.setdefault(chunk_id, []).append(number)
        for chunk_id, settled in touched.items():
            self._unsettled[chunk_id] -= len(settled)
            if self._unsettled[chunk_id] == 0:
                del self._unsettled[chunk_id]
                self._db.execute("DELETE FROM chunks WHERE id=?", (chunk_id,))
            else:
                packed = struct.pack(f"<{len(settled)}q", *settled)
                self._db.execute(
                    "UPDATE chunks SET settled = CAST(settled || ? AS BLOB) WHERE id=?", (packed, chunk_id)
                )

    def _write_notes(self, notes: Sequence[Note]) -> None:
        for note in notes:
            if note.value is None:
                self._db.execute("DELETE FROM notes WHERE room=? AND source=? AND key=?", note[:3])
            else:
                self._db.execute("INSERT OR REPLACE INTO notes VALUES (?,?,?,?)", note)

    def _write_dead(self, letters: Sequence[DeadLetter]) -> None:
        self._db.executemany(
            "INSERT INTO dead_letters (number, room, job_id, type, died_at_ms, status, error_code, error_msg,"
            " request_id, wire) VALUES (?,?,?,?,?,?,?,?,?,?)",
            [
                (
                    letter.number,
                    letter.room,
                    letter.job_id,
                    letter.type.value,
                    letter.died_at_ms,
                    letter.status,
                    letter.error_code,
                    letter.error_msg,
                    letter.request_id,
                    letter.wire,
                )
                for letter in letters
            ],
        )
        self._db.execute(
            "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?", (MAX_DEAD_LETTERS,)
        )


def _rows(chunk: tuple[int, str, bytes, bytes, bytes, bytes, bytes]) -> list[Row]:
    """Return the events of a chunk that are not settled. ``ValueError`` or ``struct.error`` if it is damaged."""
    _, room, numbers, types, arrivals, wires, settled = chunk
    packing = f"<{len(types)}q"
    done = set(struct.unpack(f"<{len(settled) // 8}q", settled))
    columns = zip(
        struct.unpack(packing, numbers), types, struct.unpack(packing, arrivals), wires.split(_SEPARATOR), strict=True
    )
    return [
        Row(number, room, EventType(kind), arrived_at_ms, wire)
        for number, kind, arrived_at_ms, wire in columns
        if number not in done
    ]


def _dead_letter(values: tuple[int, str, str, int, int, int, str, str, str, bytes, int]) -> DeadLetter:
    number, room, job_id, kind, died_at_ms, status, code, message, request_id, wire, letter_id = values
    return DeadLetter(
        number, room, job_id, EventType(kind), died_at_ms, status, code, message, request_id, wire, letter_id
    )


def _set_aside(path: Path) -> Path:
    """Rename the database and its companions so that nothing of them is used or lost."""
    aside = path.with_name(f"{path.name}.bad-{time.time_ns()}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(f"{aside}{suffix}")
    return aside


@contextlib.contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, struct.error) as error:
        raise SpoolError(f"{path}: {error}") from error
