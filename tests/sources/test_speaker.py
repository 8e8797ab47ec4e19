"""What we say on a connection: in order, while the peer is silent, and never more than may wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.errors import SourceUnavailableError
from bridge.sources.speaker import LATEST_SECS, MAX_UNSAID_BYTES, QUIET_SECS, Speaker
from tests.fakes import FakeClock, settle
from tests.sources.toy_platform import ToyChannel


class Talk:
    """A speaker at work, its channel and its time."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.channel = ToyChannel()
        self.speaker = Speaker(self.channel, self.clock)
        self.task = asyncio.create_task(self.speaker.run())

    def hears(self) -> None:
        self.speaker.heard_at = self.clock.monotonic()


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    talk = Talk()
    yield talk
    talk.task.cancel()
    await asyncio.gather(talk.task, return_exceptions=True)


async def test_what_is_to_be_said_leaves_at_once_and_in_order_while_the_peer_is_silent(talk: Talk) -> None:
    talk.speaker.say(["one", b"two"])
    talk.speaker.say(["three"])
    await settle()
    talk.speaker.say(["four"])
    await settle()

    assert talk.channel.sent == ["one", b"two", "three", "four"]


async def test_a_peer_that_speaks_is_heard_out(talk: Talk) -> None:
    for number in range(5):
        talk.hears()
        talk.speaker.say([f"reply {number}"])
        await talk.clock.advance(QUIET_SECS / 2)
    assert talk.channel.sent == []
    await talk.clock.advance(QUIET_SECS / 2)

    assert talk.channel.sent == [f"reply {number}" for number in range(5)]


async def test_a_peer_that_never_pauses_is_answered_all_the_same(talk: Talk) -> None:
    talk.hears()
    talk.speaker.say(["PONG"])
    for _ in range(int(LATEST_SECS / QUIET_SECS) * 2 + 1):
        talk.hears()
        await talk.clock.advance(QUIET_SECS / 2)

    assert talk.channel.sent == ["PONG"]


async def test_that_nobody_hears_it_is_not_for_the_speaker_to_tell(talk: Talk) -> None:
    await talk.channel.close()
    talk.speaker.say(["one", "two"])
    await settle()

    assert not talk.task.done()


async def test_what_waits_for_a_peer_that_does_not_read_has_a_bound(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk.channel, "send", lambda _data: asyncio.Event().wait())
    talk.speaker.say(["stuck"])
    await settle()
    talk.speaker.say([b"x" * MAX_UNSAID_BYTES])

    with pytest.raises(SourceUnavailableError, match="does not read"):
        talk.speaker.say([b"x"])
