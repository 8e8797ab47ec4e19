"""HTTP calls on behalf of platforms, against a real server on this machine."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import web

from bridge.errors import SourceUnavailableError
from bridge.sources import http as module
from bridge.sources.contract import HttpCall
from bridge.sources.http import SourceHttp
from tests.emulators.local_site import LocalSite
from tests.fakes import FakeClock


class Pond(LocalSite):
    """Says what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.hits: list[str] = []
        self.app.router.add_route("*", "/echo", self._echo)
        self.app.router.add_get("/login", self._login)
        self.app.router.add_get("/away", self._away)
        self.app.router.add_get("/big", self._big)
        self.app.router.add_get("/bomb", self._bomb)
        self.app.router.add_get("/cut", self._cut)

    async def _echo(self, request: web.Request) -> web.Response:
        self.hits.append(request.raw_path)
        asked = {
            "method": request.method,
            "path": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": (await request.read()).decode(),
            "cookies": dict(request.cookies),
        }
        return web.Response(
            body=orjson.dumps(asked), headers={"X-Answer": "yes"}, status=int(request.query.get("status", 200))
        )

    async def _login(self, _: web.Request) -> web.Response:
        answer = web.Response(text="welcome")
        answer.set_cookie("session", "s3cr3t")
        return answer

    async def _away(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/echo?from=away")

    async def _big(self, _: web.Request) -> web.Response:
        return web.Response(body=b"x" * (module.MAX_ANSWER_BYTES + 5))

    async def _bomb(self, _: web.Request) -> web.Response:
        return web.Response(
            body=gzip.compress(b"\0" * 10 * module.MAX_ANSWER_BYTES), headers={"Content-Encoding": "gzip"}
        )

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return answer


@pytest.fixture
async def pond() -> AsyncIterator[Pond]:
    async with Pond() as site:
        yield site


@pytest.fixture
async def http() -> AsyncIterator[SourceHttp]:
    client = SourceHttp(FakeClock(now_ms=1_700_000_000_000))
    yield client
    await client.close()


async def test_a_call_is_made_as_it_was_named(pond: Pond, http: SourceHttp) -> None:
    call = HttpCall("PATCH", f"{pond.http_url}/echo?a=1", {"b": "2 3"}, {"X-Frog": "green"}, body=b"raw")

    answer = await http.send(call)

    asked = answer.json()
    assert answer.status == 200
    assert answer.headers["x-answer"] == "yes"
    assert (asked["method"], asked["path"], asked["body"]) == ("PATCH", "/echo?a=1&b=2+3", "raw")
    assert asked["headers"]["x-frog"] == "green"


async def test_the_query_goes_over_the_wire_byte_for_byte(pond: Pond, http: SourceHttp) -> None:
    """A signed query must not be written anew."""
    signed = "/echo?sign=a%2Fb%3D&x=%E4%BD%A0&plus=1+2&tilde=~&star=*"

    answer = await http.send(HttpCall("GET", pond.http_url + signed))

    assert answer.json()["path"] == signed


@pytest.mark.parametrize(
    ("fields", "body", "content_type"),
    [
        ({"json": {"a": [1]}}, '{"a": [1]}', "application/json"),
        ({"form": {"a": "1 2", "b": "ü"}}, "a=1+2&b=%C3%BC", "application/x-www-form-urlencoded"),
        ({"body": b"\x01\x02"}, "\x01\x02", "application/octet-stream"),
    ],
)
async def test_a_body_is_json_or_a_form_or_bytes(
    fields: dict[str, object], body: str, content_type: str, pond: Pond, http: SourceHttp
) -> None:
    asked = (await http.send(HttpCall("POST", f"{pond.http_url}/echo", **fields))).json()  # type: ignore[arg-type]

    assert asked["body"] == body
    assert asked["headers"]["content-type"].startswith(content_type)


async def test_a_signature_is_made_when_the_call_is_sent_and_wins_over_the_headers(
    pond: Pond, http: SourceHttp
) -> None:
    call = HttpCall(
        "GET", f"{pond.http_url}/echo", headers={"X-Time": "0"}, sign=lambda now_ms: {"X-Time": str(now_ms)}
    )

    asked = (await http.send(call)).json()

    assert asked["headers"]["x-time"] == "1700000000000"
    assert http.now_ms() == 1_700_000_000_000


@pytest.mark.parametrize("status", [204, 400, 401, 404, 429, 500])
async def test_every_answer_is_an_answer_whatever_its_status(status: int, pond: Pond, http: SourceHttp) -> None:
    assert (await http.send(HttpCall("GET", f"{pond.http_url}/echo?status={status}"))).status == status


async def test_cookies_are_kept_for_this_source_and_told(pond: Pond, http: SourceHttp) -> None:
    answer = await http.send(HttpCall("GET", f"{pond.http_url}/login"))
    assert answer.cookies == {"session": "s3cr3t"}

    asked = (await http.send(HttpCall("GET", f"{pond.http_url}/echo"))).json()
    assert asked["cookies"] == {"session": "s3cr3t"}

    other = SourceHttp(FakeClock())
    assert (await other.send(HttpCall("GET", f"{pond.http_url}/echo"))).json()["cookies"] == {}
    await other.close()


async def test_a_redirect_is_an_answer_and_not_followed(pond: Pond, http: SourceHttp) -> None:
    answer = await http.send(HttpCall("GET", f"{pond.http_url}/away"))

    assert (answer.status, answer.headers["location"]) == (302, "/echo?from=away")
    assert pond.hits == []


@pytest.mark.parametrize("path", ["/big", "/bomb"])
async def test_of_an_answer_only_so_much_is_read(path: str, pond: Pond, http: SourceHttp) -> None:
    answer = await http.send(HttpCall("GET", pond.http_url + path))

    assert len(answer.body) == module.MAX_ANSWER_BYTES


class TestCallsThatWorkOnce:
    """What spends something is spent once, however many sources want it at the same time."""

    @staticmethod
    def call(pond: Pond, refresh_token: str = "r1", *, once: bool = True) -> HttpCall:
        return HttpCall("POST", f"{pond.http_url}/echo", form={"refresh_token": refresh_token}, once=once)

    async def test_equal_ones_under_way_together_share_one_answer(self, pond: Pond, http: SourceHttp) -> None:
        other = SourceHttp(FakeClock())
        answers = await asyncio.gather(*(client.send(self.call(pond)) for client in (http, other, other)))
        await other.close()

        assert [answer.json()["body"] for answer in answers] == ["refresh_token=r1"] * 3
        assert len(pond.hits) == 1

    async def test_others_are_made_each_by_itself(self, pond: Pond, http: SourceHttp) -> None:
        await asyncio.gather(http.send(self.call(pond)), http.send(self.call(pond, "r2")))
        await asyncio.gather(*(http.send(self.call(pond, once=False)) for _ in range(2)))
        await http.send(self.call(pond))

        assert len(pond.hits) == 5

    async def test_a_failure_is_everybodys_and_the_next_one_is_made_anew(self, pond: Pond, http: SourceHttp) -> None:
        cut = HttpCall("GET", f"{pond.http_url}/cut", once=True)
        failures = await asyncio.gather(http.send(cut), http.send(cut), return_exceptions=True)

        assert [type(failure) for failure in failures] == [SourceUnavailableError] * 2
        assert (await http.send(self.call(pond))).status == 200

    async def test_whoever_gives_up_waiting_takes_the_answer_from_nobody(self, pond: Pond, http: SourceHttp) -> None:
        first, second = (asyncio.create_task(http.send(self.call(pond))) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()

        assert (await second).status == 200
        assert len(pond.hits) == 1


async def test_an_answer_that_breaks_off_is_none(pond: Pond, http: SourceHttp) -> None:
    with pytest.raises(SourceUnavailableError, match="ClientPayloadError"):
        await http.send(HttpCall("GET", f"{pond.http_url}/cut"))


@pytest.mark.parametrize(
    "url", ["{closed}/x?token=s3cr3t", "nonsense?s3cr3t", "", "http://", "ftp://pond.example/s3cr3t"]
)
async def test_when_no_answer_comes_the_error_shows_no_secret(url: str, http: SourceHttp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(SourceUnavailableError) as caught:
        await http.send(HttpCall("GET", url.format(closed=closed)))

    assert "s3cr3t" not in str(caught.value).replace("ftp://pond.example/s3cr3t", "")


async def test_why_no_answer_comes_is_said_in_words_that_an_operator_knows(http: SourceHttp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/x"
    with pytest.raises(SourceUnavailableError, match=f"^{closed}: Connection refused$"):
        await http.send(HttpCall("GET", closed))
    with pytest.raises(SourceUnavailableError, match=r"^http://pond\.invalid/x: the host is not found$"):
        await http.send(HttpCall("GET", "http://pond.invalid/x"))


async def test_a_proxy_is_used_and_its_password_never_shown(pond: Pond) -> None:
    through = SourceHttp(FakeClock(), pond.http_url.replace("http://", "http://user:s3cr3t@"))

    answer = await through.send(HttpCall("GET", "http://elsewhere.example/echo"))

    assert answer.json()["headers"]["host"] == "elsewhere.example"
    await through.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = SourceHttp(FakeClock(), f"http://user:s3cr3t@127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(SourceUnavailableError) as caught:
        await dead.send(HttpCall("GET", "http://elsewhere.example/echo"))
    assert str(caught.value) == "http://elsewhere.example/echo: the proxy cannot be reached: Connection refused"
    await dead.close()
