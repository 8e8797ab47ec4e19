"""Douyu's chat socket: comments, paid comments, gifts, noted viewers' entries, show start and end.

Route: ``wss://danmuproxy.douyu.com:8501`` to 8506, anonymous, binary frames of STT. The vendor
documented it once for developers; web clients use the same. There are no likes, no follows and no
viewer count. Nothing is sent again after a reconnect.

Checked against the real messages of 2020 to 2023 in ``captures/douyu``. From community sources and not in
those captures: ``comm_chatmsg``, ``dfobc``/``dfrbc``, ``rss``. Guessed: that ``error`` means a lost session,
that the server may leave WebSocket pings unanswered, the number codes of a prop's ``priceType``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bridge.errors import DecodeError, RoomNotFoundError, SourceThrottledError, SourceUnavailableError
from bridge.events import EventType, LiveEvent
from bridge.sources.codecs import stt
from bridge.sources.codecs.results import joined, without_event
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
from bridge.sources.fields import identifier, mapping, optional_integer
from bridge.sources.platforms.douyu.gifts import MAX_QUESTIONS, GiftTable, check_prices, is_id, question, room_list_call
from bridge.sources.platforms.douyu.messages import IGNORED, MESSAGES, name_of


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Options of a Douyu source."""

    api_base: str = ""
    """Scheme, host and port for the room and gift look-ups, instead of www.douyu.com and gift.douyucdn.cn."""

    websocket_url: str = ""
    """The whole socket URL, instead of danmuproxy's six ports. Alone it makes a numeric room look nothing up by HTTP."""

    gift_prices: Mapping[str | int, Mapping[str, Any]] = field(default_factory=dict)
    """Names and prices that win over Douyu's lists: gift id (or ``pid:`` and prop id) to ``{name, price}``, 1/100 yuchi."""

    def __post_init__(self) -> None:
        check_prices(self.gift_prices)
        if not self.room:
            raise ValueError("room: is missing: the number or the name in the room's address, www.douyu.com/<room>")

    @property
    def may_look_up(self) -> bool:
        """Whether HTTP look-ups belong to this source: a socket pointed elsewhere has not Douyu's rooms behind it."""
        return bool(self.api_base) or not self.websocket_url or not self.has_number

    @property
    def has_number(self) -> bool:
        """Whether ``room`` is a number and not a vanity name."""
        return self.room.isascii() and self.room.isdecimal()


ROOM_URL = "https://www.douyu.com/betard/"
SOCKET_HOST = "wss://danmuproxy.douyu.com"
SOCKET_PORTS = (8501, 8502, 8503, 8504, 8505, 8506)

HEARTBEAT_INTERVAL_SECS = 45.0
SILENCE_TIMEOUT_SECS = 100.0
"""Two heartbeats, each of which the server answers, and some slack."""
THROTTLED_SECS = 60.0

ALL_GROUPS = "-9999"

BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Origin": "https://www.douyu.com",
}


class DouyuDecoder(QuietDecoder):
    """One socket's protocol. Without ``options`` it asks nothing about unknown gifts."""

    def __init__(self, room_id: str, gifts: GiftTable, options: Options | None = None) -> None:
        self._room_id = room_id
        self._gifts = gifts
        self._options = options
        self._asked: set[tuple[str, str]] = set()
        self._frames = stt.FrameReader()

    def greeting(self) -> Sequence[bytes | str]:
        """Log in; the room is joined once the server has answered."""
        return (stt.frame(stt.serialise({"type": "loginreq", "roomid": self._room_id})),)

    def heartbeat(self) -> Sequence[bytes | str]:
        """Return the heartbeat, which the server sends back."""
        return (stt.frame("type@=mrkl/"),)

    def followed(self) -> DouyuDecoder:
        """Return the decoder of another connection to the same room."""
        return DouyuDecoder(self._room_id, self._gifts, self._options)

    def feed(self, frame: Frame) -> Decoded:
        """Decode a chunk of frames, or one bare STT message as text."""
        if isinstance(frame.data, str):
            return self._message(frame.data.rstrip("\0\r\n"), frame.received_at_ms)
        texts, problems = self._frames.feed(frame.data)
        if len(texts) == 1 and not problems:
            return self._message(texts[0], frame.received_at_ms)
        read = [Decoded(rejected=problems)] if problems else []
        return joined(read + [self._message(text, frame.received_at_ms) for text in texts])

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Learn what an unknown gift was; the next one of its kind will have a name and a price."""
        try:
            self._gifts.learn(call, answer)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        return Decoded()

    def _message(self, text: str, at_ms: int) -> Decoded:
        try:
            fields = stt.parse(text)
            name = name_of(fields)
            decode = MESSAGES.get(name)
            if decode is None:
                return self._without_event(name, fields)
            result = decode(fields, at_ms, self._gifts)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        if isinstance(result, LiveEvent):
            return Decoded((result,), calls=self._questions(fields) if name == "dgb" else ())
        return Decoded(ignored=(name,)) if result is None else Decoded(notices=(result,))

    def _without_event(self, name: str, fields: dict[str, str]) -> Decoded:
        if name in ("loginres", "loginresp"):
            join = {"type": "joingroup", "rid": self._room_id, "gid": ALL_GROUPS}
            return Decoded(ignored=(name,), replies=(stt.frame(stt.serialise(join)),))
        if name == "error":
            code = optional_integer(fields, "code", -1)
            return Decoded(end=SourceUnavailableError(f"Douyu ended the session with error {code}"))
        return without_event(name, known=name in IGNORED)

    def _questions(self, fields: dict[str, str]) -> Sequence[HttpCall]:
        """Ask about an unpriced gift, once each."""
        gift_id, prop_id = stt.value(fields, "gfid"), stt.value(fields, "pid")
        key = (gift_id, prop_id if is_id(prop_id) else "")
        if self._options is None or key in self._asked or len(self._asked) >= MAX_QUESTIONS:
            return ()
        if not is_id(gift_id) or self._gifts.look_up(gift_id, prop_id).price is not None:
            return ()
        self._asked.add(key)
        return (question(self._options, self._room_id, prop_id),)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Find the room's number and its gifts, and return danmuproxy's ports, beginning with another one each room.

    Raises ``RoomNotFoundError``, ``SourceThrottledError`` or ``SourceUnavailableError``. A gift list that cannot
    be had costs prices and not the room. Douyu chats also while a room is offline, so offline is no error.
    """
    gifts = GiftTable(options.gift_prices)
    room_id = options.room
    asking = None
    if options.may_look_up:
        asking = options
        room_id = await _room_id(options, http)
        await _learn_gifts(options, http, room_id, gifts)
    return [Connection(_endpoint(url), DouyuDecoder(room_id, gifts, asking)) for url in _socket_urls(options, room_id)]


async def _room_id(options: Options, http: HttpClient) -> str:
    """Return the real number of a room. A number that cannot be looked up is taken for the real one."""
    url = f"{ROOM_URL}{quote(options.room, safe='')}"
    call = HttpCall("GET", options.api_url(url), headers=BROWSER_HEADERS, tag="room")
    try:
        return _read_room_id(options, await http.send(call))
    except SourceUnavailableError:
        if options.has_number:
            return options.room
        raise


def _read_room_id(options: Options, answer: HttpAnswer) -> str:
    if answer.status == 404 and not options.websocket_url:
        raise RoomNotFoundError(f"Douyu has no room {options.room}")
    if answer.status == 429:
        raise SourceThrottledError("Douyu answers that we ask too often", answer.retry_after_secs(THROTTLED_SECS))
    if answer.status != 200:
        raise SourceUnavailableError(f"Douyu's room look-up answers HTTP {answer.status}")
    try:
        return identifier(mapping(answer.json(), "room"), "room_id", "room")
    except DecodeError as error:
        raise SourceUnavailableError(f"Douyu's room look-up cannot be read: {error}") from None


async def _learn_gifts(options: Options, http: HttpClient, room_id: str, gifts: GiftTable) -> None:
    call = room_list_call(options, room_id)
    try:
        gifts.learn(call, await http.send(call))
    except (SourceUnavailableError, DecodeError):
        return


def _socket_urls(options: Options, room_id: str) -> Sequence[str]:
    if options.websocket_url:
        return (options.websocket_url,)
    first = sum(room_id.encode()) % len(SOCKET_PORTS)
    return [f"{SOCKET_HOST}:{port}/" for port in SOCKET_PORTS[first:] + SOCKET_PORTS[:first]]


def _endpoint(url: str) -> Endpoint:
    return Endpoint(
        url,
        headers=BROWSER_HEADERS,
        heartbeat_interval_secs=HEARTBEAT_INTERVAL_SECS,
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
        max_frame_bytes=stt.MAX_MESSAGE_BYTES,
        answers_pings=False,
    )


PLATFORM = Platform(
    name="douyu",
    title="Douyu (斗鱼)",
    route="chat socket (danmuproxy)",
    officialness=Officialness.TOLERATED,
    event_types=(EventType.COMMENT, EventType.JOIN, EventType.GIFT),
    options=Options,
    offline_decoder=lambda options: DouyuDecoder(options.room, GiftTable(options.gift_prices)),
    locate=locate,
)
