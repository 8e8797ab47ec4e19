"""What the sandbox's tests share: a clock that stands still, a cloud without HTTP, requests as values."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from multidict import CIMultiDict

from bridge.clock import SystemClock
from bridge.metastudio import signing
from bridge.sandbox.asked import Asked
from bridge.sandbox.auth import Credentials, Gate
from bridge.sandbox.cloud import Cloud, IamUser
from bridge.sandbox.faults import Script
from bridge.sandbox.ledger import Ledger
from bridge.sandbox.state import Job, Tenant
from bridge.sandbox.tokens import Tokens
from bridge.sandbox.urls import ReportUrls
from bridge.secret import Secret

NOW_MS = 1_760_000_000_000
PROJECT = "0123456789abcdef0123456789abcdef"
ACCESS_KEY = "SANDBOXACCESSKEY0001"
SECRET_KEY = "SandboxSecretKey/0123456789+abcdefghijKLM"
HOST = "cloud.example.com"
JSON = {"Content-Type": "application/json"}

USER = {"userId": "bilibili_7", "name": "小星星", "level": 17, "badge": "", "badgeLevel": 0}
GIFT = {"giftName": "小花花", "giftNum": 10, "totalValue": 10, "giftValue": 3}
CONTENTS: dict[int, dict[str, Any]] = {
    1: {"user": USER, "content": "你好 😀"},
    2: {"user": USER},
    3: {"user": USER},
    4: {"user": USER, "gift": GIFT},
    5: {"user": USER},
    6: {"numberOfViewers": 5466},
}


class FakeClock(SystemClock):
    """Time that only moves when told to, or slept on."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def now_ms(self) -> int:
        return NOW_MS + int(self.elapsed * 1000)

    async def sleep(self, secs: float) -> None:
        self.slept.append(secs)
        self.elapsed += secs
        await asyncio.sleep(0)


def event(kind: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an event as the cloud wants it, with ``changes`` applied to it."""
    content = orjson.dumps(CONTENTS[kind]).decode()
    return {"timestamp": 1_694_481_224_245, "type": kind, "content": content} | changes


def report_body(*events: Any, **changes: Any) -> bytes:
    """Return a report's body; ``changes`` replace its own fields."""
    return orjson.dumps({"total": len(events), "events": list(events)} | changes)


def new_cloud(*, strict: bool = True, life_secs: float | None = 3600, keep_events: int = 1000) -> Cloud:
    """Return a cloud with the room ``r1`` and its running job ``j1``."""
    clock = FakeClock()
    tokens = Tokens(86_400_000)
    ids = iter(f"id-{number}" for number in range(10**9))
    life_ms = None if life_secs is None else int(life_secs * 1000)
    cloud = Cloud(
        clock=clock,
        tenant=Tenant(PROJECT, lambda: next(ids)),
        urls=ReportUrls(PROJECT, b"server secret", life_ms, "on_use"),
        gate=Gate(Credentials(PROJECT, ACCESS_KEY, Secret(SECRET_KEY)), tokens),
        tokens=tokens,
        user=IamUser("operator", Secret("pass word"), "acme", "cn-north-4"),
        ledger=Ledger(keep_events),
        script=Script(),
        strict=strict,
        ended_job_status=404,
        base_url=f"http://{HOST}",
    )
    cloud.tenant.add_room({"room_name": "evening show"}, NOW_MS, "r1")
    cloud.tenant.start_job("r1", {}, NOW_MS, job_id="j1")
    return cloud


def clock_of(cloud: Cloud) -> FakeClock:
    clock = cloud.clock
    assert isinstance(clock, FakeClock)
    return clock


def job_of(cloud: Cloud, job_id: str = "j1") -> Job:
    return cloud.tenant.jobs[job_id]


def ask(
    method: str = "POST",
    target: str = "/",
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    ids: dict[str, str] | None = None,
    call: int = 0,
) -> Asked:
    """Return a request to ``target``, path and query; ``ids`` are what its path names."""
    parts = urlsplit(target)
    return Asked(
        method=method,
        path=parts.path,
        raw_query=parts.query,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=CIMultiDict({"Host": HOST} | (headers or {})),
        body=body,
        ids=ids or {},
        base_url=f"http://{HOST}",
        call=call,
    )


def signed(
    method: str,
    target: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    ids: dict[str, str] | None = None,
    secret_key: str = SECRET_KEY,
    access_key: str = ACCESS_KEY,
    at_ms: int = NOW_MS,
) -> Asked:
    """Return the same with a signature."""
    before = JSON | {"X-Project-Id": PROJECT} | (headers or {})
    key = signing.SigningKey(access_key, Secret(secret_key))
    url = f"https://{HOST}{target}"
    added = signing.authorization(key, method, url, before, body, signing.sdk_date(at_ms))
    return ask(method, target, body=body, headers=before | added, ids={"project_id": PROJECT} | (ids or {}))
