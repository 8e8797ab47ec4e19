from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceAuthError, SourceUnavailableError
from bridge.events import Comment, Follow, Gift, LiveEvent, PaidMessage, Twin, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Frame, NoticeKind
from bridge.sources.platforms.streamerbot import PLATFORM, HubDecoder, Options, authentication, locate
from bridge.sources.platforms.streamerbot.events import MESSAGES
from tests.shared_captures import folder
from tests.sources.platforms.odd_json import as_text, assert_sound, odd_objects
from tests.sources.platforms.scripted_http import ScriptedHttp

AT_MS = 1_770_000_000_000
TOLD_AT = "2025-11-21T08:00:01.1234567-04:00"
TOLD_AT_MS = 1_763_726_401_123
EMBER = User("twitch_608800", "Ember", 0, "subscriber", 16)
TWITCH_USER = {
    "id": "608800",
    "login": "ember",
    "name": "Ember",
    "badges": [
        {"name": "moderator", "version": "1", "info": ""},
        {"name": "subscriber", "version": "12", "info": "16"},
    ],
}
YOUTUBE_USER = {"id": "UCfern", "name": "Fern", "isSponsor": True}
FERN = User("youtube_UCfern", "Fern", 0, "member")


def happened(name: str, /, **data: Any) -> str:
    source, _, kind = name.partition(".")
    return orjson.dumps({"timeStamp": TOLD_AT, "event": {"source": source, "type": kind}, "data": data}).decode()


def fed(text: str, decoder: HubDecoder | None = None, **options: Any) -> Decoded:
    return (decoder or HubDecoder(Options(**options))).feed(Frame(text, AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def hello(**authentication_: str) -> str:
    told = {"request": "Hello", "session": "s", "info": {"version": "1.0.0"}}
    return orjson.dumps({**told, **({"authentication": authentication_} if authentication_ else {})}).decode()


def test_without_a_password_events_are_asked_for_at_once() -> None:
    older, newer = (orjson.loads(reply) for reply in fed(hello()).replies)
    assert (older["request"], older["id"], newer["id"]) == ("Subscribe", "subscribe", "subscribe-newer")
    asked = {f"{source}.{kind}" for one in (older, newer) for source, kinds in one["events"].items() for kind in kinds}
    assert asked == set(MESSAGES)


def test_a_challenge_is_answered_as_documented() -> None:
    secret = b64encode(sha256(b"hunter2" + b"salty").digest())
    expected = b64encode(sha256(secret + b"now").digest()).decode()
    assert authentication("hunter2", "salty", "now") == expected
    (reply,) = fed(hello(salt="salty", challenge="now"), password=Secret("hunter2")).replies
    assert orjson.loads(reply) == {"request": "Authenticate", "id": "authenticate", "authentication": expected}


def test_events_are_asked_for_when_the_password_was_accepted() -> None:
    assert len(fed('{"status": "ok", "id": "authenticate"}').replies) == 2
    assert isinstance(fed('{"status": "error", "id": "authenticate"}').end, SourceAuthError)


def test_a_missing_password_is_named_once_the_hub_insists_on_it() -> None:
    decoder = HubDecoder(Options())
    greeted = decoder.feed(Frame(hello(salt="salty", challenge="now"), AT_MS))
    assert greeted.end is None
    assert len(greeted.replies) == 2
    end = decoder.feed(Frame('{"status": "error", "id": "subscribe"}', AT_MS)).end
    assert isinstance(end, SourceAuthError)
    assert "password" in str(end)


def test_a_refused_subscription_ends_the_connection_but_not_one_for_newer_events() -> None:
    assert isinstance(fed('{"status": "error", "id": "subscribe"}').end, SourceUnavailableError)
    assert fed('{"status": "error", "id": "subscribe-newer"}').end is None


def test_the_hubs_time_with_seven_digits_and_an_offset_is_read() -> None:
    event = only(fed(happened("Twitch.ChatMessage", user=TWITCH_USER, text="hi", messageId="m")))
    assert event.timestamp_ms == TOLD_AT_MS
    assert event.id == "twitch/m"
    assert event.content == Comment(EMBER, "hi")


def test_older_and_newer_shapes_say_the_same() -> None:
    older = {"msgId": "m", "userId": "608800", "username": "ember", "displayName": "Ember", "message": "hi"}
    event = only(fed(happened("Twitch.ChatMessage", message={**older, "badges": TWITCH_USER["badges"]})))
    assert (event.content, event.id) == (Comment(EMBER, "hi"), "twitch/m")


@pytest.mark.parametrize(
    "who", [{"user": TWITCH_USER, "messageId": "m"}, {}], ids=["beside the message", "in the message"]
)
def test_a_cheer_may_tell_its_bits_in_its_message(who: dict[str, Any]) -> None:
    written = {"msgId": "m", "userId": "608800", "username": "ember", "displayName": "Ember", "bits": 100}
    cheer = only(fed(happened("Twitch.Cheer", **who, message={**written, "message": "Cheer100 hi"}))).content
    assert isinstance(cheer, PaidMessage)
    assert (cheer.text, cheer.gift.user.id, cheer.gift.count) == ("Cheer100 hi", "twitch_608800", 100)


def test_a_cheer_told_twice_has_one_id() -> None:
    cheer = fed(happened("Twitch.Cheer", user=TWITCH_USER, bits=100, text="Cheer100 hi", messageId="m"))
    chat = fed(happened("Twitch.ChatMessage", message={"msgId": "m", "userId": "608800", "message": "x", "bits": 100}))
    assert only(cheer).id == only(chat).id
    assert isinstance(only(cheer).content, PaidMessage)


def test_a_batch_is_tied_to_its_single_gifts() -> None:
    part = only(
        fed(
            happened("Twitch.GiftSub", user=TWITCH_USER, subTier="1000", communityGiftId="b", fromCommunitySubGift=True)
        )
    )
    whole = only(fed(happened("Twitch.GiftBomb", user=TWITCH_USER, sub_tier="1000", id="b", total=5)))
    assert part.twin == Twin("b", settles=False, wait_secs=2.0)
    assert whole.twin == Twin("b", settles=True)
    assert whole.content == Gift(EMBER, "Tier 1", 5, 500, 2500, "bits")
    alone = fed(
        happened("Twitch.GiftSub", user=TWITCH_USER, subTier="1000", communityGiftId="b", fromCommunitySubGift=False)
    )
    assert only(alone).twin is None


@pytest.mark.parametrize(
    "hidden", [{"anonymous": True}, {"isAnonymous": True}, {"user": {"id": "274598607", "login": "AnAnonymousGifter"}}]
)
def test_a_hidden_giver_is_nobody_in_particular(hidden: dict[str, Any]) -> None:
    event = only(fed(happened("Twitch.GiftBomb", **{"user": TWITCH_USER, "total": 1, "sub_tier": "1000", **hidden})))
    assert event.user is not None
    assert (event.user.id, event.user.masked) == ("twitch_0", True)


@pytest.mark.parametrize("name", ["Twitch.GiftBomb", "Twitch.GiftSub", "Kick.KicksGifted"])
def test_what_names_a_gift_does_not_name_a_giver_who_is_not_told(name: str) -> None:
    event = only(fed(happened(name, user=None, id="batch-1", name="Rage Quit", total=5, subTier="1000", amount=5)))
    assert event.user == User(f"{name.partition('.')[0].lower()}_0", masked=True)


@pytest.mark.parametrize(
    "data", [{"isTest": True}, {"is_test": True}, {"message": {"isTest": True, "userId": "1", "message": "x"}}]
)
def test_the_test_button_is_no_viewer_unless_wanted(data: dict[str, Any]) -> None:
    text = happened("Twitch.ChatMessage", **{"user": TWITCH_USER, "text": "hi", **data})
    assert fed(text).ignored == ("test",)
    assert fed(text, include_tests=True).events


@pytest.mark.parametrize(
    ("data", "value", "currency"),
    [
        ({"microAmount": 5_000_000, "currencyCode": "USD"}, 500, "USD"),
        ({"microAmount": "200000000", "currencyCode": "jpy"}, 200, "JPY"),
        ({"amount": "$2.00"}, 200, "USD"),
        ({"amount": 2.5, "currencyCode": "EUR"}, 250, "EUR"),
    ],
)
def test_money_is_exact_in_all_its_shapes(data: dict[str, Any], value: int, currency: str) -> None:
    content = only(fed(happened("YouTube.SuperChat", user=YOUTUBE_USER, message="", eventId="e", **data))).content
    assert content == Gift(FERN, f"Super Chat {currency}", 1, value, value, currency)


def test_an_anniversary_is_words_and_no_money() -> None:
    content = only(fed(happened("YouTube.MemberMileStone", user=YOUTUBE_USER, message="a year", months=12))).content
    assert content == Comment(User("youtube_UCfern", "Fern", 0, "member", 12), "a year")


def test_subscribing_to_a_youtube_channel_is_a_follow() -> None:
    told = {"createdAt": "2025-11-21T12:00:00Z", "username": "Moss", "userId": "UCmoss"}
    assert only(fed(happened("YouTube.NewSubscriber", **told))).content == Follow(User("youtube_UCmoss", "Moss"))


def test_viewers_of_all_sites_are_one_number() -> None:
    decoder = HubDecoder(Options())
    counts = [
        happened("Twitch.ViewerCountUpdate", viewers=10),
        happened("Kick.ViewerCountUpdate", viewerCount=5),
        happened("YouTube.StatisticsUpdated", concurrentViewers=7),
        happened("Twitch.StreamOffline"),
    ]
    assert [only(fed(text, decoder)).content for text in counts] == [Viewers(10), Viewers(15), Viewers(22), Viewers(12)]
    fed(happened("Kick.StreamOffline"), decoder)
    (notice,) = fed(happened("YouTube.BroadcastEnded"), decoder).notices
    assert notice.kind is NoticeKind.ENDED


def test_a_guests_channel_in_a_shared_chat_is_not_ours() -> None:
    text = happened("Twitch.ChatMessage", user=TWITCH_USER, text="hi", isFromSharedChatGuest=True)
    assert fed(text).ignored == ("Twitch.ChatMessage/nothing",)


@pytest.mark.parametrize("name", ["Twitch.Sub", "Twitch.ReSub", "Twitch.GiftSub", "Twitch.GiftBomb", "Twitch.Cheer"])
def test_what_was_paid_in_a_guests_channel_is_not_ours(name: str) -> None:
    paid = {"user": TWITCH_USER, "subTier": "1000", "total": 5, "id": "b", "bits": 100, "text": "hi"}
    assert fed(happened(name, **paid, isFromSharedChatGuest=True)).ignored == (f"{name}/nothing",)
    assert only(fed(happened(name, **paid, isFromSharedChatGuest=False, isInSharedChat=True)))


def test_new_events_are_unknown_and_listed_ones_ignored() -> None:
    assert fed(happened("Twitch.BrandNewThing")).unknown == ("Twitch.BrandNewThing",)
    assert fed(happened("Twitch.HypeTrainStart")).ignored == ("Twitch.HypeTrainStart",)
    assert fed(happened("Obs.SceneChanged")).ignored == ("Obs.SceneChanged",)


def test_the_password_is_never_shown() -> None:
    assert "hunter2" not in repr(Options(password=Secret("hunter2")))


async def test_the_hub_is_at_its_default_address() -> None:
    (connection,) = await locate(Options(), ScriptedHttp({}))
    assert connection.endpoint.url == "ws://127.0.0.1:8080/"


def test_real_messages_are_read() -> None:
    for file in folder("streamerbot").iterdir():
        decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(file.read_bytes(), AT_MS))
        assert len(decoded.events) == 1, file.name


KEYS = [
    *("user", "id", "login", "name", "message", "text", "bits", "badges", "subTier", "total", "count", "months"),
    *("recipients", "kicks", "amount", "currency", "microAmount", "currencyCode", "viewers", "jewelsAmount"),
    *("communityGiftId", "fromCommunitySubGift", "isTest", "publishedAt", "eventId", "messageId"),
]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected_or_read(data: bytes) -> None:
    assert_sound(HubDecoder(Options()).feed(Frame(data, AT_MS)))


@given(odd_objects(["event", "source", "type", "request", "status", "id", "authentication", "data", "timeStamp"]))
def test_arbitrary_envelopes_never_raise(message: dict[str, Any]) -> None:
    assert_sound(HubDecoder(Options(password=Secret("x"))).feed(Frame(as_text(message), AT_MS)))


@given(st.lists(odd_objects(KEYS), min_size=1, max_size=3), st.sampled_from(sorted(MESSAGES)))
def test_arbitrary_events_never_raise(parts: list[dict[str, Any]], name: str) -> None:
    decoder = HubDecoder(Options())
    source, _, kind = name.partition(".")
    for data in parts:
        for shaped in (data, {"user": data, **data}, {"user": TWITCH_USER, **data}):
            assert_sound(
                decoder.feed(Frame(as_text({"event": {"source": source, "type": kind}, "data": shaped}), AT_MS))
            )
