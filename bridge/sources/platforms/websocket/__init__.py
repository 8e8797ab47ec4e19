"""Any socket that sends JSON: the room file says by JMESPath expressions what its messages mean.

For relays that nobody documents (Taobao, JD, Xiaohongshu, Meituan). Each rule of ``mapping`` has a condition,
an event type and an expression for each value; ``check --sample FILE`` shows what a mapping yields.

All of this is our own definition: there is no platform to be checked against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.errors import DecodeError
from bridge.events import (
    MAX_INTEGER,
    Comment,
    Content,
    EventType,
    Follow,
    Gift,
    Join,
    Like,
    LiveEvent,
    User,
    Viewers,
    plausible_timestamp_ms,
)
from bridge.sources.codecs.amounts import MAX_AMOUNT, from_decimal
from bridge.sources.codecs.rfc3339 import timestamp_ms
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
from bridge.sources.fields import as_integer, parse_json
from bridge.sources.platforms.websocket.options import Options
from bridge.sources.platforms.websocket.rules import MAX_ITEMS, Rule, compile_rules

MAX_MESSAGE_BYTES = 1024 * 1024
"""Expressions may walk a message more than once, so it may not be larger."""

KEEP_ALIVES = frozenset({"", "ping", "pong"})
NO_RULE = "no rule matches"

_PER_MS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}
_NOTICES = {
    "live": Notice(NoticeKind.LIVE, "the mapping says that the room is live"),
    "ended": Notice(NoticeKind.ENDED, "the mapping says that the live has ended"),
}


def _text(rule: Rule, item: Any, key: str) -> str:
    """Return a value as text; "" where there is none."""
    value = rule.value(item, key)
    if value is None:
        return ""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if type(value) is float and value.is_integer():
        return str(int(value))
    raise DecodeError(f"{rule.at}.{key}", f"gives {type(value).__name__}, a text expected")


def _number(rule: Rule, item: Any, key: str, default: int) -> int:
    """Return a value that is optional by nature: a level, a like's count."""
    number = as_integer(rule.value(item, key))
    return default if number is None else min(max(number, 0), MAX_INTEGER)


def _counted(rule: Rule, item: Any, key: str) -> int:
    """Return a value that must be right if the rule names it: how many."""
    value = rule.value(item, key)
    number = as_integer(value)
    if number is None or not 0 <= number <= MAX_INTEGER:
        raise DecodeError(f"{rule.at}.{key}", f"gives {type(value).__name__}, a whole number expected")
    return number


def _money(rule: Rule, item: Any, key: str, currency: str) -> int | None:
    """Return a price in the smallest unit; ``None`` where the rule or the message has none."""
    value = rule.value(item, key)
    if value is None:
        return None
    number = from_decimal(value, currency) if rule.value_unit == "major" else as_integer(value)
    if number is None or not 0 <= number <= MAX_AMOUNT:
        wanted = "an amount" if rule.value_unit == "major" else "a whole number of the smallest unit"
        raise DecodeError(f"{rule.at}.{key}", f"gives {type(value).__name__}, {wanted} expected")
    return number


def _moment_ms(rule: Rule, item: Any) -> int:
    """Return the item's time, 0 for none."""
    value = rule.value(item, "timestamp")
    if rule.timestamp_unit == "iso":
        return timestamp_ms(value) if type(value) is str else 0
    multiplier, divisor = _PER_MS[rule.timestamp_unit]
    number = as_integer(value)
    if number is not None:
        return number * multiplier // divisor
    if type(value) is float and 0 < value < 1e18:
        return int(value * multiplier) // divisor
    return 0


class MappedDecoder(QuietDecoder):
    """Reads messages by the rules of one room file."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._rules = compile_rules(options.mapping)

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
        if len(data) > MAX_MESSAGE_BYTES:
            return Decoded(rejected=(DecodeError("", f"is longer than {MAX_MESSAGE_BYTES} bytes"),))
        if type(data) is str and len(data) < 16 and data.strip().lower() in KEEP_ALIVES:
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
        matched = False
        for rule in self._rules:
            try:
                if not rule.matches(message):
                    continue
                matched = True
                if rule.type in _NOTICES:
                    notices.append(_NOTICES[rule.type])
                if rule.type in _CONTENTS:
                    self._apply(rule, message, at_ms, events, rejected)
            except DecodeError as error:
                matched = True
                rejected.append(error)
        if not matched:
            return Decoded(unknown=(NO_RULE,))
        ignored = () if events or rejected or notices else ("nothing in it",)
        return Decoded(events=events, rejected=rejected, ignored=ignored, notices=notices)

    def _apply(
        self, rule: Rule, message: Any, at_ms: int, events: list[LiveEvent], rejected: list[DecodeError]
    ) -> None:
        items = rule.items(message)
        for item in items[:MAX_ITEMS]:
            try:
                content = _CONTENTS[rule.type](rule, item, self._options.site)
                if content is not None:
                    moment_ms = plausible_timestamp_ms(_moment_ms(rule, item), at_ms)
                    events.append(LiveEvent(moment_ms, content, _text(rule, item, "id")))
            except DecodeError as error:
                rejected.append(error)
        if len(items) > MAX_ITEMS:
            rejected.append(DecodeError(f"{rule.at}.each", f"gives more than {MAX_ITEMS} items"))


def _user(rule: Rule, item: Any, site: str) -> User:
    """Read the viewer; without an id, or with an id of 0, it is nobody in particular."""
    user_id = _text(rule, item, "user_id")
    name = _text(rule, item, "user_name")
    masked = user_id in {"", "0"} or "***" in name
    return User(
        f"{site}_{0 if masked else user_id}",
        name,
        _number(rule, item, "level", 0),
        _text(rule, item, "badge"),
        _number(rule, item, "badge_level", 0),
        masked,
    )


def _comment(rule: Rule, item: Any, site: str) -> Content | None:
    words = _text(rule, item, "text")
    return Comment(_user(rule, item, site), words) if words else None


def _join(rule: Rule, item: Any, site: str) -> Content | None:
    return Join(_user(rule, item, site))


def _like(rule: Rule, item: Any, site: str) -> Content | None:
    return Like(_user(rule, item, site), max(_number(rule, item, "count", 1), 1))


def _follow(rule: Rule, item: Any, site: str) -> Content | None:
    return Follow(_user(rule, item, site))


def _gift(rule: Rule, item: Any, site: str) -> Content | None:
    """Read a gift: price of one, price of all, or both; a count of 0 is nothing."""
    count = _counted(rule, item, "gift_count") if "gift_count" in rule.values else 1
    if count == 0:
        return None
    currency = _text(rule, item, "currency")
    unit = _money(rule, item, "gift_value", currency)
    total = _money(rule, item, "gift_total", currency)
    priced = unit is not None or total is not None
    if total is None:
        total = (unit or 0) * count
    if unit is None:
        unit = total // count
    name = _text(rule, item, "gift_name")
    return Gift(_user(rule, item, site), name, count, unit, total, currency, priced)


def _viewers(rule: Rule, item: Any, _site: str) -> Content | None:
    return Viewers(_counted(rule, item, "viewers"))


_CONTENTS = {
    "comment": _comment,
    "join": _join,
    "like": _like,
    "gift": _gift,
    "follow": _follow,
    "viewers": _viewers,
}


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
