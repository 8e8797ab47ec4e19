from __future__ import annotations

from typing import Any

from bridge.errors import SourceAuthError, SourceThrottledError
from bridge.events import Comment, Follow, Gift, PaidMessage, User
from bridge.secret import Secret
from bridge.sources.contract import NoticeKind
from bridge.sources.platforms.streamelements import PLATFORM, TOPICS, Options, locate
from tests.emulators.driving import Driven, RealHttp, Seen
from tests.emulators.streamelements import CHANNEL, SENT_AT_MS, TOKEN, StreamElementsEmulator
from tests.emulators.supervised import Supervised

FERN = User("twitch_77", "Fern")


def options(gateway: StreamElementsEmulator, **more: Any) -> Options:
    return Options(**{"websocket_url": gateway.ws_url, "token": Secret(TOKEN), **more})


async def driven(gateway: StreamElementsEmulator, **more: Any) -> Driven:
    async with RealHttp() as http:
        (one,) = await locate(options(gateway, **more), http)
    return Driven(one, lambda: SENT_AT_MS + 1_000)


def contents(seen: Seen) -> list[Any]:
    return [event.content for event in seen.events]


async def test_chat_and_activities_come_once_they_are_subscribed_to() -> None:
    async with StreamElementsEmulator() as gateway, await driven(gateway, room=CHANNEL) as source:
        await source.until(lambda seen: seen.ignored.count("response") == len(TOPICS))
        assert gateway.subscriptions == [set(TOPICS)]
        await gateway.say("hello")
        await gateway.act("follow")
        await gateway.act("cheer", amount=50)
        await gateway.act("tip", amount=4.2, currency="EUR", message="for you", tipId="t1")
        await gateway.publish("channel.tips", {"not": "asked for"})
        seen = await source.until(lambda seen: len(seen.events) == 4)

        tip = seen.events[3].content
        assert contents(seen)[:3] == [Comment(FERN, "hello"), Follow(FERN), Gift(FERN, "Bits", 50, 1, 50, "bits")]
        assert isinstance(tip, PaidMessage)
        assert (tip.text, tip.gift.total_value, tip.gift.currency) == ("for you", 420, "EUR")
        assert {event.timestamp_ms for event in seen.events} == {SENT_AT_MS}
        assert gateway.complaints == []


async def test_nothing_is_lost_and_nothing_subscribed_anew_when_the_server_moves_us() -> None:
    async with StreamElementsEmulator() as gateway, Supervised(PLATFORM, options(gateway)) as source:
        await source.until(lambda seen: seen.ignored.count("response") == len(TOPICS))
        await gateway.say("before")
        await source.until(lambda seen: seen.texts == ["before"])
        await gateway.move()
        await gateway.listening(connections=2)
        await gateway.say("meanwhile")
        await source.until(lambda seen: "meanwhile" in seen.texts)
        assert len(gateway.requests) == len(TOPICS)
        assert source.supervisor.status.reconnects == 0


async def test_a_token_for_moving_that_is_not_known_leaves_us_where_we_are() -> None:
    async with StreamElementsEmulator() as gateway, Supervised(PLATFORM, options(gateway)) as source:
        await source.until(lambda seen: seen.ignored.count("response") == len(TOPICS))
        await gateway.move(honest=False)
        await source.until(lambda _: gateway.turned_away == 1)
        await gateway.say("still here")
        await source.until(lambda seen: seen.texts == ["still here"])
        gateway.drop()
        await source.until(lambda seen: seen.ignored.count("response") == 2 * len(TOPICS))
        await gateway.say("after")
        await source.until(lambda seen: seen.texts == ["still here", "after"])


async def test_a_refused_token_is_told_by_the_options_name() -> None:
    async with StreamElementsEmulator() as gateway, await driven(gateway, token=Secret("stale")) as source:
        seen = await source.until(lambda seen: seen.ends)
        assert isinstance(seen.ends[0], SourceAuthError)
        assert str(seen.ends[0]).startswith("token: ")
        assert "stale" not in str(seen.ends[0])


async def test_one_topic_refused_is_a_warning_and_a_slow_one_is_asked_for_again() -> None:
    async with StreamElementsEmulator() as gateway:
        gateway.errors = {"channel.chat.message": ["err_unauthorized"], "channel.activities": ["err_deadline_exceeded"]}
        async with await driven(gateway) as source:
            await source.until(lambda seen: seen.ignored.count("response") == len(TOPICS))
            await gateway.act("follow")
            seen = await source.until(lambda seen: seen.events)
            assert seen.notices == [NoticeKind.CREDENTIAL_WEAK]
            assert contents(seen) == [Follow(FERN)]


async def test_asking_too_often_is_waited_out() -> None:
    async with StreamElementsEmulator() as gateway:
        gateway.errors = {"channel.activities": ["rate_limit_exceeded"]}
        async with await driven(gateway) as source:
            seen = await source.until(lambda seen: seen.ends)
            assert isinstance(seen.ends[0], SourceThrottledError)
