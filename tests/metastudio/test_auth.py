"""Who calls: access keys, given tokens, and tokens that the bridge fetches from IAM."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bridge.credential_guard import CredentialGuard
from bridge.errors import CloudAuthError, CloudError, CloudUnavailableError
from bridge.metastudio.auth import AccessKeyAuth, TokenAuth
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.iam import IamAuth, IamUser
from bridge.metastudio.signing import SigningKey, parse_authorization
from bridge.secret import Secret
from tests.metastudio.fake_cloud import (
    ACCESS_KEY,
    PROJECT,
    SECRET_KEY,
    Answer,
    FakeCloud,
    ManualClock,
    answer,
    hang_up,
    running_cloud,
)

REPORT_URL = "https://m.example.com/v1/p/smart-live-rooms/r/smart-live-jobs/j/live-event-report?refresh_url=true"
USER = IamUser("bridge", Secret("password-1"), "account-1")
LIFE_SECS = 24 * 3600.0
WRONG_PASSWORD = {"error": {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}}
STALE = answer(401, {"error_code": "APIGW.0301", "error_msg": "token expires"})


def token(
    value: str, *, issued: str = "2026-01-02T03:00:00.000000Z", ends: str = "2026-01-03T03:00:00.000000Z"
) -> Answer:
    return answer(201, {"token": {"issued_at": issued, "expires_at": ends}}, X_Subject_Token=value)


class Bench:
    """IAM and the service on loopback, and a client between them."""

    def __init__(self, iam: FakeCloud, cloud: FakeCloud, http: aiohttp.ClientSession) -> None:
        self.iam = iam
        self.cloud = cloud
        self.clock = ManualClock()
        self.guard = CredentialGuard()
        self.auth = IamAuth(http, USER, endpoint=iam.endpoint, project_id=PROJECT, clock=self.clock, guard=self.guard)
        self.client = MetaStudioClient(
            http,
            endpoint=cloud.endpoint,
            project_id=PROJECT,
            authenticator=self.auth,
            guard=self.guard,
            clock=self.clock,
        )

    def tokens_sent(self) -> list[str]:
        return [call.headers["x-auth-token"] for call in self.cloud.calls]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_cloud() as iam, running_cloud() as cloud, aiohttp.ClientSession() as http:
        yield Bench(iam, cloud, http)


def key_auth(key: SigningKey) -> AccessKeyAuth:
    return AccessKeyAuth(key, project_id=PROJECT, clock=ManualClock())


def test_a_report_can_be_signed_without_any_call() -> None:
    headers = key_auth(SigningKey(ACCESS_KEY, Secret(SECRET_KEY))).sign_call(REPORT_URL, b"{}")
    assert {name: headers[name] for name in ("Content-Type", "Host", "X-Project-Id", "X-Sdk-Date")} == {
        "Content-Type": "application/json",
        "Host": "m.example.com",
        "X-Project-Id": PROJECT,
        "X-Sdk-Date": "20260102T030405Z",
    }
    assert parse_authorization(headers["Authorization"])[:2] == (
        ACCESS_KEY,
        ("content-type", "host", "x-project-id", "x-sdk-date"),
    )


def test_headers_that_are_given_are_signed_too() -> None:
    headers = key_auth(SigningKey(ACCESS_KEY, Secret(SECRET_KEY))).sign_call(
        REPORT_URL, b"{}", headers={"x-mss-auth-key": "k", "X-App-UserId": "shop-7"}
    )
    assert headers["x-mss-auth-key"] == "k"
    assert {"x-mss-auth-key", "x-app-userid"} <= set(parse_authorization(headers["Authorization"])[1])


async def test_a_reporter_gets_its_headers_in_one_step() -> None:
    auth = TokenAuth(Secret("token-1"), project_id=PROJECT)
    assert await auth.headers("POST", REPORT_URL, b"{}") == {
        "Content-Type": "application/json",
        "X-Project-Id": PROJECT,
        "X-Auth-Token": "token-1",
    }


def test_a_fingerprint_follows_the_credential_and_reveals_nothing() -> None:
    first = key_auth(SigningKey(ACCESS_KEY, Secret("secret-1")))
    same = key_auth(SigningKey(ACCESS_KEY, Secret("secret-1")))
    others = [
        key_auth(SigningKey(ACCESS_KEY, Secret("secret-2"))),
        key_auth(SigningKey(ACCESS_KEY, Secret("secret-1"), Secret("token-1"))),
        key_auth(SigningKey("OTHER", Secret("secret-1"))),
        TokenAuth(Secret("secret-1"), project_id=PROJECT),
    ]
    assert first.fingerprint == same.fingerprint
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert not [auth for auth in (first, *others) if "secret" in auth.fingerprint + auth.label]


@pytest.mark.parametrize(
    "fresh",
    [SigningKey("OTHERACCESSKEY000002", Secret("s")), SigningKey(ACCESS_KEY, Secret("s"), Secret("fresh-token"))],
)
async def test_only_a_replaced_key_is_worth_another_try(fresh: SigningKey) -> None:
    auth = key_auth(SigningKey(ACCESS_KEY, Secret("s"), Secret("old-token")))
    used = auth.sign_call(REPORT_URL, b"")
    assert not await auth.renew(used)
    auth.key = fresh
    assert await auth.renew(used)


async def test_the_token_is_fetched_for_the_project_and_without_the_catalogue(bench: Bench) -> None:
    bench.iam.will(token("t1"))
    await bench.client.list_all_jobs()
    (login,) = bench.iam.calls
    assert (login.method, login.target) == ("POST", "/v3/auth/tokens?nocatalog=true")
    assert login.json == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {"name": "bridge", "password": "password-1", "domain": {"name": "account-1"}},
                },
            },
            "scope": {"project": {"id": PROJECT}},
        }
    }
    assert bench.cloud.calls[0].headers["x-auth-token"] == "t1"
    assert bench.cloud.calls[0].headers["x-project-id"] == PROJECT


async def test_the_longest_token_passes(bench: Bench) -> None:
    bench.iam.will(token("t" * 16_384))
    await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t" * 16_384]


async def test_many_calls_at_once_fetch_one_token(bench: Bench) -> None:
    bench.iam.will(token("t1"), token("t2"))
    await asyncio.gather(*(bench.client.list_all_jobs() for _ in range(20)))
    assert len(bench.iam.calls) == 1
    assert set(bench.tokens_sent()) == {"t1"}


async def test_a_token_is_renewed_at_eighty_per_cent_of_its_life(bench: Bench) -> None:
    bench.iam.will(token("t1"), token("t2"))
    await bench.client.list_all_jobs()
    bench.clock.secs += 0.8 * LIFE_SECS - 1
    await bench.client.list_all_jobs()
    bench.clock.secs += 1
    await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t1", "t1", "t2"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"token": []}', b'{"token": {"issued_at": 1, "expires_at": "x"}}', b"\xff"]
)
async def test_a_token_without_a_readable_end_lives_the_documented_day(bench: Bench, body: bytes) -> None:
    bench.iam.will(answer(201, body, X_Subject_Token="t1"), token("t2"))
    await bench.client.list_all_jobs()
    bench.clock.secs += 0.8 * LIFE_SECS - 1
    await bench.client.list_all_jobs()
    bench.clock.secs += 1
    await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t1", "t1", "t2"]


async def test_a_token_that_is_refused_is_replaced_and_the_call_made_again(bench: Bench) -> None:
    bench.iam.will(token("t1"), token("t2"))
    bench.cloud.will(STALE, answer(200, {"count": 0}))
    await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t1", "t2"]


async def test_a_token_that_many_calls_find_refused_is_replaced_once(bench: Bench) -> None:
    bench.iam.will(token("t1"), token("t2"), token("t3"))
    refused, good = STALE, answer(200, {"count": 0})
    bench.cloud.will(refused, refused, good)
    await asyncio.gather(bench.client.list_all_jobs(), bench.client.list_all_jobs())
    assert len(bench.iam.calls) == 2
    assert sorted(bench.tokens_sent()) == ["t1", "t1", "t2", "t2"]


async def test_a_late_refusal_of_the_old_token_does_not_cost_the_new_one(bench: Bench) -> None:
    bench.iam.will(token("t1"), token("t2"), token("t3"))
    used = await bench.auth.headers("POST", REPORT_URL, b"")
    assert await bench.auth.renew(used)
    assert await bench.auth.renew(used)
    assert (await bench.auth.headers("POST", REPORT_URL, b""))["X-Auth-Token"] == "t2"
    assert len(bench.iam.calls) == 2


async def test_an_invalid_token_that_comes_as_400_is_replaced_too(bench: Bench) -> None:
    bench.iam.will(token("t1"), token("t2"))
    bench.cloud.will(answer(400, {"error_code": "MSS.00010008"}), answer(200, {"count": 0}))
    await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t1", "t2"]


async def test_a_missing_permission_is_no_reason_for_a_new_token(bench: Bench) -> None:
    bench.iam.will(token("t1"))
    bench.cloud.will(answer(403, {"error_code": "MSS.00000005", "error_msg": "no permission"}))
    with pytest.raises(CloudAuthError, match="the cloud refuses the token of the IAM user bridge: 403"):
        await bench.client.list_all_jobs()
    assert len(bench.iam.calls) == 1


async def test_fresh_tokens_that_are_all_refused_do_not_loop(bench: Bench) -> None:
    bench.iam.will(*(token(f"t{n}") for n in range(1, 20)))
    bench.cloud.will(STALE)
    for _ in range(10):
        with pytest.raises(CloudAuthError):
            await bench.client.list_all_jobs()
    assert len(bench.cloud.calls) == 3
    assert len(bench.iam.calls) <= 3


async def test_a_wrong_password_is_tried_three_times_and_no_more(bench: Bench) -> None:
    bench.iam.will(answer(401, WRONG_PASSWORD))
    results = await asyncio.gather(*(bench.client.list_all_jobs() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(result, CloudAuthError) for result in results)
    assert "password of the IAM user bridge" in str(results[0])
    assert "password-1" not in str(results)
    assert len(bench.iam.calls) == 3
    assert bench.cloud.calls == []


async def test_a_renewal_that_fails_goes_on_with_the_old_token_and_tries_again_later(bench: Bench) -> None:
    bench.iam.will(token("t1"), hang_up, answer(503, {}), token("t2"))
    await bench.client.list_all_jobs()
    bench.clock.secs += 0.8 * LIFE_SECS
    await bench.client.list_all_jobs()
    await bench.client.list_all_jobs()
    assert len(bench.iam.calls) == 2
    bench.clock.secs += 60
    await bench.client.list_all_jobs()
    bench.clock.secs += 60
    await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t1", "t1", "t1", "t1", "t2"]


async def test_a_dead_token_is_not_sent_when_there_is_no_new_one(bench: Bench) -> None:
    bench.iam.will(token("t1"), answer(503, {}))
    await bench.client.list_all_jobs()
    bench.clock.secs += LIFE_SECS
    with pytest.raises(CloudUnavailableError, match="get a token from IAM: 503"):
        await bench.client.list_all_jobs()
    assert bench.tokens_sent() == ["t1"]


async def test_an_answer_without_a_token_is_an_error(bench: Bench) -> None:
    bench.iam.will(answer(201, {"token": {}}))
    with pytest.raises(CloudError, match="the answer has no X-Subject-Token header"):
        await bench.client.list_all_jobs()


async def test_a_password_that_iam_echoes_does_not_show(bench: Bench) -> None:
    echo: dict[str, Any] = {"error": {"code": 400, "message": 'bad request: {"password": "password-1"}'}}
    bench.iam.will(answer(400, echo))
    with pytest.raises(CloudError, match="bad request") as raised:
        await bench.client.list_all_jobs()
    assert "password-1" not in str(raised.value)


def test_nothing_is_signed_before_there_is_a_token(bench: Bench) -> None:
    with pytest.raises(CloudAuthError, match="there is no token of the IAM user yet"):
        bench.auth.sign_call(REPORT_URL, b"")
