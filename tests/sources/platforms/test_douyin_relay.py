from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RoomNotFoundError
from bridge.events import Comment, Gift, Join, LiveEvent, User, Viewers
from bridge.sources.contract import Decoded, Frame, NoticeKind, Transport
from bridge.sources.platforms.douyin_relay import PLATFORM, locate
from bridge.sources.platforms.douyin_relay.decoder import MAX_ITEMS, MAX_ROOMS, RelayDecoder
from bridge.sources.platforms.douyin_relay.options import Options
from tests.shared_captures import folder
from tests.sources.platforms.odd_json import as_text, assert_sound, odd_objects
from tests.sources.platforms.scripted_http import ScriptedHttp

AT_MS = 1_760_000_000_000
USER = {"Id": 9001, "SecUid": "MS4w_lan", "PayLevel": 3}


def grab(kind: int, data: dict[str, Any], **more: Any) -> str:
    """Return DouyinBarrageGrab's form: ``Data`` is a JSON text."""
    packed = orjson.dumps({"MsgId": 7_400_000_000_000_000_001, "User": {**USER, "Nickname": "岚"}, **data}).decode()
    return orjson.dumps({"Type": kind, "ProcessName": "msedge", "Data": packed, **more}).decode()


def barrage(kind: int, data: dict[str, Any]) -> str:
    """Return BarrageGrab's form: ``Data`` is an object."""
    body = {"MsgId": 7_400_000_000_000_000_001, "User": {**USER, "NickName": "岚"}, **data}
    return orjson.dumps({"Type": kind, "Data": body}).decode()


def fed(text: str, **options: Any) -> Decoded:
    return RelayDecoder(Options(**options)).feed(Frame(text, AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def test_the_same_number_means_another_thing_in_the_other_program() -> None:
    assert isinstance(only(fed(grab(1, {"Content": "hi"}))).content, Comment)
    assert isinstance(only(fed(barrage(1, {"MemberCount": 5}))).content, Join)


def test_a_copy_of_the_first_program_that_sends_an_object_is_still_the_first() -> None:
    copied = orjson.loads(grab(1, {"Content": "hi"}))
    copied["Data"] = orjson.loads(copied["Data"])
    assert isinstance(only(fed(orjson.dumps(copied).decode())).content, Comment)
    del copied["ProcessName"]
    assert isinstance(only(fed(orjson.dumps(copied).decode())).content, Comment)


def test_a_shape_that_fits_both_programs_is_not_guessed() -> None:
    vague = {"Type": 1, "Data": {"Content": "谁"}}
    assert fed(orjson.dumps(vague).decode()).unknown == ("type 1 of no certain program",)


def test_what_a_telling_message_settled_holds_for_the_vague_ones_after_it() -> None:
    decoder = RelayDecoder(Options())
    decoder.feed(Frame(barrage(3, {"Content": "hi"}), AT_MS))
    vague = orjson.dumps({"Type": 1, "Data": {"User": USER}})
    assert isinstance(only(decoder.feed(Frame(vague, AT_MS))).content, Join)


def test_a_named_dialect_outranks_the_shape() -> None:
    assert isinstance(only(fed(grab(1, {"Content": "hi"}), dialect="barrage_grab")).content, Join)
    douyin_live = '{"method": "WebcastChatMessage", "common": {}, "user": {}, "content": "hi"}'
    assert fed(douyin_live, dialect="douyin_barrage_grab").unknown == ("a message of douyin_live",)
    assert fed('{"type": "system", "code": "ROOM_ENDED"}', dialect="barrage_grab").unknown == ("no relay's message",)


def test_ids_beyond_the_floats_are_kept_exactly() -> None:
    assert only(fed(grab(1, {"Content": "hi"}))).id == "7400000000000000001"


@pytest.mark.parametrize("no_id", [0, -1, "", None])
def test_a_missing_id_is_none(no_id: object) -> None:
    assert only(fed(grab(1, {"Content": "hi", "MsgId": no_id}))).id == ""


def test_gifts_count_their_increment_and_never_the_running_total() -> None:
    gift = only(fed(grab(5, {"GiftName": "玫瑰", "GiftCount": 2, "RepeatCount": 9, "DiamondCount": 10}))).content
    assert isinstance(gift, Gift)
    assert (gift.count, gift.unit_value, gift.total_value, gift.currency) == (2, 10, 20, "diamond")


def test_a_gift_without_a_price_says_so() -> None:
    gift = only(fed(grab(5, {"GiftId": 7, "GiftCount": 1}))).content
    assert isinstance(gift, Gift)
    assert (gift.name, gift.priced) == ("7", False)


@pytest.mark.parametrize(
    "message",
    [
        grab(5, {"User": None, "GiftName": "玫瑰", "GiftCount": 2, "DiamondCount": 10}),
        '{"Type":5,"ProcessName":"msedge","Data":"{\\"GiftName\\":\\"玫瑰\\",\\"GiftCount\\":2,\\"DiamondCount\\":10}"}',
        '{"method":"WebcastGiftMessage","common":{},"gift":{"name":"玫瑰","diamondCount":10},"repeatCount":"2"}',
        '[{"method":"WebcastGiftMessage","user":null,"gift":{"name":"玫瑰","price":10,"count":2}}]',
    ],
)
def test_a_message_without_its_viewer_is_of_nobody_in_particular_and_counts(message: str) -> None:
    gift = only(fed(message)).content
    assert gift == Gift(User("douyin_0", masked=True), "玫瑰", 2, 10, 20, "diamond")


@pytest.mark.parametrize("more", ["", ',"gift":null'])
def test_a_gift_message_of_dycast_may_leave_the_gift_out(more: str) -> None:
    decoded = fed(f'[{{"method":"WebcastGiftMessage","id":"7400000000000000001","user":{{"id":"a"}}{more}}}]')
    assert decoded.ignored == ("WebcastGiftMessage/nothing",)
    assert [error.path for error in fed('[{"method":"WebcastGiftMessage","gift":7}]').rejected] == ["[0].gift"]


def test_a_level_that_the_program_does_not_know_is_none() -> None:
    event = only(fed(grab(3, {"User": {"SecUid": "a", "Nickname": "x", "PayLevel": -1, "FansClub": None}})))
    assert event.user == User("douyin_a", "x")


@pytest.mark.parametrize(("told", "viewers"), [(3937, 3937), ("3937", 3937), ("2.2万", 22_000), ("11万", 110_000)])
def test_a_rounded_number_of_viewers_is_taken_at_its_word(told: object, viewers: int) -> None:
    for message in (
        grab(6, {"User": None, "OnlineUserCount": told}),
        orjson.dumps({"method": "WebcastRoomUserSeqMessage", "common": {}, "total": told}).decode(),
        orjson.dumps([{"method": "WebcastRoomUserSeqMessage", "room": {"audienceCount": told}}]).decode(),
    ):
        assert only(fed(message)).content == Viewers(viewers)


@pytest.mark.parametrize("told", ["", "很多", "2.2", -1, 2**40, [], True])
def test_what_is_no_number_of_viewers_is_refused(told: object) -> None:
    assert [error.path for error in fed(grab(6, {"OnlineUserCount": told})).rejected] == ["Data.OnlineUserCount"]


def test_statistics_in_the_forks_own_words_tell_the_program() -> None:
    spread = {"Type": 6, "Data": {"watchingText": "1.1万", "watchingCount": 11000, "likeCount": 3, "content": "x"}}
    assert only(fed(orjson.dumps(spread).decode())).content == Viewers(11000)


def test_entries_do_not_tell_the_number_of_viewers() -> None:
    assert not isinstance(only(fed(grab(3, {"CurrentCount": 500}))).content, Viewers)


@pytest.mark.parametrize(
    ("data", "passes"),
    [
        ({"RoomId": "7400", "WebRoomId": "88"}, True),
        ({"RoomId": 7400, "WebRoomId": -1}, False),
        ({"RoomId": "7401", "WebRoomId": "89"}, False),
        ({"RoomId": "88"}, True),
        ({"WebRoomId": "88"}, True),
        ({"WebRoomId": "89"}, False),
        ({"RoomId": -1, "WebRoomId": ""}, True),
        ({}, True),
    ],
)
def test_a_room_lets_only_its_own_messages_through(data: dict[str, Any], passes: bool) -> None:
    decoded = fed(grab(1, {"Content": "hi", **data}), room="88")
    assert bool(decoded.events) is passes
    assert decoded.ignored == (() if passes else ("other room",))


def test_a_room_is_known_by_its_web_number_once_a_message_carried_both() -> None:
    decoder = RelayDecoder(Options(room="88"))
    assert not decoder.feed(Frame(grab(1, {"Content": "a", "RoomId": "7400"}), AT_MS)).events
    assert decoder.feed(Frame(grab(1, {"Content": "b", "RoomId": "7400", "WebRoomId": "88"}), AT_MS)).events
    assert decoder.feed(Frame(grab(1, {"Content": "c", "RoomId": "7400"}), AT_MS)).events


def test_remembered_rooms_are_bounded() -> None:
    decoder = RelayDecoder(Options(room="88"))
    for number in range(MAX_ROOMS + 10):
        decoder.feed(Frame(grab(1, {"Content": "a", "RoomId": f"7{number}", "WebRoomId": str(number)}), AT_MS))
    assert len(decoder._web_rooms) == MAX_ROOMS


def test_nothing_is_ever_said_to_a_relay_but_douyin_lives_ping() -> None:
    silent = RelayDecoder(Options())
    assert silent.greeting() == ()
    assert silent.heartbeat() == ()
    silent.feed(Frame(grab(1, {"Content": "hi"}), AT_MS))
    assert silent.heartbeat() == ()
    silent.feed(Frame('{"type": "system", "code": "ROOM_ONLINE"}', AT_MS))
    assert silent.heartbeat() == ("ping",)
    assert RelayDecoder(Options(dialect="douyin_live", room="1")).heartbeat() == ("ping",)


def test_douyin_live_says_that_a_room_does_not_exist() -> None:
    decoded = fed('{"type": "system", "event": "live_status", "code": "ROOM_NOT_FOUND", "valid": false}')
    assert isinstance(decoded.end, RoomNotFoundError)


def test_the_live_ends_with_a_notice() -> None:
    (notice,) = fed(grab(9, {"User": None})).notices
    assert notice.kind is NoticeKind.ENDED


def test_an_endless_array_is_cut() -> None:
    decoded = fed("[" + ",".join(["{}"] * (MAX_ITEMS + 5)) + "]")
    assert len(decoded.rejected) == MAX_ITEMS + 1


async def test_the_relay_is_connected_to_without_pings_at_its_usual_address() -> None:
    (connection,) = await locate(Options(), ScriptedHttp({}))
    assert connection.endpoint.url == "ws://127.0.0.1:8888"
    assert not connection.endpoint.answers_pings
    (connection,) = await locate(Options(dialect="douyin_live", room="516466"), ScriptedHttp({}))
    assert connection.endpoint.url == "ws://127.0.0.1:1088/ws/516466"
    (connection,) = await locate(Options(websocket_url="ws://studio:9999/x"), ScriptedHttp({}))
    assert connection.endpoint.url == "ws://studio:9999/x"


async def test_dycast_is_waited_for_unless_a_socket_is_named() -> None:
    (waiting,) = await locate(Options(dialect="dycast"), ScriptedHttp({}))
    assert waiting.endpoint.transport is Transport.LISTEN

    (dialled,) = await locate(Options(dialect="dycast", websocket_url="ws://127.0.0.1:9000"), ScriptedHttp({}))
    assert dialled.endpoint.url == "ws://127.0.0.1:9000"


@pytest.mark.parametrize("name", ["douyin_relay", "douyin_web"])
def test_real_messages_are_read(name: str) -> None:
    for file in folder(name).iterdir():
        decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(file.read_bytes(), AT_MS))
        assert not decoded.rejected, file.name
        assert not decoded.unknown, file.name


KEYS = [
    *("Type", "Data", "User", "Nickname", "NickName", "SecUid", "Id", "MsgId", "RoomId", "GiftCount", "Platform"),
    *("method", "common", "user", "gift", "content", "id", "repeatCount", "groupId", "total", "room", "count"),
    *("type", "code", "ProcessName", "secOpenid", "Content", "OnlineUserCount", "FansClub", "DiamondCount"),
]
METHODS = ["WebcastGiftMessage", "WebcastChatMessage", "WebcastLikeMessage", "WebcastRoomUserSeqMessage"]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected_or_read(data: bytes) -> None:
    assert_sound(RelayDecoder(Options()).feed(Frame(data, AT_MS)))


@given(
    st.lists(odd_objects(KEYS), max_size=4),
    st.sampled_from(["auto", "douyin_barrage_grab", "barrage_grab", "douyin_live"]),
    st.integers(0, 12),
    st.sampled_from(METHODS),
)
def test_arbitrary_messages_never_raise(messages: list[dict[str, Any]], dialect: Any, kind: int, method: str) -> None:
    decoder = RelayDecoder(Options(dialect=dialect, room="7"))
    assert_sound(decoder.feed(Frame(as_text(messages), AT_MS)))
    for message in messages:
        assert_sound(decoder.feed(Frame(as_text({"Type": kind, "Data": message}), AT_MS)))
        assert_sound(decoder.feed(Frame(as_text({**message, "method": method}), AT_MS)))
        assert_sound(decoder.feed(Frame(as_text({**message, "method": method, "common": {}}), AT_MS)))
