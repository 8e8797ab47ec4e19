from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import SourceAuthError
from bridge.events import Comment, Follow, Gift, Twin, User, Viewers
from bridge.secret import Secret
from bridge.sources.platforms.streamerbot import PLATFORM, Options, locate
from tests.emulators.driving import AT_MS, Driven, RealHttp, Seen
from tests.emulators.streamerbot import FERN, SENT_AT_MS, UNKNOWN_TO_OLD_VERSIONS, StreamerbotEmulator
from tests.emulators.supervised import Supervised

PASSWORD = "hunter2 é"
VIEWER = User("twitch_77", "Fern", 0, "subscriber", 4)
LATER_MS = SENT_AT_MS + 1_000
assert LATER_MS > AT_MS


def options(hub: StreamerbotEmulator, **more: Any) -> Options:
    return Options(websocket_url=hub.ws_url, **more)


async def driven(hub: StreamerbotEmulator, **more: Any) -> Driven:
    async with RealHttp() as http:
        (one,) = await locate(options(hub, **more), http)
    return Driven(one, lambda: LATER_MS)


def contents(seen: Seen) -> list[Any]:
    return [event.content for event in seen.events]


@pytest.mark.parametrize("password", ["", PASSWORD])
async def test_events_come_once_the_hub_was_told_which(password: str) -> None:
    async with StreamerbotEmulator(password) as hub, await driven(hub, password=Secret(password)) as source:
        await hub.listening()
        await hub.say("hello")
        await hub.happened("Twitch.Follow", {"user_id": "78", "user_login": "moss", "user_name": "Moss"})
        await hub.happened("Twitch.Cheer", {"bits": 50, "user": FERN, "text": "Cheer50", "messageId": "cheer-1"})
        await hub.happened("Twitch.ViewerCountUpdate", {"viewers": 42})
        await hub.happened("Obs.SceneChanged", {"scene": "not asked for"})
        seen = await source.until(lambda seen: len(seen.events) == 4)

        assert contents(seen) == [
            Comment(VIEWER, "hello"),
            Follow(User("twitch_78", "Moss")),
            Gift(VIEWER, "Bits", 50, 1, 50, "bits"),
            Viewers(42),
        ]
        assert {event.timestamp_ms for event in seen.events} == {SENT_AT_MS}
        assert seen.unknown == []
        assert hub.complaints == []


@pytest.mark.parametrize("announced", ["first", "last", "never"])
async def test_a_gift_bomb_is_tied_to_its_parts_wherever_its_announcement_comes(announced: str) -> None:
    async with StreamerbotEmulator() as hub, await driven(hub) as source:
        await hub.listening()
        await hub.gift_bomb(3, announced=announced)
        await hub.say("end")
        seen = await source.until(lambda seen: "end" in seen.texts)
        twins = [event.twin for event in seen.events if event.twin]
        assert len({twin.key for twin in twins}) == 1
        assert sum(twin.settles for twin in twins) == (announced != "never")
        settling = [event.content for event in seen.events if isinstance(event.twin, Twin) and event.twin.settles]
        assert all(isinstance(gift, Gift) and gift.count == 3 for gift in settling)


async def test_an_old_version_costs_only_what_it_does_not_know() -> None:
    async with StreamerbotEmulator(is_old=True) as hub, await driven(hub) as source:
        await hub.listening()
        await hub.say("hello")
        seen = await source.until(lambda seen: seen.texts == ["hello"])
        assert not hub.subscriptions & UNKNOWN_TO_OLD_VERSIONS
        assert seen.ends == []


async def test_a_password_for_commands_only_is_not_needed() -> None:
    async with StreamerbotEmulator(PASSWORD, enforced=False) as hub, await driven(hub) as source:
        await hub.listening()
        await hub.say("hello")
        await source.until(lambda seen: seen.texts == ["hello"])


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_a_wrong_or_missing_password_is_told_by_the_options_name(password: str) -> None:
    async with StreamerbotEmulator(PASSWORD) as hub, await driven(hub, password=Secret(password)) as source:
        seen = await source.until(lambda seen: seen.ends)
        assert isinstance(seen.ends[0], SourceAuthError)
        assert str(seen.ends[0]).startswith("password: ")


async def test_after_a_drop_everything_is_asked_for_again() -> None:
    async with (
        StreamerbotEmulator(PASSWORD) as hub,
        Supervised(PLATFORM, options(hub, password=Secret(PASSWORD))) as source,
    ):
        await hub.listening()
        await hub.say("before")
        await source.until(lambda seen: seen.texts == ["before"])
        hub.drop()
        await hub.listening(connections=2)
        await hub.say("after")
        await source.until(lambda seen: seen.texts == ["before", "after"])
