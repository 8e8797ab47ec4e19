from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Comment, Follow, Gift, LiveEvent, PaidMessage, Twin, User
from bridge.sources.codecs.twitch_loyalty import TierValues
from bridge.sources.contract import Decoded, Frame, NoticeKind
from bridge.sources.platforms.twitch.eventsub import EventSubDecoder
from bridge.sources.platforms.twitch.irc import IrcDecoder
from bridge.sources.platforms.twitch.notifications import IGNORED_NOTIFICATIONS, NOTIFICATIONS, Channel
from bridge.sources.platforms.twitch.viewers import StreamState
from tests.sources.platforms.twitch_frames import AT_MS, SENT_AT_MS, chat, chat_notice, notification, session_message

TIERS: TierValues = (500, 1000, 2500)


def reading() -> EventSubDecoder:
    return EventSubDecoder(Channel(TIERS, StreamState()))


def fed(message: Any, decoder: EventSubDecoder | None = None) -> Decoded:
    return (decoder or reading()).feed(Frame(orjson.dumps(message).decode(), AT_MS))


def noticed(kind: str, body: Any, words: str = "", /, **more: Any) -> Decoded:
    return fed(chat_notice(kind, body, words, **more))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def content(decoded: Decoded) -> Any:
    return only(decoded).content


def test_a_comment_has_its_user_badge_time_and_id() -> None:
    badges = [{"set_id": "moderator", "id": "1", "info": ""}, {"set_id": "subscriber", "id": "3012", "info": "16"}]
    event = only(fed(chat("hello", badges=badges)))
    assert event == LiveEvent(SENT_AT_MS, Comment(User("twitch_42", "Ada", 0, "subscriber", 16), "hello"), "m-1")


def test_irc_and_eventsub_tell_the_same_event_for_the_same_message() -> None:
    tags = "@badge-info=subscriber/16;badges=subscriber/12;bits=100;display-name=Ada;id=m-1;user-id=42;room-id=41;"
    line = f"{tags}tmi-sent-ts={SENT_AT_MS} :ada!ada@ada.tmi.twitch.tv PRIVMSG #emberfox :Cheer100 hi"
    fragments = [{"type": "cheermote", "text": "Cheer100"}, {"type": "text", "text": " hi"}]
    frame = chat(
        "Cheer100 hi",
        badges=[{"set_id": "subscriber", "id": "12", "info": "16"}],
        cheer={"bits": 100},
        message={"text": "Cheer100 hi", "fragments": fragments},
    )
    assert only(IrcDecoder("emberfox", TIERS).feed(Frame(line, AT_MS))) == only(fed(frame))


@pytest.mark.parametrize(
    ("sent_at", "at_ms"),
    [
        ("2026-03-01T20:00:00Z", 1_772_395_200_000),
        ("2026-03-01T20:00:00.1234Z", 1_772_395_200_123),
        ("2026-03-01T20:00:00.12345678Z", 1_772_395_200_123),
        ("2026-03-01T20:00:00.999999999Z", 1_772_395_200_999),
        ("not a time", AT_MS),
        ("", AT_MS),
    ],
)
def test_times_have_any_number_of_digits(sent_at: str, at_ms: int) -> None:
    message = chat("x")
    message["metadata"]["message_timestamp"] = sent_at
    assert only(fed(message)).timestamp_ms == at_ms


@pytest.mark.parametrize("words", ["\x01ACTION waves\x01", "\x01ACTION waves"])
def test_a_me_line_is_its_text(words: str) -> None:
    assert content(fed(chat(words))).text == "waves"


@pytest.mark.parametrize(
    "fragments",
    [
        [
            {"type": "cheermote", "text": "Cheer60"},
            {"type": "text", "text": " "},
            {"type": "cheermote", "text": "Cheer40"},
            {"type": "text", "text": " \U000e0000"},
        ],
        [],
    ],
)
def test_a_cheer_of_cheermotes_alone_is_a_gift(fragments: list[Any]) -> None:
    message = {"text": "Cheer60 Cheer40", "fragments": fragments}
    gift = content(fed(chat("", message=message, cheer={"bits": 100})))
    assert gift == Gift(User("twitch_42", "Ada"), "Bits", 100, 1, 100, "bits")


def test_a_cheer_with_words_is_a_paid_message() -> None:
    fragments = [{"type": "cheermote", "text": "Cheer100"}, {"type": "emote", "text": "Kappa"}]
    message = {"text": "Cheer100 Kappa", "fragments": fragments}
    paid = content(fed(chat("", message=message, cheer={"bits": 100})))
    assert isinstance(paid, PaidMessage)
    assert (paid.text, paid.gift.count) == ("Cheer100 Kappa", 100)


def test_a_cheer_of_no_bits_is_a_comment() -> None:
    assert isinstance(content(fed(chat("hi", cheer={"bits": 0}))), Comment)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("sub", {"sub_tier": "1000", "is_prime": False, "duration_months": 1}, ("Tier 1", 1, 500)),
        ("sub", {"sub_tier": "1000", "is_prime": True, "duration_months": 1}, ("Prime", 1, 500)),
        ("sub", {"sub_tier": "3000", "is_prime": False, "duration_months": 6}, ("Tier 3", 6, 15_000)),
        ("resub", {"sub_tier": "2000", "duration_months": 0, "cumulative_months": 20}, ("Tier 2", 1, 1000)),
        ("sub_gift", {"sub_tier": "1000", "duration_months": 6, "community_gift_id": None}, ("Tier 1", 6, 3000)),
        ("community_sub_gift", {"id": "7", "sub_tier": "1000", "total": 20}, ("Tier 1", 20, 10_000)),
    ],
)
def test_subscriptions_count_what_was_bought(kind: str, body: dict[str, Any], expected: tuple[str, int, int]) -> None:
    gift = content(noticed(kind, body))
    assert (gift.name, gift.count, gift.total_value) == expected


def test_a_resubscription_with_a_text_is_a_paid_message() -> None:
    paid = content(noticed("resub", {"sub_tier": "1000", "is_gift": False}, "two years"))
    assert isinstance(paid, PaidMessage)
    assert (paid.text, paid.gift.name) == ("two years", "Tier 1")


def test_a_month_that_somebody_else_paid_costs_nothing_now() -> None:
    given_month = {"sub_tier": "1000", "is_gift": True}
    assert isinstance(content(noticed("resub", given_month)), Follow)
    assert isinstance(content(noticed("resub", given_month, "thanks")), Comment)


def test_the_parts_of_a_batch_wait_for_its_announcement_which_settles_it() -> None:
    part = noticed("sub_gift", {"sub_tier": "1000", "duration_months": 1, "community_gift_id": "77"})
    assert only(part).twin == Twin("77", settles=False, wait_secs=2.0)
    assert only(noticed("community_sub_gift", {"id": "77", "sub_tier": "1000", "total": 2})).twin == Twin(
        "77", settles=True
    )
    assert only(noticed("sub_gift", {"sub_tier": "1000", "community_gift_id": None})).twin is None


def test_an_anonymous_giver_is_nobody_in_particular() -> None:
    nobody = {"chatter_is_anonymous": True, "chatter_user_id": None, "chatter_user_login": None}
    gift = content(noticed("community_sub_gift", {"id": "7", "sub_tier": "1000", "total": 1}, **nobody))
    assert (gift.user.id, gift.user.masked) == ("twitch_0", True)


@pytest.mark.parametrize("kind", ["gift_paid_upgrade", "prime_paid_upgrade", "pay_it_forward"])
def test_going_on_with_a_gift_is_a_follow(kind: str) -> None:
    assert content(noticed(kind, {})) == Follow(User("twitch_42", "Ada"))


def test_an_announcement_is_a_comment() -> None:
    assert content(noticed("announcement", {"color": "PRIMARY"}, "soon")) == Comment(User("twitch_42", "Ada"), "soon")


def test_shared_chat_counts_where_it_was_written() -> None:
    assert fed(chat("x", source_broadcaster_user_id="99")).ignored == ("channel.chat.message/shared chat",)
    assert content(fed(chat("x", source_broadcaster_user_id="41"))).text == "x"
    assert noticed("shared_chat_sub", {}).ignored == ("channel.chat.notification/shared_chat_sub",)
    assert noticed("sub", {}, source_broadcaster_user_id="99").ignored == ("channel.chat.notification/sub/shared chat",)


def test_a_follow_has_its_own_time() -> None:
    event = only(
        fed(
            notification(
                "channel.follow", {"user_id": "42", "user_name": "Ada", "followed_at": "2026-03-01T19:59:59.5Z"}
            )
        )
    )
    assert event == LiveEvent(SENT_AT_MS - 623, Follow(User("twitch_42", "Ada")), "n-1")
    assert only(fed(notification("channel.follow", {"user_id": "42"}))).timestamp_ms == SENT_AT_MS


def test_what_other_subscriptions_would_tell_again_is_ignored() -> None:
    assert not IGNORED_NOTIFICATIONS & set(NOTIFICATIONS)
    for kind in ("channel.cheer", "channel.subscribe", "channel.subscription.gift", "channel.subscription.message"):
        assert fed(notification(kind, {})).ignored == (kind,)


def test_the_stream_going_live_and_ending_are_notices() -> None:
    decoder = reading()
    online = notification("stream.online", {"id": "9"})
    assert [notice.kind for notice in fed(online, decoder).notices] == [NoticeKind.LIVE]
    assert fed(online, decoder).notices == ()
    assert [notice.kind for notice in fed(notification("stream.offline", {}), decoder).notices] == [NoticeKind.ENDED]


def test_new_kinds_are_unknown() -> None:
    assert fed(notification("channel.new.thing", {})).unknown == ("channel.new.thing",)
    assert noticed("new_notice", {}).unknown == ("channel.chat.notification/new_notice",)
    assert fed(session_message("session_new")).unknown == ("session_new",)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ([], "metadata: is missing"),
        ({"metadata": {"message_type": "notification"}}, "payload.subscription: is missing"),
        (session_message("session_welcome"), "payload.session.id: is missing"),
        (session_message("session_reconnect", reconnect_url=None), "payload.session.reconnect_url: is NoneType"),
        (
            session_message("session_reconnect", reconnect_url="http://x"),
            "payload.session.reconnect_url: is no WebSocket",
        ),
        (notification("channel.chat.message", None), "payload.event: is NoneType"),
        (chat("", message={"text": 5}), "event.message.text: is int"),
        (chat("", cheer={"bits": "x"}), "event.cheer.bits: is str"),
        (notification("channel.chat.notification", {}), "event.notice_type: is missing"),
        (notification("channel.follow", {}), "event.user_id: is missing"),
    ],
)
def test_an_unreadable_field_is_named(message: Any, problem: str) -> None:
    assert str(fed(message).rejected[0]).startswith(problem)


@pytest.mark.parametrize("kind", ["sub", "resub", "sub_gift", "community_sub_gift"])
def test_a_notice_without_its_object_is_rejected(kind: str) -> None:
    assert str(noticed(kind, None).rejected[0]).startswith(f"event.{kind}: is NoneType")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("message", "cheer", "badges", "chatter_user_id", "notice_type", "sub", "resub", "sub_gift", "user_id", "id")


@given(st.sampled_from(sorted(NOTIFICATIONS)), st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_any_event_gives_a_result_and_never_an_exception(kind: str, event: Any) -> None:
    decoded = fed(notification(kind, event))
    assert [*decoded.events, *decoded.rejected, *decoded.ignored, *decoded.unknown, *decoded.notices]
