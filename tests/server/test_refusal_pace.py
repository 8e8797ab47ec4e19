from __future__ import annotations

from bridge.server.refusal_pace import REFUSALS_LOGGED_EVERY_SECS, RefusalPace
from tests.fakes import FakeClock


async def test_the_first_is_said_and_then_one_in_a_while() -> None:
    clock = FakeClock()
    pace = RefusalPace(clock)
    assert [pace.is_due(), pace.is_due()] == [True, False]
    await clock.advance(REFUSALS_LOGGED_EVERY_SECS - 1)
    assert not pace.is_due()
    await clock.advance(1)
    assert [pace.is_due(), pace.is_due()] == [True, False]
