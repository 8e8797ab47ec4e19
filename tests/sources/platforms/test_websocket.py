from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.sources import options_adapter
from bridge.events import Comment, Follow, Gift, Join, Like, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Frame, NoticeKind
from bridge.sources.platforms.websocket import MAX_MESSAGE_BYTES, PLATFORM, MappedDecoder, locate
from bridge.sources.platforms.websocket.expressions import is_true
from bridge.sources.platforms.websocket.options import Options
from bridge.sources.platforms.websocket.rules import MAX_ITEMS, compile_rules
from tests.sources.platforms.odd_json import as_text, assert_sound, odd_objects, odd_values
from tests.sources.platforms.scripted_http import ScriptedHttp

AT_MS = 1_760_000_000_000
URL = "ws://127.0.0.1:9000/"
FEN = User("taobao_7", "Fen", 3, "gold", 2)
WHO = {"user_id": "u.id", "user_name": "u.nick", "level": "u.lv", "badge": "u.medal.name", "badge_level": "u.medal.lv"}
FEN_JSON = {"id": 7, "nick": "Fen", "lv": 3, "medal": {"name": "gold", "lv": "2"}}


def options(*rules: dict[str, str], **more: Any) -> Options:
    return Options(**{"websocket_url": URL, "mapping": list(rules), "site": "taobao", **more})


def fed(message: object, *rules: dict[str, str]) -> Decoded:
    data = message if isinstance(message, str | bytes) else as_text(message)
    return MappedDecoder(options(*rules)).feed(Frame(data, AT_MS))


def test_each_type_of_event_is_mapped() -> None:
    rules: list[dict[str, str]] = [
        {"when": "cmd == 'chat'", "type": "comment", "text": "msg", **WHO},
        {"when": "cmd == 'in'", "type": "join", **WHO},
        {"when": "cmd == 'zan'", "type": "like", "count": "n", **WHO},
        {"when": "cmd == 'fav'", "type": "follow", **WHO},
        {"when": "cmd == 'online'", "type": "viewers", "viewers": "n"},
        {"when": "cmd == 'end'", "type": "ended"},
        {"when": "cmd == 'beat'", "type": "ignore"},
    ]

    def contents(**message: Any) -> list[object]:
        return [event.content for event in fed({"u": FEN_JSON, **message}, *rules).events]

    assert contents(cmd="chat", msg="你好") == [Comment(FEN, "你好")]
    assert contents(cmd="in") == [Join(FEN)]
    assert contents(cmd="zan", n=4) == [Like(FEN, 4)]
    assert contents(cmd="fav") == [Follow(FEN)]
    assert contents(cmd="online", n="120") == [Viewers(120)]
    assert fed({"cmd": "end"}, *rules).notices[0].kind is NoticeKind.ENDED
    assert fed({"cmd": "beat"}, *rules).ignored == ("nothing in it",)
    assert fed({"cmd": "new"}, *rules).unknown == ("no rule matches",)


@pytest.mark.parametrize(
    ("values", "message", "count", "unit", "total", "priced"),
    [
        ({"gift_count": "n", "gift_value": "p"}, {"n": 3, "p": 10}, 3, 10, 30, True),
        ({"gift_count": "n", "gift_total": "p"}, {"n": 3, "p": 25}, 3, 8, 25, True),
        ({"gift_value": "p"}, {"p": "5"}, 1, 5, 5, True),
        ({"gift_count": "n"}, {"n": 2}, 2, 0, 0, False),
        ({"gift_value": "p", "value_unit": "major", "currency": "'CNY'"}, {"p": 9.9}, 1, 990, 990, True),
        ({"gift_value": "p"}, {"p": None}, 1, 0, 0, False),
    ],
)
def test_gifts_are_exact(
    values: dict[str, str], message: dict[str, Any], count: int, unit: int, total: int, *, priced: bool
) -> None:
    (event,) = fed(message, {"type": "gift", "gift_name": "'Rose'", "user_id": "'7'", **values}).events
    gift = event.content
    assert isinstance(gift, Gift)
    assert (gift.name, gift.count, gift.unit_value, gift.total_value, gift.priced) == (
        "Rose",
        count,
        unit,
        total,
        priced,
    )


@pytest.mark.parametrize(
    "values",
    [{"gift_count": "n"}, {"gift_value": "n"}, {"gift_value": "n", "value_unit": "major", "currency": "'CNY'"}],
)
@pytest.mark.parametrize("amount", ["many", -1, [1], 1.5e300])
def test_an_amount_that_is_none_is_rejected(values: dict[str, str], amount: object) -> None:
    decoded = fed({"n": amount}, {"type": "gift", "gift_name": "'Rose'", **values})
    assert not decoded.events
    assert decoded.rejected[0].path.startswith("mapping[0].gift_")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"gift_value": "price"},
            "gift_value: gives a text, a whole number of the smallest unit (value_unit) expected",
        ),
        ({"gift_count": "none"}, "gift_count: gives nothing, a whole number expected"),
        ({"user_id": "who"}, "user_id: gives an object, a text expected"),
        ({"user_id": "flag"}, "user_id: gives true or false, a text expected"),
        ({"user_id": "&who"}, "user_id: gives no value, a text expected"),
        ({"each": "who"}, "each: gives an object, an array expected"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_json(values: dict[str, str], problem: str) -> None:
    message = {"price": "1.50", "who": {}, "flag": True}
    (error,) = fed(message, {"type": "gift", "gift_name": "'Rose'", **values}).rejected
    assert str(error) == f"mapping[0].{problem}"


def test_a_list_in_a_message_becomes_several_events_in_its_order() -> None:
    rule = {"type": "comment", "each": "data.list[?kind=='c']", "text": "t", "user_id": "uid", "id": "mid"}
    items = [
        {"kind": "c", "t": "1", "uid": 1, "mid": "a"},
        {"kind": "x"},
        {"kind": "c", "t": "2", "uid": 2, "mid": "b"},
    ]
    events = fed({"data": {"list": items}}, rule).events
    assert [(event.id, event.content.text) for event in events if isinstance(event.content, Comment)] == [
        ("a", "1"),
        ("b", "2"),
    ]
    assert fed({"data": {}}, rule).ignored == ("nothing in it",)
    assert fed({"data": 5}, {**rule, "each": "data"}).rejected[0].path == "mapping[0].each"


def test_one_bad_item_costs_only_itself() -> None:
    decoded = fed([{"t": [1]}, {"t": "ok"}], {"type": "comment", "each": "@", "text": "t"})
    assert len(decoded.events) == len(decoded.rejected) == 1


def test_all_rules_that_match_are_applied() -> None:
    both = [{"type": "comment", "text": "msg"}, {"when": "n", "type": "viewers", "viewers": "n"}]
    assert len(fed({"msg": "hi", "n": 5}, *both).events) == 2
    assert len(fed({"msg": "hi"}, *both).events) == 1


@pytest.mark.parametrize(
    ("unit", "stamp", "expected"),
    [
        ("ms", AT_MS - 5, AT_MS - 5),
        ("ms", str(AT_MS - 5), AT_MS - 5),
        ("s", 1_759_999_999, 1_759_999_999_000),
        ("s", 1_759_999_999.5, 1_759_999_999_500),
        ("us", 1_759_999_999_000_123, 1_759_999_999_000),
        ("ns", 1_759_999_999_000_123_456, 1_759_999_999_000),
        ("iso", "2025-10-09T08:53:19Z", 1_759_999_999_000),
        ("ms", 17, AT_MS),
        ("ms", None, AT_MS),
        ("iso", "yesterday", AT_MS),
    ],
)
def test_times_are_read_in_their_unit_and_must_be_plausible(unit: str, stamp: object, expected: int) -> None:
    rule = {"type": "join", "timestamp": "at", "timestamp_unit": unit}
    assert fed({"at": stamp}, rule).events[0].timestamp_ms == expected


def test_without_an_id_a_viewer_is_nobody_in_particular() -> None:
    for message in ({}, {"id": 0}, {"id": "", "name": "x"}, {"id": 5, "name": "a***b"}):
        (event,) = fed(message, {"type": "join", "user_id": "id", "user_name": "name"}).events
        assert event.user is not None
        assert (event.user.id, event.user.masked) == ("taobao_0", True)


def test_a_comment_without_words_is_nothing() -> None:
    assert fed({"t": ""}, {"type": "comment", "text": "t"}).ignored == ("nothing in it",)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"type": "comment", "text": "a."}, r"mapping\[0\].text: is no JMESPath expression"),
        ({"type": "comment", "text": "nope(a)"}, r"mapping\[0\].text: unknown function"),
        ({"type": "comment", "text": "length(a, b)"}, r"mapping\[0\].text: expected 1 argument"),
        ({"type": "comment", "text": ""}, r"mapping\[0\].text: is no expression"),
        ({"type": "comment"}, r"mapping\[0\].text: is missing"),
        ({"type": "gift"}, r"mapping\[0\].gift_name: is missing"),
        ({"type": "viewers"}, r"mapping\[0\].viewers: is missing"),
        ({"type": "song"}, r"mapping\[0\].type: is unknown: one of comment"),
        ({"text": "a"}, r"mapping\[0\].type: is missing"),
        ({"type": "join", "user": "a"}, r"mapping\[0\].user: is unknown: one of type"),
        ({"type": "join", "timestamp_unit": "days"}, r"mapping\[0\].timestamp_unit: is unknown: one of ms"),
        ({"type": "join", "when": "a ==", "user_id": "a"}, r"mapping\[0\].when: is no JMESPath"),
    ],
)
def test_a_wrong_rule_says_which_expression_and_what_is_allowed(rule: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        options(rule)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"websocket_url": "http://x"}, "websocket_url"),
        ({"websocket_url": ""}, "websocket_url"),
        ({"mapping": []}, "mapping: is empty"),
        ({"site": "Tao Bao"}, "site"),
        ({"heartbeat_secs": 0.1}, "heartbeat_secs"),
        ({"headers": {"a b": Secret("x")}}, "headers"),
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        options({"type": "join"}, **wrong)


def test_a_room_file_is_read_into_these_options() -> None:
    entry = {
        "websocket_url": URL,
        "site": "jd",
        "headers": {"Authorization": "Bearer abc"},
        "greeting": ['{"op":"auth"}', 5],
        "heartbeat": "ping",
        "mapping": [{"when": "t == `1`", "type": "comment", "text": "c"}],
    }
    read = options_adapter(Options).validate_python(entry)
    made = Options(**{name: getattr(read, name) for name in entry})
    decoder = PLATFORM.offline_decoder(made)
    assert decoder.greeting() == ['{"op":"auth"}', "5"]
    assert decoder.heartbeat() == ("ping",)
    assert len(decoder.feed(Frame('{"t": 1, "c": "hi"}', AT_MS)).events) == 1
    assert "abc" not in repr(made)
    assert "auth" not in repr(made)


async def test_the_connection_is_as_the_room_file_says() -> None:
    made = options({"type": "join"}, headers={"X-Key": Secret("k")}, heartbeat=Secret("hb"), answers_pings=False)
    (connection,) = await locate(made, ScriptedHttp({}))
    endpoint = connection.endpoint
    assert (endpoint.url, dict(endpoint.headers), endpoint.answers_pings) == (URL, {"X-Key": "k"}, False)
    assert endpoint.heartbeat_interval_secs == 30.0
    (connection,) = await locate(options({"type": "join"}), ScriptedHttp({}))
    assert connection.endpoint.heartbeat_interval_secs is None


def test_what_one_message_may_cost_is_bounded() -> None:
    rule = {"type": "comment", "each": "@", "text": "t"}
    decoded = fed([{"t": "x"}] * (MAX_ITEMS + 3), rule)
    assert (len(decoded.events), len(decoded.rejected)) == (MAX_ITEMS, 1)
    assert fed(b" " * (MAX_MESSAGE_BYTES + 1), rule).rejected


def test_an_expression_that_cannot_be_evaluated_rejects_without_quoting_the_message() -> None:
    decoded = fed({"t": 5, "secret": "hunter2"}, {"type": "comment", "text": "length(t)"})
    assert "hunter2" not in str(decoded.rejected[0])
    assert decoded.rejected[0].path == "mapping[0].text"


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected_or_read(data: bytes) -> None:
    assert_sound(fed(data, {"type": "comment", "text": "a.b[0]", "when": "a"}))


@given(odd_objects(["a", "b", "c", "n", "list"]))
def test_arbitrary_messages_never_raise(message: dict[str, Any]) -> None:
    everything = {"user_id": "a", "user_name": "b", "level": "c", "badge": "a.b", "badge_level": "n", "id": "c"}
    decoded = fed(
        message,
        {"type": "comment", "text": "a", "timestamp": "n", "timestamp_unit": "s", **everything},
        {"type": "gift", "each": "list", "gift_name": "a", "gift_count": "n", "gift_value": "b", "gift_total": "c"},
        {"type": "viewers", "viewers": "to_number(n)", "when": "a == b"},
        {"type": "gift", "gift_name": "join('', [a, b])", "gift_value": "n", "value_unit": "major", "currency": "c"},
    )
    assert_sound(decoded)


@pytest.mark.parametrize(
    ("level", "expected"), [(-1, 0), (2**63, 2**31 - 1), ("12", 12), (4.0, 4), ("x", 0), (True, 0)]
)
def test_a_level_is_a_number_within_bounds_or_none(level: object, expected: int) -> None:
    (event,) = fed({"id": 7, "lv": level}, {"type": "join", "user_id": "id", "level": "lv"}).events
    assert event.user is not None
    assert event.user.level == expected


def test_rules_told_apart_by_a_field_are_applied_in_their_order() -> None:
    rules: list[dict[str, str]] = [
        {"type": "viewers", "viewers": "n", "when": "n"},
        {"type": "comment", "text": "'first'", "when": "t == `1`"},
        {"type": "comment", "text": "'second'", "when": "kind == 'c'"},
        {"type": "comment", "text": "'third'", "when": "t == `1` && n"},
        {"type": "comment", "text": "'fourth'", "when": "t == `2`"},
    ]

    def told(**message: Any) -> list[object]:
        return [getattr(e.content, "text", "viewers") for e in fed(message, *rules).events]

    assert told(t=1, n=5, kind="c") == ["viewers", "first", "second", "third"]
    assert told(t=1.0, kind="c") == ["first", "second"]
    assert told(t=2, kind="c") == ["second", "fourth"]
    assert told(n=5) == ["viewers"]
    for other in (True, "1", [1], {"1": 1}, None):
        assert told(t=other) == []


CONDITIONS = ["a == 'x'", "a == `1`", "a == `1` && b", "a.b == 'x'", "a && b", "b == `true`", "a == 'x' || b", "!a"]


@given(
    st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=6),
    st.dictionaries(
        st.sampled_from(["a", "b"]), odd_values(["a", "b"]) | st.sampled_from(["x", 1, 1.0, True, {"b": "x"}])
    ),
)
def test_a_rule_takes_what_its_condition_is_true_of_whichever_rules_stand_beside_it(
    conditions: list[str], message: dict[str, Any]
) -> None:
    rules = [{"type": "comment", "text": f"'{number}'", "when": when} for number, when in enumerate(conditions)]
    taken = [str(number) for number, when in enumerate(conditions) if is_true(jmespath.search(when, message))]
    assert [getattr(event.content, "text", "") for event in fed(message, *rules).events] == taken


def test_a_message_that_is_wanted_is_not_asked_whether_it_is_to_be_ignored() -> None:
    rules: list[dict[str, str]] = [
        {"type": "ignore", "when": "contains(tags, 'noise')"},
        {"type": "comment", "text": "t", "when": "t"},
    ]
    assert len(fed({"t": "hi", "tags": 5}, *rules).events) == 1
    assert fed({"tags": ["noise"]}, *rules).ignored == ("nothing in it",)
    assert fed({"tags": 5}, *rules).rejected[0].path == "mapping[0].when"


def test_rules_are_bounded_in_number() -> None:
    with pytest.raises(ValueError, match="too many rules"):
        compile_rules([{"type": "join"}] * 101, "taobao")
