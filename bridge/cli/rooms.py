"""``rooms``: the cloud's smart live rooms, from a file and back."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.cloud import Limit, Yes, ask, query_of
from bridge.cli.options import ConfigDirectory
from bridge.cli.output import Output, OutputOption, RevealOption, printable, seen, show_list, show_one, write
from bridge.cli.request_file import STANDARD_INPUT, FileOption, load_request, with_references_escaped
from bridge.cli.snippets import DEFAULT_NAME, Snippet, environment_lines, following, room_name
from bridge.errors import ConfigError
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.models import RoomQuery, RoomRequest, SmartLiveRoomSummary
from bridge.metastudio.models.base import Part
from bridge.metastudio.models.queries import MAX_PAGE

COLUMNS = (
    "room_id",
    "room_name",
    "room_type",
    "room_state",
    "last_job_status",
    "last_job_start_time",
    "create_time",
)
EXAMPLE_URL = "https://bridge.example.com"
EXAMPLE_KEY = "put-a-key-of-your-own-here"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

rooms = typer.Typer(help="The cloud's smart live rooms: list, show, create, update, delete.", no_args_is_help=True)

RoomId = Annotated[str, typer.Argument(metavar="ROOM_ID", help="The id that `rooms list` shows.")]


def _room_name(name: str) -> str:
    if name and not _NAME.fullmatch(name):
        raise typer.BadParameter("is no room name: a-z, 0-9, - and _, a letter or digit first, at most 63")
    return name


BridgeRoom = Annotated[
    str,
    typer.Option(
        "--room",
        metavar="NAME",
        help="The bridge's own name for the room: that of its file.",
        show_default=False,
        callback=_room_name,
    ),
]


@rooms.command("list")
def list_rooms(
    config: ConfigDirectory = Path("config"),
    *,
    name: Annotated[str, typer.Option("--name", help="A part of the room's name.")] = "",
    kind: Annotated[str, typer.Option("--type", help="NORMAL, TEMP or TEMPLATE.")] = "",
    state: Annotated[str, typer.Option("--state", help="State of the room's newest job, such as PROCESSING.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Newest job from then: 2021-01-10T08:43:17Z.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Newest job up to then.")] = "",
    limit: Limit = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the project's rooms."""
    query = query_of(
        lambda: RoomQuery(
            room_name=name,
            room_type=kind,
            live_state=state,
            start_time=since,
            end_time=until,
            limit=min(limit or MAX_PAGE, MAX_PAGE),
        ),
        {"room_type": "--type", "start_time": "--since", "end_time": "--until"},
    )

    async def listed(client: MetaStudioClient) -> list[SmartLiveRoomSummary]:
        found: list[SmartLiveRoomSummary] = []
        async for room in client.each_room(query):
            found.append(room)
            if len(found) == limit:
                break
        return found

    show_list([seen(room) for room in ask(config, listed)], COLUMNS, output, "room(s)")


@rooms.command("show")
def show_room(
    room_id: RoomId,
    config: ConfigDirectory = Path("config"),
    *,
    as_file: Annotated[
        bool,
        typer.Option("--as-file", help="As a file for `rooms update`, with --reveal; YAML unless JSON is asked for."),
    ] = False,
    output: OutputOption = Output.TABLE,
    reveal: RevealOption = False,
) -> None:
    """Show one room whole."""
    room = ask(config, lambda client: client.show_room(room_id))
    if not as_file:
        show_one(seen(room, reveal=reveal), output)
        return
    request = room.as_request()
    dropped: list[str] = []
    values = _known(request, seen(request, reveal=reveal), "", dropped)
    if dropped:
        typer.echo(f"left out, because only the cloud sets it: {', '.join(dropped)}", err=True)
    write(with_references_escaped(values), Output.JSON if output is Output.JSON else Output.YAML)


@rooms.command("create")
def create_room(
    file: FileOption = None,
    config: ConfigDirectory = Path("config"),
    *,
    example: Annotated[
        bool, typer.Option("--example", help="Print an example of a file instead; nothing is called.")
    ] = False,
    room: BridgeRoom = "",
    bridge_url: Annotated[
        str, typer.Option("--bridge-url", metavar="URL", help="In the example: how the cloud reaches this bridge.")
    ] = EXAMPLE_URL,
    output: OutputOption = Output.TABLE,
    reveal: RevealOption = False,
) -> None:
    """Create a room from a file, and print the bridge's own room file for it.

    `rooms create --example > room.yaml` writes a complete, commented file with a fresh callback key. All mistakes in
    a file are printed at once, as `file: key: problem: what is allowed`, with exit code 2 and before any call.
    """
    if example:
        sys.stdout.write(example_text(room or DEFAULT_NAME, bridge_url, secrets.token_hex(16)))
        return
    request = load_request(_given(file), RoomRequest)
    room_id = ask(
        config,
        lambda client: client.create_room(request),
        unsure="the room may have been created all the same: see `rooms list`",
    )
    stem = "" if file is None or str(file) == STANDARD_INPUT else file.stem
    callbacks = request.live_event_callback_config
    snippet = following(room or room_name(callbacks, request.room_name, stem), room_id, callbacks)
    if output is Output.TABLE:
        typer.echo(f"# created room {printable(room_id)}")
        echo_snippet(snippet, f"{snippet.file}: needs the account in bridge.yaml", reveal=reveal)
        return
    environment = environment_of(snippet, reveal=reveal)
    write({"room_id": room_id, "file": snippet.file, "config": snippet.text, "environment": environment}, output)


@rooms.command("update")
def update_room(
    room_id: RoomId,
    file: FileOption = None,
    config: ConfigDirectory = Path("config"),
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Replace a room's settings by a file's. What the file leaves out is not kept.

    Begin with `rooms show ROOM_ID --as-file --reveal > room.yaml`.
    """
    request = load_request(_given(file), RoomRequest)
    ask(config, lambda client: client.update_room(room_id, request))
    _done(room_id, "updated", output)


@rooms.command("delete")
def delete_room(
    room_id: RoomId, config: ConfigDirectory = Path("config"), *, yes: Yes = False, output: OutputOption = Output.TABLE
) -> None:
    """Delete a room; on a terminal it is asked whether that is meant."""
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Delete room {room_id} for good?"):
        raise typer.Exit
    ask(config, lambda client: client.delete_room(room_id))
    _done(room_id, "deleted", output)


def example_text(name: str, bridge_url: str, key: str) -> str:
    """Return the example of a room file, with callbacks to the bridge's room ``name`` and signed with ``key``."""
    text = (resources.files("bridge.metastudio") / "example_room.yaml").read_text(encoding="utf-8")
    text = text.replace(f"{EXAMPLE_URL}/callbacks/{DEFAULT_NAME}", f"{bridge_url.rstrip('/')}/callbacks/{name}")
    return text.replace(EXAMPLE_KEY, key)


def echo_snippet(snippet: Snippet, title: str, *, reveal: bool) -> None:
    """Print a room file below its title, and what sets the variables that it reads; all else is a comment."""
    typer.echo(f"# {title}")
    for line in environment_lines(snippet.environment, reveal=reveal):
        typer.echo(f"# {line}")
    typer.echo(snippet.text, nl=False)


def environment_of(snippet: Snippet, *, reveal: bool) -> Mapping[str, str]:
    """Return the variables that a room file reads, to be shown."""
    return {name: value.reveal() if reveal else "***" for name, value in snippet.environment.items()}


def _given(file: Path | None) -> Path:
    if file is None:
        raise ConfigError(["--file: is missing: a room file; `rooms create --example` prints one"])
    return file


def _known(part: Part, values: Mapping[str, Any], at: str, dropped: list[str]) -> dict[str, Any]:
    """Return what of ``values``, the object written out, a request may hold; what may not is named in ``dropped``."""
    known: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{at}.{name}" if at else name
        if name not in type(part).model_fields:
            dropped.append(path)
            continue
        inner = getattr(part, name)
        if isinstance(inner, Part):
            known[name] = _known(inner, value, path, dropped)
        elif isinstance(inner, list):
            known[name] = [
                _known(item, value[index], f"{path}[{index}]", dropped) if isinstance(item, Part) else value[index]
                for index, item in enumerate(inner)
            ]
        else:
            known[name] = value
    return known


def _done(room_id: str, what: str, output: Output) -> None:
    if output is Output.TABLE:
        typer.echo(f"{what} room {room_id}")
    else:
        write({"room_id": room_id, "result": what}, output)
