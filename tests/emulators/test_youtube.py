from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.errors import RoomNotFoundError, RoomOfflineError, SourceAuthError, SourceThrottledError
from bridge.events import Viewers
from bridge.secret import Secret
from bridge.sources.contract import Connection, NoticeKind
from bridge.sources.platforms.youtube import PLATFORM, locate
from bridge.sources.platforms.youtube.options import Options
from tests.emulators.driving import Driven, RealHttp
from tests.emulators.supervised import Supervised
from tests.emulators.youtube import CHAT_ID, KEY, TOKEN, YouTubeEmulator, item


def options(youtube: YouTubeEmulator, **more: Any) -> Options:
    given = {"room": youtube.video_id, "api_base": youtube.http_url, "api_key": Secret(KEY), **more}
    return Options(**given)


async def connections(youtube: YouTubeEmulator, **more: Any) -> list[Connection]:
    async with RealHttp() as http:
        return list(await locate(options(youtube, **more), http))


@pytest.mark.parametrize("framing", ["lines", "pretty", "array"])
@pytest.mark.parametrize("piece_bytes", [0, 700])
async def test_the_stream_is_read_in_every_framing(framing: str, piece_bytes: int) -> None:
    async with YouTubeEmulator() as youtube:
        youtube.framing, youtube.piece_bytes = framing, piece_bytes
        await youtube.say(item(1))
        async with Driven((await connections(youtube))[0]) as driven:
            await driven.until(lambda seen: seen.texts == ["message 1"])
            await youtube.say(item(2), item(3))
            await youtube.say(item(4, textMessageDetails={"messageText": '{"quoted": "}'}))
            seen = await driven.until(lambda seen: len(seen.texts) == 4)

            assert seen.texts == ["message 1", "message 2", "message 3", '{"quoted": "}']
            assert seen.rejected == []
            assert [event.content for event in seen.events if isinstance(event.content, Viewers)] == [Viewers(321)]
            assert youtube.calls == ["video", "video", "stream"]


async def test_pages_follow_each_other_without_a_gap_or_a_repeat() -> None:
    async with YouTubeEmulator() as youtube:
        await youtube.say(*(item(number) for number in range(1, 6)))
        (pages,) = await connections(youtube, stream=False)
        async with Driven(pages) as driven:
            await driven.until(lambda seen: len(seen.texts) == 3)
            for number in range(6, 10):
                await youtube.say(item(number))
            seen = await driven.until(lambda seen: len(seen.texts) == 7)

            assert seen.texts == [f"message {number}" for number in range(3, 10)]
            assert {query.get("liveChatId", CHAT_ID) for query in youtube.queries} == {CHAT_ID}


@pytest.mark.parametrize("status", [400, 404, 405, 501])
async def test_a_refused_stream_is_an_ordinary_loss_and_pages_are_the_next_connection(status: int) -> None:
    async with YouTubeEmulator() as youtube:
        youtube.stream_status = status
        stream, pages = await connections(youtube)
        async with Driven(stream) as driven:
            seen = await driven.until(lambda seen: seen.ends)
            assert type(seen.ends[0]).__name__ == "SourceUnavailableError"
        await youtube.say(item(1))
        async with Driven(pages) as driven:
            await driven.until(lambda seen: seen.texts == ["message 1"])


async def test_a_stream_that_drops_loses_nothing_however_short_the_history() -> None:
    async with YouTubeEmulator() as youtube:
        youtube.history = 1
        await youtube.say(item(1))
        async with Supervised(PLATFORM, options(youtube)) as source:
            await source.until(lambda seen: seen.texts == ["message 1"])
            await youtube.drop_streams()
            await youtube.say(*(item(number) for number in range(2, 7)))
            seen = await source.until(lambda seen: len(seen.texts) >= 6)
            assert seen.texts == [f"message {number}" for number in range(1, 7)]
            assert youtube.calls.count("stream") == 2


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (403, "liveChatEnded", RoomOfflineError),
        (403, "rateLimitExceeded", SourceThrottledError),
        (403, "quotaExceeded", SourceThrottledError),
        (400, "keyInvalid", SourceAuthError),
    ],
)
async def test_a_refused_stream_is_read_by_its_reason(status: int, reason: str, kind: type[Exception]) -> None:
    async with YouTubeEmulator() as youtube:
        youtube.stream_status, youtube.stream_reason = status, reason
        async with Driven((await connections(youtube))[0]) as driven:
            seen = await driven.until(lambda seen: seen.ends)
            assert type(seen.ends[0]) is kind


async def test_where_there_is_no_stream_pages_are_asked_for() -> None:
    async with YouTubeEmulator() as youtube:
        youtube.stream_status = 404
        await youtube.say(item(1))
        async with Supervised(PLATFORM, options(youtube)) as source:
            await source.until(lambda seen: seen.texts == ["message 1"])
            await youtube.say(item(2))
            await source.until(lambda seen: seen.texts == ["message 1", "message 2"])


@pytest.mark.parametrize("way", [0, 1])
async def test_the_end_of_the_broadcast_is_told_once_and_ends_the_connection(way: int) -> None:
    async with YouTubeEmulator() as youtube:
        connection = (await connections(youtube))[way]
        await youtube.say(item(1))
        async with Driven(connection) as driven:
            await driven.until(lambda seen: seen.texts)
            await youtube.say(item(2))
            await youtube.end()
            seen = await driven.until(lambda seen: seen.ends)
            assert isinstance(seen.ends[0], RoomOfflineError)
            assert seen.texts == ["message 1", "message 2"]
            assert [notice for notice in seen.notices if notice is not NoticeKind.LIVE] == [NoticeKind.ENDED]
        with pytest.raises(RoomOfflineError):
            await connections(youtube)


async def test_waiting_for_the_broadcast_is_no_error_and_an_unknown_video_is() -> None:
    async with YouTubeEmulator() as youtube:
        youtube.live = False
        with pytest.raises(RoomOfflineError):
            await connections(youtube)
        with pytest.raises(RoomNotFoundError):
            await connections(youtube, room="other")


async def test_refused_credentials_name_the_option() -> None:
    async with YouTubeEmulator() as youtube:
        with pytest.raises(SourceAuthError, match=r"api_key.*API_KEY_INVALID"):
            await connections(youtube, api_key=Secret("wrong"))
        with pytest.raises(SourceAuthError, match="access_token"):
            await connections(youtube, access_token=Secret("stale"))
        with pytest.raises(SourceAuthError, match="api_key: is missing"):
            await connections(youtube, api_key=Secret())
        assert len(await connections(youtube, api_key=Secret(), access_token=Secret(TOKEN))) == 2


async def test_a_spent_day_waits_for_midnight_pacific() -> None:
    async with YouTubeEmulator() as youtube:
        (pages,) = await connections(youtube, stream=False)
        youtube.units_left = 3
        async with Driven(pages) as driven:
            seen = await driven.until(lambda seen: seen.ends)
            assert isinstance(seen.ends[0], SourceThrottledError)
            assert 0 < seen.ends[0].retry_after_secs <= 86_400


async def test_a_channel_a_handle_and_our_own_broadcast_are_found() -> None:
    async with YouTubeEmulator() as youtube:
        youtube.uploads = ["older", youtube.video_id]
        for room in ("UC0123456789abcdefghijkl", "@lanyou"):
            assert len(await connections(youtube, room=room)) == 2
        assert len(await connections(youtube, room="mine", access_token=Secret(TOKEN))) == 2
        with pytest.raises(SourceAuthError, match="access_token"):
            await connections(youtube, room="mine")
        with pytest.raises(RoomNotFoundError):
            await connections(youtube, room="@nobody")
        youtube.uploads = []
        with pytest.raises(RoomNotFoundError):
            await connections(youtube, room="UC0123456789abcdefghijkl")


async def test_a_client_that_we_did_not_write_is_satisfied_with_the_emulator() -> None:
    """Opt-in: runs where google-api-python-client (Apache-2.0) is installed."""
    discovery = pytest.importorskip("googleapiclient.discovery")
    async with YouTubeEmulator() as youtube:
        await youtube.say(item(1), item(2))
        url = youtube.http_url

        def read_two_pages() -> list[str]:
            with discovery.build(
                "youtube", "v3", developerKey=KEY, client_options={"api_endpoint": url}, static_discovery=True
            ) as api:
                video = api.videos().list(part="liveStreamingDetails", id="video-1").execute()
                chat_id = video["items"][0]["liveStreamingDetails"]["activeLiveChatId"]
                first = api.liveChatMessages().list(liveChatId=chat_id, part="id,snippet,authorDetails")
                page = first.execute()
                following = api.liveChatMessages().list_next(first, page).execute()
            return [one["snippet"]["textMessageDetails"]["messageText"] for one in page["items"] + following["items"]]

        assert await asyncio.to_thread(read_two_pages) == ["message 1", "message 2"]
