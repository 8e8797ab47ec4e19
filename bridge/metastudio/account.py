"""One tenant's account: who calls, and the client that calls."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from bridge.clock import Clock
from bridge.credential_guard import CredentialGuard
from bridge.metastudio.auth import AccessKeyAuth, Authenticator, TokenAuth
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.iam import IamAuth, IamUser
from bridge.metastudio.regions import checked_endpoint
from bridge.metastudio.signing import SigningKey
from bridge.secret import Secret


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """What the operator says of the account; one of access key, token and IAM user is set."""

    endpoint: str
    project_id: str
    access_key: Secret
    secret_key: Secret
    security_token: Secret
    token: Secret
    iam_user: IamUser | None
    iam_endpoint: str
    app_user_id: str


@dataclass(frozen=True, slots=True)
class Account:
    """An authenticator and the client that uses it."""

    authenticator: Authenticator
    client: MetaStudioClient
    base_url: str
    project_id: str

    def report_url_template(self, smart_live_room_id: str) -> str:
        """Return the report call's URL at the endpoint itself, ``{job_id}`` left open."""
        return (
            f"{self.base_url}/v1/{self.project_id}/smart-live-rooms/{smart_live_room_id}"
            "/smart-live-jobs/{job_id}/live-event-report"
        )


def open_account(
    http: aiohttp.ClientSession, options: AccountOptions, guard: CredentialGuard, clock: Clock
) -> Account | None:
    """Return the account, ``None`` when no credential is configured. Raises ``ValueError`` for an unsafe endpoint."""
    authenticator: Authenticator
    if options.access_key:
        key = SigningKey(options.access_key.reveal(), options.secret_key, options.security_token)
        authenticator = AccessKeyAuth(key, project_id=options.project_id, clock=clock)
    elif options.token:
        authenticator = TokenAuth(options.token, project_id=options.project_id)
    elif options.iam_user is not None:
        authenticator = IamAuth(
            http,
            options.iam_user,
            endpoint=options.iam_endpoint,
            project_id=options.project_id,
            clock=clock,
            guard=guard,
        )
    else:
        return None
    endpoint = checked_endpoint(options.endpoint)
    client = MetaStudioClient(
        http,
        endpoint=endpoint,
        project_id=options.project_id,
        authenticator=authenticator,
        guard=guard,
        clock=clock,
        app_user_id=options.app_user_id,
    )
    return Account(authenticator, client, endpoint, options.project_id)
