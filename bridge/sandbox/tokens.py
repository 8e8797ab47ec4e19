"""Tokens of the sandbox's IAM: issued for a user's password, read back from ``X-Auth-Token``. Pure.

A token lasts 24 hours (vendor documentation) and is bound to the project of its scope.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from bridge.sandbox import refusal
from bridge.sandbox.parameters import time_text
from bridge.sandbox.refusal import Refusal

_MAX_TOKENS = 1000
_TOKEN_BYTES = 1200


@dataclass(slots=True)
class Token:
    """What a token stands for; ``project_id`` is "" when its scope is not a project."""

    project_id: str
    issued_at_ms: int
    expires_at_ms: int
    revoked: bool = False


class Tokens:
    """The tokens given out; the oldest are forgotten."""

    def __init__(self, life_ms: int) -> None:
        self.life_ms = life_ms
        self._tokens: OrderedDict[str, Token] = OrderedDict()

    def issue(self, project_id: str, now_ms: int) -> tuple[str, Token]:
        """Make a token. It is long, as real ones are: a client must not cap it."""
        text = secrets.token_urlsafe(_TOKEN_BYTES)
        token = Token(project_id, now_ms, now_ms + self.life_ms)
        self._tokens[text] = token
        while len(self._tokens) > _MAX_TOKENS:
            self._tokens.popitem(last=False)
        return text, token

    def check(self, text: str, project_id: str, now_ms: int) -> Refusal | None:
        """Check a token that calls for a project; ``project_id`` "" asks for no certain one."""
        token = self._tokens.get(text)
        if token is None:
            return refusal.iam_refused("decrypt token fail")
        if now_ms >= token.expires_at_ms:
            return refusal.iam_refused(f"token expires, expires_at:{time_text(token.expires_at_ms)}")
        if token.revoked:
            return refusal.token_revoked()
        if project_id and token.project_id != project_id:
            return refusal.other_tenant()
        return None

    def revoke(self) -> int:
        """Revoke every token, as the cloud does when a user's rights or password change."""
        for token in self._tokens.values():
            token.revoked = True
        return len(self._tokens)

    def expire(self, now_ms: int) -> int:
        """Let every token reach its end, and return how many."""
        for token in self._tokens.values():
            token.expires_at_ms = min(token.expires_at_ms, now_ms)
        return len(self._tokens)
