"""What the HTTP emulators share: an aiohttp application on a free loopback port."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web


class LocalSite:
    """An emulated platform; subclasses add their routes to ``app`` and say what they speak."""

    def __init__(self) -> None:
        self.app = web.Application(client_max_size=1024 * 1024)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.2)
        self._port = 0

    @property
    def http_url(self) -> str:
        """Scheme, host and port: what an ``api_base`` is set to."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def ws_url(self) -> str:
        """The root path as a socket URL: what a ``websocket_url`` is set to."""
        return f"ws://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
