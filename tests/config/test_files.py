from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.files import MAX_FILE_BYTES, ConfigDirectory


def test_a_named_file_is_read_from_the_directory_or_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeffä\n".encode())
    place = ConfigDirectory(tmp_path)
    assert place.read("a") == place.read(str(tmp_path / "a")) == "ä\n"


def test_a_file_without_end_is_not_read_to_it() -> None:
    with pytest.raises(OSError, match="too large"):
        ConfigDirectory(Path("/dev")).read("zero")


def test_the_greatest_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * MAX_FILE_BYTES)
    assert len(ConfigDirectory(tmp_path).read("a")) == MAX_FILE_BYTES


def test_files_are_named_from_the_directory_on_and_on_one_line(tmp_path: Path) -> None:
    place = ConfigDirectory(tmp_path)
    assert place.shown(tmp_path / "rooms" / "a.yaml") == "rooms/a.yaml"
    assert place.shown(Path("/else/where.yaml")) == "/else/where.yaml"
    assert place.shown(tmp_path / "a\nb") == r"a\nb"
