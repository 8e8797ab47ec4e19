from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RoomNotFoundError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, Join, LiveEvent, User
from bridge.sources.codecs.tars import read_struct
from bridge.sources.contract import Decoded, Frame, HttpAnswer, NoticeKind
from bridge.sources.platforms.huya import IGNORED_COMMANDS, PLATFORM, SOCKET_URLS, HuyaDecoder, Options, locate
from bridge.sources.platforms.huya.messages import IGNORED, MESSAGES
from tests.emulators.huya import Tags, command, comment, gift, push, push_batch, tars
from tests.shared_captures import folder
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_760_000_000_000


def fed(data: bytes | str) -> Decoded:
    return HuyaDecoder(2001).feed(Frame(data, AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def test_a_comment_has_its_user_noble_level_and_badge() -> None:
    event = only(
        fed(push(1400, comment(1599000000001, "雨燕", "晚上好", noble=3, badge=("燕群", 21)), 9007199254740993))
    )

    assert event == LiveEvent(
        AT_MS, Comment(User("huya_1599000000001", "雨燕", 3, "燕群", 21), "晚上好"), id="9007199254740993"
    )


def test_a_comment_without_a_badge_and_without_an_id() -> None:
    assert only(fed(push(1400, comment(31, "雨燕", "a")))) == LiveEvent(AT_MS, Comment(User("huya_31", "雨燕"), "a"))


def test_a_badge_that_cannot_be_read_costs_the_badge_only() -> None:
    body = {**comment(31, "雨燕", "a"), 8: [{0: 10400, 1: 0, 2: b"\xff\xff"}]}
    assert only(fed(push(1400, body))).user == User("huya_31", "雨燕")
    body = {**comment(31, "雨燕", "a"), 8: [{0: 10400}]}
    assert only(fed(push(1400, body))).user == User("huya_31", "雨燕")


def test_a_comment_without_words_is_no_comment() -> None:
    assert fed(push(1400, comment(31, "雨燕", ""))).ignored == ("1400 without words",)


def test_a_gift_is_told_with_its_whole_price() -> None:
    event = only(fed(push(6501, gift(33, "y", 20271, "火箭", 3, 150000), 704)))
    assert event == LiveEvent(AT_MS, Gift(User("huya_33", "y"), "火箭", 3, 50000, 150000, "huya_coin_cent"), id="704")


def test_a_total_that_does_not_divide_stays_exact() -> None:
    content = only(fed(push(6501, gift(33, "y", 4, "虎粮", 3, 100), 704))).content
    assert isinstance(content, Gift)
    assert (content.unit_value, content.total_value) == (33, 100)


def test_a_free_gift_is_worth_nothing_and_an_absent_price_is_unknown() -> None:
    free = only(fed(push(6501, gift(33, "y", 4, "虎粮", 10, 0)))).content
    assert isinstance(free, Gift)
    assert (free.total_value, free.priced) == (0, True)

    body = {tag: value for tag, value in gift(33, "y", 4, "", 10, 0).items() if tag not in (20, 41)}
    unknown = only(fed(push(6501, body))).content
    assert isinstance(unknown, Gift)
    assert (unknown.name, unknown.total_value, unknown.priced) == ("4", 0, False)


def test_a_gift_without_a_message_id_is_known_by_its_payment() -> None:
    assert only(fed(push(6501, gift(33, "y", 4, "虎粮", 1, 10, pay_id="p-1")))).id == "pay:p-1"


def test_a_gifts_badge_stands_among_the_givers_decorations() -> None:
    body = {**gift(33, "y", 4, "虎粮", 1, 10), 23: {0: comment(1, "", "", badge=("燕群", 5))[8], 1: []}, 28: 4}
    assert only(fed(push(6501, body))).user == User("huya_33", "y", 4, "燕群", 5)


def test_a_vip_enters() -> None:
    assert only(fed(push(6110, {0: 34, 1: "贵", 2: 2001}))).content == Join(User("huya_34", "贵"))


def test_a_viewer_without_a_uid_is_nobody_in_particular() -> None:
    assert only(fed(push(6110, {0: 0, 1: "x"}))).user == User("huya_0", "x", masked=True)


@pytest.mark.parametrize(("uri", "kind"), [(8000, NoticeKind.LIVE), (8001, NoticeKind.ENDED)])
def test_the_shows_begin_and_end_are_notices(uri: int, kind: NoticeKind) -> None:
    assert [notice.kind for notice in fed(push(uri, {0: 2001})).notices] == [kind]


def test_heat_is_no_number_of_viewers() -> None:
    assert fed(push(8006, {0: 1_000_000})).ignored == ("8006 AttendeeCountNotice",)


def test_a_batch_gives_all_its_messages_in_order_and_a_bad_one_costs_itself() -> None:
    bad: Tags = {0: 1, 2: "many", 4: 5}
    decoded = fed(
        push_batch([(1400, comment(1, "a", "x"), 1), (6501, bad, 2), (4242, {}, 3), (1400, comment(2, "b", "y"), 4)])
    )
    assert [event.id for event in decoded.events] == ["1", "4"]
    assert [error.path for error in decoded.rejected] == ["gift[2]"]
    assert list(decoded.unknown) == ["uri 4242"]


@pytest.mark.parametrize(
    ("frame", "path"),
    [
        (b"", "command[0]"),
        (b"\xff", "command"),
        (command(7, b"\xff"), "push"),
        (tars({0: 7}), "command[1]"),
        (command(7, tars({1: 1400})), "push[2]"),
        (command(7, tars({1: 1400, 2: b"\x09"})), "1400"),
        (command(22, tars({0: "x"})), "batch[1]"),
        (command(22, tars({1: [{0: 1400}]})), "item[1]"),
        (command(22, tars({1: ["no struct"]})), "item[0]"),
        (push(1400, {3: "x"}), "notice[0]"),
        (push(1400, {0: {0: 1}}), "notice[3]"),
        (push(1400, {0: {0: "x"}, 3: "x"}), "notice[0][0]"),
        (push(6501, {0: 1, 2: -1, 4: 1}), "gift[2]"),
        (push(6501, {0: 1, 2: 1, 4: 1, 41: -5}), "gift[41]"),
        (push(6110, {1: "x"}), "vip[0]"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_tags(frame: bytes, path: str) -> None:
    decoded = fed(frame)
    assert [error.path for error in decoded.rejected] == [path]
    assert not decoded.events


def test_new_commands_and_uris_are_unknown() -> None:
    assert fed(command(77, b"")).unknown == ("command 77",)
    assert fed(push(4242, {})).unknown == ("uri 4242",)


def test_no_uri_is_both_decoded_and_ignored() -> None:
    assert IGNORED.keys().isdisjoint(MESSAGES)
    assert IGNORED_COMMANDS.keys().isdisjoint({7, 22})


def test_one_push_as_json_and_a_frame_as_hex_are_read_too() -> None:
    body = base64.b64encode(tars(comment(31, "雨燕", "a"))).decode()
    event = only(fed(orjson.dumps({"uri": 1400, "sMsg": body, "lMsgId": 9}).decode()))
    assert (event.id, event.content) == ("9", Comment(User("huya_31", "雨燕"), "a"))
    assert only(fed(push(1400, comment(31, "雨燕", "a"), 9).hex())) == event


@pytest.mark.parametrize(("line", "path"), [("{}", "uri"), ('{"uri": 1400}', "sMsg"), ('{"uri":1,"sMsg":"ü"}', "sMsg")])
def test_text_that_is_no_push_is_refused(line: str, path: str) -> None:
    assert [error.path for error in fed(line).rejected] == [path]


def test_a_refused_registration_ends_the_session() -> None:
    assert fed(command(17, tars({0: 0}))).ignored == ("RegisterGroupRsp",)
    assert isinstance(fed(command(17, tars({0: 5}))).end, SourceUnavailableError)


def test_the_heartbeat_is_the_observed_one() -> None:
    (heartbeat,) = HuyaDecoder(1).heartbeat()
    assert isinstance(heartbeat, bytes)
    assert base64.b64encode(heartbeat) == b"ABQdAAwsNgBM"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100)))
def test_arbitrary_frames_never_raise(data: bytes | str) -> None:
    fed(data)


@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=200))
def test_arbitrary_bodies_of_known_messages_never_raise(uri: int, body: bytes) -> None:
    fed(command(7, tars({1: uri, 2: body})))


async def test_the_anchors_uid_is_read_from_the_rooms_page() -> None:
    page = HttpAnswer(200, body=b'<script>var TT_PROFILE_INFO = {"sex":1,"lp":0,"lp":"1560173900","yyid":35};')
    connections = await locate(Options(room="lanyou"), ScriptedHttp({"/lanyou": page}))

    assert [one.endpoint.url for one in connections] == list(SOCKET_URLS)
    (greeting,) = connections[0].decoder.greeting()
    assert isinstance(greeting, bytes)
    assert read_struct(read_struct(greeting)[1])[0] == ["live:1560173900", "chat:1560173900"]


@pytest.mark.parametrize("body", [b'"lPresenterUid":77,"yyid":35', b'x "yyid" : "77"}'])
async def test_other_names_of_the_uid_serve_too(body: bytes) -> None:
    (connection, _) = await locate(Options(room="1"), ScriptedHttp({"/1": HttpAnswer(200, body=body)}))
    (greeting,) = connection.decoder.greeting()
    assert isinstance(greeting, bytes)
    assert b"live:77" in greeting


async def test_a_given_uid_asks_nobody_and_a_given_socket_is_the_only_one() -> None:
    http = ScriptedHttp({})
    (connection,) = await locate(Options(room="1", anchor_uid=5, websocket_url="ws://127.0.0.1:1/"), http)
    assert http.calls == []
    assert connection.endpoint.url == "ws://127.0.0.1:1/"


async def test_what_can_go_wrong_with_the_page() -> None:
    with pytest.raises(RoomNotFoundError):
        await locate(Options(room="1"), ScriptedHttp({}))
    with pytest.raises(SourceUnavailableError, match="anchor_uid"):
        await locate(Options(room="1"), ScriptedHttp({"/1": HttpAnswer(200, body=b"<html>")}))
    with pytest.raises(SourceUnavailableError, match="502"):
        await locate(Options(room="1"), ScriptedHttp({"/1": HttpAnswer(502)}))
    with pytest.raises(SourceThrottledError):
        await locate(Options(room="1"), ScriptedHttp({"/1": json_answer({}, 429)}))
    with pytest.raises(ValueError, match="anchor_uid"):
        Options(anchor_uid=-1)


def test_real_frames_are_never_refused() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    seen: list[str] = []
    for path in sorted(folder("huya").glob("*.hex")):
        decoded = decoder.feed(Frame(bytes.fromhex(path.read_text()), AT_MS))
        assert not decoded.rejected
        seen.extend(decoded.ignored)
    assert seen == ["WupReq", "WupRsp", "RegisterGroupReq"]


def test_our_registration_is_the_players_own_byte_for_byte() -> None:
    real = bytes.fromhex((folder("huya") / "ordinaryroad__RegisterGroupReq.hex").read_text())
    assert HuyaDecoder(1724691).greeting() == (real,)


def test_real_badges_read_as_another_program_read_them() -> None:
    checked = 0
    for line in (folder("huya") / "ordinaryroad_bfly_room522222.decoded.jsonl").read_bytes().splitlines():
        told = orjson.loads(line)["msg"]
        decorations = told.get("vdecorationPrefix", [])
        raw = [{0: one["iappId"], 1: one["iviewType"], 2: base64.b64decode(one["vdata"])} for one in decorations]
        if not raw:
            continue
        user = only(fed(push(1400, {**comment(told["uid"], told["username"], told["content"]), 8: raw}))).user
        assert user is not None
        assert (user.badge, user.badge_level) == (told["badgeName"], told["badgeLevel"])
        checked += bool(told["badgeName"])
    assert checked > 10


def test_a_source_that_names_neither_room_nor_anchor_is_refused() -> None:
    with pytest.raises(ValueError, match="room: is missing: "):
        Options()
    assert Options(anchor_uid=5).room == ""
