"""The EventSub connection: subscriptions made over HTTP, notifications read from a WebSocket.

The server never wants to hear from us: any text from the client closes the connection (vendor documentation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec.structs import replace

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceUnavailableError
from bridge.sources.codecs.results import MAX_NAME_CHARS, without_event
from bridge.sources.contract import (
    NOTHING,
    Decoded,
    Decoder,
    Frame,
    HttpAnswer,
    HttpCall,
    Notice,
    NoticeKind,
    Poll,
    QuietDecoder,
)
from bridge.sources.fields import (
    identifier,
    mapping,
    optional_integer,
    optional_text,
    parse_json,
    text,
)
from bridge.sources.platforms.twitch.api import STREAMS, SUBSCRIPTION, VALIDATION
from bridge.sources.platforms.twitch.notifications import IGNORED_NOTIFICATIONS, NOTIFICATIONS, Channel
from bridge.sources.platforms.twitch.viewers import ViewerWatch

SILENCE_GRACE_SECS = 5.0
SILENCE_TIMEOUT_SECS = 10.0 + SILENCE_GRACE_SECS
"""The server is silent for at most 10 s (vendor documentation), or as long as its welcome says."""

VALIDATION_INTERVAL_SECS = 3600.0
"""Twitch wants a token that is held for long to be validated every hour (vendor documentation)."""

EXPIRY_WARNING_SECS = 86_400
RETRY_INTERVAL_MS = 30_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription: ``conditions`` are its keys for the channel's owner and for the token's user."""

    version: str
    conditions: tuple[str, ...]
    scope: str = ""


SUBSCRIPTIONS: Mapping[str, Wanted] = {
    "channel.chat.message": Wanted("1", ("broadcaster_user_id", "user_id"), "user:read:chat"),
    "channel.chat.notification": Wanted("1", ("broadcaster_user_id", "user_id"), "user:read:chat"),
    "channel.follow": Wanted("2", ("broadcaster_user_id", "moderator_user_id"), "moderator:read:followers"),
    "stream.online": Wanted("1", ("broadcaster_user_id",)),
    "stream.offline": Wanted("1", ("broadcaster_user_id",)),
}
TELLING = frozenset(kind for kind, wanted in SUBSCRIPTIONS.items() if wanted.scope)
"""The subscriptions that bring viewers' events; without any of them the connection is of no use."""

CLOSE_CODES = {
    4000: "Twitch had an internal error",
    4001: "Twitch says that we sent something",
    4002: "Twitch missed our answer to a ping",
    4003: "no subscription was made in time",
    4004: "the reconnection took too long",
    4005: "Twitch had a network timeout",
    4006: "Twitch had a network error",
    4007: "Twitch refused its own reconnect URL",
}
"""Vendor documentation."""


@dataclass(slots=True)
class Session:
    """What outlives one connection: who we are, what is subscribed to, whether the channel is live."""

    watch: ViewerWatch
    broadcaster_id: str
    user_id: str
    validates: bool = True
    id: str = ""
    asked_at_ms: int = 0
    missing: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)

    def polls(self) -> list[Poll]:
        """Return what is asked over and over."""
        polls = [self.watch.poll()]
        if self.validates:
            polls.append(Poll(self.watch.api.validation(), VALIDATION_INTERVAL_SECS))
        return polls

    def subscribe(self, session_id: str, now_ms: int) -> list[HttpCall]:
        """Return the calls for all that is wanted, for a new session."""
        self.id = session_id
        self.missing = set(SUBSCRIPTIONS) - self.denied
        return self._calls(now_ms)

    def subscribe_to_missing(self, now_ms: int) -> list[HttpCall]:
        """Return the calls for what was asked for a while ago and is still not confirmed."""
        return self._calls(now_ms) if now_ms - self.asked_at_ms >= RETRY_INTERVAL_MS else []

    def _calls(self, now_ms: int) -> list[HttpCall]:
        self.asked_at_ms = now_ms
        ids = (self.broadcaster_id, self.user_id)
        return [
            self.watch.api.subscribe(kind, wanted.version, dict(zip(wanted.conditions, ids, strict=False)), self.id)
            for kind, wanted in SUBSCRIPTIONS.items()
            if kind in self.missing
        ]


class EventSubDecoder(QuietDecoder):
    """One EventSub connection. Without a session it only reads."""

    def __init__(self, channel: Channel, session: Session | None = None, *, subscribes: bool = True) -> None:
        self._channel = channel
        self._session = session
        self._subscribes = subscribes
        self.is_ready = False

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame."""
        try:
            return self.read(parse_json(frame.data), frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def read(self, message: Any, received_at_ms: int) -> Decoded:
        """Decode one parsed message, or raise ``DecodeError``."""
        metadata = mapping(message, "metadata")
        kind = text(metadata, "message_type", "metadata")
        decode = self.MESSAGES.get(kind)
        if decode is None:
            return without_event(kind, known=False)
        return decode(self, metadata, message.get("payload"), received_at_ms)

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take the answer to a subscription, a poll or a token renewal."""
        session = self._session
        if session is None:
            return NOTHING
        settled = session.watch.api.settled(call, answer)
        if settled is not None:
            return settled
        if call.tag.startswith(SUBSCRIPTION):
            return _subscribed(session, call.tag.removeprefix(SUBSCRIPTION), answer.status)
        if call.tag == VALIDATION:
            return _validated(session, answer)
        if call.tag != STREAMS:
            return NOTHING
        counted = session.watch.counted(answer, received_at_ms)
        # A subscription whose call was lost must not stay lost: half a chat looks like a whole one.
        calls = session.subscribe_to_missing(received_at_ms)
        return replace(counted, calls=calls) if calls else counted

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Name the documented close codes."""
        meaning = CLOSE_CODES.get(code)
        return SourceUnavailableError(f"{meaning} (close code {code})") if meaning else None

    def followed(self) -> Decoder:
        """Return the decoder for the reconnect URL, where the subscriptions move along by themselves."""
        return EventSubDecoder(self._channel, self._session, subscribes=False)

    def _welcomed(self, metadata: dict[str, Any], payload: Any, received_at_ms: int) -> Decoded:
        welcome = mapping(payload, "session", "payload")
        session_id = identifier(welcome, "id", "payload.session")
        # Until here the answers to our polls say nothing about the socket: the one before it is still the good one.
        self.is_ready = True
        announced_secs = optional_integer(welcome, "keepalive_timeout_seconds")
        if announced_secs > 0:
            self.silence_timeout_secs = announced_secs + SILENCE_GRACE_SECS
        session = self._session
        if session is None:
            return Decoded(ignored=("session_welcome",))
        if not self._subscribes:
            session.id = session_id
            return Decoded(ignored=("session_welcome",))
        return Decoded(ignored=("session_welcome",), calls=session.subscribe(session_id, received_at_ms))

    def _kept_alive(self, metadata: dict[str, Any], payload: Any, received_at_ms: int) -> Decoded:
        return Decoded(ignored=("session_keepalive",))

    def _reconnecting(self, metadata: dict[str, Any], payload: Any, received_at_ms: int) -> Decoded:
        url = text(mapping(payload, "session", "payload"), "reconnect_url", "payload.session")
        if not url.startswith(("wss://", "ws://")):
            raise DecodeError("payload.session.reconnect_url", "is no WebSocket URL")
        return Decoded(ignored=("session_reconnect",), follow=url)

    def _revoked(self, metadata: dict[str, Any], payload: Any, received_at_ms: int) -> Decoded:
        revoked = mapping(payload, "subscription", "payload")
        kind = text(revoked, "type", "payload.subscription")[:MAX_NAME_CHARS]
        status = optional_text(revoked, "status")[:MAX_NAME_CHARS]
        if status == "authorization_revoked":
            return Decoded(end=SourceAuthError("access_token: the user took the authorization back"))
        problem = f"access_token: Twitch ended {kind}: {status}"
        if self._session is not None:
            return _denied(self._session, kind, problem)
        return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, problem),))

    def _notified(self, metadata: dict[str, Any], payload: Any, received_at_ms: int) -> Decoded:
        kind = optional_text(metadata, "subscription_type")
        if not kind:
            kind = text(mapping(payload, "subscription", "payload"), "type", "payload.subscription")
        decode = NOTIFICATIONS.get(kind)
        if decode is None:
            return without_event(kind, known=kind in IGNORED_NOTIFICATIONS)
        return decode(mapping(payload, "event", "payload"), metadata, received_at_ms, self._channel)

    MESSAGES: ClassVar[Mapping[str, Callable[[EventSubDecoder, dict[str, Any], Any, int], Decoded]]] = {
        "notification": _notified,
        "session_keepalive": _kept_alive,
        "session_welcome": _welcomed,
        "session_reconnect": _reconnecting,
        "revocation": _revoked,
    }
    """Message types by what reads their metadata and payload, received at a time."""


def _subscribed(session: Session, kind: str, status: int) -> Decoded:
    """Take the answer to one subscription. 409: it exists already. What failed for now is asked again later."""
    if status < 300 or status == 409:
        session.missing.discard(kind)
        return NOTHING
    if status == 403:
        wanted = SUBSCRIPTIONS[kind].scope
        scope = f"; it needs the scope {wanted}" if wanted else ""
        return _denied(session, kind, f"access_token: Twitch refuses {kind}{scope}")
    if status == 429:
        problem = "access_token: Twitch makes no more subscriptions for this user and client (HTTP 429)"
        return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, f"{problem}; it allows three connections"),))
    if status >= 500:
        return NOTHING
    return Decoded(rejected=(DecodeError(f"subscription to {kind}", f"was refused (HTTP {status})"),))


def _denied(session: Session, kind: str, problem: str) -> Decoded:
    """Go on without a subscription; without the last of those that tell of viewers there is no use in it."""
    session.missing.discard(kind)
    session.denied.add(kind)
    if session.denied >= TELLING:
        return Decoded(end=SourceAuthError(problem))
    return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, problem),))


def _validated(session: Session, answer: HttpAnswer) -> Decoded:
    """Warn while there is time: an expired token breaks not this connection but the next."""
    try:
        remaining_secs = optional_integer(answer.json(), "expires_in") if answer.status == 200 else 0
    except DecodeError:
        return NOTHING
    if session.watch.api.credential.can_renew or not 0 < remaining_secs < EXPIRY_WARNING_SECS:
        return NOTHING
    hours = remaining_secs // 3600
    detail = f"access_token: expires within {hours + 1} h and there is no refresh_token to renew it with"
    return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, detail),))
