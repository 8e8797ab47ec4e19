"""One connection to the hub: joining, unwrapping, and telling new messages from updates of old ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from bridge.errors import DecodeError
from bridge.events import Content, Gift, LiveEvent, PaidMessage, Streak, plausible_timestamp_ms
from bridge.secret import Secret
from bridge.sources.codecs.results import joined
from bridge.sources.contract import Decoded, Frame, Notice, QuietDecoder
from bridge.sources.fields import as_integer, optional_text, parse_json
from bridge.sources.platforms.social_stream.events import IGNORED, MESSAGES, Hub, amount_of
from bridge.sources.platforms.social_stream.message import Message, digest

CHAT_CHANNEL = 4
"""The hub's channel of captured chat; what we would send would go out on another."""
COMMAND_CHANNEL = 3

MAX_DEPTH = 4
MAX_ITEMS = 1_000
MAX_NAME_CHARS = 64

UPDATE_MS = 600_000
"""For how long a message may be updated; later its number belongs to another (the hub itself waits ten minutes)."""
MAX_THREADS = 5_000

WRAPPERS = ("overlayNinja", "value")
CONTROL_KEYS = frozenset(
    {"action", "aiEventResponse", "callback", "delete", "get", "join", "response", "result", "ssnControl", "ssnState"}
)
"""What marks commands and their answers; they share the socket with the chat."""


@dataclass(slots=True)
class Thread:
    """A message that may still be updated: when it first came, what it said of money, and its gift's first name."""

    first_at_ms: int
    amount: str
    event: str
    print: str
    has_money: bool
    gift_name: str = ""


class HubDecoder(QuietDecoder):
    """Reads what the hub relays."""

    def __init__(self, session: Secret | None = None) -> None:
        self._session = session or Secret()
        self._hub = Hub()
        self._threads: dict[str, Thread] = {}

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
        if depth > MAX_DEPTH:
            raise DecodeError("", f"is wrapped more than {MAX_DEPTH} times")
        if type(value) is list:
            return self._array(value, at_ms, depth)
        if type(value) is not dict:
            raise DecodeError("", f"is {type(value).__name__}, an object or an array expected")
        if CONTROL_KEYS & value.keys():
            return Decoded(ignored=("control",))
        for wrapper in WRAPPERS:
            if "type" not in value and type(value.get(wrapper)) in (dict, list):
                return self._value(value[wrapper], at_ms, depth + 1)
        if "type" not in value and "chatname" not in value and "event" not in value:
            return Decoded(unknown=("no message",))
        return self._message(Message(value, at_ms))

    def _array(self, items: list[Any], at_ms: int, depth: int) -> Decoded:
        parts: list[Decoded] = []
        for number, item in enumerate(items[:MAX_ITEMS]):
            try:
                parts.append(self._value(item, at_ms, depth + 1))
            except DecodeError as error:
                parts.append(Decoded(rejected=(DecodeError(f"[{number}]", str(error)),)))
        if len(items) > MAX_ITEMS:
            parts.append(Decoded(rejected=(DecodeError("", f"has more than {MAX_ITEMS} messages"),)))
        return joined(parts)

    def _message(self, message: Message) -> Decoded:
        name = message.event[:MAX_NAME_CHARS]
        read = MESSAGES.get(message.event)
        if read is None:
            return Decoded(ignored=(name,)) if message.event in IGNORED else Decoded(unknown=(name,))
        told = read(message, self._hub)
        if told is None:
            return Decoded(ignored=(f"{name or 'chat'}/nothing",))
        if isinstance(told, Notice):
            return Decoded(notices=(told,))
        event = self._event(message, told)
        return Decoded(events=(event,)) if event else Decoded(ignored=("update",))

    def _event(self, message: Message, content: Content) -> LiveEvent | None:
        """Return the event, ``None`` for an update that adds nothing.

        Amounts of one thread are running totals: the streak counts what each adds. Money that comes later than the
        words it belongs to is a gift of its own.
        """
        moment_ms = plausible_timestamp_ms(_timestamp_ms(message), message.at_ms)
        key = _streak_key(message) if isinstance(content, Gift) else ""
        thread_key = key or message.thread()
        if not thread_key:
            return LiveEvent(moment_ms, content)
        thread, is_known = self._thread(thread_key, message, content)
        if isinstance(content, Gift):
            # "1 rose" and "2 roses" are one combo.
            thread.gift_name = thread.gift_name or content.name
            gift = replace(content, name=thread.gift_name)
            ended = message.meta.get("repeatEnd") in (True, 1)
            return LiveEvent(moment_ms, gift, "", Streak(digest(thread_key, str(thread.first_at_ms)), ended))
        event_id = message.strong_id() or digest(thread_key, str(thread.first_at_ms))
        if not is_known:
            return LiveEvent(moment_ms, content, event_id)
        if isinstance(content, PaidMessage) and not thread.has_money:
            thread.has_money = True
            return LiveEvent(moment_ms, content.gift, f"{event_id}/money")
        return None

    def _thread(self, key: str, message: Message, content: Content) -> tuple[Thread, bool]:
        """Return the message's thread, and whether this is an update or a copy of what it began with."""
        amount = amount_of(message)
        has_money = isinstance(content, Gift | PaidMessage)
        words = message.words() if not has_money else ""
        mark = digest(words, type(content).__name__)
        known = self._threads.pop(key, None)
        if known is not None and message.at_ms - known.first_at_ms <= UPDATE_MS:
            is_update = amount != known.amount or message.event != known.event or mark == known.print
            if is_update or bool(message.strong_id()) or has_money:
                self._threads[key] = known
                return known, True
        thread = Thread(message.at_ms, amount, message.event, mark, has_money)
        self._threads[key] = thread
        if len(self._threads) > MAX_THREADS:
            del self._threads[next(iter(self._threads))]
        return thread, False


def _streak_key(message: Message) -> str:
    """Return what names a combo of TikTok's: its own group, or the hub's number for what its page showed."""
    meta = message.meta
    parts = [optional_text(meta, key) for key in ("groupId", "giftId", "tiktokGiftSenderId")]
    if all(parts) and parts[0] != "0":
        return "/".join(parts)
    return optional_text(meta, "tiktokGiftStreakId")


def _timestamp_ms(message: Message) -> int:
    """Return the message's time where the hub passes one on, in ms or seconds; 0 for none."""
    stamp = as_integer(message.fields.get("timestamp")) or 0
    return stamp * 1000 if 0 < stamp < 100_000_000_000 else stamp
