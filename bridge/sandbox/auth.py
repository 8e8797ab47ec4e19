"""The gateway's door: AK/SK signatures and tokens. Pure.

Sources: the gateway's documentation (15 minutes of skew, the texts of its refusals, the echo of the canonical request,
the lock after more than five failures in a row) and the official SDK's signer. Which credential counts when several
come is not documented; here a signature decides before a token, and both before the URL's key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from bridge.errors import DecodeError
from bridge.metastudio import signing
from bridge.sandbox import refusal
from bridge.sandbox.asked import Asked
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.tokens import Tokens
from bridge.secret import Secret

MAX_FAILURES = 5
"""So many failures in a row are forgiven; the next one locks the access key."""

LOCK_SECS = 300.0


@dataclass(frozen=True)
class Credentials:
    """What the tenant owns; ``security_token`` is set when the access key is a temporary one."""

    project_id: str
    access_key: str
    secret_key: Secret
    security_token: Secret = field(default_factory=Secret)


class Gate:
    """Checks who calls. It remembers failures, as the gateway does: a wrong key locks itself."""

    def __init__(self, credentials: Credentials, tokens: Tokens) -> None:
        self.locks = 0
        self._credentials = credentials
        self._tokens = tokens
        self._failures = 0
        self._locked_until = float("-inf")

    def check(self, asked: Asked, now_ms: int, monotonic: float) -> Refusal | None:
        """Check a call's signature or token, and that it is for the path's project, if the path names one."""
        project_id = asked.ids.get("project_id", "")
        if "Authorization" in asked.headers:
            return self._check_signature(asked, now_ms, monotonic) or self._check_project(asked, project_id)
        token = asked.headers.get("X-Auth-Token")
        if token is None:
            return refusal.iam_refused("x-auth-token not found")
        return self._tokens.check(token, project_id, now_ms) or self._check_project(asked, project_id)

    def unlock(self) -> None:
        """Forget all failures."""
        self._failures = 0
        self._locked_until = float("-inf")

    def is_locked(self, monotonic: float) -> bool:
        """Tell whether the access key is locked."""
        return monotonic < self._locked_until

    def _check_project(self, asked: Asked, project_id: str) -> Refusal | None:
        own = self._credentials.project_id
        if (project_id or own) != own or asked.headers.get("X-Project-Id", own) != own:
            return refusal.other_tenant()
        return None

    def _check_signature(self, asked: Asked, now_ms: int, monotonic: float) -> Refusal | None:
        try:
            access_key, names, signature = signing.parse_authorization(asked.headers["Authorization"])
        except DecodeError as error:
            return refusal.iam_refused(f"verify aksk signature fail, {error}")
        if access_key != self._credentials.access_key:
            return refusal.iam_refused(f"Get secretKey failed, ak:{access_key[:64]}, err:ak not exist")
        if self.is_locked(monotonic):
            return refusal.iam_refused("AK access failed to reach the limit,forbidden")
        why = self._signature_refusal(asked, names, signature, now_ms)
        if why is None:
            self._failures = 0
            return None
        self._failures += 1
        if self._failures > MAX_FAILURES:
            self._failures = 0
            self._locked_until = monotonic + LOCK_SECS
            self.locks += 1
        return why

    def _signature_refusal(self, asked: Asked, names: tuple[str, ...], signature: str, now_ms: int) -> Refusal | None:
        date = asked.headers.get("X-Sdk-Date", "")
        try:
            skew_ms = abs(now_ms - signing.parse_sdk_date(date))
            pairs = signing.decoded_query(asked.raw_query)
            text = signing.canonical_request(asked.method, asked.path, pairs, asked.headers, names, asked.body)
        except DecodeError as error:
            return refusal.iam_refused(f"verify aksk signature fail, {error}")
        if "x-sdk-date" not in {name.lower() for name in names}:
            return refusal.iam_refused("verify aksk signature fail, X-Sdk-Date is not signed")
        if skew_ms > signing.MAX_SKEW_SECS * 1000:
            return refusal.iam_refused(
                f"signature expired, signing time:{date}, server time:{signing.sdk_date(now_ms)}"
            )
        right = signing.signature(self._credentials.secret_key, signing.string_to_sign(date, text))
        if not hmac.compare_digest(right, signature):
            echo = text.replace("\n", "|").encode("utf-8", "replace").decode()
            return refusal.iam_refused(f"verify aksk signature fail,canonicalRequest:{echo}")
        wanted = self._credentials.security_token.reveal()
        given = asked.headers.get("X-Security-Token", "")
        if wanted and not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape")):
            return refusal.iam_refused("verify security token fail")
        return None
