from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Comment, Content, EventType, Follow, Gift, LiveEvent, PaidMessage, User
from bridge.sources.contract import Decoded, Decoder, Frame, NoticeKind
from bridge.sources.platforms.kick import PLATFORM
from bridge.sources.platforms.kick.messages import (
    SOCKET_IGNORED,
    SOCKET_MESSAGES,
    TOLD_BEFORE_BY,
    WEBHOOK_IGNORED,
    WEBHOOK_MESSAGES,
)
from bridge.sources.platforms.kick.socket import MAX_REMEMBERED, PROTOCOL_IGNORED, TOLD_TWICE_MS, PusherDecoder
from tests.shared_captures import folder

AT_MS = 1_760_000_000_500
SAID_MS = 1_760_000_000_000
SAID_AT = "2025-10-09T08:53:20Z"
DARA = User("kick_501", "Dara_M", level=37, badge="Subscriber", badge_level=3)


def frame(event: str, data: Any, channel: str = "chatrooms.70.v2") -> str:
    """Write a frame as Pusher does: the data is a JSON text inside the JSON."""
    return json.dumps({"event": event, "data": json.dumps(data), "channel": channel})


def sender(**changes: Any) -> dict[str, Any]:
    identity = {
        "color": "#BDFF28",
        "badges": [
            {"type": "moderator", "text": "Moderator"},
            {"type": "subscriber", "text": "Subscriber", "count": 3},
        ],
        "badges_v2": [
            {"name": "GOAT", "badge_type": "global", "selected": True},
            {"name": "level", "badge_type": "global", "metadata": {"level": 37}, "selected": False},
        ],
    }
    return {"id": 501, "username": "Dara_M", "slug": "dara-m", "identity": identity, **changes}


def offline() -> Decoder:
    return PLATFORM.offline_decoder(PLATFORM.offline_options())


def chat(content: str = "hello", **changes: Any) -> dict[str, Any]:
    return {
        "id": "c-1",
        "chatroom_id": 70,
        "content": content,
        "type": "message",
        "created_at": SAID_AT,
        "sender": sender(),
        **changes,
    }


def fed(event: str, data: Any) -> Decoded:
    return PusherDecoder(70, 71).feed(Frame(frame(event, data), AT_MS))


def only(event: str, data: Any) -> LiveEvent:
    decoded = fed(event, data)
    assert not decoded.rejected
    (one,) = decoded.events
    return one


def content(event: str, data: Any) -> Content:
    return only(event, data).content


def test_a_comment_has_its_user_level_badge_time_and_id() -> None:
    event = only("App\\Events\\ChatMessageEvent", chat())

    assert event == LiveEvent(SAID_MS, Comment(DARA, "hello"), "c-1")


def test_emotes_are_read_by_their_names() -> None:
    said = content("ChatMessageEvent", chat("[emote:37226:KEKW] no [emote:1:a b][emote:x:y] [emote:2:"))

    assert isinstance(said, Comment)
    assert said.text == "KEKW no a b[emote:x:y] [emote:2:"


def test_a_comment_of_endless_half_emotes_takes_no_time() -> None:
    said = content("ChatMessageEvent", chat("[emote:1:" * 100_000))

    assert isinstance(said, Comment)
    assert said.text == "[emote:1:" * 100_000


def test_a_comment_without_words_is_nothing() -> None:
    assert fed("ChatMessageEvent", chat("")) == Decoded(ignored=["ChatMessageEvent"])


@pytest.mark.parametrize(
    ("written", "expected_ms"),
    [
        ("2025-10-09T08:53:20+00:00", SAID_MS),
        ("2025-10-09T10:53:20.123456789+02:00", SAID_MS + 123),
        ("2025-10-09T08:53:20", SAID_MS),
        ("yesterday", AT_MS),
        (None, AT_MS),
        (17, AT_MS),
        ("0001-01-01T00:00:00+14:00", AT_MS),
        ("9999-12-31T23:59:59-14:00", AT_MS),
    ],
)
def test_times_are_rfc_3339_and_an_impossible_one_is_the_receipts(written: Any, expected_ms: int) -> None:
    assert only("ChatMessageEvent", chat(created_at=written)).timestamp_ms == expected_ms


def test_a_sender_without_an_id_goes_by_the_name_and_without_a_name_is_masked() -> None:
    named = only("ChatMessageEvent", chat(sender={"id": None, "username": "Noa"}))
    nobody = only("ChatMessageEvent", chat(sender={"is_anonymous": True}))

    assert named.user == User("kick_Noa", "Noa")
    assert nobody.user == User("kick_0", masked=True)


@pytest.mark.parametrize(
    "name", ["App\\Events\\SubscriptionEvent", "SubscriptionEvent", "App\\Events\\ChannelSubscriptionEvent"]
)
def test_a_subscription_is_one_gift_without_a_price_however_many_months_it_lasts(name: str) -> None:
    told = only(name, {"chatroom_id": 70, "username": "Noa", "months": 6})

    assert told.content == Gift(User("kick_Noa", "Noa"), "Subscription", 1, priced=False)
    assert told.timestamp_ms == AT_MS


def test_a_subscription_told_by_two_names_counts_once_but_counts_again_next_month() -> None:
    decoder = PusherDecoder(70, 71)
    channel_one = frame("App\\Events\\ChannelSubscriptionEvent", {"user_ids": [9], "username": "noa", "channel_id": 71})
    room_one = frame("App\\Events\\SubscriptionEvent", {"chatroom_id": 70, "username": "Noa", "months": 6})

    first = decoder.feed(Frame(channel_one, AT_MS))
    second = decoder.feed(Frame(room_one, AT_MS + 1400))
    later = decoder.feed(Frame(room_one, AT_MS + 1400 + TOLD_TWICE_MS))

    assert len(first.events) == 1
    assert second == Decoded(ignored=["SubscriptionEvent"])
    assert len(later.events) == 1


def test_subscribers_without_a_name_are_never_one_person() -> None:
    decoder = PusherDecoder(70, 71)
    nameless = frame("SubscriptionEvent", {"chatroom_id": 70, "username": None, "months": 1})

    assert [len(decoder.feed(Frame(nameless, AT_MS)).events) for _ in range(2)] == [1, 1]


def test_what_is_remembered_of_subscribers_is_bounded() -> None:
    decoder = PusherDecoder(70, 71)
    for number in range(MAX_REMEMBERED + 50):
        decoder.feed(Frame(frame("SubscriptionEvent", {"username": f"u{number}", "months": 1}), AT_MS))

    assert len(decoder._told) == MAX_REMEMBERED


def gifted(names: list[str], total: int, payment: str = "pi_1") -> dict[str, Any]:
    return {
        "chatroom_id": 70,
        "correlation_id": payment,
        "gifted_usernames": names,
        "gifter_username": "Noa",
        "gifted_total": len(names),
        "gifter_total": total,
        "chunk_details": None,
    }


def test_gifted_subscriptions_count_their_giftees() -> None:
    told = content("GiftedSubscriptionsEvent", gifted(["a", "b", "c"], 12))

    assert told == Gift(User("kick_Noa", "Noa"), "Gifted subscription", 3, priced=False)


def test_gifted_subscriptions_that_also_come_as_the_givers_subscription_count_once() -> None:
    decoder = PusherDecoder(70, 71)
    gift = frame("App\\Events\\GiftedSubscriptionsEvent", gifted(["a"], 12))
    told_again = frame("App\\Events\\ChannelSubscriptionEvent", {"user_ids": [9], "username": "noa"})
    another = frame("App\\Events\\GiftedSubscriptionsEvent", gifted(["b"], 13))
    own = frame("App\\Events\\SubscriptionEvent", {"chatroom_id": 70, "username": "Noa", "months": 1})

    decoded = [decoder.feed(Frame(one, AT_MS + 900)) for one in (gift, told_again, another, own)]

    assert [len(one.events) for one in decoded] == [1, 0, 1, 1]
    assert decoded[1].ignored == ["ChannelSubscriptionEvent"]


def test_a_channels_subscription_of_several_users_is_a_gift_that_its_own_message_tells() -> None:
    told = fed("App\\Events\\ChannelSubscriptionEvent", {"user_ids": [5, 6], "username": "Noa", "channel_id": 71})

    assert told == Decoded(ignored=["ChannelSubscriptionEvent"])


def test_an_anonymous_giver_is_nobody_in_particular() -> None:
    event = only("GiftedSubscriptionsEvent", {**gifted(["a", "b"], 0), "gifter_username": "Anonymous"})

    assert event.user == User("kick_0", "Anonymous", masked=True)


def test_the_same_gifted_subscriptions_twice_share_an_id_and_the_next_or_another_chunk_have_their_own() -> None:
    ids = [
        only("GiftedSubscriptionsEvent", gifted(names, total)).id
        for names, total in [(["a"], 12), (["a"], 12), (["a"], 13), (["b"], 12)]
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(ids)


def test_gifted_subscriptions_that_nothing_tells_apart_have_no_id() -> None:
    event = only("GiftedSubscriptionsEvent", {"gifted_usernames": ["a"], "gifter_username": None})

    assert (event.id, event.user) == ("", User("kick_0", masked=True))


def test_kicks_are_a_gift_in_kicks_with_the_transaction_as_id() -> None:
    event = only(
        "KicksGifted",
        {
            "gift_transaction_id": "t-9",
            "message": " ",
            "sender": {"id": 501, "username": "Dara_M"},
            "gift": {"gift_id": "paper_boat", "name": "Paper Boat", "amount": 100, "type": "BASIC", "tier": "BASIC"},
            "created_at": "2025-10-09T08:53:20.373823974Z",
        },
    )

    assert event == LiveEvent(
        SAID_MS + 373, Gift(User("kick_501", "Dara_M"), "Paper Boat", 1, 100, 100, "kicks"), "t-9"
    )


def test_kicks_with_words_are_a_paid_message() -> None:
    told = content("KicksGifted", {"message": "for [emote:5:you]", "sender": {"id": 5}, "gift": {"amount": "500"}})

    assert told == PaidMessage("for you", Gift(User("kick_5"), "Kicks", 1, 500, 500, "kicks"))


def test_a_follow_is_told_and_an_unfollow_is_not() -> None:
    told = {"followersCount": 8, "channel_id": 71, "username": "Noa", "followed": True}

    assert content("FollowersUpdated", told) == Follow(User("kick_Noa", "Noa"))
    assert fed("FollowersUpdated", {**told, "followed": False}).events == ()
    assert fed("FollowersUpdated", {"followersCount": 8}).events == ()


@pytest.mark.parametrize(
    ("name", "kind"), [("StreamerIsLive", NoticeKind.LIVE), ("StopStreamBroadcast", NoticeKind.ENDED)]
)
def test_going_live_and_ending_are_noticed_and_the_chat_goes_on(name: str, kind: NoticeKind) -> None:
    decoded = fed(f"App\\Events\\{name}", {"livestream": {"id": 1, "channel": {"id": 71}}})

    assert [notice.kind for notice in decoded.notices] == [kind]
    assert decoded.end is None


def test_known_events_are_ignored_and_new_ones_are_unknown() -> None:
    assert fed("App\\Events\\PollUpdateEvent", {}).ignored == ("PollUpdateEvent",)
    assert fed("App\\Events\\GiftsLeaderboardUpdated", []).ignored == ("GiftsLeaderboardUpdated",)
    assert fed("App\\Events\\BrandNew" + "x" * 100, {}).unknown == (("BrandNew" + "x" * 100)[:64],)
    assert fed("pusher_internal:news", {}).unknown == ("pusher_internal:news",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KNOWN_KEYS = st.sampled_from(
    [
        *("content", "sender", "id", "user_id", "username", "identity", "badges", "badges_v2", "metadata", "level"),
        *("gift", "amount", "name", "created_at", "giftees", "gifted_usernames", "gifter", "gifter_username"),
        *("follower", "subscriber", "message", "broadcaster", "is_live"),
    ]
)


@given(st.sampled_from(sorted(SOCKET_MESSAGES)), st.dictionaries(KNOWN_KEYS, JSON | st.dictionaries(KNOWN_KEYS, JSON)))
def test_arbitrary_socket_data_never_raises_and_what_is_read_can_be_sent(name: str, data: dict[str, Any]) -> None:
    for event in fed(name, data).events:
        assert event.to_wire()


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200), JSON.map(json.dumps)))
def test_arbitrary_frames_never_raise(data: bytes | str) -> None:
    for decoder in (PusherDecoder(70), offline()):
        decoder.feed(Frame(data, AT_MS))


@given(st.dictionaries(KNOWN_KEYS, JSON | st.dictionaries(KNOWN_KEYS, JSON)))
def test_arbitrary_bare_messages_never_raise(data: dict[str, Any]) -> None:
    for event in offline().feed(Frame(json.dumps(data), AT_MS)).events:
        assert event.to_wire()


def test_captures_are_read_in_any_of_their_forms() -> None:
    decoder = offline()
    follow = {"follower": {"user_id": 5, "username": "Noa"}}
    delivery = {
        "headers": {"Kick-Event-Type": "channel.followed", "Kick-Event-Message-Id": "m-1"},
        "body": json.dumps(follow),
    }

    assert decoder.feed(Frame(frame("ChatMessageEvent", chat()), AT_MS)).events[0].id == "c-1"
    assert decoder.feed(Frame(json.dumps(chat()), AT_MS)).events[0].id == "c-1"
    assert decoder.feed(Frame(json.dumps(follow), AT_MS)).events[0].id == ""
    assert decoder.feed(Frame(json.dumps(delivery), AT_MS)).events[0].id == "m-1"
    assert decoder.feed(Frame('{"follower": {"user_id": 5 // a "note"\n}}', AT_MS)).events
    assert decoder.feed(Frame('{"something": "else"}', AT_MS)).unknown == ["(no type)"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (gifted(["a"], 1), ["GIFT"]),
        ({"chatroom_id": 70, "username": "Noa", "months": 1}, ["GIFT"]),
        ({"sender": {"id": 5}, "gift": {"amount": 5}}, ["GIFT"]),
        ({"broadcaster": {}, "sender": {"user_id": 5}, "gift": {"amount": 5}}, ["GIFT"]),
        ({"giftees": [{}], "gifter": {}}, ["GIFT"]),
        ({"subscriber": {}}, ["GIFT"]),
        ({"message_id": "m", "content": "x", "sender": {}}, ["COMMENT"]),
        ({"is_live": True}, []),
    ],
)
def test_bare_messages_are_told_apart_by_their_shape(body: dict[str, Any], names: list[str]) -> None:
    decoded = offline().feed(Frame(json.dumps(body), AT_MS))

    assert not decoded.rejected
    assert [event.content.type.name for event in decoded.events] == names


def test_no_name_is_both_read_and_ignored() -> None:
    assert not SOCKET_MESSAGES.keys() & SOCKET_IGNORED
    assert not WEBHOOK_MESSAGES.keys() & WEBHOOK_IGNORED
    assert not PROTOCOL_IGNORED & {"pusher:connection_established", "pusher:ping", "pusher:error"}
    assert SOCKET_MESSAGES.keys() >= TOLD_BEFORE_BY.keys()


def test_every_real_socket_frame_is_read_or_known() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    events: list[LiveEvent] = []
    for path in sorted(folder("kick").glob("*frames.jsonl")):
        for line in path.read_text().splitlines():
            decoded = decoder.feed(Frame(json.loads(line)["text"], AT_MS))
            assert not decoded.rejected
            assert not decoded.unknown
            events += decoded.events

    assert len(events) == len({event.id for event in events}) == 14
    assert {event.content.type for event in events} == {EventType.COMMENT}
    assert all(event.user and event.user.level for event in events)
    assert not any("[emote" in event.content.text for event in events if isinstance(event.content, Comment))


def test_every_real_webhook_body_is_read_or_known() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    told: dict[str, str] = {}
    for path in sorted(folder("kick").glob("webhook_*")):
        if path.suffix in {".json", ".body"} and not path.name.endswith("headers.json"):
            decoded = decoder.feed(Frame(path.read_bytes(), AT_MS))
            assert not decoded.rejected, path.name
            assert not decoded.unknown, path.name
            named = [event.content.type.name for event in decoded.events] + [
                notice.kind.value for notice in decoded.notices
            ]
            told[path.stem.split("_")[-1]] = " ".join(named or ["ignored"])

    assert told["ChatMessageSentEventPayload"] == "COMMENT"
    assert told["KicksGiftedEventPayload"] == "COMMENT"  # it has words
    assert told["ChannelGiftedSubscriptionEventPayload"] == "GIFT"
    assert told["ChannelFollowedEventPayload"] == "FOLLOW"
    assert told["Live"] == "live"
