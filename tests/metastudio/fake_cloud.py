"""A server on loopback that answers as it is told and checks signatures by its own arithmetic."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import orjson
from aiohttp import web

ACCESS_KEY = "AKIDBRIDGETEST000001"
SECRET_KEY = "sk/Bridge+test=0001"
PROJECT = "project-1"
NOW_MS = 1_767_323_045_000


class ManualClock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.secs = 1000.0

    def monotonic(self) -> float:
        return self.secs

    def now_ms(self) -> int:
        return NOW_MS + int((self.secs - 1000.0) * 1000)

    async def sleep(self, secs: float) -> None:
        self.secs += secs
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, secs: float | None) -> bool:
        await self.sleep(secs or 0.0)
        return event.is_set()


@dataclass
class Call:
    """What arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def signed_names(self) -> str:
        return self._authorization["SignedHeaders"]

    def is_signed_by(self, access_key: str, secret_key: str) -> bool:
        """Recompute the signature from what arrived, independently of the code under test."""
        stated = self._authorization
        names = stated["SignedHeaders"].split(";")
        path, _, query = self.target.partition("?")
        lines = [
            self.method,
            "/".join(quote(step, safe="") for step in unquote(path).split("/")).rstrip("/") + "/",
            "&".join(sorted(f"{quote(k, '')}={quote(v, '')}" for k, v in parse_qsl(query, keep_blank_values=True))),
            *(f"{name}:{self.headers[name].strip()}" for name in names),
            "",
            stated["SignedHeaders"],
            hashlib.sha256(self.body).hexdigest(),
        ]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = f"SDK-HMAC-SHA256\n{self.headers['x-sdk-date']}\n{digest}"
        expected = hmac.digest(secret_key.encode(), text.encode(), "sha256").hex()
        return stated["Access"] == access_key and stated["Signature"] == expected

    @property
    def _authorization(self) -> dict[str, str]:
        scheme, _, rest = self.headers["authorization"].partition(" ")
        assert scheme == "SDK-HMAC-SHA256"
        return {name: value for name, _, value in (part.partition("=") for part in rest.split(", "))}


Answer = Callable[[Call], Awaitable[web.StreamResponse]]


def answer(status: int, data: Any = None, **headers: str) -> Answer:
    """Answer with JSON; ``Retry_After="3"`` becomes a ``Retry-After`` header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def respond(_call: Call) -> web.StreamResponse:
        body = b"" if data is None else data if isinstance(data, bytes) else orjson.dumps(data)
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json"} | named)

    return respond


async def hang_up(_call: Call) -> web.StreamResponse:
    """Close the connection without an answer."""
    raise HangUpError


class HangUpError(Exception):
    """Asks the server to close the connection."""


@dataclass
class FakeCloud:
    """Answers each call with the next of ``answers``, the last one again and again."""

    endpoint: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=lambda: [answer(200, {})])

    def will(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, request.raw_path, headers, await request.read())
        self.calls.append(call)
        respond = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            return await respond(call)
        except HangUpError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()


@asynccontextmanager
async def running_cloud() -> AsyncIterator[FakeCloud]:
    """Run a fake cloud on a free port."""
    cloud = FakeCloud()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", cloud.serve)
    runner = web.AppRunner(application, max_field_size=65536, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    cloud.endpoint = f"http://127.0.0.1:{port}"
    try:
        yield cloud
    finally:
        await runner.cleanup()
