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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from bridge.errors import DecodeError, PushRefusedError
from bridge.events import Content, EventType, LiveEvent, plausible_timestamp_ms
from bridge.secret import Secret
from bridge.sources.codecs.results import MAX_NAME_CHARS, Collected, bounded
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
from bridge.sources.fields import as_integer, as_object, optional_integer, optional_text, parse_json
from bridge.sources.platforms.webhook.cloudevents import (
    Envelope,
    is_binary_cloudevent,
    unwrap,
    unwrap_binary,
)
from bridge.sources.platforms.webhook.messages import IGNORED, MESSAGES, NOTICES

TOLERANCE_SECS = 300
"""How far ``webhook-timestamp`` may be off (vendor documentation: five minutes either way)."""

MAX_SIGNATURES = 20
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
        if not self._verifiers and self._options.allow_unsigned:
            return
        message_id, signed_at, signatures = (
            request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        signed_at_secs = as_integer(signed_at)
        if signed_at_secs is None or not message_id or not signatures:
            raise PushRefusedError(401, "webhook-id, webhook-timestamp or webhook-signature is missing")
        if abs(request.received_at_ms / 1000 - signed_at_secs) > TOLERANCE_SECS:
            raise PushRefusedError(401, "webhook-timestamp is more than 5 minutes off")
        given = [one.encode(errors="surrogateescape") for one in signatures.split(" ", MAX_SIGNATURES)]
        moment = datetime.fromtimestamp(signed_at_secs, UTC)
        for verifier in self._verifiers:
            try:
                expected = verifier.sign(message_id, moment, request.body.decode()).encode()
            except UnicodeError:
                raise PushRefusedError(401, "webhook-id or the body is not UTF-8: only text can be signed") from None
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
    found = Collected()
    try:
        value = unwrap_binary(headers, body) if is_binary_cloudevent(headers) else parse_json(body)
    except DecodeError as error:
        return Decoded(rejected=[error])
    items: list[Any] = value if isinstance(value, list) else [value]
    for number, item in enumerate(bounded(items, "", found.rejected)):
        try:
            one = item if type(item) is tuple else _envelope(item)
            kind, data, _, _ = one
            read = MESSAGES.get(kind)
            if read is None and kind not in NOTICES:
                if kind in IGNORED:
                    found.ignored.append(kind)
                else:
                    found.unknown.append(kind[:MAX_NAME_CHARS] or NO_TYPE)
            elif data.get("test") is True:
                found.ignored.append("test")
            elif options.room and optional_text(data, "room") not in ("", options.room):
                found.ignored.append("other room")
            elif read is None:
                found.notices.append(Notice(NOTICES[kind]))
            else:
                default_id = f"{fallback_id}/{number}" if fallback_id else ""
                found.events.append(_event(one, read, options.site, received_at_ms, default_id))
        except DecodeError as error:
            found.rejected.append(error.within(f"[{number}]") if items is value else error)
    return found


def _envelope(item: Any) -> Envelope:
    """Wrap one of our own events, or open a structured CloudEvent."""
    event = as_object(item)
    return unwrap(event) if "specversion" in event else (optional_text(event, "type"), event, "", 0)


def _event(
    one: Envelope, read: Callable[[dict[str, Any], str], Content], site: str, received_at_ms: int, default_id: str
) -> LiveEvent:
    _, data, event_id, timestamp_ms = one
    event_id = event_id or optional_text(data, "id") or default_id
    if len(event_id) > MAX_ID_CHARS:
        raise DecodeError("id", f"is longer than {MAX_ID_CHARS} characters")
    timestamp_ms = timestamp_ms or optional_integer(data, "timestamp_ms")
    return LiveEvent(plausible_timestamp_ms(timestamp_ms, received_at_ms), read(data, site), event_id)


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
