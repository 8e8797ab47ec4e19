"""What a mapped socket can be given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bridge.secret import Secret
from bridge.sources.contract import SourceOptions
from bridge.sources.platforms.websocket.rules import compile_rules

_SITE = re.compile(r"[a-z0-9][a-z0-9_]{0,31}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Any socket that sends JSON, read by JMESPath expressions. `room` is only a name for the logs."""

    websocket_url: str = field(default="", repr=False)
    """The whole socket URL."""

    mapping: list[dict[str, str]] = field(default_factory=list)
    """Rules: `when` a message matches, its `type`, and an expression for each value; all that match are applied."""

    site: str = "websocket"
    """What the user ids begin with, `<site>_<id>`: the platform's name, so that it cannot collide with another source."""

    headers: dict[str, Secret] = field(default_factory=dict)
    """HTTP headers for the connection, for instance `Authorization`."""

    greeting: list[Secret] = field(default_factory=list)
    """Texts to send right after connecting."""

    heartbeat: Secret = field(default_factory=Secret)
    """A text to send over and over; none if left out."""

    heartbeat_secs: float = 30.0
    """How often the heartbeat is sent."""

    silence_secs: float = 300.0
    """After this long without any message the connection counts as dead."""

    answers_pings: bool = True
    """Whether the peer answers WebSocket pings; some local programs do it wrongly."""

    def __post_init__(self) -> None:
        if not self.websocket_url.startswith(("ws://", "wss://")):
            raise ValueError("websocket_url: is no socket's URL: ws:// or wss:// with a host")
        if not _SITE.fullmatch(self.site):
            raise ValueError("site: is no name: small letters, digits and _, at most 32")
        if not self.mapping:
            raise ValueError("mapping: is empty: at least one rule")
        for name in self.headers:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("headers: a name is no HTTP header's: letters, digits and hyphens")
        if not 1 <= self.heartbeat_secs <= 3600 or not 1 <= self.silence_secs <= 86_400:
            raise ValueError("heartbeat_secs: is out of range: 1 to 3600, and silence_secs 1 to 86400")
        compile_rules(self.mapping, self.site)
