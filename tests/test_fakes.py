"""The fakes are checked against what they stand for."""

from __future__ import annotations

import asyncio

import pytest

from bridge.clock import Clock, SystemClock
from tests.fakes import FakeClock, settle


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()], ids=["system", "fake"])
async def test_waiting_ends_with_the_event_or_with_time(clock: Clock) -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(clock.wait(event, 0.01))
    if isinstance(clock, FakeClock):
        await clock.advance(0.02)

    assert await waiting is False

    event.set()
    assert await clock.wait(event, 5) is True


async def test_sleepers_wake_in_order_each_at_its_own_moment() -> None:
    clock, woken = FakeClock(), []

    async def sleeper(secs: float) -> None:
        await clock.sleep(secs)
        woken.append((secs, clock.monotonic()))

    started_at = clock.monotonic()
    tasks = [asyncio.ensure_future(sleeper(secs)) for secs in (3.0, 1.0, 2.0)]
    await clock.advance(2.5)

    assert woken == [(1.0, started_at + 1), (2.0, started_at + 2)]

    await clock.advance(1)
    await asyncio.gather(*tasks)
    await settle()
    assert woken[-1] == (3.0, started_at + 3)


def test_the_wall_clock_may_jump_and_monotonic_time_does_not() -> None:
    clock = FakeClock(now_ms=1_700_000_000_000)
    before = clock.monotonic()

    clock.step_wall_clock(-3_600_000)

    assert clock.now_ms() == 1_700_000_000_000 - 3_600_000
    assert clock.monotonic() == before
