"""A token from IAM: fetched with a user's password, renewed ahead of its end, one fetch at a time.

``POST /v3/auth/tokens?nocatalog=true``, project scope; the token is the answer's ``X-Subject-Token`` header and lives
24 hours, less when the user changes (vendor documentation).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import orjson

from bridge.clock import Clock
from bridge.credential_guard import CredentialGuard
from bridge.errors import CloudAuthError, CloudError
from bridge.metastudio.auth import CONTENT_TYPE, Authenticator, digest, token_headers
from bridge.metastudio.exchange import HttpAnswer, exchange
from bridge.metastudio.refusal import error_of, read_refusal
from bridge.metastudio.regions import checked_endpoint
from bridge.secret import Secret

_DOING = "get a token from IAM"
_RENEW_AT = 0.8
_RETRY_SECS = 60.0
_DOCUMENTED_LIFE_SECS = 24 * 3600.0


@dataclass(frozen=True)
class IamUser:
    """An IAM user; ``domain`` is the account's name. HUAWEI ID accounts get no token."""

    name: str
    password: Secret
    domain: str


@dataclass(frozen=True)
class _Token:
    value: Secret
    dies_at: float


class IamAuth(Authenticator):
    """Authenticates with tokens that it fetches itself.

    Log-ins are guarded like calls, by the user: a wrong password is tried three times and no more. A token that the
    service refuses is replaced once a call; the refusals count against the user as well.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        user: IamUser,
        *,
        endpoint: str,
        project_id: str,
        clock: Clock,
        guard: CredentialGuard,
    ) -> None:
        self._http = http
        self._user = user
        self._endpoint = checked_endpoint(endpoint)
        self._project_id = project_id
        self._clock = clock
        self._guard = guard
        self._token: _Token | None = None
        self._renew_at = 0.0
        self._fetching = asyncio.Lock()

    @property
    def fingerprint(self) -> str:
        """The user, not the token: a user without rights gets new tokens for ever."""
        return f"iam:{self._user.domain}/{self._user.name}:{digest(self._user.password)}"

    @property
    def label(self) -> str:
        """The user's name."""
        return f"token of the IAM user {self._user.name}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The password and the token."""
        return (self._user.password, self._token.value) if self._token else (self._user.password,)

    def sign_call(
        self, url: str, body: bytes, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return the headers of a call with the token; ``prepare`` must have fetched one."""
        del url, body, method
        if self._token is None:
            raise CloudAuthError("there is no token of the IAM user yet")
        return token_headers(self._token.value, self._project_id, headers)

    async def prepare(self) -> None:
        """Fetch a token if there is none, or none with much life left.

        A renewal that fails is tried again a minute later as long as the old token lives; without one, the error is raised.
        """
        if self._is_fresh():
            return
        async with self._fetching:
            if self._is_fresh():
                return
            try:
                await self._fetch()
            except CloudError:
                if self._token is None or self._token.dies_at <= self._clock.monotonic():
                    raise
                self._renew_at = self._clock.monotonic() + _RETRY_SECS

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Replace the refused token, unless another call has done so already."""
        if self._token is not None and self._token.value.reveal() == used.get("X-Auth-Token"):
            self._token = None
        await self.prepare()
        return True

    def _is_fresh(self) -> bool:
        return self._token is not None and self._clock.monotonic() < self._renew_at

    async def _fetch(self) -> None:
        async with self._guard.call(f"login-{self.fingerprint}") as call:
            answer = await exchange(
                self._http,
                _DOING,
                "POST",
                f"{self._endpoint}/v3/auth/tokens?nocatalog=true",
                headers={"Content-Type": CONTENT_TYPE},
                body=orjson.dumps(_question(self._user, self._project_id)),
            )
            if not 200 <= answer.status < 300:
                error = self._error(answer)
                if isinstance(error, CloudAuthError):
                    call.refused(error)
                raise error
            call.accepted()
        token = answer.headers.get("X-Subject-Token", "")
        if not token:
            raise CloudError(f"{_DOING}: the answer has no X-Subject-Token header", status=answer.status)
        life_secs = _life_secs(answer.body)
        now = self._clock.monotonic()
        self._token = _Token(Secret(token), now + life_secs)
        self._renew_at = now + _RENEW_AT * life_secs

    def _error(self, answer: HttpAnswer) -> CloudError:
        refusal = read_refusal(answer.headers, answer.body, self.secrets)
        credential = f"password of the IAM user {self._user.name}"
        return error_of(
            _DOING, answer.status, answer.headers, refusal, now_ms=self._clock.now_ms(), credential=credential
        )


def _question(user: IamUser, project_id: str) -> dict[str, Any]:
    return {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": user.name,
                        "password": user.password.reveal(),
                        "domain": {"name": user.domain},
                    }
                },
            },
            "scope": {"project": {"id": project_id}},
        }
    }


def _life_secs(body: bytes) -> float:
    """Return how long the token lives by IAM's own clock; the documented day when the answer cannot be read."""
    try:
        token = orjson.loads(body)["token"]
        ends, begins = (datetime.fromisoformat(token[name]) for name in ("expires_at", "issued_at"))
        life_secs = (ends - begins).total_seconds()
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return _DOCUMENTED_LIFE_SECS
    return life_secs if life_secs > 0 else _DOCUMENTED_LIFE_SECS
