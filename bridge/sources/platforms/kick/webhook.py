"""Kick's official webhooks: verified, then decoded."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from bridge.errors import DecodeError, PushRefusedError
from bridge.events import LiveEvent, plausible_timestamp_ms
from bridge.sources.codecs.results import without_event
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import Decoded, PushAnswer, PushRequest
from bridge.sources.fields import as_object, optional_integer, parse_json
from bridge.sources.platforms.kick.messages import WEBHOOK_IGNORED, WEBHOOK_MESSAGES
from bridge.sources.platforms.kick.options import Options

TOLERANCE_MS = 300_000
"""How far the timestamp may be off: five minutes either way (ours; Kick names no window)."""

_ID = "kick-event-message-id"
_SIGNATURE = "kick-event-signature"
_TIMESTAMP = "kick-event-message-timestamp"
_TYPE = "kick-event-type"


class Receiver:
    """Takes Kick's calls for one channel. Keeps nothing: a repeated delivery has the event id of the first."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._key = options.webhook_key()

    def receive(self, request: PushRequest) -> PushAnswer:
        """Verify the RSA signature (PKCS#1 v1.5, SHA-256, over ``id.timestamp.body``), then decode."""
        if self._options.mode != "webhook":
            raise PushRefusedError(403, "mode: is socket: set mode: webhook to take Kick's calls")
        sent_at_ms = self._verify(request)
        return PushAnswer(
            decode_webhook(
                request.headers.get(_TYPE, ""),
                request.body,
                request.headers[_ID],
                plausible_timestamp_ms(sent_at_ms, request.received_at_ms),
                self._options,
            )
        )

    def _verify(self, request: PushRequest) -> int:
        headers = request.headers
        missing = [name for name in (_ID, _TIMESTAMP, _SIGNATURE) if not headers.get(name)]
        if missing:
            raise PushRefusedError(401, f"{missing[0]} is missing")
        sent_at_ms = timestamp_ms(headers[_TIMESTAMP])
        if abs(request.received_at_ms - sent_at_ms) > TOLERANCE_MS:
            raise PushRefusedError(401, f"{_TIMESTAMP} is more than five minutes off")
        signed = f"{headers[_ID]}.{headers[_TIMESTAMP]}.".encode("utf-8", "replace") + request.body
        try:
            signature = base64.b64decode(headers[_SIGNATURE], validate=True)
            self._key.verify(signature, signed, PKCS1v15(), SHA256())
        except (binascii.Error, ValueError, InvalidSignature):
            raise PushRefusedError(
                401, f"{_SIGNATURE} is wrong: check public_key, and that nothing alters the body"
            ) from None
        return sent_at_ms


def decode_webhook(name: str, body: bytes | str, delivery_id: str, at_ms: int, options: Options) -> Decoded:
    """Read one delivery; one for another channel than the source's is passed over."""
    try:
        return decode_event(name, as_object(parse_json(body, "body"), "body"), delivery_id, at_ms, options)
    except DecodeError as error:
        return Decoded(rejected=[error])


def decode_event(name: str, data: dict[str, Any], delivery_id: str, at_ms: int, options: Options) -> Decoded:
    """Read one event by its ``Kick-Event-Type``. Raises ``DecodeError``."""
    decode = WEBHOOK_MESSAGES.get(name)
    if decode is None:
        return without_event(name or "(no type)", known=name in WEBHOOK_IGNORED)
    if not _is_ours(data.get("broadcaster"), options):
        return Decoded(ignored=["another channel"])
    told = decode(data, delivery_id, at_ms)
    if told is None:
        return Decoded(ignored=[name])
    return Decoded([told]) if isinstance(told, LiveEvent) else Decoded(notices=[told])


def _is_ours(broadcaster: object, options: Options) -> bool:
    # An app has one URL for all its channels, so a delivery may be another room's.
    room = options.room
    if not room or type(broadcaster) is not dict or not broadcaster:
        return True
    if options.broadcaster_id:
        return optional_integer(broadcaster, "user_id") == options.broadcaster_id
    slug = broadcaster.get("channel_slug")
    return slug == room or (type(slug) is str and slug.casefold() == room.casefold())
