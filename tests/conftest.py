"""What every test begins with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command under test configured: logging is the one thing of a process that is global."""
    yield
    structlog.reset_defaults()
