"""``decode``: captured frames to events, without any network."""

from __future__ import annotations

import socket
from pathlib import Path

import orjson
import pytest

from tests.cli.program import Program
from tests.test_captures import CASES

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


@pytest.mark.parametrize("case", CASES[:: max(len(CASES) // 12, 1)], ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_file_of_frames_gives_what_the_capture_expects(case: Path, program: Program) -> None:
    expected = [orjson.loads(line) for line in (case / "expected.jsonl").read_bytes().splitlines() if line.strip()]

    ended = program("decode", "--platform", case.parent.name, case / "frames.jsonl")

    assert (ended.code, ended.err) == (0, "")
    assert ended.results == expected


def test_without_a_file_standard_input_is_read(program: Program) -> None:
    frame = orjson.dumps({"at_ms": 1_760_000_000_000, "text": orjson.dumps(SUPER_CHAT).decode()})

    ended = program("decode", "--platform", "bilibili", stdin=frame + b"\n\n{\n")

    assert ended.code == 0
    first, second = ended.results
    assert orjson.loads(first["event"]["content"])["content"] == "for the tea"
    assert second == {"rejected": "line 3: is not JSON (2 bytes)"}


@pytest.mark.parametrize(("form", "types"), [("comment", [1]), ("gift", [4]), ("both", [1, 4])])
def test_a_paid_message_takes_the_form_that_is_asked_for(form: str, types: list[int], program: Program) -> None:
    frame = orjson.dumps({"at_ms": 1_760_000_000_000, "text": orjson.dumps(SUPER_CHAT).decode()})

    ended = program("decode", "--platform", "bilibili", "--paid-message", form, stdin=frame)

    assert [result["event"]["type"] for result in ended.results] == types


def test_texts_are_printed_as_they_are(program: Program) -> None:
    chat = orjson.dumps({**SUPER_CHAT, "data": {**SUPER_CHAT["data"], "message": "你好 😀"}}).decode()  # type: ignore[dict-item]

    ended = program("decode", "--platform", "bilibili", stdin=orjson.dumps({"text": chat}))

    assert "你好 😀" in ended.out


def test_a_name_that_utf8_cannot_carry_is_printed_all_the_same(program: Program) -> None:
    ended = program("decode", "--platform", "bilibili", stdin=b'{"text": "{\\"cmd\\": \\"NEW_\\\\ud800\\"}"}')

    assert ended.code == 0
    assert ended.results == [{"unknown": "NEW_�"}]


def test_no_network_is_touched(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert program("decode", "--platform", "bilibili", stdin=orjson.dumps({"text": "{}"})).code == 0
