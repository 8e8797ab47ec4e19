"""``dead-letters`` and ``spool``: what the cloud refused, and what waits, on a spool that stands still or is in use."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from bridge.events import EventType
from bridge.outbox.spool import lock
from bridge.outbox.spool_file import SpoolFile
from bridge.outbox.spool_records import DeadLetter, Group, Row
from tests.cli.program import Program
from tests.samples import ANN, NOW_MS, comment, event, rose

WORDS = "[/b] [bold]markup[/nonsense] :smile: 你好"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration whose spool holds two events and two dead letters."""
    directory = tmp_path / "spool"
    directory.mkdir()
    (tmp_path / "bridge.yaml").write_text(
        f"spool: {{directory: '{directory}'}}\nserver: {{listen: '127.0.0.1:1', admin_token: adm1n-t0ken}}\n"
    )
    with closing(SpoolFile(directory)) as file:
        file.write(
            Group(
                rows=[
                    Row(1, "evening", EventType.COMMENT, NOW_MS, comment("a").to_wire()),
                    Row(2, "evening", EventType.GIFT, NOW_MS + 5000, event(rose()).to_wire()),
                ],
                dead=[
                    DeadLetter(
                        3,
                        "evening",
                        "job-1",
                        EventType.COMMENT,
                        NOW_MS,
                        400,
                        "MSS.1",
                        "no",
                        "req-1",
                        comment(WORDS).to_wire(),
                    ),
                    DeadLetter(4, "morning", "job-2", EventType.GIFT, NOW_MS, 413, "", "", "", event(rose()).to_wire()),
                ],
            )
        )
    return tmp_path


def letters(config: Path) -> list[int]:
    with closing(SpoolFile(config / "spool", read_only=True)) as file:
        return [letter.id for letter in file.dead_letters()]


def test_dead_letters_are_listed_as_they_are_oldest_first(config: Path, program: Program) -> None:
    ended = program("dead-letters", "list", "--config", config)

    assert ended.code == 0
    assert ended.lines[-1] == "2 dead letter(s)"
    assert "400 MSS.1" in ended.out
    assert "2023-11-14T22:13:20+00:00" in ended.out
    assert ended.out.index("evening") < ended.out.index("morning")


def test_dead_letters_are_listed_by_room(config: Path, program: Program) -> None:
    ended = program("dead-letters", "list", "--config", config, "--room", "morning")

    assert ended.lines[-1] == "1 dead letter(s)"
    assert "evening" not in ended.out


def test_one_letter_is_shown_whole(config: Path, program: Program) -> None:
    shown = orjson.loads(program("dead-letters", "show", 1, "--config", config).out)

    assert shown == {
        "id": 1,
        "room": "evening",
        "job_id": "job-1",
        "type": "comment",
        "died_at": "2023-11-14T22:13:20+00:00",
        "status": 400,
        "error_code": "MSS.1",
        "error_msg": "no",
        "request_id": "req-1",
        "event": orjson.loads(comment(WORDS, user=ANN).to_wire()),
    }


def test_without_a_running_bridge_a_letter_is_put_back_for_the_next_start(config: Path, program: Program) -> None:
    ended = program("dead-letters", "retry", 1, "--config", config)

    assert (ended.code, ended.out) == (0, "dead letter 1 is on its way again\n")
    assert letters(config) == [2]
    with closing(SpoolFile(config / "spool")) as file:
        rows = file.recover().rows
    assert [row.number for row in rows] == [1, 2, 3]
    assert rows[-1].wire == comment(WORDS).to_wire()
    assert rows[-1].arrived_at_ms > NOW_MS


def test_without_a_running_bridge_a_letter_is_dropped(config: Path, program: Program) -> None:
    ended = program("dead-letters", "drop", 2, "--config", config)

    assert (ended.code, ended.out) == (0, "dead letter 2 is dropped\n")
    assert letters(config) == [1]


@pytest.mark.parametrize("verb", ["show", "retry", "drop"])
def test_a_letter_that_is_not_there_ends_with_2(verb: str, config: Path, program: Program) -> None:
    ended = program("dead-letters", verb, 99, "--config", config)

    assert (ended.code, ended.out, ended.err) == (2, "", "there is no dead letter 99\n")
    assert letters(config) == [1, 2]


def test_what_waits_is_listed_by_room_and_type(config: Path, program: Program) -> None:
    ended = program("spool", "list", "--config", config)

    assert ended.code == 0
    assert ended.lines[-1] == "2 event(s) waiting"
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ended.lines if "│" in line]
    assert [row[:3] for row in rows] == [["evening", "comment", "1"], ["evening", "gift", "1"]]


@pytest.mark.parametrize("command", [("spool", "list"), ("dead-letters", "list")])
def test_where_there_is_no_spool_nothing_waits(command: tuple[str, str], tmp_path: Path, program: Program) -> None:
    (tmp_path / "bridge.yaml").write_text(f"spool: {{directory: '{tmp_path / 'spool'}'}}\n")

    ended = program(*command, "--config", tmp_path)

    assert ended.code == 0
    assert ended.out.startswith("0 ")
    assert not (tmp_path / "spool").exists()


def test_where_there_is_no_spool_no_letter_can_be_retried(tmp_path: Path, program: Program) -> None:
    (tmp_path / "bridge.yaml").write_text(f"spool: {{directory: '{tmp_path / 'spool'}'}}\n")

    ended = program("dead-letters", "retry", 1, "--config", tmp_path)

    assert ended.code == 2
    assert "there is no spool in" in ended.err


class Bridge:
    """A bridge that runs, as far as these commands know it: it holds the lock and answers on its port."""

    def __init__(self, config: Path) -> None:
        self.asked: list[tuple[str, str]] = []
        self.status = 200
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bridge.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(bridge.status)
                self.end_headers()
                self.wfile.write(b'{"error": "as it says"}')

            def log_message(self, *_: object) -> None:
                pass

        self._lock_fd = lock(config / "spool")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        settings = (config / "bridge.yaml").read_text()
        (config / "bridge.yaml").write_text(settings.replace("127.0.0.1:1'", f"127.0.0.1:{self._server.server_port}'"))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        os.close(self._lock_fd)


@pytest.fixture
def bridge(config: Path) -> Iterator[Bridge]:
    running = Bridge(config)
    yield running
    running.close()


@pytest.mark.parametrize("verb", ["retry", "drop"])
def test_a_running_bridge_is_asked_to_change_its_spool_itself(
    verb: str, bridge: Bridge, config: Path, program: Program
) -> None:
    ended = program("dead-letters", verb, 1, "--config", config)

    assert ended.code == 0
    assert bridge.asked == [(f"/dead-letters/1/{verb}", "Bearer adm1n-t0ken")]
    assert letters(config) == [1, 2]


def test_a_running_bridge_that_refuses_is_quoted(bridge: Bridge, config: Path, program: Program) -> None:
    bridge.status = 403

    ended = program("dead-letters", "drop", 1, "--config", config)

    assert ended.code == 1
    assert ended.err == 'the running bridge answered 403: {"error": "as it says"}\n'
    assert "adm1n" not in ended.err


def test_a_running_bridge_can_be_looked_at(bridge: Bridge, config: Path, program: Program) -> None:
    assert program("spool", "list", "--config", config).lines[-1] == "2 event(s) waiting"
    assert program("dead-letters", "list", "--config", config).lines[-1] == "2 dead letter(s)"
    assert bridge.asked == []


def test_a_running_bridge_that_cannot_be_asked_is_said(config: Path, program: Program) -> None:
    lock_fd = lock(config / "spool")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = (config / "bridge.yaml").read_text()
    (config / "bridge.yaml").write_text(settings.replace("127.0.0.1:1'", f"127.0.0.1:{port}'"))

    ended = program("dead-letters", "drop", 1, "--config", config)

    os.close(lock_fd)
    assert ended.code == 1
    assert "a bridge is running, but cannot be asked" in ended.err


def test_a_spool_of_another_version_is_refused(config: Path, program: Program) -> None:
    import sqlite3

    with closing(sqlite3.connect(config / "spool" / "spool.db")) as database:
        database.execute("PRAGMA user_version=9")

    ended = program("dead-letters", "drop", 1, "--config", config)

    assert ended.code == 2
    assert "another version of the bridge" in ended.err
