from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RoomNotFoundError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, LiveEvent, PaidMessage, User
from bridge.sources.codecs.stt import frame, serialise
from bridge.sources.contract import Connection, Decoded, Frame, HttpAnswer, HttpCall, NoticeKind
from bridge.sources.platforms.douyu import PLATFORM, DouyuDecoder, Options, locate
from bridge.sources.platforms.douyu.gifts import MAX_QUESTIONS, GiftTable
from bridge.sources.platforms.douyu.messages import IGNORED, MESSAGES
from tests.shared_captures import folder
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_760_000_000_000

BETARD = "/betard/"
GIFT_LIST = "/api/gift/v3/web/list"

ROOM_GIFTS = {
    "error": 0,
    "data": {
        "giftList": [
            {"id": 20004, "name": "火箭", "priceInfo": {"price": 50000, "priceType": "YUCHI"}},
            {"id": 20000, "name": "鱼丸", "priceInfo": {"price": 10000, "priceType": "YUWAN"}},
            {"id": 29999, "name": "怪", "priceInfo": {"price": 100, "priceType": "SHELL"}},
        ]
    },
}


def decoder(prices: dict[str | int, dict[str, Any]] | None = None) -> DouyuDecoder:
    gifts = GiftTable(prices or {})
    gifts.learn(HttpCall("GET", "x", tag="gifts"), json_answer(ROOM_GIFTS))
    return DouyuDecoder("9001", gifts, Options(room="9001"))


def fed(text: str, **prices: dict[str, Any]) -> Decoded:
    return decoder({key.lstrip("g"): price for key, price in prices.items()}).feed(Frame(text, AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def gift(text: str, **prices: dict[str, Any]) -> Gift:
    content = only(fed(text, **prices)).content
    assert isinstance(content, Gift)
    return content


def test_a_comment_has_its_user_badge_time_and_id() -> None:
    event = only(
        fed("type@=chatmsg/uid@=77/nn@=Lan@Sy@Aou/txt@=1@S2 @@A/level@=31/bnn@=伴星/bl@=12/cid@=c1/cst@=1759999990123/")
    )

    assert event.timestamp_ms == 1_759_999_990_123
    assert event.id == "c1"
    assert event.content == Comment(User("douyu_77", "Lan/y@ou", 31, "伴星", 12), "1/2 @@")


def test_without_a_platform_time_the_time_of_receipt_counts() -> None:
    assert only(fed("type@=chatmsg/uid@=77/txt@=hi/")).timestamp_ms == AT_MS
    assert only(fed("type@=chatmsg/uid@=77/txt@=hi/cst@=1700000000/")).timestamp_ms == AT_MS


def test_a_badge_level_without_a_badge_is_none() -> None:
    user = only(fed("type@=uenter/uid@=77/nn@=x/level@=3/bnn@=/bl@=9/")).user
    assert user == User("douyu_77", "x", 3)


def test_a_developer_session_names_users_by_hash_and_nobody_is_masked() -> None:
    assert only(fed("type@=chatmsg/hashid@=9LA18e/nn@=x/txt@=hi/")).user == User("douyu_9LA18e", "x")
    assert only(fed("type@=chatmsg/nn@=x/txt@=hi/")).user == User("douyu_0", "x", masked=True)


def test_a_gift_is_priced_by_the_rooms_list() -> None:
    assert gift("type@=dgb/uid@=7/nn@=x/gfid@=20004/gfcnt@=3/hits@=9/") == Gift(
        User("douyu_7", "x"), "火箭", 3, 50000, 150000, "douyu_yuchi_cent"
    )


def test_each_message_is_one_increment_and_the_combo_counts_nothing() -> None:
    one = only(fed("type@=dgb/uid@=7/gfid@=824/gfcnt@=72/hits@=72/pid@=268/"))
    assert isinstance(one.content, Gift)
    assert (one.content.count, one.id, one.streak) == (72, "", None)
    assert gift("type@=dgb/uid@=7/gfid@=824/hits@=23/").count == 1
    assert gift("type@=dgb/uid@=7/gfid@=824/gfcnt@=/hits@=23/").count == 1


@pytest.mark.parametrize("gift_id", ["20000", "824", "1914", "22899"])
def test_free_gifts_are_worth_nothing_and_known_to_be(gift_id: str) -> None:
    free = gift(f"type@=dgb/uid@=7/gfid@={gift_id}/")
    assert (free.total_value, free.priced) == (0, True)


def test_an_unknown_price_is_zero_and_says_so() -> None:
    unknown = gift("type@=dgb/uid@=7/gfid@=555/gfcnt@=2/")
    assert (unknown.name, unknown.count, unknown.total_value, unknown.priced) == ("555", 2, 0, False)
    assert gift("type@=dgb/uid@=7/gfid@=29999/").priced is False
    assert gift("type@=dgb/uid@=7/gfid@=555/gfn@=新礼物/").name == "新礼物"


def test_the_operators_words_win() -> None:
    assert gift("type@=dgb/uid@=7/gfid@=20004/", g20004={"price": 1}).total_value == 1
    assert gift("type@=dgb/uid@=7/gfid@=20004/", g20004={"price": 1}).name == "火箭"
    assert gift("type@=dgb/uid@=7/gfid@=555/", g555={"name": "花"}) == Gift(
        User("douyu_7"), "花", 1, 0, 0, "douyu_yuchi_cent", priced=False
    )


def test_a_prop_is_known_by_its_pid() -> None:
    table = decoder({"pid:4001": {"name": "锦鲤", "price": 600}})
    event = only(table.feed(Frame("type@=dgb/uid@=7/gfid@=0/pid@=4001/gfcnt@=2/", AT_MS)))
    assert event.content == Gift(User("douyu_7"), "锦鲤", 2, 600, 1200, "douyu_yuchi_cent")


def test_what_a_chance_gift_hatched_costs_nothing_again() -> None:
    event = only(
        decoder({"pid:4001": {"name": "幼龙", "price": 600}}).feed(
            Frame("type@=dgb/uid@=7/gfid@=0/pid@=4001/ct@=99/", AT_MS)
        )
    )
    assert event.content == Gift(User("douyu_7"), "幼龙", 1, 0, 0, "douyu_yuchi_cent")


def test_a_paid_comment_is_words_and_money() -> None:
    inner = serialise({"type": "chatmsg", "uid": "8", "nn": "a/b", "txt": "念一下@我", "level": "20", "cid": "c9"})
    outer = serialise(
        {
            "vrid": "v1",
            "btype": "voiceDanmu",
            "chatmsg": inner,
            "cprice": "3000",
            "now": "1759999990123",
            "type": "comm_chatmsg",
        }
    )

    event = only(fed(outer))

    assert event.id == "v1"
    assert event.timestamp_ms == 1_759_999_990_123
    assert event.content == PaidMessage("念一下@我", Gift(User("douyu_8", "a/b", 20), "高能弹幕", 1, 3000, 3000, "CNY"))


def test_a_paid_comment_finds_its_user_outside_and_without_words_it_is_a_gift() -> None:
    inner = serialise({"type": "chatmsg", "nn": "x", "cid": "c9"})
    event = only(fed(serialise({"type": "comm_chatmsg", "uid": "8", "chatmsg": inner, "cprice": "100"})))

    assert event.id == "c9"
    assert event.content == Gift(User("douyu_8", "x"), "高能弹幕", 1, 100, 100, "CNY")


def test_a_paid_comment_of_blanks_has_no_words() -> None:
    inner = serialise({"type": "chatmsg", "uid": "8", "nn": "x", "txt": " "})
    event = only(fed(serialise({"type": "comm_chatmsg", "vrid": "v1", "chatmsg": inner, "cprice": "100"})))

    assert event.content == Gift(User("douyu_8", "x"), "高能弹幕", 1, 100, 100, "CNY")


def test_a_fan_membership_is_a_gift_of_months_and_told_once() -> None:
    text = "type@=dfobc/uid@=8/rid@=9001/rrid@=9001/nick@=x/level@=25/mn@=3/price@=47400/bet@=1786555574/"
    event = only(fed(text))

    assert event.id == "fans:douyu_8:1786555574"
    assert event.content == Gift(User("douyu_8", "x", 25), "钻粉", 3, 15800, 47400, "douyu_yuchi_cent")
    assert fed(text.replace("rrid@=9001", "rrid@=5")).ignored == ("dfobc",)


@pytest.mark.parametrize("name", ["odfbc", "rndfbc"])
def test_a_membership_without_its_price_is_left_to_the_message_that_has_it(name: str) -> None:
    assert fed(f"type@={name}/uid@=8/rid@=9001/nick@=x/level@=25/fl@=22/").ignored == (name,)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("type@=rss/ss@=1/", NoticeKind.LIVE),
        ("type@=rss/ss@=1/ivl@=1/", NoticeKind.ENDED),
        ("type@=rss/ss@=0/", NoticeKind.ENDED),
    ],
)
def test_the_rooms_state_is_a_notice(text: str, kind: NoticeKind) -> None:
    assert [notice.kind for notice in fed(text).notices] == [kind]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("hello", "stt"),
        ("rid@=1/", "type"),
        ("type@=chatmsg/uid@=1/", "txt"),
        ("type@=dgb/uid@=1/", "gfid"),
        ("type@=dgb/uid@=1/gfid@=2/gfcnt@=many/", "gfcnt"),
        ("type@=dgb/uid@=1/gfid@=2/gfcnt@=0/", "gfcnt"),
        ("type@=comm_chatmsg/cprice@=1/", "chatmsg"),
        ("type@=comm_chatmsg/chatmsg@=nonsense/cprice@=1/", "stt"),
        ("type@=comm_chatmsg/chatmsg@=uid@A=1@S/cprice@=-1/", "cprice"),
        ("type@=comm_chatmsg/chatmsg@=uid@A=1@S/", "cprice"),
        ("type@=dfrbc/uid@=1/mn@=0/price@=5/", "mn"),
        ("type@=dfrbc/uid@=1/mn@=1/price@=-5/", "price"),
        ("type@=rss/", "ss"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_fields_name(text: str, path: str) -> None:
    decoded = fed(text)
    assert [error.path for error in decoded.rejected] == [path]
    assert not decoded.events


def test_a_broadcast_of_the_site_is_no_gift_here() -> None:
    assert fed("type@=spbc/sn@=x/dn@=y/gn@=火箭/gc@=1/drid@=5/gfid@=20004/rid@=0/").ignored == ("spbc",)


def test_new_names_are_unknown_and_cut() -> None:
    assert fed("type@=brandnew/").unknown == ("brandnew",)
    assert fed("type@=comm_chatmsg/btype@=poll/chatmsg@=x/").unknown == ("comm_chatmsg/poll",)
    assert len(fed(f"type@={'n' * 5000}/").unknown[0]) == 64


def test_no_name_is_both_decoded_and_ignored() -> None:
    assert IGNORED.isdisjoint(MESSAGES)


def test_a_login_is_answered_by_joining_all_groups() -> None:
    session = decoder()
    assert session.greeting() == (frame("type@=loginreq/roomid@=9001/"),)
    assert session.feed(Frame(frame("type@=loginres/userid@=0/", 690), AT_MS)).replies == (
        frame("type@=joingroup/rid@=9001/gid@=-9999/"),
    )
    assert session.heartbeat() == (frame("type@=mrkl/"),)


def test_an_error_ends_the_session() -> None:
    end = fed("type@=error/code@=51/").end
    assert isinstance(end, SourceUnavailableError)
    assert "51" in end.problem


def test_one_chunk_gives_all_its_messages_in_order() -> None:
    chunk = b"".join(
        frame(text, 690)
        for text in ("type@=mrkl/", "type@=uenter/uid@=1/", "type@=chatmsg/uid@=2/", "type@=chatmsg/uid@=3/txt@=x/")
    )
    session = decoder()
    halves = [session.feed(Frame(chunk[:40], AT_MS)), session.feed(Frame(chunk[40:], AT_MS))]

    assert [event.user.id for half in halves for event in half.events if event.user] == ["douyu_1", "douyu_3"]
    assert [name for half in halves for name in half.ignored] == ["mrkl"]
    assert [error.path for half in halves for error in half.rejected] == ["txt"]


def test_an_unknown_gift_is_asked_about_once_and_known_afterwards() -> None:
    session = decoder()
    prop = Frame("type@=dgb/uid@=7/gfid@=2270/pid@=4002/", AT_MS)

    (call,) = session.feed(prop).calls
    assert (call.url, call.query) == ("https://gift.douyucdn.cn/api/prop/v1/web/single", {"pid": "4002"})
    assert session.feed(prop).calls == ()
    session.answered(call, json_answer({"data": {"name": "锦鲤", "price": "600", "priceType": 2}}), AT_MS)

    assert only(session.feed(prop)).content == Gift(User("douyu_7"), "锦鲤", 1, 600, 600, "douyu_yuchi_cent")


def test_a_gift_that_is_no_prop_asks_for_the_rooms_list_again() -> None:
    (call,) = decoder().feed(Frame("type@=dgb/uid@=7/gfid@=30001/pid@=0/", AT_MS)).calls
    assert (call.url, call.query) == ("https://gift.douyucdn.cn/api/gift/v3/web/list", {"rid": "9001"})


def test_known_gifts_are_not_asked_about_and_questions_are_bounded() -> None:
    session = decoder()
    assert session.feed(Frame("type@=dgb/uid@=7/gfid@=20004/", AT_MS)).calls == ()
    asked = [session.feed(Frame(f"type@=dgb/uid@=7/gfid@={5000 + n}/", AT_MS)).calls for n in range(MAX_QUESTIONS + 5)]
    assert sum(len(calls) for calls in asked) == MAX_QUESTIONS


def test_what_is_no_id_is_not_asked_about() -> None:
    for gift_id in ("rocket", "9" * 13, "٣"):
        assert decoder().feed(Frame(f"type@=dgb/uid@=7/gfid@={gift_id}/pid@=../", AT_MS)).calls == ()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 3}', b'{"data": {"giftList": [1, null, {}]}}'])
def test_a_strange_answer_about_gifts_hurts_nothing(body: bytes) -> None:
    session = decoder()
    for tag in ("gifts", "prop:4002"):
        session.answered(HttpCall("GET", "x", tag=tag), HttpAnswer(200, body=body), AT_MS)
        session.answered(HttpCall("GET", "x", tag=tag), HttpAnswer(502, body=body), AT_MS)
    assert isinstance(only(session.feed(Frame("type@=dgb/uid@=7/gfid@=0/pid@=4002/", AT_MS))).content, Gift)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_arbitrary_frames_never_raise(data: bytes | str) -> None:
    decoder().feed(Frame(data, AT_MS))


@given(
    st.sampled_from(sorted(MESSAGES)),
    st.dictionaries(
        st.sampled_from(
            ["uid", "txt", "gfid", "gfcnt", "cprice", "chatmsg", "ss", "mn", "price", "btype", "cst", "bl"]
        ),
        st.text(max_size=30),
    ),
)
def test_arbitrary_fields_of_known_messages_never_raise(name: str, fields: dict[str, str]) -> None:
    kind = name.split("/", maxsplit=1)[0]
    decoder().feed(Frame(frame(serialise({**fields, "type": kind}), 690), AT_MS))


async def located(options: Options, http: ScriptedHttp) -> list[Connection]:
    return list(await locate(options, http))


async def test_a_vanity_name_is_looked_up_and_the_gifts_are_fetched() -> None:
    http = ScriptedHttp(
        {f"{BETARD}lanyou": json_answer({"room": {"room_id": 9001}}), GIFT_LIST: json_answer(ROOM_GIFTS)}
    )

    connections = await located(Options(room="lanyou"), http)

    assert http.paths == [f"{BETARD}lanyou", GIFT_LIST]
    assert http.calls[1].query == {"rid": "9001"}
    assert sorted(one.endpoint.url for one in connections) == [
        f"wss://danmuproxy.douyu.com:{port}/" for port in range(8501, 8507)
    ]
    assert connections[0].decoder.greeting() == (frame("type@=loginreq/roomid@=9001/"),)
    event = only(connections[0].decoder.feed(Frame("type@=dgb/uid@=7/gfid@=20004/", AT_MS)))
    assert isinstance(event.content, Gift)
    assert event.content.total_value == 50000


async def test_rooms_begin_with_different_ports() -> None:
    firsts = set()
    for room in range(9001, 9007):
        http = ScriptedHttp({f"{BETARD}{room}": json_answer({"room": {"room_id": room}})})
        firsts.add((await located(Options(room=str(room)), http))[0].endpoint.url)
    assert len(firsts) == 6


async def test_the_gift_list_may_fail() -> None:
    for trouble in (SourceUnavailableError("down"), HttpAnswer(500), HttpAnswer(200, body=b"<html>")):
        http = ScriptedHttp({f"{BETARD}9001": json_answer({"room": {"room_id": 9001}}), GIFT_LIST: trouble})
        assert len(await located(Options(room="9001"), http)) == 6


@pytest.mark.parametrize("trouble", [SourceUnavailableError("down"), HttpAnswer(500), HttpAnswer(200, body=b"<html>")])
async def test_a_number_that_cannot_be_looked_up_is_taken_for_the_real_one(trouble: Any) -> None:
    connections = await located(Options(room="9001"), ScriptedHttp({f"{BETARD}9001": trouble}))
    assert connections[0].decoder.greeting() == (frame("type@=loginreq/roomid@=9001/"),)

    with pytest.raises(SourceUnavailableError):
        await locate(Options(room="lanyou"), ScriptedHttp({f"{BETARD}lanyou": trouble}))


async def test_no_such_room_and_too_many_questions() -> None:
    with pytest.raises(RoomNotFoundError):
        await locate(Options(room="9001"), ScriptedHttp({}))
    with pytest.raises(SourceThrottledError) as throttled:
        await locate(Options(room="9001"), ScriptedHttp({f"{BETARD}9001": json_answer({}, 429, retry_after="30")}))
    assert throttled.value.retry_after_secs == 30


async def test_a_socket_pointed_elsewhere_looks_nothing_up_by_itself() -> None:
    http = ScriptedHttp({})

    (connection,) = await located(Options(room="9001", websocket_url="ws://127.0.0.1:1/"), http)

    assert http.calls == []
    assert connection.endpoint.url == "ws://127.0.0.1:1/"
    assert connection.decoder.feed(Frame("type@=dgb/uid@=7/gfid@=5/", AT_MS)).calls == ()


async def test_api_base_moves_every_look_up() -> None:
    http = ScriptedHttp({f"{BETARD}9001": json_answer({"room": {"room_id": "9002"}})})
    options = Options(room="9001", websocket_url="ws://127.0.0.1:1/", api_base="http://127.0.0.1:2")

    (connection,) = await located(options, http)

    assert [call.url for call in http.calls] == [
        "http://127.0.0.1:2/betard/9001",
        "http://127.0.0.1:2/api/gift/v3/web/list",
    ]
    assert connection.decoder.greeting() == (frame("type@=loginreq/roomid@=9002/"),)
    (call,) = connection.decoder.feed(Frame("type@=dgb/uid@=7/gfid@=5/pid@=6/", AT_MS)).calls
    assert call.url == "http://127.0.0.1:2/api/prop/v1/web/single"


@pytest.mark.parametrize("entry", [{}, {"price": -1}, {"price": "5"}, {"name": 3}, {"cost": 1}, 5])
def test_a_price_that_cannot_be_meant_is_refused(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"gift_prices: 824 "):
        Options(gift_prices={"824": entry})


def test_a_source_without_a_room_is_refused() -> None:
    with pytest.raises(ValueError, match="room: is missing: "):
        Options()


def test_the_same_gift_by_number_or_text() -> None:
    table = GiftTable(Options(room="9001", gift_prices={824: {"price": 7}}).gift_prices)
    assert table.look_up("824", "").price == 7


def test_real_messages_are_never_refused() -> None:
    session = PLATFORM.offline_decoder(PLATFORM.offline_options())
    seen = 0
    for path in sorted(folder("douyu").glob("*.stt.jsonl")):
        for line in path.read_bytes().splitlines():
            message = orjson.loads(line)
            text = session.feed(Frame(message["stt"], AT_MS))
            framed = session.feed(Frame(frame(message["stt"], 690), AT_MS))
            assert (text.events, text.ignored, text.unknown, text.rejected) == (
                framed.events,
                framed.ignored,
                framed.unknown,
                framed.rejected,
            )
            assert not text.rejected
            assert not text.unknown
            assert len(text.events) == (message["type"] in MESSAGES)
            seen += 1
    assert seen >= 29


def test_a_real_comment_and_a_real_gift_have_the_fields_that_the_message_shows() -> None:
    session = PLATFORM.offline_decoder(PLATFORM.offline_options())
    lines = (folder("douyu") / "flxxyz_v3_fixtures.stt.jsonl").read_bytes().splitlines()
    messages = {one["type"]: one["stt"] for one in map(orjson.loads, lines)}

    comment = only(session.feed(Frame(messages["chatmsg"], AT_MS)))
    sent = only(session.feed(Frame(messages["dgb"], AT_MS)))

    assert comment.timestamp_ms == 1609614129227
    assert comment.user is not None
    assert (comment.user.level, comment.user.badge_level) == (38, 21)
    assert len(comment.id) == 32
    assert isinstance(sent.content, Gift)
    assert (sent.content.count, sent.content.total_value, sent.content.priced) == (1, 0, True)
