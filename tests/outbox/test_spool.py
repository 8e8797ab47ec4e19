"""What must survive a kill does, whatever the disk does; and live latency never waits for the disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bridge.errors import SpoolError, SpoolLockedError
from bridge.events import EventType
from bridge.outbox.spool import RETRY_SECS, Spool, lock, rows_by_room
from bridge.outbox.spool_file import FILE_NAME, SpoolFile
from bridge.outbox.spool_records import DeadLetter, Note, Row
from tests.fakes import FakeClock, settle
from tests.samples import NOW_MS, pending

T = TypeVar("T")
INTERVAL_SECS = 0.05


def wire(number: int) -> bytes:
    return b'{"number":%d}' % number


def letter(number: int, room: str = "evening") -> DeadLetter:
    return DeadLetter(number, room, "job-1", EventType.COMMENT, NOW_MS, 400, "MSS.1", "no", "req-1", wire(number))


def add(spool: Spool, room: str = "evening") -> int:
    """Hand over one event; returns its number."""
    number = spool.next_number()
    spool.add(room, pending(number, wire=wire(number)), NOW_MS)
    return number


@contextlib.contextmanager
def disk_fault() -> Iterator[None]:
    """Let no transaction be committed, as when the disk is full: each breaks off after everything was written."""
    transaction = SpoolFile._transaction

    @contextlib.contextmanager
    def failing(self: SpoolFile) -> Iterator[None]:
        with transaction(self):
            yield
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpoolFile, "_transaction", failing)
        yield


class Notes:
    """A source of notes that tells what changed, or everything."""

    def __init__(self) -> None:
        self.now: dict[str, bytes] = {}
        self._told: dict[str, bytes] = {}

    def __call__(self, *, whole: bool) -> Iterable[Note]:
        told = {} if whole else self._told
        changed = {key: value for key, value in self.now.items() if told.get(key) != value}
        gone = told.keys() - self.now.keys()
        self._told = dict(self.now)
        return [
            *(Note("evening", "pond:1", key, None) for key in gone),
            *(Note("evening", "pond:1", key, value) for key, value in changed.items()),
        ]


async def opened(directory: Path, clock: FakeClock | None = None) -> Spool:
    spool = Spool(directory, clock or FakeClock(), commit_interval_secs=INTERVAL_SECS)
    await spool.open()
    return spool


def as_killed(spool: Spool, to: Path) -> Path:
    """Return a directory as a kill at this moment would leave it."""
    to.mkdir(parents=True)
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(spool._directory / name, to / name)
    return to


def let_go(spool: Spool) -> None:
    if spool._file is not None:
        spool._file._db.close()
    spool._thread.shutdown()
    os.close(spool._lock_fd)


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def spool(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Spool]:
    opened_here = await opened(tmp_path / "spool", clock)
    yield opened_here
    await opened_here.close()


@pytest.fixture
async def writing(spool: Spool) -> AsyncIterator[Spool]:
    """Return a spool that commits by itself."""
    task = asyncio.create_task(spool.run())
    yield spool
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_written(spool: Spool, commits: int = 1) -> None:
    """Wait for the worker thread; time does not pass."""
    async with asyncio.timeout(5):
        while spool.statistics.commits + spool.statistics.faults < commits:
            await asyncio.sleep(0.001)
    await settle()


async def test_what_was_committed_is_found_again_in_order_with_its_notes(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    notes = Notes()
    first.notes_from(notes)
    notes.now = {"a": b"1"}
    numbers = [add(first, room) for room in ("evening", "morning", "evening")]
    await first.commit()
    await first.close()

    second = Spool(tmp_path, FakeClock())
    recovered = await second.open()

    assert [(row.number, row.room, row.wire) for row in recovered.rows] == [
        (number, room, wire(number)) for number, room in zip(numbers, ("evening", "morning", "evening"), strict=True)
    ]
    assert recovered.notes == {("evening", "pond:1"): {"a": b"1"}}
    assert recovered.set_aside is None
    assert second.kept_events() == 3
    assert second.next_number() > max(numbers)
    await second.close()


async def test_a_commit_follows_the_first_change_within_the_interval(writing: Spool, clock: FakeClock) -> None:
    add(writing)
    await clock.advance(INTERVAL_SECS / 2)
    add(writing)
    await clock.advance(INTERVAL_SECS / 2 - 0.001)
    assert writing.statistics.commits == 0

    await clock.advance(0.001)
    await until_written(writing)

    assert (writing.statistics.commits, writing.statistics.committed_events) == (1, 2)


async def test_nothing_is_written_when_nothing_changed(writing: Spool, clock: FakeClock) -> None:
    await clock.advance(60)
    await writing.commit()

    assert writing.statistics.commits == 0


async def test_an_event_settled_before_its_commit_never_touches_the_file(spool: Spool) -> None:
    spool.settle([add(spool)])
    await spool.commit()

    assert spool.statistics.commits == 0
    assert spool.kept_events() == 0
    spool.settle([99])


async def test_an_event_settled_while_its_group_is_written_is_taken_out_by_the_next(
    spool: Spool, tmp_path: Path
) -> None:
    number = add(spool)
    committing = asyncio.create_task(spool.commit())
    await asyncio.sleep(0)
    spool.settle([number])
    await committing
    await spool.commit()

    with contextlib.closing(SpoolFile(tmp_path / "spool", read_only=True)) as file:
        assert file.waiting() == []


async def test_durable_returns_only_after_the_commit_and_does_not_wait_for_the_interval(
    writing: Spool, tmp_path: Path
) -> None:
    number = add(writing)

    await asyncio.wait_for(writing.durable(), 5)

    with contextlib.closing(SpoolFile(tmp_path / "spool", read_only=True)) as file:
        assert file.highest_number() == number


async def test_durable_waits_for_what_is_handed_over_while_a_group_is_written(spool: Spool) -> None:
    add(spool)
    first = asyncio.create_task(spool.commit())
    await asyncio.sleep(0)
    add(spool)
    durable = asyncio.create_task(spool.durable())
    await first
    await settle()
    assert not durable.done()

    await spool.commit()
    await asyncio.wait_for(durable, 5)

    assert spool.statistics.committed_events == 2


async def test_durable_raises_when_the_disk_is_at_fault(writing: Spool) -> None:
    add(writing)
    with disk_fault():
        with pytest.raises(SpoolError):
            await asyncio.wait_for(writing.durable(), 5)
        assert writing.statistics.degraded
        with pytest.raises(SpoolError):
            await asyncio.wait_for(writing.durable(), 5)


async def test_after_a_fault_everything_is_written_anew_into_a_fresh_file(spool: Spool, tmp_path: Path) -> None:
    notes = Notes()
    spool.notes_from(notes)
    notes.now = {"old": b"1"}
    kept, gone = add(spool), add(spool)
    spool.dead_letter(letter(7))
    await spool.commit()
    with pytest.MonkeyPatch.context() as patch:
        faults = iter([sqlite3.OperationalError("disk I/O error")])
        patch.setattr(SpoolFile, "_write_dead", _failing_once(SpoolFile._write_dead, faults))
        notes.now["new"] = b"2"
        spool.dead_letter(letter(8))
        spool.settle([gone])
        fresh = add(spool)
        await spool.commit()

    assert not spool.statistics.degraded
    assert spool.statistics.faults == 1
    assert len(list((tmp_path / "spool").glob("*.bad-*"))) >= 1
    again = SpoolFile(as_killed(spool, tmp_path / "killed"))
    contents = again.recover()
    assert [row.number for row in contents.rows] == [kept, fresh]
    assert contents.notes == {("evening", "pond:1"): {"old": b"1", "new": b"2"}}
    assert [one.number for one in again.dead_letters()] == [7, 8]
    again.close()


def _failing_once(method: Any, faults: Iterator[Exception]) -> Any:
    def failing(*arguments: Any) -> None:
        for fault in faults:
            raise fault
        method(*arguments)

    return failing


async def test_while_the_disk_is_at_fault_the_bridge_goes_on_in_memory_and_tries_again(
    writing: Spool, clock: FakeClock, tmp_path: Path
) -> None:
    first = add(writing)
    with disk_fault():
        await clock.advance(INTERVAL_SECS)
        await until_written(writing, 2)
        assert writing.statistics.degraded
        second = add(writing)
        await clock.advance(RETRY_SECS - 1)
        assert writing.statistics.faults == 2
        await clock.advance(1 + INTERVAL_SECS)
        await until_written(writing, 3)
        assert writing.statistics.degraded
    assert writing.kept_events() == 2
    assert [path.name for path in (tmp_path / "spool").glob("*.bad-*")] == []

    await clock.advance(RETRY_SECS + INTERVAL_SECS)
    await until_written(writing, 4)

    assert not writing.statistics.degraded
    await asyncio.wait_for(writing.durable(), 5)
    with contextlib.closing(SpoolFile(tmp_path / "spool", read_only=True)) as file:
        assert file.highest_number() == second
        assert file.waiting()[0][2] == 2
    assert first < second


async def test_what_was_durable_before_a_fault_survives_a_kill_during_it(spool: Spool, tmp_path: Path) -> None:
    number = add(spool)
    await spool.commit()
    with disk_fault():
        add(spool)
        await spool.commit()
        assert spool.statistics.degraded
        directory = tmp_path / "killed"
        shutil.copytree(tmp_path / "spool", directory, ignore=shutil.ignore_patterns("lock"))

    after = Spool(directory, FakeClock())
    assert [row.number for row in (await after.open()).rows] == [number]
    await after.close()


async def test_a_dead_letter_takes_its_row_with_it(spool: Spool, tmp_path: Path) -> None:
    number = add(spool)
    await spool.commit()
    spool.dead_letter(letter(number))
    await spool.commit()

    assert spool.kept_events() == 0
    with contextlib.closing(SpoolFile(tmp_path / "spool", read_only=True)) as file:
        assert file.waiting() == []
        assert [one.number for one in file.dead_letters()] == [number]


async def test_a_revived_letter_is_an_event_again_until_it_is_settled(spool: Spool, tmp_path: Path) -> None:
    spool.dead_letter(letter(1))
    await spool.commit()
    number = spool.next_number()

    row = await spool.revive(1, number, NOW_MS)

    assert row == Row(number, "evening", EventType.COMMENT, NOW_MS, wire(1))
    assert spool.kept_events() == 1
    assert await spool.revive(1, number + 1, NOW_MS) is None
    spool.settle([number])
    await spool.commit()
    with contextlib.closing(SpoolFile(tmp_path / "spool", read_only=True)) as file:
        assert file.waiting() == []


async def test_a_dropped_letter_is_gone(spool: Spool) -> None:
    spool.dead_letter(letter(1))
    await spool.commit()

    dropped = await spool.drop_dead_letter(1)

    assert dropped is not None
    assert dropped.wire == wire(1)
    assert await spool.drop_dead_letter(1) is None


async def test_letters_cannot_be_asked_for_while_there_is_no_file(spool: Spool) -> None:
    spool.dead_letter(letter(1))
    with disk_fault():
        await spool.commit()
        with pytest.raises(SpoolError):
            await spool.revive(1, 5, NOW_MS)
    await spool.commit()

    assert await spool.drop_dead_letter(1) is not None


async def test_a_second_bridge_on_the_same_directory_is_refused(spool: Spool, tmp_path: Path) -> None:
    second = Spool(tmp_path / "spool", FakeClock())

    with pytest.raises(SpoolLockedError, match="another live-event-bridge is using it"):
        await second.open()

    add(spool)
    await spool.commit()
    assert spool.statistics.commits == 1


@pytest.mark.slow
async def test_another_process_on_the_same_directory_is_refused(spool: Spool, tmp_path: Path) -> None:
    script = f"from pathlib import Path; from bridge.outbox.spool import lock; lock(Path({str(tmp_path / 'spool')!r}))"

    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=subprocess.PIPE)
    _, errors = await other.communicate()

    assert other.returncode == 1
    assert b"SpoolLockedError" in errors


async def test_the_directory_is_free_again_after_closing(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    with pytest.raises(SpoolLockedError):
        lock(tmp_path)

    await first.close()

    os.close(lock(tmp_path))


async def test_a_spool_of_another_version_is_refused_untouched_and_without_keeping_the_lock(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    await first.close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("PRAGMA user_version=9")
    before = (tmp_path / FILE_NAME).read_bytes()

    with pytest.raises(SpoolError, match="another version"):
        await Spool(tmp_path, FakeClock()).open()

    assert (tmp_path / FILE_NAME).read_bytes() == before
    os.close(lock(tmp_path))


async def test_a_damaged_spool_is_set_aside_and_what_is_sound_goes_on(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    numbers = []
    for _ in range(3):
        numbers.append(add(first))
        await first.commit()
    first.dead_letter(letter(77))
    await first.close()
    data = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(data.replace(wire(numbers[1]), wire(9)))

    second = Spool(tmp_path, FakeClock())
    recovered = await second.open()

    assert [row.number for row in recovered.rows] == [numbers[0], numbers[2]]
    assert recovered.set_aside is not None
    assert recovered.set_aside.exists()
    second.settle([numbers[0]])
    await second.close()
    third = Spool(tmp_path, FakeClock())
    recovered = await third.open()
    assert [row.number for row in recovered.rows] == [numbers[2]]
    assert recovered.set_aside is None
    assert await third.drop_dead_letter(1) is not None
    await third.close()


async def test_a_directory_that_cannot_be_used_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(SpoolError, match=r"spool.directory .*/file/spool: Not a directory"):
        await Spool(tmp_path / "file" / "spool", FakeClock()).open()
    with pytest.raises(SpoolError, match=r"spool.directory .*/absent: No such file"):
        lock(tmp_path / "absent")


async def test_a_writer_that_is_cancelled_while_it_writes_loses_nothing(tmp_path: Path) -> None:
    """The worker thread is busy with something else, so that the group still waits for it."""
    spool = await opened(tmp_path)
    busy = threading.Event()
    asyncio.get_running_loop().run_in_executor(spool._thread, busy.wait)
    number = add(spool)
    committing = asyncio.create_task(spool.commit())
    await settle()
    committing.cancel()
    await asyncio.gather(committing, return_exceptions=True)
    busy.set()
    await spool.close()

    with contextlib.closing(SpoolFile(tmp_path, read_only=True)) as file:
        assert file.highest_number() == number


async def test_all_notes_are_asked_for_only_when_the_disk_has_none(spool: Spool) -> None:
    asked: list[bool] = []

    def notes(*, whole: bool) -> Iterable[Note]:
        asked.append(whole)
        return []

    spool.notes_from(notes)
    await spool.commit()
    add(spool)
    await spool.commit()
    with disk_fault():
        add(spool)
        await spool.commit()
    await spool.commit()
    await spool.commit()

    assert asked == [False, False, False, True, True, False]


async def test_a_bug_in_a_source_of_notes_leaves_nobody_waiting_and_loses_no_event(spool: Spool) -> None:
    bugs = iter([RuntimeError("a bug")])

    def buggy(*, whole: bool) -> Iterable[Note]:
        for bug in bugs:
            raise bug
        return []

    notes = Notes()
    notes.now = {"a": b"1"}
    spool.notes_from(notes)
    spool.notes_from(buggy)
    add(spool)
    waiter = asyncio.create_task(spool.durable())
    await settle()
    with pytest.raises(RuntimeError):
        await spool.commit()
    with pytest.raises(SpoolError):
        await asyncio.wait_for(waiter, 5)

    await spool.commit()

    assert spool.statistics.committed_events == 1
    assert spool._file is not None
    assert spool._file.recover().notes == {("evening", "pond:1"): {"a": b"1"}}


async def test_a_waiter_that_was_cancelled_does_not_disturb_the_commit(spool: Spool) -> None:
    add(spool)
    waiter = asyncio.create_task(spool.durable())
    await settle()
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)

    await spool.commit()

    assert spool.statistics.commits == 1


def test_rows_are_sorted_into_rooms() -> None:
    rows = [Row(number, room, EventType.GIFT, 0, b"") for number, room in ((1, "a"), (2, "b"), (3, "a"))]

    assert rows_by_room(rows) == {"a": [rows[0], rows[2]], "b": [rows[1]]}


class SpoolAgainstAModel(RuleBasedStateMachine):
    """Whatever is done to it, what a kill leaves behind is what the last commit wrote."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.root = Path(tempfile.mkdtemp(prefix="spool-model-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.lives = 0
        self.fault = contextlib.ExitStack()
        self.faulty = False
        self.kept: dict[int, bytes] = {}
        self.dead: list[bytes] = []
        self.notes = Notes()
        self.disk: tuple[dict[int, bytes], list[bytes], dict[str, bytes]] = ({}, [], {})
        self.spool = self.run(opened(self.root / "0"))
        self.spool.notes_from(self.notes)

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.fault.close()
            self.run(self.spool.close())
            self.loop.close()
            shutil.rmtree(self.root)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @rule(room=st.sampled_from(["evening", "morning"]))
    def add(self, room: str) -> None:
        number = add(self.spool, room)
        self.kept[number] = wire(number)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        numbers = data.draw(st.lists(st.sampled_from(sorted(self.kept)), unique=True))
        self.spool.settle([*numbers, 10**9])
        for number in numbers:
            del self.kept[number]

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def dead_letter(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.kept)))
        self.dead.append(self.kept.pop(number))
        self.spool.dead_letter(replace(letter(number), wire=self.dead[-1]))

    @rule(key=st.sampled_from("abc"), value=st.none() | st.binary(max_size=3))
    def note(self, key: str, value: bytes | None) -> None:
        self.notes.now.pop(key, None)
        if value is not None:
            self.notes.now[key] = value

    @rule()
    def commit(self) -> None:
        self.run(self.spool.commit())
        self._after_commit()

    @rule()
    def durable(self) -> None:
        waiting = self.loop.create_task(self.spool.durable())
        self.run(settle())
        self.run(self.spool.commit())
        self.run(asyncio.wait((waiting,), timeout=5))
        assert waiting.done()
        error = waiting.exception()
        assert error is None or isinstance(error, SpoolError)
        if error is None:
            assert not self.spool.statistics.degraded
        self._after_commit()

    @precondition(lambda self: not self.faulty)
    @rule()
    def disk_breaks(self) -> None:
        self.fault.enter_context(disk_fault())
        self.faulty = True

    @precondition(lambda self: self.faulty)
    @rule()
    def disk_works_again(self) -> None:
        self.fault.close()
        self.faulty = False

    @precondition(lambda self: self.disk[1])
    @rule(data=st.data(), revives=st.booleans())
    def letter_is_revived_or_dropped(self, data: st.DataObject, revives: bool) -> None:
        with contextlib.closing(SpoolFile(self.spool._directory, read_only=True)) as file:
            chosen = data.draw(st.sampled_from(file.dead_letters()))
        number = self.spool.next_number()
        change = self.spool.revive(chosen.id, number, NOW_MS) if revives else self.spool.drop_dead_letter(chosen.id)
        try:
            assert self.run(change) is not None
        except SpoolError:
            assert self.faulty or self.spool.statistics.degraded
            return
        kept, dead, _ = self.disk
        for letters in (self.dead, dead):
            letters.remove(chosen.wire)
        if revives:
            self.kept[number] = kept[number] = chosen.wire

    @rule()
    def kill(self) -> None:
        self.lives += 1
        directory = as_killed(self.spool, self.root / str(self.lives))
        let_go(self.spool)
        self._begin_a_life(directory)

    @rule()
    def restart(self) -> None:
        self.run(self.spool.close())
        if not self.faulty:
            self.disk = (dict(self.kept), list(self.dead), dict(self.notes.now))
        self._begin_a_life(self.spool._directory)

    def _after_commit(self) -> None:
        if self.spool.statistics.degraded:
            assert self.faulty
        else:
            self.disk = (dict(self.kept), list(self.dead), dict(self.notes.now))

    def _begin_a_life(self, directory: Path) -> None:
        self.fault.close()
        self.faulty = False
        kept, dead, notes = self.disk
        self.spool = Spool(directory, FakeClock())
        recovered = self.run(self.spool.open())
        assert {row.number: row.wire for row in recovered.rows} == kept
        assert [row.number for row in recovered.rows] == sorted(kept)
        assert recovered.notes.get(("evening", "pond:1"), {}) == notes
        assert recovered.set_aside is None
        with contextlib.closing(SpoolFile(directory, read_only=True)) as file:
            assert [one.wire for one in file.dead_letters()] == dead
        self.kept, self.dead = dict(kept), list(dead)
        self.notes = Notes()
        self.notes.now = dict(notes)
        self.notes(whole=True)
        self.spool.notes_from(self.notes)


TestSpoolAgainstAModel = SpoolAgainstAModel.TestCase
TestSpoolAgainstAModel.settings = settings(deadline=None, max_examples=40, stateful_step_count=25)
