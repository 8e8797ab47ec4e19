from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.config import BridgeSettings, load, load_bridge
from bridge.errors import ConfigError
from bridge.secret import Secret
from tests.config.toys import ROOM, TOYS, Directory


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, {}, TOYS)
    return caught.value.problems


def test_rooms_are_the_files_of_the_folder_by_name(directory: Directory) -> None:
    for file in ("rooms/b-2.yml", "rooms/a_1.YAML", "rooms/0.yaml"):
        directory.write(file, ROOM)
    for file in ("rooms/.hidden.yaml", "rooms/readme.md", "rooms/old.yaml.bak", "rooms/deeper/x.yaml"):
        directory.write(file, "not: a room")
    config = directory.load()
    assert [room.name for room in config.rooms] == ["0", "a_1", "b-2", "evening"]
    assert config.directory == directory.path
    assert config.rooms[0].file == directory.path / "rooms/0.yaml"


def test_all_problems_of_all_files_are_told_at_once(directory: Directory) -> None:
    directory.write("bridge.yaml", "log: {level: loud}\nserver: {listen: 0.0.0.0:80}\nspol: 1\n")
    directory.write("rooms/a.yaml", "sources:\n\t- platform: pond\n")
    directory.write("rooms/b.yaml", ROOM + "  url: again\n")
    directory.write("rooms/c.yaml", ROOM.replace("REPORT_URL", "NONE").replace("pond", "pnod"))
    directory.write("rooms/d.yaml", "- 1\n")
    assert directory.problems() == [
        "bridge.yaml: server.admin_token: is missing, others can reach this address: a token, or listen on 127.0.0.1 only",
        "bridge.yaml: log.level: is not a known value: one of 'debug', 'info', 'warning' or 'error'",
        "bridge.yaml: spol: unknown key, did you mean spool?: one of log, memory, metastudio, server, shutdown_budget_secs, spool",
        "rooms/a.yaml: line 2: is indented with a tab: spaces only",
        "rooms/b.yaml: report.url: is given twice: it stands in lines 5 and 6, keep one",
        "rooms/c.yaml: report.url: the environment variable NONE is not set: set it, or write ${NONE:-default}",
        "rooms/c.yaml: sources[0].platform: unknown platform, did you mean pond?: one of mail, pond",
        "rooms/d.yaml: document: is a list: key: value lines",
    ]


def test_the_error_is_its_lines_and_exits_with_2(directory: Directory) -> None:
    directory.write("rooms/evening.yaml", "")
    with pytest.raises(ConfigError) as caught:
        directory.load()
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert caught.value.exit_code == 2


def test_a_missing_directory_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert problems_of(path) == [
        f"{path}: directory: cannot be read (No such file or directory): a directory with rooms/"
    ]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert problems_of(path) == [f"{path}: directory: cannot be read (Not a directory): a directory with rooms/"]


def test_no_rooms_are_a_problem(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == [
        "rooms: directory: cannot be read (No such file or directory): a directory with a file for each room"
    ]
    (tmp_path / "rooms").mkdir()
    assert problems_of(tmp_path) == ["rooms: directory: holds no room: at least one file rooms/NAME.yaml"]


@pytest.mark.parametrize("name", ["Evening", "evening show", "-a", "_a", "a.b", "夜", "a" * 64])
def test_a_rooms_name_is_plain(directory: Directory, name: str) -> None:
    directory.write(f"rooms/{name}.yaml", ROOM)
    allowed = "a-z, 0-9, - and _ before .yaml, a letter or digit first, at most 63"
    assert directory.problems() == [f"rooms/{name}.yaml: name: the file's name is no room name: {allowed}"]


def test_a_files_name_stays_on_one_line(directory: Directory) -> None:
    directory.write("rooms/a\nb.yaml", ROOM)
    assert directory.problems()[0].startswith(r"rooms/a\nb.yaml: name: ")


def test_two_files_of_one_name_are_a_problem(directory: Directory) -> None:
    directory.write("rooms/evening.yml", ROOM)
    directory.write("bridge.yaml", "")
    directory.write("bridge.yml", "")
    assert directory.problems() == [
        "bridge.yml: name: bridge.yaml stands beside it: one of the two files",
        "rooms/evening.yml: name: evening.yaml stands beside it: one of the two files",
    ]


def test_a_file_that_cannot_be_read_is_a_problem(directory: Directory) -> None:
    (directory.path / "rooms/gone.yaml").symlink_to("nowhere")
    (directory.path / "rooms/latin.yaml").write_bytes(b"a: \xff\n")
    (directory.path / "rooms/folder.yaml").mkdir()
    (directory.path / "rooms/large.yaml").write_bytes(b"#" * (5 * 1024 * 1024))
    assert directory.problems() == [
        "rooms/folder.yaml: document: cannot be read (Is a directory): a readable file",
        "rooms/gone.yaml: document: cannot be read (No such file or directory): a readable file",
        "rooms/large.yaml: document: cannot be read (File too large): a readable file",
        "rooms/latin.yaml: document: is not UTF-8: UTF-8 text",
    ]


def test_a_broken_bridge_file_does_not_make_rooms_wrong(directory: Directory) -> None:
    directory.write("bridge.yaml", "metastudio: [\n")
    directory.write("rooms/evening.yaml", ROOM.replace("url: ${REPORT_URL}", "smart_live_room_id: r"))
    [line] = directory.problems()
    assert line.startswith("bridge.yaml: line ")


def test_windows_line_ends_and_marks_are_read(directory: Directory) -> None:
    directory.write("rooms/evening.yaml", "\ufeff" + ROOM.replace("\n", "\r\n"))
    assert len(directory.load().rooms) == 1


def test_the_bridges_file_can_be_read_without_rooms(tmp_path: Path) -> None:
    assert load_bridge(tmp_path, {}) == BridgeSettings()
    (tmp_path / "bridge.yaml").write_text("log: {level: ${LEVEL:-debug}}".replace("${", '"${').replace("}}", '}"}'))
    assert load_bridge(tmp_path, {}).log.level == "debug"
    (tmp_path / "bridge.yaml").write_text("logs: {}")
    with pytest.raises(ConfigError, match="did you mean log"):
        load_bridge(tmp_path, {})


def test_the_environment_of_the_process_will_do(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORT_URL", "https://cloud.example/a")
    assert load(directory.path, os.environ, TOYS).rooms[0].report.url() == Secret("https://cloud.example/a")
