"""The files in ``config/`` show every option at its default, and load as they stand and with everything switched on.

In them, ``#key: value`` (no space) is an option that is switched off, ``# text`` is prose.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bridge.config import BridgeSettings, Callbacks, Config, Events, Report, load
from bridge.config.documents import parse
from bridge.config.room_settings import Pacing
from bridge.secret import Secret
from bridge.sources.contract import SourceOptions
from tests.config.toys import toy

CONFIG = Path(__file__).resolve().parents[2] / "config"
BRIDGE = (CONFIG / "bridge.yaml").read_text(encoding="utf-8")
ROOM = (CONFIG / "rooms/example.yaml").read_text(encoding="utf-8")
SWITCHED_OFF = re.compile(r"^( *)#([a-z_]+):(.*)$", re.MULTILINE)
ENVIRON = {
    "EVENING_SHOW_REPORT_URL": "https://cloud.example/report?auth_key=k",
    "EVENING_SHOW_CALLBACK_KEY": "key",
    "EVENING_SHOW_CALLBACK_TOKEN": "token",
    "EVENING_SHOW_FORWARD_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "HUAWEICLOUD_SDK_PROJECT_ID": "project",
    "HUAWEICLOUD_SDK_AK": "ak",
    "HUAWEICLOUD_SDK_SK": "sk",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN": "temporary",
}
BRIDGE_ALTERNATIVES = [
    {"endpoint", "token", "iam"},
    {"region", "access_key", "secret_key", "security_token", "iam"},
    {"region", "access_key", "secret_key", "security_token", "token"},
]
"""What is left out in turn, because it stands for the same thing in another way."""


@dataclass(frozen=True, kw_only=True)
class BilibiliOptions(SourceOptions):
    cookie: Secret = field(default_factory=Secret)
    api_base: str = ""
    websocket_url: str = ""


PLATFORMS = {"bilibili": toy("bilibili", BilibiliOptions)}


def switched_on(text: str, but: AbstractSet[str] = frozenset()) -> str:
    """Return a file's text with its options switched on."""

    def on(match: re.Match[str]) -> str:
        return match[0] if match[2] in but else f"{match[1]}{match[2]}:{match[3]}"

    return SWITCHED_OFF.sub(on, text)


def without(text: str, key: str) -> str:
    return re.sub(rf"^ *{key}: .*\n", "", text, count=1, flags=re.MULTILINE)


def loaded(tmp_path: Path, bridge: str, room: str) -> Config:
    secrets = tmp_path / "secrets"
    secrets.mkdir(exist_ok=True)
    for name in ("iam_token", "iam_password", "admin_token", "bilibili_cookie"):
        (secrets / name).write_text("secret\n", encoding="utf-8")
    (tmp_path / "rooms").mkdir(exist_ok=True)
    (tmp_path / "gift-prices.yaml").write_text("Rocket: 5000\n", encoding="utf-8")
    for file, text in (("bridge.yaml", bridge), ("rooms/example.yaml", room)):
        (tmp_path / file).write_text(text.replace("/run/secrets", str(secrets)), encoding="utf-8")
    return load(tmp_path, ENVIRON, PLATFORMS)


def test_the_example_runs_as_it_stands_with_one_variable_set() -> None:
    environ = {"EVENING_SHOW_REPORT_URL": ENVIRON["EVENING_SHOW_REPORT_URL"]}
    config = load(CONFIG, environ, PLATFORMS)
    [room] = config.rooms
    assert config.bridge == BridgeSettings()
    assert room.name == "example"
    assert [source.options() for source in room.sources] == [BilibiliOptions(room="21452505")]
    assert room.report.url() == Secret(environ["EVENING_SHOW_REPORT_URL"])
    assert room.events == Events()
    assert room.callbacks is None


@pytest.mark.parametrize("but", BRIDGE_ALTERNATIVES, ids=["access key", "token", "iam"])
def test_the_bridges_file_loads_with_everything_switched_on(tmp_path: Path, but: set[str]) -> None:
    config = loaded(tmp_path, switched_on(BRIDGE, but), ROOM)
    assert config.bridge.metastudio.project_id == "project"
    assert config.bridge.server.admin_token == Secret("secret")


def test_every_option_is_switched_on_in_one_of_the_ways() -> None:
    assert set.intersection(*BRIDGE_ALTERNATIVES) == set()
    assert set.union(*BRIDGE_ALTERNATIVES) <= {match[2] for match in SWITCHED_OFF.finditer(BRIDGE)}


def test_a_room_loads_with_everything_switched_on(tmp_path: Path) -> None:
    bridge = switched_on(BRIDGE, BRIDGE_ALTERNATIVES[0])
    to_url = loaded(tmp_path, bridge, switched_on(ROOM, {"smart_live_room_id", "job_id"})).rooms[0]
    to_job = loaded(tmp_path, bridge, without(switched_on(ROOM), "url")).rooms[0]
    assert to_url.report.url() == Secret(ENVIRON["EVENING_SHOW_REPORT_URL"])
    assert to_job.report.smart_live_room_id
    assert to_job.report.job_id
    for room in (to_url, to_job):
        assert room.sources[0].options() == BilibiliOptions(
            room="21452505",
            cookie=Secret("secret"),
            proxy=Secret("http://user:password@127.0.0.1:3128"),
            api_base="http://127.0.0.1:9100",
            websocket_url="ws://127.0.0.1:9100/sub",
        )
        assert room.callbacks is not None
        assert room.callbacks.key == Secret("key")
        assert room.callbacks.forward_secret == Secret(ENVIRON["EVENING_SHOW_FORWARD_SECRET"])
        assert room.gift_prices == {"Rocket": 5000}


def shown(text: str) -> dict[str, Any]:
    """Return all that a file shows, with the alternatives side by side."""
    document, problems = parse(switched_on(text))
    assert problems == []
    assert isinstance(document, dict)
    return document


def options_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each option's path and default; an option that has none of its own yields ``None``."""
    for name, known in model.model_fields.items():
        here = (*path, known.alias or name)
        default = known.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from options_of(type(default), here)
        else:
            yield here, None if isinstance(default, Secret) or default in ("", None) else default


def value_at(document: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        assert step in document, f"{'.'.join(path)} is not shown"
        document = document[step]
    return document


@pytest.mark.parametrize(
    ("text", "model", "base"),
    [
        (BRIDGE, BridgeSettings, ()),
        (ROOM, Report, ("report",)),
        (ROOM, Callbacks, ("callbacks",)),
        (ROOM, Pacing, ("pacing",)),
        (ROOM, Events, ("events",)),
    ],
    ids=["bridge", "report", "callbacks", "pacing", "events"],
)
def test_every_option_is_shown_at_its_default(text: str, model: type[BaseModel], base: tuple[str, ...]) -> None:
    document = shown(text)
    for path, default in options_of(model, base):
        value = value_at(document, path)
        if default is not None:
            assert value == (str(default) if isinstance(default, Path) else default), path


def test_an_iam_user_is_shown_whole() -> None:
    assert set(shown(BRIDGE)["metastudio"]["iam"]) == {"user", "password", "domain", "endpoint"}


def test_every_option_of_every_source_is_shown() -> None:
    assert set(shown(ROOM)["sources"][0]) == {"platform", "room", "cookie", "proxy", "api_base", "websocket_url"}


@pytest.mark.parametrize("text", [BRIDGE, ROOM], ids=["bridge", "room"])
def test_every_option_has_its_sentence(text: str) -> None:
    lines = text.splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r" *(- )?#?[a-z_]+:", line):
            assert before.lstrip().startswith("# ") or before.rstrip().endswith(":"), line
