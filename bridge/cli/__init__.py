"""The commands. The only place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from bridge import __version__
from bridge.cli.decoding import decode
from bridge.cli.inspection import check, platforms, schema
from bridge.cli.jobs import jobs
from bridge.cli.recording import record
from bridge.cli.rehearsing import rehearse
from bridge.cli.replaying import replay
from bridge.cli.rooms import rooms
from bridge.cli.running import demo, health, run, sandbox
from bridge.cli.sending import send
from bridge.cli.spooling import dead_letters, spool
from bridge.errors import BridgeError

app = typer.Typer(
    name="live-event-bridge",
    help="Carries comments, joins, likes, gifts and viewer counts from live platforms to a MetaStudio job.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, check, demo, decode, sandbox, send, record, replay, rehearse, platforms, schema, health):
    app.command()(command)
app.add_typer(rooms, name="rooms")
app.add_typer(jobs, name="jobs")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(spool, name="spool")


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=lambda wanted: _version(wanted=wanted))
    ] = False,
) -> None:
    """Carry live-room events from many platforms to a MetaStudio livestreaming job."""


def main() -> None:
    """Run the command line; errors of ours become their exit code, with their words on standard error."""
    try:
        app(prog_name="live-event-bridge")
    except BridgeError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(str(error))
        sys.exit(error.exit_code)
