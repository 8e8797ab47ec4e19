from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import PushRefusedError
from bridge.metastudio.callback_signature import (
    READINGS,
    WINDOW_MS,
    CallbackVerifier,
    Verified,
    reading_names,
    signature,
    time_ms,
    without_proof,
)
from bridge.sandbox.callbacks import AuthType, Outgoing, TimeUnit, Uri, signed_callback
from bridge.secret import Secret
from tests import shared_captures

URL = "https://bridge.example.com/callbacks/show?token=abc&room=9"
KEY = "0123456789abcdefghijABCDEFGHIJ99"
NOW_MS = 1_764_000_000_000
URIS: tuple[Uri, ...] = ("host_path_sorted_query", "whole_url", "whole_url_sorted_query", "path", "path_query")
UNITS: tuple[TimeUnit, ...] = ("seconds", "milliseconds", "decimal_milliseconds")
CANDIDATES = {
    "host+path+sorted query, no scheme": "host_path_sorted_query",
    "whole URL as configured": "whole_url",
    "whole URL, sorted query": "whole_url_sorted_query",
    "path only": "path",
    "path + query as configured": "path_query",
}


def vectors() -> dict[str, Any]:
    path = shared_captures.folder("metastudio") / "callback_signature_vectors.json"
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def signed(
    auth_type: AuthType = "MSS_A_HEAD",
    *,
    url: str = URL,
    key: str = KEY,
    at_ms: int = NOW_MS,
    uri: Uri = "host_path_sorted_query",
    unit: TimeUnit = "seconds",
) -> Outgoing:
    return signed_callback(
        target=url, signed_url=url, body=b"", auth_type=auth_type, key=key, at_ms=at_ms, uri=uri, time_unit=unit
    )


def check(verifier: CallbackVerifier, sent: Outgoing, now_ms: int = NOW_MS) -> Verified:
    headers = {name.lower(): value for name, value in sent.headers.items()}
    return verifier.verify(headers, parse_qsl(urlsplit(sent.url).query), now_ms)


def verifier(
    auth_type: str = "MSS_A_HEAD", *, key: str = KEY, url: str = URL, token: str = "", reading: str = "auto"
) -> CallbackVerifier:
    return CallbackVerifier(auth_type, key=Secret(key), url=url, token=Secret(token), reading=reading)


def test_the_worked_example_of_the_same_headers_verifies() -> None:
    example = vectors()["official"][0]
    text = READINGS["host_path_sorted_query+seconds"](example["url"], example["hw_time"])
    assert text == example["string_signed"]
    found = verifier(key=example["key"], url=example["url"]).verify(
        example["headers"], [], example["time_unix_seconds"] * 1000
    )
    assert found.reading == "host_path_sorted_query+seconds"
    assert found.at_ms == example["time_unix_seconds"] * 1000


def test_the_worked_example_of_the_language_model_verifies() -> None:
    example = vectors()["official"][1]
    text = READINGS["whole_url+decimal_milliseconds"](example["url"], example["time_stamp"])
    assert text == example["string_signed"]
    query = parse_qsl(urlsplit(example["final_url"]).query)
    found = verifier("MSS_A", key=example["key"], url=example["url"]).verify({}, query, example["time_unix_millis"])
    assert found.reading == "whole_url+decimal_milliseconds"
    assert found.at_ms == example["time_unix_millis"]


@pytest.mark.parametrize("index", range(10))
def test_every_candidate_reading_verifies_by_its_own_name(index: int) -> None:
    given_ = vectors()["candidate_readings"]
    candidate = given_["candidates"][index]
    name = f"{CANDIDATES[candidate['uri']]}+{candidate['time']}"
    assert READINGS[name](given_["configured_url"], candidate["hw_time"]) == candidate["string_signed"]
    assert signature(given_["key"], candidate["string_signed"]) == candidate["secret"]
    assert without_proof(candidate["mss_a_url"]) == given_["configured_url"]
    query = parse_qsl(urlsplit(candidate["mss_a_url"]).query)
    for url in (given_["configured_url"], candidate["mss_a_url"]):
        found = verifier("MSS_A", key=given_["key"], url=url).verify({}, query, time_ms(candidate["hw_time"]))
        assert found.reading == name


@pytest.mark.parametrize("auth_type", ["MSS_A", "MSS_A_HEAD"])
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("uri", URIS)
def test_what_the_sandbox_can_sign_is_read_and_can_be_pinned(auth_type: AuthType, uri: Uri, unit: TimeUnit) -> None:
    name = f"{uri}+{unit}"
    assert name in reading_names()
    sent = signed(auth_type, uri=uri, unit=unit)
    assert check(verifier(auth_type), sent).reading == name
    assert check(verifier(auth_type, reading=name), sent).reading == name
    another = "path+seconds" if name != "path+seconds" else "whole_url+seconds"
    with pytest.raises(PushRefusedError):
        check(verifier(auth_type, reading=another), sent)


def test_of_readings_that_agree_the_first_is_named() -> None:
    plain = "https://bridge.example.com/callbacks/show"
    sent = signed(url=plain, uri="whole_url_sorted_query")
    assert check(verifier(url=plain), sent).reading == "whole_url+seconds"


def test_the_readings_with_a_worked_example_are_tried_first() -> None:
    assert reading_names()[:3] == ("auto", "host_path_sorted_query+seconds", "whole_url+decimal_milliseconds")
    assert len(reading_names()) == len(set(reading_names())) == 1 + len(URIS) * len(UNITS)


def test_a_query_is_sorted_by_name_and_not_by_what_follows_it() -> None:
    text = READINGS["host_path_sorted_query+seconds"]("https://h.example/p?a-b=1&b=2&a=3&b=1", "66df9308")
    assert text == "h.example/p?a=3&a-b=1&b=2&b=166df9308"


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("sign", [-1, 1], ids=["late", "early"])
def test_a_signature_lives_a_minute_either_way(unit: TimeUnit, sign: int) -> None:
    sent = signed(unit=unit)
    assert check(verifier(), sent, NOW_MS + sign * WINDOW_MS).at_ms == NOW_MS
    with pytest.raises(PushRefusedError) as refused:
        check(verifier(), sent, NOW_MS + sign * (WINDOW_MS + 1))
    assert refused.value.status == 401


def test_a_right_signature_at_the_wrong_time_is_told_from_a_wrong_one() -> None:
    with pytest.raises(PushRefusedError, match="the signature is right, and 3600 s old"):
        check(verifier(), signed(), NOW_MS + 3_600_000)
    with pytest.raises(PushRefusedError, match="fits neither key nor url"):
        check(verifier(key="another"), signed())


def test_a_signature_in_the_other_place_is_hinted_at() -> None:
    with pytest.raises(PushRefusedError, match="see auth_type"):
        check(verifier("MSS_A"), signed("MSS_A_HEAD"))
    with pytest.raises(PushRefusedError, match="see auth_type"):
        check(verifier("MSS_A_HEAD"), signed("MSS_A"))


def test_without_a_signature_nobody_comes_in() -> None:
    for auth_type in ("MSS_A", "MSS_A_HEAD"):
        with pytest.raises(PushRefusedError, match="there is none"):
            verifier(auth_type).verify({}, [], NOW_MS)


@pytest.mark.parametrize("auth_type", ["MSS_A", "MSS_A_HEAD"])
def test_an_empty_key_lets_nobody_in(auth_type: AuthType) -> None:
    with pytest.raises(PushRefusedError, match="key is empty"):
        check(verifier(auth_type, key=""), signed(auth_type, key=""))


def test_none_lets_in_the_rooms_own_token_and_nothing_else() -> None:
    room = verifier("NONE", token="s3cret")
    assert room.verify({}, [("token", "s3cret"), ("a", "b")], NOW_MS).reading == "token"
    for query in (
        [],
        [("token", "")],
        [("token", "s3cre")],
        [("token", "x"), ("token", "s3cret")],
        [("Token", "s3cret")],
    ):
        with pytest.raises(PushRefusedError):
            room.verify({}, query, NOW_MS)
    with pytest.raises(PushRefusedError, match="token is empty"):
        verifier("NONE").verify({}, [("token", "")], NOW_MS)


def test_an_own_parameter_named_like_the_signatures_is_left_in_the_url() -> None:
    assert without_proof("https://h/p?secret=own&a=b") == "https://h/p?secret=own&a=b"
    assert without_proof("https://h/p?secret=own&secret=x&time_stamp=1") == "https://h/p?secret=own"
    assert without_proof("https://h/p?hwSecret=x&hwTime=1") == "https://h/p"


def test_unknown_names_are_refused_when_the_room_is_built() -> None:
    with pytest.raises(ValueError, match="auth_type"):
        verifier("MSS_B")
    with pytest.raises(ValueError, match="reading"):
        verifier(reading="host+seconds")


@given(st.sampled_from(["secret", "time", "url", "key"]), st.data())
@settings(deadline=None)
def test_whatever_is_changed_of_what_is_signed_is_refused(what: str, data: st.DataObject) -> None:
    sent = signed()
    headers = {name.lower(): value for name, value in sent.headers.items()}
    url, key = URL, KEY
    if what in ("secret", "time"):
        name = f"x-hw-mss-{what}"
        index = data.draw(st.integers(0, len(headers[name]) - 1))
        digit = data.draw(st.sampled_from("0123456789abcdef").filter(lambda one: one != headers[name][index]))
        headers[name] = headers[name][:index] + digit + headers[name][index + 1 :]
    elif what == "url":
        url = data.draw(
            st.sampled_from([URL + "0", URL.replace("show", "shop"), URL.replace("abc", "abd"), "https://h/"])
        )
    else:
        key = KEY[:-1] + data.draw(st.characters().filter(lambda one: one != KEY[-1]))
    with pytest.raises(PushRefusedError) as refused:
        verifier(url=url, key=key).verify(headers, [], NOW_MS)
    assert refused.value.status == 401


@given(
    st.sampled_from(["NONE", "MSS_A", "MSS_A_HEAD"]),
    st.text(max_size=70) | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    st.text(max_size=20) | st.from_regex(r"[0-9a-f]{1,16}", fullmatch=True),
    st.text(max_size=40),
    st.text(max_size=20),
)
@settings(deadline=None)
def test_arbitrary_callers_are_refused_and_never_hurt(
    auth_type: str, secret: str, time: str, url: str, key: str
) -> None:
    headers = {"x-hw-mss-secret": secret, "x-hw-mss-time": time}
    query = [("hwSecret", secret), ("hwTime", time), ("token", secret + time)]
    with pytest.raises(PushRefusedError) as refused:
        verifier(auth_type, key=key, url=url, token=key + "#").verify(headers, query, NOW_MS)
    assert refused.value.status == 401
