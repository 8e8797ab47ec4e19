from __future__ import annotations

from typing import Any

import orjson
import pytest

from bridge.sandbox import iam
from bridge.sandbox.asked import Answer
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.refusal import Refusal
from tests.sandbox.fakes import HOST, NOW_MS, PROJECT, ask, new_cloud, signed


@pytest.fixture
def cloud() -> Cloud:
    return new_cloud()


def request(scope: Any = None, **user: Any) -> dict[str, Any]:
    whole = {"name": "operator", "password": "pass word", "domain": {"name": "acme"}} | user
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": whole}}}
    if scope is not None:
        auth["scope"] = scope
    return {"auth": auth}


def token(cloud: Cloud, data: Any, query: str = "") -> Answer:
    body = data if isinstance(data, bytes) else orjson.dumps(data)
    result = iam.create_token(cloud, ask("POST", f"/v3/auth/tokens{query}", body=body))
    assert isinstance(result, Answer)
    return result


@pytest.mark.parametrize("project", [{"name": "cn-north-4"}, {"id": PROJECT}, {"id": PROJECT, "name": "cn-north-4"}])
def test_a_password_gets_a_token_for_a_project(cloud: Cloud, project: dict[str, str]) -> None:
    answer = token(cloud, request({"project": project}))
    assert answer.status == 201
    assert cloud.tokens.check(answer.headers["X-Subject-Token"], PROJECT, NOW_MS) is None
    body = answer.data["token"]
    assert body["issued_at"] == "2025-10-09T08:53:20.000000Z"
    assert body["expires_at"] == "2025-10-10T08:53:20.000000Z"
    assert body["project"]["id"] == PROJECT
    assert body["user"]["name"] == "operator"


@pytest.mark.parametrize("scope", [None, {"domain": {"name": "acme"}}])
def test_a_token_without_a_project_does_not_do_for_metastudio(cloud: Cloud, scope: Any) -> None:
    answer = token(cloud, request(scope))
    assert "project" not in answer.data["token"]
    why = cloud.tokens.check(answer.headers["X-Subject-Token"], PROJECT, NOW_MS)
    assert why is not None
    assert why.error_code == "MSS.00010009"


def test_the_catalog_can_be_left_out(cloud: Cloud) -> None:
    assert token(cloud, request()).data["token"]["catalog"][0]["endpoints"][0]["url"].startswith(f"http://{HOST}/v1/")
    assert "catalog" not in token(cloud, request(), "?nocatalog=true").data["token"]


@pytest.mark.parametrize("user", [{"name": "stranger"}, {"password": "wrong"}, {"domain": {"name": "other"}}])
def test_a_wrong_user_password_or_domain_gets_401_in_keystones_form(cloud: Cloud, user: dict[str, Any]) -> None:
    answer = token(cloud, request(**user))
    assert answer.status == 401
    assert answer.data == {
        "error": {"code": 401, "title": "Unauthorized", "message": "The username or password is wrong."}
    }
    assert not answer.headers


def test_another_project_gets_401(cloud: Cloud) -> None:
    assert token(cloud, request({"project": {"name": "eu-west-0"}})).status == 401
    assert token(cloud, request({"project": {"id": "f" * 32}})).status == 401


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", {}, {"auth": {}}, {"auth": {"identity": {"methods": ["token"]}}}, request(name=5)]
)
def test_what_is_no_password_request_gets_400(cloud: Cloud, data: Any) -> None:
    answer = token(cloud, data)
    assert (answer.status, answer.data["error"]["title"]) == (400, "Bad Request")
    assert answer.refusal is not None


def test_a_wrong_password_is_not_repeated_in_the_answer(cloud: Cloud) -> None:
    assert b"hunter2" not in token(cloud, request(password="hunter2")).body()
    assert b"12345" not in token(cloud, request(password=12345)).body()


def test_projects_are_found_by_the_regions_name(cloud: Cloud) -> None:
    def projects(query: str) -> list[str]:
        result = iam.list_projects(cloud, signed("GET", f"/v3/projects{query}"))
        assert isinstance(result, Answer)
        return [project["id"] for project in result.data["projects"]]

    assert projects("") == [PROJECT]
    assert projects("?name=cn-north-4") == [PROJECT]
    assert projects("?name=eu-west-0") == []


def test_regions_are_listed(cloud: Cloud) -> None:
    result = iam.list_regions(cloud, signed("GET", "/v3/regions"))
    assert isinstance(result, Answer)
    assert [region["id"] for region in result.data["regions"]] == ["cn-north-4", "cn-east-3", "ap-southeast-3"]


@pytest.mark.parametrize("call", [iam.list_projects, iam.list_regions])
def test_lists_need_a_credential(cloud: Cloud, call: Any) -> None:
    assert isinstance(call(cloud, ask("GET", "/v3/projects")), Refusal)
