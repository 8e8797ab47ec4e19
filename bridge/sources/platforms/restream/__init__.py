"""Restream: one socket for the chats of all channels that a Restream account streams to.

It only reads: comments of a dozen sites and YouTube's money, no joins, likes, follows or viewers. There are no
recordings; what is documented and what is inferred stands in ``messages``. An access token lives an hour; a refresh
token, which Restream takes once and answers with the next, gets a fresh one at every dial (vendor documentation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bridge.events import EventType
from bridge.secret import Secret
from bridge.sources.contract import Connection, Endpoint, HttpClient, Officialness, Platform, SourceOptions
from bridge.sources.platforms.restream.messages import EVENT_TYPES, ChatDecoder
from bridge.sources.platforms.restream.renewal import renewed_token

__all__ = ["EVENT_TYPES", "PLATFORM", "ChatDecoder", "Options", "locate"]

CHAT_URL = "wss://chat.api.restream.io/ws"

SILENCE_TIMEOUT_SECS = 180.0
"""The server sends heartbeats; how often is not documented."""


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A Restream account. `room` is only a name for the logs: the token says whose chat it is."""

    access_token: Secret = field(default_factory=Secret)
    """An OAuth token with the scope chat.read; it lives an hour, so let a file be refreshed: `${file:/path}`."""

    refresh_token: Secret = field(default_factory=Secret)
    """What a fresh access token is got with at every dial, instead of `access_token`; needs the client's id and secret."""

    client_id: Secret = field(default_factory=Secret)
    """The id of the application that the tokens were given to."""

    client_secret: Secret = field(default_factory=Secret)
    """That application's secret."""

    auth_base: str = ""
    """Scheme, host and port for the token calls, instead of api.restream.io."""

    websocket_url: str = CHAT_URL
    """The socket's URL; the token is added to its query."""

    def __post_init__(self) -> None:
        if not self.access_token and not self.refresh_token:
            raise ValueError("access_token: is missing: an OAuth token of the Restream account, or a refresh_token")
        if self.refresh_token and not (self.client_id and self.client_secret):
            raise ValueError("refresh_token: cannot be used without client_id and client_secret")


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Return the one connection, with the token as it is now or a fresh one. Raises what ``renewed_token`` does."""
    token = options.access_token
    if options.refresh_token:
        client = (options.client_id, options.client_secret)
        token = await renewed_token(options.refresh_token, client, options.auth_base, http)
    url = options.websocket_url or CHAT_URL
    query = urlencode({"accessToken": token.reveal()})
    endpoint = Endpoint(
        url=f"{url}{'&' if '?' in url else '?'}{query}",
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
    )
    return [Connection(endpoint, ChatDecoder())]


PLATFORM = Platform(
    name="restream",
    title="Restream",
    route="the chat socket of a Restream account",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.GIFT),
    options=Options,
    offline_decoder=lambda _: ChatDecoder(),
    locate=locate,
)
