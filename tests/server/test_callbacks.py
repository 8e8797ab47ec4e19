"""The route, over real HTTP: what a caller gets, and that only the cloud's own words take effect."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from bridge.metastudio.callback_signature import CallbackVerifier
from bridge.sandbox.callbacks import AuthType, Outgoing, callback_body, signed_callback
from bridge.secret import Secret
from bridge.server.bodies import MAX_BODY_BYTES
from bridge.server.callbacks import CallbackRoute
from bridge.server.room_callbacks import RoomCallbacks
from tests.fakes import FakeClock
from tests.server.jobs import FakeJob

KEY = "0123456789abcdef"
CONFIGURED = "https://bridge.example.com/callbacks/{room}?a=b"
ROOMS: dict[str, AuthType] = {"head": "MSS_A_HEAD", "query": "MSS_A", "token": "NONE"}
SAMPLE = b'{"event_type": "REPLY_COMMAND_FINISH", "message":"{\\"job_id\\":\\"job-1\\",\\"reply_id\\":\\"p1"}"}'

Client = TestClient[web.Request, web.Application]


class Bridge:
    """A server with one room for each auth type."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.jobs = {name: FakeJob() for name in ROOMS}
        self.rooms = {
            name: RoomCallbacks(
                name,
                verifier=CallbackVerifier(
                    auth_type, key=Secret(KEY), url=CONFIGURED.format(room=name), token=Secret("t0ken")
                ),
                job=self.jobs[name],
                clock=self.clock,
            )
            for name, auth_type in ROOMS.items()
        }
        self.client: Client

    def signed(self, room: str, body: bytes, *, key: str = KEY, late_ms: int = 0) -> Outgoing:
        extra = "&token=t0ken" if room == "token" else ""
        return signed_callback(
            target=str(self.client.make_url(f"/callbacks/{room}?a=b{extra}")),
            signed_url=CONFIGURED.format(room=room),
            body=body,
            auth_type=ROOMS[room],
            key=key,
            at_ms=self.clock.now_ms() - late_ms,
        )

    async def send(self, outgoing: Outgoing) -> int:
        url = URL(outgoing.url, encoded=True)
        async with self.client.post(url.relative(), data=io.BytesIO(outgoing.body), headers=outgoing.headers) as answer:
            await answer.read()
            return answer.status


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    made = Bridge()
    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application.add_routes([web.post("/callbacks/{room}", CallbackRoute(made.rooms).post)])
    async with TestClient(TestServer(application)) as client:
        made.client = client
        yield made


def ending(job_id: str = "job-1", state: str = "END") -> bytes:
    return callback_body("RTMP_STREAM_STATE_CHANGE", {"state": state}, room_id="r", job_id=job_id)


@pytest.mark.parametrize("room", ROOMS)
async def test_a_signed_callback_takes_effect(bridge: Bridge, room: str) -> None:
    assert await bridge.send(bridge.signed(room, ending())) == 200
    assert bridge.jobs[room].told == ["ended"]


@pytest.mark.parametrize("room", ROOMS)
async def test_the_documents_own_sample_is_taken(bridge: Bridge, room: str) -> None:
    assert await bridge.send(bridge.signed(room, SAMPLE)) == 200


@pytest.mark.parametrize("room", ["head", "query"])
@pytest.mark.parametrize("late_ms", [62_000, -62_000, 86_400_000])
async def test_a_stale_callback_gets_401_and_has_no_effect(bridge: Bridge, room: str, late_ms: int) -> None:
    assert await bridge.send(bridge.signed(room, ending(), late_ms=late_ms)) == 401
    assert bridge.jobs[room].told == []


@pytest.mark.parametrize("room", ["head", "query"])
async def test_a_forged_callback_gets_401_and_is_not_told_why(bridge: Bridge, room: str) -> None:
    outgoing = bridge.signed(room, ending(), key="another")
    async with bridge.client.post(
        URL(outgoing.url, encoded=True).relative(), data=outgoing.body, headers=outgoing.headers
    ) as answer:
        assert answer.status == 401
        assert await answer.json() == {"error": "not verified"}
    assert bridge.jobs[room].told == []


async def test_without_the_token_nobody_comes_in(bridge: Bridge) -> None:
    for query in ("", "?token=", "?token=t0keN", "?token=x&token=t0ken"):
        async with bridge.client.post(f"/callbacks/token{query}", data=ending()) as answer:
            assert answer.status == 401
    assert bridge.jobs["token"].told == []


@pytest.mark.parametrize("room", ROOMS)
async def test_the_same_bytes_again_get_200_and_have_no_second_effect(bridge: Bridge, room: str) -> None:
    outgoing = bridge.signed(room, ending())
    assert [await bridge.send(outgoing) for _ in range(3)] == [200, 200, 200]
    assert bridge.jobs[room].told == ["ended"]


async def test_another_body_under_the_same_signature_is_another_message(bridge: Bridge) -> None:
    outgoing = bridge.signed("head", ending(state="END"))
    resumed = Outgoing(outgoing.url, outgoing.headers, ending(state="CONNECTED"))
    assert [await bridge.send(one) for one in (outgoing, resumed)] == [200, 200]
    assert bridge.jobs["head"].told == ["ended", "connected"]


@pytest.mark.parametrize("body", [b"", b"hello", b"{}", b'{"event_type": "REPLY_COMMAND_FINISH", "message": "{}"}'])
async def test_what_cannot_be_read_gets_400_each_time(bridge: Bridge, body: bytes) -> None:
    outgoing = bridge.signed("head", body)
    assert [await bridge.send(outgoing) for _ in range(2)] == [400, 400]


async def test_a_room_without_callbacks_is_not_there(bridge: Bridge) -> None:
    for room in ("other", "head%2Fx", "%00"):
        async with bridge.client.post(f"/callbacks/{room}", data=ending()) as answer:
            assert answer.status == 404


async def test_a_body_of_more_than_a_mebibyte_gets_413(bridge: Bridge) -> None:
    assert await bridge.send(bridge.signed("head", ending() + b" " * (MAX_BODY_BYTES - len(ending())))) == 200
    outgoing = bridge.signed("head", ending(state="CONNECTED") + b" " * MAX_BODY_BYTES)
    assert await bridge.send(outgoing) == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield outgoing.body[: 64 * 1024]

    async with bridge.client.post("/callbacks/head", data=chunks(), headers=outgoing.headers) as answer:
        assert answer.status == 413
    assert bridge.jobs["head"].told == ["ended"]


async def test_an_unknown_kind_of_news_is_acknowledged(bridge: Bridge) -> None:
    assert await bridge.send(bridge.signed("head", b'{"event_type": "NEW", "message": "{}"}')) == 200
