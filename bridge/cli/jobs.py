"""``jobs``: the cloud's livestreaming jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.cloud import CloudRefusedError, Limit, Yes, ask, query_of
from bridge.cli.options import ConfigDirectory
from bridge.cli.output import Output, OutputOption, RevealOption, printable, seen, show_list, show_one, write
from bridge.cli.request_file import FileOption, load_request
from bridge.cli.rooms import BridgeRoom, RoomId, echo_snippet, environment_of
from bridge.cli.snippets import by_url, following, room_name
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.models import JobQuery, JobStarted, SmartLiveJob, StartJobRequest
from bridge.metastudio.models.queries import MAX_PAGE
from bridge.secret import Secret

COLUMNS = (
    "job_id",
    "room_id",
    "room_name",
    "state",
    "create_time",
    "start_time",
    "end_time",
    "duration",
)

jobs = typer.Typer(help="The cloud's livestreaming jobs: list, show, start, stop.", no_args_is_help=True)

JobIds = Annotated[
    list[str],
    typer.Argument(
        metavar="[ROOM_ID] JOB_ID", help="The job, as `jobs list` shows it; its room is looked up if left out."
    ),
]


@jobs.command("list")
def list_jobs(
    room_id: Annotated[str, typer.Argument(metavar="[ROOM_ID]", help="Only this smart live room's.")] = "",
    config: ConfigDirectory = Path("config"),
    *,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="WAITING, PROCESSING, SUCCEED, FAILED or BLOCKED; several with commas."),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Created from then: 2021-01-10T08:43:17Z.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Created up to then.")] = "",
    name: Annotated[str, typer.Option("--name", help="A part of the room's name.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="create_time, update_time or asset_order.")] = "create_time",
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="The other way round.")] = False,
    limit: Limit = 0,
    output: OutputOption = Output.TABLE,
    reveal: RevealOption = False,
) -> None:
    """List the jobs of the project or of one room, the newest first."""
    query = query_of(
        lambda: JobQuery(
            states=tuple(part.strip().upper() for text in state or () for part in text.split(",") if part.strip()),
            sort_key=sort,
            newest_first=not oldest_first,
            created_since=since,
            created_until=until,
            room_name=name,
            limit=min(limit or MAX_PAGE, MAX_PAGE),
        ),
        {
            "states": "--state",
            "sort_key": "--sort",
            "created_since": "--since",
            "created_until": "--until",
            "room_name": "--name",
        },
    )

    async def listed(client: MetaStudioClient) -> list[SmartLiveJob]:
        found: list[SmartLiveJob] = []
        async for job in client.each_job(query, room_id=room_id):
            if room_id and name not in job.room_name:
                continue  # the list of one room has no such filter
            found.append(job)
            if len(found) == limit:
                break
        return found

    columns = (*COLUMNS, "live_event_report_url") if reveal else COLUMNS
    show_list([seen(job, reveal=reveal) for job in ask(config, listed)], columns, output, "job(s)")


@jobs.command("show")
def show_job(
    ids: JobIds,
    config: ConfigDirectory = Path("config"),
    *,
    output: OutputOption = Output.TABLE,
    reveal: RevealOption = False,
) -> None:
    """Show one job whole. Its report URL is a credential: --reveal shows it."""
    room_id, job_id = _ids(ids)

    async def shown(client: MetaStudioClient) -> SmartLiveJob:
        return await client.show_job(room_id or await _room_of(client, job_id), job_id)

    job = ask(config, shown)
    show_one(seen(job, reveal=reveal), output)
    if output is Output.TABLE and reveal and job.live_event_report_url:
        typer.echo(job.live_event_report_url.reveal())  # on one line, whatever the terminal's width


@jobs.command("start")
def start_job(
    room_id: RoomId,
    file: FileOption = None,
    config: ConfigDirectory = Path("config"),
    *,
    room: BridgeRoom = "",
    output: OutputOption = Output.TABLE,
    reveal: RevealOption = False,
) -> None:
    """Start a job of a room, and print two room files of the bridge for it.

    One follows the room's jobs, the other reports to this job's URL. The URL is a credential: --reveal shows it. What
    a file of start parameters leaves out comes from the room.
    """
    request = load_request(file, StartJobRequest) if file else None
    started = ask(
        config,
        lambda client: client.start_job(room_id, request),
        unsure="the job may have been started all the same: see `jobs list`",
    )
    callbacks = started.live_event_callback_config
    name = room or room_name(callbacks)
    report_url = started.live_event_report_url or Secret()
    follows, reports = following(name, room_id, callbacks), by_url(name, report_url, callbacks)
    if output is not Output.TABLE:
        configs = {"smart_live_room_id": follows.text, "url": reports.text}
        environment = environment_of(reports, reveal=reveal)
        facts = seen(started, reveal=reveal) | {"room_id": room_id}
        write(facts | {"file": follows.file, "config": configs, "environment": environment}, output)
        return
    _echo_started(started, room_id)
    echo_snippet(
        follows, f"{follows.file}, which follows the room's jobs: needs the account in bridge.yaml", reveal=reveal
    )
    typer.echo("")
    echo_snippet(reports, f"{reports.file}, or for this job alone, without an account", reveal=reveal)


@jobs.command("stop")
def stop_job(
    ids: JobIds, config: ConfigDirectory = Path("config"), *, yes: Yes = False, output: OutputOption = Output.TABLE
) -> None:
    """Stop a job: the broadcast ends. On a terminal it is asked whether that is meant."""
    room_id, job_id = _ids(ids)
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Stop job {job_id} and end its broadcast?"):
        raise typer.Exit

    async def stopped(client: MetaStudioClient) -> None:
        await client.stop_job(room_id or await _room_of(client, job_id), job_id)

    ask(config, stopped)
    if output is Output.TABLE:
        typer.echo(f"stopped job {job_id}")
    else:
        write({"job_id": job_id, "result": "stopped"}, output)


def _ids(ids: list[str]) -> tuple[str, str]:
    """Return room and job; the room is "" when only the job was given."""
    if len(ids) > 2:
        raise typer.BadParameter("at most two ids: the room's and the job's")
    return ("", ids[0]) if len(ids) == 1 else (ids[0], ids[1])


async def _room_of(client: MetaStudioClient, job_id: str) -> str:
    async for job in client.each_job():
        if job.job_id == job_id:
            return job.room_id
    raise CloudRefusedError(f"no job {job_id} in this project: see `jobs list`")


def _echo_started(started: JobStarted, room_id: str) -> None:
    typer.echo(f"# started job {printable(started.job_id)} of room {room_id}")
    if started.limit_duration:
        typer.echo(f"# it ends by itself after {started.limit_duration} h")
    for warning in started.live_warning_info or ():
        typer.echo(f"# the cloud warns: {printable(warning.warning_type)}")
