"""The open door: anyone may post live events as JSON.

Three body forms are taken, told apart by the body and the ``ce-*`` headers: our own event (or an array of
them), a structured CloudEvent or a batch of them, and a binary CloudEvent. Signed as Standard Webhooks
say (vendor documentation: HMAC-SHA256 over ``id.timestamp.body``, base64). Checked against the vectors
and examples of both specifications in ``captures/generic_webhook``; nothing is guessed.

Our own event::

    {"type": "gift", "id": "41", "timestamp_ms": 1700000000000, "room": "7", "user": {"id": "9", "name": "Ann"},
     "gift": {"name": "Rose", "count": 2, "unit_value": 10, "total_value": 20, "currency": "coin"}}

``type`` names the kind. A CloudEvent's ``type`` ends in ``live.<kind>`` and its ``data`` is the same object.
Money is integers in the smallest unit of ``currency``.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from bridge.errors import DecodeError, PushRefusedError
from bridge.events import EventType, LiveEvent, plausible_timestamp_ms
from bridge.secret import Secret
from bridge.sources.contract import (
    Decoded,
    Frame,
    Notice,
    Officialness,
    Platform,
    PushAnswer,
    PushRequest,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import as_integer, optional_integer, optional_text, parse_json
from bridge.sources.platforms.webhook.cloudevents import (
    Envelope,
    is_binary_cloudevent,
    is_cloudevent,
    unwrap,
    unwrap_binary,
)
from bridge.sources.platforms.webhook.messages import IGNORED, MESSAGES, NOTICES

TOLERANCE_SECS = 300
"""How far ``webhook-timestamp`` may be off (vendor documentation: five minutes either way)."""

MAX_SIGNATURES = 20
MAX_NAME_CHARS = 64
"""What an unknown type is cut to: it becomes a label."""

MAX_PROBLEMS = 20
"""How many problems the answer tells the sender."""

MAX_ID_CHARS = 256
"""Ids are remembered by the ten thousand, so they are bounded."""

NO_TYPE = "(no type)"


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """A webhook that anyone may call who knows the secret."""

    secret: Secret = field(default_factory=Secret)
    """Standard Webhooks secret, `whsec_` and base64."""
    secrets: list[Secret] = field(default_factory=list)
    """More secrets, any of which may have signed: for changing them without a gap."""
    allow_unsigned: bool = False
    """Take calls without a signature; only where nobody else can reach the port."""
    site: str = "webhook"
    """What user ids begin with: `<site>_<id>`."""

    def __post_init__(self) -> None:
        for name, secret in self.named_secrets():
            if _verifier(secret) is None:
                raise ValueError(f"{name}: is not a Standard Webhooks secret: whsec_ and base64")
        if not self.site:
            raise ValueError("site: is empty: a short name such as webhook")
        if not self.named_secrets() and not self.allow_unsigned:
            raise ValueError("secret: is missing: a Standard Webhooks secret, or allow_unsigned: true")

    def named_secrets(self) -> list[tuple[str, Secret]]:
        """Return the secrets that are set, each with its option's name."""
        return [
            (name, secret)
            for name, secret in (("secret", self.secret), *(("secrets", one) for one in self.secrets))
            if secret
        ]


class Receiver:
    """Verifies, then decodes. Keeps nothing between calls."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._verifiers = [verifier for _, one in options.named_secrets() if (verifier := _verifier(one))]

    def receive(self, request: PushRequest) -> PushAnswer:
        """Take one call; the answer's body says what came of it."""
        self._verify(request)
        fallback_id = request.headers.get("webhook-id", "")
        decoded = decode(request.body, request.headers, self._options, request.received_at_ms, fallback_id)
        return PushAnswer(decoded, body=_answer(decoded))

    def _verify(self, request: PushRequest) -> None:
        headers = request.headers
        if not self._verifiers and self._options.allow_unsigned:
            return
        signed_at_secs = as_integer(headers.get("webhook-timestamp"))
        if signed_at_secs is None or not headers.get("webhook-id") or not headers.get("webhook-signature"):
            raise PushRefusedError(401, "webhook-id, webhook-timestamp or webhook-signature is missing")
        if abs(request.received_at_ms / 1000 - signed_at_secs) > TOLERANCE_SECS:
            raise PushRefusedError(401, "webhook-timestamp is more than 5 minutes off")
        signed_at = datetime.fromtimestamp(signed_at_secs, UTC)
        try:
            body = request.body.decode()
        except UnicodeDecodeError:
            raise PushRefusedError(401, "the body is not UTF-8") from None
        given = [one.encode() for one in headers["webhook-signature"].split(" ", MAX_SIGNATURES)]
        for verifier in self._verifiers:
            expected = verifier.sign(headers["webhook-id"], signed_at, body).encode()
            if any(hmac.compare_digest(expected, one) for one in given):
                return
        raise PushRefusedError(401, "webhook-signature fits none of the secrets")


def _verifier(secret: Secret) -> Webhook | None:
    try:
        return Webhook(secret.reveal())
    except (ValueError, EmptyWebhookSecretError):
        return None


def decode(
    body: bytes | str, headers: Mapping[str, str], options: Options, received_at_ms: int, fallback_id: str = ""
) -> Decoded:
    """Decode one body. ``fallback_id`` and the place in the body identify an event that brings no id."""
    events: list[LiveEvent] = []
    rejected: list[DecodeError] = []
    ignored: list[str] = []
    unknown: list[str] = []
    notices: list[Notice] = []
    for number, (at, one) in enumerate(_envelopes(body, headers)):
        if isinstance(one, DecodeError):
            rejected.append(one)
        elif one.kind in NOTICES:
            notices.append(Notice(NOTICES[one.kind]))
        elif one.kind in IGNORED:
            ignored.append(one.kind)
        elif one.kind not in MESSAGES:
            unknown.append(one.kind[:MAX_NAME_CHARS])
        elif reason := _dropped(one.data, options.room):
            ignored.append(reason)
        else:
            try:
                default_id = f"{fallback_id}/{number}" if fallback_id else ""
                events.append(_event(one, options, received_at_ms, default_id))
            except DecodeError as error:
                rejected.append(DecodeError(f"{at}.{error.path}" if at else error.path, error.problem))
    return Decoded(events=events, rejected=rejected, ignored=ignored, unknown=unknown, notices=notices)


def _envelopes(body: bytes | str, headers: Mapping[str, str]) -> Iterator[tuple[str, Envelope | DecodeError]]:
    """Yield the events of a body, each with its place in it."""
    try:
        if is_binary_cloudevent(headers):
            yield "", unwrap_binary(headers, body.encode() if isinstance(body, str) else body)
            return
        value = parse_json(body)
    except DecodeError as error:
        yield "", error
        return
    items = [(f"[{number}]", item) for number, item in enumerate(value)] if isinstance(value, list) else [("", value)]
    for at, item in items:
        try:
            yield at, _envelope(item, at)
        except DecodeError as error:
            yield at, error


def _envelope(item: Any, at: str) -> Envelope:
    if not isinstance(item, dict):
        raise DecodeError(at, f"is {type(item).__name__}, an object expected")
    if is_cloudevent(item):
        return unwrap(item, at)
    return Envelope(optional_text(item, "type", NO_TYPE), item)


def _dropped(data: Any, room: str) -> str:
    """Return why a readable event is not wanted, "" if it is; an event that names no room passes."""
    if not isinstance(data, dict):
        return ""
    if data.get("test") is True:
        return "test"
    named = optional_text(data, "room")
    return "other room" if room and named and named != room else ""


def _event(one: Envelope, options: Options, received_at_ms: int, default_id: str) -> LiveEvent:
    if not isinstance(one.data, dict):
        raise DecodeError("data", f"is {type(one.data).__name__}, an object expected")
    content = MESSAGES[one.kind](one.data, options.site)
    timestamp_ms = optional_integer(one.data, "timestamp_ms") or one.timestamp_ms
    event_id = optional_text(one.data, "id") or one.event_id or default_id
    if len(event_id) > MAX_ID_CHARS:
        raise DecodeError("id", f"is longer than {MAX_ID_CHARS} characters")
    return LiveEvent(plausible_timestamp_ms(timestamp_ms, received_at_ms), content, event_id)


def _answer(decoded: Decoded) -> bytes:
    return orjson.dumps(
        {
            "accepted": len(decoded.events) + len(decoded.notices),
            "ignored": len(decoded.ignored),
            "unknown": len(decoded.unknown),
            "rejected": len(decoded.rejected),
            "problems": [str(error) for error in decoded.rejected[:MAX_PROBLEMS]],
        }
    )


class OfflineDecoder(QuietDecoder):
    """Reads captured bodies: the signature is left aside, ids come only from the events themselves."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def feed(self, frame: Frame) -> Decoded:
        """Decode one body."""
        return decode(frame.data, {}, self._options, frame.received_at_ms)


PLATFORM = Platform(
    name="webhook",
    title="Webhook",
    route="signed HTTP posts: own JSON or CloudEvents",
    officialness=Officialness.OFFICIAL,
    event_types=tuple(EventType),
    options=Options,
    offline_decoder=OfflineDecoder,
    receiver=Receiver,
)
