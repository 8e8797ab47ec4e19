"""The one POST: the only importer of aiohttp on the way to the job."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol

import aiohttp
from yarl import URL

from bridge.clock import Clock
from bridge.report.wire import MAX_ANSWER_BYTES, Answer, Verdict, classify

CONNECT_TIMEOUT_SECS = 3.0
TOTAL_TIMEOUT_SECS = 10.0

_CERTIFICATE_RETRY_MESSAGE = "the server's certificate is not valid"


class Poster(Protocol):
    """Makes one report call. Never raises: what went wrong is an ``Answer``."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send ``body`` to ``url``."""
        ...


class HttpPoster:
    """Posts through a shared session. Redirects are not followed: they would carry the key to another host."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_SECS, sock_connect=CONNECT_TIMEOUT_SECS)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send ``body`` to ``url``, exactly as it is written there."""
        try:
            async with self._session.post(
                URL(url, encoded=True),
                data=body,
                headers={"Content-Type": "application/json", **headers},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                answer_headers = {name.lower(): value for name, value in response.headers.items()}
                answer_body = await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return classify_failure(error)
        return classify(response.status, answer_headers, answer_body, self._clock.now_ms())

    @staticmethod
    async def _read(response: aiohttp.ClientResponse) -> bytes:
        """Read at most what an answer may be. A 2xx whose body breaks off is still a 2xx."""
        try:
            return await response.content.read(MAX_ANSWER_BYTES) if response.status != 204 else b""
        except (aiohttp.ClientError, TimeoutError, OSError):
            return b""


def classify_failure(error: BaseException) -> Answer:
    """Say what a failed call means: whether the events can have been taken or not."""
    # aiohttp's certificate errors are also connector errors, and ServerTimeoutError is also a TimeoutError.
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Answer(Verdict.MISCONFIGURED, error_msg=_CERTIFICATE_RETRY_MESSAGE)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Answer(Verdict.NOT_SENT, error_msg="connecting took too long")
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or type(error.os_error).__name__
        return Answer(Verdict.NOT_SENT, error_msg=f"cannot connect: {reason}")
    if isinstance(error, aiohttp.InvalidURL | ValueError) and not isinstance(error, aiohttp.ClientPayloadError):
        return Answer(Verdict.MISCONFIGURED, error_msg="the report URL cannot be used")
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return Answer(Verdict.UNKNOWN, error_msg="no answer in time")
    return Answer(Verdict.UNKNOWN, error_msg=f"the connection broke: {type(error).__name__}")
