from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from bridge.errors import PushRefusedError
from bridge.events import Comment, Gift, LiveEvent, Viewers
from bridge.secret import Secret
from bridge.sources.contract import NoticeKind, PushRequest
from bridge.sources.intake import Intake
from bridge.sources.platforms.kick import PLATFORM
from bridge.sources.platforms.kick.messages import WEBHOOK_MESSAGES
from bridge.sources.platforms.kick.options import Options
from bridge.sources.platforms.kick.webhook import Receiver
from bridge.sources.supervisor import SourceState
from tests.emulators.driving import Seen
from tests.emulators.kick import CHANNEL, CHATROOM, KickEmulator, WebhookSender, now_ms
from tests.emulators.kick_signing import public_pem
from tests.emulators.local_site import LocalSite
from tests.emulators.supervised import Supervised

APP: dict[str, Any] = {"client_id": Secret("app-1"), "client_secret": Secret("s3cret")}


def watching(kick: KickEmulator, **changes: Any) -> Supervised:
    bases = {"api_base": kick.http_url, "auth_base": kick.http_url, "websocket_url": kick.socket_url}
    return Supervised(PLATFORM, Options(**{"room": "lanyou", **bases, **changes}))


def comments(count: int) -> Callable[[Seen], bool]:
    def met(seen: Seen) -> bool:
        return len(seen.texts) >= count

    return met


def viewer_counts(seen: Seen) -> list[int]:
    return [event.content.count for event in seen.events if isinstance(event.content, Viewers)]


async def test_a_session_subscribes_after_the_greeting_and_hears_every_channel() -> None:
    async with KickEmulator() as kick, watching(kick) as source:
        client = await kick.client()
        await client.tell("App\\Events\\ChatMessageEvent", kick.chat("hi [emote:1:WAVE]"))
        await client.tell("KicksGifted", {"sender": {"id": 5}, "gift": {"amount": 100}}, CHANNEL)
        seen = await source.until(lambda seen: {"Comment", "Gift"} <= {type(e.content).__name__ for e in seen.events})

        assert client.subscribed == ["chatrooms.70.v2", "chatrooms.70", "chatroom_70", "channel.71", "channel_71"]
        assert seen.texts == ["hi WAVE"]
        assert kick.violations == []


async def test_nothing_said_is_lost_or_reordered_over_many_drops() -> None:
    async with KickEmulator() as kick, watching(kick) as source:
        for number in range(6):
            client = await kick.client(number)
            await client.tell("App\\Events\\ChatMessageEvent", kick.chat(f"comment {number}"))
            await source.until(comments(number + 1))
            client.drop() if number % 2 else await client.close_silently(1000)

        assert source.seen.texts == [f"comment {number}" for number in range(6)]


async def test_a_comment_on_two_channels_is_the_same_comment() -> None:
    async with KickEmulator() as kick, watching(kick) as source:
        client = await kick.client()
        said = kick.chat("once")
        await client.tell("App\\Events\\ChatMessageEvent", said)
        await client.tell("App\\Events\\ChatMessageEvent", said, "chatroom_70")
        seen = await source.until(comments(2))

        told = [event for event in seen.events if isinstance(event.content, Comment)]
        assert len(Intake().offer(told, 0.0).events) == 1


async def test_a_subscription_and_a_gift_told_several_times_count_once() -> None:
    gift = {"gifted_usernames": ["a", "b"], "gifter_username": "Noa", "gifter_total": 7, "correlation_id": "pi_1"}
    async with KickEmulator() as kick, watching(kick) as source:
        client = await kick.client()
        await client.tell("App\\Events\\ChannelSubscriptionEvent", {"user_ids": [5], "username": "Noa"}, CHANNEL)
        await client.tell("App\\Events\\SubscriptionEvent", {"username": "Noa", "months": 3})
        await client.tell("GiftedSubscriptionsEvent", gift)
        await client.tell("App\\Events\\GiftedSubscriptionsEvent", gift, "chatrooms.70")
        await client.tell("App\\Events\\LuckyUsersWhoGotGiftSubscriptionsEvent", gift, "chatrooms.70")
        await client.tell("App\\Events\\ChatMessageEvent", kick.chat("done"))
        seen = await source.until(comments(1))

        told: list[LiveEvent] = list(Intake().offer(seen.events, 0.0).events)
        gifts = [event.content for event in told if isinstance(event.content, Gift)]
        assert [(one.name, one.count) for one in gifts] == [("Subscription", 1), ("Gifted subscription", 2)]


async def test_silence_is_broken_by_pings_and_the_servers_pings_are_answered() -> None:
    async with KickEmulator(activity_timeout_secs=2) as kick, watching(kick) as source:
        client = await kick.client()
        await client.send_raw('{"event":"pusher:ping","data":{}}')
        await source.until(lambda _: client.pings > 2 and client.pongs == 1)

        assert len(kick.clients) == 1
        assert kick.violations == []


@pytest.mark.parametrize(("code", "wait_secs"), [(4001, 60.0), (4009, 60.0), (4100, 5.0), (4200, None), (1000, None)])
@pytest.mark.parametrize("is_silent", [False, True])
async def test_each_close_code_is_waited_for_as_pusher_means_it(
    code: int, wait_secs: float | None, is_silent: bool
) -> None:
    async with KickEmulator() as kick, watching(kick, chatroom_id=70, channel_id=71) as source:
        client = await kick.client()
        await (client.close_silently(code) if is_silent else client.close(code, "because"))
        await kick.client(1)

        assert {60.0, 5.0} & set(source.clock.sleeps_secs) == ({wait_secs} if wait_secs else set())


async def test_a_broken_frame_costs_itself_only() -> None:
    async with KickEmulator() as kick, watching(kick) as source:
        client = await kick.client()
        for broken in (
            "",
            "{",
            "[]",
            '{"event":7}',
            '{"event":"App\\\\Events\\\\ChatMessageEvent","data":"{\\"a\\":"}',
        ):
            await client.send_raw(broken)
        await client.tell("App\\Events\\ChatMessageEvent", kick.chat("whole"))
        seen = await source.until(comments(1))

        assert len(seen.rejected) == 5
        assert len(kick.clients) == 1


async def test_viewers_come_from_the_page_without_credentials_and_from_the_api_with_them() -> None:
    async with KickEmulator() as kick, watching(kick) as source:
        await source.until(viewer_counts)
        assert kick.tokens_given == 0
    async with KickEmulator() as kick, watching(kick, **APP) as source:
        await source.until(viewer_counts)
        assert set(viewer_counts(source.seen)) == {42}
        assert kick.tokens_given == 1


async def test_a_token_that_runs_out_is_renewed_without_touching_the_socket() -> None:
    async with KickEmulator() as kick, watching(kick, **APP) as source:
        await source.until(viewer_counts)
        kick.token = "revoked"
        kick.viewer_count = 99
        await source.until(lambda seen: 99 in viewer_counts(seen))

        assert kick.tokens_given == 2
        assert len(kick.clients) == 1


async def test_the_live_ends_and_begins_again_on_the_same_connection() -> None:
    async with KickEmulator() as kick, watching(kick) as source:
        client = await kick.client()
        await source.until(lambda seen: NoticeKind.LIVE in seen.notices)
        kick.is_live = False
        await client.tell("App\\Events\\StopStreamBroadcast", {"livestream": {"id": 1}}, CHANNEL)
        await source.until(lambda seen: NoticeKind.ENDED in seen.notices)
        kick.is_live = True
        await source.until(lambda seen: seen.notices.count(NoticeKind.LIVE) == 2)

        assert source.seen.notices == [NoticeKind.LIVE, NoticeKind.ENDED, NoticeKind.LIVE]
        assert len(kick.clients) == 1


async def test_a_page_that_refuses_programs_tells_the_operator_what_to_set() -> None:
    kick = KickEmulator()
    kick.page_status = 403
    async with kick, watching(kick) as source:
        await source.until_state(SourceState.REFUSED)
        assert source.supervisor.status.last_error.startswith("chatroom_id: ")
    async with kick, watching(kick, chatroom_id=70, channel_id=71) as source:
        await (await kick.client()).tell("ChatMessageEvent", kick.chat("hello"), CHATROOM)
        await source.until(comments(1))


async def test_beside_webhooks_the_app_is_subscribed_and_the_viewers_are_polled() -> None:
    kick = KickEmulator()
    kick.subscriptions = ["chat.message.sent"]
    async with kick, watching(kick, mode="webhook", **APP) as source:
        await source.until(lambda seen: viewer_counts(seen) and len(kick.subscriptions) == len(WEBHOOK_MESSAGES))

        assert sorted(kick.subscriptions) == sorted(WEBHOOK_MESSAGES)
        assert kick.clients == []
        assert kick.violations == []


class PushSite(LocalSite):
    """The receiving end on HTTP, as thin as it can be."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[LiveEvent] = []
        self._receiver = Receiver(Options(room="lanyou", mode="webhook", public_key=public_pem()))
        self.app.router.add_post("/push/kick/show", self._push)

    async def _push(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            answer = self._receiver.receive(PushRequest("POST", headers, {}, await request.read(), now_ms()))
        except PushRefusedError as error:
            return web.Response(status=error.status)
        self.events.extend(answer.decoded.events)
        return web.Response(status=answer.status)


async def test_signed_deliveries_arrive_and_forged_or_stale_ones_do_not() -> None:
    said = {"message_id": "c-1", "sender": {"user_id": 5, "username": "Noa"}, "content": "hi"}
    async with PushSite() as site:
        sender = WebhookSender(f"{site.http_url}/push/kick/show")

        assert await sender.deliver("chat.message.sent", said) == 200
        assert await sender.deliver("chat.message.sent", said, forged=True) == 401
        assert await sender.deliver("chat.message.sent", said, at_ms=now_ms() - 400_000) == 401
        assert len(site.events) == 1


async def test_a_delivery_made_three_times_is_one_event() -> None:
    async with PushSite() as site:
        sender = WebhookSender(f"{site.http_url}/push/kick/show")
        for _ in range(3):
            await sender.deliver("channel.followed", {"follower": {"user_id": 5}}, message_id="01HZX9")

        assert len(site.events) == 3
        assert len(Intake().offer(site.events, 0.0).events) == 1
