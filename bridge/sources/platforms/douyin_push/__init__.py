"""Douyin's official data push: the platform calls us with comments, gifts, likes and fans club news.

The app must be approved for the capability and mounted in the room by the anchor. Each message type has a
push secret of its own, with which the platform signs the raw body and four headers. With the app's id and
secret the bridge also starts and stops the push tasks and fetches gifts whose push failed. Signatures
checked against the documentation's vectors, a page of lost gifts against a captured one, both in
``captures/douyin_push``.

Guessed: the gifts' names (ids are opaque, a short table is shipped), ``live_follow`` and ``live_enter``
(not among the documented types, taken if they come).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from bridge.errors import PushRefusedError
from bridge.events import EventType
from bridge.secret import Secret
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpClient,
    Officialness,
    Platform,
    PushAnswer,
    PushRequest,
    QuietDecoder,
    Transport,
)
from bridge.sources.fields import as_integer
from bridge.sources.platforms.douyin_push.items import MESSAGES, decode_body
from bridge.sources.platforms.douyin_push.options import Options
from bridge.sources.platforms.douyin_push.tasks import (
    TaskDecoder,
    read_room,
    read_token,
    room_call,
    token_call,
)

__all__ = ["MESSAGES", "PLATFORM", "Options", "signature"]

SIGNED_HEADERS = ("x-msg-type", "x-nonce-str", "x-roomid", "x-timestamp")
"""In the order of their names, as they are signed."""

TOLERANCE_MS = 300_000
"""How old a push may be. The platform sets no window; without one a recorded call could be sent again for ever."""

ACCEPTED = b'{"err_no":0,"err_msg":"ok"}'


def signature(headers: Mapping[str, str], body: bytes, secret: Secret) -> str:
    """Return ``x-signature``: base64 of the MD5 of the headers as ``k=v&…``, the raw body and the secret."""
    signed = "&".join(f"{name}={headers.get(name, '')}" for name in SIGNED_HEADERS)
    digest = hashlib.md5(signed.encode("utf-8", "replace") + body, usedforsecurity=False)
    digest.update(secret.reveal().encode())
    return base64.b64encode(digest.digest()).decode()


class Receiver:
    """Verifies on the raw bytes, then decodes."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def receive(self, request: PushRequest) -> PushAnswer:
        """Take one push. Repeats are told by ``msg_id``, which is the event's id."""
        self._verify(request)
        headers = request.headers
        decoded = decode_body(
            request.body,
            self._options,
            request.received_at_ms,
            kind=headers.get("x-msg-type", ""),
            room=headers.get("x-roomid") or headers.get("x-room-id", ""),
        )
        return PushAnswer(decoded, body=ACCEPTED)

    def _verify(self, request: PushRequest) -> None:
        headers = request.headers
        given = headers.get("x-signature", "")
        kind = headers.get("x-msg-type", "")
        secret = self._options.secrets.get(kind)
        if self._options.trust_unsigned and not (given and secret):
            return
        if not given:
            raise PushRefusedError(401, "x-signature is missing")
        if not secret:
            raise PushRefusedError(401, f"secrets: none is configured for {kind if kind in MESSAGES else 'this type'}")
        if not hmac.compare_digest(signature(headers, request.body, secret).encode(), given.encode("utf-8", "replace")):
            raise PushRefusedError(401, f"x-signature is wrong: is secrets.{kind} the console's?")
        sent_at_ms = as_integer(headers.get("x-timestamp"))
        if sent_at_ms is None or abs(request.received_at_ms - sent_at_ms) > TOLERANCE_MS:
            raise PushRefusedError(401, "x-timestamp is more than 5 minutes off")


class OfflineDecoder(QuietDecoder):
    """Reads captured bodies and pages of lost messages; an item's fields tell its type."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def feed(self, frame: Frame) -> Decoded:
        """Decode one body."""
        return decode_body(frame.data, self._options, frame.received_at_ms)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Get a token and the room, and start the tasks; nothing to do without the app's credentials."""
    if not options.app_secret:
        return ()
    token = read_token(await http.send(token_call(options)), http.now_ms())
    room = options.room or read_room(await http.send(room_call(options, token)))
    return (Connection(Endpoint(transport=Transport.POLLING), TaskDecoder(options, token, room, http.now_ms())),)


PLATFORM = Platform(
    name="douyin_push",
    title="Douyin",
    route="official data push: the platform calls us",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.LIKE, EventType.GIFT, EventType.FOLLOW),
    options=Options,
    offline_decoder=OfflineDecoder,
    locate=locate,
    receiver=Receiver,
)
