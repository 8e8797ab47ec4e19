"""The command line as a whole: help, version, and errors that become exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge import __version__
from bridge.cli import app
from tests.cli.program import Program

COMMANDS = ["run", "check", "demo", "decode", "sandbox", "send", "dead-letters", "spool", "platforms", "schema"]


def test_the_version_is_printed(program: Program) -> None:
    assert program("--version").out == f"{__version__}\n"


def test_called_without_arguments_it_tells_what_it_can_do(program: Program) -> None:
    ended = program()

    assert all(name in ended.out + ended.err for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_reads_like_documentation(name: str, program: Program) -> None:
    ended = program(name, "--help")

    assert ended.code == 0
    assert "Usage: live-event-bridge" in ended.out
    assert len(ended.out.split()) > 15


def test_every_command_and_option_says_what_it_is() -> None:
    commands = [
        *app.registered_commands,
        *(
            one
            for group in app.registered_groups
            if group.typer_instance
            for one in group.typer_instance.registered_commands
        ),
    ]

    assert [command for command in commands if not (command.callback and command.callback.__doc__)] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command"),
        (["check", "--nonsense"], "No such option"),
        (["decode"], "Missing option"),
        (["decode", "--platform", "nonsense"], "--platform: nonsense: unknown: one of bilibili"),
        (["decode", "--platform", "bilibili", "/absent"], "/absent: cannot be read: No such file or directory"),
        (["decode", "--platform", "bilibili", "/"], "/: cannot be read: Is a directory"),
        (["send", "--url", "nonsense"], "--url: is not an http(s) URL"),
        (["run", "--config", "/absent"], "/absent"),
        (["check", "--config", "/absent"], "/absent"),
        (["spool", "list", "--config", "/absent"], "/absent"),
        (["health", "--config", "/absent"], "/absent"),
    ],
)
def test_what_is_wrong_is_said_on_standard_error_and_ends_with_2(
    arguments: list[str], words: str, program: Program
) -> None:
    ended = program(*arguments)

    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""


@pytest.mark.slow
def test_the_program_is_also_a_module(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bridge", "check", "--config", str(tmp_path / "absent")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert "absent" in ended.stderr
