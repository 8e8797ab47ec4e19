"""The direction of imports, and which modules are pure: read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path
    for path in (ROOT / "bridge").rglob("*.py")
    if not path.name.endswith("_pb2.py") and "__pycache__" not in path.parts
)

LEAVES = {
    "errors",
    "events",
    "secret",
    "clock",
    "pending",
    "counters",
    "backoff",
    "credential_guard",
    "keep_running",
    "http_date",
    "private_file",
}
"""What every part may import."""

ALLOWED = {
    "sources": {"sources"},
    "outbox": {"outbox"},
    "report": {"report"},
    "metastudio": {"metastudio", "sources.fields"},
    "sandbox": {"sandbox", "metastudio", "sources.fields"},
    "config": {"config", "sources.catalogue", "sources.contract", "metastudio.callback_signature"},
    "room": {"sources", "outbox", "report"},
    "jobs": {"metastudio", "report"},
    "server": {"server", "room", "sources", "outbox", "report", "metastudio"},
    "log": set(),
}
"""Which other parts a part may import besides the leaves; what is not listed here may import everything."""

PLATFORM_MAY_IMPORT = ("sources.contract", "sources.fields", "sources.codecs", "events", "errors", "secret")

CONFIG_IMPORTERS = {"config", "app", "assembly", "cli", "demo"}
WEBSOCKETS_IMPORTER = "sources.websocket"

IMPURE = {
    "asyncio",
    "aiohttp",
    "websockets",
    "socket",
    "ssl",
    "time",
    "random",
    "secrets",
    "os",
    "logging",
    "structlog",
    "sqlite3",
    "threading",
    "subprocess",
    "pathlib",
}
PURE = (
    "events",
    "pending",
    "backoff",
    "http_date",
    "secret",
    "counters",
    "sources.fields",
    "sources.contract",
    "sources.dedupe",
    "sources.twins",
    "sources.streaks",
    "sources.intake",
    "sources.decoding",
    "sources.codecs",
    "sources.platforms",
    "outbox.policy",
    "outbox.admission",
    "outbox.money",
    "outbox.outbox",
    "outbox.paced_outbox",
    "outbox.pacing",
    "outbox.memory_guard",
    "report.batch",
    "report.wire",
    "report.url",
    "report.suspects",
    "sources.limiter",
    "report.limiter",
    "metastudio.callback_messages",
    "metastudio.callback_signature",
    "metastudio.signing",
    "metastudio.rules",
    "metastudio.rule_matching",
    "metastudio.rule_options",
    "metastudio.rule_patterns",
)


def name_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT / "bridge").with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("bridge"))
    return found


def ours(path: Path) -> set[str]:
    modules = {name_of(module) for module in MODULES}
    return {name.removeprefix("bridge.") for name in imports_of(path) if name.removeprefix("bridge.") in modules} - {""}


def is_within(name: str, parts: tuple[str, ...] | set[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_part_imports_only_what_lies_below_it(path: Path) -> None:
    name = name_of(path)
    part = name.split(".", maxsplit=1)[0]
    if part in LEAVES:
        assert {other for other in ours(path) if not is_within(other, LEAVES)} == set()
    if part in ALLOWED:
        assert {other for other in ours(path) if not is_within(other, LEAVES | ALLOWED[part])} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_app_and_the_commands_know_the_configuration(path: Path) -> None:
    if name_of(path).split(".", maxsplit=1)[0] not in CONFIG_IMPORTERS:
        assert {other for other in ours(path) if is_within(other, ("config",))} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_platform_imports_only_the_contract_the_values_and_codecs(path: Path) -> None:
    name = name_of(path)
    if is_within(name, ("sources.platforms",)) and name != "sources.platforms":
        itself = ".".join(name.split(".")[:3])
        assert {other for other in ours(path) if not is_within(other, (*PLATFORM_MAY_IMPORT, itself))} == {
            other for other in ours(path) if other == "sources.platforms"
        }


@pytest.mark.parametrize("path", [path for path in MODULES if is_within(name_of(path), PURE)], ids=name_of)
def test_pure_modules_touch_no_clock_no_socket_and_no_logger(path: Path) -> None:
    used = {name.split(".", maxsplit=1)[0] for name in imports_of(path)}
    assert used & IMPURE == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_one_module_imports_websockets(path: Path) -> None:
    if name_of(path) != WEBSOCKETS_IMPORTER:
        assert not {name for name in imports_of(path) if name.split(".", maxsplit=1)[0] == "websockets"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_program_imports_nothing_from_its_tests(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.split(".", maxsplit=1)[0] == "tests"}
