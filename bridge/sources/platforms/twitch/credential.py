"""A client id with its token, which changes while connections come and go."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceUnavailableError
from bridge.secret import Heirs, Secret
from bridge.sources.contract import HttpAnswer, HttpCall
from bridge.sources.fields import optional_text, text

MAX_KEPT = 1_000


class Credential:
    """One client's token as it stands now.

    With an access or refresh token it acts for a user; without, for the client itself (an app token, got
    with the client's secret). Twitch may answer a renewal with a new refresh token and void the old one,
    always where the client is public: the new one is the configured one's heir.
    """

    def __init__(
        self, client_id: Secret, client_secret: Secret, access_token: Secret, refresh_token: Secret, heirs: Heirs
    ) -> None:
        self.client_id = client_id
        self._client_secret = client_secret
        # Chat tools write tokens as "oauth:…".
        self._configured_access_token = Secret(access_token.reveal().removeprefix("oauth:"))
        self._access_token = self._configured_access_token
        self._configured_refresh_token = refresh_token
        self._heirs = heirs
        self._for_user = bool(access_token or refresh_token)

    def signer(self, scheme: str) -> Callable[[int], Mapping[str, str]]:
        """Return what puts the token of the moment of sending into a call's headers."""

        def sign(_now_ms: int) -> Mapping[str, str]:
            return {"Authorization": f"{scheme} {self._access_token.reveal()}", "Client-Id": self.client_id.reveal()}

        return sign

    @property
    def has_token(self) -> bool:
        """Whether there is an access token at all, good or not."""
        return bool(self._access_token)

    @property
    def can_renew(self) -> bool:
        """Whether a new access token can be asked for."""
        return bool(self.client_id) and bool(self._configured_refresh_token if self._for_user else self._client_secret)

    @property
    def _refresh_token(self) -> Secret:
        return self._heirs.heir_of(self._configured_refresh_token)

    def renewal(self, url: str, tag: str) -> HttpCall:
        """Return the call for a new access token."""
        form = {"client_id": self.client_id.reveal()}
        if self._client_secret:
            form["client_secret"] = self._client_secret.reveal()
        if self._for_user:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh_token.reveal()}
        else:
            form["grant_type"] = "client_credentials"
        return HttpCall("POST", url, form=form, tag=tag, once=self._for_user)

    def renewed(self, call: HttpCall, answer: HttpAnswer) -> SourceError | None:
        """Take the answer to ``renewal``; return what stands in the way of going on."""
        if answer.status == 200:
            try:
                token = answer.json()
                self._access_token = Secret(text(token, "access_token", "token"))
            except DecodeError as error:
                return SourceUnavailableError(f"Twitch's answer to the token renewal: {error}")
            handed_out = Secret(optional_text(token, "refresh_token"))
            if handed_out and self._for_user:
                self._heirs.keep(self._configured_refresh_token, handed_out)
            return None
        if answer.status not in {400, 401, 403}:
            return SourceUnavailableError(f"Twitch did not renew the token (HTTP {answer.status})")
        if (call.form or {}).get("refresh_token", "") != self._refresh_token.reveal() and self._for_user:
            return None  # Another room that shares the credential was quicker: its token is already in place.
        # What was handed out last is worth nothing: the next dial begins with what is configured.
        self._access_token = self._configured_access_token
        self._heirs.keep(self._configured_refresh_token, self._configured_refresh_token)
        name = "refresh_token" if self._for_user else "client_secret"
        return SourceAuthError(f"{name}: Twitch refused it (HTTP {answer.status})")


_kept: dict[tuple[str, tuple[Secret, ...]], Credential] = {}


def kept_credential(server: str, configured: tuple[Secret, Secret, Secret, Secret], heirs: Heirs) -> Credential:
    """Return the living credential that began as the configured one: client id and secret, access and refresh token.

    Kept for the process: what the token server handed out in exchange must outlive the connection that asked
    for it and be the same for every room that was given the same credential. A changed configuration begins anew.
    """
    key = (server, configured)
    found = _kept.get(key)
    if found is None:
        while len(_kept) >= MAX_KEPT:
            del _kept[next(iter(_kept))]
        found = _kept[key] = Credential(*configured, heirs)
    return found
