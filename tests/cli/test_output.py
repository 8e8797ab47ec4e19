from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from bridge.cli.output import MAX_CELL_CHARS, Output, show_list, show_one, write
from bridge.config.documents import parse
from tests.cli.cloud_commands import rows_of

HARD: dict[str, Any] = {
    "emoji": "😀 茶",
    "lines": "one\ntwo\n",
    "words": ["no", "null", "0123", "1e3", "12:30", "1.50", "~", " x ", "# y", "- z", "${A}"],
    "numbers": [0, 1.5, -7, True],
}


def test_json_and_yaml_say_the_same_and_are_read_back_by_the_programs_own_reader(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    write(HARD, Output.JSON)
    assert json.loads(capsysbinary.readouterr().out) == HARD
    write(HARD, Output.YAML)
    text = capsysbinary.readouterr().out.decode()
    assert yaml.safe_load(text) == HARD
    assert parse(text) == (HARD, [])


def test_a_table_has_a_row_a_value_and_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_one({"a": [{"b": "\x1b[31mred"}], "empty": [], "markup": "[bold]x[/bold]", "long": "x" * 1000}, Output.TABLE)

    rows = rows_of(capsys.readouterr().out)
    assert ["a[0].b", "\ufffd[31mred"] in rows
    assert ["empty", "[]"] in rows
    assert ["markup", "[bold]x[/bold]"] in rows
    assert ["long", f"{'x' * MAX_CELL_CHARS}… (1000 characters)"] in rows


def test_a_table_breaks_no_line_where_no_terminal_bounds_it(capsys: pytest.CaptureFixture[str]) -> None:
    item = {f"column{number}": "x" * 200 for number in range(10)}

    show_list([item], list(item), Output.TABLE, "item(s)")

    assert rows_of(capsys.readouterr().out)[1] == list(item.values())
