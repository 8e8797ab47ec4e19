"""What a TikTok source can be given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bridge.secret import Secret
from bridge.sources.contract import SourceOptions

_ROOM = re.compile(r"@?[^\s@/?#&]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A TikTok LIVE room. `room` is the streamer's handle, with or without `@`, or the number of one live."""

    sign_url: str = ""
    """Where your signer listens; replaces scheme, host and port of the documented signer call and keeps its path."""
    api_key: Secret = field(default_factory=Secret)
    """The signer's key. Without `sign_url` it is one of the public signer, `api.eulerstream.com`."""
    cookie: Secret = field(default_factory=Secret)
    """A logged-in session's cookies, for restricted rooms. Sent to TikTok and to `websocket_url`, never to a signer."""
    api_base: str = ""
    """Replaces scheme, host and port of TikTok's own web calls."""
    websocket_url: str = ""
    """Replaces the socket's URL up to its query, which says the room and how we want to be served."""

    def __post_init__(self) -> None:
        if not _ROOM.fullmatch(self.room):
            raise ValueError("room: is no handle and no room number: such as @name, name or 7300000000000000001")
        for name, value, schemes in (
            ("sign_url", self.sign_url, ("http", "https")),
            ("api_base", self.api_base, ("http", "https")),
            ("websocket_url", self.websocket_url, ("ws", "wss")),
        ):
            if value and not is_url(value, schemes):
                raise ValueError(f"{name}: is not a URL: begins with {' or '.join(f'{one}://' for one in schemes)}")

    @property
    def signs(self) -> bool:
        """Whether a signer is asked before the socket is opened."""
        return bool(self.sign_url or self.api_key)


def is_url(value: str, schemes: tuple[str, ...]) -> bool:
    """Say whether ``value`` is a URL with a host and one of ``schemes``."""
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname)
    except ValueError:
        return False
