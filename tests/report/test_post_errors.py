"""What each failure of the HTTP client means: whether the events can have been taken."""

from __future__ import annotations

import inspect
import ssl
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import client_exceptions

from bridge.report.post import classify_failure
from bridge.report.wire import Verdict

CERTIFICATE = ssl.SSLCertVerificationError(1, "expired")
MEANINGS: dict[str, Verdict] = {
    "ClientError": Verdict.UNKNOWN,
    "ClientConnectionError": Verdict.UNKNOWN,
    "ClientConnectionResetError": Verdict.UNKNOWN,
    "ClientOSError": Verdict.UNKNOWN,
    "ClientConnectorError": Verdict.NOT_SENT,
    "ClientProxyConnectionError": Verdict.NOT_SENT,
    "ClientSSLError": Verdict.NOT_SENT,
    "ClientConnectorDNSError": Verdict.NOT_SENT,
    "ClientConnectorSSLError": Verdict.NOT_SENT,
    "ClientConnectorCertificateError": Verdict.MISCONFIGURED,
    "UnixClientConnectorError": Verdict.NOT_SENT,
    "ConnectionTimeoutError": Verdict.NOT_SENT,
    "SocketTimeoutError": Verdict.UNKNOWN,
    "ServerConnectionError": Verdict.UNKNOWN,
    "ServerTimeoutError": Verdict.UNKNOWN,
    "ServerDisconnectedError": Verdict.UNKNOWN,
    "ServerFingerprintMismatch": Verdict.MISCONFIGURED,
    "ClientResponseError": Verdict.UNKNOWN,
    "ClientHttpProxyError": Verdict.UNKNOWN,
    "WSServerHandshakeError": Verdict.UNKNOWN,
    "ContentTypeError": Verdict.UNKNOWN,
    "TooManyRedirects": Verdict.UNKNOWN,
    "ClientPayloadError": Verdict.UNKNOWN,
    "UploadAbortedError": Verdict.UNKNOWN,
    "InvalidURL": Verdict.MISCONFIGURED,
    "InvalidUrlClientError": Verdict.MISCONFIGURED,
    "RedirectClientError": Verdict.UNKNOWN,
    "NonHttpUrlClientError": Verdict.MISCONFIGURED,
    "InvalidUrlRedirectClientError": Verdict.MISCONFIGURED,
    "NonHttpUrlRedirectClientError": Verdict.MISCONFIGURED,
    "WSMessageTypeError": Verdict.UNKNOWN,
}


def client_errors() -> dict[str, type[Exception]]:
    found = inspect.getmembers(client_exceptions, inspect.isclass)
    return {
        name: kind
        for name, kind in found
        if issubclass(kind, Exception) and kind.__module__ == client_exceptions.__name__
    }


def instance(name: str) -> Exception:
    """Return an error of this class as the client raises it."""
    kind = client_errors()[name]
    refused = ConnectionRefusedError(111, "Connection refused")
    if name == "ClientConnectorCertificateError":
        return kind(Mock(), CERTIFICATE)
    if name == "UnixClientConnectorError":
        return kind("/run/socket", Mock(), refused)
    if issubclass(kind, aiohttp.ClientConnectorError):
        return kind(Mock(), refused)
    if issubclass(kind, aiohttp.ClientResponseError):
        return kind(Mock(), (), status=400)
    if issubclass(kind, aiohttp.ServerFingerprintMismatch):
        return kind(b"a", b"b", "h", 443)
    return kind("h")


@pytest.mark.parametrize("name", sorted(client_errors()))
def test_each_error_of_the_client_has_one_meaning(name: str) -> None:
    assert name in MEANINGS, "the HTTP client has a new error: decide whether the events can have been taken"
    assert classify_failure(instance(name)).verdict is MEANINGS[name]


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (TimeoutError(), Verdict.UNKNOWN),
        (ConnectionResetError(), Verdict.UNKNOWN),
        (BrokenPipeError(), Verdict.UNKNOWN),
        (OSError(5, "I/O error"), Verdict.UNKNOWN),
        (ssl.SSLError(1, "bad record"), Verdict.UNKNOWN),
        (CERTIFICATE, Verdict.MISCONFIGURED),
        (ValueError("port"), Verdict.MISCONFIGURED),
    ],
)
def test_an_error_of_the_system_means_unknown_unless_it_is_about_the_address(
    error: Exception, verdict: Verdict
) -> None:
    answer = classify_failure(error)
    assert (answer.verdict, answer.status) == (verdict, 0)
