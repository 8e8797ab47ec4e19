from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PushRefusedError, SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Follow, Gift, Join, Like, LiveEvent, User
from bridge.secret import Secret
from bridge.sources.codecs.app_tasks import Token
from bridge.sources.codecs.results import MAX_ITEMS
from bridge.sources.contract import Decoded, Frame, HttpAnswer, HttpCall, PushAnswer, PushRequest
from bridge.sources.platforms.douyin_push import MESSAGES, PLATFORM, Options, Receiver, locate, signature
from bridge.sources.platforms.douyin_push.items import GIFT_NAMES, decode_body
from bridge.sources.platforms.douyin_push.tasks import TaskDecoder
from tests.emulators.douyin import ROOM, Sender, comment, gift
from tests.shared_captures import folder
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_760_000_000_000
SECRETS = {kind: f"secret of {kind}" for kind in MESSAGES}
FAN = User("douyin__000fan1", "粉丝1")
TOKEN = "/api/apps/v2/token"
TOKEN_ANSWER = json_answer({"err_no": 0, "data": {"access_token": "t", "expires_in": 7200}})


def options(**more: Any) -> Options:
    return Options(**{"secrets": {kind: Secret(value) for kind, value in SECRETS.items()}, **more})


def received(kind: str, items: list[Any], **more: Any) -> PushAnswer:
    return Receiver(options(**more)).receive(Sender(SECRETS).push(kind, items, AT_MS).request(AT_MS))


def only(kind: str, item: dict[str, Any], **more: Any) -> LiveEvent:
    decoded = received(kind, [item], **more).decoded
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def offline(value: Any) -> Decoded:
    return PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(orjson.dumps(value).decode(), AT_MS))


def refused(request: PushRequest, **more: Any) -> str:
    with pytest.raises(PushRefusedError) as error:
        Receiver(options(**more)).receive(request)
    assert error.value.status == 401
    return error.value.problem


def test_the_documents_signature_vectors_agree() -> None:
    vectors = orjson.loads((folder("douyin_push") / "signature_vectors.json").read_bytes())
    assert len(vectors) == 3
    for vector in vectors:
        made = signature(vector["headers"], vector["body"].encode(), Secret(vector["secret"]))
        assert made == vector["x-signature"]


def test_each_type_is_verified_with_its_own_secret() -> None:
    push = Sender(SECRETS).push("live_gift", [], AT_MS)
    assert Receiver(options()).receive(push.request(AT_MS)).body == b'{"err_no":0,"err_msg":"ok"}'
    assert "secrets.live_gift" in refused(push.request(AT_MS), secrets={"live_gift": Secret("other")})
    assert "live_gift" in refused(push.request(AT_MS), secrets={"live_comment": Secret("secret of live_gift")})


def test_a_secret_is_never_told_in_a_refusal() -> None:
    push = Sender(SECRETS).push("live_gift", [], AT_MS, secret="guess")
    assert "secret of" not in refused(push.request(AT_MS))


def test_a_call_of_an_unknown_type_does_not_choose_the_words_of_its_refusal() -> None:
    push = Sender(SECRETS).signed("<script>", b"[]", AT_MS, "x")
    assert "script" not in refused(push.request(AT_MS))


@pytest.mark.parametrize("off_ms", [-300_001, 300_001])
def test_a_stale_call_is_refused(off_ms: int) -> None:
    push = Sender(SECRETS).push("live_gift", [], AT_MS)
    assert "5 minutes" in refused(push.request(AT_MS + off_ms))
    Receiver(options()).receive(push.request(AT_MS + off_ms - off_ms // 300_001))


def test_a_timestamp_that_is_no_number_is_stale() -> None:
    sender = Sender(SECRETS)
    push = sender.signed("live_gift", b"[]", "soon", SECRETS["live_gift"])  # type: ignore[arg-type]
    assert "5 minutes" in refused(push.request(AT_MS))


def test_an_unsigned_call_is_taken_only_where_the_operator_trusts_it() -> None:
    cloud = PushRequest(
        "POST",
        {"x-room-id": ROOM, "x-anchor-openid": "a", "x-tt-appid": "tt1", "x-msg-type": "live_comment"},
        {},
        orjson.dumps([comment(1, "云")]),
        AT_MS,
    )
    assert "missing" in refused(cloud)
    answer = Receiver(Options(trust_unsigned=True, room=ROOM)).receive(cloud)
    assert [event.content for event in answer.decoded.events] == [Comment(FAN, "云")]


def test_without_a_secret_nothing_is_taken() -> None:
    push = Sender({"live_gift": ""}).push("live_gift", [], AT_MS)
    with pytest.raises(PushRefusedError):
        Receiver(PLATFORM.offline_options()).receive(push.request(AT_MS))  # type: ignore[arg-type]


def test_a_wrong_signature_is_refused_even_where_unsigned_calls_are_trusted() -> None:
    push = Sender(SECRETS).push("live_gift", [], AT_MS, secret="guess")
    assert "x-signature is wrong" in refused(push.request(AT_MS), trust_unsigned=True)


def test_a_comment_has_its_viewer_time_and_id() -> None:
    event = only("live_comment", comment(1, "你好"))
    assert event == LiveEvent(1_760_000_000_001, Comment(FAN, "你好"), "7379659605624000001")


def test_a_gifts_value_is_a_total_and_one_is_worth_its_share_rounded_down() -> None:
    gift_id = next(iter(GIFT_NAMES))
    assert only("live_gift", gift(1, gift_id, 3, 100)).content == Gift(FAN, "仙女棒", 3, 33, 100, "fen")


@pytest.mark.parametrize("nothing", [{}, {"gift_value": None}])
def test_a_gift_that_tells_no_value_is_unpriced(nothing: dict[str, Any]) -> None:
    one = gift(1, "new=", 2, 0)
    del one["gift_value"]
    assert only("live_gift", {**one, **nothing}).content == Gift(FAN, "new=", 2, currency="fen", priced=False)
    assert [event.content for event in offline([{**one, **nothing}]).events] == [
        Gift(FAN, "new=", 2, currency="fen", priced=False)
    ]


def test_gifts_are_named_by_the_operator_first_then_by_the_known_table_then_by_their_id() -> None:
    gift_id = next(iter(GIFT_NAMES))
    names = [
        only("live_gift", gift(1, gift_id, 1, 10), gift_names={gift_id: "我的"}).content,
        only("live_gift", gift(1, gift_id, 1, 10)).content,
        only("live_gift", gift(1, "new=", 1, 10)).content,
    ]
    assert [one.name for one in names if isinstance(one, Gift)] == ["我的", "仙女棒", "new="]


def test_the_live_companions_items_name_their_type_and_their_gift() -> None:
    fan = {"msg_id": "1", "sec_open_id": "_000fan1", "nickname": "粉丝1", "fansclub_level": 3, "is_follow_anchor": True}
    items = [
        {**fan, "msg_type": 3, "msg_type_str": "live_gift", "gift_num": 1, "gift_value": 10, "gift_name": "小心心"},
        {**fan, "msg_type": 2, "msg_type_str": "live_comment", "content": "你好", "like_num": 0},
        {**fan, "msg_type": 9, "msg_type_str": "live_new", "content": "?"},
    ]
    decoded = offline(items)
    assert [event.content for event in decoded.events] == [Gift(FAN, "小心心", 1, 10, 10, "fen"), Comment(FAN, "你好")]
    assert decoded.unknown == ["live_new"]


def test_a_test_gift_is_ignored_by_its_own_name() -> None:
    decoded = received("live_gift", [gift(1, "x", 1, 10, test=True), gift(2, "x", 1, 10, test=False)]).decoded
    assert (len(decoded.events), decoded.ignored) == (1, ["test"])


def test_likes_fans_and_follows() -> None:
    fan = {"msg_id": "1", "sec_openid": "_000fan1", "nickname": "粉丝1", "timestamp": AT_MS}
    assert only("live_like", {**fan, "like_num": 8}).content == Like(FAN, 8)
    joined = only("live_fansclub", {**fan, "fansclub_reason_type": 2, "fansclub_level": 1}).content
    assert joined == Follow(User("douyin__000fan1", "粉丝1", badge_level=1))
    assert only("live_follow", {**fan, "user_follow_action": 1}).content == Follow(FAN)
    assert only("live_enter", {**fan, "enter_room_type": 1}).content == Join(FAN)


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("live_fansclub", {"fansclub_reason_type": 1}, "fans club level up"),
        ("live_fansclub", {"fansclub_reason_type": 16}, "fans club left"),
        ("live_follow", {"user_follow_action": 2}, "unfollow"),
        ("live_enter", {"enter_room_type": 2}, "left the room"),
    ],
)
def test_what_is_known_but_no_event_is_ignored_by_name(kind: str, fields: dict[str, Any], reason: str) -> None:
    assert received(kind, [{"msg_id": "1", "sec_openid": "a", **fields}]).decoded.ignored == [reason]


def test_a_viewer_without_an_id_is_nobody_in_particular() -> None:
    assert only("live_like", {"msg_id": "1", "like_num": 1}).user == User("douyin_0", masked=True)


def test_another_room_is_answered_and_ignored() -> None:
    answer = received("live_comment", [comment(1, "a"), comment(2, "b")], room="1")
    assert (answer.status, answer.decoded.events, answer.decoded.ignored) == (200, [], ["other room"] * 2)
    assert len(received("live_comment", [comment(1, "a")], room=ROOM).decoded.events) == 1


def test_what_cannot_be_read_in_a_verified_body_is_counted_and_answered_with_200() -> None:
    sender = Sender(SECRETS)
    for body in (b"not json", b"{}", b"5", b"[5]", b'[{"msg_id":"1"}]', b'{"payload":"["}', b"\xff\xfe"):
        push = sender.signed("live_comment", body, AT_MS, SECRETS["live_comment"])
        answer = Receiver(options()).receive(push.request(AT_MS))
        assert (answer.status, len(answer.decoded.rejected)) == (200, 1), body


def test_a_mib_of_what_cannot_be_read_is_given_up_early() -> None:
    assert len(received("live_gift", [1] * 500_000).decoded.rejected) == MAX_ITEMS + 1


def test_one_broken_item_spares_the_others() -> None:
    decoded = received("live_gift", [gift(1, "x", 0, 10), gift(2, "x", 1, -5), gift(3, "x", 1, 10)]).decoded
    assert [str(error) for error in decoded.rejected] == [
        "[0].gift_num: is not positive",
        "[1].gift_value: is negative",
    ]
    assert len(decoded.events) == 1


def test_ids_beyond_what_a_double_holds_stay_exact() -> None:
    body = f'[{{"msg_id":{2**63 + 1},"sec_openid":"a","content":"x"}}]'.encode()
    push = Sender(SECRETS).signed("live_comment", body, AT_MS, SECRETS["live_comment"])
    (event,) = Receiver(options()).receive(push.request(AT_MS)).decoded.events
    assert event.id == str(2**63 + 1)


def test_the_old_wrapped_body_tells_its_own_type_and_room() -> None:
    body = orjson.dumps(
        {"roomid": "2", "msg_type": "live_comment", "payload": orjson.dumps([comment(1, "x")]).decode()}
    )
    assert len(decode_body(body, options(), AT_MS).events) == 1
    assert decode_body(body, options(room="1"), AT_MS, room="1").ignored == ["other room"]


def test_items_without_headers_are_known_by_their_fields() -> None:
    follow = {"msg_id": "1", "sec_openid": "a", "user_follow_action": 1}
    decoded = offline([comment(1, "x"), gift(2, "x", 1, 1), {"msg_id": "1", "like_num": 1}, follow, {"msg_id": "9"}])
    assert [type(event.content) for event in decoded.events] == [Comment, Gift, Like, Follow]
    assert decoded.unknown == ["(no type)"]


def test_a_page_of_lost_gifts_is_read_whichever_way_its_room_is_spelled() -> None:
    rows = [{key: ROOM, "msg_type": "live_gift", "payload": [gift(1, "x", 1, 1)]} for key in ("roomid", "room_id")]
    assert len(offline({"data": {"data_list": [*rows, 5, {}]}}).events) == 2
    assert len(offline({"data": {"data_list": [*rows, 5, {}]}}).rejected) == 2


def test_all_real_messages_are_read() -> None:
    (file,) = folder("douyin_push").glob("*fail_data*")
    decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(file.read_text(), AT_MS))
    (event,) = decoded.events
    assert not decoded.rejected
    assert isinstance(event.content, Gift)
    assert (event.content.count, event.content.total_value, event.timestamp_ms) == (1, 30000, 1718210922000)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"app_id": "tt1"}, "app_id"),
        ({"app_secret": Secret("x")}, "app_id"),
        ({"app_id": "tt1", "app_secret": Secret("x")}, "room"),
    ],
)
def test_credentials_that_do_not_go_together_are_a_configuration_error(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}: "):
        options(**given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "secrets: is missing"),
        ({"secrets": {"live_coment": Secret("x")}}, "secrets.live_coment: is no message type"),
    ],
)
def test_secrets_are_needed_by_their_types_names(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}: "):
        Options(**given)


async def test_the_token_call_can_go_to_the_mini_games_host() -> None:
    http = ScriptedHttp({"/mgplatform/api/apps/v2/token": TOKEN_ANSWER})
    given = {"room": ROOM, "app_id": "tt1", "app_secret": Secret("x")}
    await locate(options(auth_base="https://minigame.zijieapi.com/mgplatform", **given), http)
    assert [call.url for call in http.calls] == ["https://minigame.zijieapi.com/mgplatform/api/apps/v2/token"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json_answer({"err_no": 40017}), SourceAuthError),
        (json_answer({}, 429), SourceThrottledError),
        (HttpAnswer(503), SourceUnavailableError),
        (HttpAnswer(200, body=b"<"), SourceUnavailableError),
        (json_answer([]), SourceUnavailableError),
        (json_answer({"err_no": 0, "data": {}}), SourceUnavailableError),
    ],
)
async def test_a_token_that_cannot_be_had_is_sorted_by_what_to_do(answer: HttpAnswer, error: type[Exception]) -> None:
    with pytest.raises(error):
        await locate(options(room=ROOM, app_id="tt1", app_secret=Secret("x")), ScriptedHttp({TOKEN: answer}))


def task_decoder() -> TaskDecoder:
    given = options(room=ROOM, app_id="tt1", app_secret=Secret("app secret"))
    return TaskDecoder(given, Token("access token", 7200, AT_MS), ROOM, AT_MS)


def test_waiting_for_the_mount_slows_down_after_ten_minutes() -> None:
    decoder = task_decoder()
    not_mounted = json_answer({"err_no": 5003019})
    waits = []
    for _ in range(205):
        wait_secs, calls = decoder.next_calls()
        waits.append(wait_secs)
        for call in calls:
            decoder.answered(call, not_mounted, AT_MS)
    assert (waits[0], waits[1], waits[-1]) == (0, 3, 30)


def test_no_credential_is_shown_by_a_call() -> None:
    decoder = task_decoder()
    _, calls = decoder.next_calls()
    shown = repr([*calls, decoder._lost_call("live_gift", 1)])
    assert "access token" not in shown
    assert "app secret" not in shown


@given(st.binary(max_size=80), st.sampled_from([200, 500]))
def test_arbitrary_answers_never_raise(body: bytes, status: int) -> None:
    decoder = task_decoder()
    calls = [*decoder.next_calls()[1], decoder._task_call("get", "live_gift"), decoder._lost_call("live_gift", 1)]
    for call in [*calls, HttpCall("GET", "x", tag="token"), HttpCall("GET", "x", tag="odd")]:
        decoder.answered(call, HttpAnswer(status, body=body), AT_MS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "msg_id",
    "sec_openid",
    "content",
    "gift_num",
    "gift_value",
    "like_num",
    "timestamp",
    "payload",
    "data",
    "test",
)


@given(st.binary(max_size=100), st.sampled_from(["", *MESSAGES]))
def test_arbitrary_bytes_never_raise(body: bytes, kind: str) -> None:
    decode_body(body, options(), AT_MS, kind=kind)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), JSON, st.sampled_from(["", *MESSAGES]))
def test_arbitrary_fields_never_raise(item: dict[str, Any], value: Any, kind: str) -> None:
    for body in (item, [item], {"payload": [item]}, {"data": {"data_list": [item, value]}}, {"payload": value}, value):
        for event in decode_body(json.dumps(body), options(), AT_MS, kind=kind).events:
            event.to_wire()
