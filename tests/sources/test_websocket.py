"""Platform sockets, against a real server on this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidHandshake, InvalidURI
from websockets.http11 import Request, Response

from bridge.errors import SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources import websocket as module
from bridge.sources.channel import ChannelClosedError
from bridge.sources.contract import Endpoint, HttpAnswer
from bridge.sources.websocket import classify_connect_failure, open_websocket

Talk = Callable[[ServerConnection], Awaitable[None]]


class Peer:
    """The other end of the connections that were made to it."""

    def __init__(self, talk: Talk | None, status: int, headers: Mapping[str, str]) -> None:
        self._talk = talk
        self._status = status
        self._headers = headers
        self.requests: list[Request] = []
        self.received: list[str | bytes] = []
        self.pings = 0
        self.url = ""

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if not self._status:
            return None
        response = connection.respond(HTTPStatus(self._status), "no\n")
        response.headers.update(self._headers)
        return response

    async def talk(self, connection: ServerConnection) -> None:
        if self._talk is not None:
            await self._talk(connection)
        async for message in connection:
            self.received.append(message)


@asynccontextmanager
async def peer(
    talk: Talk | None = None, status: int = 0, subprotocol: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Peer]:
    """Listen for connections; ``talk`` is what is said to each, ``status`` refuses them, with ``headers``."""
    other = Peer(talk, status, headers or {})
    async with serve(
        other.talk,
        "127.0.0.1",
        0,
        process_request=other.answer,
        compression=None,
        subprotocols=[subprotocol] if subprotocol else None,  # type: ignore[list-item]
    ) as server:
        other.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/sub?token=s3cr3t"
        yield other


async def says(connection: ServerConnection) -> None:
    await connection.send("text 你好")
    await connection.send(b"\x00bytes")


async def test_frames_go_both_ways_as_texts_and_as_bytes() -> None:
    async with peer(says) as other:
        channel = await open_websocket(Endpoint(other.url))
        heard = [await channel.receive(), await channel.receive()]
        await channel.send("hi")
        await channel.send(b"\x01")
        await channel.close()

    assert heard == ["text 你好", b"\x00bytes"]
    assert other.received == ["hi", b"\x01"]


async def test_the_endpoints_headers_and_subprotocols_are_sent() -> None:
    async with peer(subprotocol="chat") as other:
        endpoint = Endpoint(
            other.url, headers={"Origin": "https://pond.example", "User-Agent": "frog"}, subprotocols=["chat"]
        )
        await (await open_websocket(endpoint)).close()
        await (await open_websocket(Endpoint(other.url, subprotocols=["chat"]))).close()

    first, second = (request.headers for request in other.requests)
    assert (first["Origin"], first.get_all("User-Agent")) == ("https://pond.example", ["frog"])
    assert first["Sec-WebSocket-Protocol"] == "chat"
    assert second["User-Agent"] == "live-event-bridge"
    assert "Sec-WebSocket-Extensions" not in first


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, SourceAuthError),
        (403, SourceAuthError),
        (429, SourceThrottledError),
        (404, SourceUnavailableError),
        (503, SourceUnavailableError),
    ],
)
async def test_a_refused_connection_says_what_to_do_and_shows_no_secret(status: int, kind: type[SourceError]) -> None:
    async with peer(status=status) as other:
        with pytest.raises(SourceError) as caught:
            await open_websocket(Endpoint(other.url))

    assert type(caught.value) is kind
    assert str(status) in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


async def test_a_platform_may_know_what_an_answer_other_than_a_socket_means() -> None:
    def meaning(answer: HttpAnswer) -> SourceError | None:
        return SourceAuthError(f"{answer.status} {answer.headers['handshake-msg']}") if answer.status == 200 else None

    async with peer(status=200, headers={"Handshake-Msg": "BLOCKED"}) as other:
        with pytest.raises(SourceAuthError, match=r"^200 BLOCKED$"):
            await open_websocket(Endpoint(other.url, handshake_refusal=meaning))
    async with peer(status=503) as other:
        with pytest.raises(SourceUnavailableError, match="503"):
            await open_websocket(Endpoint(other.url, handshake_refusal=meaning))


async def test_nobody_at_the_door_is_a_source_that_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(SourceUnavailableError, match=rf"ws://127.0.0.1:{port}/sub: "):
        await open_websocket(Endpoint(f"ws://127.0.0.1:{port}/sub?token=s3cr3t"))


async def test_a_peer_that_speaks_no_websocket_is_unavailable() -> None:
    async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.pond.example\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(SourceUnavailableError, match="not a WebSocket"):
            await open_websocket(Endpoint(url))


async def test_a_peer_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_TIMEOUT_SECS", 0.1)
    hold = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        with pytest.raises(SourceUnavailableError, match="no answer within"):
            await open_websocket(Endpoint(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
        hold.set()


@pytest.mark.parametrize("url", ["https://pond.example/?token=s3cr3t", "nonsense s3cr3t", "", "ws://[::1"])
async def test_what_is_no_socket_url_is_said_without_showing_it(url: str) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        await open_websocket(Endpoint(url))

    assert "s3cr3t" not in str(caught.value)


async def test_a_proxy_that_refuses_shows_no_password() -> None:
    async with peer(status=403) as other:
        proxy = other.url.replace("ws://", "http://user:s3cr3t@").partition("/sub")[0]
        with pytest.raises(SourceError) as caught:
            await open_websocket(Endpoint("ws://pond.example/"), proxy)

    assert "s3cr3t" not in str(caught.value)


async def test_the_proxy_is_named_where_it_may_be_to_blame() -> None:
    async with peer(status=407) as other:
        proxy = other.url.replace("ws://", "http://").partition("/sub")[0]
        with pytest.raises(SourceUnavailableError, match=r"pond.example/: the proxy answers HTTP 407$"):
            await open_websocket(Endpoint("ws://pond.example/"), proxy)
    with pytest.raises(SourceUnavailableError, match=r"pond.example/ \(through the proxy\): "):
        await open_websocket(Endpoint("ws://pond.example/"), proxy)


async def test_the_peers_close_code_is_told() -> None:
    async def ends(connection: ServerConnection) -> None:
        await connection.close(4001, "bad token")

    async with peer(ends) as other:
        channel = await open_websocket(Endpoint(other.url))
        with pytest.raises(ChannelClosedError) as caught:
            await channel.receive()
        with pytest.raises(ChannelClosedError):
            await channel.send("x")

    assert (caught.value.code, caught.value.reason) == (4001, "bad token")
    assert str(caught.value) == "closed with 4001 bad token"


async def test_a_lost_connection_is_1006() -> None:
    async def vanishes(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with peer(vanishes) as other:
        channel = await open_websocket(Endpoint(other.url))
        with pytest.raises(ChannelClosedError) as caught:
            await channel.receive()

    assert (caught.value.code, caught.value.reason) == (1006, "connection lost")


async def test_a_frame_over_the_bound_ends_the_connection_and_says_so() -> None:
    async def shouts(connection: ServerConnection) -> None:
        await connection.send("x" * 2000)

    async with peer(shouts) as other:
        channel = await open_websocket(Endpoint(other.url, max_frame_bytes=1000))
        with pytest.raises(ChannelClosedError) as caught:
            await channel.receive()

    assert caught.value.code == 1006
    assert "1009" in caught.value.reason


async def test_a_text_that_is_no_utf8_ends_the_connection_and_says_so() -> None:
    async def mumbles(connection: ServerConnection) -> None:
        await connection.send(b"\xff\xfe", text=True)

    async with peer(mumbles) as other:
        channel = await open_websocket(Endpoint(other.url))
        with pytest.raises(ChannelClosedError, match="1007"):
            await channel.receive()


@pytest.mark.parametrize(("answers_pings", "interval_secs"), [(True, module.PING_INTERVAL_SECS), (False, None)])
async def test_pings_are_sent_only_to_those_who_answer_them(answers_pings: bool, interval_secs: float | None) -> None:
    async with peer() as other:
        channel = await open_websocket(Endpoint(other.url, answers_pings=answers_pings))
        assert channel._connection.ping_interval == interval_secs
        await channel.close()


def test_every_way_to_fail_has_a_meaning() -> None:
    for error in (
        OSError(113, "No route to host"),
        TimeoutError(),
        InvalidURI("x", "y"),
        InvalidHandshake("x"),
        ValueError("x"),
    ):
        assert type(classify_connect_failure(error, "wss://pond.example/")) is SourceUnavailableError
    assert str(classify_connect_failure(OSError(113, "No route to host"), "there")) == "there: No route to host"
