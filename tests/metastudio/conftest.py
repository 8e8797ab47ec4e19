"""What the tests of the management calls share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.metastudio.calling import Bench
from tests.metastudio.fake_cloud import (
    running_cloud,
)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_cloud() as cloud, aiohttp.ClientSession() as http:
        yield Bench(cloud, http)
