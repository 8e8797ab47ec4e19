"""AK/SK signatures: the vectors of the official signers, own literal ones, and what must hold for any request."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.metastudio.signing import (
    ALGORITHM,
    SigningKey,
    authorization,
    canonical_request,
    decoded_query,
    parse_authorization,
    parse_sdk_date,
    sdk_date,
    signature,
    string_to_sign,
)
from bridge.secret import Secret
from tests import shared_captures

KEY = SigningKey("AKIDBRIDGETEST000001", Secret("sk/Bridge+test=0001"))
DATE = "20260102T030405Z"
HOST = "https://metastudio.example.com:8443"
JSON_HEADERS = {"Content-Type": "application/json", "X-Project-Id": "p1"}

VECTORS = (
    "list-jobs-get",
    "report-events-post-refresh",
    "report-events-post-ascii-body",
    "report-events-post-urlkeys",
    "report-events-minimal-headers",
    "report-events-temporary-credential",
    "create-room-post",
    "charset-content-type",
    "unsigned-payload-content-type",
    "multi-value-query-and-escaped-path",
)
GO_VECTORS = ("go-unit-test1", "go-unit-test2")
# MetaStudio's client never derives a credential, so V11-HMAC-SHA256 is not implemented; its vectors are named, not run.
DERIVED_VECTORS = {"derived-v11-hypothetical", "go-unit-test-derived1", "go-unit-test-derived2"}


def load_vectors() -> dict[str, dict[str, Any]]:
    content = json.loads((shared_captures.folder("metastudio") / "signing_vectors.json").read_text("utf-8"))
    return {vector["name"]: vector for vector in content["vectors"] + content["go_sdk_unit_test_vectors"]}


def pairs_of(query: list[list[Any]]) -> list[tuple[str, str]]:
    flat = [(name, value) for name, values in query for value in (values if isinstance(values, list) else [values])]
    return [(name, value if isinstance(value, str) else str(value).lower()) for name, value in flat]


def signature_of(headers: dict[str, str]) -> str:
    return parse_authorization(headers["Authorization"])[2]


@pytest.mark.parametrize("name", VECTORS + GO_VECTORS)
def test_every_vector_of_the_scheme_reproduces_step_by_step(name: str) -> None:
    vector = load_vectors()[name]
    headers = vector.get("headers_sent", vector["headers_before_signing"])

    canonical = canonical_request(
        vector["method"],
        vector["path"],
        pairs_of(vector["query"]),
        headers,
        vector["signed_headers"],
        vector["body"].encode(),
    )
    text = string_to_sign(vector["date"], canonical)

    assert canonical == vector["canonical_request"]
    assert text == vector["string_to_sign"]
    assert signature(Secret(vector["sk"]), text) == vector["signature"]


@pytest.mark.parametrize("name", VECTORS)
def test_a_signed_request_carries_the_vector_s_headers(name: str) -> None:
    vector = load_vectors()[name]
    given_headers = dict(vector["headers_before_signing"])
    token = given_headers.pop("X-Security-Token", "")

    added = authorization(
        SigningKey(vector["ak"], Secret(vector["sk"]), Secret(token)),
        vector["method"],
        f"{vector['scheme']}://{vector['host']}{vector['request_uri']}",
        given_headers,
        vector["body"].encode(),
        vector["date"],
    )

    assert given_headers | added == vector["headers_sent"]


def test_no_vector_is_passed_over() -> None:
    algorithms = {name: vector["algorithm"] for name, vector in load_vectors().items()}
    assert {name for name, algorithm in algorithms.items() if algorithm == ALGORITHM} == {*VECTORS, *GO_VECTORS}
    assert {name for name, algorithm in algorithms.items() if algorithm != ALGORITHM} == DERIVED_VECTORS


# The signatures below were computed with the official Python signer.


def test_signs_a_query_with_repeated_and_empty_values_and_an_escaped_slash() -> None:
    url = f"{HOST}/v1/p1/smart-live-rooms/r%2F1/smart-live-jobs?state=PROCESSING%2CWAITING&limit=100&k=b&k=a%20b&empty="
    headers = authorization(KEY, "GET", url, JSON_HEADERS, b"", DATE)
    assert headers == {
        "X-Sdk-Date": DATE,
        "Host": "metastudio.example.com:8443",
        "Authorization": "SDK-HMAC-SHA256 Access=AKIDBRIDGETEST000001, "
        "SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
        "Signature=eb932328bd10c3c465ae6e7db2509ccb9f576f68d2870d0e58738d2f3406d226",
    }


def test_signs_a_path_that_is_not_ascii_and_a_utf8_body() -> None:
    url = f"{HOST}/v1/p1/smart-live-rooms/{quote('房 间')}/"
    given_headers = {
        "Content-Type": "application/json;charset=UTF-8",
        "X-Project-Id": "p1",
        "X-App-UserId": "shop-7",
    }
    headers = authorization(KEY, "POST", url, given_headers, '{"room_name":"夜市"}'.encode(), DATE)
    assert signature_of(headers) == "f23411d881a0a837a59490d7a4e80414c9959b0b61dd048548010f6cea927d1f"


def test_a_body_that_is_not_json_is_not_hashed_and_says_so() -> None:
    key = SigningKey(KEY.access_key, KEY.secret_key, Secret("tok=="))
    headers = authorization(key, "POST", f"{HOST}/v1/p1/x", {"Content-Type": "text/plain"}, b"hello", DATE)
    assert headers["X-Sdk-Content-Sha256"] == "UNSIGNED-PAYLOAD"
    assert headers["X-Security-Token"] == "tok=="
    assert signature_of(headers) == "08e5c273197433f6da8ac306b71db86f88952f9ab07d4f6205b9a2458744a71d"


def test_a_trailing_slash_exists_for_signing_only() -> None:
    with_slash = authorization(KEY, "GET", f"{HOST}/v1/p1/", JSON_HEADERS, b"", DATE)
    without = authorization(KEY, "GET", f"{HOST}/v1/p1", JSON_HEADERS, b"", DATE)
    assert with_slash == without


def test_an_escaped_slash_is_signed_as_a_separator() -> None:
    escaped = authorization(KEY, "GET", f"{HOST}/a%2Fb", JSON_HEADERS, b"", DATE)
    plain = authorization(KEY, "GET", f"{HOST}/a/b", JSON_HEADERS, b"", DATE)
    assert signature_of(escaped) == signature_of(plain)


def test_a_header_with_an_underscore_is_not_signed() -> None:
    headers = authorization(KEY, "GET", HOST, JSON_HEADERS | {"x_trace": "1"}, b"", DATE)
    assert "x_trace" not in parse_authorization(headers["Authorization"])[1]


def test_a_host_that_is_given_is_not_given_again() -> None:
    headers = authorization(KEY, "GET", HOST, {"host": "other.example.com"}, b"", DATE)
    assert "Host" not in headers
    assert "host" in parse_authorization(headers["Authorization"])[1]


def test_a_signature_over_a_header_that_did_not_arrive_is_refused() -> None:
    with pytest.raises(DecodeError, match="'x-project-id', which the request has not"):
        canonical_request("GET", "/", [], {"Host": "a"}, ["host", "x-project-id"], b"")


def test_the_key_does_not_show() -> None:
    key = SigningKey("AKIDBRIDGETEST000001", Secret("sk-secret"), Secret("tok-secret"))
    assert "secret" not in repr(key).replace("secret_key", "")


def test_a_date_is_written_in_utc_and_read_back() -> None:
    assert sdk_date(1_767_323_045_999) == DATE
    assert parse_sdk_date(DATE) == 1_767_323_045_000


@pytest.mark.parametrize(
    "text", ["", "2026-01-02T03:04:05Z", "20261302T030405Z", "20260102T030405", "٢0260102T030405Z"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_sdk_date(text)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        f"{ALGORITHM} Access=a, SignedHeaders=host",
        f"{ALGORITHM} Access=a, SignedHeaders=host, Signature=xyz",
        f"V11-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature={'0' * 64}",
    ],
)
def test_what_is_no_authorization_is_refused(header: str) -> None:
    with pytest.raises(DecodeError, match="Authorization"):
        parse_authorization(header)


def test_a_query_of_too_many_fields_is_refused() -> None:
    assert len(decoded_query("a=1&" * 999)) == 999
    with pytest.raises(DecodeError):
        decoded_query("a=1&" * 2000)


@given(st.text())
def test_any_text_as_authorization_is_read_or_refused(header: str) -> None:
    with contextlib.suppress(DecodeError):
        parse_authorization(header)


@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    pairs=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5),
    body=st.binary(max_size=50),
    tampered=st.booleans(),
)
def test_the_receiver_computes_what_the_sender_signed_and_only_that(
    path: str, pairs: list[tuple[str, str]], body: bytes, tampered: bool
) -> None:
    pairs = [
        (name.encode("utf-8", "ignore").decode(), value.encode("utf-8", "ignore").decode()) for name, value in pairs
    ]
    url = f"{HOST}/{quote(path)}?{urlencode(pairs)}"
    sent = JSON_HEADERS | authorization(KEY, "PUT", url, JSON_HEADERS, body, DATE)

    access_key, names, proof = parse_authorization(sent["Authorization"])
    received = {name.upper(): f" {value} " for name, value in sent.items()}
    received_body = body + b"!" if tampered else body
    parts = urlsplit(url)
    canonical = canonical_request("put", parts.path, decoded_query(parts.query), received, names, received_body)

    assert access_key == KEY.access_key
    assert (signature(KEY.secret_key, string_to_sign(DATE, canonical)) == proof) is not tampered


@given(raw=st.binary(max_size=30))
def test_bytes_that_are_no_utf8_are_signed_as_they_are(raw: bytes) -> None:
    query = decoded_query("a=" + quote(raw))
    canonical = canonical_request("GET", "/" + quote(raw), query, {}, [], b"")
    assert canonical.split("\n")[2] == "a=" + quote(raw, safe="")
    assert len(string_to_sign(DATE, canonical)) == len(ALGORITHM) + 1 + len(DATE) + 1 + 64


def test_the_official_signer_agrees() -> None:
    signer = pytest.importorskip("huaweicloudsdkcore.signer.signer")
    requests = pytest.importorskip("huaweicloudsdkcore.sdk_request")

    class Credentials:
        ak = KEY.access_key
        sk = KEY.secret_key.reveal()

    path, pairs, body = "/v1/p1/smart-live-rooms", [("limit", "10"), ("k", ["z", "ü &"])], '{"room_name":"夜"}'
    request = requests.SdkRequest(
        method="POST",
        schema="https",
        host="metastudio.example.com",
        resource_path=path,
        query_params=pairs,
        header_params=JSON_HEADERS | {"X-Sdk-Date": DATE},
        body=body,
    )
    request.uri = path
    theirs = signer.Signer(Credentials()).sign(request)
    url = f"https://metastudio.example.com{theirs.uri}"

    ours = authorization(KEY, "POST", url, JSON_HEADERS, body.encode(), DATE)

    assert ours["Authorization"] == theirs.header_params["Authorization"]
