"""The only part of the configuration that touches the disk."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.config.documents import parse
from bridge.config.problems import Problem

MAX_FILE_BYTES = 4 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class ConfigDirectory:
    """The directory given on the command line; relative paths in its files begin there."""

    path: Path

    def read(self, name: str) -> str:
        """Return the text of a file that one of the directory's files names.

        Raises ``OSError``, or ``ValueError`` when it is not UTF-8.
        """
        return _text(self.path / name)

    def document(self, path: Path) -> tuple[Any, list[Problem]]:
        """Return a YAML file's values, or ``None``, and what is wrong with it."""
        try:
            text = _text(path)
        except OSError as error:
            return None, [Problem((), f"cannot be read ({error.strerror or type(error).__name__})", "a readable file")]
        except ValueError:
            return None, [Problem((), "is not UTF-8", "UTF-8 text")]
        return parse(text)

    def yaml_files(self, folder: str = "") -> list[Path]:
        """Return the YAML files of a folder by name; raises ``OSError``. Hidden ones are an editor's or a mount's.

        A directory of such a name is returned too, for its problem to be told: a container runtime makes one
        where the file to be mounted does not exist.
        """
        found = (path for path in (self.path / folder).iterdir() if path.suffix.lower() in _SUFFIXES)
        return sorted(path for path in found if not path.name.startswith("."))

    def shown(self, path: Path) -> str:
        """Name a file as problems name it: relative to the directory, on one line."""
        inside = path.relative_to(self.path) if path.is_relative_to(self.path) else path
        text = inside.as_posix()
        return text if text.isprintable() else ascii(text)[1:-1]

    def lines(self, path: Path, problems: list[Problem]) -> list[str]:
        """Return the lines for what is wrong in a file."""
        file = self.shown(path)
        return [problem.line(file) for problem in problems]


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return data.decode("utf-8-sig")
