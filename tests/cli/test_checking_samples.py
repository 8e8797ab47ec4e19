"""``check --sample``: frames decoded with a source's own options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from bridge.cli.inspection import check
from bridge.errors import ConfigError

MAPPED = {
    "platform": "websocket",
    "websocket_url": "ws://127.0.0.1:9999/feed",
    "site": "teahouse",
    "mapping": [
        {"when": "cmd == 'say'", "type": "comment", "user_id": "uid", "user_name": "nick", "text": "words"},
    ],
}
SAY = json.dumps({"cmd": "say", "uid": 7, "nick": "Ann", "words": "hello"})
LINES = [{"at_ms": 1_760_000_000_000, "text": SAY}, {"text": json.dumps({"cmd": "?"})}, {"text": "{"}]
SUPER_CHAT = {
    "cmd": "SUPER_CHAT_MESSAGE",
    "data": {
        "id": 9,
        "uid": 7,
        "price": 30,
        "message": "for the tea",
        "ts": 1_760_000_000,
        "user_info": {"uname": "Ann"},
        "gift": {"gift_name": "醒目留言"},
    },
}


class Directory:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rooms").mkdir()

    def room(self, name: str, *sources: dict[str, Any], **more: Any) -> None:
        report = {"url": "https://cloud.example.com/report?auth_key=1"}
        text = yaml.safe_dump({"sources": list(sources), "report": report, **more})
        (self.folder / f"rooms/{name}.yaml").write_text(text)

    def sample(self, *lines: Any) -> str:
        path = self.folder / "sample.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return str(path)

    def check(self, *arguments: str) -> Result:
        app = typer.Typer()
        app.command()(check)
        return CliRunner().invoke(app, ["--config", str(self.folder), *arguments])

    def results(self, *arguments: str) -> list[Any]:
        result = self.check(*arguments)
        assert result.exit_code == 0, result.exception
        return [json.loads(line) for line in result.stdout.splitlines()]

    def problems(self, *arguments: str) -> list[str]:
        error = self.check(*arguments).exception
        assert isinstance(error, ConfigError)
        return error.problems


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


def test_a_mapped_source_shows_what_its_mapping_yields(directory: Directory) -> None:
    directory.room("tea", MAPPED)

    event, unknown, rejected = directory.results("--room", "tea", "--sample", directory.sample(*LINES))

    content = json.loads(event["event"]["content"])
    assert (content["user"]["userId"], content["content"]) == ("teahouse_7", "hello")
    assert unknown == {"unknown": "no rule matches"}
    assert list(rejected) == ["rejected"]


def test_messages_are_taken_as_the_socket_sends_them(directory: Directory) -> None:
    directory.room("tea", MAPPED)
    sample = directory.folder / "messages.txt"
    sample.write_text(f'{SAY}\n{{"cmd": "?", "text": "not a frame"}}\nping\n\n[1]\n{{"cmd"\n')

    event, other, keep_alive, array, torn = directory.results("--sample", str(sample))

    assert json.loads(event["event"]["content"])["content"] == "hello"
    assert [other, array] == [{"unknown": "no rule matches"}] * 2
    assert keep_alive == {"ignored": "keep-alive"}
    assert list(torn) == ["rejected"]


def test_paid_messages_take_the_form_of_the_room(directory: Directory) -> None:
    bilibili = {"platform": "bilibili", "room": 1}
    directory.room("comment", bilibili)
    directory.room("both", bilibili, events={"paid_message": "both"})
    sample = directory.sample({"at_ms": 1_760_000_000_000, "text": json.dumps(SUPER_CHAT)})

    def types(room: str) -> list[int]:
        return [line["event"]["type"] for line in directory.results("--room", room, "--sample", sample)]

    assert types("comment") == [1]
    assert types("both") == [1, 4]


def test_room_and_source_must_be_named_where_there_are_several(directory: Directory) -> None:
    sample = directory.sample(*LINES)
    directory.room("tea", {"platform": "bilibili", "room": 1}, MAPPED)

    assert directory.problems("--sample", sample) == [
        "--source: is missing, tea has several sources: 0 bilibili 1, 1 websocket"
    ]
    assert len(directory.results("--sample", sample, "--source", "1")) == 3
    assert directory.problems("--sample", sample, "--source", "2")[0].startswith("--source: 2: tea has no such source")
    directory.room("wine", MAPPED)
    assert directory.problems("--sample", sample) == ["--room: is missing, there are several rooms: one of tea, wine"]
    assert directory.problems("--sample", sample, "--room", "beer") == ["--room: beer: unknown: one of tea, wine"]


def test_a_sample_that_cannot_be_read_is_told(directory: Directory) -> None:
    directory.room("tea", MAPPED)

    assert directory.problems("--sample", "/nowhere") == ["/nowhere: cannot be read: No such file or directory"]


def test_without_a_sample_one_room_can_be_picked(directory: Directory) -> None:
    directory.room("tea", MAPPED)
    directory.room("wine", {"platform": "bilibili", "room": 1})

    assert [line.partition(":")[0] for line in directory.check().stdout.splitlines()] == ["tea", "wine"]
    assert directory.check("--room", "wine").stdout.startswith("wine: ok: bilibili 1 -> ")
