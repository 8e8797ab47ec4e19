"""What the house promises of itself, read from its files: a wish without a check stays a wish."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.events import EventType
from bridge.sources.catalogue import available_platforms, load_platform

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for path in (ROOT / "bridge").rglob("*.py") if not path.name.endswith("_pb2.py"))
PLATFORMS = available_platforms()

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

LONGER: dict[str, str] = {
    "bridge/report/destination.py": "the ladder from one report URL to the next is one state; in two files it would be none",
}
"""Files that may be longer, by their path from the root, each with the reason."""

UP_TO_THE_ROOM_FILE = {"websocket"}
"""Platforms that read nothing without a mapping in the room file, so that captures cannot show their types."""


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def results_of(platform: str) -> list[dict[str, Any]]:
    """Return all that the platform's captures are expected to give."""
    files = sorted((ROOT / "tests" / "captures" / platform).glob("*/expected.jsonl"))
    return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines() if line.strip()]


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    functions = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert shown(path) in LONGER or len(text.splitlines()) <= MAX_FILE_LINES
    assert {name: lines for name, lines in functions.items() if lines > MAX_FUNCTION_LINES} == {}


def test_no_exception_outlives_its_reason() -> None:
    assert {
        path for path in LONGER if len((ROOT / path).read_text().splitlines()) <= MAX_FILE_LINES or not LONGER[path]
    } == set()


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_has_a_page_and_a_line_in_the_list(name: str) -> None:
    page = (ROOT / "docs" / "platforms" / f"{name}.md").read_text()
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| `{name}` |")]

    assert f"platform: {name}" in page, "the page shows no room file"
    assert [f"docs/platforms/{name}.md" in line for line in lines] == [True]


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_has_a_capture_for_each_type_it_claims(name: str) -> None:
    told = {EventType(result["event"]["type"]) for result in results_of(name) if "event" in result}

    assert told == (set() if name in UP_TO_THE_ROOM_FILE else set(load_platform(name).event_types))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_has_a_capture_of_something_broken_and_of_something_new(name: str) -> None:
    kinds = {kind for result in results_of(name) for kind in result}

    assert {"rejected", "unknown"} <= kinds


def test_the_list_of_platforms_names_no_others() -> None:
    text = (ROOT / "README.md").read_text().partition("## Platforms")[2].partition("\n## ")[0]

    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == PLATFORMS


def test_the_changelog_has_room_for_what_comes() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text()
