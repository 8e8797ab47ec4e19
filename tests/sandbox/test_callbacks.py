from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from bridge.sandbox.callbacks import TimeUnit, Uri, callback_body, signed_callback, uri_of
from tests import shared_captures

URL = "https://bridge.example.com/callbacks/show?token=abc&room=9"
READINGS: dict[str, Uri] = {
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


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("host_path_sorted_query", "bridge.example.com/callbacks/show?room=9&token=abc"),
        ("whole_url", URL),
        ("whole_url_sorted_query", "https://bridge.example.com/callbacks/show?room=9&token=abc"),
        ("path", "/callbacks/show"),
        ("path_query", "/callbacks/show?token=abc&room=9"),
    ],
)
def test_each_reading_signs_its_own_part_of_the_url(uri: Uri, text: str) -> None:
    assert uri_of(URL, uri) == text


def test_a_url_without_query_is_signed_without_a_question_mark() -> None:
    assert uri_of("https://h.example.com:8443/x", "host_path_sorted_query") == "h.example.com:8443/x"


def test_the_vendors_worked_example_comes_out() -> None:
    example = vectors()["official"][0]
    made = signed_callback(
        target=example["url"],
        signed_url=example["url"],
        body=b"{}",
        auth_type="MSS_A_HEAD",
        key=example["key"],
        at_ms=example["time_unix_seconds"] * 1000,
    )
    assert made.headers == {"Content-Type": "application/json"} | example["headers"]
    assert made.url == example["url"]


def test_the_vendors_other_worked_example_comes_out() -> None:
    example = vectors()["official"][1]
    made = signed_callback(
        target=example["url"],
        signed_url=example["url"],
        body=b"{}",
        auth_type="MSS_A_HEAD",
        key=example["key"],
        at_ms=example["time_unix_millis"],
        uri="whole_url",
        time_unit="decimal_milliseconds",
    )
    assert made.headers["x-hw-mss-secret"] == example["secret"]
    assert made.headers["x-hw-mss-time"] == example["time_stamp"]


def test_every_candidate_reading_comes_out() -> None:
    given = vectors()["candidate_readings"]
    assert given["candidates"]
    for candidate in given["candidates"]:
        unit: TimeUnit = candidate["time"]
        stamp = int(candidate["hw_time"], 16)
        made = signed_callback(
            target=given["configured_url"],
            signed_url=given["configured_url"],
            body=b"{}",
            auth_type="MSS_A",
            key=given["key"],
            at_ms=stamp * 1000 if unit == "seconds" else stamp,
            uri=READINGS[candidate["uri"]],
            time_unit=unit,
        )
        assert made.url == candidate["mss_a_url"], candidate


def test_mss_a_puts_the_signature_into_the_targets_query_and_signs_the_configured_url() -> None:
    def secret(target: str) -> str:
        made = signed_callback(
            target=target, signed_url=URL, body=b"{}", auth_type="MSS_A", key="k", at_ms=1_745_309_700_000
        )
        assert made.url.startswith(f"{target}{'&' if '?' in target else '?'}hwSecret=")
        assert made.url.endswith("&hwTime=68075004")
        return urlsplit(made.url).query.partition("hwSecret=")[2]

    assert secret("http://127.0.0.1:8080/callbacks/show") == secret("http://127.0.0.1:8080/callbacks/show?room=9")


def test_none_sends_no_signature() -> None:
    made = signed_callback(target=URL, signed_url=URL, body=b"{}", auth_type="NONE", key="k", at_ms=1)
    assert (made.url, made.headers) == (URL, {"Content-Type": "application/json"})


def test_the_body_is_json_in_json() -> None:
    body = orjson.loads(callback_body("RTMP_STREAM_STATE_CHANGE", {"state": "END"}, room_id="r1", job_id="j1"))
    message = orjson.loads(body["message"])
    assert body["event_type"] == "RTMP_STREAM_STATE_CHANGE"
    assert (message["room_id"], message["job_id"], message["state"]) == ("r1", "j1", "END")
    assert {"output_url", "stream_key"} <= message.keys()


def test_the_sequence_number_is_a_text() -> None:
    body = orjson.loads(callback_body("SHOOT_SCRIPT_SWITCH", {}, room_id="r1", job_id="j1"))
    assert orjson.loads(body["message"])["shoot_script_sequence_no"] == "1"


def test_the_message_can_say_anything_else() -> None:
    body = orjson.loads(callback_body("REPLY_COMMAND_FINISH", {"job_id": "j9", "new": 1}, room_id="r1", job_id="j1"))
    assert orjson.loads(body["message"]) == {"room_id": "r1", "job_id": "j9", "reply_id": "reply-1", "new": 1}
