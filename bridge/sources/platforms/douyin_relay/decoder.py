"""One relay connection: tells the dialect by each frame's shape, keeps the rooms apart, and reads the messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import DecodeError, RoomNotFoundError, SourceError
from bridge.events import LiveEvent, plausible_timestamp_ms
from bridge.sources.codecs.combos import Combos
from bridge.sources.codecs.results import joined, without_event
from bridge.sources.contract import Decoded, Frame, Notice, NoticeKind, QuietDecoder
from bridge.sources.fields import (
    as_object,
    integer,
    optional_integer,
    optional_mapping,
    optional_text,
    parse_json,
    text,
)
from bridge.sources.platforms.douyin_relay import grab, webcast
from bridge.sources.platforms.douyin_relay.ignored import IGNORED
from bridge.sources.platforms.douyin_relay.options import (
    AUTO,
    BARRAGE_GRAB,
    DOUYIN_BARRAGE_GRAB,
    DOUYIN_LIVE,
    DYCAST,
    Options,
)
from bridge.sources.platforms.douyin_relay.told import CHANNELS, DOUYIN, KUAISHOU, Counted, Site, Told

MAX_ROOMS = 1_000
"""Room ids whose web number is remembered."""

MAX_ITEMS = 10_000
"""Of one array; real ones hold some dozens."""

PING, PONG = "ping", "pong"

SITES: Mapping[int, Site] = {0: DOUYIN, 1: DOUYIN, 2: KUAISHOU, 3: CHANNELS}
"""``Platform`` of the fork. 0 is its "unknown"; 3 is inferred."""

STATUS_NOTICES: Mapping[str, Notice | SourceError | None] = {
    "ROOM_ONLINE": Notice(NoticeKind.LIVE, "douyinLive says that the room is live"),
    "ROOM_ENDED": Notice(NoticeKind.ENDED, "douyinLive says that the live has ended"),
    "ROOM_OFFLINE": Notice(NoticeKind.ENDED, "douyinLive says that the room is not live"),
    "ACCOUNT_OFFLINE_NO_ROOM": Notice(NoticeKind.ENDED, "douyinLive says that the account has no room now"),
    "ROOM_NOT_FOUND": RoomNotFoundError("douyinLive says that there is no such room"),
    # A passing failure of its own: it keeps asking, and a new connection would make it worse.
    "ROOM_STATUS_UNKNOWN": None,
}
"""douyinLive's ``code`` (vendor documentation)."""

_SPREAD = frozenset({"secOpenid", "watchingCount"})
"""Keys of the fork alone: of its viewers, where they are spread over ``Data``, and of its statistics."""

_NAMES_NO_ROOM = frozenset({"", "0", "-1"})


class RelayDecoder(QuietDecoder):
    """Reads what one relay sends."""

    _settled: str
    """The dialect that the last telling frame spoke; two programs cannot share a port."""

    def __init__(self, options: Options) -> None:
        self._room = options.room
        self._fixed = "" if options.dialect == AUTO else options.dialect
        self._settled = self._fixed
        self._combos = Combos()
        self._web_rooms: dict[str, str] = {}

    def heartbeat(self) -> Sequence[bytes | str]:
        """Say ``ping`` to douyinLive. The others take any text for a command."""
        return (PING,) if self._settled == DOUYIN_LIVE else ()

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame."""
        try:
            return self._value(parse_json(frame.data), frame.received_at_ms)
        except DecodeError as error:
            # What douyinLive answers to a ping is the only text that is not JSON.
            return Decoded(ignored=(PONG,)) if frame.data in (PONG, b"pong") else Decoded(rejected=(error,))

    def _value(self, value: Any, at_ms: int) -> Decoded:
        if type(value) is dict:
            return self._message(value, at_ms)
        if type(value) is list:
            return self._array(value, at_ms)
        raise DecodeError("", f"is {type(value).__name__}, an object or an array expected")

    def _message(self, message: dict[str, Any], at_ms: int) -> Decoded:
        if "Data" in message and "Type" in message:
            return self._pack(message, at_ms)
        if message.get("type") == "system" and self._speaks(DOUYIN_LIVE):
            self._settled = DOUYIN_LIVE
            return _status(message)
        if "method" in message or "method" in optional_mapping(message, "common"):
            return self._webcast(message, at_ms)
        return Decoded(unknown=("no relay's message",))

    def _speaks(self, dialect: str) -> bool:
        return self._fixed in ("", dialect)

    def _array(self, items: list[Any], at_ms: int) -> Decoded:
        parts: list[Decoded] = []
        for number, item in enumerate(items[:MAX_ITEMS]):
            try:
                parts.append(self._webcast(as_object(item), at_ms))
            except DecodeError as error:
                parts.append(Decoded(rejected=(error.within(f"[{number}]"),)))
        if len(items) > MAX_ITEMS:
            parts.append(Decoded(rejected=(DecodeError("", f"has more than {MAX_ITEMS} messages"),)))
        return joined(parts)

    def _webcast(self, message: dict[str, Any], at_ms: int) -> Decoded:
        """Read a message of Douyin's own: the whole of it has ``common``, dycast's excerpt has not."""
        common = message.get("common")
        whole = type(common) is dict or "livename" in message
        dialect = DOUYIN_LIVE if whole else DYCAST
        if not self._speaks(dialect):
            return Decoded(unknown=(f"a message of {dialect}",))
        method = optional_text(message, "method") or text(common if whole else message, "method", "common" * whole)
        self._settled = dialect
        read = (webcast.DOUYIN_LIVE if whole else webcast.DYCAST).get(method)
        if read is None:
            # dycast forwards what it cannot excerpt by the same names
            return without_event(method, known=method in IGNORED or method in webcast.DOUYIN_LIVE)
        message_id = _id(common, "msgId") if whole else _id(message, "id")
        told = read(message, message_id, self._combos, at_ms)
        sent_at_ms = plausible_timestamp_ms(optional_integer(common, "createTime"), at_ms) if whole else at_ms
        return _decoded(told, method, message_id, sent_at_ms)

    def _pack(self, pack: dict[str, Any], at_ms: int) -> Decoded:
        packed = pack["Data"]
        data = as_object(parse_json(packed, "Data") if type(packed) is str else packed, "Data")
        kind = integer(pack, "Type")
        dialect = self._fixed or _told_apart(pack, data, kind) or self._settled
        program = grab.PROGRAMS.get(dialect)
        if program is None:
            return without_event(f"type {kind} of no certain program", known=False)
        self._settled = dialect
        if self._room and self._is_of_another_room(data):
            return Decoded(ignored=("other room",))
        read = program.messages.get(kind)
        if read is None:
            if kind in program.ignored:
                return Decoded(ignored=(program.ignored[kind],))
            return without_event(f"type {kind}", known=False)
        site = _site(pack, data)
        if site is None:
            return without_event(f"platform {optional_text(pack, 'Platform')}", known=False)
        message_id = _id(data, "MsgId")
        event_id = message_id if site is DOUYIN or not message_id else f"{site.name}/{message_id}"
        return _decoded(read(data, site), read.__name__, event_id, at_ms)

    def _is_of_another_room(self, data: dict[str, Any]) -> bool:
        """Tell whether a message names a room, and not ours.

        Not every message carries the web number beside the room id, so the pair is remembered.
        """
        room_id, web_room = optional_text(data, "RoomId"), optional_text(data, "WebRoomId")
        if room_id in _NAMES_NO_ROOM:
            return web_room not in _NAMES_NO_ROOM and web_room != self._room
        if web_room not in _NAMES_NO_ROOM:
            self._web_rooms[room_id] = web_room
            if len(self._web_rooms) > MAX_ROOMS:
                del self._web_rooms[next(iter(self._web_rooms))]
        return self._room not in (room_id, web_room, self._web_rooms.get(room_id))


def _told_apart(pack: dict[str, Any], data: dict[str, Any], kind: int) -> str:
    """Return the program whose shape this is, "" if both could have sent it."""
    user = data.get("User")
    if type(user) is dict:
        if "NickName" in user:
            return BARRAGE_GRAB
        if "Nickname" in user:
            return DOUYIN_BARRAGE_GRAB
    if "ProcessName" in pack or "Platform" in pack or type(pack["Data"]) is str or not _SPREAD.isdisjoint(data):
        return DOUYIN_BARRAGE_GRAB
    if "OnlineUserCount" in data:
        return {6: DOUYIN_BARRAGE_GRAB, 7: BARRAGE_GRAB}.get(kind, "")
    if user is None:
        return {9: DOUYIN_BARRAGE_GRAB, 8: BARRAGE_GRAB}.get(kind, "")
    return ""


def _site(pack: dict[str, Any], data: dict[str, Any]) -> Site | None:
    """Return the platform that a message is of, ``None`` for one that is not known.

    The fork's flattened form leaves ``Platform`` out; only its Kuaishou messages have no ids either.
    """
    if "Platform" in pack:
        return SITES.get(integer(pack, "Platform"))
    return KUAISHOU if "secOpenid" in data and "MsgId" not in data and "RoomId" not in data else DOUYIN


def _id(container: Any, key: str) -> str:
    message_id = optional_text(container, key)
    return "" if message_id in _NAMES_NO_ROOM else message_id


def _status(value: dict[str, Any]) -> Decoded:
    code = text(value, "code")
    if code not in STATUS_NOTICES:
        return without_event(code, known=False)
    meaning = STATUS_NOTICES[code]
    if isinstance(meaning, Notice):
        return Decoded(notices=(meaning,))
    return Decoded(ignored=(code,), end=meaning)


def _decoded(told: Told, name: str, event_id: str, timestamp_ms: int) -> Decoded:
    if told is None:
        return Decoded(ignored=(f"{name}/nothing",))
    if isinstance(told, Notice):
        return Decoded(notices=(told,))
    if isinstance(told, Counted):
        return Decoded((LiveEvent(timestamp_ms, told.gift, event_id, told.streak),))
    return Decoded((LiveEvent(timestamp_ms, told, event_id),))
