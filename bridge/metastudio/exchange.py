"""One HTTP call to the cloud: bounded in time and size, never redirected, its failures as our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bridge.errors import CloudError, CloudUnavailableError

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
"""A token is a header of up to 16384 characters; the HTTP library's own limit is half of that."""

_CONNECT_SECS = 3.0
_TOTAL_SECS = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=_TOTAL_SECS, sock_connect=_CONNECT_SECS)
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class HttpAnswer:
    """What came back; names of headers are read without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def exchange(
    http: aiohttp.ClientSession, doing: str, method: str, url: str, *, headers: Mapping[str, str], body: bytes
) -> HttpAnswer:
    """Make one call; ``doing`` names it in errors. Raises ``CloudUnavailableError`` when no answer came."""
    try:
        async with http.request(
            method,
            URL(url, encoded=True),  # as it is: the signature was made over exactly this
            headers=headers,
            data=body or None,
            allow_redirects=False,
            timeout=_TIMEOUT,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        ) as response:
            content = await _read(response, doing)
            return HttpAnswer(response.status, response.headers, content)
    except (aiohttp.ClientError, OSError) as error:
        raise CloudUnavailableError(f"{doing}: {_cause(error)}") from error
    except ValueError:
        # The text of the HTTP library would show the header, and with it the credential.
        raise CloudError(f"{doing}: not sent: a header holds characters that HTTP does not allow") from None


async def _read(response: aiohttp.ClientResponse, doing: str) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise CloudError(f"{doing}: the answer is longer than {MAX_ANSWER_BYTES} bytes", status=response.status)
    return bytes(content)


def _cause(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return f"no trusted TLS connection to {error.host}: {type(error).__name__}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the host {error.host} is not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {error.os_error.strerror or type(error.os_error).__name__}"
    if isinstance(error, asyncio.TimeoutError):
        return f"no answer within {_TOTAL_SECS:.0f} s ({_CONNECT_SECS:.0f} s to connect)"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    return f"the connection failed: {type(error).__name__}"
