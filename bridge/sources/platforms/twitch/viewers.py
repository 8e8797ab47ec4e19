"""How many watch, and whether the channel is live: asked of the API, for no chat message tells."""

from __future__ import annotations

from bridge.errors import DecodeError
from bridge.events import LiveEvent, Viewers
from bridge.sources.contract import NOTHING, Decoded, HttpAnswer, HttpCall, Notice, NoticeKind, Poll
from bridge.sources.fields import integer, mapping, optional_text, sequence
from bridge.sources.platforms.twitch.api import STREAMS, Api

POLL_INTERVAL_SECS = 45.0
"""The API's own figure moves about once a minute."""

EMPTY_ANSWERS_UNTIL_ENDED = 2
"""The API's list lags and flickers (observed by clients), so one empty answer ends nothing."""


class StreamState:
    """What is known of the channel's stream, from its announcements and from the API."""

    def __init__(self) -> None:
        self._is_live = False
        self._stream_id = ""
        self._ended_id = ""
        self._empty_answers = 0

    def went_live(self, stream_id: str) -> Decoded:
        """Take ``stream.online``."""
        self._stream_id, self._ended_id = stream_id, ""
        self._empty_answers = 0
        if self._is_live:
            return NOTHING
        self._is_live = True
        return Decoded(notices=(Notice(NoticeKind.LIVE),))

    def ended(self) -> Decoded:
        """Take ``stream.offline``."""
        self._ended_id = self._stream_id
        self._is_live = False
        self._empty_answers = 0
        return Decoded(notices=(Notice(NoticeKind.ENDED),))

    def polled(self, body: object, received_at_ms: int) -> Decoded:
        """Take the API's list of the channel's streams; ``DecodeError`` when it is none."""
        streams = sequence(body, "data")
        if not streams:
            self._empty_answers += 1
            over = self._is_live and self._empty_answers >= EMPTY_ANSWERS_UNTIL_ENDED
            return self.ended() if over else NOTHING
        stream = mapping(streams, 0, "data")
        count = integer(stream, "viewer_count", "data[0]")
        stream_id = optional_text(stream, "id")
        if stream_id and stream_id == self._ended_id:
            return NOTHING
        notices = self.went_live(stream_id).notices
        return Decoded(events=(LiveEvent(max(received_at_ms, 0), Viewers(count)),), notices=notices)


class ViewerWatch:
    """The poll of one channel's viewer count."""

    def __init__(self, api: Api, login: str) -> None:
        self.api = api
        self.state = StreamState()
        self._login = login

    def poll(self) -> Poll:
        """Return the call to repeat."""
        return Poll(self.api.streams(self._login), POLL_INTERVAL_SECS)

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take the answer to the poll or to a token renewal that it led to."""
        settled = self.api.settled(call, answer)
        if settled is not None:
            return settled
        return self.counted(answer, received_at_ms) if call.tag == STREAMS else NOTHING

    def counted(self, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Read a viewer count. A server in trouble gives none: no value is better than a false one."""
        if answer.status == 429 or answer.status >= 500:
            return NOTHING
        if answer.status != 200:
            return Decoded(rejected=(DecodeError(STREAMS, f"was refused (HTTP {answer.status})"),))
        try:
            return self.state.polled(answer.json(), received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))
