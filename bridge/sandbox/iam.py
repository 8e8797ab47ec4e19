"""What a MetaStudio client asks of IAM: a token for a password, its projects, the regions.

Shapes: Keystone v3 as the vendor documents it. A token for MetaStudio needs a project scope, by name (the region)
or id. Refusals have Keystone's own form.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.sandbox.asked import Answer, Asked
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.faults import readable
from bridge.sandbox.refusal import Refusal

REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-3")
"""Where MetaStudio is offered (vendor documentation)."""

_DOMAIN_ID = "0" * 32
_USER_ID = "1" * 32


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class _Domain(_Part):
    name: str


class _User(_Part):
    name: str
    password: str
    domain: _Domain


class _Password(_Part):
    user: _User


class _Identity(_Part):
    methods: tuple[Literal["password"]]
    password: _Password


class _Project(_Part):
    id: str | None = None
    name: str | None = None


class _Scope(_Part):
    project: _Project | None = None


class _Auth(_Part):
    identity: _Identity
    scope: _Scope = _Scope()


class _TokenRequest(_Part):
    auth: _Auth


def create_token(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Answer ``POST /v3/auth/tokens``: 201, the token in ``X-Subject-Token``."""
    try:
        auth = _TokenRequest.model_validate_json(asked.body).auth
    except ValidationError as error:
        return _keystone_error(400, "Bad Request", f"The request body is invalid: {'; '.join(readable(error))}")
    user, given, scope = cloud.user, auth.identity.password.user, auth.scope.project
    if (given.name, given.password, given.domain.name) != (user.name, user.password.reveal(), user.domain):
        return _keystone_error(401, "Unauthorized", "The username or password is wrong.")
    project_id = ""
    if scope is not None:
        project_id = cloud.tenant.project_id
        if (scope.id or project_id, scope.name or user.region) != (project_id, user.region):
            return _keystone_error(401, "Unauthorized", "The scope's project is not one of this user's.")
    text, token = cloud.tokens.issue(project_id, cloud.clock.now_ms())
    body: dict[str, Any] = {
        "expires_at": _iso(token.expires_at_ms),
        "issued_at": _iso(token.issued_at_ms),
        "methods": ["password"],
        "user": {"id": _USER_ID, "name": user.name, "domain": {"id": _DOMAIN_ID, "name": user.domain}},
        "roles": [{"id": "0", "name": "te_admin"}],
    }
    if project_id:
        body["project"] = {
            "id": project_id,
            "name": user.region,
            "domain": {"id": _DOMAIN_ID, "name": user.domain},
        }
    if not asked.query.get("nocatalog"):
        body["catalog"] = [_catalog_entry(project_id, asked.base_url)]
    return Answer(201, {"token": body}, {"X-Subject-Token": text})


def list_projects(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Answer ``GET /v3/projects?name=…``, with which the official SDK finds a project id."""
    why = cloud.gate_refusal(asked)
    if why:
        return why
    project = {
        "id": cloud.tenant.project_id,
        "name": cloud.user.region,
        "domain_id": _DOMAIN_ID,
        "parent_id": _DOMAIN_ID,
        "is_domain": False,
        "enabled": True,
        "description": "",
    }
    found = [project] if asked.query.get("name", cloud.user.region) == cloud.user.region else []
    return Answer(200, {"projects": found, "links": {"self": f"{asked.base_url}{asked.path}"}})


def list_regions(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Answer ``GET /v3/regions``."""
    why = cloud.gate_refusal(asked)
    if why:
        return why
    regions = [{"id": region, "type": "public", "description": "", "locales": {"en-us": region}} for region in REGIONS]
    return Answer(200, {"regions": regions, "links": {"self": f"{asked.base_url}{asked.path}"}})


def _catalog_entry(project_id: str, base_url: str) -> dict[str, Any]:
    endpoint = {"interface": "public", "region": "*", "region_id": "*", "url": f"{base_url}/v1/{project_id}"}
    return {"name": "metastudio", "type": "metastudio", "id": "2" * 32, "endpoints": [endpoint]}


def _keystone_error(status: int, title: str, message: str) -> Answer:
    why = Refusal(status, f"keystone.{status}", message)
    return Answer(status, {"error": {"code": status, "title": title, "message": message}}, refusal=why)


def _iso(at_ms: int) -> str:
    """Return a time as IAM writes it, with microseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
