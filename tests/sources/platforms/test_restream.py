from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.events import Comment, Gift, LiveEvent, PaidMessage, User
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Frame, HttpAnswer, NoticeKind
from bridge.sources.platforms.restream import EVENT_TYPES, ChatDecoder, Options, locate
from tests.sources.platforms.odd_json import as_text, assert_sound, odd_objects
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_770_000_000_000
CREATED_MS = 1_763_726_400_000
AVA = {"author": {"id": "a9", "displayName": "Ava"}}


def event(number: int, payload: object, created: object = CREATED_MS // 1000) -> str:
    inner = {"eventTypeId": number, "eventPayload": payload, "eventIdentifier": "e-1", "createdAt": created}
    return orjson.dumps({"action": "event", "payload": inner}).decode()


def fed(text: str) -> Decoded:
    return ChatDecoder().feed(Frame(text, AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (one,) = decoded.events
    return one


@pytest.mark.parametrize(
    ("number", "site"),
    [(4, "twitch"), (5, "youtube"), (25, "kick"), (13, "facebook"), (19, "facebook"), (24, "x"), (22, "trovo")],
)
def test_the_event_type_tells_the_site(number: int, site: str) -> None:
    one = only(fed(event(number, {**AVA, "text": "hi"})))
    assert one.content == Comment(User(f"{site}_a9", "Ava"), "hi")
    assert (one.id, one.timestamp_ms) == (f"e-1/{CREATED_MS}", CREATED_MS)


@pytest.mark.parametrize("created", [CREATED_MS, CREATED_MS // 1000, "2025-11-21T12:00:00Z", str(CREATED_MS)])
def test_times_are_read_in_all_their_forms(created: object) -> None:
    assert only(fed(event(4, {**AVA, "text": "hi"}, created))).timestamp_ms == CREATED_MS


@pytest.mark.parametrize("author", [{"nickname": "Ava"}, {"name": "Ava"}, {"username": "Ava"}])
def test_names_are_found_whatever_they_are_called(author: dict[str, str]) -> None:
    assert only(fed(event(1, {"author": author, "text": "hi"}))).user == User("discord_Ava", "Ava")


def test_a_comment_whose_author_is_left_out_is_nobodys() -> None:
    assert only(fed(event(11, {"text": "hi"}))).user == User("facebook_0", masked=True)


@pytest.mark.parametrize(
    ("told", "value", "currency"),
    [
        ({"donation": {"amount": 5.5, "currency": "USD"}}, 550, "USD"),
        ({"donation": {"amount": "200", "currency": "jpy"}}, 200, "JPY"),
        ({"donation": {"amountMicros": 1_500_000, "currency": "EUR"}}, 150, "EUR"),
        ({"amount": "$2.00"}, 200, "USD"),
        # as the documents name the fields, in the ways in which they can be filled
        ({"donation": {"amount": "5.00", "currencyString": "USD", "tier": 1}}, 500, "USD"),
        ({"donation": {"amount": "$2.00", "currencyString": "CAD", "tier": 1}}, 200, "CAD"),
        ({"donation": {"amount": "5.00", "currencyString": "€", "tier": 1}}, 500, "EUR"),
        ({"donation": {"amount": "500", "currencyString": "¥500", "tier": 1}}, 500, "JPY"),
    ],
)
def test_money_is_exact_in_all_its_forms(told: dict[str, Any], value: int, currency: str) -> None:
    sticker = only(fed(event(8, {**AVA, "text": "a waving cat", **told}))).content
    assert sticker == Gift(User("youtube_a9", "Ava"), f"Super Sticker {currency}", 1, value, value, currency)
    chat = only(fed(event(7, {**AVA, "text": "hi", **told}))).content
    assert isinstance(chat, PaidMessage)
    assert chat.gift.total_value == value


def test_a_whisper_is_no_comment_and_a_me_line_is_its_text() -> None:
    said = {**AVA, "text": "hi", "contentModifiers": {"me": True, "whisper": False}}
    assert only(fed(event(4, said))).content == Comment(User("twitch_a9", "Ava"), "hi")
    said["contentModifiers"] = {"me": False, "whisper": True}
    assert fed(event(4, said)).ignored == ("event type 4/nothing",)


@pytest.mark.parametrize(
    ("author", "badge", "months"),
    [
        ({"badges": [{"title": "Subscriber"}], "subscribedFor": 3}, "Subscriber", 3),
        ({"badges": [], "subscribedFor": None}, "", 0),
        ({"badges": ["partner"]}, "", 0),
        ({"isChatSponsor": True, "isChatModerator": True}, "member", 0),
        ({"isChatOwner": True, "isChatSponsor": False}, "owner", 0),
        ({"isChatModerator": True}, "moderator", 0),
    ],
)
def test_the_badge_is_what_the_author_is(author: dict[str, Any], badge: str, months: int) -> None:
    said = {"author": {**AVA["author"], **author}, "text": "hi"}
    assert only(fed(event(5, said))).user == User("youtube_a9", "Ava", 0, badge, months)


@pytest.mark.parametrize("number", [12, 14, 20])
def test_a_sticker_of_facebook_is_known_and_no_comment(number: int) -> None:
    assert fed(event(number, {**AVA, "link": "https://x.example/s.png"})).ignored == (f"event type {number}/nothing",)


@pytest.mark.parametrize(
    "reason",
    ["event_not_started", "facebook_event_not_live", "youtube_broadcast_completed", "youtube_livechat_ended"],
)
def test_a_channel_whose_show_is_not_on_is_nothing_to_mend(reason: str) -> None:
    info = {"action": "connection_info", "payload": {"eventSourceId": 13, "status": "error", "reason": reason}}
    assert fed(as_text(info)) == Decoded(ignored=("connection_info",))


def test_a_channel_that_restream_cannot_read_is_told_to_the_operator() -> None:
    info = {"action": "connection_info", "payload": {"eventSourceId": 13, "status": "error", "reason": "reauthorize"}}
    (notice,) = fed(as_text(info)).notices
    assert notice.kind is NoticeKind.CREDENTIAL_WEAK
    assert "reauthorize" in notice.detail


@pytest.mark.parametrize(("code", "reason"), [(1008, ""), (4001, ""), (1000, "Token expired"), (1006, "Unauthorized")])
def test_a_close_because_of_the_token_names_the_option(code: int, reason: str) -> None:
    error = ChatDecoder().closed(code, reason)
    assert isinstance(error, SourceAuthError)
    assert "access_token" in str(error)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "going away"), (1006, "connection lost"), (1011, "oops")]
)
def test_other_closes_are_ordinary_losses(code: int, reason: str) -> None:
    assert ChatDecoder().closed(code, reason) is None


async def test_the_token_goes_into_the_query_and_is_never_shown() -> None:
    options = Options(access_token=Secret("t&1"))
    (connection,) = await locate(options, ScriptedHttp({}))
    assert connection.endpoint.url == "wss://chat.api.restream.io/ws?accessToken=t%261"
    for shown in (repr(options), repr(connection.endpoint), str(connection.endpoint)):
        assert "t%261" not in shown
        assert "t&1" not in shown
    (connection,) = await locate(Options(access_token=Secret("t"), websocket_url="ws://x/y?a=1"), ScriptedHttp({}))
    assert connection.endpoint.url == "ws://x/y?a=1&accessToken=t"
    with pytest.raises(ValueError, match="access_token"):
        Options()


TOKEN_PATH = "/oauth/token"
RENEWING = Options(refresh_token=Secret("r0"), client_id=Secret("cid"), client_secret=Secret("csecret"))


async def test_a_refresh_token_gets_a_fresh_access_token_at_every_dial_and_is_itself_replaced() -> None:
    answers = [json_answer({"access_token": f"a{n}", "refresh_token": f"r{n}", "expires_in": 3600}) for n in (1, 2)]
    http = ScriptedHttp({TOKEN_PATH: answers})
    urls = [(await locate(RENEWING, http))[0].endpoint.url for _ in range(2)]

    assert [url.rpartition("=")[2] for url in urls] == ["a1", "a2"]
    assert [call.url for call in http.calls] == ["https://api.restream.io/oauth/token"] * 2
    assert all(call.once for call in http.calls)
    forms = [dict(call.form or {}) for call in http.calls]
    assert [form.pop("refresh_token") for form in forms] == ["r0", "r1"]
    assert forms == [{"grant_type": "refresh_token", "client_id": "cid", "client_secret": "csecret"}] * 2
    assert http.heirs.heir_of(Secret("r0")) == Secret("r2")


async def test_a_refresh_token_that_is_refused_gives_way_to_the_configured_one() -> None:
    http = ScriptedHttp({TOKEN_PATH: [HttpAnswer(400)]})
    http.heirs.keep(Secret("r0"), Secret("r1"))
    with pytest.raises(SourceAuthError, match="refresh_token: "):
        await locate(RENEWING, http)

    assert http.heirs.heir_of(Secret("r0")) == Secret("r0")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(429), SourceThrottledError),
        (HttpAnswer(502), SourceUnavailableError),
        (HttpAnswer(200, body=b"<html>"), SourceUnavailableError),
        (json_answer({"expires_in": 3600}), SourceUnavailableError),
    ],
)
async def test_without_a_new_token_the_old_refresh_token_is_kept(answer: HttpAnswer, error: type[SourceError]) -> None:
    http = ScriptedHttp({TOKEN_PATH: [answer]})
    http.heirs.keep(Secret("r0"), Secret("r1"))
    with pytest.raises(error) as caught:
        await locate(RENEWING, http)

    assert not [secret for secret in ("r0", "r1", "csecret") if secret in str(caught.value)]
    assert http.heirs.heir_of(Secret("r0")) == Secret("r1")


async def test_the_token_calls_can_be_pointed_elsewhere() -> None:
    http = ScriptedHttp({"/below/oauth/token": json_answer({"access_token": "a1"})})
    await locate(replace(RENEWING, auth_base="http://127.0.0.1:9/below"), http)

    assert [call.url for call in http.calls] == ["http://127.0.0.1:9/below/oauth/token"]


def test_a_refresh_token_needs_the_application_that_it_was_given_to() -> None:
    with pytest.raises(ValueError, match="refresh_token: cannot be used"):
        Options(refresh_token=Secret("r0"), client_id=Secret("cid"))


KEYS = ["author", "id", "displayName", "badges", "subscribedFor", "text", "donation", "amount", "currency",
        "amountMicros", "currencyString", "contentModifiers", "isChatOwner", "membership", "levelName", "giftMemberships", "count", "action", "payload"]  # fmt: skip


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected_or_read(data: bytes) -> None:
    assert_sound(ChatDecoder().feed(Frame(data, AT_MS)))


@given(odd_objects(KEYS), st.sampled_from(sorted(EVENT_TYPES)), odd_objects(KEYS))
def test_arbitrary_payloads_never_raise(payload: dict[str, Any], number: int, message: dict[str, Any]) -> None:
    decoder = ChatDecoder()
    assert_sound(decoder.feed(Frame(as_text(message), AT_MS)))
    assert_sound(decoder.feed(Frame(as_text({"action": "connection_info", "payload": payload}), AT_MS)))
    inner = {"eventTypeId": number, "eventPayload": payload, "createdAt": payload.get("id")}
    assert_sound(decoder.feed(Frame(as_text({"action": "event", "payload": inner}), AT_MS)))
