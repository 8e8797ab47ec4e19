"""What the commands on rooms and jobs share: the account of ``bridge.yaml``, and errors with their exit codes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import aiohttp
import typer

from bridge.assembly import account_options
from bridge.clock import SystemClock
from bridge.config import BridgeSettings, load_bridge
from bridge.credential_guard import CredentialGuard
from bridge.errors import BridgeError, CloudAuthError, CloudError, CloudUnavailableError, ConfigError
from bridge.metastudio.account import open_account
from bridge.metastudio.client import MetaStudioClient

T = TypeVar("T")
Query = TypeVar("Query")

EXIT_REFUSED = 3

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="The first N only; 0 for all.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal whether it is meant.")]


class CloudRefusedError(BridgeError):
    """The cloud did not do what it was asked."""

    exit_code = EXIT_REFUSED


def ask(config: Path, work: Callable[[MetaStudioClient], Awaitable[T]], *, unsure: str = "") -> T:
    """Do ``work`` with the account of ``bridge.yaml``.

    ``unsure`` is what to say when no answer came to a call that must not simply be repeated. Raises ``ConfigError``
    without credentials, ``CloudAuthError`` or ``CloudRefusedError`` (both exit 3) when the cloud does not do it.
    """
    settings = load_bridge(config, os.environ)
    _check_account(settings)
    try:
        return asyncio.run(_done(settings, work))
    except CloudAuthError:
        raise
    except CloudError as error:
        raise CloudRefusedError(f"{error}; {unsure}" if unsure and _is_open(error) else str(error)) from None


def query_of(build: Callable[[], Query], options: Mapping[str, str]) -> Query:
    """Build a list's filters; a wrong one is a ``ConfigError`` that names its option, found in ``options`` by field."""
    try:
        return build()
    except ValueError as error:
        field, _, problem = str(error).partition(": ")
        raise ConfigError([f"{options.get(field, field)}: {problem}"]) from None


def _check_account(settings: BridgeSettings) -> None:
    cloud = settings.metastudio
    problems: list[str] = []
    if not (cloud.access_key or cloud.token or cloud.iam):
        problems.append(
            "bridge.yaml: metastudio: has no credentials, which rooms and jobs need: "
            "access_key with secret_key, or token, or iam"
        )
    if not cloud.project_id:
        problems.append("bridge.yaml: metastudio.project_id: is missing: the project's id in that region")
    if problems:
        raise ConfigError(problems)


def _is_open(error: CloudError) -> bool:
    """Tell whether the call may have taken effect although it failed."""
    if not isinstance(error, CloudUnavailableError) or isinstance(error.__cause__, aiohttp.ClientConnectorError):
        return False
    return not error.status or error.status >= 500


async def _done(settings: BridgeSettings, work: Callable[[MetaStudioClient], Awaitable[T]]) -> T:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        try:
            account = open_account(http, account_options(settings), CredentialGuard(), SystemClock())
        except ValueError as error:
            raise ConfigError([f"bridge.yaml: metastudio.endpoint: {error}"]) from None
        assert account is not None, "credentials were asked for before"
        return await work(account.client)
