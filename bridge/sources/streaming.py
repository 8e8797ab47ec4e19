"""Long HTTP answers: server-sent events and endless JSON, fed to the decoder in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from bridge.errors import SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources.channel import ChannelClosedError
from bridge.sources.contract import Endpoint, HttpAnswer
from bridge.sources.http import TIMEOUT_SECS, SourceHttp

MAX_REFUSAL_BYTES = 64 * 1024


class StreamChannel:
    """One long GET. Nothing can be sent over it."""

    def __init__(self, response: Any, closing: AsyncExitStack) -> None:
        self._response = response
        self._closing = closing

    async def receive(self) -> bytes:
        """Return the next chunk, cut anywhere."""
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ChannelClosedError(1006, type(error).__name__) from None
        if not chunk:
            raise ChannelClosedError(1000, "the stream ended")
        return bytes(chunk)

    async def send(self, data: bytes | str) -> None:
        """Do nothing: a GET has no way back."""

    async def close(self) -> Sequence[bytes]:
        """Close the connection."""
        await self._closing.aclose()
        return ()


async def open_stream(endpoint: Endpoint, http: SourceHttp) -> StreamChannel:
    """Open the GET; raises a ``SourceError`` for any answer but 200: what the endpoint says that it means."""
    closing = AsyncExitStack()
    response = await closing.enter_async_context(
        http.stream(endpoint.url, endpoint.headers, endpoint.silence_timeout_secs)
    )
    if response.status == 200:
        return StreamChannel(response, closing)
    try:
        raise await _refusal(endpoint, response, http)
    finally:
        await closing.aclose()


async def _refusal(endpoint: Endpoint, response: Any, http: SourceHttp) -> SourceError:
    """Return what an answer other than 200 asks us to do."""
    if endpoint.refusal is not None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = HttpAnswer(response.status, headers, await _beginning(response))
        if (meaning := endpoint.refusal(answer, http.now_ms())) is not None:
            return meaning
    problem = f"{endpoint}: HTTP {response.status}"
    if response.status in (401, 403):
        return SourceAuthError(problem)
    if response.status == 429:
        return SourceThrottledError(problem, 30.0)
    return SourceUnavailableError(problem)


async def _beginning(response: Any) -> bytes:
    """Return a refusal's body, no more than is needed of it and without waiting for more than it is worth."""
    body = b""
    try:
        async with asyncio.timeout(TIMEOUT_SECS):
            while len(body) < MAX_REFUSAL_BYTES and (part := await response.content.readany()):
                body += part
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    return body
