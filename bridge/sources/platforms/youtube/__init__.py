"""YouTube Live by the official Data API v3: comments, super chats, stickers, Jewels, memberships, viewers.

Route: the video tells its live chat; the chat is pushed (``liveChat/messages/stream``) or asked for page by page
(``liveChat/messages``), and the video is looked at once a minute for its viewers. There are no joins, no likes by a
viewer and no channel subscriptions. The first connection to a chat gives recent history, later ones go on where the
last one left off.

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
from bridge.sources.platforms.youtube.bookmark import take_bookmark
from bridge.sources.platforms.youtube.chat import ChatDecoder, PollDecoder, StreamDecoder, chat_query
from bridge.sources.platforms.youtube.finding import find_chat, video_call
from bridge.sources.platforms.youtube.options import Options
from bridge.sources.platforms.youtube.quota import STREAM_UNITS, QuotaBudget, sharers_of

STREAM_SILENCE_SECS = 900.0
"""A quiet chat pushes nothing; each new stream costs units."""


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Find the live chat; return its stream and, for where it is refused, its pages.

    Raises what ``find_chat`` raises; a missing credential is a ``SourceAuthError``.
    """
    chat = await find_chat(options, http)
    now_ms = http.now_ms()
    bookmark = take_bookmark(options.api_base, chat.chat_id)
    budget = QuotaBudget(
        options.quota_units_per_day,
        options.show_hours * 3600,
        chat.began_at_ms,
        now_ms,
        share=options.quota_share,
        sharers=sharers_of(options.quota_key),
    )
    viewers = (Poll(video_call(options, [chat.video_id]), budget.video_interval_secs()),)
    pages = Connection(
        Endpoint(transport=Transport.POLLING, polls=viewers), PollDecoder(options, chat, bookmark, budget)
    )
    if not options.stream or not bookmark.allows_stream(now_ms):
        return [pages]
    call = options.call("liveChat/messages/stream", chat_query(chat.chat_id, bookmark.page_token), "stream")
    decoder = StreamDecoder(options, chat, bookmark, budget)
    endpoint = Endpoint(
        call.full_url,
        Transport.HTTP_STREAM,
        headers=call.headers,
        silence_timeout_secs=STREAM_SILENCE_SECS,
        polls=viewers,
        refusal=decoder.refused,
    )
    budget.spend(STREAM_UNITS, now_ms)
    return [Connection(endpoint, decoder), pages]


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
