"""Kick's Pusher socket: nobody documents what the site sends there, Pusher documents how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceThrottledError
from bridge.events import LiveEvent
from bridge.sources.codecs.results import without_event
from bridge.sources.contract import NOTHING, Decoded, Frame, HttpAnswer, HttpCall, QuietDecoder
from bridge.sources.fields import as_object, optional_integer, parse_json, text
from bridge.sources.platforms.kick.channel import Watch
from bridge.sources.platforms.kick.messages import SOCKET_IGNORED, SOCKET_MESSAGES, TOLD_BEFORE_BY, Read

HEARTBEAT_SECS = 10.0
"""How often silence is looked at; a ping goes out only after ``PING_AFTER_SECS`` of it."""
PING_AFTER_SECS = 30.0
SILENCE_TIMEOUT_SECS = 75.0
TOLD_TWICE_MS = 60_000
MAX_REMEMBERED = 1_000
PAUSE_SECS = 5.0

_NAMESPACE = "App\\Events\\"
_READ = {prefix + name: (name, read) for name, read in SOCKET_MESSAGES.items() for prefix in ("", _NAMESPACE)}
_PING = orjson.dumps({"event": "pusher:ping", "data": {}}).decode()
_PONG = orjson.dumps({"event": "pusher:pong", "data": {}}).decode()


class PusherDecoder(QuietDecoder):
    """One socket connection to one chatroom and, where its number is known, its channel."""

    def __init__(self, chatroom_id: int = 0, channel_id: int = 0, watch: Watch | None = None) -> None:
        self._channels = channel_names(chatroom_id, channel_id)
        self._watch = watch
        self._ping_after_secs = PING_AFTER_SECS
        self._quiet_secs = 0.0
        self._told: dict[tuple[str, str], int] = {}

    def feed(self, frame: Frame) -> Decoded:
        """Decode one text frame."""
        self._quiet_secs = 0.0
        try:
            return self._message(parse_json(frame.data, "frame"), frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=[error])

    def heartbeat(self) -> Sequence[bytes | str]:
        """Ping after enough silence; the answer ends it."""
        self._quiet_secs += HEARTBEAT_SECS
        return (_PING,) if self._quiet_secs >= self._ping_after_secs else ()

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Hand the answer to the watch that asked."""
        return self._watch.answered(call, answer, received_at_ms) if self._watch else NOTHING

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Read a Pusher close code (vendor documentation)."""
        return close_meaning(code)

    def _message(self, message: Any, at_ms: int) -> Decoded:
        name = text(message, "event")
        data = message.get("data")
        if type(data) is str:
            data = parse_json(data, "data")
        known = _READ.get(name)
        if known is not None:
            short_name, read = known
            return self._event(short_name, read, data, at_ms)
        if name.startswith("pusher"):
            return self._protocol(name, data)
        name = name.removeprefix(_NAMESPACE)
        return without_event(name, known=name in SOCKET_IGNORED)

    def _event(self, name: str, read: Read, data: Any, at_ms: int) -> Decoded:
        try:
            told = read(as_object(data), "", at_ms)
        except DecodeError as error:
            raise error.within("data") from None
        if isinstance(told, LiveEvent):
            if name in TOLD_BEFORE_BY and self._is_repeat(name, told, at_ms):
                return Decoded(ignored=[name])
            return Decoded((told,))
        if told is None:
            return Decoded(ignored=[name])
        if self._watch:
            self._watch.noticed(told)
        return Decoded(notices=[told])

    def _protocol(self, name: str, data: Any) -> Decoded:
        if name == "pusher:connection_established":
            announced_secs = optional_integer(data, "activity_timeout")
            if announced_secs > 0:
                self._ping_after_secs = min(PING_AFTER_SECS, float(announced_secs))
            return Decoded(ignored=[name], replies=[subscribe(channel) for channel in self._channels])
        if name == "pusher:ping":
            return Decoded(ignored=[name], replies=[_PONG])
        if name == "pusher:error":
            code = optional_integer(data, "code")
            return Decoded(ignored=[name], end=close_meaning(code) if code else None)
        return without_event(name, known=name in PROTOCOL_IGNORED)

    def _is_repeat(self, name: str, event: LiveEvent, at_ms: int) -> bool:
        assert event.user is not None
        if event.user.masked:
            return False
        who = event.user.name.casefold()
        for other in TOLD_BEFORE_BY[name]:
            told_at_ms = self._told.get((other, who))
            if told_at_ms is not None and 0 <= at_ms - told_at_ms <= TOLD_TWICE_MS:
                return True
        self._told.pop((name, who), None)
        self._told[name, who] = at_ms
        if len(self._told) > MAX_REMEMBERED:
            del self._told[next(iter(self._told))]
        return False


PROTOCOL_IGNORED = frozenset(
    {
        "pusher:pong",
        "pusher:subscribe",
        "pusher:unsubscribe",
        "pusher:cache_miss",
        "pusher:subscription_count",
        "pusher:subscription_error",
        "pusher:subscription_succeeded",
        "pusher_internal:subscription_count",
        "pusher_internal:subscription_succeeded",
    }
)


def channel_names(chatroom_id: int, channel_id: int) -> list[str]:
    """Return all names under which Kick publishes; which event comes on which has changed over time."""
    names = (
        [f"chatrooms.{chatroom_id}.v2", f"chatrooms.{chatroom_id}", f"chatroom_{chatroom_id}"] if chatroom_id else []
    )
    return names + ([f"channel.{channel_id}", f"channel_{channel_id}"] if channel_id else [])


def subscribe(channel: str) -> str:
    """Return the frame that subscribes to a public channel."""
    return orjson.dumps({"event": "pusher:subscribe", "data": {"auth": "", "channel": channel}}).decode()


def close_meaning(code: int) -> SourceError | None:
    """Return what a Pusher code asks of us: 4000 to 4099 stay away, 4100 to 4199 wait, all others dial again."""
    if 4000 <= code <= 4099:
        return SourceAuthError(f"websocket_url: Kick's socket turns us away for good (code {code}): its key may be new")
    if 4100 <= code <= 4199:
        return SourceThrottledError(f"Kick's socket is over capacity (code {code})", PAUSE_SECS)
    return None
