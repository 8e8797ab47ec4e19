"""Who calls: an access key that signs each call, or a token that is sent along."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping

from bridge.clock import Clock
from bridge.metastudio.signing import SigningKey, authorization, sdk_date
from bridge.secret import Secret

CONTENT_TYPE = "application/json"


class Authenticator(ABC):
    """A way to authenticate: ``await headers(…)``, or ``await prepare()`` and ``sign_call``."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Tells credentials apart for whoever counts refusals; it reveals nothing and changes with the credential."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What errors call it."""

    @property
    @abstractmethod
    def secrets(self) -> tuple[Secret, ...]:
        """What must not appear in anything that the cloud says about a call."""

    @abstractmethod
    def sign_call(
        self, url: str, body: bytes, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return all headers to send with exactly this URL and body: ``headers``, content type, project, proof.

        Pure but for the clock that a signature carries. Everything in ``headers`` is signed too.
        """

    @abstractmethod
    async def prepare(self) -> None:
        """Get ready for ``sign_call``; costs nothing as long as nothing has to be fetched."""

    @abstractmethod
    async def renew(self, used: Mapping[str, str]) -> bool:
        """After a refusal of the headers ``used``: tell whether there is a fresh credential to try once more."""

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """Return the headers of a call; raises ``CloudError`` when a token cannot be had."""
        await self.prepare()
        return self.sign_call(url, body, method=method)


class AccessKeyAuth(Authenticator):
    """Signs with an access key. ``key`` may be replaced while running: a temporary one dies within a day."""

    def __init__(self, key: SigningKey, *, project_id: str, clock: Clock) -> None:
        self.key = key
        self._project_id = project_id
        self._clock = clock

    @property
    def fingerprint(self) -> str:
        """Access key and a digest of its secrets."""
        key = self.key
        return f"key:{key.access_key}:{digest(key.secret_key, key.security_token)}"

    @property
    def label(self) -> str:
        """The access key, shortened."""
        name = self.key.access_key
        return f"access key {name[:4]}…{name[-4:]}" if len(name) > 8 else "access key"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret key and the security token."""
        return (self.key.secret_key, self.key.security_token)

    def sign_call(
        self, url: str, body: bytes, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return the headers of a signed call."""
        given = base_headers(self._project_id) | dict(headers or {})
        return given | authorization(self.key, method, url, given, body, sdk_date(self._clock.now_ms()))

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Tell whether ``key`` was replaced since ``used`` was signed."""
        same_key = f"Access={self.key.access_key}," in used.get("Authorization", "")
        return not same_key or used.get("X-Security-Token", "") != self.key.security_token.reveal()


class TokenAuth(Authenticator):
    """Sends a token that somebody else obtained. ``token`` may be replaced while running."""

    def __init__(self, token: Secret, *, project_id: str) -> None:
        self.token = token
        self._project_id = project_id

    @property
    def fingerprint(self) -> str:
        """A digest of the token."""
        return f"token:{digest(self.token)}"

    @property
    def label(self) -> str:
        """Just "token"."""
        return "token"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The token."""
        return (self.token,)

    def sign_call(
        self, url: str, body: bytes, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return the headers of a call with the token; URL and body do not matter to it."""
        del url, body, method
        return token_headers(self.token, self._project_id, headers)

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Tell whether the token was replaced since ``used``."""
        return used.get("X-Auth-Token") != self.token.reveal()


def base_headers(project_id: str) -> dict[str, str]:
    """Return what every call carries."""
    return {"Content-Type": CONTENT_TYPE, "X-Project-Id": project_id}


def token_headers(token: Secret, project_id: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of a call that a token proves."""
    return base_headers(project_id) | dict(headers or {}) | {"X-Auth-Token": token.reveal()}


def digest(*secrets: Secret) -> str:
    """Return a digest that tells credentials apart and reveals none."""
    joined = "\0".join(secret.reveal() for secret in secrets)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:16]
