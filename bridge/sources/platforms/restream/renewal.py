"""A fresh access token for a refresh token, which Restream takes once: its answer holds the next one."""

from __future__ import annotations

from bridge.errors import DecodeError, SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.secret import Secret
from bridge.sources.contract import HttpCall, HttpClient, rebased
from bridge.sources.fields import optional_text, text

TOKEN_URL = "https://api.restream.io/oauth/token"  # noqa: S105

_RATE_WAIT_SECS = 60.0


async def renewed_token(refresh_token: Secret, client: tuple[Secret, Secret], base: str, http: HttpClient) -> Secret:
    """Return a new access token; the refresh token that comes with it is the configured one's heir.

    ``client`` is the application's id and secret. Raises ``SourceAuthError`` when the token is refused,
    ``SourceThrottledError`` and ``SourceUnavailableError``.
    """
    client_id, client_secret = client
    form = {
        "grant_type": "refresh_token",
        "refresh_token": http.heirs.heir_of(refresh_token).reveal(),
        "client_id": client_id.reveal(),
        "client_secret": client_secret.reveal(),
    }
    answer = await http.send(HttpCall("POST", rebased(TOKEN_URL, base), form=form, once=True))
    if answer.status in {400, 401, 403}:
        # What was handed out last is worth nothing: the next dial begins with what is configured.
        http.heirs.keep(refresh_token, refresh_token)
        raise SourceAuthError(f"refresh_token: Restream refuses it (HTTP {answer.status})")
    if answer.status == 429:
        raise SourceThrottledError("Restream asks for fewer token calls (HTTP 429)", _RATE_WAIT_SECS)
    if answer.status != 200:
        raise SourceUnavailableError(f"Restream did not renew the token (HTTP {answer.status})")
    try:
        told = answer.json()
        token = text(told, "access_token", "token")
    except DecodeError as error:
        raise SourceUnavailableError(f"Restream's answer to the token renewal: {error}") from None
    if next_token := optional_text(told, "refresh_token"):
        http.heirs.keep(refresh_token, Secret(next_token))
    return Secret(token)
