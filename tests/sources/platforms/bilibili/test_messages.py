from __future__ import annotations

from typing import Any

import orjson
import pytest

from bridge.events import Comment, Follow, Join, Like, LiveEvent, User, Viewers
from bridge.sources.codecs.bilibili_pb2 import InteractWord
from bridge.sources.contract import Frame, Notice, NoticeKind
from bridge.sources.platforms.bilibili import IGNORED, MESSAGES, RoomDecoder
from tests.sources.platforms.bilibili.bodies import NOW, SECS, danmu, event, feed, gift, interact, rejected, wire


def test_a_danmaku_is_a_comment_with_user_level_and_the_medal_worn() -> None:
    assert event(danmu()) == LiveEvent(
        NOW - 5, Comment(User("bilibili_501", "青柠", 12, "小灯塔", 18), "晚上好"), "aa11"
    )


def test_the_command_ends_at_its_first_colon() -> None:
    assert isinstance(event(danmu(cmd="DANMU_MSG:4:0:2:2:2:0")).content, Comment)


def test_an_emoticon_is_a_comment_with_its_name() -> None:
    content = event(danmu(head_12=1, head_13={"url": "x"}, info_1="赞")).content
    assert isinstance(content, Comment)
    assert content.text == "赞"


@pytest.mark.parametrize("medal", [[], None])
def test_no_medal_is_no_badge(medal: Any) -> None:
    user = event(danmu(info_3=medal)).user
    assert user is not None
    assert (user.badge, user.badge_level) == ("", 0)


def test_without_a_user_level_the_wealth_level_stands_in() -> None:
    user = event(danmu(info_4=[0, 0, 0, "", 0])).user
    assert user is not None
    assert user.level == 21


def test_the_short_arrays_of_earlier_years_are_read() -> None:
    message = {"cmd": "DANMU_MSG", "info": [[0, 1, 25, 1, 1_527_000_000, "1", 0, "ab", 0], "在吗", [7, "老观众"]]}
    assert event(message) == LiveEvent(1_527_000_000_000, Comment(User("bilibili_7", "老观众"), "在吗"))


@pytest.mark.parametrize(("uid", "name"), [(0, "青***"), (0, "青柠"), (501, "青***")])
def test_masked_users_are_nobody_in_particular(uid: int, name: str) -> None:
    user = event(danmu(info_2=[uid, name, 0])).user
    assert user == User("bilibili_0", name, 12, "小灯塔", 18, masked=True)


def test_the_id_is_the_one_in_extra_and_the_envelope_stands_in() -> None:
    message = {**danmu(), "msg_id": "9:1000:1000"}
    assert event(message).id == "aa11"
    message = {**danmu(extra="{}"), "msg_id": "9:1000:1000"}
    assert event(message).id == "9:1000:1000"
    assert event(danmu(extra="{}")).id == ""


@pytest.mark.parametrize("extra", ['{"id_str": "aa11"}', '{"a":1,"id_str" : "aa11" }', '{"id_str":"aa11"}'])
def test_the_id_is_found_however_the_json_is_spaced(extra: str) -> None:
    assert event(danmu(extra=extra)).id == "aa11"


def test_words_that_look_like_an_id_are_only_words() -> None:
    words = '"id_str":"forged","is_mirror":true'
    extra = orjson.dumps({"content": words, "id_str": "aa11"}).decode()
    found = event(danmu(extra=extra, info_1=words))
    assert found.id == "aa11"
    assert isinstance(found.content, Comment)
    assert found.content.text == words


@pytest.mark.parametrize("extra", ["", "null", "{", '{"id_str":', '"id_str" :', '{"id_str":5}', '{"id_str":""}'])
def test_an_extra_without_a_readable_id_costs_nothing_else(extra: str) -> None:
    assert isinstance(event(danmu(extra=extra)).content, Comment)


def test_what_the_viewer_did_not_type_is_no_comment() -> None:
    decoded = feed(danmu(head_9=2))
    assert not decoded.events
    assert decoded.ignored == ["DANMU_MSG not typed"]


def test_a_danmaku_that_the_site_composed_is_no_comment() -> None:
    effect = danmu(
        cmd="DANMU_MSG:3:7:1:1:1:1",
        info_0=[0, 7, 100, 16777215, NOW, 0, 0, "ab", 0, None, None, None, 0, "{}", "{}", {"extra": "{}"}, None, None],
        info_1='[1.0,0.0,"0.8-0.5",10.0,"www",0.0,0.0,0.0,0.0,10000,0,true,"黑体",1]',
        info_2=[0, "***", 1, 0, 0, 10000, 1, ""],
        info_3=None,
        info_4=[],
    )
    assert feed(effect).ignored == ["DANMU_MSG not typed"]


def test_comments_of_another_room_are_ignored() -> None:
    assert feed(danmu(extra='{"is_mirror":true}')).ignored == ["DANMU_MSG of another room"]
    assert feed(danmu(cmd="DANMU_MSG_MIRROR")).ignored == ["DANMU_MSG_MIRROR"]


def test_what_is_missing_is_named() -> None:
    assert rejected({"cmd": "DANMU_MSG"}) == ["DANMU_MSG.info: is missing, an array expected"]
    assert rejected(danmu(info_1=5)) == ["DANMU_MSG.info[1]: is int, a text expected"]
    assert rejected(danmu(info_2=[])) == ["DANMU_MSG.info[2][0]: is missing, an id expected"]


@pytest.mark.parametrize(("kind", "content"), [(1, Join), (2, Follow), (4, Follow), (5, Follow), (6, Like)])
def test_what_a_viewer_did_is_told_by_its_kind(kind: int, content: type) -> None:
    found = event(interact(kind))
    assert type(found.content) is content
    assert found.user == User("bilibili_501", "青柠", 0, "小灯塔", 18)
    assert found.timestamp_ms == NOW


def test_a_share_is_ignored_and_a_new_kind_is_unknown() -> None:
    assert feed(interact(3)).ignored == ["INTERACT_WORD share"]
    assert feed(interact(7)).unknown == ["INTERACT_WORD msg_type 7"]
    assert feed(interact(10**9)).unknown == ["INTERACT_WORD msg_type"]


def test_the_wealth_level_is_the_level_where_newer_messages_tell_it() -> None:
    user = event(interact(1, uinfo={"wealth": {"level": 33}})).user
    assert user is not None
    assert user.level == 33


def test_two_deeds_of_one_viewer_have_two_ids() -> None:
    ids = {
        event(message).id for message in (interact(1), interact(2), interact(1, trigger_time=5), interact(1, uid=502))
    }
    assert len(ids) == 4


def test_the_protobuf_form_tells_the_same() -> None:
    word = InteractWord(uid=501, name="青柠", msg_type=2, timestamp_secs=SECS, trigger_time_ns=NOW * 1_000_000)
    word.fans_medal.name, word.fans_medal.level = "小灯塔", 18
    word.user.wealth.level = 33
    found = event(wire({"cmd": "INTERACT_WORD_V2", "pb": word}))
    assert found == LiveEvent(NOW, Follow(User("bilibili_501", "青柠", 33, "小灯塔", 18)), event(interact(2)).id)


def test_a_protobuf_without_uid_is_a_masked_viewer() -> None:
    found = event(wire({"cmd": "INTERACT_WORD_V2", "pb": InteractWord(name="青***", msg_type=1)}))
    assert found == LiveEvent(NOW, Join(User("bilibili_0", "青***", masked=True)))


@pytest.mark.parametrize("pb", ["%%%", "中文", "A", "CLLL", 5, None])
def test_a_protobuf_that_cannot_be_read_is_rejected(pb: Any) -> None:
    for cmd in ("INTERACT_WORD_V2", "SEND_GIFT_V2"):
        assert rejected({"cmd": cmd, "data": {"pb": pb}})[0].startswith(f"{cmd}.data.pb: ")


def test_a_like_is_a_like() -> None:
    message = {"cmd": "LIKE_INFO_V3_CLICK", "data": interact(6)["data"], "send_time": NOW - 9, "msg_id": "5:1"}
    assert event(message) == LiveEvent(NOW - 9, Like(User("bilibili_501", "青柠", 0, "小灯塔", 18)), "5:1")


def test_the_number_of_viewers_is_online_count() -> None:
    message = {"cmd": "ONLINE_RANK_COUNT", "data": {"count": 90, "online_count": 1200}}
    assert event(message) == LiveEvent(NOW, Viewers(1200))


def test_where_it_is_not_told_the_active_ones_are_counted() -> None:
    assert event({"cmd": "ONLINE_RANK_COUNT", "data": {"count": 90}}).content == Viewers(90)


def test_a_number_that_cannot_be_is_rejected() -> None:
    assert rejected({"cmd": "ONLINE_RANK_COUNT", "data": {"online_count": -1}})
    assert rejected({"cmd": "ONLINE_RANK_COUNT", "data": {"online_count": "1.1万"}})


def test_whoever_watched_since_the_beginning_is_not_counted() -> None:
    assert feed({"cmd": "WATCHED_CHANGE", "data": {"num": 9}}).ignored == ["WATCHED_CHANGE"]


def test_going_live_is_told_once() -> None:
    first = {"cmd": "LIVE", "live_key": "7", "live_time": SECS}
    assert feed(first).notices == [Notice(NoticeKind.LIVE)]
    assert feed({"cmd": "LIVE", "live_key": "7"}).ignored == ["LIVE repeated"]
    assert feed({"cmd": "LIVE", "roomid": 5}).notices == [Notice(NoticeKind.LIVE)]


@pytest.mark.parametrize("cmd", ["PREPARING", "CUT_OFF", "CUT_OFF_V2", "ROOM_LOCK"])
def test_the_end_is_told(cmd: str) -> None:
    notices = feed({"cmd": cmd, "roomid": "5", "msg": "太吵", "expire": "2026-08-01 00:00:00"}).notices
    assert [notice.kind for notice in notices] == [NoticeKind.ENDED]


def test_being_taken_for_a_guest_names_the_option_to_mend() -> None:
    (notice,) = feed({"cmd": "LOG_IN_NOTICE", "data": {}}).notices
    assert notice.kind is NoticeKind.CREDENTIAL_WEAK
    assert "cookie" in notice.detail


def test_new_commands_are_unknown_and_cut_to_a_bearable_length() -> None:
    assert feed({"cmd": "N" * 500}).unknown == ["N" * 64]


def test_what_is_no_command_is_rejected() -> None:
    assert rejected(5) == ["cmd: is missing, a text expected"]
    assert rejected({"cmd": None}) == ["cmd: is NoneType, a text expected"]


def test_a_message_without_a_command_is_known_by_its_one_kind_or_unknown() -> None:
    assert feed({"mtime": SECS, "scatter": [0, 300]}).ignored == ["scatter"]
    assert feed({"news": 1}).unknown == ["(no cmd)"]


def test_a_bare_body_may_come_as_text_and_an_array_holds_several() -> None:
    decoder = RoomDecoder()
    assert len(decoder.feed(Frame(orjson.dumps(danmu()).decode(), NOW)).events) == 1
    assert len(decoder.feed(Frame(orjson.dumps([danmu(), gift()]).decode(), NOW)).events) == 2
    assert [str(error) for error in decoder.feed(Frame("{", NOW)).rejected] == ["body: is not JSON (1 characters)"]


def test_no_command_is_both_read_and_ignored() -> None:
    assert not IGNORED & MESSAGES.keys()


def test_a_time_that_cannot_be_is_replaced_by_ours() -> None:
    assert event(danmu(head_4=NOW + 9 * 86_400_000)).timestamp_ms == NOW
    assert event(gift(timestamp=0)).timestamp_ms == NOW
