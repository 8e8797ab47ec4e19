"""Files that only their owner may read: secrets that must survive a restart."""

from __future__ import annotations

import os
from pathlib import Path


def replace_private_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of a file, wholly or not at all; raises ``OSError``."""
    fresh = path.with_suffix(".new")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)  # one left behind may have other rights
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)
