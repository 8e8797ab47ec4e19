"""Streamer.bot: a hub on the operator's machine for Twitch, YouTube, Kick, Trovo and payment services.

It greets with ``Hello``, wants an answer to its challenge if a password is set, and sends nothing until it is told
which events to send. Last checked against ``captures/streamerbot``; shapes differ between versions, so fields are
read by several names. Guessed: Kick's, Trovo's and the tips' data.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceUnavailableError
from bridge.events import EventType, LiveEvent
from bridge.secret import Secret
from bridge.sources.codecs.results import MAX_NAME_CHARS, without_event
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpClient,
    Officialness,
    Platform,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import as_object, optional_text, parse_json, text
from bridge.sources.platforms.streamerbot.events import MESSAGES, NEWER
from bridge.sources.platforms.streamerbot.ignored import IGNORED_BEGINNINGS, IGNORED_SOURCES, IGNORED_TYPES
from bridge.sources.platforms.streamerbot.reading import GUEST, TEST, Happening

DEFAULT_URL = "ws://127.0.0.1:8080/"
SILENCE_TIMEOUT_SECS = 900.0
"""The hub says nothing while nothing happens; WebSocket pings tell a dead connection much earlier."""

AUTHENTICATE, SUBSCRIBE, SUBSCRIBE_NEWER = "authenticate", "subscribe", "subscribe-newer"

READERS = {name: (name.partition(".")[0].lower(), read) for name, read in MESSAGES.items()}
"""The site, or the payment service, on which each event happens, and what reads it."""

BARE = {"jewelsAmount": {"source": "YouTube", "type": "JewelsGifted"}}
"""What tells the kind of an event whose data was captured without its envelope."""


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """One Streamer.bot. `room` is only a name for the logs: the hub knows the accounts."""

    websocket_url: str = DEFAULT_URL
    """The hub's WebSocket server: address, port and endpoint as set in Servers/Clients."""

    password: Secret = field(default_factory=Secret)
    """The server's password, if authentication is switched on there."""

    include_tests: bool = False
    """Report what the hub's test buttons make happen, too."""


class HubDecoder(QuietDecoder):
    """One connection to the hub."""

    def __init__(self, options: Options) -> None:
        self._password = options.password
        self._include_tests = options.include_tests
        self._lacks_password = False
        self._viewers: dict[str, int] = {}

    def feed(self, frame: Frame) -> Decoded:
        """Decode one message."""
        try:
            message = parse_json(frame.data)
            if type(message) is dict and "event" in message:
                return self._event(message, frame.received_at_ms)
            return self._other(as_object(message), frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _other(self, message: dict[str, Any], at_ms: int) -> Decoded:
        if message.get("request") == "Hello":
            return self._greeted(message)
        if "status" in message:
            return self._answered(message)
        for key, event in BARE.items():
            if key in message:
                return self._event({"event": event, "data": message}, at_ms)
        return Decoded(unknown=("no event",))

    def _greeted(self, message: dict[str, Any]) -> Decoded:
        challenge, password = message.get("authentication"), self._password.reveal()
        self._lacks_password = challenge is not None and not password
        # Without a password it is tried all the same: the hub may want one for commands only.
        if challenge is None or self._lacks_password:
            return Decoded(ignored=("Hello",), replies=_subscriptions())
        answer = authentication(
            password, text(challenge, "salt", "authentication"), text(challenge, "challenge", "authentication")
        )
        request = {"request": "Authenticate", "id": AUTHENTICATE, "authentication": answer}
        return Decoded(ignored=("Hello",), replies=(orjson.dumps(request).decode(),))

    def _answered(self, message: dict[str, Any]) -> Decoded:
        request, accepted = optional_text(message, "id"), message.get("status") == "ok"
        name = f"answer to {request}"[:MAX_NAME_CHARS]
        if request == AUTHENTICATE:
            if accepted:
                return Decoded(ignored=(name,), replies=_subscriptions())
            return Decoded(ignored=(name,), end=SourceAuthError("password: Streamer.bot refuses it"))
        if request == SUBSCRIBE and not accepted:
            return Decoded(ignored=(name,), end=self._refusal())
        return Decoded(ignored=(name,))

    def _refusal(self) -> SourceError:
        if self._lacks_password:
            return SourceAuthError("password: is missing: Streamer.bot asks for one")
        return SourceUnavailableError("Streamer.bot refuses to send its events")

    def _event(self, envelope: dict[str, Any], at_ms: int) -> Decoded:
        event = as_object(envelope["event"], "event")
        name = f"{event.get('source')}.{event.get('type')}"
        reader = READERS.get(name)
        if reader is None:
            return _unread(text(event, "source", "event"), text(event, "type", "event"))
        site, read = reader
        data, told_at = envelope.get("data"), envelope.get("timeStamp")
        data = data if type(data) is dict else {}
        message = data.get("message")
        happening = Happening(
            site,
            data,
            message if type(message) is dict else {},
            told_at if type(told_at) is str else "",
            at_ms,
            self._viewers,
        )
        whose = happening.whose()
        if whose == TEST and not self._include_tests:
            return Decoded(ignored=(TEST,))
        told = None if whose == GUEST else read(happening)
        if told is None:
            return Decoded(ignored=(f"{name}/nothing",))
        return Decoded((told,)) if isinstance(told, LiveEvent) else Decoded(notices=(told,))


def _unread(source: str, kind: str) -> Decoded:
    known = source in IGNORED_SOURCES or kind in IGNORED_TYPES or kind.startswith(IGNORED_BEGINNINGS)
    return without_event(f"{source}.{kind}", known=known)


def authentication(password: str, salt: str, challenge: str) -> str:
    """Return the answer to a challenge (vendor documentation)."""
    return _hashed(_hashed(password + salt) + challenge)


def _hashed(value: str) -> str:
    return b64encode(sha256(value.encode("utf-8", "replace")).digest()).decode()


def _subscriptions() -> Sequence[str]:
    older: dict[str, list[str]] = {}
    newer: dict[str, list[str]] = {}
    for name in MESSAGES:
        source, _, kind = name.partition(".")
        (newer if name in NEWER else older).setdefault(source, []).append(kind)
    return [
        orjson.dumps({"request": "Subscribe", "id": request, "events": events}).decode()
        for request, events in ((SUBSCRIBE, older), (SUBSCRIBE_NEWER, newer))
    ]


async def locate(options: Options, _http: HttpClient) -> Sequence[Connection]:
    """Return the one connection to the hub."""
    endpoint = Endpoint(url=options.websocket_url or DEFAULT_URL, silence_timeout_secs=SILENCE_TIMEOUT_SECS)
    return [Connection(endpoint, HubDecoder(options))]


PLATFORM = Platform(
    name="streamerbot",
    title="Streamer.bot",
    route="the WebSocket server of the Streamer.bot on the operator's machine",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.GIFT, EventType.FOLLOW, EventType.VIEWERS),
    options=Options,
    offline_decoder=HubDecoder,
    locate=locate,
)
