from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import (
    RoomNotFoundError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.events import Content, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Connection, Frame, HttpAnswer, HttpCall, NoticeKind, Transport
from bridge.sources.platforms.kick.lookup import locate
from bridge.sources.platforms.kick.messages import WEBHOOK_MESSAGES
from bridge.sources.platforms.kick.options import Options
from tests.sources.platforms.scripted_http import Answer, ScriptedHttp, json_answer

AT_MS = 1_760_000_000_000
PAGE, CHANNELS, TOKEN = "/api/v2/channels/lanyou", "/public/v1/channels", "/oauth/token"
SUBSCRIPTIONS = "/public/v1/events/subscriptions"
APP: dict[str, Any] = {"client_id": Secret("app-1"), "client_secret": Secret("s3cret")}


def page(stream: dict[str, Any] | None = None) -> HttpAnswer:
    return json_answer({"id": 71, "slug": "lanyou", "chatroom": {"id": 70}, "livestream": stream})


def channel(viewers: int | None = 42, *, live: bool = True, slug: str = "Lanyou") -> HttpAnswer:
    stream = {"is_live": live, "viewer_count": viewers, "start_time": "2025-10-09T08:00:00Z"}
    return json_answer({"data": [{"broadcaster_user_id": 7001, "slug": slug, "stream": stream}], "message": "OK"})


def token(value: str = "t-1") -> HttpAnswer:
    return json_answer({"access_token": value, "token_type": "Bearer", "expires_in": 7200})


def scripted(**answers: Answer) -> ScriptedHttp:
    paths = {"page": PAGE, "channel": CHANNELS, "token": TOKEN, "subscriptions": SUBSCRIPTIONS}
    return ScriptedHttp({paths[name]: answer for name, answer in answers.items()})


async def located(options: Options, **answers: Answer) -> tuple[Connection, ScriptedHttp]:
    http = scripted(**{"page": page(), "channel": channel(), "token": token(), **answers})
    connections = await locate(options, http)
    assert len(connections) == 1
    return connections[0], http


async def failure(options: Options, **answers: Answer) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await located(options, **answers)
    return caught.value


def subscribed_channels(connection: Connection) -> int:
    established = '{"event":"pusher:connection_established","data":"{}"}'
    return len(connection.decoder.feed(Frame(established, AT_MS)).replies)


def authorization(call: HttpCall) -> str:
    assert call.sign is not None
    return call.sign(AT_MS)["Authorization"]


def contents(connection: Connection, call: HttpCall, answer: HttpAnswer) -> list[Content]:
    return [event.content for event in connection.decoder.answered(call, answer, AT_MS).events]


async def test_the_socket_needs_only_a_slug() -> None:
    connection, http = await located(Options(room="lanyou"))
    endpoint = connection.endpoint

    assert [call.url for call in http.calls] == ["https://kick.com/api/v2/channels/lanyou"]
    assert endpoint.url.startswith("wss://ws-us2.pusher.com/app/32cbd69e4b950bf97679?protocol=7&")
    assert endpoint.transport is Transport.WEBSOCKET
    assert subscribed_channels(connection) == 5
    assert endpoint.silence_timeout_secs > 30 + 2 * (endpoint.heartbeat_interval_secs or 0)


async def test_configured_numbers_spare_the_look_up_and_nobody_is_asked_for_viewers() -> None:
    connection, http = await located(Options(room="lanyou", chatroom_id=70, channel_id=71, websocket_url="ws://h/app"))

    assert http.calls == []
    assert connection.endpoint.url == "ws://h/app"
    assert connection.endpoint.polls == ()
    assert subscribed_channels(connection) == 5


async def test_a_configured_channel_number_wins_over_the_looked_up_one() -> None:
    connection, _ = await located(Options(room="lanyou", channel_id=99))
    established = '{"event":"pusher:connection_established","data":"{}"}'

    assert "channel.99" in str(connection.decoder.feed(Frame(established, AT_MS)).replies)


async def test_calls_go_to_another_base_where_one_is_set() -> None:
    options = Options(room="lanyou", api_base="http://127.0.0.1:8", auth_base="http://127.0.0.1:9", **APP)
    _, http = await located(options)

    assert [call.url for call in http.calls] == [
        "http://127.0.0.1:9/oauth/token",
        "http://127.0.0.1:8/public/v1/channels",
        "http://127.0.0.1:8/api/v2/channels/lanyou",
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "begins"),
    [
        (HttpAnswer(404), RoomNotFoundError, "room: "),
        (HttpAnswer(403), SourceAuthError, "chatroom_id: "),
        (HttpAnswer(503), SourceUnavailableError, "Kick answers the channel page"),
        (HttpAnswer(429, {"retry-after": "9"}), SourceThrottledError, "Kick asks for a pause"),
        (HttpAnswer(200, body=b"<html>"), SourceUnavailableError, "Kick's channel page"),
        (json_answer({"chatroom": None}), SourceUnavailableError, "Kick's channel page"),
        (json_answer([]), SourceUnavailableError, "Kick's channel page"),
    ],
)
async def test_a_page_that_fails_says_how_to_go_on(answer: HttpAnswer, kind: type[SourceError], begins: str) -> None:
    error = await failure(Options(room="lanyou"), page=answer)

    assert type(error) is kind
    assert error.problem.startswith(begins)
    assert not isinstance(error, SourceThrottledError) or error.retry_after_secs == 9


async def test_a_users_number_alone_does_not_find_the_chatroom() -> None:
    assert isinstance(await failure(Options(room="7001")), SourceAuthError)


async def test_without_credentials_the_page_tells_the_viewers() -> None:
    connection, _ = await located(Options(room="lanyou"))
    (poll,) = connection.endpoint.polls

    assert poll.interval_secs >= 60
    assert contents(connection, poll.call, page({"viewer_count": 321})) == [Viewers(321)]
    assert contents(connection, poll.call, page()) == []
    assert contents(connection, poll.call, HttpAnswer(403)) == []
    assert connection.decoder.answered(poll.call, HttpAnswer(200, body=b"<"), AT_MS).rejected


async def test_with_credentials_the_official_api_tells_the_viewers() -> None:
    connection, http = await located(Options(room="lanyou", **APP))
    (poll,) = connection.endpoint.polls

    assert http.calls[0].form == {"grant_type": "client_credentials", "client_id": "app-1", "client_secret": "s3cret"}
    assert poll.call.full_url == "https://api.kick.com/public/v1/channels?slug=lanyou"
    assert authorization(poll.call) == "Bearer t-1"
    assert contents(connection, poll.call, channel(42)) == [Viewers(42)]


async def test_a_users_number_is_asked_about_as_one() -> None:
    connection, _ = await located(Options(room="7001", chatroom_id=70, **APP))
    (poll,) = connection.endpoint.polls

    assert poll.call.query == {"broadcaster_user_id": "7001"}
    assert contents(connection, poll.call, channel(42)) == [Viewers(42)]


@pytest.mark.parametrize(
    "answer",
    [
        channel(0),
        channel(None),
        channel(-1),
        channel(42, live=False),
        channel(42, slug="other"),
        json_answer({"data": [7]}),
    ],
    ids=["hidden", "none", "negative", "not live", "another", "odd"],
)
async def test_no_number_is_better_than_a_false_one(answer: HttpAnswer) -> None:
    connection, _ = await located(Options(room="lanyou", **APP))

    assert contents(connection, connection.endpoint.polls[0].call, answer) == []


async def test_each_change_of_state_is_noticed_once_whoever_tells_it_first() -> None:
    connection, _ = await located(Options(room="lanyou", **APP))
    call, decoder = connection.endpoint.polls[0].call, connection.decoder

    def polled(*, live: bool) -> list[NoticeKind]:
        return [notice.kind for notice in decoder.answered(call, channel(5, live=live), AT_MS).notices]

    assert polled(live=False) == []
    assert polled(live=True) == [NoticeKind.LIVE]
    assert polled(live=True) == []
    decoder.feed(Frame('{"event":"App\\\\Events\\\\StopStreamBroadcast","data":"{}"}', AT_MS))
    assert polled(live=False) == []
    assert polled(live=True) == [NoticeKind.LIVE]
    assert polled(live=False) == [NoticeKind.ENDED]


async def test_a_refused_token_is_fetched_anew_and_the_call_made_again() -> None:
    connection, _ = await located(Options(room="lanyou", **APP))
    call, decoder = connection.endpoint.polls[0].call, connection.decoder

    (renewal,) = decoder.answered(call, HttpAnswer(401), AT_MS).calls
    (again,) = decoder.answered(renewal, token("t-2"), AT_MS).calls

    assert renewal.url == "https://id.kick.com/oauth/token"
    assert again is call
    assert authorization(call) == "Bearer t-2"
    assert contents(connection, call, channel(42)) == [Viewers(42)]


async def test_a_token_that_stays_refused_is_told_and_not_looped() -> None:
    connection, _ = await located(Options(room="lanyou", **APP))
    call, decoder = connection.endpoint.polls[0].call, connection.decoder
    (renewal,) = decoder.answered(call, HttpAnswer(401), AT_MS).calls
    decoder.answered(renewal, token("t-2"), AT_MS)

    decoded = decoder.answered(call, HttpAnswer(401), AT_MS)

    assert [notice.kind for notice in decoded.notices] == [NoticeKind.CREDENTIAL_WEAK]
    assert not decoded.calls
    assert decoder.answered(call, HttpAnswer(401), AT_MS).calls


async def test_a_credential_that_gets_no_token_is_told() -> None:
    connection, _ = await located(Options(room="lanyou", **APP))
    call, decoder = connection.endpoint.polls[0].call, connection.decoder
    (renewal,) = decoder.answered(call, HttpAnswer(401), AT_MS).calls

    decoded = decoder.answered(renewal, HttpAnswer(400, body=b"no"), AT_MS)

    assert [notice.detail.split(":")[0] for notice in decoded.notices] == ["client_secret"]
    assert decoder.answered(call, HttpAnswer(401), AT_MS).calls


@pytest.mark.parametrize(
    ("answers", "kind", "begins"),
    [
        ({"token": HttpAnswer(401)}, SourceAuthError, "client_secret: "),
        ({"token": json_answer({"access_token": "a\nb"})}, SourceAuthError, "client_secret: "),
        ({"token": HttpAnswer(500)}, SourceUnavailableError, "Kick answers the token call"),
        ({"token": HttpAnswer(429)}, SourceThrottledError, "Kick asks for a pause"),
        ({"channel": HttpAnswer(403)}, SourceAuthError, "client_id: "),
        ({"channel": HttpAnswer(502)}, SourceUnavailableError, "Kick answers the channel call"),
        ({"channel": HttpAnswer(200, body=b"<")}, SourceUnavailableError, "Kick's channel call"),
        ({"channel": json_answer({"data": []})}, RoomNotFoundError, "room: "),
    ],
)
async def test_credentials_that_fail_say_how_to_go_on(
    answers: dict[str, HttpAnswer], kind: type[SourceError], begins: str
) -> None:
    error = await failure(Options(room="lanyou", **APP), **answers)

    assert type(error) is kind
    assert error.problem.startswith(begins)
    assert "s3cret" not in str(error)


async def test_webhooks_without_credentials_need_no_connection() -> None:
    assert await locate(Options(room="lanyou", mode="webhook"), scripted()) == []


async def test_webhooks_with_credentials_are_subscribed_where_they_are_missing() -> None:
    connection, _ = await located(Options(room="lanyou", mode="webhook", **APP))
    viewers, subscriptions = connection.endpoint.polls
    present = {"data": [{"id": "s-1", "event": "chat.message.sent", "version": 1, "method": "webhook"}]}

    (call,) = connection.decoder.answered(subscriptions.call, json_answer(present), AT_MS).calls

    assert connection.endpoint.transport is Transport.POLLING
    assert viewers.call.tag == "channel"
    assert subscriptions.call.full_url == f"https://api.kick.com{SUBSCRIPTIONS}?broadcaster_user_id=7001"
    assert (call.method, call.url) == ("POST", f"https://api.kick.com{SUBSCRIPTIONS}")
    assert call.json["broadcaster_user_id"] == 7001
    assert call.json["method"] == "webhook"
    assert {one["name"] for one in call.json["events"]} == WEBHOOK_MESSAGES.keys() - {"chat.message.sent"}
    assert authorization(call) == "Bearer t-1"
    assert not connection.decoder.answered(call, json_answer({"data": []}), AT_MS).rejected


async def test_webhooks_that_are_all_subscribed_are_left_alone() -> None:
    connection, _ = await located(Options(room="lanyou", mode="webhook", **APP))
    everything = json_answer({"data": [{"event": name} for name in WEBHOOK_MESSAGES]})

    assert not connection.decoder.answered(connection.endpoint.polls[1].call, everything, AT_MS).calls


async def test_an_app_that_may_not_subscribe_is_told() -> None:
    connection, _ = await located(Options(room="lanyou", mode="webhook", **APP))

    decoded = connection.decoder.answered(connection.endpoint.polls[1].call, HttpAnswer(403), AT_MS)

    assert [notice.kind for notice in decoded.notices] == [NoticeKind.CREDENTIAL_WEAK]


async def test_frames_are_not_expected_beside_webhooks() -> None:
    connection, _ = await located(Options(room="lanyou", mode="webhook", **APP))

    assert connection.decoder.feed(Frame("x", AT_MS)).rejected


def test_half_a_credential_is_refused() -> None:
    with pytest.raises(ValueError, match="client_secret: "):
        Options(room="lanyou", client_id=Secret("app-1"))
