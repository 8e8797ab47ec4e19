from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from bridge.cli.rooms import EXAMPLE_KEY, example_text
from bridge.config import load
from bridge.config.documents import parse
from bridge.metastudio.models import InteractionRule, RoomRequest, room_problems
from bridge.metastudio.models.problems import _hints, _peeled
from bridge.metastudio.rules import read_rules
from bridge.secret import Secret
from tests.cli.cloud_commands import Commands, rows_of, run
from tests.metastudio import room_file

EXAMPLE = example_text("evening-show", "https://bridge.example.com", "k" * 32)
SWITCHED_OFF = re.compile(r"^( *)#([a-z_]+):", re.MULTILINE)
WITHDRAWN = {"background_title", "background_cover_url", "human_position_2d", "human_size_2d", "dh_id", "layer_type"}
TEN_MISTAKES = """\
room_name: ""
room_typ: NORMAL
scene_scripts:
  - shoot_scripts:
      - sequence_no: first
interaction_rules:
  - event_type: 5
    hit_condition: {relation: And, tags: [{match: MATH_GE, value: many}]}
video_config: {bitrate: 1, width: 1080, height: 1920}
live_event_callback_config:
  live_event_type_callback_url: http://bridge.example.com/callbacks/x
  auth_type: MSS_A
"""


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    async with Commands(tmp_path) as commands:
        yield commands


def switched_on(text: str) -> str:
    return SWITCHED_OFF.sub(r"\1\2:", text)


def parsed(text: str) -> dict[str, Any]:
    values, problems = parse(text)
    assert problems == []
    assert isinstance(values, dict)
    return values


def keys_of(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set(value).union(*map(keys_of, value.values())) if isinstance(value, dict) else set()


def fields_of(model: Any) -> set[str]:
    found: set[str] = set()
    for name, hint in _hints(model).items():
        found.add(name)
        base = _peeled(hint)[0]
        inner = _peeled(base.__args__[0])[0] if getattr(base, "__origin__", None) is list else base
        if hasattr(inner, "model_fields"):
            found |= fields_of(inner)
    return found


@pytest.mark.parametrize("text", [EXAMPLE, switched_on(EXAMPLE)], ids=["as it stands", "with everything switched on"])
def test_the_example_is_a_valid_room_with_usable_rules(text: str) -> None:
    room = parsed(text)

    assert room_problems(room) == []
    assert len(read_rules(room)) == 9
    assert room == yaml.safe_load(text)


def test_the_example_shows_every_field_and_every_kind_of_rule() -> None:
    room = parsed(switched_on(EXAMPLE))

    assert fields_of(RoomRequest) - WITHDRAWN - keys_of(room) == set()
    rules = [InteractionRule.model_validate(rule) for rule in room["interaction_rules"]]
    assert {rule.event_type for rule in rules} == {1, 2, 3, 4, 10}
    assert {rule.hit_condition.relation for rule in rules if rule.hit_condition} == {"AND", "OR", "RESERVED"}
    for word in ("EQUAL", "REGEX", "MATH_GT", "MATH_GE", "MATH_LT", "MATH_LE", "MATH_EQ", "SUM", "AVG", "COUNT"):
        assert word in EXAMPLE
    for mode in ("SYSTEM_REPLY", "CALLBACK", "SYSTEM_REPLY_AND_CALLBACK", "SHOW_LAYER", "INTELLIGENT_REPLY"):
        assert mode in EXAMPLE


def test_the_example_needs_no_account_and_has_a_fresh_key_each_time() -> None:
    printed = [run("rooms", "create", "--example", "--config", "/nonexistent").stdout for _ in range(2)]

    keys = [parsed(text)["live_event_callback_config"]["key"] for text in printed]
    assert keys[0] != keys[1]
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)
    assert EXAMPLE_KEY not in "".join(printed)


def test_the_example_calls_back_to_the_room_and_bridge_that_were_named() -> None:
    ran = run("rooms", "create", "--example", "--room", "tea", "--bridge-url", "https://live.example.org/")

    url = parsed(ran.stdout)["live_event_callback_config"]["live_event_type_callback_url"]
    assert url == "https://live.example.org/callbacks/tea"


async def test_the_example_is_created_as_it_stands(commands: Commands) -> None:
    ran = await commands("rooms", "create", "-f", "-", stdin=EXAMPLE)

    assert ran.exit_code == 0, ran.stderr
    [room_id] = re.findall(r"^# created room (\S+)$", ran.stdout, re.MULTILINE)
    sent = parsed(EXAMPLE) | {
        "output_urls": ["rtmp://push.example.com/live"],
        "stream_keys": ["put-your-stream-key-here"],
    }
    assert commands.tenant.rooms[room_id].data == sent


async def test_what_create_prints_is_a_room_file_that_loads(commands: Commands) -> None:
    ran = await commands("rooms", "create", "-f", "-", stdin=EXAMPLE)

    assert "k" * 32 not in ran.stdout
    (commands.folder / "rooms").mkdir()
    (commands.folder / "rooms/evening-show.yaml").write_text(ran.stdout, encoding="utf-8")
    [room] = load(commands.folder, {"EVENING_SHOW_CALLBACK_KEY": "k" * 32}).rooms
    assert room.report.smart_live_room_id in commands.tenant.rooms
    assert room.callbacks is not None
    assert room.callbacks.key == Secret("k" * 32)
    assert room.callbacks.url.reveal() == "https://bridge.example.com/callbacks/evening-show"


async def test_reveal_prints_the_variables_that_the_room_file_reads(commands: Commands) -> None:
    file = commands.file("tea.yaml", EXAMPLE)

    table = await commands("rooms", "create", "-f", file, "--reveal")
    data = (await commands("rooms", "create", "-f", file, "--reveal", "--output", "json")).json()
    masked = (await commands("rooms", "create", "-f", file, "--output", "yaml")).yaml()

    assert f"# export EVENING_SHOW_CALLBACK_KEY={'k' * 32}\n" in table.stdout
    assert data["environment"] == {"EVENING_SHOW_CALLBACK_KEY": "k" * 32}
    assert masked["environment"] == {"EVENING_SHOW_CALLBACK_KEY": "***"}
    assert data["file"] == "rooms/evening-show.yaml"
    assert data["config"].replace(data["room_id"], "") == masked["config"].replace(masked["room_id"], "")


async def test_a_json_file_goes_through_unchanged(commands: Commands) -> None:
    room = room_file.room()
    room["scene_scripts"][0]["shoot_scripts"][0]["text_config"]["text"] = "Save $$ with ${CODE}"
    file = commands.file("room.json", orjson.dumps(room).decode())

    created = (await commands("rooms", "create", "-f", file, "--output", "json")).json()

    assert commands.tenant.rooms[created["room_id"]].data == room


async def test_credentials_in_a_file_come_from_the_environment_and_from_files(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAM_KEY", "from-the-environment")
    (commands.folder / "key.txt").write_text("from-a-file\n")
    room = {
        "room_name": "${STREAM_KEY}",
        "stream_keys": ["${STREAM_KEY}"],
        "live_event_callback_config": {"auth_type": "MSS_A", "key": "${file:key.txt}"},
    }
    file = commands.file("room.yaml", room)

    created = (await commands("rooms", "create", "-f", file, "--output", "json")).json()

    assert commands.tenant.rooms[created["room_id"]].data == {
        "room_name": "${STREAM_KEY}",
        "stream_keys": ["from-the-environment"],
        "live_event_callback_config": {"auth_type": "MSS_A", "key": "from-a-file"},
    }


async def test_ten_mistakes_are_ten_lines_and_no_call(commands: Commands) -> None:
    file = commands.file("room.yaml", TEN_MISTAKES)

    for arguments in (("create",), ("update", commands.sandbox.room_id)):
        ran = await commands("rooms", *arguments, "-f", file)
        assert ran.exit_code == 2
        assert ran.stdout == ""
        lines = ran.stderr.splitlines()
        assert [line.split(": ")[1] for line in lines] == [
            "room_name",
            "scene_scripts[0].script_name",
            "scene_scripts[0].shoot_scripts[0].sequence_no",
            "interaction_rules[0].event_type",
            "interaction_rules[0].hit_condition.relation",
            "interaction_rules[0].hit_condition.tags[0].value",
            "video_config.bitrate",
            "live_event_callback_config.live_event_type_callback_url",
            "live_event_callback_config.key",
            "room_typ",
        ]
        assert all(line.startswith(f"{file}: ") and line.count(": ") >= 3 for line in lines)
    assert commands.calls == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- a\n", "document: is a list: key: value lines"),
        ("[1]", "document: is a list: key: value lines"),
        ("room_name: [", "line 2, column 1: is not YAML"),
        ("room_name: a\nroom_name: b\n", "room_name: is given twice: it stands in lines 1 and 2, keep one"),
        ("room_name: a\nstream_keys: ['${NOT_SET}']\n", "stream_keys[0]: the environment variable NOT_SET is not set"),
        ("room_name: a\nstream_keys: ['***']\n", "stream_keys[0]: is masked with ***: the value itself"),
        ("", "room_name: is missing: a text of 1 to 256 characters"),
    ],
)
async def test_a_file_that_is_no_room_is_told(commands: Commands, text: str, line: str) -> None:
    file = commands.file("room.yaml", text)

    ran = await commands("rooms", "create", "-f", file)

    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"{file}: {line}")
    assert len(ran.stderr.splitlines()) == 1


async def test_a_file_must_be_given_and_readable(commands: Commands) -> None:
    missing = await commands("rooms", "create", "-f", str(commands.folder / "nowhere.yaml"))
    none = await commands("rooms", "create")

    assert (missing.exit_code, none.exit_code) == (2, 2)
    assert missing.stderr.endswith(
        "nowhere.yaml: document: cannot be read (No such file or directory): a readable file"
    )
    assert none.stderr == "--file: is missing: a room file; `rooms create --example` prints one"


async def test_the_list_goes_past_a_hundred_rooms_and_can_be_cut(commands: Commands) -> None:
    commands.add_rooms(230)

    everything = (await commands("rooms", "list", "--output", "json")).json()
    cut = (await commands("rooms", "list", "--output", "json", "--limit", "101")).json()

    assert [room["room_id"] for room in everything] == list(commands.tenant.rooms)
    assert cut == everything[:101]
    assert commands.calls == {"list_rooms": 3 + 2}


async def test_table_json_and_yaml_of_the_list_agree(commands: Commands) -> None:
    commands.add_rooms(3)

    data = (await commands("rooms", "list", "--output", "json")).json()
    table = (await commands("rooms", "list")).stdout

    assert (await commands("rooms", "list", "--output", "yaml")).yaml() == data
    head, *rows = rows_of(table)
    assert rows == [[str(room.get(name, "")) for name in head] for room in data]
    assert table.endswith("4 room(s)\n")


async def test_the_list_is_filtered(commands: Commands) -> None:
    commands.add_rooms(3)

    async def listed(*filters: str) -> list[str]:
        return [room["room_id"] for room in (await commands("rooms", "list", *filters, "--output", "json")).json()]

    assert await listed("--name", "stall 1") == ["stall-1"]
    assert await listed("--state", "PROCESSING") == [commands.sandbox.room_id]
    assert await listed("--type", "TEMPLATE") == []
    assert (await commands("rooms", "list", "--type", "TEMPLATE")).stdout == "0 room(s)\n"


@pytest.mark.parametrize("option", ["--since", "--until", "--type"])
async def test_a_wrong_filter_is_told_by_its_option(commands: Commands, option: str) -> None:
    ran = await commands("rooms", "list", option, "yesterday")

    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"{option}: is 'yesterday': ")
    assert commands.calls == {}


async def test_a_room_is_shown_whole_with_its_credentials_masked(commands: Commands) -> None:
    commands.tenant.add_room(room_file.room(), 0, "r1")

    masked = (await commands("rooms", "show", "r1", "--output", "json")).json()
    table = (await commands("rooms", "show", "r1")).stdout
    revealed = (await commands("rooms", "show", "r1", "--reveal", "--output", "yaml")).yaml()

    assert revealed.items() >= room_file.room().items()
    assert masked["stream_keys"] == ["***"]
    assert masked["scene_scripts"] == revealed["scene_scripts"]
    assert "scene_scripts[0].voice_config.speed" in table
    for shown in (str(masked), table):
        assert not re.search("callback-secret|url-secret|stream-secret|push-secret|out-secret", shown)


async def test_a_room_shown_as_a_file_can_be_sent_back_unchanged(commands: Commands) -> None:
    room = room_file.room()
    room["stream_keys"] = ["a$$b${c}"]
    room["relation_live_platform_info"]["account"] = "the cloud's own"
    commands.tenant.add_room(room, 0, "r1")

    shown = await commands("rooms", "show", "r1", "--as-file", "--reveal")
    updated = await commands("rooms", "update", "r1", "-f", "-", stdin=shown.stdout)

    assert shown.stderr == "left out, because only the cloud sets it: relation_live_platform_info.account\n"
    assert updated.stdout == "updated room r1\n"
    del room["relation_live_platform_info"]["account"]
    assert commands.tenant.rooms["r1"].data == room


async def test_a_file_with_masked_credentials_is_not_sent(commands: Commands) -> None:
    commands.tenant.add_room(room_file.room(), 0, "r1")
    shown = await commands("rooms", "show", "r1", "--as-file")

    updated = await commands("rooms", "update", "r1", "-f", "-", stdin=shown.stdout)

    assert updated.exit_code == 2
    assert [line.split(": ")[1] for line in updated.stderr.splitlines()] == [
        "video_config.output_external_url",
        "output_urls[0]",
        "stream_keys[0]",
        "live_event_callback_config.live_event_type_callback_url",
        "live_event_callback_config.key",
    ]
    assert commands.tenant.rooms["r1"].data == room_file.room()


async def test_a_room_is_updated_and_deleted(commands: Commands) -> None:
    commands.add_rooms(1)
    file = commands.file("room.yaml", {"room_name": "new name"})

    updated = (await commands("rooms", "update", "stall-0", "-f", file, "--output", "json")).json()
    assert commands.tenant.rooms["stall-0"].data == {"room_name": "new name"}
    deleted = await commands("rooms", "delete", "stall-0", "--yes")

    assert updated == {"room_id": "stall-0", "result": "updated"}
    assert deleted.stdout == "deleted room stall-0\n"
    assert "stall-0" not in commands.tenant.rooms


async def test_unknown_rooms_are_refused_with_the_clouds_words(commands: Commands) -> None:
    file = commands.file("room.yaml", {"room_name": "x"})

    for arguments in (("show", "none"), ("update", "none", "-f", file), ("delete", "none"), ("show", "a/../b?")):
        ran = await commands("rooms", *arguments)
        assert (ran.exit_code, ran.stdout) == (3, "")
        assert "404" in ran.stderr
    assert "roomInfo not found" in (await commands("rooms", "show", "none")).stderr


async def test_a_room_with_a_running_job_is_not_deleted(commands: Commands) -> None:
    ran = await commands("rooms", "delete", commands.sandbox.room_id)

    assert ran.exit_code == 3
    assert commands.sandbox.room_id in commands.tenant.rooms


async def test_wrong_credentials_end_with_3_after_one_call(commands: Commands) -> None:
    sandbox = commands.sandbox
    account = {"endpoint": sandbox.base_url, "project_id": sandbox.project_id, "access_key": sandbox.access_key}
    commands.configure({**account, "secret_key": "wrong-secret"})

    ran = await commands("rooms", "list")

    assert ran.exit_code == 3
    assert "the cloud refuses the access key" in ran.stderr
    assert "wrong-secret" not in ran.stderr
    assert commands.calls == {"list_rooms": 1}


async def test_a_wrong_iam_password_is_not_tried_again_and_again(commands: Commands) -> None:
    sandbox = commands.sandbox
    iam = {"endpoint": sandbox.base_url, "user": "sandbox", "domain": "sandbox", "password": "wrong"}
    commands.configure({"endpoint": sandbox.base_url, "project_id": sandbox.project_id, "iam": iam})

    ran = await commands("rooms", "list")

    assert ran.exit_code == 3
    assert commands.calls == {"create_token": 1}


async def test_an_iam_user_works_as_well_as_a_key(commands: Commands) -> None:
    sandbox = commands.sandbox
    iam = {"endpoint": sandbox.base_url, "user": "sandbox", "domain": "sandbox", "password": sandbox.iam_password}
    commands.configure({"endpoint": sandbox.base_url, "project_id": sandbox.project_id, "iam": iam})

    assert len((await commands("rooms", "list", "--output", "json")).json()) == 1


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ({}, ["access_key with secret_key, or token, or iam", "metastudio.project_id"]),
        ({"project_id": "p"}, ["access_key with secret_key, or token, or iam"]),
        ({"token": "t"}, ["metastudio.project_id"]),
        ({"token": "t", "project_id": "p", "endpoint": "http://example.com"}, ["metastudio.endpoint: is not safe"]),
    ],
)
def test_a_missing_account_is_told_by_its_keys(tmp_path: Path, account: dict[str, str], named: list[str]) -> None:
    (tmp_path / "bridge.yaml").write_text(yaml.safe_dump({"metastudio": account}))

    ran = run("rooms", "list", "--config", str(tmp_path))

    assert ran.exit_code == 2
    lines = ran.stderr.splitlines()
    assert len(lines) == len(named)
    assert all(name in line for name, line in zip(named, lines, strict=True))
    assert all(line.startswith("bridge.yaml: metastudio") for line in lines)


async def test_a_cloud_that_does_not_answer_is_3_and_says_what_may_have_happened(commands: Commands) -> None:
    file = commands.file("room.yaml", {"room_name": "x"})
    doubt = "the room may have been created all the same: see `rooms list`"
    for fault in ({"reset": "after"}, {"status": 502}, {"status": 429}):
        commands.sandbox.misbehave({"call": "rooms", **fault})
        ran = await commands("rooms", "create", "-f", file)
        assert ran.exit_code == 3
        assert ran.stderr.endswith(doubt) is (fault != {"status": 429})
    assert commands.calls == {"create_room": 3}


def test_the_bridges_room_name_must_be_one() -> None:
    ran = run("rooms", "create", "--example", "--room", "Evening Show")

    assert ran.exit_code == 2
    assert "is no room name" in ran.stderr
