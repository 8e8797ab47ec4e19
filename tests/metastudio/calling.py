"""A client and the fake cloud that it calls."""

from __future__ import annotations

from typing import Any

import aiohttp

from bridge.credential_guard import CredentialGuard
from bridge.metastudio.auth import AccessKeyAuth, Authenticator
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.signing import SigningKey
from bridge.secret import Secret
from tests.metastudio.fake_cloud import (
    ACCESS_KEY,
    PROJECT,
    SECRET_KEY,
    Answer,
    Call,
    FakeCloud,
    ManualClock,
    answer,
)

KEY = SigningKey(ACCESS_KEY, Secret(SECRET_KEY))


class Bench:
    """A client, the cloud it calls, and what both share."""

    def __init__(self, cloud: FakeCloud, http: aiohttp.ClientSession) -> None:
        self.cloud = cloud
        self.http = http
        self.clock = ManualClock()
        self.guard = CredentialGuard()
        self.auth = AccessKeyAuth(KEY, project_id=PROJECT, clock=self.clock)
        self.client = self.another()

    def another(self, authenticator: Authenticator | None = None, **options: str) -> MetaStudioClient:
        return MetaStudioClient(
            self.http,
            endpoint=options.pop("endpoint", self.cloud.endpoint),
            project_id=PROJECT,
            authenticator=authenticator or self.auth,
            guard=self.guard,
            clock=self.clock,
            **options,
        )

    @property
    def last(self) -> Call:
        return self.cloud.calls[-1]


def page(*jobs: dict[str, Any], count: int | None = None) -> Answer:
    return answer(200, {"count": len(jobs) if count is None else count, "smart_live_jobs": list(jobs)})
