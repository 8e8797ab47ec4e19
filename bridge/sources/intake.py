"""From what a platform sent to what happened: replays, twins and combos are each told once.

Pure: time is passed in. One intake a source, kept across its reconnects. What it still owes is
handed to the spool as notes, so that a kill loses none of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from msgspec import Struct, field
from msgspec.structs import asdict

from bridge.events import Gift, LiveEvent, Streak, Twin, User, encodable
from bridge.pending import DropReason
from bridge.sources.dedupe import GENERATION_IDS, RecentKeys
from bridge.sources.streaks import Combo, Streaks
from bridge.sources.twins import Twins

MERGED_CHUNKS = 64
"""Each commit notes its new ids by themselves; so many such notes become one."""

_IDS = "ids/"
_COMBO = "combo/"
_HELD = "held/"


class Taken(Struct, frozen=True):
    """What came of some events: those to report, in order, and those that told nothing new."""

    events: list[LiveEvent] = field(default_factory=list)
    dropped: list[tuple[LiveEvent, DropReason]] = field(default_factory=list)


class Intake:
    """What one source has told already and what it still owes."""

    def __init__(self) -> None:
        self._ids = RecentKeys()
        self._twins = Twins()
        self._streaks = Streaks()
        self._new_ids: list[str] = []
        self._next_chunk = 0
        self._small_chunks: dict[str, list[str]] = {}
        self._chunk_sizes: dict[str, int] = {}
        self._noted_held: dict[str, bytes] = {}
        self.connected_at_ms = 0

    def offer(self, events: Iterable[LiveEvent], now: float) -> Taken:
        """Take decoded events; ``now`` is monotonic seconds."""
        out: list[LiveEvent] = []
        dropped: list[tuple[LiveEvent, DropReason]] = []
        for event in events:
            if event.id:
                if not self._ids.add(event.id):
                    dropped.append((event, DropReason.DUPLICATE))
                    continue
                self._new_ids.append(event.id)
            if event.twin is None and event.streak is None:
                out.append(event)
                continue
            told, swallowed = self._twins.offer(event, now)
            dropped.extend((twin, DropReason.TWIN) for twin in swallowed)
            for one in told:
                self._count(one, now, out, dropped)
        return Taken(out, dropped)

    def seen(self, event: LiveEvent) -> None:
        """Remember an event that is not to be told, so that its replay is not either."""
        if event.id and self._ids.add(event.id):
            self._new_ids.append(event.id)

    def due_at(self) -> float | None:
        """Return when something that waits must go out, ``None`` if nothing waits."""
        moments = [at for at in (self._twins.due_at(), self._streaks.due_at()) if at is not None]
        return min(moments, default=None)

    def due(self, now: float) -> Taken:
        """Return what has waited long enough."""
        return self._let_go(self._twins.due(now), now, self._streaks.due)

    def flush(self, now: float) -> Taken:
        """Let go of everything: the room ended, or we stop."""
        return self._let_go(self._twins.flush(), now, lambda _: self._streaks.flush())

    @property
    def held_events(self) -> int:
        """How many events wait for a twin or for the end of their combo."""
        return len(self._twins) + self._streaks.open_count

    @property
    def remembers(self) -> bool:
        """Whether anything was told before: by this process or, after ``restore``, by an earlier one."""
        return len(self._ids) > 0

    def notes(self) -> dict[str, bytes | None]:
        """Return what changed since the last call, to be written down beside the events; ``None`` deletes a note."""
        changes: dict[str, bytes | None] = {}
        if self._new_ids:
            self._note_ids(changes)
        for key, combo in self._streaks.changes().items():
            changes[_COMBO + key] = _packed(combo) if combo else None
        if self._noted_held or len(self._twins):
            held = {
                f"{_HELD}{encodable(event.id) or number}": _packed(event)
                for number, event in enumerate(self._twins.held())
            }
            changes.update((key, None) for key in self._noted_held.keys() - held.keys())
            changes.update((key, value) for key, value in held.items() if self._noted_held.get(key) != value)
            self._noted_held = held
        return changes

    def forget_notes(self) -> None:
        """Have the next ``notes`` tell everything: what was written down is lost."""
        self._new_ids = list(self._ids)
        self._small_chunks, self._chunk_sizes = {}, {}
        self._noted_held = {}
        self._streaks.all_changed()

    def restore(self, notes: Mapping[str, bytes], now: float) -> None:
        """Take up what an earlier process wrote down. Notes that cannot be read are skipped."""
        for key in sorted(notes):
            try:
                self._restore_note(key, notes[key], now)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    def _note_ids(self, changes: dict[str, bytes | None]) -> None:
        key = f"{_IDS}{self._next_chunk:012d}"
        self._next_chunk += 1
        ids, self._new_ids = self._new_ids, []
        self._small_chunks[key] = ids
        if len(self._small_chunks) >= MERGED_CHUNKS:
            changes.update(dict.fromkeys(self._small_chunks))
            ids = [one for chunk in self._small_chunks.values() for one in chunk]
            self._chunk_sizes[key] = len(ids)
            self._small_chunks = {}
            self._forget_old_chunks(changes)
        changes[key] = _packed(ids)

    def _forget_old_chunks(self, changes: dict[str, bytes | None]) -> None:
        """Keep at least as many ids as are remembered at least."""
        total = sum(self._chunk_sizes.values())
        while total - (size := next(iter(self._chunk_sizes.values()))) >= GENERATION_IDS:
            key = next(iter(self._chunk_sizes))
            del self._chunk_sizes[key]
            changes[key] = None
            total -= size

    def _restore_note(self, key: str, note: bytes, now: float) -> None:
        value = json.loads(note)
        if key.startswith(_IDS):
            self._next_chunk = max(self._next_chunk, int(key.removeprefix(_IDS)) + 1)
            self._chunk_sizes[key] = len(value)
            self._ids.update(value)
        elif key.startswith(_COMBO):
            last = _event(value["last"]) if value["last"] else None
            self._streaks.restore(key.removeprefix(_COMBO), Combo(**{**value, "quiet_at": now, "last": last}))
        elif key.startswith(_HELD):
            self._twins.offer(_event(value), now)
            self._noted_held[key] = note

    def _let_go(self, events: Iterable[LiveEvent], now: float, close: Callable[[float], list[LiveEvent]]) -> Taken:
        taken = Taken()
        for event in events:
            self._count(event, now, taken.events, taken.dropped)
        taken.events.extend(close(now))
        return taken

    def _count(
        self, event: LiveEvent, now: float, out: list[LiveEvent], dropped: list[tuple[LiveEvent, DropReason]]
    ) -> None:
        """Put an event through the combos, if it is part of one."""
        if event.streak is None:
            out.append(event)
            return
        told, useless = self._streaks.offer(event, now, self.connected_at_ms)
        out.extend(told)
        dropped.extend((frame, DropReason.STREAK) for frame in useless)


def _packed(value: Any) -> bytes:
    """Return structs and lists as JSON; what ``orjson`` refuses (halves of surrogate pairs, huge integers) too."""
    try:
        return orjson.dumps(value, default=asdict)
    except TypeError:
        return json.dumps(value, default=asdict).encode()


def _event(value: Any) -> LiveEvent:
    """Rebuild a gift from its JSON: only gifts are ever held or counted as combos."""
    content = value["content"]
    return LiveEvent(
        timestamp_ms=value["timestamp_ms"],
        content=Gift(**{**content, "user": User(**content["user"])}),
        id=value["id"],
        streak=Streak(**value["streak"]) if value["streak"] else None,
        twin=Twin(**value["twin"]) if value["twin"] else None,
    )
