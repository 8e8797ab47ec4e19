"""What every test begins with."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# The same examples every time, so that a red run is about the change; HYPOTHESIS_PROFILE=explore looks further.
# How quickly examples are made says only how busy the machine is.
settings.register_profile("steady", derandomize=True, suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.register_profile("explore", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command under test configured: logging is the one thing of a process that is global."""
    yield
    structlog.reset_defaults()
