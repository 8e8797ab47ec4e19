from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from bridge.cli.rehearsing import rehearse
from bridge.errors import ConfigError
from tests.metastudio import room_file
from tests.metastudio.rule_shows import GIFT, START_MS, rule, tag, wire

RULES = [
    rule(
        "price",
        tag("content", "REGEX", "how much|price"),
        priority=1,
        window=60,
        texts=["9.90", "Still 9.90"],
        order="ORDER",
    ),
    rule("welcome", kind=2, window=-1, texts=["Welcome!"]),
    rule("hundred", tag("giftNum", "MATH_GE", "100", "SUM"), kind=GIFT, texts=["A hundred!"]),
    rule("fallback", relation="RESERVED", texts=["Thank you."]),
    rule("off", kind=3, enabled=False),
]
EVENTS: list[Any] = [
    wire(content="how much is it?"),
    wire(content="the price?", at_secs=30),
    wire(content="hello", at_secs=40),
    wire(GIFT, 50, giftNum=99),
    wire(2, 55),
    wire(2, 56, name="Bob"),
    wire(GIFT, 58, giftNum=1),
    wire(content="price!", at_secs=60),
    {"timestamp": START_MS + 61_000, "type": 6, "content": '{"numberOfViewers": 7}'},
]
GOLDEN: dict[str, Any] = {
    "events": [
        {"timestamp": START_MS, "fired": ["price"], "suppressed": [], "reply": "9.90"},
        {"timestamp": START_MS + 30_000, "fired": [], "suppressed": ["price"], "reply": None},
        {"timestamp": START_MS + 40_000, "fired": ["fallback"], "suppressed": [], "reply": "Thank you."},
        {"timestamp": START_MS + 50_000, "fired": [], "suppressed": [], "reply": None},
        {"timestamp": START_MS + 55_000, "fired": ["welcome"], "suppressed": [], "reply": "Welcome!"},
        {"timestamp": START_MS + 56_000, "fired": [], "suppressed": ["welcome"], "reply": None},
        {"timestamp": START_MS + 58_000, "fired": ["hundred"], "suppressed": [], "reply": "A hundred!"},
        {"timestamp": START_MS + 60_000, "fired": ["price"], "suppressed": [], "reply": "Still 9.90"},
        {"timestamp": START_MS + 61_000, "fired": [], "suppressed": [], "reply": None},
    ],
    "never_fired": ["off"],
}
HOSTILE = [
    "</title></svg><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--><style>*{display:none}</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "&lt;script&gt;",
    "\u202e\x00\x1b[31m",
]


def recording(folder: Path, events: Iterable[Any] = EVENTS, name: str = "show.jsonl") -> Path:
    lines = b"".join(orjson.dumps(event) + b"\n" if isinstance(event, dict) else event for event in events)
    path = folder / name
    path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    return path


def rules_file(folder: Path, data: Any = RULES, name: str = "rules.yaml") -> Path:
    path = folder / name
    text = (
        data
        if isinstance(data, str)
        else yaml.safe_dump(data)
        if name.endswith("yaml")
        else orjson.dumps(data).decode()
    )
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(rehearse)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rehearsed(*arguments: object) -> Any:
    result = run(*arguments, "--output", "json")
    assert result.exit_code == 0, result.stderr
    return orjson.loads(result.stdout)


def problems(*arguments: object) -> list[str]:
    result = run(*arguments)
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_code == 2
    return result.exception.problems


def test_json_has_one_item_an_event_in_order_and_the_rules_that_never_fired(tmp_path: Path) -> None:
    assert rehearsed(rules_file(tmp_path), recording(tmp_path)) == GOLDEN


@pytest.mark.parametrize("name", ["rules.yaml", "rules.json"])
def test_rules_are_a_list_or_a_whole_room_in_yaml_or_json(tmp_path: Path, name: str) -> None:
    events = recording(tmp_path)
    assert rehearsed(rules_file(tmp_path, name=name), events) == GOLDEN
    room = room_file.changed("interaction_rules", RULES)
    assert rehearsed(rules_file(tmp_path, room, name), events) == GOLDEN


def test_yaml_lists_may_have_comments_a_start_mark_and_long_texts(tmp_path: Path) -> None:
    text = (
        "# ours\n%YAML 1.1\n---  # rules\n- rule_name: a\n  event_type: 1\n  trigger:\n    reply_texts:\n      - |\n"
        "        two\n\n        lines\n-\n  rule_name: b\n"
    )
    found = rehearsed(rules_file(tmp_path, text), recording(tmp_path, EVENTS[:1]))
    assert found["events"][0]["reply"] == "two\n\nlines\n"
    assert found["never_fired"] == ["b"]


def test_json_may_write_an_emoji_in_two_escapes(tmp_path: Path) -> None:
    text = '[{"rule_name": "\\ud83d\\ude00", "event_type": 1}]'
    assert rehearsed(rules_file(tmp_path, text), recording(tmp_path, EVENTS[:1]))["events"][0]["fired"] == ["😀"]


def test_a_compressed_recording_is_the_same(tmp_path: Path) -> None:
    assert rehearsed(rules_file(tmp_path), recording(tmp_path, name="show.jsonl.gz")) == GOLDEN


def test_a_bad_line_is_named_by_number_and_counted_and_no_more(tmp_path: Path) -> None:
    lines: list[Any] = [
        EVENTS[0],
        b"nonsense\n",
        b"\n",
        b'{"timestamp":1,"type":1,"content":"x"}\n',
        b"x" * 70_000 + b"\n",
        *EVENTS[1:],
    ]
    path = recording(tmp_path, lines)
    result = run(rules_file(tmp_path), path, "--output", "json")
    assert orjson.loads(result.stdout) == GOLDEN
    form = "one LiveEvent as on the wire a line, .gz allowed"
    assert result.stderr.splitlines() == [
        f"{path}: line 2: is not JSON: {form}",
        f"{path}: line 4: content: is no JSON object: {form}",
        f"{path}: line 5: is longer than 65536 bytes: {form}",
        f"{path}: 3 line(s) could not be read",
    ]
    assert result.exit_code == 0


def test_a_recording_that_breaks_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = recording(tmp_path, EVENTS[:3], "show.jsonl.gz").read_bytes()
    path = recording(tmp_path, EVENTS[3:], "show.jsonl.gz")
    path.write_bytes(whole + path.read_bytes()[:30])
    result = run(rules_file(tmp_path), path, "--output", "json")
    assert "line 4: the file is damaged from here on" in result.stderr
    assert orjson.loads(result.stdout)["events"] == GOLDEN["events"][:3]
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("- {rule_name: [}", ["line 1, column 16: is not YAML"]),
        ("words", ["document: is a single value: key: value lines"]),
        ("{}", ["interaction_rules: is missing: a list of at most 500 items"]),
        ("[1]", ["interaction_rules[0]: is 1: a mapping with rule_index"]),
        ("- a: 1\n---\n- b: 1\n", ["line 2: begins a second document"]),
    ],
)
def test_a_wrong_rules_file_is_refused_by_place(tmp_path: Path, text: str, lines: list[str]) -> None:
    path = rules_file(tmp_path, text)
    found = problems(path, recording(tmp_path))
    assert len(found) == len(lines)
    for line, expected in zip(found, lines, strict=True):
        assert line.startswith(f"{path}: {expected}")


def test_ten_mistakes_are_ten_lines(tmp_path: Path) -> None:
    wrong = [
        rule("a", tag("content", "REGEX", "("), priority=1000, window=8000),
        rule("b", tag("level", "MATH_GT", "many"), kind=6, relation="XOR"),
        rule("c", tag("content", "LIKE", "x"), mode="SHOUT", order="SIDEWAYS", enabled="perhaps"),
    ]
    path = rules_file(tmp_path, wrong)
    found = problems(path, recording(tmp_path))
    assert len(found) == 10
    assert all(
        re.fullmatch(rf"{re.escape(str(path))}: interaction_rules\[[012]\]\.[\w.\[\]]+: .+: .+", line) for line in found
    )


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert problems(missing, recording(tmp_path))[0].startswith(f"{missing}: document: cannot be read (No such file")
    assert problems(rules_file(tmp_path), missing)[0].startswith(f"{missing}: cannot be read (No such file")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")
    assert problems(binary, missing) == [f"{binary}: document: is not UTF-8: UTF-8 text"]


@pytest.mark.parametrize(
    ("options", "fired"),
    [
        ([], [["a"], []]),
        (["--answers", "all"], [["a", "b"], ["b"]]),
        (["--suppressed", "silent"], [["a"], []]),
        (["--regex", "whole"], [["b"], ["b"]]),
        (["--scene", "jam"], [["a"], []]),
        (["--scene", "tea"], [["a"], ["b"]]),
    ],
)
def test_options_reach_the_rules(tmp_path: Path, options: list[str], fired: list[list[str]]) -> None:
    rules = [
        rule("a", tag("content", "REGEX", "hell"), window=-1),
        rule("b", tag("content", "EQUAL", "hello"), enabled_scenes=["tea"]),
    ]
    if options not in (["--answers", "all"], ["--scene", "tea"], ["--regex", "whole"]):
        rules[1]["enabled"] = False
    found = rehearsed(rules_file(tmp_path, rules), recording(tmp_path, [wire(), wire(at_secs=1)]), *options)
    assert [event["fired"] for event in found["events"]] == fired


def test_a_scene_that_no_rule_names_is_said(tmp_path: Path) -> None:
    result = run(rules_file(tmp_path), recording(tmp_path), "--scene", "typo")
    assert "--scene: typo: no rule names this scene" in result.stderr


def test_the_table_shows_each_event_and_sums_up(tmp_path: Path) -> None:
    result = run(rules_file(tmp_path), recording(tmp_path))
    assert "Ann: how much is it?" in result.stdout
    assert re.search(r"price +│ 1 +│ 1 +│ 3 +│ 2 +│ 1 +│ answered", result.stdout)
    assert "9 event(s) (4 comment, 2 gift, 2 join, 1 viewers), 5 answered" in result.stdout
    assert "never fired: off" in result.stdout


def test_the_table_cannot_be_steered_by_a_viewer(tmp_path: Path) -> None:
    result = run(rules_file(tmp_path), recording(tmp_path, [wire(content="\x1b[2J[bold]\r\n", name="\x07")]))
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert "[2J[bold]" in result.stdout


class Page(HTMLParser):
    """Keeps a page's elements, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def html(*arguments: object) -> Page:
    result = run(*arguments, "--output", "html")
    assert result.exit_code == 0
    return Page(result.stdout)


def test_the_page_has_a_lane_a_rule_marks_and_counts_and_shows_who_never_fired(tmp_path: Path) -> None:
    found = html(rules_file(tmp_path), recording(tmp_path))
    assert found.tags.count("line") == len(RULES) + 1
    marks = [value for name, value in found.attributes if name == "class" and value in ("fired", "suppressed")]
    assert (marks.count("fired"), marks.count("suppressed")) == (5, 2)
    assert "Never fired: off" in found.words
    assert "switched off" in found.words


@pytest.mark.parametrize("words", HOSTILE)
def test_nothing_that_viewers_or_operators_wrote_becomes_part_of_the_page(tmp_path: Path, words: str) -> None:
    rules = [rule(words, tag("content", "REGEX", ""), window=60, texts=[words]), rule(words, kind=3)]
    events = [wire(content=words, name=words), wire(content=words, name=words, at_secs=1)]
    plain_rules = [rule("x", tag("content", "REGEX", ""), window=60, texts=["x"]), rule("x", kind=3)]
    plain = html(rules_file(tmp_path, plain_rules, "x.json"), recording(tmp_path, [wire(content="x"), wire(at_secs=1)]))
    found = html(rules_file(tmp_path, rules, "y.json"), recording(tmp_path, events))
    assert found.tags == plain.tags
    assert [name for name, _ in found.attributes] == [name for name, _ in plain.attributes]
    assert "".join(char if char.isprintable() else "\ufffd" for char in words) in found.words


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(tmp_path: Path) -> None:
    found = html(rules_file(tmp_path), recording(tmp_path))
    assert not {"script", "link", "img", "iframe", "object", "a", "form"} & set(found.tags)
    assert not {"src", "href", "action"} & {name for name, _ in found.attributes}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes


def test_a_long_show_makes_no_longer_timeline(tmp_path: Path) -> None:
    events = [wire(at_secs=number) for number in range(5000)]
    found = html(rules_file(tmp_path), recording(tmp_path, events))
    assert found.tags.count("circle") <= 600
    assert "The first 2000 of 5000." in found.words


def test_a_recording_without_events_is_shown_as_such(tmp_path: Path) -> None:
    empty = recording(tmp_path, [])
    assert rehearsed(rules_file(tmp_path), empty) == {"events": [], "never_fired": [r["rule_name"] for r in RULES]}
    assert "The recording holds no events." in html(rules_file(tmp_path), empty).words


def test_events_of_one_moment_have_a_timeline(tmp_path: Path) -> None:
    assert html(rules_file(tmp_path), recording(tmp_path, EVENTS[:1])).tags.count("circle") == 1
