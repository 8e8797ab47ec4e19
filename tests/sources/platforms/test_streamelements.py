from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceAuthError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, LiveEvent, PaidMessage, User
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Frame, NoticeKind
from bridge.sources.platforms.streamelements import PLATFORM, TOPICS, GatewayDecoder, Options, locate
from bridge.sources.platforms.streamelements.messages import ACTIVITIES
from tests.shared_captures import folder
from tests.sources.platforms.odd_json import as_text, assert_sound, odd_objects
from tests.sources.platforms.scripted_http import ScriptedHttp

AT_MS = 1_770_000_000_000
TS = "2025-11-21T12:00:00Z"
TS_MS = 1_763_726_400_000
OPTIONS = Options(token=Secret("jwt-1"), room="5ad2")
EMBER = User("twitch_608800", "Ember")


def published(topic: str, data: dict[str, Any]) -> str:
    return orjson.dumps({"id": "01K", "ts": TS, "type": "message", "topic": topic, "data": data}).decode()


def activity(kind: str, provider: str = "twitch", **about: Any) -> str:
    data = {"username": "ember", "displayName": "Ember", "providerId": "608800", **about}
    return published("channel.activities", {"type": kind, "provider": provider, "data": data, "_id": f"a-{kind}"})


def answer(topic: str, error: str = "") -> str:
    return orjson.dumps({"type": "response", "nonce": topic, **({"error": error} if error else {})}).decode()


def fed(text: str, decoder: GatewayDecoder | None = None) -> Decoded:
    return (decoder or GatewayDecoder(OPTIONS)).feed(Frame(text, AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def test_each_topic_is_subscribed_to_with_the_token() -> None:
    requests = [orjson.loads(text) for text in GatewayDecoder(OPTIONS).greeting()]
    assert [request["data"]["topic"] for request in requests] == list(TOPICS)
    assert requests[0]["type"] == "subscribe"
    assert requests[0]["data"] == {"topic": TOPICS[0], "token": "jwt-1", "token_type": "jwt", "room": "5ad2"}
    (other, *_) = GatewayDecoder(Options(token=Secret("k"), token_type="apikey")).greeting()
    assert orjson.loads(other)["data"] == {"topic": TOPICS[0], "token": "k", "token_type": "apikey"}


def test_a_reconnect_is_followed_with_its_token_and_without_subscribing_again() -> None:
    decoder = GatewayDecoder(OPTIONS)
    decoded = fed('{"type": "reconnect", "data": {"reconnect_token": "a.b/c="}}', decoder)
    assert decoded.follow == "wss://astro.streamelements.com/?reconnect_token=a.b%2Fc%3D"
    assert decoder.followed().greeting() == ()


def test_a_reconnect_token_of_no_real_text_makes_a_url_all_the_same() -> None:
    follow = fed('{"type": "reconnect", "data": {"reconnect_token": "\\ud800 &"}}').follow
    assert follow == "wss://astro.streamelements.com/?reconnect_token=%3F+%26"


def test_a_token_refused_for_everything_ends_the_connection_and_names_the_option() -> None:
    decoder = GatewayDecoder(OPTIONS)
    (notice,) = fed(answer("channel.activities", "err_unauthorized"), decoder).notices
    assert notice.kind is NoticeKind.CREDENTIAL_WEAK
    assert "channel.activities" in notice.detail
    end = fed(answer("channel.chat.message", "err_unauthorized"), decoder).end
    assert isinstance(end, SourceAuthError)
    assert "token" in str(end)


def test_a_topic_that_is_not_needed_may_be_refused() -> None:
    decoded = fed(answer("channel.stream.status", "err_bad_request"))
    assert decoded.end is None
    assert decoded.rejected


def test_other_refusals_mean_what_they_say() -> None:
    assert isinstance(fed(answer("channel.activities", "rate_limit_exceeded")).end, SourceThrottledError)
    decoder = GatewayDecoder(OPTIONS)
    fed(answer("channel.activities", "err_bad_request"), decoder)
    assert isinstance(fed(answer("channel.chat.message", "err_bad_request"), decoder).end, SourceUnavailableError)


@pytest.mark.parametrize("problem", ["err_deadline_exceeded", "err_internal_error"])
def test_a_fault_of_the_gateway_is_asked_about_again_and_then_on_another_connection(problem: str) -> None:
    decoder = GatewayDecoder(OPTIONS)
    for _ in range(2):
        (again,) = fed(answer("channel.activities", problem), decoder).replies
        assert orjson.loads(again)["data"]["topic"] == "channel.activities"
    last = fed(answer("channel.activities", problem), decoder)
    assert not last.replies
    assert isinstance(last.end, SourceUnavailableError)


def test_a_fault_with_a_topic_that_is_not_needed_leaves_the_connection() -> None:
    decoder = GatewayDecoder(OPTIONS)
    told = [fed(answer("channel.stream.status", "err_internal_error"), decoder) for _ in range(3)]
    assert [(len(one.replies), one.end) for one in told] == [(1, None), (1, None), (0, None)]


def test_an_answer_of_the_server_never_shows_itself() -> None:
    decoded = fed(answer("channel.stream.status", "jwt-1 is <wrong>"))
    assert "jwt-1" not in str(decoded.rejected[0])


@pytest.mark.parametrize(
    ("identity", "badge"),
    [
        (
            {"badges": [{"type": "moderator"}, {"type": "subscriber", "text": "Subscriber", "count": 3}]},
            ("Subscriber", 3),
        ),
        ({"badges": [{"type": "subscriber", "count": "7"}]}, ("Subscriber", 7)),
        ({"badges": [{"type": "moderator", "text": "Moderator"}, 5]}, ("", 0)),
        ({"badges": None}, ("", 0)),
        (None, ("", 0)),
    ],
)
def test_a_viewer_of_kick_wears_the_subscribers_badge(identity: Any, badge: tuple[str, int]) -> None:
    sender = {"user_id": 5, "username": "Reed", "identity": identity}
    said = published("channel.chat.message", {"message_id": "k-1", "sender": sender, "content": "wow"})
    assert only(fed(said)).content == Comment(User("kick_5", "Reed", 0, *badge), "wow")


@pytest.mark.parametrize(
    ("kind", "provider", "about", "gift"),
    [
        ("subscriber", "twitch", {"tier": "1000", "amount": 9}, ("Tier 1", 1, 500, "bits")),
        ("subscriber", "twitch", {"tier": "prime", "amount": 9}, ("Prime", 1, 500, "bits")),
        ("subscriber", "kick", {"amount": 9}, ("Subscription", 1, 0, "")),
        ("sponsor", "youtube", {"tier": "Gold"}, ("Gold", 1, 0, "")),
        ("cheer", "twitch", {"amount": 50}, ("Bits", 50, 50, "bits")),
        ("tip", "streamelements", {"amount": 4.2, "currency": "USD"}, ("Tip USD", 1, 420, "USD")),
        ("superchat", "youtube", {"amount": "200", "currency": "JPY"}, ("Super Chat JPY", 1, 200, "JPY")),
        ("communityGiftPurchase", "twitch", {"amount": 5, "tier": "2000"}, ("Tier 2", 5, 5000, "bits")),
        ("stars", "facebook", {"amount": 30}, ("Stars", 30, 30, "stars")),
    ],
)
def test_money_without_words_is_a_gift(kind: str, provider: str, about: dict[str, Any], gift: tuple[Any, ...]) -> None:
    content = only(fed(activity(kind, provider, **about))).content
    assert isinstance(content, Gift)
    assert (content.name, content.count, content.total_value, content.currency) == gift


def test_money_with_words_is_one_paid_message() -> None:
    content = only(fed(activity("tip", "streamelements", amount=1, currency="EUR", message="hi"))).content
    assert isinstance(content, PaidMessage)
    assert (content.text, content.gift.total_value) == ("hi", 100)


def test_months_so_far_are_not_what_was_bought() -> None:
    content = only(fed(activity("subscriber", tier="1000", amount=48))).content
    assert isinstance(content, Gift)
    assert content.count == 1


def test_subscriptions_given_are_counted_once_and_thank_the_giver() -> None:
    decoder = GatewayDecoder(OPTIONS)
    single = [activity("subscriber", tier="1000", gifted=True, sender="Ember", username=f"r{n}") for n in range(3)]
    batch = activity("communityGiftPurchase", tier="1000", amount=3)
    contents = [event.content for text in (*single[:1], batch, *single[1:]) for event in fed(text, decoder).events]
    assert [content.count for content in contents if isinstance(content, Gift)] == [1, 2]
    assert contents[0].user == User("twitch_ember", "Ember")


def test_a_tip_of_two_topics_has_one_id() -> None:
    donation = {"user": {"username": "Moss"}, "amount": 1, "currency": "USD", "message": ""}
    own = only(fed(published("channel.tips", {"donation": donation, "_id": "tip-1"})))
    told = only(fed(activity("tip", "streamelements", amount=1, currency="USD", tipId="tip-1")))
    assert own.id == told.id == "tip/tip-1"


def test_a_mocked_activity_is_nothing() -> None:
    data = {"type": "follow", "provider": "twitch", "isMock": True, "data": {"username": "x"}}
    assert fed(published("channel.activities", data)).ignored == ("channel.activities/follow/nothing",)


def test_a_comment_without_an_id_takes_the_messages_own() -> None:
    data = {"chatter_user_id": "1", "chatter_user_name": "A", "message": {"text": "hi"}}
    event = only(fed(published("channel.chat.message", data)))
    assert (event.id, event.timestamp_ms, event.content) == ("01K", TS_MS, Comment(User("twitch_1", "A"), "hi"))


def test_the_token_is_needed_and_never_shown() -> None:
    with pytest.raises(ValueError, match="token"):
        Options()
    assert "jwt-1" not in repr(OPTIONS)


async def test_the_gateway_is_at_its_address() -> None:
    (connection,) = await locate(OPTIONS, ScriptedHttp({}))
    assert connection.endpoint.url == "wss://astro.streamelements.com/"
    assert "jwt-1" not in repr(connection.endpoint)


def test_real_examples_are_read() -> None:
    for file in folder("streamelements").iterdir():
        text = re.sub(r"(?<=[,{]) *//[^\n]*", "", file.read_text())
        decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(text, AT_MS))
        assert not decoded.rejected, file.name
        assert not decoded.unknown, file.name


KEYS = [
    *("type", "provider", "data", "username", "displayName", "providerId", "amount", "currency", "tier", "message"),
    *("gifted", "sender", "isMock", "_id", "chatter_user_id", "snippet", "authorDetails", "content", "channel_id"),
    *("donation", "user", "isLive", "badges", "cheer", "bits", "text", "status"),
]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected_or_read(data: bytes) -> None:
    assert_sound(GatewayDecoder(OPTIONS).feed(Frame(data, AT_MS)))


@given(odd_objects(["type", "nonce", "error", "data", "topic", "id", "ts", "reconnect_token"]))
def test_arbitrary_envelopes_never_raise(message: dict[str, Any]) -> None:
    decoder = GatewayDecoder(OPTIONS)
    for kind in ("message", "response", "reconnect"):
        assert_sound(decoder.feed(Frame(as_text({**message, "type": kind}), AT_MS)))


@given(odd_objects(KEYS), st.sampled_from(["channel.chat.message", "channel.tips", "channel.stream.status"]))
def test_arbitrary_data_never_raises(data: dict[str, Any], topic: str) -> None:
    assert_sound(GatewayDecoder(OPTIONS).feed(Frame(as_text({"type": "message", "topic": topic, "data": data}), AT_MS)))


@given(odd_objects(KEYS), st.sampled_from(sorted(ACTIVITIES)), st.sampled_from(["twitch", "youtube", "kick"]))
def test_arbitrary_activities_never_raise(about: dict[str, Any], kind: str, provider: str) -> None:
    data = {"type": kind, "provider": provider, "data": about}
    frame = Frame(as_text({"type": "message", "topic": "channel.activities", "data": data}), AT_MS)
    assert_sound(GatewayDecoder(OPTIONS).feed(frame))


@pytest.mark.parametrize("badges", [None, 5, [None], [{"id": "1"}], [{"set_id": ["vip"]}], {"vip": 1}, [[]]])
def test_badges_that_are_none_leave_the_comment(badges: object) -> None:
    data = {"chatter_user_id": "77", "chatter_user_name": "Fern", "message": {"text": "hi"}, "badges": badges}
    event = only(fed(published("channel.chat.message", data)))
    assert event.content == Comment(User("twitch_77", "Fern"), "hi")


def test_a_message_with_neither_text_nor_object_is_rejected_with_its_path() -> None:
    messages: list[object] = [None, "hi", {"text": 5}, []]
    for message in messages:
        decoded = fed(published("channel.chat.message", {"chatter_user_id": "77", "message": message}))
        assert [error.path for error in decoded.rejected] == ["data.message.text"]
