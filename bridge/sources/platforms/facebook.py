"""Facebook Live by the Graph API: comments as server-sent events, the number of viewers by asking.

Route: ``streaming-graph.facebook.com/<live video>/live_comments`` pushes comments, the video itself tells
``live_views`` and its status. There are no gifts (Stars), joins or follows; reactions come as totals only and
are not asked for. Comments above the chosen rate are dropped by Facebook.

From vendor documentation alone: no real message was at hand. Guessed: which error codes mean a missing
object, and that a comment without ``from`` hides its author for privacy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from bridge.errors import (
    DecodeError,
    RoomNotFoundError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.events import Comment, EventType, LiveEvent, User, Viewers, plausible_timestamp_ms
from bridge.secret import Secret
from bridge.sources.codecs.results import joined, without_event
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.codecs.sse import EventStream
from bridge.sources.contract import (
    NOTHING,
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpAnswer,
    HttpCall,
    HttpClient,
    Notice,
    NoticeKind,
    Officialness,
    Platform,
    Poll,
    QuietDecoder,
    SourceOptions,
    Transport,
)
from bridge.sources.fields import (
    as_integer,
    as_object,
    identifier,
    optional_integer,
    optional_mapping,
    optional_text,
    parse_json,
    text,
)

Json = dict[str, Any]

COMMENT_RATES = ("one_per_two_seconds", "ten_per_second", "one_hundred_per_second")


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Options of a Facebook source. ``room`` is the id of the live video."""

    access_token: Secret = field(default_factory=Secret)
    """A page token (pages) or user token (profiles, groups) that may see the video."""

    comment_rate: str = "ten_per_second"
    """How many comments Facebook lets through: one_per_two_seconds, ten_per_second or one_hundred_per_second."""

    api_base: str = ""
    """Scheme, host and port for all calls, instead of graph.facebook.com and streaming-graph.facebook.com."""

    def __post_init__(self) -> None:
        if not self.room:
            raise ValueError("room: is missing: the id of the live video")
        if self.comment_rate not in COMMENT_RATES:
            raise ValueError(f"comment_rate: is unknown: one of {', '.join(COMMENT_RATES)}")


VIDEO_URL = "https://graph.facebook.com/v26.0/"
STREAM_URL = "https://streaming-graph.facebook.com/"

VIDEO_INTERVAL_SECS = 30.0
SILENCE_TIMEOUT_SECS = 300.0

_ENDED = frozenset({"LIVE_STOPPED", "PROCESSING", "VOD"})
_NOT_YET = frozenset(
    {"UNPUBLISHED", "SCHEDULED_UNPUBLISHED", "SCHEDULED_LIVE", "SCHEDULED_EXPIRED", "SCHEDULED_CANCELED"}
)
_TOKEN_CODES = frozenset({3, 10, 102, 190, *range(200, 300)})
_TOO_MANY_CODES = frozenset({4, 17, 32, 341, 613})
_UNKNOWN_OBJECT_CODES = frozenset({100, 803})
_RATE_WAIT_SECS = 60.0


def _comment(value: Json, at_ms: int) -> LiveEvent | Decoded:
    """Read a comment; one without words (a sticker, a photo) is none for us."""
    comment_id = identifier(value, "id", "comment")
    words = optional_text(value, "message")
    if not words:
        return Decoded(ignored=("comment without words",))
    author = optional_mapping(value, "from")
    name = optional_text(author, "name")
    author_id = optional_text(author, "id")
    user = User(f"facebook_{author_id}", name) if author_id else User("facebook_0", name, masked=True)
    sent_at_ms = plausible_timestamp_ms(timestamp_ms(value.get("created_time")), at_ms)
    return LiveEvent(sent_at_ms, Comment(user, words), comment_id)


def _video(value: Json, at_ms: int) -> LiveEvent | Decoded:
    """Read what is known of the video: its status and how many watch now."""
    if optional_text(value, "status") in _ENDED:
        ended = "the live video has ended"
        return Decoded(notices=(Notice(NoticeKind.ENDED, ended),), end=RoomOfflineError(ended))
    count = as_integer(value.get("live_views"))
    return NOTHING if count is None else LiveEvent(at_ms, Viewers(count))


def _error(value: Json, _: int) -> LiveEvent | Decoded:
    return Decoded(end=_meaning(optional_mapping(value, "error"), 400))


MESSAGES: Sequence[tuple[str, Callable[[Json, int], LiveEvent | Decoded]]] = (
    ("message", _comment),
    ("error", _error),
    ("live_views", _video),
    ("status", _video),
    ("from", _comment),
    ("created_time", _comment),
)
"""By the key that only such an object has; the first that is there counts."""

IGNORED = ("reactions", "reaction_stream")


def _read(data: bytes | str, at_ms: int) -> LiveEvent | Decoded:
    try:
        value = as_object(parse_json(data))
        for key, decode in MESSAGES:
            if key in value:
                return decode(value, at_ms)
    except DecodeError as error:
        return Decoded(rejected=(error,))
    for key in IGNORED:
        if key in value:
            return Decoded(ignored=(key,))
    return without_event(min(value, default="{}"), known=False)


def _meaning(error: dict[str, Any], status: int) -> SourceError:
    """Return what an error asks us to do; its words are Facebook's and are not repeated."""
    code = optional_integer(error, "code")
    if code in _TOO_MANY_CODES or status == 429:
        return SourceThrottledError(f"Facebook answers that we ask too often (error {code})", _RATE_WAIT_SECS)
    if code in _UNKNOWN_OBJECT_CODES:
        return RoomNotFoundError(f"Facebook knows no such live video, or the token may not see it (error {code})")
    if code in _TOKEN_CODES or status in (401, 403):
        return SourceAuthError(f"access_token: Facebook refuses it (error {code})")
    return SourceUnavailableError(f"Facebook answers HTTP {status} (error {code})")


def _refusal(answer: HttpAnswer) -> SourceError | None:
    if answer.status < 400:
        return None
    try:
        return _meaning(optional_mapping(answer.json(), "error"), answer.status)
    except DecodeError:
        return _meaning({}, answer.status)


def _stream_refusal(answer: HttpAnswer, _now_ms: int) -> SourceError | None:
    """Read a refused stream; the video was there a moment ago, so what is unknown now is not gone for good."""
    refused = _refusal(answer)
    return SourceUnavailableError(str(refused)) if isinstance(refused, RoomNotFoundError) else refused


class FacebookDecoder(QuietDecoder):
    """One stream of comments, and the looks at the video beside it."""

    def __init__(self) -> None:
        self._stream = EventStream()
        self._told_live = False

    def feed(self, frame: Frame) -> Decoded:
        """Decode a chunk of the stream; as text, one comment or other object."""
        if isinstance(frame.data, str):
            return _decoded([("message", frame.data)], frame.received_at_ms)
        messages, problems = self._stream.feed(frame.data)
        decoded = _decoded(messages, frame.received_at_ms)
        return joined([Decoded(rejected=problems), decoded]) if problems else decoded

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take a look at the video."""
        refused = _refusal(answer)
        if isinstance(refused, SourceAuthError):
            # A token that went bad costs no open stream, but the next one.
            return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, str(refused)),))
        if refused is not None:
            return NOTHING
        decoded = _decoded([("message", answer.body)], received_at_ms)
        if self._told_live or decoded.end is not None:
            return decoded
        self._told_live = True
        return joined([Decoded(notices=(Notice(NoticeKind.LIVE, "the live video is running"),)), decoded])


def _decoded(messages: Iterable[tuple[str, bytes | str]], at_ms: int) -> Decoded:
    """Return what server-sent events yield, given by name and data."""
    events: list[LiveEvent] = []
    rest: list[Decoded] = []
    for name, data in messages:
        result = _read(data, at_ms) if name == "message" else without_event(f"event {name}", known=False)
        if isinstance(result, LiveEvent):
            events.append(result)
        else:
            rest.append(result)
    if not rest:
        return Decoded(events)
    return joined([Decoded(events), *rest] if events else rest)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Look at the live video and return its stream of comments.

    Raises ``RoomOfflineError`` before and after the show, and what an error answer means.
    """
    if not options.access_token:
        raise SourceAuthError("access_token: is missing: Facebook tells comments to nobody without it")
    call = _video_call(options)
    answer = await http.send(call)
    refused = _refusal(answer)
    if refused is not None:
        raise refused
    try:
        status = text(answer.json(), "status", "video")
    except DecodeError as error:
        raise SourceUnavailableError(f"Facebook's answer cannot be read: {error}") from None
    if status in _ENDED or status in _NOT_YET:
        raise RoomOfflineError(f"the live video is {status}")
    return [Connection(_endpoint(options, call), FacebookDecoder())]


def _video_call(options: Options) -> HttpCall:
    query = {"fields": "live_views,status", "access_token": options.access_token.reveal()}
    return HttpCall("GET", options.api_url(f"{VIDEO_URL}{quote(options.room, safe='')}"), query=query)


def _endpoint(options: Options, viewers: HttpCall) -> Endpoint:
    query = {
        "access_token": options.access_token.reveal(),
        "comment_rate": options.comment_rate,
        "fields": "from{name,id},message,created_time",
    }
    url = options.api_url(f"{STREAM_URL}{quote(options.room, safe='')}/live_comments")
    return Endpoint(
        f"{url}?{urlencode(query)}",
        Transport.HTTP_STREAM,
        headers={"Accept": "text/event-stream"},
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
        polls=(Poll(viewers, VIDEO_INTERVAL_SECS),),
        refusal=_stream_refusal,
    )


PLATFORM = Platform(
    name="facebook",
    title="Facebook Live",
    route="Graph API (server-sent events)",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.VIEWERS),
    options=Options,
    offline_decoder=lambda _: FacebookDecoder(),
    locate=locate,
)
