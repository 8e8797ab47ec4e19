"""``check``, ``schema`` and ``platforms``: looking without running."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bridge.events import EventType
from bridge.sources.catalogue import available_platforms
from tests.cli.program import Program

ROOM = """\
sources:
  - platform: bilibili
    room: 21452505
report:
  url: https://cloud.example/v1/smart-live-jobs/job-1/report?auth_key=s3cr3t&expires_time={expires_at_ms}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "evening.yaml").write_text(ROOM.format(expires_at_ms=4_000_000_000_000))
    return tmp_path


def test_one_line_a_room_is_printed_without_its_key(config: Path, program: Program) -> None:
    (config / "rooms" / "morning.yaml").write_text(ROOM.format(expires_at_ms=1))

    ended = program("check", "--config", config)

    assert ended.code == 0
    assert len(ended.lines) == 2
    assert ended.lines[0].startswith(
        "evening: ok: bilibili 21452505 -> https://cloud.example/v1/smart-live-jobs/job-1/report (expires in "
    )
    assert ended.lines[1].endswith("(EXPIRED)")
    assert "s3cr3t" not in ended.out


def test_all_problems_are_printed_at_once(config: Path, program: Program) -> None:
    (config / "rooms" / "evening.yaml").write_text("sources:\n  - platform: bilibilli\nreprot: {}\n")
    (config / "bridge.yaml").write_text("server: {listen: nonsense}\n")

    ended = program("check", "--config", config)

    assert (ended.code, ended.out) == (2, "")
    problems = ended.err.splitlines()
    assert len(problems) >= 3
    assert any(line.startswith("bridge.yaml: server.listen: ") for line in problems)
    assert any("sources[0].platform" in line and "bilibili" in line for line in problems)
    assert any("reprot" in line and "report" in line for line in problems)


def test_the_schema_is_json_schema(program: Program) -> None:
    ended = program("schema")

    assert ended.code == 0
    assert isinstance(orjson.loads(ended.out), dict)


def test_every_platform_has_a_row_with_its_event_types(program: Program) -> None:
    ended = program("platforms")

    assert ended.code == 0
    for name in available_platforms():
        assert any(f" {name} " in line for line in ended.lines), name
    assert all(kind.name.lower() in ended.out for kind in EventType)
