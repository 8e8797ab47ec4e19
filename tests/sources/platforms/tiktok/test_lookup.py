from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from bridge.errors import (
    RoomNotFoundError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.secret import Secret
from bridge.sources.contract import Connection, HttpAnswer, Transport
from bridge.sources.platforms.tiktok import PLATFORM
from bridge.sources.platforms.tiktok.lookup import THROTTLED_SECS, USER_AGENT, locate
from bridge.sources.platforms.tiktok.options import Options
from tests.emulators import tiktok_wire as wire
from tests.sources.platforms.scripted_http import Answer, ScriptedHttp, json_answer

ROOM, INFO, SIGN, HOME = "/api-live/user/room/", "/webcast/room/info/", "/webcast/fetch", "/"
ROOM_ID = 7300000000000000001
SIGNED = wire.fetch_result(
    push_server="wss://webcast16-ws-useast1a.tiktok.com/webcast/im/push/", route_params={"wrss": "s+1/=", "imprp": "p"}
)


def live_room(status: int = 2, room_id: str | int = str(ROOM_ID), live_status: int = 2) -> HttpAnswer:
    user = {"id": "6900000000000000001", "roomId": room_id, "status": status}
    return json_answer({"statusCode": 0, "message": "", "data": {"user": user, "liveRoom": {"status": live_status}}})


def signed(status: int = 200, body: bytes = SIGNED, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {"x-set-tt-cookie": "ttwid=tw; Path=/; Secure", **headers}, body)


async def located(
    options: Options, *, room: Answer | None = None, sign: Answer | Sequence[Answer] | None = None
) -> tuple[Connection, ScriptedHttp]:
    home = HttpAnswer(302, cookies={"ttwid": "visitor", "tt_csrf_token": "no"})
    rooms = room or live_room()
    http = ScriptedHttp(
        {ROOM: rooms, f"/p{ROOM}": rooms, INFO: rooms, SIGN: sign or signed(), f"/p{SIGN}": signed(), HOME: home}
    )
    connections = await locate(options, http)
    assert len(connections) == 1
    return connections[0], http


async def failure(options: Options, **answers: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await located(options, **answers)
    return caught.value


def query(connection: Connection) -> dict[str, list[str]]:
    return parse_qs(urlsplit(connection.endpoint.url).query)


@pytest.mark.parametrize("handle", ["@lanyou.live", "lanyou.live"])
async def test_a_handle_is_looked_up_with_or_without_its_at(handle: str) -> None:
    connection, http = await located(Options(room=handle, sign_url="http://signer"))

    assert http.calls[0].full_url == (
        "https://www.tiktok.com/api-live/user/room/?aid=1988&sourceType=54&uniqueId=lanyou.live"
    )
    assert query(connection)["room_id"] == [str(ROOM_ID)]


async def test_the_signed_socket_is_the_push_server_with_what_the_signer_and_the_protocol_say() -> None:
    connection, _ = await located(Options(room="x", sign_url="http://signer"))
    endpoint, asked = connection.endpoint, query(connection)

    assert str(endpoint) == "wss://webcast16-ws-useast1a.tiktok.com/webcast/im/push/"
    assert (asked["wrss"], asked["imprp"]) == (["s+1/="], ["p"])
    assert asked["cursor"] == ["t-1700000000000_r-1"]
    assert asked["internal_ext"] == ["internal_src:dim|wss_push_room_id:1"]
    assert asked["version_code"] == ["180800", "270000"]
    assert (asked["compress"], asked["resp_content_type"], asked["identity"]) == (["gzip"], ["protobuf"], ["audience"])
    assert endpoint.transport is Transport.WEBSOCKET
    assert endpoint.subprotocols == ("echo-protocol",)
    assert endpoint.answers_pings is False
    assert endpoint.heartbeat_interval_secs == 10
    assert endpoint.silence_timeout_secs > 2 * 10
    assert endpoint.headers == {
        "User-Agent": USER_AGENT,
        "Origin": "https://www.tiktok.com",
        "Referer": "https://www.tiktok.com/",
        "Cookie": "ttwid=tw",
    }


async def test_the_signer_is_asked_at_its_documented_path_and_told_our_browser() -> None:
    options = Options(room="x", sign_url="http://127.0.0.1:7000/p", api_key=Secret("k-1"))
    _, http = await located(options)
    call = next(call for call in http.calls if "fetch" in call.url)

    assert call.url == "http://127.0.0.1:7000/p/webcast/fetch"
    assert dict(parse_qsl(urlsplit(call.full_url).query)) == {
        "client": "ttlive-python",
        "room_id": str(ROOM_ID),
        "user_agent": USER_AGENT,
        "platform": "web",
        "client_enter": "1",
    }
    assert call.headers["X-Api-Key"] == "k-1"


async def test_a_key_alone_means_the_public_signer() -> None:
    _, http = await located(Options(room="x", api_key=Secret("k-1")))

    assert http.calls[-1].url == "https://api.eulerstream.com/webcast/fetch"


async def test_without_a_key_none_is_sent() -> None:
    _, http = await located(Options(room="x", sign_url="http://signer"))

    assert "X-Api-Key" not in http.calls[-1].headers


async def test_the_session_goes_to_tiktok_and_never_to_the_signer() -> None:
    options = Options(room="x", sign_url="http://signer", cookie=Secret("sessionid=s3cret; ttwid=old\r\n"))
    connection, http = await located(options)
    room_call, sign_call = http.calls

    assert room_call.headers["Cookie"] == "sessionid=s3cret; ttwid=old"
    assert not any("s3cret" in text for text in (sign_call.full_url, *sign_call.headers.values()))
    # The signature belongs to the visitor that the signer was, so its cookie wins.
    assert connection.endpoint.headers["Cookie"] == "sessionid=s3cret; ttwid=tw"


async def test_the_session_does_not_go_where_a_signer_points() -> None:
    elsewhere = signed(body=wire.fetch_result(push_server="wss://tiktok.com.evil.example/push"))
    connection, _ = await located(
        Options(room="x", sign_url="http://signer", cookie=Secret("sessionid=s")), sign=elsewhere
    )

    assert connection.endpoint.headers["Cookie"] == "ttwid=tw"


async def test_a_socket_of_ones_own_replaces_the_push_server_and_keeps_the_query() -> None:
    options = Options(
        room="x", sign_url="http://signer", websocket_url="ws://127.0.0.1:9/ws?a=1", cookie=Secret("sid=s")
    )
    connection, _ = await located(options)

    assert connection.endpoint.url.startswith("ws://127.0.0.1:9/ws?a=1&aid=1988&")
    assert query(connection)["wrss"] == ["s+1/="]
    assert connection.endpoint.headers["Cookie"] == "sid=s; ttwid=tw"


async def test_without_a_signer_the_socket_is_tried_unsigned_as_a_visitor() -> None:
    connection, http = await located(Options(room="x"))

    assert http.paths == [ROOM, HOME]
    assert str(connection.endpoint) == "wss://webcast-ws.tiktok.com/webcast/im/ws_proxy/ws_reuse_supplement/"
    assert query(connection)["version_code"] == ["180800"]
    assert connection.endpoint.headers["Cookie"] == "ttwid=visitor"
    assert isinstance(connection.decoder.closed(1006, ""), SourceAuthError)


async def test_an_unsigned_socket_of_ones_own_needs_no_visitor() -> None:
    connection, http = await located(Options(room="x", websocket_url="ws://127.0.0.1:9/ws"))

    assert http.paths == [ROOM]
    assert str(connection.endpoint) == "ws://127.0.0.1:9/ws"
    assert "Cookie" not in connection.endpoint.headers


async def test_calls_go_to_another_base_where_one_is_set() -> None:
    _, http = await located(Options(room="x", api_base="http://127.0.0.1:8/p", websocket_url="ws://h/"))

    assert http.calls[0].url == "http://127.0.0.1:8/p/api-live/user/room/"


@pytest.mark.parametrize(
    "room",
    [live_room(4), live_room(2, "0"), live_room(2, ""), live_room(2, "9" * 20), live_room(live_status=4)],
    ids=["ended", "no room", "empty", "absurd", "live room ended"],
)
async def test_a_room_that_is_not_live_is_offline(room: HttpAnswer) -> None:
    assert isinstance(await failure(Options(room="x"), room=room), RoomOfflineError)


@pytest.mark.parametrize("body", [{"statusCode": 19881007}, {"statusCode": 10, "message": "user_not_found"}])
async def test_an_unknown_handle_is_no_room(body: dict[str, Any]) -> None:
    assert isinstance(await failure(Options(room="x"), room=json_answer(body)), RoomNotFoundError)


async def test_a_room_number_is_asked_about_instead() -> None:
    info = json_answer({"status_code": 0, "data": {"status": 2, "user_count": 5}})
    connection, http = await located(Options(room=str(ROOM_ID), sign_url="http://signer"), room=info)

    assert http.calls[0].full_url == f"https://webcast.tiktok.com/webcast/room/info/?aid=1988&room_id={ROOM_ID}"
    assert query(connection)["room_id"] == [str(ROOM_ID)]


async def test_a_number_that_is_no_room_number_is_no_room() -> None:
    assert isinstance(await failure(Options(room="9" * 40)), RoomNotFoundError)


@pytest.mark.parametrize("body", [{"status_code": 0, "data": {"status": 4}}, {"status_code": 30003, "data": {}}])
async def test_a_room_number_whose_live_is_over_is_offline(body: dict[str, Any]) -> None:
    assert isinstance(await failure(Options(room=str(ROOM_ID)), room=json_answer(body)), RoomOfflineError)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (HttpAnswer(403), SourceAuthError),
        (HttpAnswer(500), SourceUnavailableError),
        (HttpAnswer(200, body=b"<html>"), SourceUnavailableError),
        (json_answer({"statusCode": 10101, "data": {}}), SourceUnavailableError),
        (json_answer([]), SourceUnavailableError),
        (HttpAnswer(429), SourceThrottledError),
        (SourceUnavailableError("no answer"), SourceUnavailableError),
    ],
)
async def test_a_look_up_that_fails_says_how_to_go_on(answer: Answer, kind: type[SourceError]) -> None:
    assert type(await failure(Options(room="x"), room=answer)) is kind


@pytest.mark.parametrize(
    ("headers", "wait_secs"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"ratelimit-reset": "90"}, 90.0),
        ({"ratelimit-reset": "1790000000"}, THROTTLED_SECS),
        ({}, THROTTLED_SECS),
    ],
)
async def test_a_signer_that_wants_a_pause_gets_it(headers: dict[str, str], wait_secs: float) -> None:
    body = b'{"message": "Too many", "limit_label": "rate_limit_account_day"}'
    error = await failure(Options(room="x", api_key=Secret("k")), sign=HttpAnswer(429, headers, body))

    assert isinstance(error, SourceThrottledError)
    assert error.retry_after_secs == wait_secs
    assert "rate_limit_account_day" in error.problem


@pytest.mark.parametrize(
    ("answer", "kind", "names"),
    [
        (signed(401), SourceAuthError, "api_key: "),
        (signed(404), SourceAuthError, "sign_url: "),
        (signed(500), SourceUnavailableError, "the signer"),
        (signed(body=b""), SourceThrottledError, "TikTok turned the signed call away"),
        (signed(body=b"\x0a\xff"), SourceThrottledError, "the signer's answer"),
        (signed(body=wire.fetch_result(push_server="https://x/")), SourceThrottledError, "TikTok turned"),
        (signed(body=wire.fetch_result(push_server="wss://[x")), SourceThrottledError, "TikTok turned"),
    ],
)
async def test_a_signer_that_fails_says_how_to_go_on(answer: HttpAnswer, kind: type[SourceError], names: str) -> None:
    error = await failure(Options(room="x", sign_url="http://signer"), sign=answer)

    assert type(error) is kind
    assert error.problem.startswith(names)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HttpAnswer(200), "(HTTP 200)"),
        (HttpAnswer(200, {"handshake-msg": "DEVICE_BLOCKED"}), "(HTTP 200, DEVICE_BLOCKED)"),
        (HttpAnswer(415, {"handshake-msg": "<b>blocked</b>"}), "(HTTP 415, (odd name))"),
    ],
)
async def test_a_socket_that_tiktok_does_not_open_is_refused_for_a_while(answer: HttpAnswer, says: str) -> None:
    connection, _ = await located(Options(room="x", sign_url="http://signer"))
    assert connection.endpoint.handshake_refusal is not None
    error = connection.endpoint.handshake_refusal(answer)

    assert isinstance(error, SourceAuthError)
    assert error.problem.startswith("sign_url: ")
    assert says in error.problem


async def test_a_server_that_cannot_answer_just_now_refuses_nobody() -> None:
    connection, _ = await located(Options(room="x", sign_url="http://signer"))
    assert connection.endpoint.handshake_refusal is not None
    assert connection.endpoint.handshake_refusal(HttpAnswer(503)) is None


async def test_nothing_secret_shows_in_what_is_printed() -> None:
    options = Options(room="x", sign_url="http://signer", api_key=Secret("k-1"), cookie=Secret("sessionid=s"))
    connection, http = await located(options)

    shown = f"{options}{connection}{connection.endpoint}{http.calls}"
    assert not any(secret in shown for secret in ("k-1", "sessionid", "ttwid", "wrss"))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "room: "),
        ({"room": "a b"}, "room: "),
        ({"room": "https://www.tiktok.com/@x/live"}, "room: "),
        ({"room": "x", "sign_url": "signer:7000"}, "sign_url: "),
        ({"room": "x", "websocket_url": "https://x"}, "websocket_url: "),
        ({"room": "x", "api_base": "http://[bad"}, "api_base: "),
    ],
)
def test_options_that_cannot_work_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        PLATFORM.options(**given)
