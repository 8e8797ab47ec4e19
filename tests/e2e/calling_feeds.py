"""The platforms that call the bridge: they sign, repeat what was not answered, and can be impersonated."""

from __future__ import annotations

import base64
import gzip
from abc import abstractmethod
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, ClassVar

import aiohttp
import orjson
from standardwebhooks import Webhook

from tests.e2e.feed import Feed, now_ms
from tests.emulators.douyin import ROOM, Sender, comment, gift
from tests.emulators.kick_signing import public_pem, signed_delivery
from tests.emulators.kuaishou import ROOM_CODE, push, viewer
from tests.emulators.kuaishou import gift as kuaishou_gift


class CallingFeed(Feed):
    """A platform that calls us at ``push_base``. ``statuses`` are the answers that it got."""

    platform: str
    query: ClassVar[dict[str, str]] = {}

    async def open(self, opened: AsyncExitStack) -> None:
        self.http = await opened.enter_async_context(aiohttp.ClientSession())
        self.push_base = ""
        self.statuses: list[int] = []
        self._last: tuple[dict[str, str], bytes] = ({}, b"")

    def has_listener(self) -> bool:
        return bool(self.push_base)

    async def drop(self) -> None:
        await self.call(*self._last)

    async def call(self, headers: dict[str, str], body: bytes) -> int:
        """Call the bridge; returns the answer's status."""
        self._last = headers, body
        url = f"{self.push_base}/push/{self.platform}/{self.site}"
        async with self.http.post(url, headers=headers, data=body, params=self.query) as answer:
            self.statuses.append(answer.status)
            return answer.status

    @abstractmethod
    async def forge(self) -> int:
        """Make a call that the platform did not sign; returns the answer's status."""


class DouyinFeed(CallingFeed):
    site = "douyin"
    platform = "douyin_push"
    secrets: ClassVar = {"live_comment": "secret-of-comments", "live_gift": "secret-of-gifts"}

    async def open(self, opened: AsyncExitStack) -> None:
        await super().open(opened)
        self._sender = Sender(self.secrets)

    def source(self) -> dict[str, Any]:
        return {"platform": self.platform, "room": ROOM, "secrets": self.secrets}

    async def tell(self, text: str, number: int) -> None:
        await self._push("live_comment", comment(next(self.numbers), text, sec_openid=f"o{number}"))

    async def give(self, number: int) -> tuple[int, int]:
        await self._push("live_gift", gift(next(self.numbers), "g1", 3, 300, sec_openid=f"o{number}"))
        return 3, 300

    async def forge(self) -> int:
        forged = self._sender.push("live_comment", [comment(99_999, "forged")], now_ms(), secret="a guess")
        return await self.call(forged.headers, forged.body)

    async def _push(self, kind: str, told: dict[str, Any]) -> None:
        push = self._sender.push(kind, [told], now_ms())
        await self.call(push.headers, push.body)


class KickWebhookFeed(CallingFeed):
    site = "kick"
    platform = "kick"

    def source(self) -> dict[str, Any]:
        return {"platform": "kick", "room": "lanyou", "mode": "webhook", "public_key": public_pem()}

    async def tell(self, text: str, number: int) -> None:
        told = {"message_id": f"m{next(self.numbers)}", "sender": self._viewer(number), "content": text}
        await self.call(*self._signed("chat.message.sent", told))

    async def give(self, number: int) -> tuple[int, int]:
        given = {
            "sender": self._viewer(number),
            "gift": {"amount": 500, "name": "Kite", "type": "BASIC", "message": ""},
        }
        await self.call(*self._signed("kicks.gifted", given))
        return 1, 500

    async def forge(self) -> int:
        told = {"message_id": "m0", "sender": self._viewer(1), "content": "Mallory"}
        headers, body = self._signed("chat.message.sent", told)
        return await self.call(headers, body.replace(b"Mallory", b"Malice!"))

    def _signed(self, name: str, event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        broadcaster = {"user_id": 7001, "username": "Lanyou", "channel_slug": "lanyou"}
        message_id = f"01HZX{next(self.numbers):021d}"
        return signed_delivery(name, {"broadcaster": broadcaster, **event}, at_ms=now_ms(), message_id=message_id)

    def _viewer(self, number: int) -> dict[str, Any]:
        return {"user_id": number, "username": f"viewer {number}", "channel_slug": f"viewer{number}"}


class KuaishouFeed(CallingFeed):
    site = "kuaishou"
    platform = "kuaishou_push"

    def source(self) -> dict[str, Any]:
        return {"platform": self.platform, "room": ROOM_CODE, "app_secret": "secret-of-the-app"}

    async def tell(self, text: str, number: int) -> None:
        await self._push("liveComment", {**viewer(number), "content": text})

    async def give(self, number: int) -> tuple[int, int]:
        await self._push("giftSend", {**kuaishou_gift(next(self.numbers), 2, 15), **viewer(number)})
        return 2, 30

    async def forge(self) -> int:
        forged = push("a guess", "liveComment", [{**viewer(1), "content": "forged"}], now_ms(), message_id="m0")
        return await self.call(forged.headers, forged.body)

    async def _push(self, kind: str, told: dict[str, Any]) -> None:
        message_id = f"m{next(self.numbers)}"
        signed = push("secret-of-the-app", kind, [told], now_ms(), message_id=message_id)
        await self.call(signed.headers, signed.body)


class WeChatFeed(CallingFeed):
    """wxlivespy: gzipped, unsigned, with a token in the URL."""

    site = "wechat_channels"
    platform = "wechat_channels"
    query: ClassVar = {"token": "secret-of-the-url"}

    def source(self) -> dict[str, Any]:
        return {"platform": self.platform, "token": self.query["token"]}

    async def tell(self, text: str, number: int) -> None:
        await self._post({"decoded_type": "comment", "decoded_openid": f"o{number}", "content": text})

    async def give(self, number: int) -> tuple[int, int]:
        given = {"sec_gift_id": "G1", "gift_num": 2, "gift_value": 10, "content": "送了主播2个爱心"}
        await self._post({"decoded_type": "gift", "decoded_openid": f"o{number}", **given})
        return 2, 10

    async def forge(self) -> int:
        url = f"{self.push_base}/push/{self.platform}/{self.site}"
        async with self.http.post(url, params={"token": "a guess"}, json={"events": []}) as answer:
            return answer.status

    async def _post(self, told: dict[str, Any]) -> None:
        events = [{**told, "seq": str(next(self.numbers)), "msg_time": now_ms()}]
        body = orjson.dumps({"live_info": {"live_id": "L1", "online_count": 3}, "events": events})
        await self.call({"Content-Encoding": "gzip"}, gzip.compress(body))


class WebhookFeed(CallingFeed):
    """Words come as our own JSON, gifts as CloudEvents in binary mode."""

    site = "webhook"
    platform = "webhook"
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()

    def source(self) -> dict[str, Any]:
        return {"platform": self.platform, "secret": self.secret}

    async def tell(self, text: str, number: int) -> None:
        body = orjson.dumps([{"type": "comment", "user": {"id": number}, "text": text}])
        await self.call(self._signed(body, self.secret), body)

    async def give(self, number: int) -> tuple[int, int]:
        body = orjson.dumps({"user": {"id": number}, "gift": {"name": "Rose", "count": 3, "total_value": 7}})
        attributes = {"specversion": "1.0", "type": "live.gift", "source": "/shop", "id": str(next(self.numbers))}
        headers = {f"ce-{name}": value for name, value in attributes.items()}
        await self.call({**headers, **self._signed(body, self.secret)}, body)
        return 3, 7

    async def forge(self) -> int:
        body = orjson.dumps({"type": "comment", "user": {"id": 1}, "text": "forged"})
        return await self.call(
            self._signed(body, "whsec_" + base64.b64encode(b"a guess of 24 bytes and").decode()), body
        )

    def _signed(self, body: bytes, secret: str) -> dict[str, str]:
        message_id, now = f"msg_{next(self.numbers)}", datetime.now(UTC)
        signature = Webhook(secret).sign(message_id, now, body.decode())
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
