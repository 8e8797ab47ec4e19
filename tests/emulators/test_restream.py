from __future__ import annotations

from typing import Any

import pytest

from bridge.events import Comment, Gift, PaidMessage, User
from bridge.secret import Secret
from bridge.sources.platforms.restream import PLATFORM, Options
from tests.emulators.driving import Seen
from tests.emulators.restream import SENT_AT_MS, TOKEN, YOUTUBE, RestreamEmulator
from tests.emulators.supervised import Supervised

FERN = User("twitch_77", "Fern")
AVA = {"id": "UC9", "displayName": "Ava", "isChatSponsor": True, "isChatOwner": False, "isChatModerator": False}


def options(restream: RestreamEmulator, token: str = TOKEN) -> Options:
    return Options(websocket_url=restream.ws_url, access_token=Secret(token))


def contents(seen: Seen) -> list[Any]:
    return [event.content for event in seen.events]


async def test_comments_and_money_come_over_one_socket() -> None:
    async with RestreamEmulator() as restream, Supervised(PLATFORM, options(restream)) as source:
        await source.until(lambda seen: seen.ignored == ["connection_info"] * 3)
        await restream.say("hello")
        await restream.act("heartbeat")
        donation = {"amount": "5.00", "currencyString": "USD", "tier": 1}
        await restream.event(7, YOUTUBE, {"author": AVA, "bot": False, "donation": donation, "text": "for you"})
        await restream.event(8, YOUTUBE, {"author": AVA, "bot": False, "donation": donation, "text": "a cat"})
        await restream.act("reply_created", {"text": "ours"})
        seen = await source.until(lambda seen: len(seen.events) == 3 and "reply_created" in seen.ignored)

        ava = User("youtube_UC9", "Ava", 0, "member")
        chat, sticker = (Gift(ava, f"Super {name} USD", 1, 500, 500, "USD") for name in ("Chat", "Sticker"))
        assert contents(seen) == [Comment(FERN, "hello"), PaidMessage("for you", chat), sticker]
        assert {event.timestamp_ms for event in seen.events} == {SENT_AT_MS}
        assert (seen.rejected, seen.unknown, restream.complaints) == ([], [], [])


async def test_garbage_costs_itself() -> None:
    async with RestreamEmulator() as restream, Supervised(PLATFORM, options(restream)) as source:
        await restream.listening()
        await restream.send("{")
        await restream.event(4, 2, {"text": 5})
        await restream.say("still here")
        seen = await source.until(lambda seen: seen.texts[-1:] == ["still here"])
        assert len(seen.rejected) == 1
        assert source.supervisor.status.reconnects == 0


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
async def test_a_lost_connection_is_made_anew(code: int) -> None:
    async with RestreamEmulator() as restream, Supervised(PLATFORM, options(restream)) as source:
        await restream.listening()
        await restream.say("before")
        await source.until(lambda seen: seen.texts == ["before"])
        await restream.close(code, "")
        await restream.listening(connections=2)
        await restream.say("after")
        await source.until(lambda seen: seen.texts == ["before", "after"])


@pytest.mark.parametrize("closes_politely", [False, True])
async def test_a_dead_token_is_refused_until_it_lives_again(*, closes_politely: bool) -> None:
    async with RestreamEmulator() as restream, Supervised(PLATFORM, options(restream)) as source:
        await restream.listening()
        restream.token, restream.closes_politely = "the next one", closes_politely
        await restream.close(4001, "token expired")
        await source.until(lambda _: source.supervisor.status.reconnects > 2)
        restream.token = TOKEN
        await restream.listening(connections=2)
        await restream.say("after")
        await source.until(lambda seen: seen.texts == ["after"])


async def test_each_dial_renews_a_token_that_is_taken_once() -> None:
    async with RestreamEmulator() as restream:
        renewing = Options(
            websocket_url=restream.ws_url,
            auth_base=restream.http_url,
            refresh_token=Secret("refresh-1"),
            client_id=Secret("cid"),
            client_secret=Secret("csecret"),
        )
        async with Supervised(PLATFORM, renewing) as source:
            await restream.listening()
            await restream.say("before")
            await source.until(lambda seen: seen.texts == ["before"])
            await restream.close(4001, "token expired")
            await source.until(lambda _: restream.renewals == 2)
            await restream.listening(connections=2)
            await restream.say("after")
            await source.until(lambda seen: seen.texts == ["before", "after"])
