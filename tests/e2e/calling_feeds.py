"""The platforms that call the bridge: they sign, repeat what was not answered, and can be impersonated."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import aiohttp

from tests.e2e.platform_feeds import Feed, now_ms
from tests.emulators.douyin import ROOM, Sender, comment, gift
from tests.emulators.kick_signing import public_pem, signed_delivery


class CallingFeed(Feed):
    """A platform that calls us at ``push_base``. ``statuses`` are the answers that it got."""

    platform: str

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
        async with self.http.post(
            f"{self.push_base}/push/{self.platform}/{self.site}", headers=headers, data=body
        ) as answer:
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
