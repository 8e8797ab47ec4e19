"""WeChat Channels (视频号), as wxlivespy posts it from the anchor's own logged-in console.

wxlivespy POSTs ``{"host_info", "live_info", "events": […]}``, optionally gzipped, to a URL of the operator's
choice. It signs nothing: a token in the URL's query stands in. Last checked against
``captures/wechat_channels``; the other shapes are read from that program's source.

Guessed: ``combo_product_count`` is the combo's running total and nothing names the combo, so a newer message of
the same viewer and gift whose count did not rise, or that comes after a pause, begins a new one.
``online_count`` is taken for the concurrent viewers. ``msg_time`` is the time of decoding in that program.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.errors import DecodeError, PushRefusedError
from bridge.events import (
    Comment,
    Content,
    EventType,
    Gift,
    Join,
    Like,
    LiveEvent,
    Streak,
    User,
    Viewers,
    plausible_timestamp_ms,
)
from bridge.secret import Secret
from bridge.sources.codecs.combos import Combos
from bridge.sources.codecs.gzipped import unpacked
from bridge.sources.codecs.results import Collected, bounded
from bridge.sources.contract import (
    Decoded,
    Frame,
    Officialness,
    Platform,
    PushAnswer,
    PushRequest,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import (
    as_integer,
    as_object,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    parse_json,
    positive,
    text,
)


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """WeChat Channels through wxlivespy. `room` is the anchor's `finder_username`, `wechat_uin` or the `live_id`."""

    token: Secret = field(default_factory=Secret)
    """What the URL given to wxlivespy ends in, `?token=…`."""
    allow_unsigned: bool = False
    """Take calls without a token; only where nobody else can reach the port."""

    def __post_init__(self) -> None:
        if not self.token and not self.allow_unsigned:
            raise ValueError("token: is missing: any long random text, or allow_unsigned: true")


SITE = "wechat_channels"
CURRENCY = "wecoin"

MAX_INFLATED_BYTES = 8 * 1024 * 1024

_GIFT_WORDS = re.compile(r".*送了\D{0,64}\d{1,9}个(.{1,64})$", re.DOTALL)
"""``… sent the anchor 3 hearts``: the only place where a gift's name stands (observed)."""
MAX_GIFT_WORDS_CHARS = 200


class Post(NamedTuple):
    """What the messages of one post share."""

    live_id: str
    combos: Combos


def _user(message: dict[str, Any]) -> User:
    """Read the viewer; ``decoded_openid`` stays the same from one broadcast to the next, ``sec_openid`` may not."""
    user_id = optional_text(message, "decoded_openid") or optional_text(message, "sec_openid")
    return User(f"{SITE}_{user_id or 0}", optional_text(message, "nickname"), 0, "", 0, not user_id)


def _gift_name(message: dict[str, Any]) -> str:
    words = optional_text(message, "content").removeprefix(optional_text(message, "nickname"))
    match = _GIFT_WORDS.match(words[-MAX_GIFT_WORDS_CHARS:])
    return match[1] if match else optional_text(message, "sec_gift_id")


def _comment(message: dict[str, Any], _post: Post) -> tuple[Content, Streak | None]:
    return Comment(_user(message), text(message, "content")), None


def _enter(message: dict[str, Any], _post: Post) -> tuple[Content, Streak | None]:
    return Join(_user(message)), None


def _like(message: dict[str, Any], _post: Post) -> tuple[Content, Streak | None]:
    return Like(_user(message)), None


def _gift(message: dict[str, Any], _post: Post) -> tuple[Content, Streak | None]:
    """Read a single gift: ``gift_value`` is the wecoin of all ``gift_num`` together."""
    count = positive(message, "gift_num")
    total = as_integer(message.get("gift_value"))
    if total is not None and total < 0:
        raise DecodeError("gift_value", "is negative")
    priced = total is not None
    total = total or 0
    return Gift(_user(message), _gift_name(message), count, total // count, total, CURRENCY, priced), None


def _combo_gift(message: dict[str, Any], post: Post) -> tuple[Content, Streak | None]:
    """Read a combo's running total; it carries no price."""
    user, total = _user(message), positive(message, "combo_product_count")
    nobody = user.name if user.masked else ""
    who_and_what = "\x1f".join((post.live_id, user.id, nobody, optional_text(message, "sec_gift_id")))
    msg_time_ms = optional_integer(message, "msg_time")
    key = post.combos.key(who_and_what, optional_integer(message, "seq") or msg_time_ms, total, msg_time_ms)
    gift = Gift(user, _gift_name(message), total, currency=CURRENCY, priced=False)
    return gift, Streak(f"{post.live_id}/{key}")


Reader = Callable[[dict[str, Any], Post], tuple[Content, Streak | None]]

MESSAGES: dict[str, Reader] = {
    "comment": _comment,
    "enter": _enter,
    "gift": _gift,
    "combogift": _combo_gift,
    "like": _like,
}

IGNORED = frozenset({"levelup"})


class BodyDecoder(QuietDecoder):
    """Decodes posts; what it keeps between them is only which combos are under way."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._combos = Combos()

    def feed(self, frame: Frame) -> Decoded:
        """Decode one post, or one bare message of one."""
        try:
            value = _read_post(frame.data)
        except DecodeError as error:
            return Decoded(rejected=[error])
        return self._post(value, frame.received_at_ms)

    def _post(self, value: dict[str, Any], received_at_ms: int) -> Decoded:
        live = optional_mapping(value, "live_info")
        messages = optional_sequence(value, "events")
        places = _places(value) if self._options.room else ()
        if places and self._options.room not in places:
            return Decoded(ignored=["other room"] * max(len(messages), 1))
        post = Post(optional_text(live, "live_id"), self._combos)
        found = Collected()
        for number, message in enumerate(bounded(messages, "events", found.rejected)):
            kind = optional_text(message, "decoded_type")
            read = MESSAGES.get(kind)
            if read is not None:
                try:
                    found.events.append(_event(read, message, post, received_at_ms))
                except DecodeError as error:
                    found.rejected.append(error.within(f"events[{number}]"))
            elif kind in IGNORED:
                found.ignored.append(kind)
            elif kind:
                found.unknown.append(_unknown_name(kind, message))
            else:
                found.rejected.append(DecodeError(f"events[{number}].decoded_type", "is missing or empty"))
        viewers = as_integer(live.get("online_count"))
        if viewers is not None and viewers >= 0:
            found.events.append(LiveEvent(plausible_timestamp_ms(0, received_at_ms), Viewers(viewers)))
        return found


def _read_post(data: bytes | str) -> dict[str, Any]:
    # Gzip is told by the bytes, not by the header: a web server may have opened it already.
    value = as_object(parse_json(data if isinstance(data, str) else unpacked(data, MAX_INFLATED_BYTES)))
    if "decoded_type" in value:
        return {"events": [value]}
    if "events" not in value and "live_info" not in value:
        raise DecodeError("events", "is missing, an array expected")
    return value


def _places(post: dict[str, Any]) -> set[str]:
    """Return the names that a post gives its room."""
    host = optional_mapping(post, "host_info")
    named = (optional_text(host, "finder_username"), optional_text(host, "wechat_uin"))
    return {optional_text(optional_mapping(post, "live_info"), "live_id"), *named} - {""}


def _event(read: Reader, message: dict[str, Any], post: Post, received_at_ms: int) -> LiveEvent:
    content, streak = read(message, post)
    timestamp_ms = plausible_timestamp_ms(optional_integer(message, "msg_time"), received_at_ms)
    seq = optional_text(message, "seq")
    event_id = f"{post.live_id}/{seq}" if seq and post.live_id else optional_text(message, "msg_id")
    return LiveEvent(timestamp_ms, content, event_id, streak)


def _unknown_name(kind: str, message: dict[str, Any]) -> str:
    """Return the program's word for what it could not decode either, with WeChat's number."""
    return f"{kind[:32]} {optional_integer(message, 'msg_sub_type')}"


class Receiver:
    """Checks the token, then decodes."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._decoder = BodyDecoder(options)

    def receive(self, request: PushRequest) -> PushAnswer:
        """Take one post."""
        token = self._options.token.reveal().encode("utf-8", "replace")
        given = request.query.get("token", "").encode("utf-8", "replace")
        is_open = self._options.allow_unsigned and not token
        if not is_open and not (token and hmac.compare_digest(given, token)):
            raise PushRefusedError(401, "token: is missing or wrong in the URL's query")
        return PushAnswer(self._decoder.feed(Frame(request.body, request.received_at_ms)), body=b'{"errcode":0}')


PLATFORM = Platform(
    name="wechat_channels",
    title="WeChat Channels",
    route="posts of wxlivespy, which reads the anchor's own console",
    officialness=Officialness.UNOFFICIAL,
    event_types=(EventType.COMMENT, EventType.JOIN, EventType.LIKE, EventType.GIFT, EventType.VIEWERS),
    options=Options,
    offline_decoder=BodyDecoder,
    receiver=Receiver,
)
