"""``rehearse``: which interaction rule would have answered which event."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.recording_file import Recording
from bridge.cli.rehearsal import Rehearsal, rehearse_events, standing
from bridge.cli.rehearsal_page import page
from bridge.cli.rules_file import load_rules
from bridge.metastudio.models import InteractionRule
from bridge.metastudio.rule_matching import read_event
from bridge.metastudio.rule_options import (
    DEFAULTS,
    AfterAnswer,
    AndTakes,
    Answers,
    NoTags,
    Regex,
    Reserved,
    RuleOptions,
    Suppressed,
    Time,
    TotalsOver,
    WindowEnd,
)
from bridge.metastudio.rules import Rule, Rules

_WIDTHS = (18, 8, 56, 20, 20)
_OPEN = "What the cloud's documents leave open"


class Output(Enum):
    """How a rehearsal is shown."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def _open(question: type[Enum]) -> Any:
    return typer.Option(help=question.__doc__, rich_help_panel=_OPEN)


def rehearse(
    rules: Annotated[
        Path, typer.Argument(metavar="RULES", help="YAML or JSON: a list of rules, or a room file with them.")
    ],
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="A file of `record`: one event a line; .gz is read too.")
    ],
    *,
    output: Annotated[Output, typer.Option("--output", help="How it is shown.")] = Output.TABLE,
    scene: Annotated[
        str, typer.Option(metavar="NAME", help="The scene that plays; without it the rules of all scenes hold.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Draws the RANDOM replies: the same seed, the same replies.")] = 0,
    answers: Annotated[Answers, _open(Answers)] = DEFAULTS.answers,
    suppressed: Annotated[Suppressed, _open(Suppressed)] = DEFAULTS.suppressed,
    reserved: Annotated[Reserved, _open(Reserved)] = DEFAULTS.reserved,
    regex: Annotated[Regex, _open(Regex)] = DEFAULTS.regex,
    totals_over: Annotated[TotalsOver, _open(TotalsOver)] = DEFAULTS.totals_over,
    after_answer: Annotated[AfterAnswer, _open(AfterAnswer)] = DEFAULTS.after_answer,
    and_takes: Annotated[AndTakes, _open(AndTakes)] = DEFAULTS.and_takes,
    window_end: Annotated[WindowEnd, _open(WindowEnd)] = DEFAULTS.window_end,
    no_tags: Annotated[NoTags, _open(NoTags)] = DEFAULTS.no_tags,
    time: Annotated[Time, _open(Time)] = DEFAULTS.time,
) -> None:
    """Run a room's interaction rules over recorded events, without the cloud.

    It shows event by event which rule would have answered and which were suppressed, sums it up, and names the rules
    that never fired. A line of the recording that cannot be read is named and counted, the others are used. Exit code
    2 if a file is wrong.
    """
    options = RuleOptions(
        answers=answers,
        suppressed=suppressed,
        reserved=reserved,
        regex=regex,
        totals_over=totals_over,
        after_answer=after_answer,
        and_takes=and_takes,
        window_end=window_end,
        no_tags=no_tags,
        time=time,
    )
    _show(_rehearsed(load_rules(rules), Recording(recording), options, scene, seed), output)


def _show(rehearsal: Rehearsal, output: Output) -> None:
    if output is Output.JSON:
        sys.stdout.buffer.write(orjson.dumps(rehearsal.as_json(), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
    elif output is Output.HTML:
        sys.stdout.buffer.write(page(rehearsal).encode())
        sys.stdout.buffer.flush()
    else:
        _print(rehearsal)


def _rehearsed(
    rules: list[InteractionRule], recording: Recording, options: RuleOptions, scene: str, seed: int
) -> Rehearsal:
    if scene and not any(scene in (rule.enabled_scenes or ()) for rule in rules):
        typer.echo(f"--scene: {scene}: no rule names this scene; those that name others are switched off", err=True)
    show = Rules(rules, choose=random.Random(seed).randrange, options=options, scene=scene)  # noqa: S311 - no secret
    events = rehearse_events(recording.events(read_event), show)
    if recording.unreadable:
        typer.echo(recording.summary(), err=True)
    return Rehearsal(events, show.rules, show.never_fired(), recording.unreadable)


def _print(rehearsal: Rehearsal) -> None:
    # Written line by line: a table that measures all its rows first takes minutes for a long show.
    typer.echo(_row(("time (UTC)", "event", "", "fired", "suppressed", "reply")))
    for event in rehearsal.events:
        outcome = event.outcome
        moment = datetime.fromtimestamp(event.timestamp_ms / 1000, UTC).strftime("%m-%d %H:%M:%S.%f")[:-3]
        fired, suppressed = ", ".join(outcome.fired), ", ".join(outcome.suppressed)
        typer.echo(_row((moment, event.type, event.words, fired, suppressed, outcome.reply or "")))
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(_rule_table(rehearsal.rules))
    typer.echo(rehearsal.summary())
    if rehearsal.never_fired:
        typer.echo(f"never fired: {', '.join(map(_printable, rehearsal.never_fired))}")


def _row(cells: Sequence[str]) -> str:
    """Return a row of the events' table; what is too wide for its column is cut, the last column never."""
    *first, last = map(_printable, cells)
    return "  ".join([*map(set_cell_size, first, _WIDTHS), last]).rstrip()


def _rule_table(rules: Iterable[Rule]) -> Table:
    table = Table("rule", "type", "priority", "hit", "answered", "suppressed", "", title="Rules", title_justify="left")
    for rule in rules:
        counts = (rule.event_type or "", rule.priority, rule.hits, rule.answers, rule.suppressions)
        table.add_row(Text(_printable(rule.name)), *map(str, counts), standing(rule))
    return table


def _printable(text: str) -> str:
    """Return a text that cannot steer the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
