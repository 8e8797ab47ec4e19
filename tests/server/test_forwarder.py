from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from bridge.report.wire import Answer, Verdict
from bridge.secret import Secret
from bridge.server.forwarder import MAX_AGE_SECS, MAX_WAITING, Forwarder, webhook_signer
from tests.fakes import FakeClock, settle

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://shop.example/hook?k=hush-hush"
DELIVERED = Answer(Verdict.DELIVERED, 200)
BROKEN = Answer(Verdict.UNAVAILABLE, 500, error_msg="hush-hush")


class Receiver:
    """Answers as told, then with 200; keeps what it got."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.held: asyncio.Event | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.calls.append((url, dict(headers), body))
        if self.held is not None:
            await self.held.wait()
        return self.answers.pop(0) if self.answers else DELIVERED

    @property
    def got(self) -> list[Any]:
        return [orjson.loads(body)["data"]["n"] for _, _, body in self.calls]


class Fixture:
    def __init__(self) -> None:
        self.clock = FakeClock(now_ms=int(datetime.now(UTC).timestamp() * 1000))
        self.receiver = Receiver()
        self.forwarder = Forwarder(
            "show", url=Secret(URL), secret=Secret(SECRET), poster=self.receiver, clock=self.clock, random=lambda: 0.999
        )

    def offer(self, *numbers: int) -> None:
        for number in numbers:
            self.forwarder.offer(f"msg_{number}", "metastudio.reply.finished", {"n": number}, 1_700_000_000_123)


@pytest.fixture
async def fixture() -> AsyncIterator[Fixture]:
    made = Fixture()
    running = asyncio.ensure_future(made.forwarder.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_library_of_the_receiver_verifies_a_call(fixture: Fixture) -> None:
    fixture.offer(7)
    await settle()
    [(url, headers, body)] = fixture.receiver.calls
    assert url == URL
    assert Webhook(SECRET).verify(body, headers) == {
        "type": "metastudio.reply.finished",
        "timestamp": "2023-11-14T22:13:20.123+00:00",
        "data": {"room": "show", "n": 7},
    }
    assert headers["webhook-id"] == "msg_7"
    assert (fixture.forwarder.waiting, fixture.forwarder.forwarded) == (0, 1)


async def test_a_failed_call_is_repeated_with_the_same_id_and_growing_waits_in_order(fixture: Fixture) -> None:
    fixture.receiver.answers = [BROKEN, BROKEN, Answer(Verdict.NOT_SENT)]
    fixture.offer(1, 2)
    await settle()
    assert fixture.receiver.got == [1]
    assert fixture.forwarder.last_error == "HTTP 500"
    await fixture.clock.advance(1)
    assert fixture.receiver.got == [1, 1]
    await fixture.clock.advance(1.5)
    assert fixture.receiver.got == [1, 1]
    await fixture.clock.advance(0.5)
    await fixture.clock.advance(4)
    assert fixture.receiver.got == [1, 1, 1, 1, 2]
    first, second = fixture.receiver.calls[0][1], fixture.receiver.calls[3][1]
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert fixture.forwarder.last_error == ""


async def test_a_receiver_may_say_how_long_to_wait(fixture: Fixture) -> None:
    fixture.receiver.answers = [Answer(Verdict.THROTTLED, 429, retry_after_secs=20)]
    fixture.offer(1)
    await fixture.clock.advance(19)
    assert fixture.receiver.got == [1]
    await fixture.clock.advance(1)
    assert fixture.receiver.got == [1, 1]


async def test_what_got_too_old_is_dropped_and_counted(fixture: Fixture) -> None:
    fixture.receiver.answers = [BROKEN] * 1000
    fixture.offer(1, 2)
    await fixture.clock.advance(MAX_AGE_SECS + 61)
    assert (fixture.forwarder.waiting, fixture.forwarder.dropped, fixture.forwarder.forwarded) == (0, 2, 0)
    assert set(fixture.receiver.got) == {1}
    fixture.receiver.answers = []
    fixture.offer(3)
    await settle()
    assert fixture.forwarder.forwarded == 1


async def test_a_receiver_that_is_gone_is_not_asked_again(fixture: Fixture) -> None:
    fixture.receiver.answers = [Answer(Verdict.GONE, 410)]
    fixture.offer(1, 2)
    await settle()
    assert fixture.receiver.got == [1, 2]
    assert (fixture.forwarder.dropped, fixture.forwarder.forwarded) == (1, 1)


async def test_the_queue_is_bounded_and_the_oldest_goes(fixture: Fixture) -> None:
    fixture.receiver.held = asyncio.Event()
    fixture.offer(0)
    await settle()
    fixture.offer(*range(1, MAX_WAITING + 5))
    assert (fixture.forwarder.waiting, fixture.forwarder.dropped) == (MAX_WAITING, 5)
    fixture.receiver.held.set()
    await settle(2 * MAX_WAITING)
    assert fixture.receiver.got == [0, *range(5, MAX_WAITING + 5)]


async def test_no_secret_reaches_the_log(fixture: Fixture) -> None:
    fixture.receiver.answers = [BROKEN, Answer(Verdict.GONE, 410)]
    with capture_logs() as logs:
        fixture.offer(1)
        await fixture.clock.advance(5)
    assert logs
    assert "hush-hush" not in repr(logs) + repr(fixture.forwarder)
    assert SECRET.removeprefix("whsec_") not in repr(logs) + repr(vars(fixture.forwarder))


@pytest.mark.parametrize("secret", ["", "whsec_", "a"])
def test_a_secret_that_is_none_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="is no Standard Webhooks secret: whsec_ and base64"):
        webhook_signer(Secret(secret))
