"""StreamElements: its Astro gateway, which publishes chat and activities of one channel, on whatever platform.

Each topic is subscribed to with the channel's token; when the server shuts down it hands out a reconnect token
under which the subscriptions live on. Last checked against ``captures/streamelements`` (the vendor's examples).
Guessed: the data of most activities, see ``messages``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

import orjson

from bridge.errors import DecodeError, SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.events import EventType, LiveEvent
from bridge.secret import Secret
from bridge.sources.codecs.gift_batches import GiftBatches
from bridge.sources.codecs.results import MAX_NAME_CHARS, without_event
from bridge.sources.contract import (
    Connection,
    Decoded,
    Decoder,
    Endpoint,
    Frame,
    HttpClient,
    Notice,
    NoticeKind,
    Officialness,
    Platform,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import mapping, optional_mapping, optional_text, parse_json, text
from bridge.sources.platforms.streamelements.messages import (
    ACTIVITIES,
    IGNORED_ACTIVITIES,
    IGNORED_TOPICS,
    MESSAGES,
    Published,
)

GATEWAY_URL = "wss://astro.streamelements.com/"

SILENCE_TIMEOUT_SECS = 900.0
"""Nothing is published while nothing happens; the gateway's WebSocket pings tell a dead connection after 70 s."""

TOPICS = ("channel.chat.message", "channel.activities", "channel.stream.status")
"""What is asked for. Tips come as activities, so their own topic is not."""
TELLING = frozenset(TOPICS[:2])
"""The topics that bring viewers' events; without any of them the connection is of no use."""

FAULTS = frozenset({"err_deadline_exceeded", "err_internal_error"})
"""Refusals that say nothing about the request."""
MAX_ATTEMPTS = 3
RATE_WAIT_SECS = 30.0


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """One channel on StreamElements. `room` is its account id there, as the dashboard shows it beside the token."""

    token: Secret = field(default_factory=Secret)
    """The channel's JWT, an OAuth token, or the overlay key, of the account on the platform that is streamed to."""

    token_type: Literal["jwt", "oauth2", "apikey"] = "jwt"  # noqa: S105
    """What kind of token it is; `apikey` is the overlay key."""

    websocket_url: str = GATEWAY_URL
    """The whole socket URL."""

    def __post_init__(self) -> None:
        if not self.token:
            raise ValueError("token: is missing: the channel's JWT from the dashboard, or another kind with token_type")


class GatewayDecoder(QuietDecoder):
    """One connection to the gateway."""

    def __init__(
        self,
        options: Options,
        *,
        subscribes: bool = True,
        denied: set[str] | None = None,
        batches: GiftBatches | None = None,
    ) -> None:
        self._options = options
        self._subscribes = subscribes
        self._denied = denied if denied is not None else set()
        self._batches = batches or GiftBatches()
        self._attempts = dict.fromkeys(TOPICS, 1)

    def greeting(self) -> Sequence[bytes | str]:
        """Subscribe, unless the subscriptions live on from an earlier connection."""
        return [self._subscription(topic) for topic in TOPICS] if self._subscribes else ()

    def followed(self) -> Decoder:
        """Return the decoder for the connection with the reconnect token."""
        return GatewayDecoder(self._options, subscribes=False, denied=self._denied, batches=self._batches)

    def feed(self, frame: Frame) -> Decoded:
        """Decode one message."""
        try:
            message = parse_json(frame.data)
            kind = text(message, "type")
            if kind == "message":
                return self._published(message, frame.received_at_ms)
            if kind == "response":
                return self._answered(message)
            if kind == "reconnect":
                token = text(mapping(message, "data"), "reconnect_token", "data")
                return Decoded(ignored=("reconnect",), follow=_with_token(self._options.websocket_url, token))
            if kind == "welcome":
                return Decoded(ignored=("welcome",))
            return without_event(kind, known=False)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _subscription(self, topic: str) -> str:
        data = {"topic": topic, "token": self._options.token.reveal(), "token_type": self._options.token_type}
        if self._options.room:
            data["room"] = self._options.room
        return orjson.dumps({"type": "subscribe", "nonce": topic, "data": data}).decode()

    def _published(self, message: dict[str, Any], at_ms: int) -> Decoded:
        topic = name = text(message, "topic")
        read = MESSAGES.get(topic)
        if read is None:
            return without_event(name, known=topic in IGNORED_TOPICS)
        data = mapping(message, "data")
        if topic == "channel.activities":
            kind = text(data, "type", "data")
            name = f"{topic}/{kind}"
            if kind not in ACTIVITIES:
                return without_event(name, known=kind in IGNORED_ACTIVITIES)
        told = read(Published(message, data, at_ms, self._batches))
        if type(told) is LiveEvent:
            return Decoded((told,))
        if type(told) is Notice:
            return Decoded(notices=(told,))
        return without_event(f"{name}/nothing", known=True)

    def _answered(self, message: dict[str, Any]) -> Decoded:
        """Take the answer to a subscription; its nonce is the topic."""
        topic, problem = optional_text(message, "nonce"), optional_text(message, "error")
        topic = topic or optional_text(optional_mapping(message, "data"), "topic")
        if not problem:
            return Decoded(ignored=("response",))
        if problem in FAULTS and topic in TOPICS:
            return self._failed(topic, problem)
        if problem == "rate_limit_exceeded":
            error = SourceThrottledError("StreamElements answers that we ask too often", RATE_WAIT_SECS)
            return Decoded(ignored=("response",), end=error)
        return self._refused(topic if topic in TOPICS else "a request", problem)

    def _failed(self, topic: str, problem: str) -> Decoded:
        """Ask again for a while; a topic that brings viewers' events is then worth another connection."""
        if self._attempts[topic] < MAX_ATTEMPTS:
            self._attempts[topic] += 1
            return Decoded(ignored=("response",), replies=(self._subscription(topic),))
        if topic in TELLING:
            end = SourceUnavailableError(f"StreamElements fails to subscribe to {topic} ({problem})")
            return Decoded(ignored=("response",), end=end)
        return self._refused(topic, problem)

    def _refused(self, topic: str, problem: str) -> Decoded:
        shown = problem if problem.isidentifier() and len(problem) <= MAX_NAME_CHARS else "an error"
        is_credential = problem == "err_unauthorized"
        detail = f"StreamElements refuses {topic} ({shown})"
        self._denied.add(topic)
        if self._denied >= TELLING:
            end = SourceAuthError(f"token: {detail}") if is_credential else SourceUnavailableError(detail)
            return Decoded(ignored=("response",), end=end)
        if is_credential:
            return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, f"token: {detail}"),))
        return Decoded(rejected=(DecodeError("response", detail),))


def _with_token(url: str, reconnect_token: str) -> str:
    parts = urlsplit(url)
    query = urlencode({"reconnect_token": reconnect_token}, errors="replace")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


async def locate(options: Options, _http: HttpClient) -> Sequence[Connection]:
    """Return the one connection to the gateway."""
    endpoint = Endpoint(url=options.websocket_url or GATEWAY_URL, silence_timeout_secs=SILENCE_TIMEOUT_SECS)
    return [Connection(endpoint, GatewayDecoder(options))]


PLATFORM = Platform(
    name="streamelements",
    title="StreamElements",
    route="the Astro WebSocket gateway, with the channel's token",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.LIKE, EventType.GIFT, EventType.FOLLOW),
    options=Options,
    offline_decoder=GatewayDecoder,
    locate=locate,
)
