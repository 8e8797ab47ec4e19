"""The same data as a table for people, or as JSON or YAML for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any

import orjson
import typer
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.config.problems import path_text
from bridge.metastudio.models.base import Part

MAX_CELL_CHARS = 300
_WIDE = 4000
"""Columns of a table that no terminal bounds: nothing is broken, so that it can be searched by lines."""


class Output(Enum):
    """How something is shown."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[Output, typer.Option("--output", help="How it is shown.")]
RevealOption = Annotated[
    bool, typer.Option("--reveal", help="Show credentials and report URLs in the clear; they are *** otherwise.")
]


def seen(part: Part, *, reveal: bool = False) -> dict[str, Any]:
    """Return an object of the cloud's as it is to be shown."""
    return part.to_wire() if reveal else part.shown()


def show_list(items: Sequence[Mapping[str, Any]], columns: Sequence[str], output: Output, what: str) -> None:
    """Show many objects; a table has only ``columns``, which are names of fields, and says how many ``what`` there are."""
    if output is not Output.TABLE:
        write(items, output)
        return
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for item in items:
        table.add_row(*(_cell(item.get(column)) for column in columns))
    if items:
        _print(table)
    typer.echo(f"{len(items)} {what}")


def show_one(item: Mapping[str, Any], output: Output) -> None:
    """Show one object whole; in a table each value has a row, with its path."""
    if output is not Output.TABLE:
        write(item, output)
        return
    table = Table()
    for column in ("field", "value"):
        table.add_column(column, overflow="fold")
    for path, value in _leaves(item, ()):
        table.add_row(Text(printable(path_text(path))), _cell(value))
    _print(table)


def write(data: Any, output: Output) -> None:
    """Write data as JSON or YAML."""
    if output is Output.JSON:
        text = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120, encoding="utf-8")
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def printable(text: str) -> str:
    """Return a text that cannot steer the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if not value or not isinstance(value, Mapping | list):
        yield path, value
        return
    for step, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from _leaves(inner, (*path, step))


def _cell(value: Any) -> Text:
    if value is None:
        return Text("")
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = printable(text.replace("\n", " "))
    if len(text) > MAX_CELL_CHARS:
        text = f"{text[:MAX_CELL_CHARS]}… ({len(text)} characters)"
    return Text(text)


def _print(table: Table) -> None:
    console = Console()
    (console if console.is_terminal else Console(width=_WIDE)).print(table)
