from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, Join, Like, LiveEvent, PaidMessage, User
from bridge.secret import Secret
from bridge.sources.codecs.bilibili_packets import OP_AUTH, OP_HEARTBEAT, OP_MESSAGE, pack, unpack
from bridge.sources.contract import Connection, Decoded, Frame, HttpAnswer, HttpCall, NoticeKind
from bridge.sources.platforms.bilibili_open import IGNORED, MESSAGES, PLATFORM, Options, locate, signed_headers
from tests.shared_captures import folder
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_760_000_000_000
OPTIONS = Options(access_key_id=Secret("key"), access_key_secret=Secret("secret"), app_id="123", code=Secret("CODE"))
WHO = {"open_id": "o1", "uid": 0, "uname": "观众"}
START = "/v2/app/start"


def started(game_id: str = "g-1", links: tuple[str, ...] = ("ws://one/sub", "ws://two/sub")) -> dict[str, Any]:
    return {
        "code": 0,
        "data": {
            "game_info": {"game_id": game_id},
            "websocket_info": {"auth_body": '{"key": "k"}', "wss_link": [*links]},
        },
    }


async def connections(answer: Any = None, options: Options = OPTIONS) -> list[Connection]:
    return [*await locate(options, ScriptedHttp({START: json_answer(answer or started())}))]


def fed(message: Any) -> Decoded:
    return PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(orjson.dumps(message).decode(), AT_MS))


def command(suffix: str, **data: Any) -> dict[str, Any]:
    return {"cmd": f"LIVE_OPEN_PLATFORM_{suffix}", "data": {"timestamp": AT_MS // 1000, "msg_id": "m-1", **data}}


def only(suffix: str, **data: Any) -> LiveEvent:
    decoded = fed(command(suffix, **data))
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def answered(code: int, connection: Connection) -> Decoded:
    (poll,) = connection.endpoint.polls
    return connection.decoder.answered(poll.call, json_answer({"code": code}), AT_MS)


def test_a_comment_has_its_viewer_medal_level_time_and_id() -> None:
    event = only("DM", **WHO, msg="你好", glory_level=7, fans_medal_name="粉丝", fans_medal_level=21)

    assert event == LiveEvent(AT_MS, Comment(User("bilibili_o1", "观众", 7, "粉丝", 21), "你好"), "m-1")


def test_a_medal_without_a_name_is_no_badge() -> None:
    event = only("DM", **WHO, msg="x", fans_medal_name="", fans_medal_level=9)
    assert event.user == User("bilibili_o1", "观众")


def test_uid_zero_beside_an_open_id_is_somebody() -> None:
    assert only("DM", **WHO, msg="x").user == User("bilibili_o1", "观众")
    nobody = only("DM", uid=0, uname="某***", msg="x").user
    assert nobody == User("bilibili_0", "某***", masked=True)


@pytest.mark.parametrize(
    ("data", "unit", "total", "priced"),
    [
        ({"price": 100, "paid": True}, 100, 300, True),
        ({"price": 100, "r_price": 80, "paid": True}, 100, 240, True),
        ({"price": 100, "r_price": 0, "paid": True}, 100, 300, True),
        ({"price": 100, "r_price": 100, "paid": False}, 0, 0, True),
        ({"paid": True}, 0, 0, False),
    ],
)
def test_a_gift_is_worth_what_was_really_paid(data: dict[str, Any], unit: int, total: int, priced: bool) -> None:
    gift = only("SEND_GIFT", **WHO, gift_name="花", gift_num=3, **data).content
    assert gift == Gift(User("bilibili_o1", "观众"), "花", 3, unit, total, "bilibili_gold", priced)


def test_a_combos_running_total_is_left_aside() -> None:
    event = only("SEND_GIFT", **WHO, gift_name="花", gift_num=1, price=1, paid=True, combo_info={"combo_count": 9})
    assert event.streak is None
    assert isinstance(event.content, Gift)
    assert event.content.count == 1


def test_a_super_chat_is_words_and_fen() -> None:
    gift = Gift(User("bilibili_o1", "观众"), "醒目留言", 1, 3000, 3000, "CNY")
    assert only("SUPER_CHAT", **WHO, message="唱歌", rmb=30).content == PaidMessage("唱歌", gift)
    assert only("SUPER_CHAT", **WHO, message=" ", rmb=30).content == gift


def test_a_super_chat_of_broken_yuan_is_rounded_to_fen() -> None:
    content = only("SUPER_CHAT", **WHO, message="x", rmb=9.99).content
    assert isinstance(content, PaidMessage)
    assert content.gift.total_value == 999


@pytest.mark.parametrize("price", [{}, {"rmb": None}])
def test_words_without_a_price_are_still_words_and_their_price_is_unknown(price: dict[str, Any]) -> None:
    content = only("SUPER_CHAT", **WHO, message="唱歌", **price).content
    assert isinstance(content, PaidMessage)
    assert (content.text, content.gift.total_value, content.gift.priced) == ("唱歌", 0, False)


def test_a_guard_that_leaves_out_its_tier_or_its_buyer_is_money_all_the_same() -> None:
    content = only("GUARD", guard_num=2, guard_unit="月", price=198000).content
    assert content == Gift(User("bilibili_0", masked=True), "大航海", 2, 198000, 396000, "bilibili_gold")


def test_a_guard_is_so_many_months_of_its_tier() -> None:
    content = only("GUARD", user_info=WHO, guard_level=2, guard_num=3, guard_unit="月", price=1998000).content
    assert content == Gift(User("bilibili_o1", "观众"), "提督", 3, 1998000, 5994000, "bilibili_gold")


def test_a_guard_of_days_is_one_whatever_its_number_says() -> None:
    content = only("GUARD", user_info=WHO, guard_level=3, guard_num=30, guard_unit="*3天", price=20000).content
    assert isinstance(content, Gift)
    assert (content.count, content.total_value) == (1, 20000)


def test_a_guard_without_a_price_is_unpriced() -> None:
    content = only("GUARD", user_info=WHO, guard_level=3, guard_num=1, guard_unit="月").content
    assert isinstance(content, Gift)
    assert not content.priced


@pytest.mark.parametrize("count", [5, "5"])
def test_likes_are_counted_however_the_number_is_written(count: int | str) -> None:
    assert only("LIKE", **WHO, like_count=count).content == Like(User("bilibili_o1", "观众"), 5)


@pytest.mark.parametrize("key", ["open_id", "openid"])
def test_an_entry_is_read_in_both_spellings(key: str) -> None:
    assert only("LIVE_ROOM_ENTER", **{key: "o9", "uname": "客"}).content == Join(User("bilibili_o9", "客"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("OPEN_LIVEROOM_DM", Comment),
        ("OPEN_LIVEROOM_SEND_GIFT", Gift),
        ("OPEN_LIVEROOM_LIKE", Like),
        ("OPEN_LIVEROOM_LIVE_ROOM_ENTER", Join),
        ("OPEN_PLATFORM_LIVE_ROOM_ENTER", Join),
    ],
)
def test_the_newer_names_tell_the_same(name: str, content: type) -> None:
    (event,) = fed({"cmd": name, "data": {**WHO, "msg": "x", "gift_name": "花", "gift_num": 1}}).events
    assert type(event.content) is content
    assert event.user == User("bilibili_o1", "观众")


def test_the_room_going_live_and_off_is_noticed() -> None:
    assert [notice.kind for notice in fed(command("LIVE_START", title="夜场")).notices] == [NoticeKind.LIVE]
    assert [notice.kind for notice in fed(command("LIVE_END")).notices] == [NoticeKind.ENDED]


async def test_the_end_of_our_interaction_ends_the_connection_and_another_does_not() -> None:
    (connection, _) = await connections()
    other = connection.decoder.feed(Frame(orjson.dumps(command("INTERACTION_END", game_id="g-9")).decode(), AT_MS))
    ours = connection.decoder.feed(Frame(orjson.dumps(command("INTERACTION_END", game_id="g-1")).decode(), AT_MS))

    assert other.end is None
    assert other.ignored == ["INTERACTION_END of another session"]
    assert isinstance(ours.end, SourceUnavailableError)
    assert connection.decoder.farewell() == ()


def test_every_listed_command_is_known_and_others_are_counted() -> None:
    assert not set(MESSAGES) & IGNORED
    assert [fed({"cmd": name}).ignored for name in IGNORED] == [[name] for name in IGNORED]
    assert fed({"cmd": "LIVE_OPEN_PLATFORM_NEW" + "x" * 99}).unknown == [("LIVE_OPEN_PLATFORM_NEW" + "x" * 99)[:64]]


def test_a_message_without_a_command_is_known_by_its_kind_or_unknown() -> None:
    assert fed({"code": 0, "data": {}}).ignored == ["API answer"]
    assert fed({"mtime": AT_MS // 1000, "scatter": [0, 300]}).ignored == ["scatter"]
    assert fed({"news": 1}).unknown == ["(no cmd)"]
    assert len(fed(5).rejected) == 1


def test_a_broken_message_names_its_field_and_spares_the_others() -> None:
    good = orjson.dumps(command("DM", **WHO, msg="好"))
    bad = orjson.dumps(command("SEND_GIFT", **WHO, gift_num="many"))
    frame = pack(OP_MESSAGE, bad, version=0) + pack(OP_MESSAGE, good, version=0)

    decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(frame, AT_MS))

    assert [str(error) for error in decoded.rejected] == ["data.gift_num: is str, an integer expected"]
    assert len(decoded.events) == 1


def test_what_a_frame_refuses_is_told_in_its_order() -> None:
    bodies = (orjson.dumps(command("SEND_GIFT", **WHO)), b"{broken", orjson.dumps(command("DM", **WHO)))
    frame = b"".join(pack(OP_MESSAGE, body, version=0) for body in bodies) + b"\0"

    decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(frame, AT_MS))

    assert [error.path for error in decoded.rejected] == ["data.gift_num", "body", "data.msg", "packet"]


def test_the_signature_covers_the_headers_in_the_order_of_their_names() -> None:
    body = b'{"game_id":"g"}'
    headers = signed_headers(Secret("ak"), Secret("sk"), body, "n-1", 1_700_000_000)
    text = (
        "x-bili-accesskeyid:ak\n"
        f"x-bili-content-md5:{hashlib.md5(body).hexdigest()}\n"
        "x-bili-signature-method:HMAC-SHA256\n"
        "x-bili-signature-nonce:n-1\n"
        "x-bili-signature-version:1.0\n"
        "x-bili-timestamp:1700000000"
    )
    assert headers["Authorization"] == hmac.new(b"sk", text.encode(), hashlib.sha256).hexdigest()
    assert [name for name in headers if name != "Authorization"] == sorted(
        name for name in headers if name != "Authorization"
    )


async def test_calls_are_signed_anew_each_time_they_are_made() -> None:
    (connection, _) = await connections()
    (poll,) = connection.endpoint.polls
    assert poll.call.sign is not None
    first, second = poll.call.sign(1_000), poll.call.sign(2_000)
    assert (first["x-bili-timestamp"], second["x-bili-timestamp"]) == ("1", "2")
    assert first["x-bili-signature-nonce"] != second["x-bili-signature-nonce"]


async def test_locating_starts_a_session_and_offers_all_its_sockets() -> None:
    http = ScriptedHttp({START: json_answer(started())})
    found = await locate(OPTIONS, http)

    assert [one.endpoint.url for one in found] == ["ws://one/sub", "ws://two/sub"]
    assert orjson.loads(http.calls[0].body or b"") == {"code": "CODE", "app_id": 123}
    assert http.calls[0].headers == {"Accept": "application/json", "Content-Type": "application/json"}
    (poll,) = found[0].endpoint.polls
    assert (poll.interval_secs, orjson.loads(poll.call.body or b"")) == (20.0, {"game_id": "g-1"})


async def test_the_socket_opens_with_the_platforms_own_auth_body_and_beats_once_let_in() -> None:
    (connection, _) = await connections()
    (greeting,) = connection.decoder.greeting()
    assert isinstance(greeting, bytes)
    assert unpack(greeting) == ([(OP_AUTH, b'{"key": "k"}')], [])

    let_in = connection.decoder.feed(Frame(pack(8, b'{"code":0}'), AT_MS))
    assert [unpack(one) for one in let_in.replies if isinstance(one, bytes)] == [([(OP_HEARTBEAT, b"")], [])]
    refused = connection.decoder.feed(Frame(pack(8, b'{"code":-101}'), AT_MS))
    assert isinstance(refused.end, SourceUnavailableError)


async def test_an_unlisted_app_has_no_session_to_keep_or_end() -> None:
    (connection, _) = await connections(started(game_id=""))
    assert connection.endpoint.polls == ()
    assert connection.decoder.farewell() == ()


async def test_a_socket_url_of_the_operators_replaces_the_platforms() -> None:
    options = Options(
        access_key_id=Secret("a"), access_key_secret=Secret("b"), app_id="1", code=Secret("c"), websocket_url="ws://x/"
    )
    assert [one.endpoint.url for one in await connections(options=options)] == ["ws://x/"]


@pytest.mark.parametrize("name", ["access_key_id", "access_key_secret", "app_id", "code"])
def test_a_missing_credential_is_a_configuration_error(name: str) -> None:
    given = {"access_key_id": Secret("a"), "access_key_secret": Secret("b"), "app_id": "1", "code": Secret("c")}
    del given[name]
    with pytest.raises(ValueError, match=f"^{name}: is missing: "):
        Options(**given)  # type: ignore[arg-type]


def test_an_app_id_that_is_no_number_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="app_id: is not a number"):
        Options(access_key_id=Secret("a"), access_key_secret=Secret("b"), app_id="tt123", code=Secret("c"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (json_answer({"code": 7007}), SourceAuthError),
        (json_answer({"code": 7001}), SourceThrottledError),
        (json_answer({"code": 7002}), SourceThrottledError),
        (json_answer({"code": 5001}), SourceUnavailableError),
        (json_answer({}, 429), SourceThrottledError),
        (HttpAnswer(502, body=b"<html>"), SourceUnavailableError),
        (json_answer([]), SourceUnavailableError),
        (json_answer({"code": 0, "data": {}}), SourceUnavailableError),
        (json_answer(started(links=())), SourceUnavailableError),
    ],
)
async def test_a_start_that_fails_is_sorted_by_what_to_do(answer: HttpAnswer, error: type[Exception]) -> None:
    with pytest.raises(error):
        await locate(OPTIONS, ScriptedHttp({START: answer}))


@pytest.mark.parametrize("code", [7000, 7003])
async def test_a_lost_session_ends_the_connection_and_is_not_ended_again(code: int) -> None:
    (connection, _) = await connections()
    assert isinstance(answered(code, connection).end, SourceUnavailableError)
    assert connection.decoder.farewell() == ()


@pytest.mark.parametrize("code", [0, 4004, 4009, 5000])
async def test_a_heartbeat_that_may_do_better_next_time_ends_nothing(code: int) -> None:
    (connection, _) = await connections()
    assert answered(code, connection).end is None


async def test_a_heartbeat_whose_credential_is_refused_ends_the_connection() -> None:
    (connection, _) = await connections()
    assert isinstance(answered(4002, connection).end, SourceAuthError)


async def test_farewell_ends_the_session_once() -> None:
    (connection, _) = await connections()
    (call,) = connection.decoder.farewell()
    assert call.url.endswith("/v2/app/end")
    assert orjson.loads(call.body or b"") == {"app_id": 123, "game_id": "g-1"}
    assert connection.decoder.farewell() == ()


async def test_a_socket_that_broke_in_silence_leaves_the_session_to_the_next() -> None:
    first, last = await connections()
    first.decoder.closed(1006, "")
    assert first.decoder.farewell() == ()
    last.decoder.closed(1006, "")
    assert len(last.decoder.farewell()) == 1


async def test_a_socket_that_broke_after_events_ends_the_session_for_a_new_one() -> None:
    first, _ = await connections()
    first.decoder.feed(Frame(orjson.dumps(command("DM", **WHO, msg="x")).decode(), AT_MS))
    first.decoder.closed(1006, "")
    assert len(first.decoder.farewell()) == 1


def test_an_unreadable_heartbeat_answer_is_counted() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    decoded = decoder.answered(HttpCall("POST", "x"), HttpAnswer(200, body=b"<"), AT_MS)
    assert len(decoded.rejected) == 1


def test_no_credential_is_shown() -> None:
    assert "CODE" not in repr(OPTIONS)
    assert "secret'" not in repr(OPTIONS)


def test_all_real_messages_are_read() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    events = 0
    for file in sorted(folder("bilibili_open").iterdir()):
        decoded = decoder.feed(Frame(file.read_text(), AT_MS))
        assert not decoded.rejected, file.name
        assert not decoded.unknown, file.name
        events += len(decoded.events)
    assert events >= 5


@given(st.binary(max_size=200), st.integers(0, 3))
def test_arbitrary_bytes_never_raise(data: bytes, version: int) -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    decoder.feed(Frame(data, AT_MS))
    decoder.feed(Frame(pack(OP_MESSAGE, data, version=version), AT_MS))
    decoder.feed(Frame(pack(OP_MESSAGE, zlib.compress(pack(OP_MESSAGE, data, version=0)), version=2), AT_MS))
    decoder.feed(Frame(data.decode("latin-1"), AT_MS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("open_id", "uname", "msg", "gift_num", "price", "rmb", "guard_level", "user_info", "timestamp", "paid")


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.sampled_from(FIELDS), JSON), JSON)
def test_arbitrary_fields_never_raise(cmd: str, data: dict[str, Any], value: Any) -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    for message in ({"cmd": cmd, "data": data}, {"cmd": cmd, "data": value}, {"cmd": value}, value):
        decoded = decoder.feed(Frame(json.dumps(message), AT_MS))
        for event in decoded.events:
            event.to_wire()
