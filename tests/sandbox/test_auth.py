from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.metastudio import signing
from bridge.sandbox.asked import Asked
from bridge.sandbox.auth import LOCK_SECS, Credentials, Gate
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.tokens import Tokens
from bridge.secret import Secret
from tests import shared_captures
from tests.sandbox.fakes import ACCESS_KEY, NOW_MS, PROJECT, SECRET_KEY, ask, signed

LIST_JOBS = f"/v1/{PROJECT}/smart-live-jobs?limit=10&state=WAITING%2CPROCESSING"


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(1000)


@pytest.fixture
def gate(tokens: Tokens) -> Gate:
    return Gate(Credentials(PROJECT, ACCESS_KEY, Secret(SECRET_KEY)), tokens)


def msg(why: Refusal | None) -> str:
    return why.error_msg if why else ""


def changed(asked: Asked, **headers: str) -> Asked:
    """Return a request with other headers than those it was signed with."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(
        asked.method,
        f"{asked.path}?{asked.raw_query}",
        body=asked.body,
        headers=dict(asked.headers) | names,
        ids=dict(asked.ids),
    )


def test_a_right_signature_passes(gate: Gate) -> None:
    assert gate.check(signed("GET", LIST_JOBS), NOW_MS, 0) is None
    assert gate.check(signed("POST", LIST_JOBS, body="好".encode()), NOW_MS, 0) is None


def test_a_wrong_secret_gets_401_and_the_canonical_request(gate: Gate) -> None:
    why = gate.check(signed("GET", LIST_JOBS, secret_key="wrong"), NOW_MS, 0)
    assert why is not None
    assert (why.status, why.error_code) == (401, "APIGW.0301")
    echo = why.error_msg.partition("verify aksk signature fail,canonicalRequest:")[2]
    assert echo.startswith(f"GET|/v1/{PROJECT}/smart-live-jobs/|limit=10&state=WAITING%2CPROCESSING|content-type:")


@pytest.mark.parametrize("part", ["method", "path", "query", "body", "header"])
def test_whatever_is_changed_after_signing_is_noticed(gate: Gate, part: str) -> None:
    asked = signed("POST", LIST_JOBS, body=b"{}")
    headers = dict(asked.headers) | ({"Content-Type": "text/plain"} if part == "header" else {})
    target = LIST_JOBS.replace("jobs", "rooms") if part == "path" else LIST_JOBS
    forged = ask(
        "PUT" if part == "method" else "POST",
        target + ("&offset=1" if part == "query" else ""),
        body=b"{ }" if part == "body" else b"{}",
        headers=headers,
        ids=dict(asked.ids),
    )
    assert "verify aksk signature fail,canonicalRequest" in msg(gate.check(forged, NOW_MS, 0))


@pytest.mark.parametrize("skew_secs", [-900, 900])
def test_a_quarter_of_an_hour_of_skew_is_forgiven_and_no_more(gate: Gate, skew_secs: int) -> None:
    asked = signed("GET", LIST_JOBS, at_ms=NOW_MS + skew_secs * 1000)
    assert gate.check(asked, NOW_MS, 0) is None
    further_ms = NOW_MS + (-1000 if skew_secs > 0 else 1000)
    assert "signature expired" in msg(gate.check(asked, further_ms, 0))


def test_an_unknown_access_key_is_named(gate: Gate) -> None:
    assert "ak:NOBODY, err:ak not exist" in msg(gate.check(signed("GET", LIST_JOBS, access_key="NOBODY"), NOW_MS, 0))


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "SDK-HMAC-SHA256 Access=A", "SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature=zz"]
)
def test_an_authorization_that_cannot_be_read_is_refused(gate: Gate, header: str) -> None:
    asked = ask("GET", LIST_JOBS, headers={"Authorization": header}, ids={"project_id": PROJECT})
    assert "verify aksk signature fail" in msg(gate.check(asked, NOW_MS, 0))


def test_a_date_that_is_no_time_is_refused(gate: Gate) -> None:
    asked = changed(signed("GET", LIST_JOBS), X_Sdk_Date="20251399T999999Z")
    assert "X-Sdk-Date" in msg(gate.check(asked, NOW_MS, 0))


def test_the_date_must_be_signed(gate: Gate) -> None:
    date = signing.sdk_date(NOW_MS)
    headers = {"Host": "cloud.example.com", "X-Sdk-Date": date}
    text = signing.canonical_request("GET", "/", [], headers, ["host"], b"")
    proof = signing.signature(Secret(SECRET_KEY), signing.string_to_sign(date, text))
    value = f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders=host, Signature={proof}"
    assert "X-Sdk-Date is not signed" in msg(
        gate.check(ask("GET", headers=headers | {"Authorization": value}), NOW_MS, 0)
    )


def test_a_signed_header_that_is_absent_is_refused(gate: Gate) -> None:
    asked = signed("GET", LIST_JOBS, headers={"X-App-UserId": "7"})
    headers = {name: value for name, value in asked.headers.items() if name != "X-App-UserId"}
    without = ask("GET", LIST_JOBS, headers=headers, ids=dict(asked.ids))
    assert "x-app-userid" in msg(gate.check(without, NOW_MS, 0))


def test_a_sixth_failure_in_a_row_locks_the_key_for_five_minutes(gate: Gate) -> None:
    wrong, right = signed("GET", LIST_JOBS, secret_key="wrong"), signed("GET", LIST_JOBS)
    for _ in range(5):
        assert "verify aksk" in msg(gate.check(wrong, NOW_MS, 10))
    assert not gate.is_locked(10)
    assert "verify aksk" in msg(gate.check(wrong, NOW_MS, 10))
    assert gate.is_locked(10)
    assert gate.locks == 1
    assert "AK access failed to reach the limit,forbidden" in msg(gate.check(right, NOW_MS, 10 + LOCK_SECS - 1))
    assert gate.check(right, NOW_MS, 10 + LOCK_SECS) is None


def test_a_success_forgets_the_failures_before_it(gate: Gate) -> None:
    wrong, right = signed("GET", LIST_JOBS, secret_key="wrong"), signed("GET", LIST_JOBS)
    for _ in range(3):
        for _ in range(5):
            gate.check(wrong, NOW_MS, 0)
        assert gate.check(right, NOW_MS, 0) is None
    assert gate.locks == 0


def test_an_expired_signature_counts_as_a_failure(gate: Gate) -> None:
    late = signed("GET", LIST_JOBS, at_ms=NOW_MS - 3_600_000)
    for _ in range(6):
        gate.check(late, NOW_MS, 0)
    assert gate.is_locked(0)


def test_the_lock_can_be_lifted(gate: Gate) -> None:
    for _ in range(6):
        gate.check(signed("GET", LIST_JOBS, secret_key="wrong"), NOW_MS, 0)
    gate.unlock()
    assert gate.check(signed("GET", LIST_JOBS), NOW_MS, 0) is None


def test_a_signature_for_another_project_is_refused(gate: Gate) -> None:
    why = gate.check(signed("GET", LIST_JOBS, ids={"project_id": "f" * 32}), NOW_MS, 0)
    assert why is not None
    assert why.error_code == "MSS.00010009"
    why = gate.check(signed("GET", LIST_JOBS, headers={"X-Project-Id": "f" * 32}), NOW_MS, 0)
    assert why is not None
    assert why.error_code == "MSS.00010009"


def test_a_temporary_key_needs_its_security_token(tokens: Tokens) -> None:
    gate = Gate(Credentials(PROJECT, ACCESS_KEY, Secret(SECRET_KEY), Secret("session")), tokens)
    assert "security token" in msg(gate.check(signed("GET", LIST_JOBS), NOW_MS, 0))
    wrong = signed("GET", LIST_JOBS, headers={"X-Security-Token": "other"})
    assert "security token" in msg(gate.check(wrong, NOW_MS, 0))
    assert gate.check(signed("GET", LIST_JOBS, headers={"X-Security-Token": "session"}), NOW_MS, 0) is None


def test_a_token_passes_and_a_signature_is_judged_before_it(gate: Gate, tokens: Tokens) -> None:
    token, _ = tokens.issue(PROJECT, NOW_MS)
    ids = {"project_id": PROJECT}
    assert gate.check(ask("GET", LIST_JOBS, headers={"X-Auth-Token": token}, ids=ids), NOW_MS, 0) is None
    both = changed(signed("GET", LIST_JOBS, secret_key="wrong"), X_Auth_Token=token)
    assert "verify aksk" in msg(gate.check(both, NOW_MS, 0))
    stranger = ask("GET", LIST_JOBS, headers={"X-Auth-Token": token, "X-Project-Id": "f" * 32}, ids=ids)
    assert "urlTenantId" in msg(gate.check(stranger, NOW_MS, 0))


def test_a_call_without_credential_is_asked_for_a_token(gate: Gate) -> None:
    assert "x-auth-token not found" in msg(gate.check(ask("GET", LIST_JOBS), NOW_MS, 0))


def _vectors() -> list[dict[str, Any]]:
    path = shared_captures.ROOT / "metastudio" / "signing_vectors.json"
    if not path.is_file():
        return []
    vectors: list[dict[str, Any]] = json.loads(path.read_text())["vectors"]
    return [vector for vector in vectors if vector["algorithm"] == signing.ALGORITHM]


def test_requests_signed_by_the_official_clients_pass(tokens: Tokens) -> None:
    shared_captures.folder("metastudio")
    vectors = _vectors()
    assert vectors
    for vector in vectors:
        headers = vector["headers_sent"]
        project = headers.get("X-Project-Id", PROJECT)
        gate = Gate(Credentials(project, vector["ak"], Secret(vector["sk"])), tokens)
        asked = ask(
            vector["method"],
            vector["request_uri"],
            body=vector["body"].encode(),
            headers=headers,
            ids={"project_id": project},
        )
        assert gate.check(asked, signing.parse_sdk_date(vector["date"]), 0) is None, vector["name"]
