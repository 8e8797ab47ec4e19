from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PushRefusedError
from bridge.events import Comment, EventType, Follow, Gift, LiveEvent, PaidMessage, User
from bridge.sources.contract import NoticeKind, PushAnswer, PushReceiver, PushRequest
from bridge.sources.platforms.kick import PLATFORM
from bridge.sources.platforms.kick.options import PUBLIC_KEY, Options
from bridge.sources.platforms.kick.webhook import TOLERANCE_MS, Receiver
from tests.emulators.kick_signing import public_pem, signed_delivery
from tests.shared_captures import folder

SENT_MS = 1_760_000_000_000
AT_MS = SENT_MS + 400
MESSAGE_ID = "01HZX0000000000000000000AA"
BROADCASTER = {"user_id": 7001, "username": "Lanyou", "channel_slug": "lanyou", "is_anonymous": False}
NOA = {"user_id": 502, "username": "Noa", "channel_slug": "noa", "is_anonymous": False, "identity": None}
NOBODY = {"is_anonymous": True, "user_id": None, "username": None, "channel_slug": None}


def options(**changes: Any) -> Options:
    return Options(**{"room": "lanyou", "mode": "webhook", "public_key": public_pem(), **changes})


def request(headers: dict[str, str], body: bytes, at_ms: int = AT_MS) -> PushRequest:
    return PushRequest("POST", {name.lower(): value for name, value in headers.items()}, {}, body, at_ms)


def delivered(name: str, event: Any, **changes: Any) -> PushAnswer:
    headers, body = signed_delivery(name, event, at_ms=SENT_MS, message_id=MESSAGE_ID)
    return Receiver(options(**changes)).receive(request(headers, body))


def only(name: str, event: dict[str, Any]) -> LiveEvent:
    decoded = delivered(name, {"broadcaster": BROADCASTER, **event}).decoded
    assert not decoded.rejected
    (one,) = decoded.events
    return one


def refusal(headers: dict[str, str], body: bytes, at_ms: int = AT_MS) -> PushRefusedError:
    with pytest.raises(PushRefusedError) as caught:
        Receiver(options()).receive(request(headers, body, at_ms))
    return caught.value


def test_a_comment_has_its_user_badge_time_and_its_own_id() -> None:
    identity = {"username_color": "#F00", "badges": [{"text": "Subscriber", "type": "subscriber", "count": 3}]}
    event = only(
        "chat.message.sent",
        {
            "message_id": "c-1",
            "sender": {**NOA, "identity": identity},
            "content": "hi [emote:4:WAVE]",
            "emotes": None,
            "replies_to": {"message_id": "c-0", "content": "?"},
            "created_at": "2025-10-09T08:53:19.250Z",
        },
    )

    noa = User("kick_502", "Noa", badge="Subscriber", badge_level=3)
    assert event == LiveEvent(SENT_MS - 750, Comment(noa, "hi WAVE"), "c-1")


def test_an_anonymous_sender_is_masked() -> None:
    event = only("chat.message.sent", {"message_id": "c-1", "sender": {"is_anonymous": True}, "content": "hi"})

    assert event.user == User("kick_0", masked=True)


def test_a_follow_has_the_deliverys_id_and_time() -> None:
    assert only("channel.followed", {"follower": NOA}) == LiveEvent(
        SENT_MS, Follow(User("kick_502", "Noa")), MESSAGE_ID
    )


@pytest.mark.parametrize(("name", "months"), [("channel.subscription.new", 1), ("channel.subscription.renewal", 9)])
def test_a_subscription_is_one_gift_without_a_price_however_many_months_it_lasts(name: str, months: int) -> None:
    event = only(name, {"subscriber": NOA, "duration": months, "created_at": "2025-10-09T08:53:20Z"})

    assert event == LiveEvent(SENT_MS, Gift(User("kick_502", "Noa"), "Subscription", 1, priced=False), MESSAGE_ID)


@pytest.mark.parametrize(
    ("gifter", "user"),
    [
        (NOA, User("kick_502", "Noa")),
        (NOBODY, User("kick_0", masked=True)),
        (None, User("kick_0", masked=True)),
    ],
)
def test_gifted_subscriptions_count_their_giftees(gifter: dict[str, Any] | None, user: User) -> None:
    event = only("channel.subscription.gifts", {"gifter": gifter, "giftees": [NOA, NOA, NOA]})

    assert event.content == Gift(user, "Gifted subscription", 3, priced=False)


def test_kicks_without_words_are_a_gift_and_with_words_a_paid_message() -> None:
    gift = {"amount": 500, "name": "Paper Boat", "type": "BASIC", "tier": "MID", "message": ""}
    given_kicks = Gift(User("kick_502", "Noa"), "Paper Boat", 1, 500, 500, "kicks")

    assert only("kicks.gifted", {"sender": NOA, "gift": gift}).content == given_kicks
    paid = only("kicks.gifted", {"sender": NOA, "gift": {**gift, "message": "for you"}})
    assert paid.content == PaidMessage("for you", given_kicks)


@pytest.mark.parametrize(("is_live", "kind"), [(True, NoticeKind.LIVE), (False, NoticeKind.ENDED)])
def test_going_live_and_ending_are_noticed(is_live: bool, kind: NoticeKind) -> None:
    decoded = delivered("livestream.status.updated", {"broadcaster": BROADCASTER, "is_live": is_live}).decoded

    assert [notice.kind for notice in decoded.notices] == [kind]


def test_known_events_are_ignored_and_new_ones_are_unknown() -> None:
    assert delivered("moderation.banned", {}).decoded.ignored == ("moderation.banned",)
    assert delivered("channel.raided", {}).decoded.unknown == ("channel.raided",)
    assert delivered("", {}).decoded.unknown == ("(no type)",)


@pytest.mark.parametrize(
    ("room", "is_ours"),
    [("lanyou", True), ("LanYou", True), ("7001", True), ("other", False), ("7002", False)],
)
def test_an_event_of_another_channel_is_passed_over(room: str, is_ours: bool) -> None:
    decoded = delivered("channel.followed", {"broadcaster": BROADCASTER, "follower": NOA}, room=room).decoded

    assert bool(decoded.events) is is_ours
    assert decoded.ignored == (() if is_ours else ["another channel"])


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (b"not json", "body: is not JSON (8 bytes)"),
        ([], "body: is list, an object expected"),
        ({}, "content: is missing, a text expected"),
        ({"content": "x"}, "sender: is missing, an object expected"),
    ],
)
def test_what_cannot_be_read_in_a_verified_body_is_rejected_and_still_answered_with_200(
    event: Any, problem: str
) -> None:
    answer = delivered("chat.message.sent", event)

    assert answer.status == 200
    assert [str(error) for error in answer.decoded.rejected] == [problem]


@pytest.mark.parametrize("name", ["Kick-Event-Message-Id", "Kick-Event-Message-Timestamp", "Kick-Event-Signature"])
def test_a_call_without_one_of_its_headers_is_turned_away(name: str) -> None:
    headers, body = signed_delivery("channel.followed", {}, at_ms=SENT_MS)
    del headers[name]

    error = refusal(headers, body)

    assert (error.status, error.problem) == (401, f"{name.lower()} is missing")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Kick-Event-Message-Id", "01HZX0000000000000000000BB"),
        ("Kick-Event-Message-Timestamp", "2025-10-09T08:53:21Z"),
        ("Kick-Event-Signature", "AAAA"),
        ("Kick-Event-Signature", "not base64!"),
        ("Kick-Event-Signature", "é"),
    ],
)
def test_a_forged_call_is_turned_away(header: str, value: str) -> None:
    headers, body = signed_delivery("channel.followed", {"follower": NOA}, at_ms=SENT_MS)

    assert refusal({**headers, header: value}, body).status == 401


def test_a_changed_body_is_turned_away() -> None:
    headers, body = signed_delivery("channel.followed", {"follower": NOA}, at_ms=SENT_MS)

    assert refusal(headers, body + b" ").status == 401


@pytest.mark.parametrize("off_ms", [-TOLERANCE_MS - 1000, TOLERANCE_MS + 1000])
def test_a_stale_call_is_turned_away_whichever_way_it_is_off(off_ms: int) -> None:
    headers, body = signed_delivery("channel.followed", {"follower": NOA}, at_ms=SENT_MS)

    assert refusal(headers, body, SENT_MS + off_ms).status == 401


def test_a_timestamp_that_is_none_is_turned_away() -> None:
    headers, body = signed_delivery("channel.followed", {}, at_ms=SENT_MS)

    assert refusal({**headers, "Kick-Event-Message-Timestamp": "now"}, body).status == 401


def test_a_source_that_reads_the_socket_takes_no_calls() -> None:
    headers, body = signed_delivery("channel.followed", {"follower": NOA}, at_ms=SENT_MS)
    with pytest.raises(PushRefusedError, match="mode") as caught:
        Receiver(options(mode="socket")).receive(request(headers, body))

    assert caught.value.status == 403


def test_a_real_signed_call_is_verified_with_kicks_own_key_and_stale_today() -> None:
    headers = json.loads((folder("kick") / "webhook_signed_livestream.status.updated.headers.json").read_text())
    body = (folder("kick") / "webhook_signed_livestream.status.updated.body").read_bytes()
    receiver = Receiver(Options(mode="webhook", room="fusedchat"))
    sent_ms = 1_743_494_179_000

    answer = receiver.receive(request(headers, body, sent_ms + 900))

    assert [notice.kind for notice in answer.decoded.notices] == [NoticeKind.LIVE]
    with pytest.raises(PushRefusedError):
        receiver.receive(request(headers, body, SENT_MS))
    with pytest.raises(PushRefusedError):
        receiver.receive(request(headers, body.replace(b"true", b"null"), sent_ms))


def test_the_built_in_key_is_the_published_one() -> None:
    assert PUBLIC_KEY.split() == (folder("kick") / "kick_webhook_public_key.pem").read_text().split()


@given(
    st.dictionaries(
        st.sampled_from(["kick-event-message-id", "kick-event-signature", "kick-event-message-timestamp"]), st.text()
    )
)
def test_arbitrary_headers_are_turned_away(headers: dict[str, str]) -> None:
    assert refusal(headers, b"{}").status == 401


@pytest.mark.parametrize(
    ("given_options", "problem"),
    [
        ({"mode": "both"}, "mode: "),
        ({"room": ""}, "room: "),
        ({"room": "a/../b"}, "room: "),
        ({"public_key": "no key"}, "public_key: "),
        ({"chatroom_id": -1}, "chatroom_id: "),
        ({"websocket_url": "https://x"}, "websocket_url: "),
    ],
)
def test_options_that_cannot_work_are_refused(given_options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Options(**{"room": "lanyou", **given_options})


def test_the_platform_says_what_it_gives() -> None:
    assert PLATFORM.name == "kick"
    assert set(PLATFORM.event_types) == {EventType.COMMENT, EventType.GIFT, EventType.FOLLOW, EventType.VIEWERS}
    assert PLATFORM.receiver is not None
    assert isinstance(PLATFORM.receiver(options()), PushReceiver)
