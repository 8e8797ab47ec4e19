from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Comment, Follow, Gift, Join, Like, LiveEvent, User, Viewers
from bridge.sandbox.checks import MAX_TIMESTAMP_MS, Report, check_report, parse_body
from bridge.sandbox.refusal import Refusal
from tests.sandbox.fakes import CONTENTS, GIFT, USER, event, report_body


def check(body: bytes, *, strict: bool = True, content_type: str = "application/json") -> Report | Refusal:
    return check_report(body, content_type, strict=strict)


def refused(body: bytes, *, strict: bool = True, content_type: str = "application/json") -> Refusal:
    result = check(body, strict=strict, content_type=content_type)
    assert isinstance(result, Refusal), result
    return result


def content(kind: int, value: Any) -> bytes:
    return report_body(event(kind, content=orjson.dumps(value).decode()))


@pytest.mark.parametrize("kind", CONTENTS)
def test_every_documented_type_passes(kind: int) -> None:
    result = check(report_body(event(kind)))
    assert isinstance(result, Report)
    assert dict(result.by_type) == {kind: 1}


def test_the_bridges_own_events_pass() -> None:
    user = User("bilibili_1", "n\u0000\ud800", 1, "b", 2)
    contents = (Comment(user, "x" * 9000), Join(user), Like(user), Gift(user, "g"), Follow(user), Viewers(9))
    events = [LiveEvent(1, one).to_wire() for one in contents]
    body = b'{"total":6,"events":[' + b",".join(events) + b"]}"
    assert isinstance(check(body), Report)


def test_a_body_as_the_official_client_writes_it_passes() -> None:
    inner = '{\\"user\\":{\\"userId\\":\\"1\\",\\"name\\":\\"\\u5c0f\\",\\"level\\":1,\\"badge\\":\\"\\",\\"badgeLevel\\":0}}'
    body = f'{{"total": 1, "events": [{{"timestamp": 1690819199000, "type": 2, "content": "{inner}"}}]}}'
    assert isinstance(check(body.encode()), Report)


@pytest.mark.parametrize("total", [0, 1001, -1, "1", 1.0, True, None])
def test_total_is_an_integer_from_1_to_1000(total: Any) -> None:
    assert refused(report_body(event(), total=total)).error_msg.startswith("Invalid parameter: total:")


def test_total_is_required() -> None:
    assert "total: is null" in refused(orjson.dumps({"events": [event()]})).error_msg


def test_total_is_the_number_of_events() -> None:
    assert "total: 2, but the body has 1 events" in refused(report_body(event(), total=2)).error_msg
    assert "the body has 0 events" in refused(b'{"total": 1}').error_msg


def test_a_thousand_events_pass_and_one_more_does_not() -> None:
    assert isinstance(check(report_body(*[event(6)] * 1000)), Report)
    assert refused(report_body(*[event(6)] * 1001)).error_code == "MSS.00000003"


@pytest.mark.parametrize("events", [[], {}, "x", [event()] * 1001])
def test_events_is_an_array_of_1_to_1000(events: Any) -> None:
    assert "events: " in refused(report_body(events=events, total=1)).error_msg


@pytest.mark.parametrize("item", [None, 1, [], "x"])
def test_an_event_is_an_object(item: Any) -> None:
    assert "events[1]: is " in refused(report_body(event(), item)).error_msg


@pytest.mark.parametrize("timestamp", [-1, MAX_TIMESTAMP_MS + 1, "1", 1.5, None, True])
def test_timestamp_is_ms_up_to_the_documented_end(timestamp: Any) -> None:
    assert "events[0].timestamp:" in refused(report_body(event(timestamp=timestamp))).error_msg


@pytest.mark.parametrize("timestamp", [0, MAX_TIMESTAMP_MS])
def test_the_ends_of_the_timestamp_range_pass(timestamp: int) -> None:
    assert isinstance(check(report_body(event(timestamp=timestamp))), Report)


@pytest.mark.parametrize("kind", [0, 7, 10, 101, -1, "1", None, True])
def test_type_is_1_to_6(kind: Any) -> None:
    assert "events[0].type:" in refused(report_body(event(type=kind))).error_msg


@pytest.mark.parametrize("value", [None, 5, {"user": USER}])
def test_content_is_text(value: Any) -> None:
    assert "events[0].content: is " in refused(report_body(event(content=value))).error_msg


def test_content_has_at_most_4096_characters_and_beyond_the_bmp_counts_twice() -> None:
    def comment(text: str) -> bytes:
        return report_body(event(content=orjson.dumps({"user": USER, "content": text}).decode()))

    room = 4096 - len(orjson.dumps({"user": USER, "content": ""}).decode())
    assert isinstance(check(comment("好" * room)), Report)
    assert "longer than 4096" in refused(comment("好" * (room + 1))).error_msg
    assert isinstance(check(comment("😀" * (room // 2))), Report)
    assert "longer than 4096" in refused(comment("😀" * (room // 2 + 1))).error_msg


@pytest.mark.parametrize("text", ["", "xxxxx", "{", "{'a': 1}", '{"user": NaN}', '"\\ud800"'])
def test_content_is_json(text: str) -> None:
    assert "events[0].content: is not JSON" in refused(report_body(event(content=text))).error_msg


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_missing_key_of_content_is_named(kind: int) -> None:
    for key in CONTENTS[kind]:
        less = {name: value for name, value in CONTENTS[kind].items() if name != key}
        assert refused(content(kind, less)).error_msg == f"Invalid parameter: events[0].content.{key}: is missing"


@pytest.mark.parametrize("kind", CONTENTS)
def test_an_extra_key_of_content_is_named(kind: int) -> None:
    more = CONTENTS[kind] | {"raw": 1}
    assert refused(content(kind, more)).error_msg == "Invalid parameter: events[0].content.raw: unknown key"


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        (1, {"user": USER, "content": 5}, "content.content: is integer, string expected"),
        (1, {"user": [], "content": "x"}, "content.user: is array, object expected"),
        (1, {"user": USER | {"level": "17"}, "content": "x"}, "content.user.level: is string, integer expected"),
        (1, {"user": USER | {"userId": 7}, "content": "x"}, "content.user.userId: is integer, string expected"),
        (1, {"user": USER | {"badge": None}, "content": "x"}, "content.user.badge: is null, string expected"),
        (2, {"user": USER | {"masked": True}}, "content.user.masked: unknown key"),
        (3, {"user": {"userId": "1"}}, "content.user.badge: is missing"),
        (4, {"user": USER, "gift": GIFT | {"giftNum": 1.0}}, "content.gift.giftNum: is number, integer expected"),
        (4, {"user": USER, "gift": GIFT | {"giftNum": True}}, "content.gift.giftNum: is boolean, integer expected"),
        (4, {"user": USER, "gift": GIFT | {"totalValue": 2**31}}, "content.gift.totalValue: 2147483648 does not fit"),
        (6, {"numberOfViewers": "5"}, "content.numberOfViewers: is string, integer expected"),
        (6, [], "content: is array, object expected"),
    ],
)
def test_content_has_the_documented_json_types(kind: int, value: Any, place: str) -> None:
    assert f"events[0].{place}" in refused(content(kind, value)).error_msg


def test_the_body_and_an_event_have_no_other_keys() -> None:
    assert "id: unknown key" in refused(report_body(event(), id=1)).error_msg
    assert "events[0].id: unknown key" in refused(report_body(event(id=1))).error_msg
    less = event()
    del less["content"]
    assert "events[0].content: is missing" in refused(report_body(less)).error_msg


@pytest.mark.parametrize("review", [{"no_need_review": True}, {}, None])
def test_review_config_may_be_there(review: Any) -> None:
    assert isinstance(check(report_body(event(), review_config=review)), Report)


@pytest.mark.parametrize("review", [{"no_need_review": "yes"}, [], "x"])
def test_review_config_has_a_boolean(review: Any) -> None:
    assert "review_config" in refused(report_body(event(), review_config=review)).error_msg


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", "APPLICATION/JSON; charset=utf-8"])
def test_json_content_types_pass(content_type: str) -> None:
    assert isinstance(check(report_body(event()), content_type=content_type), Report)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_other_content_types_are_refused(content_type: str) -> None:
    result = refused(report_body(event()), content_type=content_type)
    assert (result.status, result.error_code) == (400, "MSS.10000002")


@pytest.mark.parametrize("body", [b"", b"{", b"total=1", b'{"total":1,}', b"\xff\xfe", b'{"total": NaN}'])
def test_a_body_that_is_not_json_has_its_own_code(body: bytes) -> None:
    assert refused(body).error_code == "MSS.10000002"


@pytest.mark.parametrize("body", [b"[]", b"1", b"null"])
def test_a_body_that_is_no_object_has_its_own_code(body: bytes) -> None:
    assert refused(body).error_code == "MSS.00000002"


@pytest.mark.parametrize("half", [b"\\ud800", b"\xed\xa0\x80"])
def test_half_a_surrogate_pair_is_refused_with_its_place(half: bytes) -> None:
    body = b'{"total":2,"events":[' + orjson.dumps(event()) + b',{"timestamp":1,"type":1,"content":"' + half + b'"}]}'
    result = refused(body)
    assert (result.status, result.error_code) == (400, "MSS.00000003")
    assert result.error_msg == "Invalid parameter: events[1].content: has half a surrogate pair"


def test_half_a_surrogate_pair_in_the_inner_json_is_refused_with_its_place() -> None:
    text = orjson.dumps(CONTENTS[1]).decode().replace("你好", "\\ud83d")
    assert "events[0].content: is not JSON" in refused(report_body(event(content=text))).error_msg


def test_light_checks_hold_the_schema_only() -> None:
    for body in (
        b'{"total": 1}',
        report_body(event(), total=7),
        report_body(event(type=10, content="xxxxx"), extra=1),
        report_body({"timestamp": 1}),
    ):
        assert isinstance(check(body, strict=False), Report)
    for changes in ({"timestamp": -1}, {"type": 101}, {"content": 5}, {"content": "x" * 4097}):
        assert refused(report_body(event(**changes)), strict=False).error_code == "MSS.00000003"
    assert refused(report_body(event(), total=0), strict=False).error_code == "MSS.00000003"


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(body: bytes) -> None:
    assert isinstance(parse_body(body), dict | Refusal)
    assert isinstance(check(body), Refusal)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_JSON, min_size=1, max_size=3), st.booleans())
def test_any_json_in_the_place_of_events_is_answered(events: list[Any], strict: bool) -> None:
    try:
        body = orjson.dumps({"total": len(events), "events": events})
    except TypeError:
        return  # integers beyond 64 bits: not this test's subject
    assert isinstance(check(body, strict=strict), Report | Refusal)


def test_deep_nesting_is_answered() -> None:
    assert refused(b"[" * 100_000).error_code == "MSS.10000002"
    assert "is not JSON" in refused(report_body(event(content="[" * 4000))).error_msg
