"""Whatever stands in the files: problems or a configuration, never another error, and never a secret in the problems."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config.files import ConfigDirectory
from bridge.config.interpolation import Ground
from bridge.config.loading import read_bridge
from bridge.config.problems import Problem
from bridge.config.rooms import Around, read_room
from bridge.errors import ConfigError
from tests.config.toys import TOYS, Directory

HUSH = "hunter2-correct-horse"
PLACE = ConfigDirectory(Path("/nowhere/at/all"))
GROUND = Ground({"NAME": "frog", "HUSH": HUSH}, lambda _: HUSH)
AROUND = Around(PLACE, GROUND, TOYS, {})

BRIDGE = {
    "metastudio": {
        "region": "cn-north-4", "endpoint": "http://a", "project_id": "p", "access_key": "a", "secret_key": "b",
        "security_token": "c", "token": "t", "iam": {"endpoint": "http://b", "user": "u", "password": "p", "domain": "d"},
        "app_user_id": "u", "job_poll_secs": 10, "max_calls_per_second": 5,
    },
    "spool": {"directory": "/tmp/x", "max_bytes": 2000000, "commit_interval_ms": 20},
    "server": {"listen": "0.0.0.0:80", "admin_token": "x"},
    "log": {"format": "auto", "level": "info"},
    "memory": {"max_pending_events": 1000, "max_pending_events_per_room": 1000},
    "shutdown_budget_secs": 8,
}  # fmt: skip
ROOM = {
    "sources": [
        {"platform": "pond", "room": 5, "cookie": "c", "depth": 3, "mode": "wild", "secrets": {"a": "b"}, "tags": ["x"],
         "chart": "y", "api_base": "http://a", "websocket_url": "ws://a", "proxy": "http://u:p@h:1", "prices": {"1": {"a": 1}}},
        {"platform": "mail", "key": "k"},
    ],
    "report": {
        "url": "https://a/b?c", "smart_live_room_id": "r", "job_id": "j", "auth": "url", "max_batch_events": 5,
        "review": {"no_need_review": True}, "app_user_id": "u",
    },
    "callbacks": {"auth_type": "NONE", "key": "k", "url": "https://a/b", "reading": "auto", "token": "t",
                  "forward_url": "https://a/c", "forward_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "pacing": {"enabled": True, "ahead": 2},
    "events": {"comment": {"enabled": True, "ttl_secs": 5}, "paid_message": "gift", "gift_prices": "p.yaml"},
}  # fmt: skip

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["${NAME}", "${NONE}", "${", "${file:/x}", "http://[", "NONE", "pond", "127.0.0.1:80"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_value(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = with_value(node[path[0]], path[1:], value)
    return copy


def problems(bridge: Any, room: Any) -> list[Problem]:
    found: list[Problem] = []
    if isinstance(bridge, dict):
        found += read_bridge(bridge, GROUND, PLACE.path)[2]
    if isinstance(room, dict):
        found += read_room("room", PLACE.path / "rooms/room.yaml", room, AROUND)[1]
    return found


@given(st.dictionaries(st.sampled_from([*BRIDGE, "x"]), VALUES), st.dictionaries(st.sampled_from([*ROOM, "x"]), VALUES))
@settings(deadline=None)
def test_any_structure_gives_problems_and_no_other_error(bridge: dict[str, Any], room: dict[str, Any]) -> None:
    for problem in problems(bridge, room):
        assert problem.line("f").isprintable()


@given(st.sampled_from(list(places(BRIDGE))), st.sampled_from(list(places(ROOM))), VALUES)
@settings(deadline=None)
def test_any_value_at_any_place_gives_problems_and_no_other_error(
    in_bridge: tuple[Any, ...], in_room: tuple[Any, ...], value: Any
) -> None:
    for problem in problems(with_value(BRIDGE, in_bridge, value), with_value(ROOM, in_room, value)):
        assert problem.line("f").isprintable()


@pytest.mark.parametrize(
    "value", [HUSH, "${HUSH}", "${file:/secret}", f"http://{HUSH}@[", [HUSH], {"a": HUSH}, "a ${HUSH} b"]
)
def test_a_secret_anywhere_is_in_no_problem_and_no_repr(value: Any) -> None:
    for path in places(BRIDGE):
        if path[-1] == "directory":
            continue  # a path is shown, and nobody keeps a secret in one
        settings_, _, found = read_bridge(with_value(BRIDGE, path, value), GROUND, PLACE.path)
        assert HUSH not in repr(found)
        if path[-1] in {"access_key", "secret_key", "security_token", "token", "password", "admin_token"}:
            assert HUSH not in repr(settings_)
    for path in places(ROOM):
        if path[-1] in {"gift_prices", "chart"}:
            continue
        room = with_value(ROOM, path, value)
        assert HUSH not in repr(problems(None, room)), path


@pytest.mark.parametrize("value", [HUSH, "${HUSH}"])
def test_a_platform_cannot_give_a_secret_away(value: str) -> None:
    source = {"platform": "pond", "room": "leaky", "cookie": value}
    assert HUSH not in repr(problems(None, {"sources": [source], "report": {"url": "http://a"}}))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=9), VALUES, max_size=3), st.binary(max_size=60))
def test_any_file_gives_a_configuration_or_a_config_error(
    directory: Directory, document: dict[str, Any], data: bytes
) -> None:
    directory.write("bridge.yaml", yaml.safe_dump(document))
    (directory.path / "rooms/other.yaml").write_bytes(data)
    with contextlib.suppress(ConfigError):
        directory.load()
