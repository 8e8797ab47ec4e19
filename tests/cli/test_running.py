"""``health``, and what ``run`` says before it runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_inspection import ROOM


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "evening.yaml").write_text(ROOM.format(expires_at_ms=4_000_000_000_000))
    return tmp_path


def test_where_no_bridge_runs_health_ends_with_2_and_says_where_it_asked(config: Path, program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (config / "bridge.yaml").write_text(f"server: {{listen: '127.0.0.1:{port}'}}\n")

    ended = program("health", "--config", config)

    assert ended.code == 2
    assert f"http://127.0.0.1:{port}/livez" in ended.err


def test_a_wrong_configuration_does_not_run(config: Path, program: Program) -> None:
    (config / "rooms" / "evening.yaml").write_text("sources: []\n")

    ended = program("run", "--config", config)

    assert ended.code == 2
    assert "evening.yaml" in ended.err
