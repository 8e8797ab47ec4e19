"""What a Kick source can be given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bridge.secret import Secret
from bridge.sources.contract import SourceOptions

PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq/+l1WnlRrGSolDMA+A8
6rAhMbQGmQ2SapVcGM3zq8ANXjnhDWocMqfWcTd95btDydITa10kDvHzw9WQOqp2
MZI7ZyrfzJuz5nhTPCiJwTwnEtWft7nV14BYRDHvlfqPUaZ+1KR4OCaO/wWIk/rQ
L/TjY0M70gse8rlBkbo2a8rKhu69RQTRsoaf4DVhDPEeSeI5jVrRDGAMGL3cGuyY
6CLKGdjVEM78g3JfYOvDU/RvfqD7L89TZ3iN94jrmWdGz34JNlEI5hqK8dd7C5EF
BEbZ5jgB8s8ReQV8H+MkuffjdAj3ajDDX3DOJMIut1lBrUVD1AaSrGCKHooWoL2e
twIDAQAB
-----END PUBLIC KEY-----
"""
"""The key that Kick's documentation prints, also at ``GET https://api.kick.com/public/v1/public-key``."""

_ROOM = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A Kick channel. `room` is its slug, as in `kick.com/<slug>`, or the broadcaster's user id."""

    mode: Literal["socket", "webhook"] = "socket"
    """`socket`: we read the site's own socket; `webhook`: Kick's official calls come to `/push/kick/<room>`."""
    client_id: Secret = field(default_factory=Secret)
    """Your Kick app's client id: for viewer counts, and to subscribe to webhooks."""
    client_secret: Secret = field(default_factory=Secret)
    """Your Kick app's client secret."""
    chatroom_id: int = 0
    """The channel's chatroom, where Kick refuses to tell it: `chatroom.id` of `kick.com/api/v2/channels/<slug>`."""
    channel_id: int = 0
    """The channel's own number, `id` of the same page. Without it Kicks and some subscriptions do not arrive."""
    public_key: str = PUBLIC_KEY
    """Kick's RSA key (PEM) that signs webhooks, should it ever change."""
    api_base: str = ""
    """Replaces scheme, host and port of `api.kick.com` and `kick.com`."""
    auth_base: str = ""
    """Replaces scheme, host and port of `id.kick.com`."""
    websocket_url: str = ""
    """The whole URL of the Pusher socket, with its key and query."""

    def __post_init__(self) -> None:
        if self.mode not in {"socket", "webhook"}:
            raise ValueError("mode: is unknown: socket or webhook")
        if not _ROOM.fullmatch(self.room):
            raise ValueError("room: is no channel: the slug of kick.com/<slug>, or the broadcaster's user id")
        if bool(self.client_id) != bool(self.client_secret):
            raise ValueError("client_secret: client_id and client_secret go together: set both or none")
        if self.chatroom_id < 0 or self.channel_id < 0:
            raise ValueError("chatroom_id: is negative: Kick's numbers begin at 1")
        if self.websocket_url and not self.websocket_url.startswith(("ws://", "wss://")):
            raise ValueError("websocket_url: is not a URL: begins with ws:// or wss://")
        self.webhook_key()

    def webhook_key(self) -> RSAPublicKey:
        """Return the key that verifies webhooks; ``ValueError`` if it is none."""
        try:
            key = load_pem_public_key(self.public_key.encode())
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, RSAPublicKey):
            return key
        raise ValueError("public_key: is no RSA public key: PEM, -----BEGIN PUBLIC KEY-----")

    @property
    def broadcaster_id(self) -> int:
        """The broadcaster's user id, if ``room`` is one, else 0."""
        return int(self.room) if self.room.isdigit() and self.room.isascii() and len(self.room) <= 18 else 0
