from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bridge.secret import Secret
from bridge.sources.heirs import DIRECTORY, HeirStore

CONFIGURED, HEIR = Secret("configured-1"), Secret("handed-out-2")


def test_an_heir_survives_a_restart(tmp_path: Path) -> None:
    HeirStore(tmp_path).keep(CONFIGURED, HEIR)
    assert HeirStore(tmp_path).heir_of(CONFIGURED) == HEIR


def test_what_is_configured_anew_has_no_heir(tmp_path: Path) -> None:
    store = HeirStore(tmp_path)
    store.keep(CONFIGURED, HEIR)
    assert store.heir_of(Secret("changed")) == Secret("changed")
    assert store.heir_of(HEIR) == HEIR


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_newest_heir_counts_until_it_is_forgotten(tmp_path: Path, on_disk: bool) -> None:
    store = HeirStore(tmp_path if on_disk else None)
    store.keep(CONFIGURED, Secret("first"))
    store.keep(CONFIGURED, HEIR)
    assert store.heir_of(CONFIGURED) == HEIR
    store.keep(CONFIGURED, CONFIGURED)
    store.keep(CONFIGURED, CONFIGURED)
    assert store.heir_of(CONFIGURED) == CONFIGURED


def test_what_another_process_kept_is_found(tmp_path: Path) -> None:
    bridge, check = HeirStore(tmp_path), HeirStore(tmp_path)
    bridge.keep(CONFIGURED, HEIR)
    check.keep(CONFIGURED, Secret("handed-out-3"))
    assert bridge.heir_of(CONFIGURED) == Secret("handed-out-3")


def test_the_files_are_the_owners_alone_and_show_nothing_of_what_is_configured(tmp_path: Path) -> None:
    HeirStore(tmp_path).keep(CONFIGURED, HEIR)
    [file] = (tmp_path / DIRECTORY).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert CONFIGURED.reveal() not in file.name + file.read_text()
    HeirStore(tmp_path).keep(CONFIGURED, CONFIGURED)
    assert list(file.parent.iterdir()) == []


def test_a_disk_that_does_not_take_it_is_told_and_the_process_goes_on_with_the_heir(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / DIRECTORY).write_text("a file where the directory should be")
    store = HeirStore(tmp_path)
    store.keep(CONFIGURED, HEIR)
    assert store.heir_of(CONFIGURED) == HEIR
    assert HeirStore(tmp_path).heir_of(CONFIGURED) == CONFIGURED
    said = capsys.readouterr().out
    assert "source.renewed_secret_not_kept" in said
    assert HEIR.reveal() not in said


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_file_that_holds_nothing_readable_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    HeirStore(tmp_path).keep(CONFIGURED, HEIR)
    [file] = (tmp_path / DIRECTORY).iterdir()
    file.write_bytes(content)
    assert HeirStore(tmp_path).heir_of(CONFIGURED) == CONFIGURED
