from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.cli.snippets import by_url, following, room_name, variable_of
from bridge.config import Room, load
from bridge.metastudio.models.callbacks import LiveEventCallbackConfig
from bridge.secret import Secret
from tests.cli.cloud_commands import SINCE_MS, Commands, rows_of, run

CALLBACKS = {
    "live_event_type_callback_url": "https://bridge.example.com/callbacks/tea",
    "auth_type": "MSS_A_HEAD",
    "key": "callback-secret",
    "callback_event_type": ["RTMP_STREAM_STATE_CHANGE"],
}


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    async with Commands(tmp_path) as commands:
        yield commands


def loaded(folder: Path, name: str, text: str, environ: dict[str, str]) -> Room:
    """Paste a room file into a configuration and return what is read from it."""
    (folder / "rooms").mkdir(exist_ok=True)
    for old in (folder / "rooms").iterdir():
        old.unlink()
    (folder / f"rooms/{name}.yaml").write_text(text, encoding="utf-8")
    [room] = load(folder, environ).rooms
    assert room.name == name
    return room


async def test_jobs_of_all_rooms_and_of_one_are_listed_newest_first(commands: Commands) -> None:
    commands.add_rooms(1)
    for number in range(3):
        commands.add_job(f"j{number}", "SUCCEED", SINCE_MS + number * 1000, "stall-0")

    everything = (await commands("jobs", "list", "--output", "json")).json()
    one_room = (await commands("jobs", "list", "stall-0", "--output", "json")).json()
    oldest = (await commands("jobs", "list", "stall-0", "--oldest-first", "--limit", "2", "--output", "json")).json()

    assert [job["job_id"] for job in everything] == [commands.sandbox.job_id, "j2", "j1", "j0"]
    assert [job["job_id"] for job in one_room] == ["j2", "j1", "j0"]
    assert [job["job_id"] for job in oldest] == ["j0", "j1"]


async def test_jobs_are_filtered_by_state_time_and_name(commands: Commands) -> None:
    commands.add_rooms(1)
    for number, state in enumerate(("SUCCEED", "FAILED", "WAITING", "PROCESSING")):
        commands.add_job(f"j{number}", state, SINCE_MS + number * 60_000, "stall-0")

    async def listed(*filters: str) -> list[str]:
        found = (await commands("jobs", "list", *filters, "--output", "json")).json()
        return [job["job_id"] for job in found]

    assert await listed("stall-0", "--state", "WAITING,processing") == ["j3", "j2"]
    assert await listed("stall-0", "--state", "FAILED", "--state", "SUCCEED") == ["j1", "j0"]
    assert await listed("--since", "2025-10-09T08:54:20Z", "--until", "2025-10-09T08:55:20Z") == ["j2", "j1"]
    assert await listed("--name", "stall") == ["j3", "j2", "j1", "j0"]
    assert await listed("stall-0", "--name", "nothing") == []


@pytest.mark.parametrize("option", ["--state", "--since", "--until", "--sort"])
async def test_a_wrong_filter_is_told_by_its_option(commands: Commands, option: str) -> None:
    ran = await commands("jobs", "list", option, "yesterday")

    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"{option}: is ")
    assert commands.calls == {}


async def test_the_list_goes_past_a_hundred_jobs(commands: Commands) -> None:
    for number in range(150):
        commands.add_job(f"j{number}", "SUCCEED", SINCE_MS + number * 1000)

    assert len((await commands("jobs", "list", "--output", "json")).json()) == 151


async def test_table_json_and_yaml_of_the_list_agree(commands: Commands) -> None:
    commands.add_job("j0", "SUCCEED", SINCE_MS)

    data = (await commands("jobs", "list", "--output", "json", "--state", "SUCCEED")).json()
    table = (await commands("jobs", "list", "--state", "SUCCEED")).stdout

    assert (await commands("jobs", "list", "--output", "yaml", "--state", "SUCCEED")).yaml() == data
    head, *rows = rows_of(table)
    assert rows == [[str(job.get(name, "")) for name in head] for job in data]
    assert table.endswith("1 job(s)\n")


async def test_the_report_url_is_shown_only_when_it_is_asked_for(commands: Commands) -> None:
    sandbox = commands.sandbox
    key = sandbox.report_url.partition("?")[2]
    assert "auth_key=" in key

    for arguments in (("show", sandbox.room_id, sandbox.job_id), ("show", sandbox.job_id), ("list",)):
        for output in ("table", "json", "yaml"):
            masked = await commands("jobs", *arguments, "--output", output)
            assert masked.exit_code == 0, masked.stderr
            assert "auth_key" not in masked.stdout
    shown = await commands("jobs", "show", sandbox.job_id, "--reveal")
    listed = (await commands("jobs", "list", "--reveal", "--output", "json")).json()

    assert shown.stdout.splitlines()[-1] == sandbox.report_url
    assert listed[0]["live_event_report_url"] == sandbox.report_url


async def test_table_json_and_yaml_of_a_job_agree(commands: Commands) -> None:
    commands.tenant.rooms[commands.sandbox.room_id].data["live_event_callback_config"] = CALLBACKS
    commands.add_job("ended", "SUCCEED", SINCE_MS)

    data = (await commands("jobs", "show", "ended", "--output", "json")).json()
    rows = rows_of((await commands("jobs", "show", "ended")).stdout)

    assert (await commands("jobs", "show", "ended", "--output", "yaml")).yaml() == data
    assert ["job_id", "ended"] in rows
    assert ["live_event_callback_config.key", "***"] in rows
    assert ["live_event_callback_config.callback_event_type[0]", "RTMP_STREAM_STATE_CHANGE"] in rows
    assert ["is_ai_mark_on", "false"] in rows


async def test_start_prints_two_room_files_that_load_and_the_url_only_when_asked(commands: Commands) -> None:
    room_id = commands.sandbox.room_id
    commands.tenant.rooms[room_id].data["live_event_callback_config"] = CALLBACKS

    masked = await commands("jobs", "start", room_id)
    revealed = await commands("jobs", "start", room_id, "--reveal")

    assert "auth_key" not in masked.stdout
    assert "callback-secret" not in masked.stdout
    found = re.findall(r"^# export (\w+)=(?:'(.*)'|(.*))$", revealed.stdout, re.MULTILINE)
    environ = {name: quoted or plain for name, quoted, plain in found}
    assert environ["TEA_CALLBACK_KEY"] == "callback-secret"
    [job_id] = re.findall(r"^# started job (\S+) of room", revealed.stdout, re.MULTILINE)
    shown = (await commands("jobs", "show", job_id, "--reveal", "--output", "json")).json()
    assert environ["TEA_REPORT_URL"] == shown["live_event_report_url"]

    follows, reports = revealed.stdout.split("\n\n")
    room = loaded(commands.folder, "tea", follows, environ)
    assert room.report.smart_live_room_id == room_id
    assert room.callbacks is not None
    assert room.callbacks.key == Secret("callback-secret")
    commands.configure({})
    room = loaded(commands.folder, "tea", reports, environ)
    assert room.report.url().reveal() == shown["live_event_report_url"]
    assert room.report.url_origin.startswith("environment variable TEA_REPORT_URL")


async def test_start_takes_parameters_from_a_file_and_answers_as_data(commands: Commands) -> None:
    room_id = commands.sandbox.room_id
    file = commands.file("start.yaml", {"job_run_config": {"single_job_in_room": False}, "stream_keys": ["k"]})

    data = (await commands("jobs", "start", room_id, "-f", file, "--room", "tea", "--output", "yaml")).yaml()

    assert commands.tenant.jobs[data["job_id"]].request == {
        "job_run_config": {"single_job_in_room": False},
        "stream_keys": ["k"],
    }
    assert data["live_event_report_url"].endswith("/live-event-report?***")
    assert data["environment"] == {"TEA_REPORT_URL": "***"}
    assert data["file"] == "rooms/tea.yaml"
    room = loaded(commands.folder, "tea", data["config"]["smart_live_room_id"], {})
    assert (room.report.smart_live_room_id, room.callbacks) == (room_id, None)


async def test_wrong_start_parameters_are_told_before_any_call(commands: Commands) -> None:
    file = commands.file("start.yaml", {"play_policy": {"play_mode": "LOUD"}, "view_mod": "VERTICAL"})

    ran = await commands("jobs", "start", commands.sandbox.room_id, "-f", file)

    assert ran.exit_code == 2
    assert [line.split(": ")[1] for line in ran.stderr.splitlines()] == ["play_policy.play_mode", "view_mod"]
    assert commands.calls == {}


async def test_a_job_is_stopped_with_or_without_its_room(commands: Commands) -> None:
    commands.add_job("second", "PROCESSING", SINCE_MS)

    first = await commands("jobs", "stop", commands.sandbox.room_id, commands.sandbox.job_id)
    second = (await commands("jobs", "stop", "second", "--yes", "--output", "json")).json()
    again = await commands("jobs", "stop", "second")

    assert first.stdout == f"stopped job {commands.sandbox.job_id}\n"
    assert second == {"job_id": "second", "result": "stopped"}
    assert all(job.is_over for job in commands.tenant.jobs.values())
    assert again.exit_code == 3


async def test_unknown_jobs_and_rooms_are_refused(commands: Commands) -> None:
    room_id = commands.sandbox.room_id
    for arguments in (
        ("show", room_id, "none"),
        ("show", "none"),
        ("stop", "none"),
        ("stop", room_id, "none"),
        ("start", "none"),
        ("list", "none"),
    ):
        ran = await commands("jobs", *arguments)
        assert (ran.exit_code, ran.stdout) == (3, ""), arguments
    assert (await commands("jobs", "show", "none")).stderr == "no job none in this project: see `jobs list`"


def test_three_ids_are_one_too_many() -> None:
    assert run("jobs", "show", "a", "b", "c").exit_code == 2


async def test_wrong_credentials_end_with_3_after_one_call(commands: Commands) -> None:
    sandbox = commands.sandbox
    commands.configure({"endpoint": sandbox.base_url, "project_id": sandbox.project_id, "token": "no-such-token"})

    ran = await commands("jobs", "stop", sandbox.job_id)

    assert ran.exit_code == 3
    assert "no-such-token" not in ran.stderr
    assert sum(commands.calls.values()) == 1


@pytest.mark.parametrize(
    ("url", "others", "name"),
    [
        ("https://b.example.com/callbacks/tea", ("Night",), "tea"),
        ("https://b.example.com/live/callbacks/tea/?token=1", (), "tea"),
        ("https://b.example.com/hooks", ("Night Market 7",), "night-market-7"),
        ("", ("夜市", "room"), "room"),
        ("", ("夜市",), "evening-show"),
        ("https://[", (), "evening-show"),
    ],
)
def test_the_room_is_named_by_its_callbacks_else_by_its_own_name(url: str, others: tuple[str, ...], name: str) -> None:
    assert room_name(LiveEventCallbackConfig.model_validate({"live_event_type_callback_url": url}), *others) == name


def test_variables_have_names_that_a_shell_takes() -> None:
    assert variable_of("evening-show", "REPORT_URL") == "EVENING_SHOW_REPORT_URL"
    assert variable_of("7-up", "REPORT_URL") == "ROOM_7_UP_REPORT_URL"


ACCOUNT = "metastudio: {project_id: p, token: t}\n"


@pytest.mark.parametrize("room_id", ["24bad716-1c5e-4a51-9f0d-77a3b1d8e902", "0123", "17", "true", "1.5"])
def test_any_id_of_the_clouds_stays_what_it_is(tmp_path: Path, room_id: str) -> None:
    (tmp_path / "bridge.yaml").write_text(ACCOUNT)

    room = loaded(tmp_path, "tea", following("tea", room_id, None).text, {})

    assert room.report.smart_live_room_id == room_id


@pytest.mark.parametrize(
    ("changes", "callback"),
    [
        ({}, ("MSS_A_HEAD", "callback-secret", "https://bridge.example.com/callbacks/tea", "")),
        ({"auth_type": "NONE", "live_event_type_callback_url": "https://b/callbacks/tea?token=t1"}, ("NONE", "", "", "t1")),
        ({"live_event_type_callback_url": "https://b/callbacks/tea?x=$$"}, ("MSS_A_HEAD", "callback-secret", "https://b/callbacks/tea?x=$$", "")),
        ({"auth_type": "NONE"}, None),
        ({"auth_type": "MEITUAN_DEFAULT"}, None),
        ({"live_event_type_callback_url": "https://b/callbacks/other"}, None),
        ({"live_event_type_callback_url": "https://b/own/hook"}, None),
    ],
)  # fmt: skip
def test_callbacks_that_come_to_the_room_are_in_its_file(
    tmp_path: Path, changes: dict[str, str], callback: tuple[str, ...] | None
) -> None:
    snippet = by_url(
        "tea",
        Secret("https://cloud.example.com/report?auth_key=1"),
        LiveEventCallbackConfig(**{**CALLBACKS, **changes}),
    )
    environ = {name: value.reveal() for name, value in snippet.environment.items()}

    found = loaded(tmp_path, "tea", snippet.text, environ).callbacks

    assert "callback-secret" not in snippet.text
    if callback is None:
        assert found is None
    else:
        assert found is not None
        assert (found.auth_type, found.key.reveal(), found.url.reveal(), found.token.reveal()) == callback
