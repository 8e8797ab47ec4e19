from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.events import MAX_CONTENT_CHARS, MAX_TIMESTAMP_MS, Comment, EventType, LiveEvent, User
from bridge.report.wire import MAX_ANSWER_BYTES, Answer, Verdict, classify, encode, problem, retry_after_secs
from tests.report.fakes import KEY, START_MS, event_wire


def mss(code: str, message: str = "Invalid parameter: events") -> bytes:
    return orjson.dumps({"error_code": code, "error_msg": message})


def test_a_body_is_the_events_as_they_are_and_their_number() -> None:
    wires = [event_wire("一"), event_wire("2")]
    body = encode(iter(wires))
    assert body == b'{"total":2,"events":[' + wires[0] + b"," + wires[1] + b"]}"
    assert orjson.loads(body)["events"][0] == orjson.loads(wires[0])


@pytest.mark.parametrize("no_need_review", [True, False])
def test_the_review_setting_is_sent_only_when_it_is_given(no_need_review: bool) -> None:
    assert b"review" not in encode([event_wire("1")])
    report = orjson.loads(encode([event_wire("1")], no_need_review=no_need_review))
    assert report["review_config"] == {"no_need_review": no_need_review}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"live_event_report_url": "https://h/p"}', Verdict.DELIVERED),
        (200, b"", Verdict.DELIVERED),
        (200, b"<html>", Verdict.DELIVERED),
        (200, mss("MSS.00000003"), Verdict.DELIVERED),
        (201, b"", Verdict.DELIVERED),
        (202, b"", Verdict.DELIVERED),
        (204, b"", Verdict.DELIVERED),
        (301, b"", Verdict.MISCONFIGURED),
        (307, b"", Verdict.MISCONFIGURED),
        (400, mss("MSS.00000003"), Verdict.REFUSED),
        (400, mss("APIGW.0201"), Verdict.REFUSED),
        (400, b"<html>Bad Request</html>", Verdict.UNAVAILABLE),
        (400, b"", Verdict.UNAVAILABLE),
        (400, b'{"message": "no route"}', Verdict.UNAVAILABLE),
        (400, mss("MSS.00010008"), Verdict.UNAUTHORISED),
        (400, mss("MSS.000010008"), Verdict.UNAUTHORISED),
        (400, mss("MSS.00010003"), Verdict.MISCONFIGURED),
        (400, mss("MSS.00010004"), Verdict.MISCONFIGURED),
        (400, mss("MSS.00010009"), Verdict.MISCONFIGURED),
        (401, mss("MSS.00000001"), Verdict.UNAUTHORISED),
        (401, b"", Verdict.UNAUTHORISED),
        (403, mss("APIGW.0302"), Verdict.UNAUTHORISED),
        (403, b"<html>", Verdict.UNAUTHORISED),
        (404, mss("MSS.20010074"), Verdict.GONE),
        (405, b"", Verdict.MISCONFIGURED),
        (408, b"", Verdict.UNAVAILABLE),
        (409, mss("MSS.20020001"), Verdict.REFUSED),
        (410, b"", Verdict.GONE),
        (413, mss("APIGW.0201"), Verdict.TOO_LARGE),
        (415, b"", Verdict.MISCONFIGURED),
        (422, mss("MSS.00000003"), Verdict.REFUSED),
        (425, b"", Verdict.THROTTLED),
        (429, mss("APIGW.0308"), Verdict.THROTTLED),
        (500, mss("MSS.00000004"), Verdict.UNAVAILABLE),
        (501, b"", Verdict.MISCONFIGURED),
        (502, b"<html>", Verdict.UNAVAILABLE),
        (503, b"", Verdict.UNAVAILABLE),
        (504, b"", Verdict.UNAVAILABLE),
        (505, b"", Verdict.MISCONFIGURED),
        (599, b"", Verdict.UNAVAILABLE),
    ],
)
def test_each_status_has_one_meaning(status: int, body: bytes, verdict: Verdict) -> None:
    answer = classify(status, {}, body, START_MS)
    assert (answer.verdict, answer.status) == (verdict, status)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error_code": "MSS.00000003", "error_msg": "Invalid parameter"}',
        b'{"errorCode": "MSS.00000003", "errorMsg": "Invalid parameter"}',
        b'{"code": "MSS.00000003", "message": "Invalid parameter"}',
        b'{"error": {"code": "MSS.00000003", "message": "Invalid parameter"}, "request_id": "1"}',
        b'{"error_code": "MSS.00000003", "error_msg": "Invalid\\n\\tparameter\\u001b "}',
    ],
)
def test_code_and_message_are_found_in_every_spelling_and_one_level_down(body: bytes) -> None:
    answer = classify(400, {}, body, START_MS)
    assert (answer.error_code, answer.error_msg) == ("MSS.00000003", "Invalid parameter")


def test_a_message_without_a_code_is_shown_and_proves_nothing() -> None:
    answer = classify(400, {}, b'{"code": null, "message": "no route matched"}', START_MS)
    assert (answer.verdict, answer.error_code, answer.error_msg) == (Verdict.UNAVAILABLE, "", "no route matched")
    assert str(answer) == "HTTP 400 no route matched"


def test_a_code_may_be_a_number_and_what_is_no_text_is_no_code() -> None:
    assert classify(400, {}, b'{"code": 17}', START_MS).error_code == "17"
    assert classify(400, {}, b'{"error_code": ["MSS.1"], "error_msg": {}}', START_MS).verdict is Verdict.UNAVAILABLE


def test_words_of_the_server_are_cut() -> None:
    answer = classify(400, {"x-request-id": "r" * 200}, mss("C" * 100, "m" * 2000), START_MS)
    assert (len(answer.error_code), len(answer.error_msg), len(answer.request_id)) == (64, 1000, 100)


def test_our_secrets_are_struck_out_of_the_servers_words() -> None:
    echo = f"canonical request POST|/v1|auth_key={KEY}&expires_time=1|x-auth-token:MIIabcdef"
    answer = classify(401, {}, mss("APIGW.0301", echo), START_MS, secrets=[KEY, "MIIabcdef"])
    assert answer.error_msg == "canonical request POST|/v1|auth_key=***&expires_time=1|x-auth-token:***"


def test_a_secret_is_struck_out_before_a_long_message_is_cut_in_its_middle() -> None:
    answer = classify(401, {}, mss("APIGW.0301", "m" * 990 + KEY), START_MS, secrets=[KEY])
    assert KEY[:8] not in answer.error_msg


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (b'{"live_event_report_url": "https://h/p?auth_key=1"}', "https://h/p?auth_key=1"),
        (b'{"live_event_report_url": ""}', ""),
        (b'{"live_event_report_url": null}', ""),
        (b'{"live_event_report_url": ["https://h/p"]}', ""),
        (b"{}", ""),
        (b"[1]", ""),
        (b'"https://h/p"', ""),
        (b'{"live_event_report_url": "https://h/p"', ""),
    ],
)
def test_a_refreshed_url_is_taken_from_a_2xx_and_any_other_body_still_means_delivered(body: bytes, url: str) -> None:
    answer = classify(200, {}, body, START_MS)
    assert (answer.verdict, answer.new_url) == (Verdict.DELIVERED, url)


def test_only_a_2xx_brings_a_url() -> None:
    assert classify(500, {}, b'{"live_event_report_url": "https://h/p"}', START_MS).new_url == ""


def test_a_body_beyond_the_cap_is_not_parsed() -> None:
    body = b'{"live_event_report_url": "https://h/p", "x": "' + b"x" * MAX_ANSWER_BYTES + b'"}'
    assert classify(200, {}, body, START_MS).new_url == ""


@pytest.mark.parametrize(
    ("value", "secs"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("60", 60.0),
        ("61", 60.0),
        ("1000000000", 60.0),
        ("9" * 400, 60.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:30 -0000", 10.0),
        ("Tue, 14 Nov 2023 23:13:30 +0100", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("1e9", 0.0),
        ("soon", 0.0),
        ("٣", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_minute(value: str, secs: float) -> None:
    assert retry_after_secs({"retry-after": value}, START_MS) == secs


def test_retry_after_is_read_where_waiting_is_the_answer() -> None:
    headers = {"retry-after": "9"}
    assert classify(429, headers, b"", START_MS).retry_after_secs == 9
    assert classify(503, headers, b"", START_MS).retry_after_secs == 9
    assert classify(400, headers, mss("MSS.00000003"), START_MS).retry_after_secs == 0


def test_the_servers_clock_is_told() -> None:
    assert classify(200, {"date": "Tue, 14 Nov 2023 22:13:20 GMT"}, b"", START_MS).date_ms == START_MS
    assert classify(401, {"date": "yesterday"}, b"", START_MS).date_ms == 0


@pytest.mark.parametrize(
    ("status", "body", "proves"),
    [
        (200, b"", True),
        (400, mss("MSS.00000003"), True),
        (500, mss("MSS.00000004"), True),
        (429, mss("APIGW.0308"), False),
        (502, b"<html>", False),
        (404, b"", False),
    ],
)
def test_a_credential_is_proven_good_by_the_service_itself_not_by_a_gateway(
    status: int, body: bytes, proves: bool
) -> None:
    assert classify(status, {}, body, START_MS).is_from_service is proves


def test_an_answer_is_told_in_words() -> None:
    assert str(classify(400, {}, mss("MSS.00000003", "no"), START_MS)) == "HTTP 400 MSS.00000003 no"
    assert str(Answer(Verdict.NOT_SENT, error_msg="cannot connect")) == "not_sent cannot connect"


header_values = st.text(max_size=40) | st.sampled_from(["Tue, 14 Nov 2023 22:13:20 GMT", "5", ",", "Mon,"])


@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(st.sampled_from(["retry-after", "date", "x-request-id"]), header_values),
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error_code", "error_msg", "code", "message", "error", "live_event_report_url"]), inner
            )
        ),
        max_leaves=8,
    ).map(orjson.dumps),
)
@example(status=429, headers={"retry-after": ","}, body=b"")
@example(status=401, headers={"date": "0" * 200}, body=b'{"error_code": true}')
def test_no_answer_is_too_odd_to_be_classified(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = classify(status, headers, body, START_MS, secrets=[KEY])
    assert (answer.verdict is Verdict.DELIVERED) == (200 <= status < 300)
    assert 0 <= answer.retry_after_secs <= 60
    assert len(str(answer)) < 1200


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (event_wire("hello"), ""),
        (LiveEvent(START_MS, Comment(User("s_1"), "🙂" * 9000)).to_wire(), ""),
        (orjson.dumps({"timestamp": 0, "type": 6, "content": "{}"}), ""),
        (orjson.dumps({"timestamp": MAX_TIMESTAMP_MS + 1, "type": 1, "content": "{}"}), "timestamp: out of range"),
        (orjson.dumps({"timestamp": -1, "type": 1, "content": "{}"}), "timestamp: out of range"),
        (orjson.dumps({"timestamp": 1, "type": 7, "content": "{}"}), "not a LiveEvent"),
        (orjson.dumps({"timestamp": "1", "type": 1, "content": "{}"}), "not a LiveEvent"),
        (orjson.dumps({"timestamp": 1, "type": 1, "content": {}}), "not a LiveEvent"),
        (orjson.dumps({"timestamp": 1, "type": 1, "content": "{"}), "not a LiveEvent"),
        (orjson.dumps({"timestamp": 1, "type": 1, "content": "[]"}), "content: not a JSON object"),
        (orjson.dumps({"timestamp": 1, "type": 1}), "not a LiveEvent"),
        (b"[]", "not a LiveEvent"),
        (b"{", "not a LiveEvent"),
        (event_wire("x" * MAX_CONTENT_CHARS), "content: longer than 4096 characters"),
        (event_wire("🙂" * 2050), "content: longer than 4096 characters"),
    ],
)
def test_what_the_contract_forbids_is_named(wire: bytes, expected: str) -> None:
    assert problem(wire) == expected


@given(st.binary(max_size=60))
def test_no_bytes_are_too_odd_to_be_checked(wire: bytes) -> None:
    assert problem(wire) in {"", "not a LiveEvent"}


@pytest.mark.parametrize("kind", EventType)
def test_every_type_that_we_report_keeps_the_contract(kind: EventType) -> None:
    assert problem(event_wire("1", kind)) == ""
