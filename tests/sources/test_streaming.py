"""Long HTTP answers, against a real server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from bridge.errors import RoomOfflineError, SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources.channel import ChannelClosedError
from bridge.sources.contract import Endpoint, HttpAnswer, Transport
from bridge.sources.http import SourceHttp
from bridge.sources.streaming import open_stream
from tests.emulators.local_site import LocalSite
from tests.fakes import FakeClock


class Brook(LocalSite):
    """Says one chunk at a time, as the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.requests: list[web.Request] = []
        self.is_gone = asyncio.Event()
        self.app.router.add_get("/stream", self._stream)
        self.app.router.add_get("/status/{status}", self._status)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while chunk := await self.chunks.get():
                await answer.write(chunk)
        except (ConnectionError, asyncio.CancelledError):
            self.is_gone.set()
            raise
        return answer

    async def _status(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), text="no")


@pytest.fixture
async def brook() -> AsyncIterator[Brook]:
    async with Brook() as site:
        yield site


@pytest.fixture
async def http() -> AsyncIterator[SourceHttp]:
    client = SourceHttp(FakeClock())
    yield client
    await client.close()


def endpoint(brook: Brook, path: str = "/stream?key=s3cr3t", silence_secs: float = 60.0) -> Endpoint:
    return Endpoint(
        brook.http_url + path, Transport.HTTP_STREAM, {"Authorization": "Bearer x"}, silence_timeout_secs=silence_secs
    )


async def test_chunks_come_as_they_are_sent(brook: Brook, http: SourceHttp) -> None:
    channel = await open_stream(endpoint(brook), http)
    for chunk in (b"data: 1\n", b"\n"):
        brook.chunks.put_nowait(chunk)
        assert await channel.receive() == chunk
    await channel.send("a GET has no way back")
    await channel.close()

    assert brook.requests[0].headers["Authorization"] == "Bearer x"
    assert brook.requests[0].raw_path == "/stream?key=s3cr3t"


async def test_the_end_of_the_stream_is_an_ordinary_close(brook: Brook, http: SourceHttp) -> None:
    channel = await open_stream(endpoint(brook), http)
    brook.chunks.put_nowait(b"")

    with pytest.raises(ChannelClosedError) as caught:
        await channel.receive()

    assert (caught.value.code, caught.value.reason) == (1000, "the stream ended")
    await channel.close()


async def test_a_stream_that_breaks_off_is_a_loss(brook: Brook, http: SourceHttp) -> None:
    channel = await open_stream(endpoint(brook), http)
    brook.chunks.put_nowait(b"x")
    await channel.receive()
    transport = brook.requests[0].transport
    assert transport is not None
    transport.abort()

    with pytest.raises(ChannelClosedError) as caught:
        await channel.receive()

    assert caught.value.code == 1006
    await channel.close()


async def test_a_silent_stream_is_a_loss(brook: Brook, http: SourceHttp) -> None:
    channel = await open_stream(endpoint(brook, silence_secs=0.05), http)

    with pytest.raises(ChannelClosedError) as caught:
        await channel.receive()

    assert caught.value.code == 1006
    await channel.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, SourceAuthError),
        (403, SourceAuthError),
        (429, SourceThrottledError),
        (500, SourceUnavailableError),
        (204, SourceUnavailableError),
    ],
)
async def test_any_other_answer_says_what_to_do_and_shows_no_secret(
    status: int, kind: type[SourceError], brook: Brook, http: SourceHttp
) -> None:
    with pytest.raises(SourceError) as caught:
        await open_stream(endpoint(brook, f"/status/{status}?key=s3cr3t"), http)

    assert type(caught.value) is kind
    assert str(caught.value) == f"{brook.http_url}/status/{status}: HTTP {status}"


async def test_the_platform_may_know_better_what_an_answer_means(brook: Brook, http: SourceHttp) -> None:
    def refusal(answer: HttpAnswer, now_ms: int) -> SourceError | None:
        return RoomOfflineError(f"{answer.body.decode()} {now_ms}") if answer.status == 403 else None

    for status, kind in ((403, RoomOfflineError), (401, SourceAuthError)):
        with pytest.raises(kind) as caught:
            await open_stream(replace(endpoint(brook, f"/status/{status}"), refusal=refusal), http)
        if status == 403:
            assert str(caught.value) == f"no {http.now_ms()}"


async def test_nobody_at_the_door_is_unavailable(http: SourceHttp) -> None:
    async with Brook() as brook:
        gone = endpoint(brook)

    with pytest.raises(SourceUnavailableError):
        await open_stream(gone, http)


async def test_closing_lets_go_of_the_connection_at_once(brook: Brook, http: SourceHttp) -> None:
    channel = await open_stream(endpoint(brook), http)
    await channel.close()

    async with asyncio.timeout(5):
        while not brook.is_gone.is_set():
            brook.chunks.put_nowait(b"anybody there?")
            await asyncio.sleep(0.01)
