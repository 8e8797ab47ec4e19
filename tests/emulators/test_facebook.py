from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import RoomNotFoundError, RoomOfflineError, SourceAuthError, SourceThrottledError
from bridge.events import Comment, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Connection, NoticeKind
from bridge.sources.platforms.facebook import PLATFORM, Options, locate
from tests.emulators.driving import Driven, RealHttp
from tests.emulators.facebook import TOKEN, FacebookEmulator, comment
from tests.emulators.supervised import Supervised


def options(facebook: FacebookEmulator, **more: Any) -> Options:
    given = {"room": facebook.video_id, "api_base": facebook.http_url, "access_token": Secret(TOKEN), **more}
    return Options(**given)


async def connection(facebook: FacebookEmulator, **more: Any) -> Connection:
    async with RealHttp() as http:
        (one,) = await locate(options(facebook, **more), http)
    return one


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("piece_bytes", [0, 5])
async def test_comments_are_read_however_the_stream_is_cut(line_end: str, piece_bytes: int) -> None:
    async with FacebookEmulator() as facebook, Driven(await connection(facebook)) as driven:
        facebook.line_end, facebook.piece_bytes = line_end, piece_bytes
        await facebook.listening()
        facebook.push_raw(f": keep-alive{line_end}{line_end}".encode())
        facebook.push(comment(1, "bonjour é"))
        facebook.push(comment(2, "hidden", hidden=True))
        facebook.push(comment(3, "last"))
        # A lone CR ends a line only once the next byte is there.
        facebook.push_raw(b":")
        seen = await driven.until(lambda seen: len(seen.texts) == 3)

        words = [event.content for event in seen.events if isinstance(event.content, Comment)]
        assert words[0] == Comment(User("facebook_771", "Viewer 1"), "bonjour é")
        assert words[1] == Comment(User("facebook_0", masked=True), "hidden")
        assert Viewers(42) in [event.content for event in seen.events]
        assert seen.rejected == []
        assert facebook.queries[-1]["comment_rate"] == "ten_per_second"


async def test_garbage_in_the_stream_costs_its_own_event() -> None:
    async with FacebookEmulator() as facebook, Driven(await connection(facebook)) as driven:
        await facebook.listening()
        facebook.push("{not json")
        facebook.push(comment(1, "still here"))
        seen = await driven.until(lambda seen: seen.texts)
        assert len(seen.rejected) == 1


async def test_before_and_after_the_show_there_is_nothing_to_read() -> None:
    async with FacebookEmulator() as facebook:
        for status in ("SCHEDULED_UNPUBLISHED", "VOD"):
            facebook.status = status
            with pytest.raises(RoomOfflineError, match=status):
                await connection(facebook)


async def test_refusals_say_what_to_mend() -> None:
    async with FacebookEmulator() as facebook:
        with pytest.raises(SourceAuthError, match="access_token"):
            await connection(facebook, access_token=Secret("stale"))
        with pytest.raises(SourceAuthError, match="is missing"):
            await connection(facebook, access_token=Secret())
        with pytest.raises(RoomNotFoundError):
            await connection(facebook, room="1")
        one = await connection(facebook)
        facebook.stream_refusal = (400, 4)
        async with Driven(one) as driven:
            seen = await driven.until(lambda seen: seen.ends)
            assert isinstance(seen.ends[0], SourceThrottledError)


async def test_a_lost_stream_is_opened_anew() -> None:
    async with FacebookEmulator() as facebook, Supervised(PLATFORM, options(facebook)) as source:
        await facebook.listening()
        facebook.push(comment(1, "before"))
        await source.until(lambda seen: seen.texts == ["before"])
        facebook.cut()
        await facebook.listening()
        facebook.push(comment(2, "after"))
        await source.until(lambda seen: seen.texts == ["before", "after"])
        assert NoticeKind.ENDED not in source.seen.notices


async def test_the_end_of_the_show_is_told_though_the_stream_only_stops() -> None:
    async with FacebookEmulator() as facebook, Supervised(PLATFORM, options(facebook)) as source:
        await facebook.listening()
        await source.until(lambda seen: NoticeKind.LIVE in seen.notices)
        facebook.status = "VOD"
        facebook.cut()
        await source.until(lambda seen: NoticeKind.ENDED in seen.notices)
