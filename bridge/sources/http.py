"""HTTP calls on behalf of platforms: one client a source, with its own cookies and proxy."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from bridge.clock import Clock
from bridge.errors import SourceUnavailableError
from bridge.secret import Heirs, redact_url
from bridge.sources.contract import HttpAnswer, HttpCall
from bridge.sources.heirs import HeirStore

TIMEOUT_SECS = 10.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024

_under_way: dict[Hashable, asyncio.Task[HttpAnswer]] = {}
"""Calls that work once, of all sources of the process; each is here only while it is made."""


class SourceHttp:
    """Makes a platform's calls. Redirects are answers like any other: following them could carry credentials away."""

    def __init__(self, clock: Clock, proxy: str = "", heirs: Heirs | None = None) -> None:
        self.heirs: Heirs = heirs or HeirStore()
        self._clock = clock
        self._proxy = proxy or None
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECS),
        )

    def now_ms(self) -> int:
        """Return the wall clock."""
        return self._clock.now_ms()

    async def send(self, call: HttpCall) -> HttpAnswer:
        """Make the call; raises ``SourceUnavailableError`` when no answer came."""
        if not call.once:
            return await self._send(call)
        key = (call.method, call.full_url, frozenset((call.form or {}).items()))
        task = _under_way.get(key)
        if task is None:
            task = _under_way[key] = asyncio.ensure_future(self._send(call))
            task.add_done_callback(lambda _: _under_way.pop(key))
        return await asyncio.shield(task)

    async def _send(self, call: HttpCall) -> HttpAnswer:
        try:
            async with self._session.request(
                call.method,
                URL(call.full_url, encoded=True),
                headers=self._headers(call),
                data=call.body if call.form is None else dict(call.form),
                json=call.json,
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(MAX_ANSWER_BYTES)
                while not response.content.at_eof() and len(body) < MAX_ANSWER_BYTES:
                    body += await response.content.read(MAX_ANSWER_BYTES - len(body))
                return HttpAnswer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=body,
                    cookies={name: morsel.value for name, morsel in response.cookies.items()},
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SourceUnavailableError(f"{redact_url(call.url)}: {_cause(error)}") from None

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str], silence_secs: float) -> AsyncIterator[Any]:
        """Open one long GET; yields the response. Raises ``SourceUnavailableError``."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_SECS, sock_read=silence_secs)
        try:
            async with self._session.get(
                URL(url, encoded=True), headers=headers, proxy=self._proxy, timeout=timeout, allow_redirects=False
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SourceUnavailableError(f"{redact_url(url)}: {_cause(error)}") from None

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _headers(self, call: HttpCall) -> dict[str, str]:
        return {**call.headers, **(call.sign(self._clock.now_ms()) if call.sign else {})}


def _cause(error: Exception) -> str:
    """Say why no answer came. aiohttp's own words are not shown: the URL or the proxy's password may be in them."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the server's certificate is not valid"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host is not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        reason = os.strerror(number) if number else type(error.os_error).__name__
        return (
            f"the proxy cannot be reached: {reason}"
            if isinstance(error, aiohttp.ClientProxyConnectionError)
            else reason
        )
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    return type(error).__name__
