from __future__ import annotations

from typing import Any

from bridge.events import Comment, Follow, Gift, Join, Like, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Connection
from bridge.sources.platforms.social_stream import PLATFORM, Options, locate
from tests.emulators.driving import Driven, RealHttp, Seen
from tests.emulators.social_stream import SESSION, SocialStreamEmulator
from tests.emulators.supervised import Supervised

FERN = User("twitch_77", "Fern")


def options(hub: SocialStreamEmulator, **more: Any) -> Options:
    return Options(**{"websocket_url": hub.ws_url, "session": Secret(SESSION), **more})


async def connection(given: Options) -> Connection:
    async with RealHttp() as http:
        (one,) = await locate(given, http)
    return one


def contents(seen: Seen) -> list[Any]:
    return [event.content for event in seen.events]


async def test_the_session_is_joined_on_its_channel_and_nothing_else_is_said() -> None:
    async with SocialStreamEmulator() as hub, Driven(await connection(options(hub))) as driven:
        await hub.listening()
        await hub.say("Hi <img src='x' alt='Kappa' onerror='alert(1)'> &amp; <b>all</b>")
        await hub.tell({"event": "joined", "type": "tiktok"}, wrapped="overlayNinja")
        await hub.tell({"event": "liked", "type": "tiktok"}, wrapped="value")
        await hub.tell({"event": "new_follower"})
        await hub.tell({"event": "cheer", "hasDonation": "1,500 bits"})
        await hub.send_json({"type": "twitch", "event": "viewer_update", "meta": 42})
        seen = await driven.until(lambda seen: len(seen.events) == 6)

        tapping = User("tiktok_77", "Fern")
        assert contents(seen) == [
            Comment(FERN, "Hi Kappa & all"),
            Join(tapping),
            Like(tapping, 1),
            Follow(FERN),
            Gift(FERN, "Bits", 1500, 1, 1500, "bits"),
            Viewers(42),
        ]
        assert hub.joins == [{"join": SESSION, "in": 4, "out": 3}]
        assert hub.complaints == []
        assert seen.unknown == []


async def test_an_address_that_joins_by_itself_is_left_to_do_so() -> None:
    async with SocialStreamEmulator() as hub:
        given = options(hub, websocket_url=hub.joining_url, session=Secret())
        async with Driven(await connection(given)) as driven:
            await hub.listening()
            await hub.say("hello")
            await driven.until(lambda seen: seen.texts == ["hello"])
            assert len(hub.joins) == 1
            assert hub.complaints == []


async def test_a_tapped_gift_is_one_combo() -> None:
    async with SocialStreamEmulator() as hub, Driven(await connection(options(hub))) as driven:
        await hub.listening()
        await hub.streak("rose", 1, 4, 9)
        seen = await driven.until(lambda seen: len(seen.events) == 3)
        assert [(gift.name, gift.count) for gift in contents(seen)] == [("rose", 1), ("rose", 4), ("rose", 9)]
        assert len({event.streak.key for event in seen.events if event.streak}) == 1


async def test_copies_and_updates_are_not_told_twice() -> None:
    async with SocialStreamEmulator() as hub, Driven(await connection(options(hub))) as driven:
        await hub.listening()
        hub.copies = 2  # two ways from the extension to the server
        number = await hub.say("here you are")
        await hub.say("here you are", id=number, hasDonation="$2.00")
        hub.copies = 1
        await hub.say("last")
        seen = await driven.until(lambda seen: "last" in seen.texts)
        assert seen.texts == ["here you are", "last"]
        gifts = [content for content in contents(seen) if isinstance(content, Gift)]
        assert gifts == [Gift(FERN, "Donation USD", 1, 200, 200, "USD")]


async def test_after_a_drop_the_session_is_joined_again() -> None:
    async with SocialStreamEmulator() as hub, Supervised(PLATFORM, options(hub)) as source:
        await hub.listening()
        await hub.say("before")
        await source.until(lambda seen: seen.texts == ["before"])
        hub.drop()
        await hub.listening(connections=2)
        await hub.say("after")
        await source.until(lambda seen: seen.texts == ["before", "after"])
        assert len(hub.joins) == 2
