"""Secrets that platforms handed out in the place of configured ones, on disk: a restart must not begin with a void one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import structlog

from bridge.private_file import replace_private_file
from bridge.secret import Secret

DIRECTORY = "heirs"

log = structlog.get_logger()


class HeirStore:
    """One file an heir in the spool directory, readable by the owner alone; without a directory kept in memory.

    The files are read anew each time: a check beside the running bridge may renew a secret too.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory / DIRECTORY if directory is not None else None
        self._unwritten: dict[Secret, Secret] = {}

    def heir_of(self, configured: Secret) -> Secret:
        """Return what has taken the place of a configured secret; the secret itself if nothing has."""
        heir = self._unwritten.get(configured)
        if heir is None and self._directory is not None:
            try:
                heir = Secret(_file(self._directory, configured).read_text())
            except (OSError, ValueError):
                return configured
        return heir or configured

    def keep(self, configured: Secret, heir: Secret) -> None:
        """Remember an heir; the configured secret as its own heir forgets the former one."""
        self._unwritten.pop(configured, None)
        if self._directory is None:
            self._unwritten[configured] = heir
            return
        file = _file(self._directory, configured)
        try:
            if heir == configured:
                file.unlink(missing_ok=True)
            else:
                replace_private_file(file, heir.reveal().encode())
        except OSError as error:
            self._unwritten[configured] = heir
            log.warning("source.renewed_secret_not_kept", path=str(file.parent), problem=type(error).__name__)


def _file(directory: Path, configured: Secret) -> Path:
    """Return the heir's file: its name shows by a digest whose heir it is, and nothing of it."""
    return directory / hashlib.sha256(configured.reveal().encode()).hexdigest()
