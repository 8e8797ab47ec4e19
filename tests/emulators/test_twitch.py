"""The emulator seen by a plain client, and our decoders against the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import aiohttp
import orjson
import pytest

from bridge.errors import SourceAuthError, SourceError, SourceUnavailableError
from bridge.events import Comment, Follow, Gift, Join, LiveEvent, PaidMessage, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Connection, Decoded, Decoder, Frame, HttpAnswer, HttpCall, Notice, NoticeKind
from bridge.sources.heirs import HeirStore
from bridge.sources.intake import Intake
from bridge.sources.platforms.twitch import Options, credential, locate
from bridge.sources.platforms.twitch.eventsub import SUBSCRIPTIONS
from tests.emulators.twitch import SENT_AT_MS, TwitchEmulator

HELLO = (
    "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership",
    "PASS x",
    "NICK justinfan1",
    "JOIN #emberfox",
)


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def lines(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    got: list[str] = []
    while len(got) < count:
        got += (await socket.receive_str(timeout=5)).split("\r\n")[:-1]
    return got


async def message(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return orjson.loads(await socket.receive_str(timeout=5))


async def close_code(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async for _ in socket:
        pass
    return socket.close_code


async def subscribe(twitch: TwitchEmulator, web: aiohttp.ClientSession, session_id: str, kind: str) -> int:
    version = "2" if kind == "channel.follow" else "1"
    condition = dict.fromkeys(SUBSCRIPTIONS[kind].conditions, "1")
    transport = {"method": "websocket", "session_id": session_id}
    body = {"type": kind, "version": version, "condition": condition, "transport": transport}
    headers = {"Authorization": f"Bearer {twitch.access_token}", "Client-Id": twitch.client_id}
    url = f"{twitch.http_url}/helix/eventsub/subscriptions"
    async with web.post(url, json=body, headers=headers) as answer:
        return answer.status


async def test_an_anonymous_reader_is_greeted_and_hears_the_channel(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, web.ws_connect(twitch.ws_url) as socket:
        for line in HELLO:
            await socket.send_str(line)
        greeting = await lines(socket, 12)
        await twitch.say("ada", "hello there")
        await socket.send_str("PING :now")
        said, pong = await lines(socket, 2)

    assert greeting[0].startswith(":tmi.twitch.tv CAP * ACK")
    assert [line.split(" ")[1] for line in greeting[1:8]] == ["001", "002", "003", "004", "375", "372", "376"]
    assert [line.split(" ")[1] for line in greeting[8:9]] == ["JOIN"]
    assert said.endswith(":ada!ada@ada.tmi.twitch.tv PRIVMSG #emberfox :hello there")
    assert pong == ":tmi.twitch.tv PONG tmi.twitch.tv :now"


async def test_without_capabilities_there_are_no_tags_and_no_notices(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, web.ws_connect(twitch.ws_url) as socket:
        for line in HELLO[1:]:
            await socket.send_str(line)
        await lines(socket, 9)
        await twitch.notice("raid", "bo")
        await twitch.say("ada", "hi")
        assert await lines(socket, 1) == [":ada!ada@ada.tmi.twitch.tv PRIVMSG #emberfox :hi"]


async def test_a_login_that_is_not_anonymous_is_refused(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, web.ws_connect(twitch.ws_url) as socket:
        await socket.send_str("NICK somebody")
        assert await lines(socket, 1) == [":tmi.twitch.tv NOTICE * :Login authentication failed"]


async def test_a_client_that_talks_to_eventsub_is_closed_with_4001(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, web.ws_connect(twitch.eventsub_url) as socket:
        await socket.send_str("hello")
        assert await close_code(socket) == 4001


async def test_a_session_without_subscriptions_is_closed_with_4003(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator(unused_secs=0.02) as twitch, web.ws_connect(twitch.eventsub_url) as socket:
        assert await close_code(socket) == 4003


async def test_a_quiet_session_is_kept_alive(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator(keepalive_secs=0.02) as twitch, web.ws_connect(twitch.eventsub_url) as socket:
        kinds = [(await message(socket))["metadata"]["message_type"] for _ in range(3)]
        assert kinds == ["session_welcome", "session_keepalive", "session_keepalive"]


async def test_a_moved_session_keeps_its_subscriptions(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, web.ws_connect(twitch.eventsub_url) as old:
        session_id = (await message(old))["payload"]["session"]["id"]
        assert await subscribe(twitch, web, session_id, "stream.online") == 202
        assert await subscribe(twitch, web, session_id, "stream.online") == 409
        await twitch.session_reconnect()
        url = (await message(old))["payload"]["session"]["reconnect_url"]
        async with web.ws_connect(url) as new:
            assert (await message(new))["payload"]["session"]["id"] == session_id
            await twitch.notify("stream.online", {"id": "1"})
            assert (await message(new))["payload"]["event"] == {"id": "1"}


async def test_moving_too_late_or_twice_is_refused(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator(reconnect_grace_secs=0.02) as twitch, web.ws_connect(twitch.eventsub_url) as old:
        await message(old)
        await twitch.session_reconnect()
        url = (await message(old))["payload"]["session"]["reconnect_url"]
        assert await close_code(old) == 4004
        async with web.ws_connect(url) as new:
            assert await close_code(new) == 4007


async def test_a_renewed_token_voids_the_refresh_token_it_was_got_with(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch:
        form = {"client_id": twitch.client_id, "client_secret": twitch.client_secret}
        form |= {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
        twitch.expire_token()
        async with web.post(f"{twitch.http_url}/oauth2/token", data=form) as first:
            assert (await first.json())["access_token"] == twitch.access_token
        async with web.post(f"{twitch.http_url}/oauth2/token", data=form) as second:
            assert second.status == 400


class RealHttp:
    """The machinery's part in HTTP: signs at the moment of sending."""

    def __init__(self, web: aiohttp.ClientSession, heirs: HeirStore | None = None) -> None:
        self._web = web
        self.heirs = heirs or HeirStore()

    async def send(self, call: HttpCall) -> HttpAnswer:
        headers = dict(call.headers) | dict(call.sign(self.now_ms()) if call.sign else {})
        request = self._web.request(call.method, call.full_url, headers=headers, json=call.json, data=call.form)
        async with request as answer:
            return HttpAnswer(answer.status, {}, await answer.read())

    def now_ms(self) -> int:
        return SENT_AT_MS


class Reader:
    """The machinery's part in sockets, reduced: opens the new connection before it lets go of the old."""

    def __init__(self, connection: Connection, web: aiohttp.ClientSession) -> None:
        self.connection = connection
        self.received_at_ms = SENT_AT_MS
        self.events: list[LiveEvent] = []
        self.notices: list[Notice] = []
        self.rejected: list[str] = []
        self.ends: list[SourceError] = []
        self.intake = Intake()
        self._web = web
        self._http = RealHttp(web)
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._tasks.append(asyncio.create_task(self._read(self.connection.endpoint.url, self.connection.decoder)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        failures = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert [one for one in failures if isinstance(one, Exception)] == []

    async def until(self, met: Callable[[], Any]) -> None:
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(met)

    async def poll(self) -> None:
        for poll in self.connection.endpoint.polls:
            await self._call(self.connection.decoder, poll.call)

    async def _read(self, url: str, decoder: Decoder, old: aiohttp.ClientWebSocketResponse | None = None) -> None:
        async with self._web.ws_connect(url) as socket:
            for greeting in decoder.greeting():
                await socket.send_str(str(greeting))
            async for frame in socket:
                decoded = decoder.feed(Frame(frame.data, self.received_at_ms))
                for reply in decoded.replies:
                    await socket.send_str(str(reply))
                if old is not None:
                    await old.close()
                    old = None
                if decoded.follow is not None:
                    work = self._read(decoded.follow or url, decoder.followed(), socket)
                    self._tasks.append(asyncio.create_task(work))
                await self._take(decoder, decoded)
        error = decoder.closed(socket.close_code or 0, "")
        await self._take(decoder, Decoded(end=error))

    async def _call(self, decoder: Decoder, call: HttpCall) -> None:
        await self._take(decoder, decoder.answered(call, await self._http.send(call), self.received_at_ms))

    async def _take(self, decoder: Decoder, decoded: Decoded) -> None:
        self.events += self.intake.offer(decoded.events, 0.0).events
        self.notices += decoded.notices
        self.rejected += [str(error) for error in decoded.rejected]
        self.ends += [decoded.end] if decoded.end is not None else []
        async with self._changed:
            self._changed.notify_all()
        for call in decoded.calls:
            await self._call(decoder, call)

    @property
    def contents(self) -> list[Any]:
        return [event.content for event in self.events]


async def irc(twitch: TwitchEmulator, web: aiohttp.ClientSession, **options: Any) -> Reader:
    chosen = Options(room="emberfox", websocket_url=twitch.ws_url, **options)
    [connection] = await locate(chosen, RealHttp(web))
    return Reader(connection, web)


async def eventsub(twitch: TwitchEmulator, web: aiohttp.ClientSession) -> Reader:
    options = Options(
        room="emberfox",
        client_id=Secret(twitch.client_id),
        client_secret=Secret(twitch.client_secret),
        access_token=Secret("access-1"),
        refresh_token=Secret("refresh-1"),
        api_base=twitch.http_url,
        auth_base=twitch.http_url,
        eventsub_url=twitch.eventsub_url,
    )
    [connection] = await locate(options, RealHttp(web))
    return Reader(connection, web)


def chat_event(number: int, words: str, **more: Any) -> dict[str, Any]:
    return {
        "broadcaster_user_id": "4100001",
        "chatter_user_id": str(4_200_000 + number),
        "chatter_user_login": f"viewer{number}",
        "chatter_user_name": f"Viewer{number}",
        "message_id": f"00000000-0000-4000-8000-{number:012d}",
        "message": {"text": words, "fragments": [{"type": "text", "text": words}]},
        "badges": [],
        "cheer": None,
        **more,
    }


async def test_irc_brings_comments_cheers_subscriptions_and_joins(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await irc(twitch, web) as reader:
        await twitch.until(lambda: any(peer.channels for peer in twitch.peers))
        await twitch.line(":cleo!cleo@cleo.tmi.twitch.tv JOIN #emberfox")
        await twitch.say("ada", "hello; \\ there")
        await twitch.say("bo", "Cheer100 nice run", bits=100)
        await twitch.notice("sub", "cleo", **{"msg-param-sub-plan": "2000"})
        await reader.until(lambda: len(reader.events) == 4)

        joined, said, cheered, subscribed = reader.contents
        assert isinstance(joined, Join)
        assert isinstance(said, Comment)
        assert said.text == "hello; \\ there"
        assert isinstance(cheered, PaidMessage)
        assert cheered.gift.total_value == 100
        assert isinstance(subscribed, Gift)
        assert subscribed.name == "Tier 2"
        assert reader.rejected == []


async def test_an_irc_reconnect_loses_and_doubles_nothing(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await irc(twitch, web) as reader:
        await twitch.until(lambda: any(peer.channels for peer in twitch.peers))
        twitch.copies = 2
        await twitch.say("ada", "before")
        twitch.copies = 1
        await twitch.irc_reconnect()
        await twitch.until(lambda: sum("emberfox" in peer.channels for peer in twitch.peers) == 2)
        await twitch.say("ada", "meanwhile")
        await twitch.until(lambda: len(twitch.peers) == 1)
        await twitch.say("ada", "after")
        await reader.until(lambda: len(reader.events) == 3)

        assert [content.text for content in reader.contents] == ["before", "meanwhile", "after"]


@pytest.mark.parametrize("announced", ["first", "last"])
async def test_a_gift_bomb_is_one_gift_whenever_it_is_announced(web: aiohttp.ClientSession, announced: str) -> None:
    async with TwitchEmulator() as twitch, await irc(twitch, web) as reader:
        await twitch.until(lambda: any(peer.channels for peer in twitch.peers))
        await twitch.gift_bomb("ada", 5, announced=announced)
        await twitch.say("bo", "thanks")
        await reader.until(lambda: len(reader.events) == 2)

        gift = reader.contents[0]
        assert (gift.name, gift.count, gift.total_value) == ("Tier 1", 5, 2500)
        assert reader.intake.flush(9.0).events == []


async def test_a_gift_bomb_that_is_never_announced_counts_its_parts(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await irc(twitch, web) as reader:
        await twitch.until(lambda: any(peer.channels for peer in twitch.peers))
        await twitch.gift_bomb("ada", 3, announced="never")
        await twitch.say("bo", "thanks")
        await reader.until(lambda: reader.events)

        assert (
            sum(event.content.count for event in reader.intake.flush(9.0).events if isinstance(event.content, Gift))
            == 3
        )


async def test_irc_counts_viewers_with_a_clients_own_token(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch:
        credential = {"client_id": Secret(twitch.client_id), "client_secret": Secret(twitch.client_secret)}
        bases = {"api_base": twitch.http_url, "auth_base": twitch.http_url}
        async with await irc(twitch, web, **credential, **bases) as reader:
            await reader.poll()
            assert reader.contents == [Viewers(120)]
            twitch.expire_token()
            twitch.viewers = 121
            await reader.poll()
            assert reader.contents == [Viewers(120), Viewers(121)]


async def test_eventsub_brings_what_it_subscribed_to(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await eventsub(twitch, web) as reader:
        await twitch.until(lambda: twitch.sessions and len(twitch.sessions[0].subscriptions) == len(SUBSCRIPTIONS))
        await twitch.notify("channel.chat.message", chat_event(1, "hello"))
        await twitch.notify("channel.follow", {"user_id": "4200009", "user_name": "Dee"}, version="2")
        await reader.until(lambda: len(reader.events) == 2)

        assert isinstance(reader.contents[0], Comment)
        assert isinstance(reader.contents[1], Follow)
        assert twitch.sessions[0].subscriptions["channel.follow"] == {
            "broadcaster_user_id": "4100001",
            "moderator_user_id": "4100002",
        }


async def test_an_expired_token_is_renewed_and_the_refused_calls_are_made_again(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await eventsub(twitch, web) as reader:
        await twitch.until(lambda: twitch.sessions and len(twitch.sessions[0].subscriptions) == len(SUBSCRIPTIONS))
        twitch.expire_token()
        await reader.poll()

        assert reader.contents == [Viewers(120)]
        assert [call for call in twitch.calls if call[0] == "/oauth2/token"] == [("/oauth2/token", 200)]
        assert reader.ends == []

        # The next dial begins with the configured, long expired token.
        async with await eventsub(twitch, web) as again:
            await twitch.until(lambda: len(twitch.sessions) == 2 and len(twitch.sessions[1].subscriptions) == 5)
            assert again.ends == []


async def test_a_public_clients_token_is_renewed_after_a_restart_too(
    web: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TwitchEmulator() as twitch:
        twitch.is_public = True
        options = Options(
            room="emberfox",
            client_id=Secret(twitch.client_id),
            access_token=Secret("access-1"),
            refresh_token=Secret("refresh-1"),
            api_base=twitch.http_url,
            auth_base=twitch.http_url,
            eventsub_url=twitch.eventsub_url,
        )
        for _ in range(3):
            monkeypatch.setattr(credential, "_kept", {})
            twitch.expire_token()
            assert await locate(options, RealHttp(web, HeirStore(tmp_path)))
        assert [call for call in twitch.calls if call[0] == "/oauth2/token"] == [("/oauth2/token", 200)] * 3

        monkeypatch.setattr(credential, "_kept", {})
        with pytest.raises(SourceAuthError, match=r"^refresh_token: "):
            await locate(options, RealHttp(web))


async def test_a_session_moves_without_loss_and_without_subscribing_anew(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await eventsub(twitch, web) as reader:
        await twitch.until(lambda: twitch.sessions and len(twitch.sessions[0].subscriptions) == len(SUBSCRIPTIONS))
        calls = len(twitch.calls)
        old = twitch.sessions[0].socket
        await twitch.notify("channel.chat.message", chat_event(1, "before"))
        await twitch.session_reconnect()
        await twitch.notify("channel.chat.message", chat_event(2, "meanwhile"))
        await twitch.until(lambda: twitch.sessions[0].socket is not old and old.closed)
        await twitch.notify("channel.chat.message", chat_event(3, "after"))
        await reader.until(lambda: len(reader.events) == 3)

        assert [content.text for content in reader.contents] == ["before", "meanwhile", "after"]
        assert old.close_code == 1000
        assert len(twitch.calls) == calls


async def test_a_missing_scope_costs_its_own_events_only(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch:
        twitch.denied = {"channel.follow"}
        async with await eventsub(twitch, web) as reader:
            await reader.until(lambda: reader.notices)
            await twitch.notify("channel.chat.message", chat_event(1, "still here"))
            await reader.until(lambda: reader.events)

            assert reader.notices[0].kind is NoticeKind.CREDENTIAL_WEAK
            assert "moderator:read:followers" in reader.notices[0].detail


async def test_a_subscription_that_failed_is_asked_for_again(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch:
        twitch.failing = {"channel.chat.notification": 503}
        async with await eventsub(twitch, web) as reader:
            await twitch.until(lambda: twitch.sessions and len(twitch.sessions[0].subscriptions) == 4)
            reader.received_at_ms += 45_000
            await reader.poll()
            assert len(twitch.sessions[0].subscriptions) == 5


@pytest.mark.parametrize("code", [4000, 4002, 4004, 4005, 4006, 4007])
async def test_documented_close_codes_mean_another_try(web: aiohttp.ClientSession, code: int) -> None:
    async with TwitchEmulator() as twitch, await eventsub(twitch, web) as reader:
        await twitch.until(lambda: twitch.sessions and len(twitch.sessions[0].subscriptions) == len(SUBSCRIPTIONS))
        await twitch.close(code)
        await reader.until(lambda: reader.ends)
        assert isinstance(reader.ends[0], SourceUnavailableError)
        assert str(code) in str(reader.ends[0])


async def test_a_revoked_authorization_ends_the_connection(web: aiohttp.ClientSession) -> None:
    async with TwitchEmulator() as twitch, await eventsub(twitch, web) as reader:
        await twitch.until(lambda: twitch.sessions and len(twitch.sessions[0].subscriptions) == len(SUBSCRIPTIONS))
        await twitch.revoke("channel.follow", "moderator_removed")
        await twitch.revoke("channel.chat.message", "authorization_revoked")
        await reader.until(lambda: reader.ends)

        assert "channel.follow: moderator_removed" in reader.notices[0].detail
        assert isinstance(reader.ends[0], SourceAuthError)
