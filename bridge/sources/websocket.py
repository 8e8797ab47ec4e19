"""Platform sockets. The only importer of ``websockets``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from bridge.errors import SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources.channel import ChannelClosedError
from bridge.sources.contract import Endpoint, HttpAnswer

OPEN_TIMEOUT_SECS = 10.0
CLOSE_TIMEOUT_SECS = 1.0
PING_INTERVAL_SECS = 20.0
BUFFERED_FRAMES = 256


class WebSocketChannel:
    """An open WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> bytes | str:
        """Return the next message."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def send(self, data: bytes | str) -> None:
        """Send one message: text frames for ``str``, binary for ``bytes``."""
        try:
            await self._connection.send(data)
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def close(self) -> Sequence[bytes | str]:
        """Close with 1000; what the peer sent before it heard of it is still good."""
        closing = asyncio.ensure_future(self._connection.close())
        rest: list[bytes | str] = []
        try:
            while True:
                rest.append(await self._connection.recv())
        except ConnectionClosed:
            await closing
        return rest


async def open_websocket(endpoint: Endpoint, proxy: str = "") -> WebSocketChannel:
    """Connect; raises a ``SourceError`` that shows only scheme, host and path."""
    try:
        connection = await connect(
            endpoint.url,
            additional_headers=dict(endpoint.headers),
            user_agent_header=None if _has_user_agent(endpoint) else "live-event-bridge",
            subprotocols=[*endpoint.subprotocols] or None,  # type: ignore[list-item]
            # Platforms compress inside their frames; deflating once more only costs.
            compression=None,
            max_size=endpoint.max_frame_bytes,
            max_queue=BUFFERED_FRAMES,
            open_timeout=OPEN_TIMEOUT_SECS,
            close_timeout=CLOSE_TIMEOUT_SECS,
            ping_interval=PING_INTERVAL_SECS if endpoint.answers_pings else None,
            proxy=proxy or None,
        )
    except (WebSocketException, OSError, TimeoutError, ValueError) as error:
        where = f"{endpoint} (through the proxy)" if proxy and isinstance(error, OSError) else str(endpoint)
        raise _meaning(endpoint, error) or classify_connect_failure(error, where) from None
    return WebSocketChannel(connection)


def classify_connect_failure(error: Exception, where: str) -> SourceError:
    """Turn what can go wrong while connecting into what to do about it."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in (401, 403):
            return SourceAuthError(f"{where}: refused with HTTP {status}")
        if status == 429:
            return SourceThrottledError(f"{where}: too many connections (HTTP 429)", 30.0)
        return SourceUnavailableError(f"{where}: answered with HTTP {status} instead of a WebSocket")
    if isinstance(error, InvalidProxyStatus):
        return SourceUnavailableError(f"{where}: the proxy answers HTTP {error.response.status_code}")
    if isinstance(error, InvalidURI):
        return SourceUnavailableError("the socket's URL is not a ws:// or wss:// URL")
    if isinstance(error, InvalidHandshake):
        return SourceUnavailableError(f"{where}: not a WebSocket ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return SourceUnavailableError(f"{where}: no answer within {OPEN_TIMEOUT_SECS:.0f} s")
    if isinstance(error, OSError) and error.strerror:
        return SourceUnavailableError(f"{where}: {error.strerror}")
    return SourceUnavailableError(f"{where}: {type(error).__name__}")


def _meaning(endpoint: Endpoint, error: Exception) -> SourceError | None:
    """Return what the platform means by an answer that opens no socket, if it is known to mean anything by it."""
    if endpoint.handshake_refusal is None or not isinstance(error, InvalidStatus):
        return None
    response = error.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return endpoint.handshake_refusal(HttpAnswer(response.status_code, headers, bytes(response.body or b"")))


def _closed(error: ConnectionClosed) -> ChannelClosedError:
    """Return the peer's close code; 1006 where it gave none, with the reason if it was we who closed."""
    if error.rcvd:
        return ChannelClosedError(error.rcvd.code, error.rcvd.reason)
    return ChannelClosedError(1006, f"we closed: {error.sent}" if error.sent else "connection lost")


def _has_user_agent(endpoint: Endpoint) -> bool:
    return any(name.lower() == "user-agent" for name in endpoint.headers)
