"""What stands in the spool's file, and how. Pure.

Events stand in chunks, one a room and transaction, as columns: an event costs its bytes and not a row of
its own. Every record carries a checksum, because SQLite keeps none of what it stores: what rotted on the
disk is lost, and never reported altered.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.events import EventType, encodable

_SEPARATOR = b"\n"
"""Stands in no event: JSON text has no raw line breaks."""


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
    notes: Sequence[Note] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.settled or self.dead or self.notes)


Notes = Mapping[tuple[str, str], Mapping[str, bytes]]
"""Notes by room and source, then by key."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, events in order of arrival."""

    rows: list[Row] = field(default_factory=list)
    notes: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)

    def take_note(self, note: Note) -> None:
        """Put a note in its place."""
        assert note.value is not None
        self.notes.setdefault((note.room, note.source), {})[note.key] = note.value

    def as_group(self) -> Group:
        """Return everything as one group."""
        notes = [Note(*owner, key, value) for owner, of in self.notes.items() for key, value in of.items()]
        return Group(rows=self.rows, dead=self.dead, notes=notes)


def checksum(*parts: bytes, begun: int = 0) -> int:
    """Return the checksum of ``parts``, going on from one that was begun."""
    for part in parts:
        begun = zlib.crc32(part, begun)
    return begun


def packed_numbers(numbers: Sequence[int]) -> bytes:
    """Return 64-bit integers as they stand in a chunk."""
    return struct.pack(f"<{len(numbers)}q", *numbers)


def chunk_values(rows: Sequence[RowValues]) -> tuple[Any, ...]:
    """Return the columns of a chunk of one room's events, the last one its checksum."""
    numbers, rooms, types, arrivals, wires = zip(*rows, strict=True)
    values = (packed_numbers(numbers), bytes(types), packed_numbers(arrivals), _SEPARATOR.join(wires), b"")
    return (rooms[0], *values, checksum(rooms[0].encode(), *values))


def chunk_rows(room: str, *values: Any) -> list[Row]:
    """Return the events of a chunk that are not settled; raises ``ValueError`` if it is damaged."""
    *columns, crc = values
    try:
        if checksum(room.encode(), *columns) != crc:
            raise ValueError("a chunk of events is damaged")
        numbers, types, arrivals, wires, settled = columns
        packing = f"<{len(types)}q"
        done = set(struct.unpack(f"<{len(settled) // 8}q", settled))
        return [
            Row(number, room, EventType(kind), arrived_at_ms, wire)
            for number, kind, arrived_at_ms, wire in zip(
                struct.unpack(packing, numbers),
                types,
                struct.unpack(packing, arrivals),
                wires.split(_SEPARATOR),
                strict=True,
            )
            if number not in done
        ]
    except (TypeError, AttributeError, struct.error):
        raise ValueError("a chunk of events is damaged") from None


def note_values(note: Note) -> tuple[Any, ...]:
    """Return the columns of a note, the last one its checksum."""
    assert note.value is not None
    return (*note, checksum(note.key.encode(), note.value))


def read_note(room: str, source: str, key: str, value: Any, crc: Any) -> Note:
    """Return a note; raises ``ValueError`` if it is damaged."""
    try:
        sound = checksum(key.encode(), value) == crc
    except (TypeError, AttributeError):
        sound = False
    if not sound:
        raise ValueError("a note is damaged")
    return Note(room, source, key, value)


def dead_letter_values(letter: DeadLetter) -> tuple[Any, ...]:
    """Return the columns of a dead letter but its id, the last one its checksum. The cloud's words may be anything."""
    return (
        letter.number,
        letter.room,
        letter.job_id,
        letter.type.value,
        letter.died_at_ms,
        letter.status,
        encodable(letter.error_code),
        encodable(letter.error_msg),
        encodable(letter.request_id),
        letter.wire,
        checksum(letter.room.encode(), bytes([letter.type]), letter.wire),
    )


def read_dead_letter(*values: Any) -> DeadLetter:
    """Return a dead letter from its columns, the last one its id; raises ``ValueError`` if it is damaged."""
    number, room, job_id, kind, died_at_ms, status, code, message, request_id, wire, crc, letter_id = values
    try:
        sound = checksum(room.encode(), bytes([kind]), wire) == crc
    except (TypeError, AttributeError):
        sound = False
    if not sound:
        raise ValueError("a dead letter is damaged")
    return DeadLetter(
        number, room, job_id, EventType(kind), died_at_ms, status, code, message, request_id, wire, letter_id
    )
