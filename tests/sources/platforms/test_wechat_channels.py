from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PushRefusedError
from bridge.events import Comment, Gift, Join, Like, LiveEvent, User, Viewers
from bridge.secret import Secret
from bridge.sources.codecs.results import MAX_ITEMS
from bridge.sources.contract import Decoded, Frame, PushAnswer, PushRequest
from bridge.sources.decoding import decode_lines
from bridge.sources.intake import Intake
from bridge.sources.platforms.wechat_channels import (
    IGNORED,
    MAX_INFLATED_BYTES,
    MESSAGES,
    PLATFORM,
    BodyDecoder,
    Options,
    Receiver,
)
from tests.shared_captures import folder

AT_MS = 1_760_000_000_000
OPEN = Options(allow_unsigned=True)
LIVE = "2078000000000000001"
MING = User("wechat_channels_o9hAming", "阿明")


def message(seq: int, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "msg_time": AT_MS + seq,
        "msg_sub_type": 1,
        "msg_id": f"id_{seq}",
        "seq": str(seq),
        "decoded_type": kind,
        "nickname": "阿明",
        "sec_openid": "v2_x@finder",
        "decoded_openid": "o9hAming",
        **more,
    }


def combo(seq: int, total: int, **more: Any) -> dict[str, Any]:
    content = f"阿明送了主播{total}个爱心"
    return message(seq, "combogift", sec_gift_id="G", combo_product_count=total, content=content, **more)


def post(*messages: Any, **live: Any) -> bytes:
    host = {"wechat_uin": "100", "finder_username": "v2_anchor@finder"}
    return orjson.dumps({"host_info": host, "live_info": {"live_id": LIVE, **live}, "events": messages})


def decoded(*messages: Any, options: Options | None = None, **live: Any) -> Decoded:
    return BodyDecoder(options or OPEN).feed(Frame(post(*messages, **live), AT_MS))


def only(one: dict[str, Any]) -> LiveEvent:
    found = decoded(one)
    assert not found.rejected
    (event,) = found.events
    return event


def receive(body: bytes, query: dict[str, str] | None = None, **more: Any) -> PushAnswer:
    return Receiver(Options(**more)).receive(PushRequest("POST", {}, query or {}, body, AT_MS))


def reported(*posts: bytes) -> int:
    """Return how many gifts are told of all posts together, as the room counts them."""
    lines = [orjson.dumps({"at_ms": AT_MS, "text": body.decode()}) for body in posts]
    results = decode_lines(BodyDecoder(OPEN), lines, now_ms=AT_MS)
    return sum(orjson.loads(one["event"]["content"])["gift"]["giftNum"] for one in results if "event" in one)


def test_a_call_needs_the_token_of_its_url() -> None:
    for query in ({}, {"token": "wrong"}, {"token": "schlüssel"}):
        with pytest.raises(PushRefusedError, match="token") as refused:
            receive(post(), query, token=Secret("right"))
        assert refused.value.status == 401
    answer = receive(post(message(1, "like")), {"token": "right"}, token=Secret("right"))
    assert (answer.status, len(answer.decoded.events)) == (200, 1)


def test_without_a_token_calls_are_taken_only_where_the_operator_allows_it() -> None:
    with pytest.raises(ValueError, match=r"^token: is missing: "):
        Options()
    with pytest.raises(PushRefusedError):
        Receiver(PLATFORM.offline_options()).receive(PushRequest("POST", {}, {}, post(), AT_MS))  # type: ignore[arg-type]
    assert receive(post(), allow_unsigned=True).status == 200
    with pytest.raises(PushRefusedError):
        receive(post(), {}, token=Secret("right"), allow_unsigned=True)


def test_a_comment_has_its_viewer_time_and_place_in_the_stream() -> None:
    event = only(message(7, "comment", content="晚上好"))
    assert event == LiveEvent(AT_MS + 7, Comment(MING, "晚上好"), f"{LIVE}/7")


def test_joins_and_likes() -> None:
    assert only(message(1, "enter")).content == Join(MING)
    assert only(message(1, "like")).content == Like(MING)


def test_the_openid_that_stays_the_same_is_preferred() -> None:
    assert only(message(1, "like", decoded_openid=None)).user == User("wechat_channels_v2_x@finder", "阿明")
    nobody = only(message(1, "like", decoded_openid=None, sec_openid="")).user
    assert nobody == User("wechat_channels_0", "阿明", masked=True)


def test_a_single_gifts_value_is_for_all_of_them() -> None:
    one = message(1, "gift", sec_gift_id="G", gift_num=3, gift_value=10, content="阿明送了主播3个荧光棒")
    assert only(one).content == Gift(MING, "荧光棒", 3, 3, 10, "wecoin")
    assert only({**one, "gift_value": None}).content == Gift(MING, "荧光棒", 3, 0, 0, "wecoin", priced=False)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("阿明送了主播1个爱心", "爱心"),
        ("送了9个火箭送了主播12个小火箭", "小火箭"),
        ("阿明送礼了", "G"),
        ("", "G"),
        ("送了" * 100_000, "G"),
    ],
)
def test_a_gifts_name_stands_in_its_words_else_its_id_serves(content: str, name: str) -> None:
    gift = only(message(1, "gift", sec_gift_id="G", gift_num=1, gift_value=1, content=content)).content
    assert isinstance(gift, Gift)
    assert gift.name == name


def test_a_combos_running_totals_are_counted_once() -> None:
    assert reported(post(combo(1, 1)), post(combo(2, 2), combo(3, 3)), post(combo(4, 7))) == 7


def test_a_total_that_does_not_rise_is_the_next_combo() -> None:
    assert reported(post(combo(1, 1)), post(combo(2, 1)), post(combo(3, 2)), post(combo(4, 1))) == 4


def test_after_a_pause_a_higher_total_is_the_next_combo_too() -> None:
    assert reported(post(combo(1, 1)), post(combo(2, 3, msg_time=AT_MS + 60_000))) == 4


def test_late_and_repeated_frames_of_a_combo_change_nothing() -> None:
    first, second, third = post(combo(1, 1)), post(combo(2, 2)), post(combo(3, 3))
    assert reported(first, third, second, third, first) == 3


def test_combos_of_two_viewers_do_not_mix() -> None:
    other = combo(2, 1, decoded_openid="o9hB")
    assert reported(post(combo(1, 1), other), post(combo(3, 2), combo(4, 2, decoded_openid="o9hB"))) == 4


def test_the_viewers_are_those_watching_now() -> None:
    assert [event.content for event in decoded(online_count=12, like_count=99).events] == [Viewers(12)]
    assert decoded(online_count=None).events == []


def test_a_repeated_sequence_number_is_the_same_event() -> None:
    events = [decoded(message(5, "like")).events[0], decoded(message(5, "like")).events[0]]
    assert len(Intake().offer(events, 0.0).events) == 1
    assert only({**message(5, "like"), "seq": ""}).id == "id_5"


def test_a_sequence_number_tells_nothing_of_which_broadcast_it_is() -> None:
    assert decoded(message(5, "like"), live_id=None).events[0].id == "id_5"


def test_a_combo_without_sequence_numbers_is_put_in_order_by_its_times() -> None:
    first, second = ({**combo(number, number), "seq": None} for number in (1, 2))
    assert reported(post(first), post(second), post(first)) == 2


@pytest.mark.parametrize("room", [LIVE, "100", "v2_anchor@finder"])
def test_a_room_is_known_by_its_live_and_its_anchor(room: str) -> None:
    assert len(decoded(message(1, "like"), options=Options(room=room, allow_unsigned=True)).events) == 1


def test_another_room_is_ignored_as_a_whole() -> None:
    found = decoded(
        message(1, "like"), message(2, "like"), options=Options(room="elsewhere", allow_unsigned=True), online_count=5
    )
    assert ([*found.events], found.ignored) == ([], ["other room"] * 2)


def test_level_ups_are_ignored_and_what_the_program_could_not_read_is_unknown() -> None:
    found = decoded(message(1, "levelup"), message(2, "unknown", msg_sub_type=20122), message(3, "new" * 50))
    assert {"levelup"} == IGNORED == {*found.ignored}
    assert found.unknown == ["unknown 20122", ("new" * 50)[:32] + " 1"]
    assert not set(MESSAGES) & IGNORED


def test_a_gzipped_post_is_read_whether_or_not_the_server_opened_it() -> None:
    body = post(message(1, "like"))
    for data in (body, gzip.compress(body)):
        assert len(receive(data, allow_unsigned=True).decoded.events) == 1


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b" " * (MAX_INFLATED_BYTES + 1)),
        gzip.compress(post())[:-9],
        b"\x1f\x8b broken",
        b"not json",
        b"[]",
        b'{"hello":1}',
    ],
)
def test_what_cannot_be_read_is_counted_and_answered_with_200(body: bytes) -> None:
    answer = receive(body, allow_unsigned=True)
    assert (answer.status, len(answer.decoded.rejected)) == (200, 1)


def test_one_broken_message_spares_the_others() -> None:
    found = decoded(message(1, "gift", gift_num=0), 5, message(3, ""), message(2, "like"))
    assert [str(error) for error in found.rejected] == [
        "events[0].gift_num: is not positive",
        "events[1].decoded_type: is missing or empty",
        "events[2].decoded_type: is missing or empty",
    ]
    assert len(found.events) == 1


def test_a_mib_of_what_cannot_be_read_is_given_up_early() -> None:
    assert len(decoded(*[1] * 500_000).rejected) == MAX_ITEMS + 1


def test_a_bare_message_is_read_too() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    assert len(decoder.feed(Frame(orjson.dumps(message(1, "like")).decode(), AT_MS)).events) == 1


def test_all_real_messages_are_read() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    for file in folder("wechat_channels").iterdir():
        found = decoder.feed(Frame(file.read_bytes(), AT_MS))
        assert not found.rejected
        assert not found.unknown
        assert [type(event.content) for event in found.events] == [Gift, Viewers]


@given(st.binary(max_size=100))
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    decoder = BodyDecoder(OPEN)
    for data in (body, gzip.compress(body), b"\x1f\x8b" + body, zlib.compress(body)):
        decoder.feed(Frame(data, AT_MS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("seq", "nickname", "content", "gift_num", "gift_value", "combo_product_count", "msg_time", "decoded_openid")


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.sampled_from(FIELDS), JSON), JSON)
def test_arbitrary_fields_never_raise(kind: str, fields: dict[str, Any], value: Any) -> None:
    decoder = BodyDecoder(OPEN)
    for body in ({"events": [{"decoded_type": kind, **fields}, value]}, {"events": value, "live_info": value}, value):
        for event in decoder.feed(Frame(json.dumps(body), AT_MS)).events:
            event.to_wire()
