"""Real messages kept beside the repository; absent on most machines, read in place, never copied."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "captures"


def folder(name: str) -> Path:
    """Return the folder of a platform's real messages, or skip the test."""
    path = ROOT / name
    if not path.is_dir():
        pytest.skip(f"no real captures beside the repository: shared/captures/{name}")
    return path
