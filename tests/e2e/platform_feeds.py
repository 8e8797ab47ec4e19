"""The platforms that the bridge connects to or asks."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.demo import bilibili_messages
from bridge.demo.bilibili_people import Viewer
from bridge.demo.bilibili_room import BilibiliRoom
from tests.e2e.feed import Feed, now_ms
from tests.emulators import tiktok_wire
from tests.emulators.bilibili_open import OpenLive, command
from tests.emulators.douyu import DouyuEmulator, message
from tests.emulators.kick import CHANNEL, CHATROOM, KickEmulator
from tests.emulators.tiktok import TikTokEmulator
from tests.emulators.twitch import TwitchEmulator
from tests.emulators.youtube import KEY, YouTubeEmulator, item


class BilibiliFeed(Feed):
    site = "bilibili"

    async def open(self, opened: AsyncExitStack) -> None:
        self.room = await opened.enter_async_context(BilibiliRoom())

    def source(self) -> dict[str, Any]:
        return {"platform": "bilibili", "room": 92, "api_base": self.room.api_base}

    def socket_url(self) -> str:
        return self.room.websocket_url

    def has_listener(self) -> bool:
        return bool(self.room.clients)

    async def repeat(self) -> int:
        await self.until(self.has_listener)
        await self.room.repeat_last(10)
        return 10

    async def tell(self, text: str, number: int) -> None:
        serial = next(self.numbers)
        viewer = Viewer(number, f"viewer {number}")
        told = await self.room.send(bilibili_messages.danmu(viewer, text, at_ms=now_ms(), serial=serial))
        assert told

    async def give(self, number: int) -> tuple[int, int]:
        viewer, serial = Viewer(number, f"viewer {number}"), next(self.numbers)
        await self.room.send(bilibili_messages.gift(viewer, "小花花", at_ms=now_ms(), serial=serial, price=100, num=3))
        return 3, 300

    async def drop(self) -> None:
        await self.room.drop_all()
        await self.room.wait_until_empty()


class TwitchFeed(Feed):
    """Chat over IRC, without a login."""

    site = "twitch"

    async def open(self, opened: AsyncExitStack) -> None:
        self.twitch = await opened.enter_async_context(TwitchEmulator())

    def source(self) -> dict[str, Any]:
        return {"platform": "twitch", "room": self.twitch.login, "websocket_url": self.twitch.ws_url}

    def has_listener(self) -> bool:
        return any(self.twitch.login in peer.channels for peer in self.twitch.peers)

    async def tell(self, text: str, number: int) -> None:
        await self.twitch.say(f"viewer{number}", text, **{"user-id": number, "tmi-sent-ts": now_ms()})

    async def give(self, number: int) -> tuple[int, int]:
        plan: dict[str, str | int] = {"msg-param-sub-plan": "2000", "msg-param-cumulative-months": 9}
        await self.twitch.notice("resub", f"viewer{number}", **{"user-id": number, "tmi-sent-ts": now_ms(), **plan})
        return 1, 1000

    async def drop(self) -> None:
        self.twitch.drop()
        await self.until(lambda: not self.twitch.peers)


class EventSubFeed(TwitchFeed):
    """The same facts to somebody with a token."""

    def source(self) -> dict[str, Any]:
        return {
            **super().source(),
            "client_id": self.twitch.client_id,
            "access_token": self.twitch.access_token,
            "api_base": self.twitch.http_url,
            "auth_base": self.twitch.http_url,
            "eventsub_url": self.twitch.eventsub_url,
        }

    def has_listener(self) -> bool:
        return any(len(session.subscriptions) == 5 for session in self.twitch.sessions)

    async def tell(self, text: str, number: int) -> None:
        told = {"text": text, "fragments": [{"type": "text", "text": text}]}
        await self.twitch.notify("channel.chat.message", {**self._chatter(number), "message": told})

    async def give(self, number: int) -> tuple[int, int]:
        given = {"sub_tier": "3000", "total": 4, "id": f"batch-{next(self.numbers)}"}
        event = {**self._chatter(number), "notice_type": "community_sub_gift", "community_sub_gift": given}
        await self.twitch.notify("channel.chat.notification", event)
        return 4, 10_000

    async def drop(self) -> None:
        self.twitch.drop()
        await self.until(lambda: not self.twitch.sessions)

    def _chatter(self, number: int) -> dict[str, Any]:
        name = f"viewer{number}"
        return {
            "broadcaster_user_id": self.twitch.users[self.twitch.login],
            "chatter_user_id": str(number),
            "chatter_user_login": name,
            "chatter_user_name": name,
            "message_id": f"chat-{next(self.numbers)}",
            "message": {"text": "", "fragments": []},
            "badges": [],
        }


class DouyuFeed(Feed):
    site = "douyu"
    rocket: ClassVar = {"id": 20004, "name": "火箭", "priceInfo": {"price": 50000, "priceType": "YUCHI"}}

    async def open(self, opened: AsyncExitStack) -> None:
        self.douyu = await opened.enter_async_context(DouyuEmulator(gifts=[self.rocket]))
        self._gone = 0

    def source(self) -> dict[str, Any]:
        urls = {"api_base": self.douyu.http_url, "websocket_url": self.douyu.ws_url}
        return {"platform": "douyu", "room": "lanyou", **urls}

    def complaints(self) -> list[str]:
        return self.douyu.violations

    def has_listener(self) -> bool:
        return len(self.douyu.sessions) > self._gone and self.douyu.sessions[-1].joined

    async def tell(self, text: str, number: int) -> None:
        words = {"txt": text, "cid": f"c{next(self.numbers)}", "cst": now_ms()}
        told = message(type="chatmsg", rid=9001, uid=number, nn=f"viewer {number}", level=5, **words)
        await self.douyu.sessions[-1].say(told)

    async def give(self, number: int) -> tuple[int, int]:
        given = message(type="dgb", rid=9001, uid=number, nn=f"viewer {number}", gfid=20004, pid=0, gfcnt=2, hits=2)
        await self.douyu.sessions[-1].say(given)
        return 2, 100_000

    async def drop(self) -> None:
        await self.until(self.has_listener)
        self._gone = len(self.douyu.sessions)
        await self.douyu.sessions[-1].cut()


class KickFeed(Feed):
    """The site's own socket."""

    site = "kick"

    async def open(self, opened: AsyncExitStack) -> None:
        self.kick = await opened.enter_async_context(KickEmulator())
        self._gone = 0

    def source(self) -> dict[str, Any]:
        urls = {"api_base": self.kick.http_url, "websocket_url": self.kick.socket_url}
        return {"platform": "kick", "room": "lanyou", **urls}

    def complaints(self) -> list[str]:
        return self.kick.violations

    def has_listener(self) -> bool:
        clients = self.kick.clients
        return len(clients) > self._gone and {CHATROOM, CHANNEL} <= set(clients[-1].subscribed)

    async def tell(self, text: str, number: int) -> None:
        said = self.kick.chat(text, user_id=number)
        await self.kick.clients[-1].tell("App\\Events\\ChatMessageEvent", said)

    async def give(self, number: int) -> tuple[int, int]:
        sender = {"id": number, "username": f"viewer {number}"}
        given = {"gift_transaction_id": f"k-{next(self.numbers)}", "gift": {"name": "Kite", "amount": 500}}
        await self.kick.clients[-1].tell("KicksGifted", {"sender": sender, "message": "", **given}, CHANNEL)
        return 1, 500

    async def drop(self) -> None:
        await self.until(self.has_listener)
        self._gone = len(self.kick.clients)
        self.kick.clients[-1].drop()


class YouTubeFeed(Feed):
    """Pages, asked for once a second. What is said while nobody asks stands on the next page, all of it twice."""

    site = "youtube"

    async def open(self, opened: AsyncExitStack) -> None:
        self.youtube = YouTubeEmulator()
        self.youtube.history = 10_000
        self.youtube.app.middlewares.append(self._perhaps_dropped)
        self._is_dropping = False
        await opened.enter_async_context(self.youtube)

    def source(self) -> dict[str, Any]:
        pace = {"stream": False, "quota_units_per_day": 100_000_000, "show_hours": 24}
        return {"platform": "youtube", "room": "video-1", "api_key": KEY, "api_base": self.youtube.http_url, **pace}

    def has_listener(self) -> bool:
        return "page" in self.youtube.calls and not self._is_dropping

    async def tell(self, text: str, number: int) -> None:
        await self._post(number, "textMessageEvent", textMessageDetails={"messageText": text})

    async def give(self, number: int) -> tuple[int, int]:
        await self._post(
            number, "superStickerEvent", superStickerDetails={"amountMicros": "1500000", "currency": "USD"}
        )
        return 1, 150

    async def drop(self) -> None:
        # No page is answered until the bridge gives up and looks for the video anew.
        self._is_dropping = True
        await self.until(self.has_listener)

    async def _post(self, number: int, kind: str, **details: Any) -> None:
        posted = item(next(self.numbers), kind, publishedAt=datetime.now(UTC).isoformat(), **details)
        posted["authorDetails"] |= {"channelId": str(number), "displayName": f"@viewer{number}"}
        await self.youtube.say(posted, posted)

    @web.middleware
    async def _perhaps_dropped(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/videos"):
            self._is_dropping = False
        if self._is_dropping and request.path.endswith("/messages"):
            assert request.transport is not None
            request.transport.abort()
        return await handler(request)


class BilibiliOpenFeed(Feed):
    site = "bilibili"

    async def open(self, opened: AsyncExitStack) -> None:
        self.site_of = await opened.enter_async_context(OpenLive())

    def source(self) -> dict[str, Any]:
        site = self.site_of
        keys = {"access_key_id": site.key_id, "access_key_secret": site.key_secret, "code": site.code}
        return {"platform": "bilibili_open", "app_id": str(site.app_id), "api_base": site.http_url, **keys}

    def has_listener(self) -> bool:
        return any(client.authenticated and client.is_open for client in self.site_of.clients)

    async def tell(self, text: str, number: int) -> None:
        await self._send("DM", number, msg=text)

    async def give(self, number: int) -> tuple[int, int]:
        bought = {"gift_id": 31_036, "gift_name": "小花花", "gift_num": 5, "price": 100, "r_price": 80, "paid": True}
        await self._send("SEND_GIFT", number, **bought)
        return 5, 400

    async def drop(self) -> None:
        self.site_of.clients[-1].cut()
        await self.until(lambda: not self.site_of.clients[-1].is_open)

    async def _send(self, suffix: str, number: int, **data: Any) -> None:
        who = {"open_id": f"o{number}", "uid": 0, "uname": f"viewer {number}"}
        told = command(suffix, msg_id=f"m-{next(self.numbers)}", **who, **data)
        await self.site_of.clients[-1].say(told, compressed=next(self.numbers) % 2 == 0)


class TikTokFeed(Feed):
    """Every frame wants to be acknowledged; gifts are streaks."""

    site = "tiktok"

    async def open(self, opened: AsyncExitStack) -> None:
        self.tiktok = await opened.enter_async_context(TikTokEmulator())
        self._gone = 0

    def source(self) -> dict[str, Any]:
        bases = {"sign_url": self.tiktok.http_url, "api_base": self.tiktok.http_url}
        return {"platform": "tiktok", "room": f"@{self.tiktok.handle}", **bases}

    def complaints(self) -> list[str]:
        return self.tiktok.violations

    def has_listener(self) -> bool:
        return len(self.tiktok.viewers) > self._gone and bool(self.tiktok.viewers[-1].entered)

    async def tell(self, text: str, number: int) -> None:
        message_id = self.tiktok.next_id()
        payload = tiktok_wire.chat(text, message_id, now_ms(), tiktok_wire.user(number, f"viewer {number}"))
        await self._send(tiktok_wire.envelope("WebcastChatMessage", payload, message_id))

    async def give(self, number: int) -> tuple[int, int]:
        group = now_ms() + next(self.numbers)  # a streak's group is the time it began; no two of a viewer are the same
        for repeat in (1, 2, 2, 4):
            await self._send(self.tiktok.gift(repeat, group))
        await self._send(self.tiktok.gift(4, group, ended=True))
        return 4, 20

    async def drop(self) -> None:
        self._gone = len(self.tiktok.viewers)
        self.tiktok.viewers[-1].drop()

    async def _send(self, told: tiktok_wire.Fields) -> None:
        await self.tiktok.viewers[-1].send(told, need_ack=True, log_id=next(self.numbers))
