"""YouTube Live by the official Data API v3: comments, super chats, stickers, Jewels, memberships, viewers.

Route: the video tells its live chat; the chat is pushed (``liveChat/messages/stream``) or asked for page by page
(``liveChat/messages``), and the video is looked at once a minute for its viewers. There are no joins, no likes by a
viewer and no channel subscriptions. A new connection first gives recent history.

Checked against the items and list answers (``dataapi_*``) in ``captures/youtube``; the web client's answers there
(``innertube_*``) are another route and are ignored. Guessed: the framing of the stream (every framing is
read), that a key's units go down by 5 a stream, which form of Jewels gifts is sent (both are read), and that the steps of
a Jewels combo add up.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.events import EventType
from bridge.sources.contract import (
    Connection,
    Endpoint,
    HttpClient,
    Officialness,
    Platform,
    Poll,
    Transport,
)
from bridge.sources.platforms.youtube.chat import ChatDecoder, PollDecoder, chat_query
from bridge.sources.platforms.youtube.finding import find_chat, video_call
from bridge.sources.platforms.youtube.options import Options
from bridge.sources.platforms.youtube.quota import VIDEO_INTERVAL_SECS

STREAM_SILENCE_SECS = 900.0
"""A quiet chat pushes nothing; each new stream costs units."""


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Find the live chat; return its stream and, for where it is refused, its pages.

    Raises what ``find_chat`` raises; a missing credential is a ``SourceAuthError``.
    """
    chat = await find_chat(options, http)
    viewers = (Poll(video_call(options, [chat.video_id]), VIDEO_INTERVAL_SECS),)
    pages = Connection(Endpoint(transport=Transport.POLLING, polls=viewers), PollDecoder(options, chat, http.now_ms()))
    if not options.stream:
        return [pages]
    call = options.call("liveChat/messages/stream", chat_query(chat.chat_id), "stream")
    endpoint = Endpoint(
        call.full_url,
        Transport.HTTP_STREAM,
        headers=call.headers,
        silence_timeout_secs=STREAM_SILENCE_SECS,
        polls=viewers,
    )
    return [Connection(endpoint, ChatDecoder(options)), pages]


PLATFORM = Platform(
    name="youtube",
    title="YouTube Live",
    route="Data API v3 (stream, else pages)",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.GIFT, EventType.VIEWERS),
    options=Options,
    offline_decoder=ChatDecoder,
    locate=locate,
    replays_history=True,
)
