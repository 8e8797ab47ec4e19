"""The file behind the spool: what was committed is found again, and nothing else, whatever became of the file."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import SpoolError
from bridge.events import EventType
from bridge.outbox import spool_file as module
from bridge.outbox.spool_file import FILE_NAME, DamagedError, SpoolFile, finish_replacing, replace, salvage
from bridge.outbox.spool_records import DeadLetter, Group, Note, Row


def row(number: int, room: str = "evening", kind: EventType = EventType.COMMENT) -> Row:
    """Return an event whose text says who it is."""
    return Row(number, room, kind, 1000 + number, b'{"number":%d,"text":"%s"}' % (number, b"x" * 40))


def letter(number: int, room: str = "evening") -> DeadLetter:
    return DeadLetter(number, room, "job-1", EventType.GIFT, 17, 400, "MSS.1", "no", "req-1", b'{"dead":%d}' % number)


def note(key: str, value: bytes | None = b"1") -> Note:
    return Note("evening", "pond:1", key, value)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SpoolFile]:
    opened = SpoolFile(tmp_path)
    yield opened
    opened.close()


def killed(directory: Path, to: Path) -> Path:
    """Return a directory as a kill at this moment would have left it: the file and its log, byte for byte."""
    to.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        if (directory / name).exists():
            shutil.copy(directory / name, to / name)
    return to


def recovered(directory: Path) -> list[Row]:
    file = SpoolFile(directory)
    try:
        return file.recover().rows
    finally:
        file.close()


def test_what_was_written_is_found_again_in_order_of_arrival(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1), row(2, "morning"), row(3)]))
    file.write(Group(rows=[row(4, kind=EventType.GIFT)], notes=[note("a"), note("b")]))
    file.close()

    again = SpoolFile(tmp_path)
    contents = again.recover()
    again.close()

    assert contents.rows == [row(1), row(2, "morning"), row(3), row(4, kind=EventType.GIFT)]
    assert contents.notes == {("evening", "pond:1"): {"a": b"1", "b": b"1"}}


def test_what_is_settled_is_gone_whether_alone_or_with_its_whole_group(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1), row(2), row(3)]))
    file.write(Group(rows=[row(4), row(5)], settled=[2]))
    file.write(Group(settled=[4, 5, 99]))

    assert recovered(killed(tmp_path, tmp_path / "killed")) == [row(1), row(3)]


def test_after_a_restart_the_rest_can_be_settled(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1), row(2), row(3)], settled=[2]))
    file.close()

    second = SpoolFile(tmp_path)
    second.recover()
    second.write(Group(settled=[1]))
    second.close()
    third = SpoolFile(tmp_path)
    assert third.recover().rows == [row(3)]
    third.write(Group(settled=[3]))
    third.close()

    assert recovered(tmp_path) == []
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        assert database.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
    database.close()


def test_a_note_is_replaced_and_deleted(file: SpoolFile) -> None:
    file.write(Group(notes=[note("a"), note("b"), note("c")]))
    file.write(Group(notes=[note("a", b"2"), note("b", None), note("never", None)]))

    assert file.recover().notes == {("evening", "pond:1"): {"a": b"2", "c": b"1"}}


def test_a_group_is_written_whole_or_not_at_all(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1)]))
    broken = Note("evening", "pond:1", "key", "no bytes")  # type: ignore[arg-type]

    with pytest.raises(TypeError):
        file.write(Group(rows=[row(2)], settled=[1], notes=[broken]))

    assert recovered(killed(tmp_path, tmp_path / "killed")) == [row(1)]
    file.write(Group(rows=[row(3)]))
    assert recovered(killed(tmp_path, tmp_path / "killed again")) == [row(1), row(3)]


def test_dead_letters_are_kept_oldest_first_and_listed_by_room(file: SpoolFile) -> None:
    file.write(Group(dead=[letter(1), letter(2, "morning")]))
    file.write(Group(dead=[letter(3)]))

    assert [(one.id, one.number) for one in file.dead_letters()] == [(1, 1), (2, 2), (3, 3)]
    assert [one.number for one in file.dead_letters("evening")] == [1, 3]
    assert file.dead_letters("nowhere") == []


def test_only_so_many_dead_letters_are_kept(file: SpoolFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DEAD_LETTERS", 3)

    for number in range(1, 6):
        file.write(Group(dead=[letter(number)]))

    assert [one.number for one in file.dead_letters()] == [3, 4, 5]


def test_a_dead_letter_can_be_dropped_once(file: SpoolFile) -> None:
    file.write(Group(dead=[letter(1), letter(2)]))

    removed = file.remove_dead_letter(1)

    assert removed is not None
    assert removed.number == 1
    assert file.remove_dead_letter(1) is None
    assert file.remove_dead_letter(0) is None
    assert [one.id for one in file.dead_letters()] == [2]


def test_a_dead_letter_comes_back_to_life_once(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1)], dead=[letter(2)]))

    revived = file.revive(1, 7, 5000)

    assert revived == Row(7, "evening", EventType.GIFT, 5000, b'{"dead":2}')
    assert file.revive(1, 8, 5000) is None
    assert file.dead_letters() == []
    assert recovered(killed(tmp_path, tmp_path / "killed")) == [row(1), revived]
    file.write(Group(settled=[7, 1]))
    assert file.recover().rows == []


def test_a_kill_while_a_letter_is_revived_loses_neither_letter_nor_event(
    tmp_path: Path, file: SpoolFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(Group(dead=[letter(2)]))

    def killed_here(_self: SpoolFile, _rows: object) -> None:
        killed(tmp_path, tmp_path / "killed")
        raise KeyboardInterrupt

    monkeypatch.setattr(SpoolFile, "_write_rows", killed_here)
    with pytest.raises(KeyboardInterrupt):
        file.revive(1, 7, 5000)

    after = SpoolFile(tmp_path / "killed")
    assert [one.number for one in after.dead_letters()] == [2]
    after.close()
    assert [one.number for one in file.dead_letters()] == [2]


def test_what_waits_is_summed_up_by_room_and_type(file: SpoolFile) -> None:
    file.write(Group(rows=[row(1), row(2), row(3, "morning"), row(4, kind=EventType.GIFT)], settled=[2]))

    assert file.waiting() == [
        ("evening", EventType.COMMENT, 1, len(row(1).wire), 1001),
        ("evening", EventType.GIFT, 1, len(row(4).wire), 1004),
        ("morning", EventType.COMMENT, 1, len(row(3).wire), 1003),
    ]
    assert file.highest_number() == 4


def test_an_empty_file_holds_nothing(file: SpoolFile) -> None:
    assert file.waiting() == []
    assert file.highest_number() == 0
    assert file.recover().rows == []


def test_nobody_else_can_read_the_file(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1)]))

    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (FILE_NAME, f"{FILE_NAME}-wal")}

    assert modes == {0o600}


def test_every_commit_waits_for_the_disk(file: SpoolFile) -> None:
    assert file._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert file._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_it_can_be_read_while_it_is_written(tmp_path: Path, file: SpoolFile) -> None:
    odd = tmp_path / "a ?odd#50%name"
    odd.mkdir()
    writer = SpoolFile(odd)
    writer.write(Group(rows=[row(1)], dead=[letter(2)]))

    reader = SpoolFile(odd, read_only=True)

    assert reader.waiting()[0][2] == 1
    assert len(reader.dead_letters()) == 1
    with pytest.raises(SpoolError):
        reader.write(Group(rows=[row(3)]))
    reader.close()
    writer.close()


def test_a_file_of_another_version_is_refused_and_left_untouched(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1)]))
    file.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("PRAGMA user_version=2")
    database.close()
    before = (tmp_path / FILE_NAME).read_bytes()

    with pytest.raises(SpoolError, match=r"another version of the bridge \(schema 2, this one knows 1\)") as caught:
        SpoolFile(tmp_path)
    assert not isinstance(caught.value, DamagedError)
    with pytest.raises(SpoolError, match="left untouched"):
        salvage(tmp_path)

    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_file_that_cannot_be_had_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(SpoolError) as caught:
        SpoolFile(tmp_path)

    assert not isinstance(caught.value, DamagedError)


@pytest.mark.parametrize("garbage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_damaged_and_nothing_can_be_salvaged(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(garbage)

    with pytest.raises(DamagedError):
        SpoolFile(tmp_path).recover()

    assert salvage(tmp_path).rows == []


def test_one_damaged_chunk_keeps_nobody_from_the_others(tmp_path: Path, file: SpoolFile) -> None:
    for number in range(1, 6):
        file.write(Group(rows=[row(number)], dead=[letter(number)], notes=[note(str(number))]))
    file.close()
    data = (tmp_path / FILE_NAME).read_bytes()
    for old, new in (
        (b'{"number":3,', b'{"number":8,'),
        (b'{"dead":2}', b'{"dead":9}'),
    ):
        assert data.count(old) == 1
        data = data.replace(old, new)
    (tmp_path / FILE_NAME).write_bytes(data)

    damaged = SpoolFile(tmp_path)
    with pytest.raises(DamagedError, match="a chunk of events is damaged"):
        damaged.recover()
    damaged.close()
    contents = salvage(tmp_path)

    assert contents.rows == [row(1), row(2), row(4), row(5)]
    assert [one.number for one in contents.dead] == [1, 3, 4, 5]
    assert len(contents.notes["evening", "pond:1"]) == 5


def test_a_fresh_file_takes_the_place_of_the_old_one_which_is_set_aside(tmp_path: Path, file: SpoolFile) -> None:
    file.write(Group(rows=[row(1)], dead=[letter(2)]))
    assert [one.number for one in file.give_up()] == [2]

    aside = replace(tmp_path, Group(rows=[row(3)], dead=[letter(4)], notes=[note("a")]))

    assert aside is not None
    assert recovered(_as_spool(aside, tmp_path / "copy")) == [row(1)]
    assert recovered(tmp_path) == [row(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", FILE_NAME, aside.name]


def test_where_no_file_was_the_fresh_one_is_simply_there(tmp_path: Path) -> None:
    assert replace(tmp_path, Group(rows=[row(3)])) is None
    assert recovered(tmp_path) == [row(3)]


def test_when_the_fresh_file_cannot_be_written_the_old_one_stays(
    tmp_path: Path, file: SpoolFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(Group(rows=[row(1)]))
    file.give_up()

    def full(_self: SpoolFile, _group: Group) -> None:
        raise SpoolError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SpoolFile, "write", full)
        with pytest.raises(SpoolError, match="full"):
            replace(tmp_path, Group(rows=[row(3)]))

    assert recovered(tmp_path) == [row(1)]
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_of_replacing_leaves_the_old_file_or_the_fresh_one(
    step: int, tmp_path: Path, file: SpoolFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(Group(rows=[row(1)]))
    directory = killed(tmp_path, tmp_path / "copy")
    assert (directory / f"{FILE_NAME}-wal").exists()
    renames = iter(range(10))

    def rename(self: Path, target: Path) -> None:
        if self.exists() and next(renames) == step:
            raise KeyboardInterrupt
        os.replace(self, target)  # noqa: PTH105 - this stands in for it

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", rename)
        with contextlib.suppress(KeyboardInterrupt):
            replace(directory, Group(rows=[row(3)]))

    finish_replacing(directory)
    assert recovered(directory) == ([row(1)] if step == 0 else [row(3)])
    assert not (directory / "fresh").exists()


def _as_spool(path: Path, directory: Path) -> Path:
    directory.mkdir()
    shutil.copy(path, directory / FILE_NAME)
    return directory


WRITTEN = {number: row(number) for number in range(1, 41)}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a file and a log, as a kill leaves them: half of it is folded in, half only logged."""
    directory = tmp_path_factory.mktemp("victim")
    file = SpoolFile(directory)
    for number in range(1, 21):
        file.write(Group(rows=[row(number)], notes=[note(str(number))], dead=[letter(number)]))
    file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(21, 41):
        file.write(Group(rows=[row(number)], settled=[number - 10], notes=[note(str(number))]))
    copy = killed(directory, directory / "killed")
    file.close()
    return copy


def opened_somehow(directory: Path) -> list[Row]:
    """Open as the spool does: recover, or else salvage and set aside. Returns the events found."""
    try:
        return recovered(directory)
    except DamagedError:
        found = salvage(directory).rows
        assert replace(directory, Group(rows=found))
        assert recovered(directory) == found
        return found


def opened_or_refused(directory: Path) -> list[Row]:
    """Open, or find the version to be another one: what bits can also turn."""
    try:
        return opened_somehow(directory)
    except SpoolError as error:
        if "another version" not in str(error):
            raise
        return []


def copy_of(victim: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return killed(victim, to)


def test_the_victim_is_sound(victim: Path, tmp_path: Path) -> None:
    assert recovered(copy_of(victim, tmp_path / "copy")) == [
        WRITTEN[number] for number in (*range(1, 11), *range(31, 41))
    ]
    assert (victim / f"{FILE_NAME}-wal").stat().st_size > 32 * 1024


def test_a_torn_log_loses_only_its_tail(victim: Path, tmp_path: Path) -> None:
    size = (victim / f"{FILE_NAME}-wal").stat().st_size
    found_before = 0
    for length in range(0, size + 1, 4096 + 512 + 24):
        directory = copy_of(victim, tmp_path / "copy")
        os.truncate(directory / f"{FILE_NAME}-wal", length)

        found = recovered(directory)

        assert all(one == WRITTEN[one.number] for one in found)
        newest = max(one.number for one in found)
        assert {one.number for one in found} >= set(range(1, 11)) | set(range(21, newest + 1)) - set(range(21, 31))
        assert newest >= found_before
        found_before = newest


def test_a_torn_file_opens_and_invents_nothing(victim: Path, tmp_path: Path) -> None:
    size = (victim / FILE_NAME).stat().st_size
    for length in range(0, size, 512 * 3):
        directory = copy_of(victim, tmp_path / "copy")
        os.truncate(directory / FILE_NAME, length)

        assert all(one == WRITTEN[one.number] for one in opened_somehow(directory))


@given(st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_turned_bits_alter_no_event(victim: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever turns, the spool opens or is refused for its version; an event found is one that was written."""
    directory = copy_of(victim, tmp_path / "copy")
    path = directory / data.draw(st.sampled_from([FILE_NAME, f"{FILE_NAME}-wal"]))
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) * 8 - 1), min_size=1, max_size=8)):
        content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)

    assert all(one == WRITTEN[one.number] for one in opened_or_refused(directory))
