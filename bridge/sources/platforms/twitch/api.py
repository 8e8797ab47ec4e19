"""Calls to Twitch's API (Helix) and its token server, and what their refusals mean.

Vendor documentation: ``dev.twitch.tv/docs/api/reference``, ``/docs/authentication``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import (
    DecodeError,
    RoomNotFoundError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.secret import Secret
from bridge.sources.contract import Decoded, HttpAnswer, HttpCall, HttpClient, rebased
from bridge.sources.fields import as_integer, identifier, optional_sequence, optional_text
from bridge.sources.platforms.twitch.credential import Credential

API_URL = "https://api.twitch.tv/helix"
AUTH_URL = "https://id.twitch.tv/oauth2"

RENEWAL = "renewal"
VALIDATION = "validation"
STREAMS = "streams"
SUBSCRIPTION = "subscription "
"""The type that is subscribed to follows."""

DEFAULT_RETRY_AFTER_SECS = 60.0


class Api:
    """The calls made under one credential. A 401 has the token renewed and the call repeated, once."""

    def __init__(self, credential: Credential, api_base: str, auth_base: str) -> None:
        self.credential = credential
        self._api_url = rebased(API_URL, api_base)
        self._auth_url = rebased(AUTH_URL, auth_base)
        self._waiting: dict[str, HttpCall] = {}
        self._repeated: set[str] = set()
        self._refused = False

    def users(self, login: str = "") -> HttpCall:
        """Ask who has a login, or whose the token is."""
        return self._call("GET", "users", query={"login": login} if login else {}, tag="users")

    def streams(self, login: str) -> HttpCall:
        """Ask for a channel's running stream."""
        return self._call("GET", "streams", query={"user_login": login}, tag=STREAMS)

    def subscribe(self, kind: str, version: str, condition: Mapping[str, str], session_id: str) -> HttpCall:
        """Ask for an EventSub subscription that is delivered to a WebSocket session."""
        body = {
            "type": kind,
            "version": version,
            "condition": condition,
            "transport": {"method": "websocket", "session_id": session_id},
        }
        return self._call("POST", "eventsub/subscriptions", json=body, tag=SUBSCRIPTION + kind)

    def validation(self) -> HttpCall:
        """Ask what the access token is worth."""
        return HttpCall("GET", f"{self._auth_url}/validate", sign=self.credential.signer("OAuth"), tag=VALIDATION)

    def renewal(self) -> HttpCall:
        """Ask for a new access token."""
        return self.credential.renewal(f"{self._auth_url}/token", RENEWAL)

    def settled(self, call: HttpCall, answer: HttpAnswer) -> Decoded | None:
        """Return what follows from an answer about the token itself; ``None``: the answer is the caller's to read.

        ``end`` is set when the token is refused for good; it is set once, later refusals say nothing more.
        """
        if call.tag == RENEWAL:
            return self._renewed(call, answer)
        if answer.status != 401:
            self._repeated.discard(call.tag)
            return None
        if self._refused:
            return Decoded()
        if call.tag in self._repeated or not self.credential.can_renew:
            return self._given_up(_refusal(self.credential))
        # A renewal that never got an answer must not hold up the calls that wait for it.
        is_first = not self._waiting or call.tag in self._waiting
        self._waiting[call.tag] = call
        return Decoded(calls=(self.renewal(),) if is_first else ())

    async def ask(self, http: HttpClient, call: HttpCall) -> HttpAnswer:
        """Make a call before there is a connection. Raises what a refusal means as a ``SourceError``."""
        answer = await http.send(call)
        if answer.status == 401 and self.credential.can_renew:
            renewal = self.renewal()
            error = self.credential.renewed(renewal, await http.send(renewal))
            if error is not None:
                raise error
            answer = await http.send(call)
        if answer.status == 401:
            raise _refusal(self.credential)
        if answer.status == 429:
            raise SourceThrottledError(
                "Twitch asks for fewer calls (HTTP 429)", retry_after_secs(answer, http.now_ms())
            )
        if answer.status >= 500:
            raise SourceUnavailableError(f"Twitch cannot answer (HTTP {answer.status})")
        return answer

    def _renewed(self, call: HttpCall, answer: HttpAnswer) -> Decoded:
        waiting = tuple(self._waiting.values())
        self._waiting.clear()
        error = self.credential.renewed(call, answer)
        if isinstance(error, SourceAuthError):
            return self._given_up(error)
        if error is not None:
            return Decoded()  # What waited is asked again by its poll.
        self._repeated.update(waited.tag for waited in waiting)
        return Decoded(calls=waiting)

    def _given_up(self, error: SourceError) -> Decoded:
        self._refused = True
        return Decoded(end=error)

    def _call(
        self, method: str, path: str, *, tag: str, query: Mapping[str, str] | None = None, json: Any = None
    ) -> HttpCall:
        return HttpCall(
            method,
            f"{self._api_url}/{path}",
            query=query or {},
            json=json,
            sign=self.credential.signer("Bearer"),
            tag=tag,
        )


async def client_token_problem(api: Api, http: HttpClient) -> str:
    """Get the client's own token unless there is one; return why there is none, "" if all is well."""
    if api.credential.has_token:
        return ""
    renewal = api.renewal()
    try:
        error = api.credential.renewed(renewal, await http.send(renewal))
    except SourceUnavailableError as unavailable:
        error = unavailable
    return str(error) if error is not None else ""


async def broadcaster_id(api: Api, http: HttpClient, login: str) -> str:
    """Return the id of the channel's owner."""
    answer = await api.ask(http, api.users(login))
    if answer.status not in {200, 400}:
        raise SourceUnavailableError(f"Twitch does not say who has the login {login} (HTTP {answer.status})")
    user_id = _first_user_id(answer)
    if not user_id:
        raise RoomNotFoundError(f"room: Twitch knows no login {login}")
    return user_id


async def token_user_id(api: Api, http: HttpClient) -> tuple[str, bool]:
    """Return the id of the user who gave the token, and whether the token server vouched for it.

    The token server also knows the client id, so that it need not be configured. Where it cannot be reached
    the API answers the same question.
    """
    credential = api.credential
    try:
        answer = await api.ask(http, api.validation())
        if answer.status == 200:
            return _validated_user_id(credential, answer), True
    except SourceUnavailableError:
        if not credential.client_id:
            raise
    if not credential.client_id:
        raise SourceUnavailableError("Twitch's token server does not tell the client id; configure client_id")
    user_id = _first_user_id(await api.ask(http, api.users()))
    if not user_id:
        raise SourceUnavailableError("Twitch does not tell whose the access_token is")
    return user_id, False


def retry_after_secs(answer: HttpAnswer, now_ms: int) -> float:
    """Return how long Twitch asks to wait: ``Ratelimit-Reset`` is when the budget is full again, in seconds."""
    reset_secs = as_integer(answer.headers.get("ratelimit-reset"))
    if reset_secs is None:
        return DEFAULT_RETRY_AFTER_SECS
    return min(max(reset_secs - now_ms / 1000, 1.0), DEFAULT_RETRY_AFTER_SECS)


def _validated_user_id(credential: Credential, answer: HttpAnswer) -> str:
    try:
        token = answer.json()
    except DecodeError as error:
        raise SourceUnavailableError(f"Twitch's answer about the token: {error}") from None
    client_id = Secret(optional_text(token, "client_id"))
    user_id = optional_text(token, "user_id")
    if credential.client_id and client_id and client_id != credential.client_id:
        raise SourceAuthError("client_id: the access_token was given to another client")
    if not user_id:
        raise SourceAuthError("access_token: is a client's own; EventSub needs one that a user gave")
    credential.client_id = credential.client_id or client_id
    return user_id


def _first_user_id(answer: HttpAnswer) -> str:
    """Return the id of the first user in an answer; "" when it holds none (an unknown or impossible login)."""
    if answer.status != 200:
        return ""
    try:
        users = optional_sequence(answer.json(), "data")
        return identifier(users[0], "id", "data[0]") if users else ""
    except DecodeError as error:
        raise SourceUnavailableError(f"Twitch's answer about a user: {error}") from None


def _refusal(credential: Credential) -> SourceAuthError:
    if credential.can_renew:
        return SourceAuthError("access_token: Twitch refuses it although it was just renewed")
    return SourceAuthError("access_token: Twitch refuses it and there is no refresh_token to renew it with")
