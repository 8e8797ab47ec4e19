from __future__ import annotations

from types import NoneType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RoomOfflineError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, LiveEvent, PaidMessage, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Decoder, Frame, HttpAnswer, HttpCall, NoticeKind, Transport
from bridge.sources.platforms.youtube import PLATFORM, locate
from bridge.sources.platforms.youtube.bookmark import MAX_SHORT_STREAMS, Bookmark
from bridge.sources.platforms.youtube.chat import ChatDecoder, PollDecoder, StreamDecoder
from bridge.sources.platforms.youtube.finding import LiveChat
from bridge.sources.platforms.youtube.items import CHAT_ENDED, IGNORED, MESSAGES
from bridge.sources.platforms.youtube.options import Options
from bridge.sources.platforms.youtube.quota import QuotaBudget
from tests.emulators.youtube import item
from tests.shared_captures import folder
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_800_000_000_000
OPTIONS = Options(room="video-1", api_key=Secret("key-1"))
VIEWER = User("youtube_UCviewer0000000000000007", "@viewer7")
SENT_AT_MS = 1_791_535_987_000


def fed(value: Any) -> Decoded:
    return ChatDecoder(OPTIONS).feed(Frame(value if isinstance(value, str) else orjson.dumps(value).decode(), AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def test_a_comment_has_its_user_time_and_id() -> None:
    assert only(fed(item(7))) == LiveEvent(SENT_AT_MS, Comment(VIEWER, "message 7"), id="LCC.7")


def test_the_display_text_stands_in_for_missing_details() -> None:
    one = item(7)
    one["snippet"]["textMessageDetails"] = {"messageText": None}
    assert only(fed(one)).content == Comment(VIEWER, "message 7")
    del one["snippet"]["textMessageDetails"]
    assert only(fed(one)).content == Comment(VIEWER, "message 7")


@pytest.mark.parametrize(
    ("flags", "badge"),
    [
        ({"isChatSponsor": True, "isChatModerator": True}, "member"),
        ({"isChatOwner": True}, "owner"),
        ({"isChatModerator": True}, "moderator"),
        ({}, ""),
    ],
)
def test_the_badge_is_what_the_author_is(flags: dict[str, bool], badge: str) -> None:
    one = item(7)
    one["authorDetails"].update(flags)
    user = only(fed(one)).user
    assert user is not None
    assert user.badge == badge


def test_an_item_without_author_details_keeps_the_channel() -> None:
    one = item(7)
    del one["authorDetails"]
    assert only(fed(one)).user == User(VIEWER.id)


def test_an_item_that_hides_its_author_is_nobodys_and_its_money_counts() -> None:
    sticker = item(7, "superStickerEvent", superStickerDetails={"amountMicros": "2990000", "currency": "USD"})
    del sticker["authorDetails"], sticker["snippet"]["authorChannelId"]
    nobody = User("youtube_0", masked=True)
    assert only(fed(sticker)).content == Gift(nobody, "Super Sticker USD", 1, 299, 299, "USD")


def test_a_super_chat_is_words_and_money_and_without_words_a_gift() -> None:
    details = {"amountMicros": "200000000", "currency": "JPY", "userComment": "頑張って", "tier": 2}
    gift = Gift(VIEWER, "Super Chat JPY", 1, 200, 200, "JPY")
    assert only(fed(item(7, "superChatEvent", superChatDetails=details))).content == PaidMessage("頑張って", gift)

    del details["userComment"]
    assert only(fed(item(7, "superChatEvent", superChatDetails=details))).content == gift
    assert only(fed(item(7, "superChatEvent", superChatDetails={**details, "userComment": " "}))).content == gift


def test_a_super_sticker_is_a_gift() -> None:
    details = {"superStickerMetadata": {"altText": "pear"}, "amountMicros": "2990000", "currency": "usd", "tier": 1}
    assert only(fed(item(7, "superStickerEvent", superStickerDetails=details))).content == Gift(
        VIEWER, "Super Sticker USD", 1, 299, 299, "USD"
    )


@pytest.mark.parametrize(
    "details",
    [
        {"giftDetails": {"giftName": "Rose", "jewelsAmount": 30, "comboCount": 3}},
        {"giftEventDetails": {"giftMetadata": {"giftName": "Rose", "jewelsAmount": "30"}, "comboCount": 3}},
    ],
    ids=["discovery document", "reference page"],
)
def test_jewels_are_read_in_both_forms_and_each_step_counts_one(details: dict[str, Any]) -> None:
    assert only(fed(item(7, "giftEvent", **details))).content == Gift(VIEWER, "Rose", 1, 30, 30, "jewels")


def test_jewels_without_an_amount_are_unpriced() -> None:
    content = only(fed(item(7, "giftEvent", giftDetails={"altText": "A rose"}))).content
    assert content == Gift(VIEWER, "A rose", 1, 0, 0, "jewels", priced=False)


def test_a_membership_is_a_gift_of_what_was_bought_by_it() -> None:
    new = item(7, "newSponsorEvent", newSponsorDetails={"memberLevelName": "Gold", "isUpgrade": False})
    old = item(7, "newSponsorEvent")
    given_away = item(
        7,
        "membershipGiftingEvent",
        membershipGiftingDetails={"giftMembershipsCount": 5, "giftMembershipsLevelName": "Gold"},
    )

    assert only(fed(new)).content == Gift(VIEWER, "Gold", 1, priced=False)
    assert only(fed(old)).content == Gift(VIEWER, "Membership", 1, priced=False)
    assert only(fed(given_away)).content == Gift(VIEWER, "Gold", 5, priced=False)


def test_a_received_membership_was_told_by_its_giver() -> None:
    assert list(fed(item(7, "giftMembershipReceivedEvent")).ignored) == ["giftMembershipReceivedEvent"]


def test_a_milestone_is_words_that_nobody_paid_for() -> None:
    details = {"memberMonth": 14, "memberLevelName": "Gold", "userComment": "fourteen!"}
    content = only(fed(item(7, "memberMilestoneChatEvent", memberMilestoneChatDetails=details))).content
    assert content == Comment(User(VIEWER.id, VIEWER.name, 0, "member", 14), "fourteen!")

    silent = item(7, "memberMilestoneChatEvent", memberMilestoneChatDetails={"memberMonth": 14})
    assert list(fed(silent).ignored) == ["memberMilestoneChatEvent"]
    assert list(fed(item(7, "memberMilestoneChatEvent")).ignored) == ["memberMilestoneChatEvent"]


@pytest.mark.parametrize(
    ("kind", "details", "path"),
    [
        ("superChatEvent", {}, "item.snippet.superChatDetails"),
        ("superChatEvent", {"superChatDetails": {"amountMicros": "1"}}, "superChatDetails.currency"),
        ("superChatEvent", {"superChatDetails": {"currency": "USD"}}, "superChatDetails.amountMicros"),
        (
            "superChatEvent",
            {"superChatDetails": {"amountMicros": "-1", "currency": "USD"}},
            "superChatDetails.amountMicros",
        ),
        (
            "superStickerEvent",
            {"superStickerDetails": {"amountMicros": "9007199254740993000", "currency": "USD"}},
            "superStickerDetails.amountMicros",
        ),
        ("giftEvent", {}, "item.snippet.giftEventDetails"),
        ("giftEvent", {"giftDetails": {"jewelsAmount": -1}}, "giftDetails.jewelsAmount"),
        (
            "membershipGiftingEvent",
            {"membershipGiftingDetails": {"giftMembershipsCount": 0}},
            "membershipGiftingDetails.giftMembershipsCount",
        ),
        ("textMessageEvent", {"textMessageDetails": {"messageText": 3}}, "textMessageDetails.messageText"),
        ("textMessageEvent", {"displayMessage": None}, "item.snippet.displayMessage"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_path(kind: str, details: dict[str, Any], path: str) -> None:
    assert [error.path for error in fed(item(7, kind, **details)).rejected] == [path]


def test_an_item_without_an_id_is_refused() -> None:
    one = item(7)
    del one["id"]
    assert [error.path for error in fed(one).rejected] == ["item.id"]


def test_a_page_gives_its_items_in_order_and_a_bad_one_costs_itself() -> None:
    answer = {
        "kind": "youtube#liveChatMessageListResponse",
        "items": [item(1), 5, item(2, "tombstone"), item(3, "brandNewEvent"), item(4)],
    }
    decoded = fed(answer)
    assert [event.id for event in decoded.events] == ["LCC.1", "LCC.4"]
    assert [error.path for error in decoded.rejected] == ["item.snippet"]
    assert (list(decoded.ignored), list(decoded.unknown)) == (["tombstone"], ["brandNewEvent"])


@pytest.mark.parametrize(
    "answer", [{"items": [item(1)], "offlineAt": "2026-10-09T09:00:00Z"}, {"items": [item(1), item(2, CHAT_ENDED)]}]
)
def test_the_end_of_the_chat_ends_the_connection_after_its_last_words(answer: dict[str, Any]) -> None:
    decoded = fed(answer)
    assert len(decoded.events) == 1
    assert [notice.kind for notice in decoded.notices] == [NoticeKind.ENDED]
    assert isinstance(decoded.end, RoomOfflineError)


def test_names_are_decoded_or_ignored() -> None:
    assert IGNORED & MESSAGES.keys() == {"memberMilestoneChatEvent"}


@pytest.mark.parametrize(
    ("value", "ignored", "unknown"),
    [
        ({"responseContext": {}, "continuationContents": {}}, ["web client answer"], []),
        ({"response": {"continuationContents": {}}}, ["web client answer"], []),
        ({"kind": "youtube#newThing"}, [], ["youtube#newThing"]),
        ({"zzz": 1, "aaa": 2}, [], ["aaa"]),
        ({}, [], ["{}"]),
        ([item(1), {"kind": "k" * 500}], [], ["k" * 64]),
    ],
)
def test_other_objects_are_ignored_or_unknown(value: Any, ignored: list[str], unknown: list[str]) -> None:
    decoded = fed(value)
    assert (list(decoded.ignored), list(decoded.unknown), list(decoded.rejected)) == (ignored, unknown, [])


def test_what_is_no_object_is_refused() -> None:
    assert [str(error) for error in fed("5").rejected] == ["is int, an object expected"]
    assert fed("{").rejected
    assert fed({"items": 5}).rejected


def test_an_error_within_the_stream_ends_it() -> None:
    pushed = {"error": {"code": 403, "errors": [{"reason": "quotaExceeded"}]}}
    decoded = ChatDecoder(OPTIONS).feed(Frame(orjson.dumps([pushed]), AT_MS))
    assert isinstance(decoded.end, SourceThrottledError)


def test_a_stream_is_read_object_by_object() -> None:
    decoder = ChatDecoder(OPTIONS)
    body = orjson.dumps([{"items": [item(1)]}, {"items": [item(2)]}])
    read = [decoder.feed(Frame(body[at : at + 100], AT_MS)) for at in range(0, len(body), 100)]
    assert [event.id for decoded in read for event in decoded.events] == ["LCC.1", "LCC.2"]
    assert [error.path for error in decoder.feed(Frame(b"<html>", AT_MS)).rejected] == ["stream"]


@given(st.one_of(st.binary(max_size=100), st.text(max_size=100)))
def test_arbitrary_bytes_never_raise(data: bytes | str) -> None:
    ChatDecoder(OPTIONS).feed(Frame(data, AT_MS))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(sorted(MESSAGES)),
    st.dictionaries(
        st.sampled_from(
            ["superChatDetails", "giftDetails", "giftEventDetails", "textMessageDetails", "membershipGiftingDetails"]
        ),
        st.dictionaries(
            st.sampled_from(["amountMicros", "currency", "userComment", "giftMetadata", "jewelsAmount", "messageText"]),
            JSON_VALUES,
        )
        | JSON_VALUES,
    ),
    JSON_VALUES,
)
def test_arbitrary_details_of_known_items_never_raise(kind: str, details: dict[str, Any], author: Any) -> None:
    one = {**item(1, kind, **details), "authorDetails": author}
    ChatDecoder(OPTIONS).feed(Frame(orjson.dumps(one).decode(), AT_MS))


VIDEO = HttpCall("GET", "https://x/videos", tag="video")
PAGE = HttpCall("GET", "https://x/liveChat/messages", tag="page")


def video(**details: Any) -> HttpAnswer:
    return json_answer({"kind": "youtube#videoListResponse", "items": [{"id": "v", "liveStreamingDetails": details}]})


def test_viewers_are_a_text_that_may_be_absent() -> None:
    decoder = ChatDecoder(OPTIONS)
    assert only(decoder.answered(VIDEO, video(concurrentViewers="321"), AT_MS)) == LiveEvent(AT_MS, Viewers(321))
    assert decoder.answered(VIDEO, video(activeLiveChatId="c"), AT_MS) == Decoded()
    assert only(fed(orjson.loads(video(concurrentViewers="0").body))).content == Viewers(0)


@pytest.mark.parametrize("answer", [video(actualEndTime="2026-10-09T09:00:00Z"), json_answer({"items": []})])
def test_an_ended_or_vanished_video_ends_the_connection(answer: HttpAnswer) -> None:
    decoded = ChatDecoder(OPTIONS).answered(VIDEO, answer, AT_MS)
    assert isinstance(decoded.end, RoomOfflineError)
    assert [notice.kind for notice in decoded.notices] == [NoticeKind.ENDED]


def test_a_viewer_count_that_cannot_be_had_costs_no_chat() -> None:
    decoder = ChatDecoder(OPTIONS)
    assert decoder.answered(VIDEO, HttpAnswer(503), AT_MS).end is None
    assert decoder.answered(VIDEO, HttpAnswer(302), AT_MS).end is None
    assert decoder.answered(VIDEO, HttpAnswer(200, body=b"<"), AT_MS).rejected
    assert (
        decoder.answered(VIDEO, json_answer({"error": {"errors": [{"reason": "quotaExceeded"}]}}, 403), AT_MS).end
        is None
    )


def test_a_credential_that_goes_bad_while_the_chat_is_open_is_a_warning() -> None:
    decoded = ChatDecoder(OPTIONS).answered(VIDEO, HttpAnswer(401), AT_MS)
    assert decoded.end is None
    assert [(notice.kind, notice.detail) for notice in decoded.notices] == [
        (NoticeKind.CREDENTIAL_WEAK, "api_key: YouTube refuses it (HTTP 401)")
    ]


CHAT = LiveChat("v", "chat-1", AT_MS)


def budget(options: Options) -> QuotaBudget:
    return QuotaBudget(options.quota_units_per_day, options.show_hours * 3600, AT_MS, AT_MS, share=options.quota_share)


def streaming(bookmark: Bookmark | None = None) -> StreamDecoder:
    return StreamDecoder(OPTIONS, CHAT, bookmark or Bookmark(), budget(OPTIONS))


def polling(**more: Any) -> PollDecoder:
    options = Options(room="v", api_key=Secret("k"), **more)
    return PollDecoder(options, CHAT, Bookmark(), budget(options))


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_refused_stream_is_a_loss_that_the_next_connection_makes_good(status: int) -> None:
    assert type(streaming().refused(HttpAnswer(status), AT_MS)) is SourceUnavailableError


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [(403, "liveChatEnded", RoomOfflineError), (403, "quotaExceeded", SourceThrottledError), (200, "", NoneType)],
)
def test_a_refused_stream_is_read_by_its_reason(status: int, reason: str, kind: type) -> None:
    refused = json_answer({"error": {"errors": [{"reason": reason}]}}, status)
    assert type(streaming().refused(refused, AT_MS)) is kind


def test_a_stream_that_knows_our_place_no_longer_begins_anew() -> None:
    bookmark = Bookmark("t2")
    stale = json_answer({"error": {"errors": [{"reason": "pageTokenInvalid"}]}}, 400)
    refused = streaming(bookmark).refused(stale, AT_MS)
    assert isinstance(refused, SourceThrottledError)
    assert refused.retry_after_secs == 0
    assert bookmark.page_token == ""
    assert type(streaming(bookmark).refused(stale, AT_MS)) is SourceUnavailableError


def test_that_the_show_is_on_is_told_once_a_connection() -> None:
    decoder = streaming()
    answers = [video(concurrentViewers="3"), HttpAnswer(503), video(concurrentViewers="4")]
    seen = [decoder.answered(VIDEO, answer, AT_MS) for answer in answers]
    assert [[notice.kind for notice in decoded.notices] for decoded in seen] == [[NoticeKind.LIVE], [], []]


def asked(decoder: Decoder) -> tuple[float, dict[str, str]]:
    wait_secs, (call,) = decoder.next_calls()
    return wait_secs, dict(call.query)


def test_pages_are_asked_for_at_once_and_then_by_their_token() -> None:
    decoder = polling()
    wait_secs, query = asked(decoder)
    assert wait_secs == 0
    assert query == {
        "liveChatId": "chat-1",
        "part": "id,snippet,authorDetails",
        "maxResults": "2000",
        "key": "k",
    }

    page = json_answer({"items": [item(1)], "nextPageToken": "t2", "pollingIntervalMillis": 30_000})
    assert len(decoder.answered(PAGE, page, AT_MS).events) == 1
    wait_secs, query = asked(decoder)
    assert (wait_secs, query["pageToken"]) == (30.0, "t2")


def test_the_quota_slows_what_the_chat_would_allow() -> None:
    page = json_answer({"items": [], "nextPageToken": "t", "pollingIntervalMillis": 1000})
    waits = []
    for more in ({"quota_units_per_day": 1_000_000}, {}, {"quota_share": 2}, {"show_hours": 24}):
        decoder = polling(**more)
        decoder.answered(PAGE, page, AT_MS)
        waits.append(asked(decoder)[0])
    assert waits[0] == 1.0
    assert 15 < waits[1] < 20
    assert 30 < waits[2] < 40
    assert 50 < waits[3] <= 60


def test_the_chats_wish_for_a_long_wait_is_obeyed() -> None:
    decoder = polling()
    decoder.answered(PAGE, json_answer({"items": [], "pollingIntervalMillis": 120_000}), AT_MS)
    assert asked(decoder)[0] == 120.0


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_a_page_that_cannot_be_read_is_not_asked_for_again_at_once(body: bytes) -> None:
    decoder = polling()
    decoder.answered(PAGE, HttpAnswer(200, body=body), AT_MS)
    assert asked(decoder)[0] >= 5.0


def test_too_fast_is_answered_by_doubling_and_forgotten_by_success() -> None:
    decoder = polling(quota_units_per_day=1_000_000)
    too_fast = json_answer({"error": {"errors": [{"reason": "rateLimitExceeded"}]}}, 403)
    waits = []
    for _ in range(6):
        assert decoder.answered(PAGE, too_fast, AT_MS).end is None
        waits.append(asked(decoder)[0])
    assert waits == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]

    decoder.answered(PAGE, json_answer({"items": [], "pollingIntervalMillis": 4000}), AT_MS)
    assert asked(decoder)[0] == 4.0


def test_a_stale_page_token_begins_anew() -> None:
    decoder = polling()
    decoder.answered(PAGE, json_answer({"items": [], "nextPageToken": "t2"}), AT_MS)
    stale = json_answer({"error": {"errors": [{"reason": "pageTokenInvalid"}]}}, 400)
    assert decoder.answered(PAGE, stale, AT_MS).end is None
    assert "pageToken" not in asked(decoder)[1]
    assert isinstance(decoder.answered(PAGE, stale, AT_MS).end, SourceUnavailableError)


def test_a_chat_that_has_ended_is_told_as_the_rooms_end() -> None:
    over = json_answer({"error": {"errors": [{"reason": "liveChatEnded"}]}}, 403)
    decoded = polling().answered(PAGE, over, AT_MS)
    assert isinstance(decoded.end, RoomOfflineError)
    assert [notice.kind for notice in decoded.notices] == [NoticeKind.ENDED]


def test_other_refusals_end_the_connection() -> None:
    decoder = polling()
    spent = json_answer({"error": {"errors": [{"reason": "quotaExceeded"}]}}, 403)
    assert isinstance(decoder.answered(PAGE, spent, AT_MS).end, SourceThrottledError)
    assert isinstance(decoder.answered(PAGE, HttpAnswer(500), AT_MS).end, SourceUnavailableError)


def test_an_access_token_goes_into_a_header_and_no_url() -> None:
    options = Options(room="v", api_key=Secret("k"), access_token=Secret("t"), api_base="http://127.0.0.1:1")
    call = options.call("videos", {"id": "v"}, "video")
    assert call.full_url == "http://127.0.0.1:1/youtube/v3/videos?id=v"
    assert call.headers == {"Authorization": "Bearer t"}
    assert "Bearer" not in repr(call)
    assert "key-1" not in repr(OPTIONS.call("videos", {}, "video"))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"room": ""}, "room: is missing"),
        ({"quota_units_per_day": 0}, "quota_units_per_day"),
        ({"quota_share": 0}, "quota_share"),
        ({"show_hours": 0}, "show_hours"),
        ({"show_hours": 25}, "show_hours"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(more: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Options(**{"room": "v", **more})


async def test_the_stream_is_tried_first_and_the_viewers_are_asked_for_once_a_minute() -> None:
    http = ScriptedHttp(
        {"/youtube/v3/videos": video(activeLiveChatId="chat 1", actualStartTime="2026-10-09T08:00:00Z")}
    )
    stream, pages = await locate(OPTIONS, http)

    assert stream.endpoint.transport is Transport.HTTP_STREAM
    assert stream.endpoint.url.startswith(
        "https://www.googleapis.com/youtube/v3/liveChat/messages/stream?liveChatId=chat+1"
    )
    assert "key-1" not in str(stream.endpoint)
    assert "key-1" not in repr(stream.endpoint)
    assert pages.endpoint.transport is Transport.POLLING
    assert [poll.interval_secs for poll in stream.endpoint.polls] == [60.0]


async def test_an_unreadable_answer_is_an_ordinary_trouble() -> None:
    for answer in (HttpAnswer(200, body=b"<html>"), HttpAnswer(502)):
        with pytest.raises(SourceUnavailableError):
            await locate(OPTIONS, ScriptedHttp({"/youtube/v3/videos": answer}))


async def test_the_next_connection_goes_on_where_the_last_one_left_off() -> None:
    http = ScriptedHttp({"/youtube/v3/videos": video(activeLiveChatId="chat-resumed")})
    stream, pages = await locate(OPTIONS, http)
    assert "pageToken" not in stream.endpoint.url
    stream.decoder.feed(Frame(orjson.dumps({"items": [item(1)], "nextPageToken": "t2"}), AT_MS))
    assert asked(pages.decoder)[1]["pageToken"] == "t2"

    (other, _) = await locate(OPTIONS, http)
    assert "pageToken" not in other.endpoint.url
    stream.decoder.farewell()
    (again, _) = await locate(OPTIONS, http)
    assert "pageToken=t2" in again.endpoint.url


async def test_streams_that_end_at_once_are_not_worth_their_units() -> None:
    http = ScriptedHttp({"/youtube/v3/videos": video(activeLiveChatId="chat-short")})
    transports = []
    for _ in range(MAX_SHORT_STREAMS + 1):
        connections = await locate(OPTIONS, http)
        connections[0].decoder.farewell()
        transports.append(connections[0].endpoint.transport)
    assert transports == [Transport.HTTP_STREAM] * MAX_SHORT_STREAMS + [Transport.POLLING]


def test_real_answers_and_items_are_never_refused() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    kinds: set[type] = set()
    for path in sorted(folder("youtube").glob("*.json")):
        body = path.read_bytes()
        whole = decoder.feed(Frame(body.decode(), AT_MS))
        streamed = decoder.feed(Frame(body, AT_MS))
        assert not whole.rejected
        assert not whole.unknown
        assert (list(whole.events), list(whole.ignored)) == (list(streamed.events), list(streamed.ignored))
        assert len(whole.events) == path.name.startswith("dataapi_")
        kinds.update(type(event.content) for event in whole.events)
    assert kinds == {Comment, Gift, PaidMessage}


def test_real_super_chats_are_exact() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    values = {}
    for path in sorted(folder("youtube").glob("dataapi_*uper*.json")):
        content = only(decoder.feed(Frame(path.read_text(encoding="utf-8"), AT_MS))).content
        gift = content.gift if isinstance(content, PaidMessage) else content
        assert isinstance(gift, Gift)
        values[path.name] = (gift.total_value, gift.currency)
    assert sorted(values.values()) == [(100, "CAD"), (200, "CAD"), (200, "JPY")]
