"""A live chat's connection: pages as they are pushed, or pages that we ask for at a planned pace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.errors import (
    DecodeError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.events import LiveEvent, Viewers
from bridge.sources.codecs.json_stream import JsonObjects
from bridge.sources.codecs.results import MAX_NAME_CHARS, Collected, joined, without_event
from bridge.sources.contract import (
    NOTHING,
    Decoded,
    Frame,
    HttpAnswer,
    HttpCall,
    Notice,
    NoticeKind,
    QuietDecoder,
)
from bridge.sources.fields import (
    as_integer,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    parse_json,
    sequence,
)
from bridge.sources.platforms.youtube.bookmark import Bookmark, put_back
from bridge.sources.platforms.youtube.finding import LiveChat
from bridge.sources.platforms.youtube.items import CHAT_ENDED, IGNORED, decode_item
from bridge.sources.platforms.youtube.options import Options
from bridge.sources.platforms.youtube.quota import MAX_INTERVAL_SECS, PAGE_UNITS, VIDEO_UNITS, QuotaBudget
from bridge.sources.platforms.youtube.refusals import PAGE_TOKEN_INVALID, error_of, meaning, reasons, refusal

PAGE_TAG = "page"
VIDEO_TAG = "video"

USUAL_INTERVAL_SECS = 5.0
"""What chats suggest (4 to 7 s were observed); stands in for an answer that suggests nothing."""

LONGEST_INTERVAL_SECS = 600.0

MAX_RESULTS = "2000"
PARTS = "id,snippet,authorDetails"

_PAGE = "youtube#liveChatMessageListResponse"
_VIDEOS = "youtube#videoListResponse"
_WEB_CLIENT = "web client answer"
_WEB_CLIENT_KEYS = frozenset({"continuationContents", "responseContext", "response", "xsrf_token", "actions"})


def chat_query(live_chat_id: str, page_token: str = "") -> dict[str, str]:
    """Return the query for a page, or for the stream of pages."""
    query = {"liveChatId": live_chat_id, "part": PARTS, "maxResults": MAX_RESULTS}
    return {**query, "pageToken": page_token} if page_token else query


class ChatDecoder(QuietDecoder):
    """Reads pages, single items and looks at the video, in whatever way they come. Knows no credential."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._objects = JsonObjects()

    def feed(self, frame: Frame) -> Decoded:
        """Decode a chunk of a stream; as text, one answer or item."""
        if isinstance(frame.data, str):
            return self._read(frame.data, frame.received_at_ms)
        objects, problems = self._objects.feed(frame.data)
        read = [self._object(one, frame.received_at_ms) for one in objects]
        return joined([Decoded(rejected=problems), *read] if problems else read)

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take a page, or a look at the video."""
        refused = refusal(answer, received_at_ms, self._options.credential)
        if refused is None and answer.status != 200:
            refused = SourceUnavailableError(f"YouTube answers HTTP {answer.status}")
        if refused is not None:
            return self._refused(call, answer, refused)
        if call.tag != VIDEO_TAG:
            return self._read(answer.body, received_at_ms)
        try:
            return _video(answer.json(), received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _refused(self, call: HttpCall, _: HttpAnswer, refused: SourceError) -> Decoded:
        if isinstance(refused, RoomOfflineError):
            return _ended(str(refused))
        if call.tag == VIDEO_TAG:
            # A viewer count that cannot be had costs no open chat; a credential that went bad costs the next one.
            if isinstance(refused, SourceAuthError):
                return Decoded(notices=(Notice(NoticeKind.CREDENTIAL_WEAK, str(refused)),))
            return NOTHING
        return Decoded(end=refused)

    def _read(self, data: bytes | str, at_ms: int) -> Decoded:
        try:
            value = parse_json(data)
            if type(value) is list:
                return joined([self._object(one, at_ms) for one in value])
            return self._object(value, at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _object(self, value: Any, at_ms: int) -> Decoded:
        if type(value) is not dict:
            return Decoded(rejected=(DecodeError("", f"is {type(value).__name__}, an object expected"),))
        if "snippet" in value:
            return page((value,), at_ms)
        kind = optional_text(value, "kind")
        if kind == _VIDEOS:
            return _video(value, at_ms)
        if "items" in value or kind == _PAGE:
            return self._page(value, at_ms)
        if "error" in value:
            error = optional_mapping(value, "error")
            return Decoded(end=meaning(error, optional_integer(error, "code"), at_ms, self._options.credential))
        if not _WEB_CLIENT_KEYS.isdisjoint(value):
            return Decoded(ignored=(_WEB_CLIENT,))
        return without_event(kind or min(value, default="{}"), known=False)

    def _page(self, value: dict[str, Any], at_ms: int) -> Decoded:
        try:
            items = sequence(value, "items", "page") if "items" in value else []
        except DecodeError as error:
            return Decoded(rejected=(error,))
        decoded = page(items, at_ms)
        return joined([decoded, _ended("the broadcast went offline")]) if value.get("offlineAt") else decoded


class ConnectedDecoder(ChatDecoder):
    """One connection to a chat: keeps the place in it, counts what is spent, and says once that the show is on."""

    def __init__(self, options: Options, chat: LiveChat, bookmark: Bookmark, budget: QuotaBudget) -> None:
        super().__init__(options)
        self._chat = chat
        self._bookmark = bookmark
        self._budget = budget
        self._told_live = False

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take a look at the video."""
        if call.tag != VIDEO_TAG:
            return super().answered(call, answer, received_at_ms)
        self._budget.spend(VIDEO_UNITS, received_at_ms)
        decoded = super().answered(call, answer, received_at_ms)
        if self._told_live or answer.status != 200 or decoded.end is not None:
            return decoded
        self._told_live = True
        return joined([Decoded(notices=(Notice(NoticeKind.LIVE, "the broadcast is running"),)), decoded])

    def farewell(self) -> Sequence[HttpCall]:
        """Owe nothing, and leave the bookmark for the next connection."""
        put_back(self._options.api_base, self._chat.chat_id, self._bookmark)
        return ()

    def _page(self, value: dict[str, Any], at_ms: int) -> Decoded:
        self._bookmark.page_token = optional_text(value, "nextPageToken") or self._bookmark.page_token
        return super()._page(value, at_ms)


class StreamDecoder(ConnectedDecoder):
    """Takes the pages that the server pushes."""

    def refused(self, answer: HttpAnswer, now_ms: int) -> SourceError | None:
        """Say what the refusal of the stream asks us to do; ``None``: ask for pages instead."""
        if self._bookmark.page_token and PAGE_TOKEN_INVALID in reasons(error_of(answer)):
            self._bookmark.page_token = ""
            return SourceThrottledError("YouTube no longer knows where we were in the chat", 0.0)
        return refusal(answer, now_ms, self._options.credential)


class PollDecoder(ConnectedDecoder):
    """Asks for pages: as often as the chat suggests, and no more often than the quota lasts."""

    def __init__(self, options: Options, chat: LiveChat, bookmark: Bookmark, budget: QuotaBudget) -> None:
        super().__init__(options, chat, bookmark, budget)
        self._wait_secs = 0.0
        self._too_fast = 0

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return the next page's call, and when."""
        query = chat_query(self._chat.chat_id, self._bookmark.page_token)
        return self._wait_secs, (self._options.call("liveChat/messages", query, PAGE_TAG),)

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take a page or a look at the video, and plan the next page."""
        if call.tag == PAGE_TAG:
            self._budget.spend(PAGE_UNITS, received_at_ms)
            self._wait_secs = self._budget.interval_secs(USUAL_INTERVAL_SECS, received_at_ms)
        return super().answered(call, answer, received_at_ms)

    def _page(self, value: dict[str, Any], at_ms: int) -> Decoded:
        self._too_fast = 0
        asked_for_secs = optional_integer(value, "pollingIntervalMillis") / 1000 or USUAL_INTERVAL_SECS
        self._wait_secs = self._budget.interval_secs(min(max(asked_for_secs, 1.0), LONGEST_INTERVAL_SECS), at_ms)
        return super()._page(value, at_ms)

    def _refused(self, call: HttpCall, answer: HttpAnswer, refused: SourceError) -> Decoded:
        if call.tag == VIDEO_TAG:
            return super()._refused(call, answer, refused)
        if PAGE_TOKEN_INVALID in reasons(error_of(answer)) and self._bookmark.page_token:
            self._bookmark.page_token = ""
            return NOTHING
        if isinstance(refused, SourceThrottledError) and refused.retry_after_secs <= MAX_INTERVAL_SECS:
            self._too_fast = min(self._too_fast + 1, 8)
            self._wait_secs = min(USUAL_INTERVAL_SECS * 2**self._too_fast, MAX_INTERVAL_SECS)
            return NOTHING
        return super()._refused(call, answer, refused)


def page(items: Sequence[Any], at_ms: int) -> Decoded:
    """Return what the items of a page yield, in their order."""
    found = Collected()
    ended = False
    for item in items:
        try:
            result = decode_item(item, at_ms)
        except DecodeError as error:
            found.rejected.append(error)
            continue
        if isinstance(result, LiveEvent):
            found.events.append(result)
        elif result == CHAT_ENDED:
            ended = True
        elif result in IGNORED:
            found.ignored.append(result)
        else:
            found.unknown.append(result[:MAX_NAME_CHARS])
    return joined([found, _ended("the chat has ended")]) if ended else found


def _video(value: Any, at_ms: int) -> Decoded:
    """Return the concurrent viewers (a text; absent when hidden), or the end of a broadcast."""
    items = optional_sequence(value, "items")
    details = optional_mapping(items[0], "liveStreamingDetails") if items else {}
    if not items or optional_text(details, "actualEndTime"):
        return _ended("the broadcast has ended")
    count = as_integer(details.get("concurrentViewers"))
    return NOTHING if count is None else Decoded((LiveEvent(at_ms, Viewers(count)),))


def _ended(why: str) -> Decoded:
    return Decoded(notices=(Notice(NoticeKind.ENDED, why),), end=RoomOfflineError(why))
