"""Management calls that go wrong: what is raised, what is tried again, and what never is."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge.errors import CloudAuthError, CloudError, CloudUnavailableError
from bridge.metastudio import exchange
from bridge.metastudio.auth import AccessKeyAuth, TokenAuth
from bridge.metastudio.models import RoomRequest
from bridge.metastudio.signing import SigningKey
from bridge.secret import Secret
from tests.metastudio.calling import Bench, page
from tests.metastudio.fake_cloud import (
    ACCESS_KEY,
    PROJECT,
    SECRET_KEY,
    Answer,
    Call,
    answer,
    hang_up,
    running_cloud,
)

SIGNATURE_REFUSED = {"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information"}


def one_job() -> Answer:
    return page({"job_id": "j1", "state": "PROCESSING"})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"other": 1}'])
async def test_an_answer_that_cannot_be_used_is_an_error_and_no_id(bench: Bench, body: bytes) -> None:
    bench.cloud.will(answer(200, body))
    with pytest.raises(CloudError, match=r"create a room: the answer (is no JSON object|names no room)"):
        await bench.client.create_room(RoomRequest(room_name="x"))
    with pytest.raises(CloudError, match=r"start a job of room r1: the answer (is no JSON object|names no job)"):
        await bench.client.start_job("r1")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"error_code": "MSS.00000003", "error_msg": "Invalid parameter"}, CloudError, "MSS.00000003"),
        (404, {"error_code": "APIGW.0101", "error_msg": "no such API"}, CloudError, "APIGW.0101"),
        (409, {"errorCode": "MSS.20010046", "errorMsg": "room job exists"}, CloudError, "MSS.20010046"),
        (400, {"error": {"code": 7, "message": "nested"}}, CloudError, "7"),
        (418, b"<html>teapot</html>", CloudError, ""),
        (400, {"error_code": "MSS.00010008", "error_msg": "invalid token"}, CloudAuthError, "MSS.00010008"),
        (400, {"error_code": "MSS.000010008", "error_msg": "invalid token"}, CloudAuthError, "MSS.000010008"),
        (401, SIGNATURE_REFUSED, CloudAuthError, "APIGW.0301"),
        (403, {"error_code": "MSS.00000001", "error_msg": "forbidden"}, CloudAuthError, "MSS.00000001"),
        (429, {"error_code": "APIGW.0308", "error_msg": "throttled"}, CloudUnavailableError, "APIGW.0308"),
        (500, {"error_code": "MSS.00000004", "error_msg": "internal"}, CloudUnavailableError, "MSS.00000004"),
        (503, b"", CloudUnavailableError, ""),
    ],
)
async def test_a_refusal_is_the_error_that_says_what_to_do(
    bench: Bench, status: int, body: Any, kind: type[CloudError], code: str
) -> None:
    bench.cloud.will(answer(status, body, X_Request_Id="req-1"))
    with pytest.raises(CloudError) as raised:
        await bench.client.show_job("r1", "j1")
    assert type(raised.value) is kind
    assert (raised.value.status, raised.value.error_code, raised.value.request_id) == (status, code, "req-1")
    assert raised.value.problem.startswith("show job j1: ")


async def test_a_throttled_call_says_how_long_to_wait(bench: Bench) -> None:
    bench.cloud.will(answer(429, {}, Retry_After="3"))
    with pytest.raises(CloudUnavailableError) as raised:
        await bench.client.list_all_jobs()
    assert raised.value.retry_after_secs == 3.0


async def test_a_redirect_is_not_followed(bench: Bench) -> None:
    bench.cloud.will(answer(302, b"", Location=f"{bench.cloud.endpoint}/elsewhere"), page())
    with pytest.raises(CloudError, match="a redirect, which is not followed"):
        await bench.client.list_all_jobs()
    assert len(bench.cloud.calls) == 1


async def test_a_clock_that_is_wrong_is_named_when_the_signature_is_refused(bench: Bench) -> None:
    at = time.gmtime(bench.clock.now_ms() / 1000 + 1020)
    bench.cloud.will(answer(401, SIGNATURE_REFUSED, Date=time.strftime("%a, %d %b %Y %H:%M:%S GMT", at)))
    with pytest.raises(CloudAuthError, match=r"the clock of this machine is 1020 s behind the cloud's, .* 900 s"):
        await bench.client.list_all_jobs()
    assert bench.client.clock_skew_secs == 1020.0


async def test_what_the_cloud_echoes_of_a_credential_is_struck_out(bench: Bench) -> None:
    async def echo(call: Call) -> web.StreamResponse:
        seen = "|".join(f"{name}:{value}" for name, value in call.headers.items())
        return web.json_response(
            {"error_code": "APIGW.0301", "error_msg": f"verify aksk signature fail: {seen}"}, status=401
        )

    bench.cloud.will(echo)
    key = SigningKey(ACCESS_KEY, Secret(SECRET_KEY), Secret("security-token-1"))
    with pytest.raises(CloudAuthError, match="verify aksk signature fail") as raised:
        await bench.another(AccessKeyAuth(key, project_id=PROJECT, clock=bench.clock)).list_all_jobs()
    assert "x-security-token:***" in raised.value.problem
    assert "security-token-1" not in raised.value.problem
    assert "access key AKID…0001" in raised.value.problem


async def test_a_refused_key_gets_three_calls_from_all_rooms_together(bench: Bench) -> None:
    bench.cloud.will(answer(401, SIGNATURE_REFUSED))
    clients = [bench.another() for _ in range(20)]
    results = await asyncio.gather(*(client.newest_job("r1") for client in clients), return_exceptions=True)
    assert all(isinstance(result, CloudAuthError) for result in results)
    assert len(bench.cloud.calls) == 3

    with pytest.raises(
        CloudAuthError, match="not called, because the credential was refused 3 times; change it"
    ) as raised:
        await bench.client.list_rooms()
    assert (raised.value.status, raised.value.error_code) == (401, "APIGW.0301")
    assert len(bench.cloud.calls) == 3


async def test_another_key_is_tried_at_once(bench: Bench) -> None:
    bench.cloud.will(*[answer(401, SIGNATURE_REFUSED)] * 3, one_job())
    for _ in range(4):
        with pytest.raises(CloudAuthError):
            await bench.client.list_all_jobs()
    bench.auth.key = SigningKey(ACCESS_KEY, Secret("mended"))
    assert (await bench.client.list_all_jobs()).smart_live_jobs[0].job_id == "j1"
    assert bench.last.is_signed_by(ACCESS_KEY, "mended")


async def test_an_invalid_token_that_comes_as_400_is_not_tried_for_ever(bench: Bench) -> None:
    bench.cloud.will(answer(400, {"error_code": "MSS.00010008", "error_msg": "invalid token"}))
    client = bench.another(TokenAuth(Secret("token-1"), project_id=PROJECT))
    for _ in range(5):
        with pytest.raises(CloudAuthError):
            await client.list_all_jobs()
    assert len(bench.cloud.calls) == 3


async def test_a_token_that_was_replaced_meanwhile_is_tried_once_more(bench: Bench) -> None:
    auth = TokenAuth(Secret("old-token"), project_id=PROJECT)

    async def refuse_and_replace(_call: Call) -> web.StreamResponse:
        auth.token = Secret("new-token")
        return web.json_response(SIGNATURE_REFUSED, status=401)

    bench.cloud.will(refuse_and_replace, one_job())
    assert (await bench.another(auth).list_all_jobs()).count == 1
    assert [call.headers["x-auth-token"] for call in bench.cloud.calls] == ["old-token", "new-token"]


async def test_refusals_count_in_a_row_only(bench: Bench) -> None:
    refused, good = answer(401, SIGNATURE_REFUSED), page()
    bench.cloud.will(refused, refused, good, refused, refused, good)
    outcomes = []
    for _ in range(6):
        try:
            await bench.client.list_all_jobs()
            outcomes.append(True)
        except CloudAuthError:
            outcomes.append(False)
    assert outcomes == [False, False, True, False, False, True]


async def test_an_outage_neither_clears_nor_counts_as_a_refusal(bench: Bench) -> None:
    refused, down = answer(401, SIGNATURE_REFUSED), answer(503, {})
    bench.cloud.will(refused, down, refused, down, refused, down)
    for _ in range(9):
        with pytest.raises(CloudError):
            await bench.client.list_all_jobs()
    assert len(bench.cloud.calls) == 5


async def test_a_cloud_that_is_not_there_is_unavailable(bench: Bench) -> None:
    async with running_cloud() as gone:
        endpoint = gone.endpoint
    with pytest.raises(CloudUnavailableError, match=r"list the jobs: no connection to 127\.0\.0\.1:\d+: "):
        await bench.another(endpoint=endpoint).list_all_jobs()


async def test_a_connection_that_breaks_is_unavailable(bench: Bench) -> None:
    bench.cloud.will(hang_up)
    with pytest.raises(CloudUnavailableError, match="the connection was closed without an answer"):
        await bench.client.start_job("r1")


async def test_an_answer_that_does_not_come_is_unavailable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()

    async def wait(_call: Call) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    bench.cloud.will(wait)
    monkeypatch.setattr(exchange, "_TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    with pytest.raises(CloudUnavailableError, match="no answer within 10 s"):
        await bench.client.list_all_jobs()


async def test_an_endless_answer_is_not_read_to_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 1000)
    bench.cloud.will(answer(200, b"x" * 1001))
    with pytest.raises(CloudError, match="the answer is longer than 1000 bytes"):
        await bench.client.list_all_jobs()


async def test_a_token_that_no_header_can_carry_is_refused_unseen(bench: Bench) -> None:
    with pytest.raises(CloudError, match="a header holds characters that HTTP does not allow") as raised:
        await bench.another(TokenAuth(Secret("secret\ntoken"), project_id=PROJECT)).list_all_jobs()
    assert "secret" not in str(raised.value)
    assert bench.cloud.calls == []


async def test_credentials_are_not_sent_in_the_clear_beyond_this_machine(bench: Bench) -> None:
    with pytest.raises(ValueError, match="is not safe to send credentials to"):
        bench.another(endpoint="http://metastudio.example.com")


async def test_a_sub_user_that_no_header_can_carry_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match=r"app_user_id: .*: 1 to 256 ASCII characters"):
        bench.another(app_user_id="商店")
