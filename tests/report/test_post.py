"""The POST against a real server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
from aiohttp import web

from bridge.clock import SystemClock
from bridge.report import post
from bridge.report.post import HttpPoster
from bridge.report.wire import MAX_ANSWER_BYTES, Answer, Verdict, classify
from tests.report.fakes import KEY

BODY = b'{"total":1,"events":[{}]}'
PATH = "/v1/p/live-event-report"
FRESH = {"live_event_report_url": "https://h.example.com/p?auth_key=fresh"}
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers as it is told and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.reply: Reply = answering(200, FRESH)
        self.origin = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.raw_path, dict(request.headers), await request.read()))
        return await self.reply(request)


def answering(status: int, data: object = None, **headers: str) -> Reply:
    body = data if isinstance(data, bytes) else b"" if data is None else orjson.dumps(data)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def reply(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=named)

    return reply


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", server.serve)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with listening(server):
        yield server


@pytest.fixture
async def poster() -> AsyncIterator[HttpPoster]:
    async with aiohttp.ClientSession() as session:
        yield HttpPoster(session, SystemClock())


@pytest.fixture
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpPoster]:
    monkeypatch.setattr(post, "TOTAL_TIMEOUT_SECS", 0.4)
    async with aiohttp.ClientSession() as session:
        yield HttpPoster(session, SystemClock())


async def test_the_url_is_called_byte_for_byte_with_the_body_and_the_headers_given(
    server: Server, poster: HttpPoster
) -> None:
    query = "auth_key=a%2Fb+c%3d&expires_time=1&&x"
    answer = await poster.post(f"{server.origin}{PATH}?{query}", {"X-App-UserId": "shop-7"}, BODY)
    ((target, headers, body),) = server.requests
    assert target == f"{PATH}?{query}"
    assert body == BODY
    assert headers["Content-Type"] == "application/json"
    assert headers["X-App-UserId"] == "shop-7"
    assert (answer.verdict, answer.new_url) == (Verdict.DELIVERED, FRESH["live_event_report_url"])


async def test_a_signers_content_type_replaces_ours(server: Server, poster: HttpPoster) -> None:
    await poster.post(server.origin, {"Content-Type": "application/json;charset=UTF-8"}, BODY)
    assert server.requests[0][1]["Content-Type"] == "application/json;charset=UTF-8"


async def test_an_answer_is_read_with_its_headers(server: Server, poster: HttpPoster) -> None:
    server.reply = answering(429, {"error_code": "APIGW.0308", "error_msg": "slow"}, Retry_After="3", X_Request_Id="r1")
    answer = await poster.post(server.origin, {}, BODY)
    assert (answer.verdict, answer.status, answer.error_code) == (Verdict.THROTTLED, 429, "APIGW.0308")
    assert (answer.retry_after_secs, answer.request_id) == (3.0, "r1")
    assert answer.date_ms > 0


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(server: Server, poster: HttpPoster) -> None:
    async def in_pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for byte in (text := orjson.dumps(FRESH)):
            await response.write(bytes([byte]))
            if byte == text[20]:
                await asyncio.sleep(0.002)
        return response

    server.reply = in_pieces
    answer = await poster.post(server.origin, {}, BODY)
    assert answer.new_url == FRESH["live_event_report_url"]


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_2xx_without_a_body_is_delivered(server: Server, poster: HttpPoster, status: int) -> None:
    server.reply = answering(status)
    answer = await poster.post(server.origin, {}, BODY)
    assert (answer.verdict, answer.status, answer.new_url) == (Verdict.DELIVERED, status, "")


async def test_a_2xx_whose_body_breaks_off_is_delivered(server: Server, poster: HttpPoster) -> None:
    server.reply = broken_off(200)
    answer = await poster.post(server.origin, {}, BODY)
    assert (answer.verdict, answer.new_url) == (Verdict.DELIVERED, "")


async def test_a_2xx_whose_body_never_ends_is_delivered_when_the_time_is_over(
    server: Server, impatient: HttpPoster
) -> None:
    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    server.reply = dripping
    answer = await impatient.post(server.origin, {}, BODY)
    assert answer.verdict is Verdict.DELIVERED


async def test_a_refusal_whose_body_breaks_off_is_not_held_against_the_events(
    server: Server, poster: HttpPoster
) -> None:
    server.reply = broken_off(400)
    answer = await poster.post(server.origin, {}, BODY)
    assert (answer.verdict, answer.status) == (Verdict.UNAVAILABLE, 400)


def broken_off(status: int) -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"error_code": "MSS.0')
        assert request.transport is not None
        request.transport.abort()
        return response

    return reply


@pytest.mark.parametrize("compressed", [False, True])
async def test_no_more_than_the_cap_is_read_of_a_huge_body(
    server: Server, poster: HttpPoster, monkeypatch: pytest.MonkeyPatch, compressed: bool
) -> None:
    async def huge(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        for _ in range(200):
            await response.write(b" " * 100_000)
        return response

    read: list[int] = []

    def spy(status: int, headers: Mapping[str, str], body: bytes, now_ms: int, *, secrets: Sequence[str]) -> Answer:
        read.append(len(body))
        return classify(status, headers, body, now_ms, secrets=secrets)

    monkeypatch.setattr(post, "classify", spy)
    server.reply = huge
    answer = await poster.post(server.origin, {}, BODY)
    assert answer.verdict is Verdict.DELIVERED
    assert read == [MAX_ANSWER_BYTES]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(server: Server, poster: HttpPoster, status: int) -> None:
    server.reply = answering(status, Location=f"{server.origin}/elsewhere")
    answer = await poster.post(f"{server.origin}{PATH}?auth_key={KEY}", {}, BODY)
    assert (answer.verdict, answer.status) == (Verdict.MISCONFIGURED, status)
    assert len(server.requests) == 1


async def test_no_answer_in_time_leaves_it_unknown(server: Server, impatient: HttpPoster) -> None:
    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    server.reply = silent
    answer = await impatient.post(server.origin, {}, BODY)
    assert (answer.verdict, answer.status) == (Verdict.UNKNOWN, 0)
    assert len(server.requests) == 1


async def test_a_connection_closed_instead_of_an_answer_leaves_it_unknown_and_is_not_repeated(
    server: Server, poster: HttpPoster
) -> None:
    async def close(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.reply = answering(200)
    await poster.post(server.origin, {}, BODY)  # so that the next call finds a connection
    server.reply = close
    assert (await poster.post(server.origin, {}, BODY)).verdict is Verdict.UNKNOWN
    assert len(server.requests) == 2


@pytest.mark.parametrize("read_bytes", [0, 1000, 750_000])
async def test_a_reset_before_within_or_after_the_body_leaves_it_unknown(poster: HttpPoster, read_bytes: int) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read_bytes:
            await reader.readexactly(read_bytes)
        writer.transport.abort()

    async with socket_server(reset) as origin:
        assert (await poster.post(origin, {}, BODY * 30_000)).verdict is Verdict.UNKNOWN


async def test_garbage_instead_of_http_leaves_it_unknown(poster: HttpPoster) -> None:
    async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff SSH-2.0 hello\r\n\r\n")
        writer.close()

    async with socket_server(garbage) as origin:
        assert (await poster.post(origin, {}, BODY)).verdict is Verdict.UNKNOWN


@asynccontextmanager
async def socket_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def test_a_refused_connection_sent_nothing(poster: HttpPoster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = await poster.post(f"http://127.0.0.1:{port}{PATH}?auth_key={KEY}", {}, BODY)
    assert answer.verdict is Verdict.NOT_SENT
    assert answer.error_msg.startswith("cannot connect: ")
    assert KEY not in str(answer)


async def test_a_name_that_is_not_looked_up_in_time_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(aiohttp.abc.AbstractResolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):  # type: ignore[no-untyped-def]
            await asyncio.sleep(30)

        async def close(self) -> None:
            pass

    monkeypatch.setattr(post, "CONNECT_TIMEOUT_SECS", 0.05)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Stuck())) as session:
        answer = await HttpPoster(session, SystemClock()).post("http://h.example.com/p", {}, BODY)
    assert (answer.verdict, answer.error_msg) == (Verdict.NOT_SENT, "connecting took too long")


async def test_a_server_without_tls_sent_nothing(server: Server, poster: HttpPoster) -> None:
    answer = await poster.post(server.origin.replace("http:", "https:"), {}, BODY)
    assert answer.verdict is Verdict.NOT_SENT
    assert server.requests == []


@pytest.mark.parametrize("url", ["", "p", "http://", "ftp://h/p", "http://h:99999/p"])
async def test_what_is_no_url_is_an_answer_and_no_error(poster: HttpPoster, url: str) -> None:
    assert (await poster.post(url, {}, BODY)).verdict is Verdict.MISCONFIGURED


async def test_a_header_that_cannot_be_sent_is_an_answer_and_no_error(server: Server, poster: HttpPoster) -> None:
    answer = await poster.post(server.origin, {"X-App-UserId": "a\r\nX-Evil: 1"}, BODY)
    assert answer.verdict is Verdict.MISCONFIGURED
    assert server.requests == []


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"?auth_key={KEY}", {}),
        ("", {"x-mss-auth-key": KEY}),
        ("", {"X-Auth-Token": KEY}),
        ("", {"X-Security-Token": KEY}),
    ],
)
async def test_a_server_that_says_our_credential_back_is_not_quoted(
    server: Server, poster: HttpPoster, query: str, headers: dict[str, str]
) -> None:
    server.reply = answering(401, {"error_code": "APIGW.0301", "error_msg": f"canonical request: {KEY}|x"})
    answer = await poster.post(f"{server.origin}{PATH}{query}", headers, BODY)
    assert answer.error_msg == "canonical request: ***|x"


async def test_innocent_words_are_not_struck_out_for_a_short_key(server: Server, poster: HttpPoster) -> None:
    server.reply = answering(401, {"error_code": "APIGW.0301", "error_msg": "a bad key"})
    assert (await poster.post(f"{server.origin}?auth_key=a", {}, BODY)).error_msg == "a bad key"
