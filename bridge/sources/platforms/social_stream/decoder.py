"""One connection to the hub: joining, unwrapping, and telling new messages from updates of old ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from msgspec.structs import replace

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Gift, LiveEvent, PaidMessage, Streak
from bridge.secret import Secret
from bridge.sources.codecs.results import joined, without_event
from bridge.sources.contract import Decoded, Frame, Notice, QuietDecoder
from bridge.sources.fields import optional_text, parse_json
from bridge.sources.platforms.social_stream.events import IGNORED, MESSAGES, Hub
from bridge.sources.platforms.social_stream.message import Message, read_message

CHAT_CHANNEL = 4
"""The hub's channel of captured chat; what we would send would go out on another."""
COMMAND_CHANNEL = 3

MAX_DEPTH = 4
MAX_ITEMS = 1_000

UPDATE_MS = 600_000
"""For how long a message may be updated; later its number belongs to another (the hub itself waits ten minutes)."""
MAX_TOLD = 5_000

WRAPPERS = ("overlayNinja", "value")
CONTROL_KEYS = frozenset(
    {"action", "aiEventResponse", "callback", "delete", "get", "join", "response", "result", "ssnControl", "ssnState"}
)
"""What marks commands and their answers; they share the socket with the chat, and none says at its top who speaks."""


class HubDecoder(QuietDecoder):
    """Reads what the hub relays."""

    def __init__(self, session: Secret | None = None) -> None:
        self._session = session or Secret()
        self._hub = Hub()
        self._told: dict[str, LiveEvent] = {}

    def greeting(self) -> Sequence[bytes | str]:
        """Join the session, unless its id is in the URL already."""
        session = self._session.reveal()
        if not session:
            return ()
        return (orjson.dumps({"join": session, "in": CHAT_CHANNEL, "out": COMMAND_CHANNEL}).decode(),)

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame: a message, wrapped messages, or an array of them."""
        try:
            return self._value(parse_json(frame.data), frame.received_at_ms, 0)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _value(self, value: Any, at_ms: int, depth: int) -> Decoded:
        if type(value) is not dict:
            return self._array(value, at_ms, depth)
        if "chatname" not in value and not value.keys().isdisjoint(CONTROL_KEYS):
            return Decoded(ignored=("control",))
        if "type" in value:
            return self._message(read_message(value, at_ms))
        for wrapper in WRAPPERS:
            if type(value.get(wrapper)) in (dict, list):
                return self._value(value[wrapper], at_ms, _deeper(depth))
        if "chatname" in value or "event" in value:
            raise DecodeError("type", "is missing, the site's name expected")
        return Decoded(unknown=("no message",))

    def _array(self, items: Any, at_ms: int, depth: int) -> Decoded:
        if type(items) is not list:
            raise DecodeError("", f"is {type(items).__name__}, an object or an array expected")
        parts: list[Decoded] = []
        for number, item in enumerate(items[:MAX_ITEMS]):
            try:
                parts.append(self._value(item, at_ms, _deeper(depth)))
            except DecodeError as error:
                parts.append(Decoded(rejected=(DecodeError(f"[{number}]", str(error)),)))
        if len(items) > MAX_ITEMS:
            parts.append(Decoded(rejected=(DecodeError("", f"has more than {MAX_ITEMS} messages"),)))
        return joined(parts)

    def _message(self, message: Message) -> Decoded:
        read = MESSAGES.get(message.event)
        if read is None:
            return without_event(message.event, known=message.event in IGNORED)
        told = read(message, self._hub)
        if told is None:
            return Decoded(ignored=(f"{message.event or 'chat'}/nothing",))
        if isinstance(told, Notice):
            return Decoded(notices=(told,))
        if type(told) is Gift:
            return self._gift(message, told)
        moment_ms, own_id = message.moment_ms(), message.own_id()
        key = own_id or message.hub_id()
        first = self._told.get(key)
        if first is not None and not _is_over(first, moment_ms) and (own_id or _is_update(first.content, told)):
            return self._update(key, first, LiveEvent(moment_ms, told, own_id))
        event = LiveEvent(moment_ms, told, own_id)
        if key:
            self._remember(key, event)
        return Decoded((event,))

    def _update(self, key: str, first: LiveEvent, event: LiveEvent) -> Decoded:
        """Return what an update adds: money that comes later than the words it belongs to is a gift of its own."""
        content = event.content
        if type(content) is not PaidMessage or type(first.content) in (PaidMessage, Gift):
            return Decoded(ignored=("update",))
        self._told[key] = replace(first, content=content)
        return Decoded((LiveEvent(event.timestamp_ms, content.gift, event.id and f"{event.id}/money"),))

    def _gift(self, message: Message, gift: Gift) -> Decoded:
        """Return the event of a gift; under one id the amounts are running totals, the streak counts what each adds."""
        moment_ms = message.moment_ms()
        key = _streak_key(message) or message.own_id() or message.hub_id()
        if not key:
            return Decoded((LiveEvent(moment_ms, gift),))
        is_ended = message.meta.get("repeatEnd") in (True, 1)
        first = self._told.get(key)
        if first and first.streak and type(first.content) is Gift and not _is_over(first, moment_ms):
            # "1 rose" and "2 roses" are one combo.
            gift = replace(gift, name=first.content.name)
            return Decoded((LiveEvent(moment_ms, gift, "", Streak(first.streak.key, is_ended)),))
        event = LiveEvent(moment_ms, gift, "", Streak(f"{key}/{moment_ms}", is_ended))
        self._remember(key, event)
        return Decoded((event,))

    def _remember(self, key: str, event: LiveEvent) -> None:
        self._told[key] = event
        if len(self._told) > MAX_TOLD:
            # The older half at once: a dict is slow to give away its first one at a time.
            self._told = dict(list(self._told.items())[MAX_TOLD // 2 :])


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise DecodeError("", f"is wrapped more than {MAX_DEPTH} times")
    return depth + 1


def _is_over(first: LiveEvent, moment_ms: int) -> bool:
    """Tell whether what was told first can be updated no more."""
    return moment_ms - first.timestamp_ms > UPDATE_MS


def _is_update(first: Content, content: Content) -> bool:
    """Tell whether this can be the same message again. Other words under the same number are a restarted hub's."""
    if type(content) is Comment and isinstance(first, Comment | PaidMessage):
        return first.text == content.text
    return True


def _streak_key(message: Message) -> str:
    """Return what names a combo of TikTok's: its own group, or the hub's number for what its page showed."""
    meta = message.meta
    parts = [optional_text(meta, key) for key in ("groupId", "giftId", "tiktokGiftSenderId")]
    if all(parts) and parts[0] != "0":
        return "/".join(parts)
    return optional_text(meta, "tiktokGiftStreakId")
