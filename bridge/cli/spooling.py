"""``dead-letters`` and ``spool``: what the cloud refused, and what waits."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.options import ConfigDirectory
from bridge.clock import SystemClock
from bridge.config import BridgeSettings, load_bridge
from bridge.errors import BridgeError, SpoolError, SpoolLockedError
from bridge.outbox.spool import lock
from bridge.outbox.spool_file import FILE_NAME, SpoolFile
from bridge.outbox.spool_records import DeadLetter

T = TypeVar("T")
SHOWN_CHARS = 60

dead_letters = typer.Typer(
    help="Events that the cloud refuses by themselves: list, show, retry, drop.", no_args_is_help=True
)
spool = typer.Typer(help="What waits on disk to be reported.", no_args_is_help=True)

LetterId = Annotated[int, typer.Argument(metavar="ID", help="The number that `list` shows.")]
RoomName = Annotated[str, typer.Option("--room", help="Only this room's.")]


class RunningBridgeError(BridgeError):
    """The running bridge did not do what it was asked."""


@dead_letters.command("list")
def list_letters(config: ConfigDirectory = Path("config"), room: RoomName = "") -> None:
    """List the dead letters, oldest first."""
    letters = _read(config, lambda file: file.dead_letters(room))
    table = Table("id", "room", "type", "died", "answer", "event")
    for letter in letters:
        answer = f"{letter.status} {letter.error_code}".strip()
        _add_row(
            table, letter.id, letter.room, letter.type.name.lower(), _time(letter.died_at_ms), answer, _event(letter)
        )
    _print(table, f"{len(letters)} dead letter(s)")


@dead_letters.command("show")
def show_letter(letter_id: LetterId, config: ConfigDirectory = Path("config")) -> None:
    """Show one dead letter whole, as JSON."""
    letter = _find(config, letter_id)
    shown = {
        "id": letter.id,
        "room": letter.room,
        "job_id": letter.job_id,
        "type": letter.type.name.lower(),
        "died_at": _time(letter.died_at_ms),
        "status": letter.status,
        "error_code": letter.error_code,
        "error_msg": letter.error_msg,
        "request_id": letter.request_id,
        "event": orjson.loads(letter.wire),
    }
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@dead_letters.command("retry")
def retry_letter(letter_id: LetterId, config: ConfigDirectory = Path("config")) -> None:
    """Send a dead letter again: by the running bridge at once, else at its next start."""
    settings = load_bridge(config, os.environ)

    def retry(file: SpoolFile) -> bool:
        return file.revive(letter_id, file.highest_number() + 1, SystemClock().now_ms()) is not None

    _change(settings, letter_id, "retry", retry)
    typer.echo(f"dead letter {letter_id} is on its way again")


@dead_letters.command("drop")
def drop_letter(letter_id: LetterId, config: ConfigDirectory = Path("config")) -> None:
    """Forget a dead letter."""
    settings = load_bridge(config, os.environ)
    _change(settings, letter_id, "drop", lambda file: file.remove_dead_letter(letter_id) is not None)
    typer.echo(f"dead letter {letter_id} is dropped")


@spool.command("list")
def list_spool(config: ConfigDirectory = Path("config")) -> None:
    """List what waits, by room and type."""
    waiting = _read(config, lambda file: file.waiting())
    table = Table("room", "type", "events", "bytes", "oldest")
    for room, kind, events, size, oldest_ms in waiting:
        _add_row(table, room, kind.name.lower(), events, size, _time(oldest_ms))
    _print(table, f"{sum(row[2] for row in waiting)} event(s) waiting")


def _read(config: Path, question: Callable[[SpoolFile], list[T]]) -> list[T]:
    """Ask the spool's file without disturbing a running bridge."""
    directory = load_bridge(config, os.environ).spool.directory
    if not (directory / FILE_NAME).exists():
        return []
    with closing(SpoolFile(directory, read_only=True)) as file:
        return question(file)


def _find(config: Path, letter_id: int) -> DeadLetter:
    found = [letter for letter in _read(config, lambda file: file.dead_letters()) if letter.id == letter_id]
    if not found:
        raise SpoolError(f"there is no dead letter {letter_id}")
    return found[0]


def _change(settings: BridgeSettings, letter_id: int, verb: str, change: Callable[[SpoolFile], bool]) -> None:
    """Change the file if no bridge is running, else ask the bridge to do it: it alone writes its spool."""
    directory = settings.spool.directory
    if not (directory / FILE_NAME).exists():
        raise SpoolError(f"there is no spool in {directory}")
    try:
        lock_fd = lock(directory)
    except SpoolLockedError:
        _ask_bridge(settings, f"/dead-letters/{letter_id}/{verb}")
        return
    try:
        with closing(SpoolFile(directory)) as file:
            if not change(file):
                raise SpoolError(f"there is no dead letter {letter_id}")
    finally:
        os.close(lock_fd)


def _ask_bridge(settings: BridgeSettings, path: str) -> None:
    host, port = settings.server.address
    request = urllib.request.Request(
        f"http://{f'[{host}]' if ':' in host else host}:{port}{path}",
        method="POST",
        headers={"Authorization": f"Bearer {settings.server.admin_token.reveal()}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5):
            return
    except urllib.error.HTTPError as error:
        problem = error.read(1000).decode(errors="replace")
        raise RunningBridgeError(f"the running bridge answered {error.code}: {problem}") from None
    except OSError as error:
        raise RunningBridgeError(f"a bridge is running, but cannot be asked: {error}") from None


def _event(letter: DeadLetter) -> str:
    text = str(orjson.loads(letter.wire).get("content", ""))
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _time(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def _add_row(table: Table, *cells: str | int) -> None:
    """Add a row as it is: what viewers write is no markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def _print(table: Table, summary: str) -> None:
    console = Console()
    if table.row_count:
        (console if console.is_terminal else Console(width=200)).print(table)
    typer.echo(summary)
