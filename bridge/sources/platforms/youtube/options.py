"""The options of a YouTube source, and how a call carries the credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.errors import SourceAuthError
from bridge.secret import Secret
from bridge.sources.contract import HttpCall, SourceOptions

API_URL = "https://www.googleapis.com/youtube/v3/"


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Options of a YouTube source. ``room`` is a video id, a channel id (``UC…``), a ``@handle``, or ``mine``."""

    api_key: Secret = field(default_factory=Secret)
    """A key of a Google Cloud project with the YouTube Data API v3; enough for public broadcasts."""

    access_token: Secret = field(default_factory=Secret)
    """An OAuth token (scope ``youtube.readonly``), used instead of the key; needed for ``mine`` and private broadcasts."""

    api_base: str = ""
    """Scheme, host and port for all calls, instead of www.googleapis.com."""

    stream: bool = True
    """Let the server push the chat (``streamList``); pages are asked for only where it refuses."""

    quota_units_per_day: int = 10_000
    """The units that the key's project has a day."""

    quota_share: int = 1
    """How many sources share the key, if not all of them belong to this bridge: its own are counted anyway."""

    show_hours: float = 8.0
    """The hours of show a day that the units must last for; 24 for a room that is always on."""

    def __post_init__(self) -> None:
        if not self.room:
            raise ValueError("room: is missing: a video id, a channel id (UC…), a @handle, or mine")
        if self.quota_units_per_day < 1:
            raise ValueError("quota_units_per_day: is no number of units: 1 or more, 10000 for most projects")
        if self.quota_share < 1:
            raise ValueError("quota_share: is no number of sources: 1 or more")
        if not 0 < self.show_hours <= 24:
            raise ValueError("show_hours: is no number of hours a day: more than 0, up to 24")

    @property
    def credential(self) -> str:
        """The name of the credential in use."""
        return "access_token" if self.access_token else "api_key"

    def call(self, path: str, query: Mapping[str, str], tag: str) -> HttpCall:
        """Return a call to the API with the credential. Raises ``SourceAuthError`` without one."""
        url = self.api_url(f"{API_URL}{path}")
        if self.access_token:
            return HttpCall("GET", url, query=query, headers=self.headers, tag=tag)
        if not self.api_key:
            raise SourceAuthError("api_key: is missing: YouTube answers nobody without a key or an access_token")
        return HttpCall("GET", url, query={**query, "key": self.api_key.reveal()}, tag=tag)

    @property
    def quota_key(self) -> tuple[str, Secret]:
        """What the units belong to."""
        return self.api_base, self.access_token or self.api_key

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that every call needs."""
        return {"Authorization": f"Bearer {self.access_token.reveal()}"} if self.access_token else {}
