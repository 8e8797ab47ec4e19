from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RoomOfflineError
from bridge.events import MAX_INTEGER, Comment, EventType, Follow, Gift, Join, Like, LiveEvent, Streak, User, Viewers
from bridge.sources.codecs import tiktok_pb2
from bridge.sources.contract import Decoded, Frame, NoticeKind
from bridge.sources.platforms.tiktok import PLATFORM
from bridge.sources.platforms.tiktok.connection import WebcastDecoder
from bridge.sources.platforms.tiktok.ignored import IGNORED
from bridge.sources.platforms.tiktok.messages import MESSAGES
from tests.emulators import tiktok_wire as wire
from tests.shared_captures import folder

AT_MS = 1_760_000_000_500
SAID_MS = 1_760_000_000_000
MIRA = User("tiktok_11", "Mira")


def fed(*messages: wire.Fields, packed: bool = True) -> Decoded:
    return WebcastDecoder(1).feed(Frame(wire.pushed(*messages, packed=packed), AT_MS))


def only(method: str, payload: bytes, msg_id: int = 0) -> LiveEvent:
    decoded = fed(wire.envelope(method, payload, msg_id))
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def gift(payload: bytes) -> tuple[Gift, Streak | None]:
    event = only("WebcastGiftMessage", payload)
    assert isinstance(event.content, Gift)
    return event.content, event.streak


@pytest.mark.parametrize("packed", [True, False])
def test_a_comment_has_its_user_time_and_id(packed: bool) -> None:
    who = wire.user(
        11, "Mira", [wire.badge(wire.SUBSCRIBER, 0), wire.badge(wire.GRADE, 24, "24"), wire.badge(wire.FANS, 23, "Ⅲ")]
    )
    decoded = fed(wire.envelope("WebcastChatMessage", wire.chat("hello", 5, SAID_MS, who), 5), packed=packed)

    mira = User("tiktok_11", "Mira", level=24, badge="Ⅲ", badge_level=23)
    assert decoded.events == [LiveEvent(SAID_MS, Comment(mira, "hello"), "5")]


def test_a_fans_badge_without_a_text_is_called_fans() -> None:
    event = only("WebcastChatMessage", wire.chat("x", 5, SAID_MS, wire.user(badges=[wire.badge(wire.FANS, 3)])))

    assert event.user == User("tiktok_11", "Mira", badge="Fans", badge_level=3)


def test_a_user_without_a_nickname_goes_by_the_handle() -> None:
    event = only("WebcastChatMessage", wire.chat("x", 5, SAID_MS, wire.user(name="")))

    assert event.user == User("tiktok_11", "mira.live")


def test_a_user_whose_id_comes_as_text_only_has_it() -> None:
    event = only("WebcastChatMessage", wire.chat("x", 5, SAID_MS, {3: "Noa", 1028: "7007533916341928999"}))

    assert event.user == User("tiktok_7007533916341928999", "Noa")


def test_a_user_without_an_id_is_masked_and_stars_in_a_name_are_a_name() -> None:
    nobody = only("WebcastChatMessage", wire.chat("x", 5, SAID_MS, wire.user(0, "someone")))
    stars = only("WebcastChatMessage", wire.chat("x", 5, SAID_MS, wire.user(12, "a***b")))

    assert nobody.user == User("tiktok_0", "someone", masked=True)
    assert stars.user == User("tiktok_12", "a***b")


def test_the_id_inside_the_message_stands_in_for_a_missing_one() -> None:
    assert only("WebcastChatMessage", wire.chat("x", 77, SAID_MS)).id == "77"
    assert only("WebcastChatMessage", wire.chat("x", 77, SAID_MS), 78).id == "78"
    assert only("WebcastChatMessage", wire.chat("x", 0, SAID_MS)).id == ""


@pytest.mark.parametrize(
    ("told_ms", "expected_ms"),
    [(0, AT_MS), (SAID_MS // 1000, SAID_MS), (SAID_MS, SAID_MS), (2**62, AT_MS), (-1, AT_MS)],
)
def test_a_time_in_seconds_is_read_and_an_impossible_one_is_the_receipts(told_ms: int, expected_ms: int) -> None:
    assert only("WebcastChatMessage", wire.chat("x", 5, told_ms)).timestamp_ms == expected_ms


def test_text_that_is_not_utf8_costs_its_characters_and_not_the_message() -> None:
    payload = wire.encoded(
        {1: wire.common("WebcastChatMessage", 5, SAID_MS), 2: {1: 11, 3: b"Mi\xffra"}, 3: b"he\xf0\x9fy"}
    )

    event = only("WebcastChatMessage", payload)

    assert isinstance(event.content, Comment)
    assert (event.content.user.name, event.content.text) == ("Mi\ufffdra", "he\ufffdy")


def test_a_comment_without_words_is_nothing() -> None:
    decoded = fed(wire.envelope("WebcastChatMessage", wire.chat("", 5, SAID_MS)))

    assert (decoded.events, decoded.ignored) == ([], ["WebcastChatMessage"])


def test_an_entry_is_a_join_and_its_member_count_is_no_viewer_count() -> None:
    assert only("WebcastMemberMessage", wire.member(6, SAID_MS)).content == Join(MIRA)


def test_another_action_of_a_member_is_nothing() -> None:
    assert fed(wire.envelope("WebcastMemberMessage", wire.member(6, SAID_MS, action=26))).events == []


def test_likes_are_counted() -> None:
    assert only("WebcastLikeMessage", wire.like(15, 7, SAID_MS)).content == Like(MIRA, 15)


def test_likes_of_nobody_are_nothing() -> None:
    payload = wire.encoded({1: wire.common("WebcastLikeMessage", 7, SAID_MS), 2: 15, 3: 90})

    assert fed(wire.envelope("WebcastLikeMessage", payload)).events == []


def test_a_streak_carries_its_running_total_and_when_it_began() -> None:
    began_ms = SAID_MS - 900
    content, streak = gift(wire.gift(4, 8, SAID_MS, group_id=began_ms, diamonds=5))

    assert content == Gift(MIRA, "Paper Crane", 4, 5, 20, "diamond")
    assert streak == Streak(str(began_ms), ended=False, started_at_ms=began_ms)


def test_the_end_mark_ends_the_streak() -> None:
    _, streak = gift(wire.gift(4, 8, SAID_MS, group_id=SAID_MS, ended=True))

    assert streak is not None
    assert streak.ended


def test_a_group_that_can_be_no_time_tells_nothing_of_when_the_streak_began() -> None:
    _, streak = gift(wire.gift(4, 8, SAID_MS, group_id=17))

    assert streak == Streak("17", started_at_ms=0)


def test_a_pack_multiplies_the_count() -> None:
    content, _ = gift(wire.gift(2, 8, SAID_MS, group_id=SAID_MS, pack=10, diamonds=3))

    assert (content.count, content.total_value) == (20, 60)


@pytest.mark.parametrize("kind", [2, 4])
def test_a_gift_that_makes_no_streak_counts_at_once(kind: int) -> None:
    content, streak = gift(wire.gift(1, 8, SAID_MS, kind=kind, diamonds=100))

    assert (content.count, content.total_value, streak) == (1, 100, None)


def test_a_streak_without_a_group_counts_by_its_end_mark_only() -> None:
    open_decoded = fed(wire.envelope("WebcastGiftMessage", wire.gift(3, 8, SAID_MS)))
    content, streak = gift(wire.gift(3, 9, SAID_MS, ended=True))

    assert (open_decoded.events, open_decoded.ignored) == ([], ["WebcastGiftMessage"])
    assert (content.count, streak) == (3, None)


def test_a_gift_that_tells_nothing_of_itself_goes_by_its_number_and_is_unpriced() -> None:
    payload = wire.encoded(
        {1: wire.common("WebcastGiftMessage", 8, SAID_MS), 2: 5487, 5: 2, 7: wire.user(), 11: SAID_MS}
    )

    content, streak = gift(payload)

    assert content == Gift(MIRA, "gift 5487", 2, 0, 0, "diamond", priced=False)
    assert streak == Streak(str(SAID_MS), started_at_ms=SAID_MS)


def test_absurd_numbers_of_a_gift_are_bounded() -> None:
    content, _ = gift(wire.gift(2**62, 8, SAID_MS, group_id=SAID_MS, pack=2**62, diamonds=2**62))

    assert (content.count, content.unit_value) == (MAX_INTEGER, MAX_INTEGER)


def test_a_negative_count_is_one() -> None:
    content, _ = gift(wire.gift(-3, 8, SAID_MS, group_id=SAID_MS))

    assert content.count == 1


def test_following_is_a_follow_and_sharing_is_nothing() -> None:
    assert only("WebcastSocialMessage", wire.social(1, 9, SAID_MS)).content == Follow(MIRA)
    assert fed(wire.envelope("WebcastSocialMessage", wire.social(3, 9, SAID_MS))).events == []


def test_a_subscription_is_one_gift_without_a_price_however_many_months_it_lasts() -> None:
    content = only("WebcastSubNotifyMessage", wire.subscription(10, SAID_MS, months=4)).content

    assert content == Gift(MIRA, "Subscription", 1, priced=False)


@pytest.mark.parametrize("watching", [1622, 0])
def test_viewers_are_those_of_now_and_a_missing_number_is_none_left(watching: int) -> None:
    event = only("WebcastRoomUserSeqMessage", wire.viewers(watching, 246399, 11, SAID_MS))

    assert event.content == Viewers(watching)


@pytest.mark.parametrize("action", [3, 4])
def test_the_end_of_the_live_is_noticed_and_ends_the_connection(action: int) -> None:
    decoded = fed(wire.envelope("WebcastControlMessage", wire.control(action, 12, SAID_MS)))

    assert [notice.kind for notice in decoded.notices] == [NoticeKind.ENDED]
    assert isinstance(decoded.end, RoomOfflineError)


@pytest.mark.parametrize("action", [1, 2])
def test_a_pause_is_nothing(action: int) -> None:
    decoded = fed(wire.envelope("WebcastControlMessage", wire.control(action, 12, SAID_MS)))

    assert (decoded.notices, decoded.end, decoded.ignored) == ([], None, ["WebcastControlMessage"])


def test_history_is_passed_over() -> None:
    decoded = fed(
        wire.envelope("WebcastChatMessage", wire.chat("old", 1, SAID_MS), 1, is_history=True),
        wire.envelope("WebcastChatMessage", wire.chat("new", 2, SAID_MS), 2),
    )

    assert [event.id for event in decoded.events] == ["2"]
    assert decoded.ignored == ["history"]


def test_known_messages_without_use_are_ignored_unread_and_new_ones_are_unknown() -> None:
    decoded = fed(
        wire.envelope("WebcastRankTextMessage", b"\xff\xff"),
        wire.envelope("WebcastBrandNewMessage", b"\xff\xff"),
        wire.envelope("no name at all \x00" * 9, b""),
    )

    assert decoded.ignored == ["WebcastRankTextMessage"]
    assert decoded.unknown == ["WebcastBrandNewMessage", "(odd name)"]
    assert not decoded.rejected


def test_one_broken_message_leaves_the_others_alone() -> None:
    decoded = fed(
        wire.envelope("WebcastChatMessage", b"\x12\x7fshort", 1),
        wire.envelope("", b"", 2),
        wire.envelope("WebcastChatMessage", wire.chat("fine", 3, SAID_MS), 3),
    )

    assert [str(error) for error in decoded.rejected] == [
        "WebcastChatMessage: is not readable protobuf (7 bytes)",
        "frame.messages[1].method: is missing, a name expected",
    ]
    assert [event.id for event in decoded.events] == ["3"]


def test_a_field_of_another_wire_type_is_skipped() -> None:
    payload = wire.encoded(
        {1: wire.common("WebcastChatMessage", 5, SAID_MS), 2: {1: "eleven", 3: "Noa", 64: 7}, 3: "hi", 14: 3}
    )

    assert only("WebcastChatMessage", payload).user == User("tiktok_0", "Noa", masked=True)


@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=300))
def test_arbitrary_payloads_never_raise_and_what_is_read_can_be_sent(method: str, payload: bytes) -> None:
    for event in fed(wire.envelope(method, payload, 1)).events:
        assert event.to_wire()


def test_no_name_is_both_read_and_ignored() -> None:
    assert not MESSAGES.keys() & IGNORED


def test_the_schema_holds_no_text_that_strict_parsing_could_refuse() -> None:
    texts = [
        f"{message.name}.{field.name}"
        for message in tiktok_pb2.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if field.type == field.TYPE_STRING
    ]

    assert texts == ["EnterRoom.identity", "EnterRoom.filter_welcome_message"]


def test_every_real_payload_is_read_or_known() -> None:
    counts: dict[str, int] = {}
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    for path in sorted(folder("tiktok").glob("*.json")):
        for method, entries in json.loads(path.read_text()).items():
            for entry in entries:
                payload = base64.b64decode(entry["eventData"])
                named = json.dumps({"method": method, "payload": entry["eventData"]})
                decoded = decoder.feed(Frame(named, AT_MS))
                assert not decoded.rejected, method
                assert not decoded.unknown, method
                assert len(decoded.events) + len(decoded.ignored) + len(decoded.notices) == 1
                for event in decoded.events:
                    counts[event.content.type.name] = counts.get(event.content.type.name, 0) + 1
                bare = decoder.feed(Frame(payload, AT_MS))
                assert list(bare.events) == list(decoded.events)
    # Read by a parser of its own: 59 comments, 64 entries, 52 likes, 52 gifts and 1 subscription, 35 follows, 73 counts.
    assert counts == {"COMMENT": 59, "JOIN": 64, "LIKE": 52, "GIFT": 53, "FOLLOW": 35, "VIEWERS": 73}


def test_real_gifts_hold_money_and_streaks() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    seen: list[LiveEvent] = []
    for path in sorted(folder("tiktok").glob("*.json")):
        for entry in json.loads(path.read_text()).get("WebcastGiftMessage", []):
            seen += decoder.feed(Frame(entry["eventData"], AT_MS)).events
    gifts = [event.content for event in seen if isinstance(event.content, Gift)]

    assert all(
        one.priced and one.currency == "diamond" and one.total_value == one.count * one.unit_value for one in gifts
    )
    assert {one.name: one.unit_value for one in gifts}["LIVE Fest Clappers"] == 100
    assert sum(event.streak is None for event in seen) == 3
    assert max(one.count for one in gifts) == 37


def test_the_platform_says_what_it_gives() -> None:
    assert PLATFORM.name == "tiktok"
    assert set(PLATFORM.event_types) == set(EventType)
    assert PLATFORM.replays_history
