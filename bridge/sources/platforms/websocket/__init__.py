"""Any socket that sends JSON: the room file says by JMESPath expressions what its messages mean.

For relays that nobody documents (Taobao, JD, Xiaohongshu, Meituan). Each rule of ``mapping`` has a condition,
an event type and an expression for each value; ``check --sample FILE`` shows what a mapping yields.

All of this is our own definition: there is no platform to be checked against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.errors import DecodeError
from bridge.events import EventType, LiveEvent
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpClient,
    Notice,
    NoticeKind,
    Officialness,
    Platform,
    QuietDecoder,
)
from bridge.sources.fields import parse_json
from bridge.sources.platforms.websocket.contents import event_of
from bridge.sources.platforms.websocket.expressions import is_true, type_name
from bridge.sources.platforms.websocket.options import Options
from bridge.sources.platforms.websocket.rules import MAX_ITEMS, Choice, Rule, compile_rules

MAX_MESSAGE_BYTES = 1024 * 1024
"""Expressions may walk a message more than once, so it may not be larger."""

KEEP_ALIVES = frozenset({"", "ping", "pong"})
NO_RULE = "no rule matches"
NOTHING_IN_IT = "nothing in it"

_NOTICES = {
    "live": Notice(NoticeKind.LIVE, "the mapping says that the room is live"),
    "ended": Notice(NoticeKind.ENDED, "the mapping says that the live has ended"),
}


class MappedDecoder(QuietDecoder):
    """Reads messages by the rules of one room file."""

    def __init__(self, options: Options) -> None:
        self._options = options
        rules = compile_rules(options.mapping, options.site)
        self._choice = Choice([rule for rule in rules if rule.type != "ignore"])
        self._ignoring = [rule for rule in rules if rule.type == "ignore"]

    def greeting(self) -> Sequence[bytes | str]:
        """Send what the room file says."""
        return [text.reveal() for text in self._options.greeting]

    def heartbeat(self) -> Sequence[bytes | str]:
        """Send what the room file says."""
        text = self._options.heartbeat.reveal()
        return (text,) if text else ()

    def feed(self, frame: Frame) -> Decoded:
        """Decode one message by every rule that it matches."""
        data = frame.data
        size = len(data)
        if size > MAX_MESSAGE_BYTES:
            return Decoded(rejected=(DecodeError("", f"is longer than {MAX_MESSAGE_BYTES} bytes"),))
        if size < 16 and type(data) is str and data.strip().lower() in KEEP_ALIVES:
            return Decoded(ignored=("keep-alive",))
        try:
            message = parse_json(data)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        return self._mapped(message, frame.received_at_ms)

    def _mapped(self, message: Any, at_ms: int) -> Decoded:
        events: list[LiveEvent] = []
        rejected: list[DecodeError] = []
        notices: list[Notice] = []
        taken = False
        for rule in self._choice.able(message):
            try:
                if rule.when is not None and not is_true(rule.when(message)):
                    continue
                taken = True
                if rule.type in _NOTICES:
                    notices.append(_NOTICES[rule.type])
                elif rule.each is not None:
                    _read_each(rule, rule.each(message), at_ms, events, rejected)
                elif event := event_of(rule, message, at_ms):
                    events.append(event)
            except DecodeError as error:
                taken = True
                rejected.append(error)
        if taken:
            return Decoded(events, rejected, () if events or rejected or notices else (NOTHING_IN_IT,), (), notices)
        return self._not_taken(message)

    def _not_taken(self, message: Any) -> Decoded:
        """Tell what is known and not wanted from what no rule knows."""
        try:
            if any(rule.when is None or is_true(rule.when(message)) for rule in self._ignoring):
                return Decoded(ignored=(NOTHING_IN_IT,))
        except DecodeError as error:
            return Decoded(rejected=(error,))
        return Decoded(unknown=(NO_RULE,))


def _read_each(rule: Rule, items: Any, at_ms: int, events: list[LiveEvent], rejected: list[DecodeError]) -> None:
    """Read the parts of a message; one that cannot be read costs only itself."""
    if items is None:
        return
    if type(items) is not list:
        raise DecodeError(f"{rule.at}.each", f"gives {type_name(items)}, an array expected")
    for item in items[:MAX_ITEMS]:
        try:
            if event := event_of(rule, item, at_ms):
                events.append(event)
        except DecodeError as error:
            rejected.append(error)
    if len(items) > MAX_ITEMS:
        rejected.append(DecodeError(f"{rule.at}.each", f"gives more than {MAX_ITEMS} items"))


async def locate(options: Options, _http: HttpClient) -> Sequence[Connection]:
    """Return the one connection that the room file names."""
    endpoint = Endpoint(
        url=options.websocket_url,
        headers={name: value.reveal() for name, value in options.headers.items()},
        heartbeat_interval_secs=options.heartbeat_secs if options.heartbeat else None,
        silence_timeout_secs=options.silence_secs,
        max_frame_bytes=MAX_MESSAGE_BYTES,
        answers_pings=options.answers_pings,
    )
    return [Connection(endpoint, MappedDecoder(options))]


PLATFORM = Platform(
    name="websocket",
    title="Any JSON socket",
    route="a WebSocket of the operator's choice, mapped by JMESPath expressions in the room file",
    officialness=Officialness.OFFICIAL,
    event_types=(
        EventType.COMMENT,
        EventType.JOIN,
        EventType.LIKE,
        EventType.GIFT,
        EventType.FOLLOW,
        EventType.VIEWERS,
    ),
    options=Options,
    offline_decoder=MappedDecoder,
    locate=locate,
)
