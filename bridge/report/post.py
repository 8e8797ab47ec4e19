"""The one POST: the only importer of aiohttp on the way to the job."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Protocol

import aiohttp
from yarl import URL

from bridge.clock import Clock
from bridge.report.url import ReportUrl
from bridge.report.wire import MAX_ANSWER_BYTES, Answer, Verdict, classify

ADDRESS_TIMEOUT_SECS = 3.0
CONNECT_TIMEOUT_SECS = 6.0
TOTAL_TIMEOUT_SECS = 10.0

_SECRET_HEADERS = frozenset({"x-mss-auth-key", "x-auth-token", "x-security-token"})
_MIN_SECRET_CHARS = 6  # what is shorter would be found in innocent words


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
        # Looking up the name counts as connecting, and not as waiting for an answer: nothing was sent yet.
        self._timeout = aiohttp.ClientTimeout(
            total=TOTAL_TIMEOUT_SECS, connect=CONNECT_TIMEOUT_SECS, sock_connect=ADDRESS_TIMEOUT_SECS
        )

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
        secrets = _secrets(url, headers)
        return classify(response.status, answer_headers, answer_body, self._clock.now_ms(), secrets=secrets)

    @staticmethod
    async def _read(response: aiohttp.ClientResponse) -> bytes:
        """Read at most what an answer may be. A 2xx whose body breaks off is still a 2xx."""
        body = b""
        try:
            while len(body) < MAX_ANSWER_BYTES and (part := await response.content.read(MAX_ANSWER_BYTES - len(body))):
                body += part
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass
        return body


def _secrets(url: str, headers: Mapping[str, str]) -> list[str]:
    """Return what of a call must not be shown when the server says it back."""
    found = [ReportUrl(url).key, *(value for name, value in headers.items() if name.lower() in _SECRET_HEADERS)]
    return [secret for secret in found if len(secret) >= _MIN_SECRET_CHARS]


def classify_failure(error: Exception) -> Answer:
    """Say what a failed call means: whether the events can have been taken or not."""
    # The order matters: certificate errors are also connector errors and ValueErrors, and a connection's timeout is
    # also a TimeoutError.
    if isinstance(error, aiohttp.ServerFingerprintMismatch | ssl.SSLCertVerificationError):
        return Answer(Verdict.MISCONFIGURED, error_msg="the server's certificate is not valid")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Answer(Verdict.NOT_SENT, error_msg="connecting took too long")
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or type(error.os_error).__name__
        return Answer(Verdict.NOT_SENT, error_msg=f"cannot connect: {reason}")
    if isinstance(error, ValueError | aiohttp.NonHttpUrlClientError):
        return Answer(Verdict.MISCONFIGURED, error_msg="the report URL cannot be used")
    if isinstance(error, TimeoutError):
        return Answer(Verdict.UNKNOWN, error_msg="no answer in time")
    return Answer(Verdict.UNKNOWN, error_msg=f"the connection broke: {type(error).__name__}")
