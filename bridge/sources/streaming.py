"""Long HTTP answers: server-sent events and endless JSON, fed to the decoder in chunks."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from bridge.errors import SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.sources.channel import ChannelClosedError
from bridge.sources.contract import Endpoint
from bridge.sources.http import SourceHttp


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

    async def close(self) -> None:
        """Close the connection."""
        await self._closing.aclose()


async def open_stream(endpoint: Endpoint, http: SourceHttp) -> StreamChannel:
    """Open the GET; raises a ``SourceError`` for any answer but 200."""
    closing = AsyncExitStack()
    response = await closing.enter_async_context(
        http.stream(endpoint.url, endpoint.headers, endpoint.silence_timeout_secs)
    )
    if response.status == 200:
        return StreamChannel(response, closing)
    await closing.aclose()
    problem = f"{endpoint}: HTTP {response.status}"
    if response.status in (401, 403):
        raise SourceAuthError(problem)
    if response.status == 429:
        raise SourceThrottledError(problem, 30.0)
    raise SourceUnavailableError(problem)
