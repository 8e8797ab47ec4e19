"""Kuaishou's official interactive push: the platform calls us with comments, likes and gifts.

For approved apps; the room code comes from the live companion (快手直播伴侣). The platform signs the raw body
with the app's secret. With the app's id the bridge binds the room itself and fetches gifts whose push got lost.
No capture of a real push is at hand: bodies after the vendor's documentation.

Nothing is guessed of the pushes. Left out: the receipts (``interactive/ack``) and ``smallPlay/round``, which
rank players and change nothing in what is pushed.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from bridge.errors import DecodeError, PushRefusedError
from bridge.events import EventType
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
from bridge.sources.fields import parse_json
from bridge.sources.platforms.kuaishou_push.items import MESSAGES, decode_push, sent_at_ms
from bridge.sources.platforms.kuaishou_push.options import Options, call_signature, push_signature
from bridge.sources.platforms.kuaishou_push.tasks import TaskDecoder, read_token, token_call

__all__ = ["MESSAGES", "PLATFORM", "Options", "call_signature", "push_signature"]

TOLERANCE_MS = 600_000
"""How old a push may be: as long as a gift is worth reporting. The platform sets no window."""

ACCEPTED = b'{"result":1,"errorMsg":""}'


class Receiver:
    """Verifies on the raw bytes, then decodes."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def receive(self, request: PushRequest) -> PushAnswer:
        """Take one push. Repeats are told by a gift's ``uniqueNo``, or the message's id and the place in it."""
        secret = self._options.app_secret
        given = request.headers.get("kwaisign", "").lower().encode("utf-8", "replace")
        if not (secret and hmac.compare_digest(push_signature(request.body, secret).encode(), given)):
            raise PushRefusedError(401, "kwaisign is missing or wrong: is app_secret the app's?")
        try:
            value = parse_json(request.body)
        except DecodeError as error:
            return PushAnswer(Decoded(rejected=[error]), body=ACCEPTED)
        at_ms = sent_at_ms(value)
        if at_ms is not None and abs(request.received_at_ms - at_ms) > TOLERANCE_MS:
            raise PushRefusedError(401, "timestamp is more than 10 minutes off")
        return PushAnswer(decode_push(value, self._options.room, request.received_at_ms), body=ACCEPTED)


class OfflineDecoder(QuietDecoder):
    """Reads captured bodies."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def feed(self, frame: Frame) -> Decoded:
        """Decode one body."""
        try:
            value = parse_json(frame.data)
        except DecodeError as error:
            return Decoded(rejected=[error])
        return decode_push(value, self._options.room, frame.received_at_ms)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Get a token and bind the room; nothing to do without the app's id and the room's code."""
    if not (options.app_id and options.room):
        return ()
    token = read_token(await http.send(token_call(options)), http.now_ms())
    return (Connection(Endpoint(transport=Transport.POLLING), TaskDecoder(options, token, http.now_ms())),)


PLATFORM = Platform(
    name="kuaishou_push",
    title="Kuaishou",
    route="official interactive push: the platform calls us",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.LIKE, EventType.GIFT),
    options=Options,
    offline_decoder=OfflineDecoder,
    locate=locate,
    receiver=Receiver,
)
