from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.report.url import ReportUrl
from bridge.report.url_store import DIRECTORY, UrlStore
from tests.report.fakes import KEY, START_MS, url_of

CONFIGURED = ReportUrl(url_of(), START_MS)
HEIR = ReportUrl(url_of("fresh", lives_secs=3600), START_MS + 5)


def file_of(directory: Path, room: str = "evening") -> Path:
    return directory / DIRECTORY / f"{room}.json"


def test_a_kept_url_is_found_again_with_the_time_since_when_it_is_known(tmp_path: Path) -> None:
    assert UrlStore(tmp_path, "evening").keep(CONFIGURED, HEIR)
    assert UrlStore(tmp_path, "evening").heir_of(CONFIGURED) == HEIR


def test_only_a_descendant_of_the_configured_url_is_found(tmp_path: Path) -> None:
    store = UrlStore(tmp_path, "evening")
    store.keep(CONFIGURED, HEIR)
    assert store.heir_of(ReportUrl(url_of("changed"), START_MS)) is None
    assert store.heir_of(HEIR) is None


def test_the_newest_heir_is_kept(tmp_path: Path) -> None:
    store = UrlStore(tmp_path, "evening")
    store.keep(CONFIGURED, ReportUrl(url_of("first"), START_MS))
    store.keep(CONFIGURED, HEIR)
    assert store.heir_of(CONFIGURED) == HEIR


def test_the_file_is_the_owners_alone_even_over_one_left_behind(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    UrlStore(tmp_path, "evening").keep(CONFIGURED, HEIR)
    file.chmod(0o644)
    left_behind = file.with_suffix(".new")
    left_behind.write_text("half a file")
    left_behind.chmod(0o666)
    UrlStore(tmp_path, "evening").keep(CONFIGURED, HEIR)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_the_configured_url_itself_is_not_written_down(tmp_path: Path) -> None:
    UrlStore(tmp_path, "evening").keep(CONFIGURED, HEIR)
    assert KEY not in file_of(tmp_path).read_text()


def test_rooms_keep_their_urls_apart_whatever_their_names(tmp_path: Path) -> None:
    rooms = ["a", "a.b", "a.new", "A"]
    for room in rooms:
        UrlStore(tmp_path, room).keep(CONFIGURED, ReportUrl(url_of(f"key-of-{room}"), START_MS))
    for room in rooms:
        heir = UrlStore(tmp_path, room).heir_of(CONFIGURED)
        assert heir is not None
        assert heir.key == f"key-of-{room}"


def test_a_disk_that_does_not_take_it_is_told_and_no_error(tmp_path: Path) -> None:
    (tmp_path / DIRECTORY).write_text("a file where the directory should be")
    store = UrlStore(tmp_path, "evening")
    assert not store.keep(CONFIGURED, HEIR)
    assert store.heir_of(CONFIGURED) is None


@pytest.mark.parametrize(
    "kept",
    [
        {"configured": CONFIGURED.fingerprint},
        {"configured": CONFIGURED.fingerprint, "url": 5, "known_since_ms": 1},
        {"configured": CONFIGURED.fingerprint, "url": "ftp://h/p", "known_since_ms": 1},
        {"configured": CONFIGURED.fingerprint, "url": HEIR.text, "known_since_ms": None},
        {"configured": CONFIGURED.fingerprint, "url": HEIR.text, "known_since_ms": "yesterday"},
        {"url": HEIR.text, "known_since_ms": 1},
        [1],
        "text",
        None,
    ],
)
def test_a_file_that_says_something_else_counts_for_nothing(tmp_path: Path, kept: object) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(orjson.dumps(kept))
    assert UrlStore(tmp_path, "evening").heir_of(CONFIGURED) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=80) | st.just(b'{"configured":"","url":"https://h/p","known_since_ms":1e400}'))
def test_no_file_is_too_odd_to_be_read(tmp_path: Path, content: bytes) -> None:
    file_of(tmp_path).parent.mkdir(exist_ok=True)
    file_of(tmp_path).write_bytes(content)
    assert UrlStore(tmp_path, "evening").heir_of(CONFIGURED) is None
