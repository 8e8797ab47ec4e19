"""Huya's web socket: comments, gifts, entries of VIPs, show start and end.

Route: ``wss://cdnws.api.huya.com`` as Huya's own player uses it, anonymous, binary frames of TARS. There are no
likes, no follows, no ordinary joins, no times, and what is called an attendee count (8006) is a heat number.
Nothing is sent again after a reconnect.

Checked against ``captures/huya``: the frames of requests and answers, and a room's comments as another program
had decoded them (with their badges as raw TARS). No raw comment or gift frame was at hand: their tags come from
community sources, which agree. Guessed: that a registration's answer other than 0 is a refusal.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bridge.errors import DecodeError, RoomNotFoundError, SourceThrottledError, SourceUnavailableError
from bridge.events import EventType, LiveEvent
from bridge.sources.codecs import tars
from bridge.sources.codecs.results import joined
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpAnswer,
    HttpCall,
    HttpClient,
    Officialness,
    Platform,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import integer, optional_integer, parse_json, sequence, text
from bridge.sources.platforms.huya.messages import IGNORED, MESSAGES, raw


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Options of a Huya source."""

    anchor_uid: int = 0
    """The anchor's uid, if it is known: then the room's page is not asked for it."""

    api_base: str = ""
    """Scheme, host and port for the room's page, instead of www.huya.com."""

    websocket_url: str = ""
    """The whole socket URL, instead of Huya's two."""

    def __post_init__(self) -> None:
        if self.anchor_uid < 0:
            raise ValueError("anchor_uid: is negative: the anchor's uid, or 0 to look it up")
        if not self.room and not self.anchor_uid:
            raise ValueError("room: is missing: the number or the name in the room's address, www.huya.com/<room>")


PAGE_URL = "https://www.huya.com/"
SOCKET_URLS = ("wss://cdnws.api.huya.com/", "wss://wsapi.huya.com/")
BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Origin": "https://www.huya.com",
}

HEARTBEAT_INTERVAL_SECS = 60.0
SILENCE_TIMEOUT_SECS = 150.0
THROTTLED_SECS = 60.0
MAX_FRAME_BYTES = 1024 * 1024

_REGISTER_GROUPS, _REGISTERED, _HEARTBEAT, _PUSH, _PUSH_BATCH = 16, 17, 20, 7, 22

_MAX_PAGE_BYTES = 2 * 1024 * 1024
_UIDS = (
    re.compile(rb'"lp"\s*:\s*"?([1-9][0-9]{0,18})\b'),
    re.compile(rb'"lPresenterUid"\s*:\s*"?([1-9][0-9]{0,18})\b'),
    re.compile(rb'"yyid"\s*:\s*"?([1-9][0-9]{0,18})\b'),
)

IGNORED_COMMANDS: dict[int, str] = {
    1: "RegisterReq",
    2: "RegisterRsp",
    3: "WupReq",
    4: "WupRsp",
    5: "HeartBeat",
    6: "HeartBeatAck",
    16: "RegisterGroupReq",
    17: "RegisterGroupRsp",
    19: "UnRegisterGroupRsp",
    20: "HeartBeatReq",
    21: "HeartBeatRsp",
    24: "UpdateUserExpsRsp",
    26: "WSHistoryMsgRsp",
    27: "EnterP2P",
    29: "ExitP2P",
    32: "SyncGroupRsp",
    34: "UpdateUserInfoRsp",
    36: "MsgAckRsp",
}
"""Frames that carry no pushed message."""


def command(kind: int, body: bytes, request_id: int) -> bytes:
    """Return a socket command as the site's player writes it."""
    return (
        tars.integer(0, kind)
        + tars.data(1, body)
        + tars.integer(2, request_id)
        + tars.text(3, "")
        + tars.integer(4, 0)
        + tars.integer(5, 0)
        + tars.text(6, "")
    )


class HuyaDecoder(QuietDecoder):
    """One socket's protocol."""

    def __init__(self, anchor_uid: int) -> None:
        self._anchor_uid = anchor_uid

    def greeting(self) -> Sequence[bytes | str]:
        """Register for the room's two groups."""
        groups = tars.texts(0, (f"live:{self._anchor_uid}", f"chat:{self._anchor_uid}")) + tars.text(1, "")
        return (command(_REGISTER_GROUPS, groups, 1),)

    def heartbeat(self) -> Sequence[bytes | str]:
        """Return an empty heartbeat, as observed."""
        return (
            tars.integer(0, _HEARTBEAT)
            + tars.data(1, b"")
            + tars.integer(2, 0)
            + tars.text(3, "")
            + tars.integer(4, 0),
        )

    def followed(self) -> HuyaDecoder:
        """Return the decoder of another connection to the same room."""
        return HuyaDecoder(self._anchor_uid)

    def feed(self, frame: Frame) -> Decoded:
        """Decode a frame; as text, a frame in hex or one push as JSON ``{"uri": …, "sMsg": base64}``."""
        try:
            if isinstance(frame.data, str):
                return self._captured(frame.data, frame.received_at_ms)
            return self._command(frame.data, frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _captured(self, line: str, at_ms: int) -> Decoded:
        try:
            return self._command(bytes.fromhex(line), at_ms)
        except ValueError:
            pass
        message = parse_json(line)
        uri = integer(message, "uri")
        try:
            body = base64.b64decode(text(message, "sMsg"), validate=True)
        except (binascii.Error, ValueError):
            raise DecodeError("sMsg", "is not base64") from None
        return self._push(uri, body, optional_integer(message, "lMsgId"), at_ms)

    def _command(self, data: bytes, at_ms: int) -> Decoded:
        fields = tars.read_struct(data, "command")
        kind = integer(fields, 0, "command")
        if kind == _PUSH:
            push = tars.read_struct(raw(fields, 1, "command"), "push")
            return self._push(integer(push, 1, "push"), raw(push, 2, "push"), optional_integer(push, 5), at_ms)
        if kind == _PUSH_BATCH:
            batch = tars.read_struct(raw(fields, 1, "command"), "batch")
            return joined([self._item(item, at_ms) for item in sequence(batch, 1, "batch")])
        if kind == _REGISTERED:
            answer = tars.read_struct(raw(fields, 1, "command"), "registered")
            if code := optional_integer(answer, 0):
                return Decoded(end=SourceUnavailableError(f"Huya refused to register us for the room (code {code})"))
        name = IGNORED_COMMANDS.get(kind)
        return Decoded(ignored=(name,)) if name else Decoded(unknown=(f"command {kind}",))

    def _item(self, item: Any, at_ms: int) -> Decoded:
        try:
            return self._push(integer(item, 0, "item"), raw(item, 1, "item"), optional_integer(item, 2), at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _push(self, uri: int, body: bytes, message_id: int, at_ms: int) -> Decoded:
        decode = MESSAGES.get(uri)
        if decode is None:
            name = IGNORED.get(uri)
            return Decoded(ignored=(f"{uri} {name}",)) if name else Decoded(unknown=(f"uri {uri}",))
        try:
            result = decode(tars.read_struct(body, str(uri)), str(message_id) if message_id else "", at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        if isinstance(result, LiveEvent):
            return Decoded((result,))
        return Decoded(ignored=(f"{uri} without words",)) if result is None else Decoded(notices=(result,))


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Find the anchor's uid and return Huya's sockets.

    Raises ``RoomNotFoundError``, ``SourceThrottledError``, or ``SourceUnavailableError`` for a page that names no
    uid. An offline room can be joined like any other and says when the show begins.
    """
    anchor_uid = options.anchor_uid or await _anchor_uid(options, http)
    urls = (options.websocket_url,) if options.websocket_url else SOCKET_URLS
    return [Connection(_endpoint(url), HuyaDecoder(anchor_uid)) for url in urls]


async def _anchor_uid(options: Options, http: HttpClient) -> int:
    url = f"{PAGE_URL}{quote(options.room, safe='')}"
    answer = await http.send(HttpCall("GET", options.api_url(url), headers=BROWSER_HEADERS, tag="page"))
    _check(options, answer)
    page = answer.body[:_MAX_PAGE_BYTES]
    for pattern in _UIDS:
        if found := pattern.search(page):
            return int(found[1])
    raise SourceUnavailableError(f"Huya's page of room {options.room} names no uid: set anchor_uid")


def _check(options: Options, answer: HttpAnswer) -> None:
    if answer.status == 404:
        raise RoomNotFoundError(f"Huya has no room {options.room}")
    if answer.status == 429:
        raise SourceThrottledError("Huya answers that we ask too often", answer.retry_after_secs(THROTTLED_SECS))
    if answer.status != 200:
        raise SourceUnavailableError(f"Huya's room page answers HTTP {answer.status}")


def _endpoint(url: str) -> Endpoint:
    return Endpoint(
        url,
        headers=BROWSER_HEADERS,
        heartbeat_interval_secs=HEARTBEAT_INTERVAL_SECS,
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
        max_frame_bytes=MAX_FRAME_BYTES,
        answers_pings=False,
    )


PLATFORM = Platform(
    name="huya",
    title="Huya (虎牙)",
    route="web socket (TARS)",
    officialness=Officialness.UNOFFICIAL,
    event_types=(EventType.COMMENT, EventType.JOIN, EventType.GIFT),
    options=Options,
    offline_decoder=lambda options: HuyaDecoder(options.anchor_uid),
    locate=locate,
)
