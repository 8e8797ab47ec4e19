"""``check``, ``schema`` and ``platforms``: looking without running."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import aiohttp
import orjson
import typer
from rich.console import Console
from rich.table import Table

from bridge import config as configuration
from bridge.assembly import account_options, policies_of
from bridge.cli.options import ConfigDirectory
from bridge.clock import SystemClock
from bridge.config import Config, Source, load
from bridge.config import Room as RoomConfig
from bridge.credential_guard import CredentialGuard
from bridge.errors import BridgeError, ConfigError
from bridge.events import EventType
from bridge.metastudio.account import Account, open_account
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.money import Money
from bridge.report.url import report_url
from bridge.secret import Heirs
from bridge.sources.catalogue import available_platforms, load_platform
from bridge.sources.decoding import decode_lines
from bridge.sources.heirs import HeirStore
from bridge.sources.http import SourceHttp

EXIT_REFUSED = 3


def check(
    config: ConfigDirectory = Path("config"),
    *,
    online: Annotated[bool, typer.Option("--online", help="Also ask the platforms and the cloud.")] = False,
    room: Annotated[
        str, typer.Option("--room", metavar="NAME", help="Only this room; the others must be valid too.")
    ] = "",
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="FILE", help="Decode this file of frames or messages as a source would."),
    ] = None,
    source: Annotated[
        int | None,
        typer.Option("--source", metavar="N", min=0, help="Which source, if there are several: 0 is sources[0]."),
    ] = None,
) -> None:
    """Load and validate the configuration; print one line a room.

    All problems are printed at once, as `file: key: problem: what is allowed`, with exit code 2.

    With `--sample`, the file's frames are decoded with that source's own options (a mapping, prices) and paid
    messages take the room's form. The file and what is printed are those of `decode`: JSON lines, no network. A line
    that is no frame is taken for a message as the platform sends it.
    """
    loaded = load(config, os.environ)
    if sample is not None:
        _print_sample(_one_room(loaded, room), source, sample)
        return
    if room:
        loaded = replace(loaded, rooms=(_one_room(loaded, room),))
    lines, refused = asyncio.run(_checked(loaded, online=online))
    for line in lines:
        typer.echo(line)
    raise typer.Exit(EXIT_REFUSED if refused else 0)


def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    typer.echo(orjson.dumps(configuration.schema(), option=orjson.OPT_INDENT_2).decode())


def platforms() -> None:
    """List the platforms: event types covered, route, status."""
    table = Table(title="Platforms", title_justify="left")
    for column in ("platform", "name", "route", "status", *(kind.name.lower() for kind in EventType)):
        table.add_column(column, no_wrap=column in ("platform", "status"))
    for name in available_platforms():
        platform = load_platform(name)
        marks = ["yes" if kind in platform.event_types else "" for kind in EventType]
        table.add_row(name, platform.title, platform.route, platform.officialness.value, *marks)
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def _one_room(loaded: Config, name: str) -> RoomConfig:
    names = [room.name for room in loaded.rooms]
    if not name and len(names) == 1:
        return loaded.rooms[0]
    if name not in names:
        problem = f"{name}: unknown" if name else "is missing, there are several rooms"
        raise ConfigError([f"--room: {problem}: one of {', '.join(names)}"])
    return loaded.rooms[names.index(name)]


def _print_sample(room: RoomConfig, number: int | None, file: Path) -> None:
    count = len(room.sources)
    if number is None and count > 1:
        raise ConfigError([f"--source: is missing, {room.name} has several sources: {_numbered(room)}"])
    if number is not None and number >= count:
        raise ConfigError([f"--source: {number}: {room.name} has no such source: {_numbered(room)}"])
    chosen = room.sources[number or 0]
    money = Money(in_fen=room.events.gift_value_unit == "fen", prices=room.gift_prices)
    forms = Admission(policies_of(room), PaidMessageForm(room.events.paid_message), money).forms
    try:
        stream = file.open("rb")
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
    with stream:
        decoder = chosen.platform.offline_decoder(chosen.initial)
        for result in decode_lines(decoder, stream, now_ms=SystemClock().now_ms(), bare=True, report=forms):
            sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()


def _numbered(room: RoomConfig) -> str:
    return ", ".join(f"{number} {_shown(source)}" for number, source in enumerate(room.sources))


def _shown(source: Source) -> str:
    return f"{source.platform.name} {source.initial.room}".strip()


async def _checked(loaded: Config, *, online: bool) -> tuple[list[str], bool]:
    lines: list[str] = []
    refused = False
    async with aiohttp.ClientSession() as http:
        account = open_account(http, account_options(loaded.bridge), CredentialGuard(), SystemClock())
        for room in loaded.rooms:
            sources = ", ".join(map(_shown, room.sources))
            lines.append(f"{room.name}: ok: {sources} -> {_target(room)}")
            if online:
                found, failed = await _asked(room, account, HeirStore(loaded.bridge.spool.directory))
                lines += found
                refused = refused or failed
    return lines, refused


def _target(room: RoomConfig) -> str:
    if room.report.smart_live_room_id:
        job = room.report.job_id or "the newest job"
        return f"{job} of smart live room {room.report.smart_live_room_id}"
    url = report_url(room.report.url().reveal(), SystemClock().now_ms())
    if not url.expires_at_ms:
        return str(url)
    left_secs = (url.expires_at_ms - SystemClock().now_ms()) // 1000
    return f"{url} ({f'expires in {left_secs} s' if left_secs > 0 else 'EXPIRED'})"


async def _asked(room: RoomConfig, account: Account | None, heirs: Heirs) -> tuple[list[str], bool]:
    """Locate the room's sources and its job; returns lines to show and whether anything was refused."""
    lines: list[str] = []
    failed = False
    for source in room.sources:
        platform = source.platform
        if platform.locate is None:
            lines.append(f"  {platform.name}: waits for the platform's calls")
            continue
        http = SourceHttp(SystemClock(), source.initial.proxy.reveal(), heirs)
        try:
            connections = await platform.locate(source.options(), http)
            lines.append(f"  {_shown(source)}: found, {len(connections)} way(s) to connect")
        except (BridgeError, ConfigError) as error:
            lines.append(f"  {_shown(source)}: {error}")
            failed = True
        finally:
            await http.close()
    if account is not None and room.report.smart_live_room_id:
        try:
            job = await account.client.newest_job(room.report.smart_live_room_id)
            lines.append(f"  job: {job.job_id} {job.state}" if job else "  job: none is running")
        except BridgeError as error:
            lines.append(f"  job: {error}")
            failed = True
    return lines, failed
