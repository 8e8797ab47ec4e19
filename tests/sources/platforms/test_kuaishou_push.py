from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PushRefusedError, SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, Like, LiveEvent, User
from bridge.secret import Secret
from bridge.sources.codecs.app_tasks import Token
from bridge.sources.codecs.results import MAX_ITEMS
from bridge.sources.contract import Decoded, Frame, HttpAnswer, HttpCall, PushAnswer
from bridge.sources.platforms.kuaishou_push import (
    MESSAGES,
    PLATFORM,
    Options,
    Receiver,
    call_signature,
    locate,
    push_signature,
)
from bridge.sources.platforms.kuaishou_push.items import decode_lost
from bridge.sources.platforms.kuaishou_push.tasks import TaskDecoder
from tests.emulators.kuaishou import ROOM_CODE, Push, gift, push, signed, viewer
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_760_000_000_000
FAN = User("kuaishou_f1", "老铁1")


def received(one: Push, **more: Any) -> PushAnswer:
    return Receiver(Options(app_secret=Secret("s"), **more)).receive(one.request(AT_MS))


def decoded(kind: str, payload: Any, **more: Any) -> Decoded:
    return received(push("s", kind, payload, AT_MS, **more)).decoded


def only(kind: str, item: dict[str, Any]) -> LiveEvent:
    (event,) = decoded(kind, [item]).events
    return event


def refused(one: Push, at_ms: int = AT_MS) -> str:
    with pytest.raises(PushRefusedError) as error:
        Receiver(Options(app_secret=Secret("s"))).receive(one.request(at_ms))
    assert error.value.status == 401
    return error.value.problem


def test_the_push_signature_is_the_md5_of_body_and_secret() -> None:
    assert push_signature(b'{"a":1}', Secret("s")) == hashlib.md5(b'{"a":1}s').hexdigest()


def test_the_call_signature_joins_what_says_something_by_name() -> None:
    made = call_signature({"roomCode": "r", "timestamp": 5, "data": "", "sign": "x"}, "app", Secret("s"))
    assert made == hashlib.md5(b"app_id=app&roomCode=r&timestamp=5s").hexdigest()


def test_a_call_is_verified_on_its_raw_bytes() -> None:
    one = push("s", "liveComment", [], AT_MS)
    assert received(one).body == b'{"result":1,"errorMsg":""}'
    assert "kwaisign" in refused(one.forged(one.body + b" "))
    assert "kwaisign" in refused(Push({}, one.body))
    with pytest.raises(PushRefusedError):
        Receiver(PLATFORM.offline_options()).receive(signed("", one.body).request(AT_MS))  # type: ignore[arg-type]
    assert received(Push({"kwaisign": one.headers["kwaisign"].upper()}, one.body)).status == 200


@pytest.mark.parametrize("off_ms", [-600_001, 600_001])
def test_a_stale_call_is_refused(off_ms: int) -> None:
    assert "10 minutes" in refused(push("s", "liveComment", [], AT_MS), AT_MS + off_ms)


def test_a_comment_a_like_and_a_gift() -> None:
    comment = only("liveComment", {**viewer(1), "content": "来了"})
    assert comment == LiveEvent(AT_MS, Comment(FAN, "来了"), "um-1/0")
    assert only("liveLike", {**viewer(1), "count": 3}).content == Like(FAN, 3)
    assert only("giftSend", gift(1, 3, 10)) == LiveEvent(AT_MS, Gift(FAN, "啤酒", 3, 10, 30, "kuaicoin"), "no-1")


@pytest.mark.parametrize(
    ("fields", "unit", "total", "priced"),
    [
        ({"giftUnitPrice": 10, "giftTotalPrice": 25}, 10, 25, True),
        ({"giftUnitPrice": 10}, 10, 30, True),
        ({"giftTotalPrice": 20}, 6, 20, True),
        ({}, 0, 0, False),
    ],
)
def test_a_gifts_total_is_what_was_paid(fields: dict[str, Any], unit: int, total: int, priced: bool) -> None:
    content = only("giftSend", {**viewer(1), "giftName": "啤酒", "giftCount": 3, **fields}).content
    assert content == Gift(FAN, "啤酒", 3, unit, total, "kuaicoin", priced)


def test_the_payload_may_be_the_arrays_text() -> None:
    assert len(decoded("liveComment", orjson.dumps([{**viewer(1), "content": "x"}]).decode()).events) == 1


def test_ids_tell_a_gift_by_its_number_and_others_by_their_place() -> None:
    comments = decoded("liveComment", [{**viewer(1), "content": "a"}, {**viewer(1), "content": "b"}]).events
    assert [event.id for event in comments] == ["um-1/0", "um-1/1"]
    assert [event.id for event in decoded("liveLike", [viewer(1)], message_id="").events] == [""]


def test_a_viewer_without_an_id_is_nobody_in_particular() -> None:
    assert only("liveLike", {"count": 1}).user == User("kuaishou_0", masked=True)


@pytest.mark.parametrize(
    "more", [{"message_id": "test_1"}, {"message_id": "stress_1"}, {"event": "LIVE_INTERACTION_DATA_TEST"}]
)
def test_the_platforms_own_tests_are_ignored_by_name(more: dict[str, str]) -> None:
    assert decoded("giftSend", [gift(1, 1, 1)], **more).ignored == ["test"]


def test_another_room_is_answered_and_ignored() -> None:
    answer = received(push("s", "giftSend", [gift(1, 1, 1), gift(2, 1, 1)], AT_MS), room="RC9")
    assert (answer.status, answer.decoded.ignored) == (200, ["other room"] * 2)


def test_what_cannot_be_read_in_a_verified_body_is_counted_and_answered_with_200() -> None:
    for body in (b"not json", b"[]", b"5", b"{}", b'{"event":"LIVE_INTERACTION_DATA"}'):
        answer = received(signed("s", body))
        assert (answer.status, answer.body, len(answer.decoded.rejected)) == (200, b'{"result":1,"errorMsg":""}', 1)


def test_a_mib_of_what_cannot_be_read_is_given_up_early() -> None:
    assert len(decoded("giftSend", [1] * 500_000).rejected) == MAX_ITEMS + 1


def test_new_types_and_events_are_unknown() -> None:
    assert decoded("liveShare" * 20, [{}, {}]).unknown == [("liveShare" * 20)[:64]] * 2
    assert decoded("liveLike", [], event="ROOM").unknown == ["ROOM"]


def test_one_broken_item_spares_the_others() -> None:
    found = decoded("giftSend", [gift(1, 0, 1), 7, {**gift(2, 1, 1), "giftTotalPrice": -1}, gift(3, 1, 1)])
    assert [str(error) for error in found.rejected] == [
        "data.payload[0].giftCount: is not positive",
        "data.payload[1]: is int, an object expected",
        "data.payload[2].giftTotalPrice: is negative",
    ]
    assert len(found.events) == 1


def test_options_that_cannot_be_used_are_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="app_secret: is missing"):
        Options(app_id="ks1")
    with pytest.raises(ValueError, match="task_api: 'old' is not known"):
        Options(app_secret=Secret("s"), task_api="old")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json_answer({"result": 100200101}), SourceAuthError),
        (json_answer({}, 429), SourceThrottledError),
        (HttpAnswer(502), SourceUnavailableError),
        (HttpAnswer(200, body=b"<"), SourceUnavailableError),
        (json_answer([]), SourceUnavailableError),
        (json_answer({"result": 1}), SourceUnavailableError),
    ],
)
async def test_a_token_that_cannot_be_had_is_sorted_by_what_to_do(answer: HttpAnswer, error: type[Exception]) -> None:
    with pytest.raises(error):
        await locate(
            Options(room=ROOM_CODE, app_id="ks1", app_secret=Secret("s")),
            ScriptedHttp({"/oauth2/access_token": answer}),
        )


def task_decoder() -> TaskDecoder:
    given = Options(room=ROOM_CODE, app_id="ks1", app_secret=Secret("app secret"))
    return TaskDecoder(given, Token("access token", 7200, AT_MS), AT_MS)


def test_a_calls_time_is_when_it_will_be_made() -> None:
    decoder = task_decoder()
    _, (start,) = decoder.next_calls()
    decoder.answered(start, json_answer({"result": 1}), AT_MS + 500)
    wait_secs, calls = decoder.next_calls()
    assert [call.json["timestamp"] for call in calls] == [AT_MS + 500 + wait_secs * 1000] * 2


def test_no_credential_is_shown_by_a_call() -> None:
    _, calls = task_decoder().next_calls()
    assert "access token" not in repr(calls)
    assert "app secret" not in repr(calls)


@given(st.binary(max_size=80), st.sampled_from([200, 500]))
def test_arbitrary_answers_never_raise(body: bytes, status: int) -> None:
    decoder = task_decoder()
    for tag in ("token", "start", "status", "lost", "stop"):
        decoder.answered(HttpCall("POST", "x", tag=tag), HttpAnswer(status, body=body), AT_MS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("userInfo", "content", "count", "giftCount", "giftUnitPrice", "giftTotalPrice", "uniqueNo", "giftName")


@given(st.binary(max_size=100))
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    received(signed("s", body))


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.sampled_from(FIELDS), JSON), JSON)
def test_arbitrary_fields_never_raise(kind: str, item: dict[str, Any], value: Any) -> None:
    offline = PLATFORM.offline_decoder(PLATFORM.offline_options())
    for payload in ([item], [value], value):
        data = {"push_type": kind, "payload": payload, "unique_message_id": value, "room_code": value}
        found = offline.feed(Frame(json.dumps({"event": "LIVE_INTERACTION_DATA", "data": data}), AT_MS))
        lost = decode_lost([{"pushType": kind, "payload": payload}, value], "r", AT_MS)
        for event in [*found.events, *lost.events]:
            event.to_wire()
    decode_lost(value, "r", AT_MS)
