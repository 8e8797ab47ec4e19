"""Social Stream Ninja: a browser extension that reads chat pages and relays one normalised form, from a hundred sites.

The operator's extension (or app) publishes on a hosted or own server; we join its session there, whose id is the
only secret. Every text is HTML written by strangers unless the message says otherwise, money is text, and a
message may come again with a changed amount. What a site can tell depends on its page and on the extension's settings.

Shapes: the program's own reference and the examples in ``captures/ssn``; nobody has published a recording of the
socket. Guessed: that a donation without a gift's name and with other words than a currency is a count of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bridge.events import EventType
from bridge.secret import Secret
from bridge.sources.contract import (
    Connection,
    Endpoint,
    HttpClient,
    Officialness,
    Platform,
    SourceOptions,
)
from bridge.sources.platforms.social_stream.decoder import HubDecoder

HUB_URL = "wss://io.socialstream.ninja"

SILENCE_TIMEOUT_SECS = 900.0
"""The hub says nothing while nobody chats; its WebSocket pings tell a dead connection much earlier."""


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """One session of Social Stream Ninja. `room` may hold the session's id instead of `session`, and is then empty."""

    session: Secret = field(default_factory=Secret)
    """The session id of the extension or app: whoever knows it can read and write the chat."""

    websocket_url: str = field(default="", repr=False)
    """The whole socket URL of a self-hosted server; an address that ends in `/join/…` joins by itself."""

    def __post_init__(self) -> None:
        if self.session or self.joins_by_url:
            return
        if not self.room:
            raise ValueError("session: is missing: the session id that the extension shows")
        # A room's name is shown in logs and metrics, which a session's id must not be.
        object.__setattr__(self, "session", Secret(self.room))
        object.__setattr__(self, "room", "")

    @property
    def joins_by_url(self) -> bool:
        """Whether the socket's URL names the session."""
        return "/join/" in urlsplit(self.websocket_url).path


async def locate(options: Options, _http: HttpClient) -> Sequence[Connection]:
    """Return the one connection to the hub. The id is sent after connecting, because a URL's path may be logged."""
    url = options.websocket_url or HUB_URL
    session = Secret() if options.joins_by_url else options.session
    endpoint = Endpoint(url=url, silence_timeout_secs=SILENCE_TIMEOUT_SECS)
    return [Connection(endpoint, HubDecoder(session))]


PLATFORM = Platform(
    name="social_stream",
    title="Social Stream Ninja",
    route="the hub's socket, fed by a browser extension that reads chat pages",
    officialness=Officialness.UNOFFICIAL,
    event_types=(
        EventType.COMMENT,
        EventType.JOIN,
        EventType.LIKE,
        EventType.GIFT,
        EventType.FOLLOW,
        EventType.VIEWERS,
    ),
    options=Options,
    offline_decoder=lambda _: HubDecoder(),
    locate=locate,
)
