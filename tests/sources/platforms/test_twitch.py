from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import (
    RoomNotFoundError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.events import LiveEvent, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Decoded, DialLimit, Frame, HttpAnswer, NoticeKind
from bridge.sources.platforms.twitch import PLATFORM, Options, locate
from bridge.sources.platforms.twitch.eventsub import EventSubDecoder
from bridge.sources.platforms.twitch.irc import IrcDecoder
from bridge.sources.platforms.twitch.viewers import StreamState, ViewerWatch
from tests.shared_captures import folder
from tests.sources.platforms.scripted_http import Answer, ScriptedHttp, json_answer
from tests.sources.platforms.twitch_credentials import api, unrenewable
from tests.sources.platforms.twitch_frames import chat

AT_MS = 1_772_395_200_500

VALIDATE, TOKEN, USERS = "/oauth2/validate", "/oauth2/token", "/helix/users"
VALIDATED = json_answer({"client_id": "cid", "login": "helper", "user_id": "42", "expires_in": 5000})
USER = json_answer({"data": [{"id": "41", "login": "emberfox"}]})
WORKING: Mapping[str, Answer | Sequence[Answer]] = {VALIDATE: VALIDATED, USERS: USER}


def options(token: str, **more: Any) -> Options:
    return Options(room="EmberFox", access_token=Secret(token), **more)


@pytest.mark.parametrize(
    ("room", "login"),
    [
        ("EmberFox", "emberfox"),
        ("#emberfox", "emberfox"),
        ("https://www.twitch.tv/EmberFox", "emberfox"),
        ("twitch.tv/emberfox/", "emberfox"),
        (" ember_fox1 ", "ember_fox1"),
        ("", ""),
    ],
)
def test_a_room_is_a_login_however_it_was_pasted(room: str, login: str) -> None:
    assert Options(room=room).login == login


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"room": "two words"}, "room: "),
        ({"room": "émile"}, "room: "),
        ({"room": "https://example.org/x"}, "room: "),
        ({"refresh_token": Secret("x")}, "refresh_token: "),
        ({"websocket_url": "https://irc.example"}, "websocket_url: "),
        ({"eventsub_url": "eventsub.example"}, "eventsub_url: "),
        ({"sub_values": (1, 2, -3)}, "sub_values: "),
        ({"sub_values": (1, 2)}, "sub_values: "),
    ],
)
def test_wrong_options_are_refused_by_their_name(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        Options(**fields)


def test_credentials_are_never_shown() -> None:
    hidden = Secret("hidden-value")
    shown = repr(Options(client_id=hidden, client_secret=hidden, access_token=hidden, refresh_token=hidden))
    assert "client_secret" in shown
    assert "hidden-value" not in shown


async def test_without_a_token_irc_is_opened_and_nobody_is_asked() -> None:
    http = ScriptedHttp({})
    [connection] = await locate(Options(room="EmberFox", websocket_url="ws://127.0.0.1:9/x"), http)
    assert isinstance(connection.decoder, IrcDecoder)
    assert connection.endpoint.url == "ws://127.0.0.1:9/x"
    assert connection.endpoint.polls == ()
    assert "JOIN #emberfox" in connection.decoder.greeting()
    assert connection.endpoint.dial_limit == DialLimit(20, 10.0)
    assert http.calls == []


async def test_a_clients_credential_adds_the_viewer_count_to_irc() -> None:
    chosen = Options(room="emberfox", client_id=Secret("cid"), client_secret=Secret("csecret"))
    for asked in (1, 0):
        http = ScriptedHttp({TOKEN: json_answer({"access_token": "app-1"})})
        [connection] = await locate(chosen, http)
        assert isinstance(connection.decoder, IrcDecoder)
        [poll] = connection.endpoint.polls
        assert poll.call.full_url == "https://api.twitch.tv/helix/streams?user_login=emberfox"
        assert poll.call.sign is not None
        assert poll.call.sign(AT_MS) == {"Authorization": "Bearer app-1", "Client-Id": "cid"}
        assert len(http.calls) == asked


@pytest.mark.parametrize("answer", [HttpAnswer(403), HttpAnswer(503), SourceUnavailableError("no route")])
async def test_a_clients_credential_that_fails_costs_no_chat(answer: Answer) -> None:
    chosen = Options(room="emberfox", client_id=Secret("cid"), client_secret=Secret("wrong"))
    [connection] = await locate(chosen, ScriptedHttp({TOKEN: answer}))
    assert connection.endpoint.polls == ()
    notices = [connection.decoder.feed(Frame("PING", AT_MS)).notices for _ in range(2)]
    assert [[notice.kind for notice in some] for some in notices] == [[NoticeKind.CREDENTIAL_WEAK], []]
    assert notices[0][0].detail.startswith("no viewer count: ")


async def test_with_a_token_eventsub_is_opened() -> None:
    http = ScriptedHttp(WORKING)
    chosen = options(
        "t1", api_base="https://proxy.test/a", auth_base="https://proxy.test/b", eventsub_url="wss://e.test/ws"
    )
    http = ScriptedHttp({"/b/oauth2/validate": VALIDATED, "/a/helix/users": USER})
    [connection] = await locate(chosen, http)
    assert isinstance(connection.decoder, EventSubDecoder)
    assert connection.endpoint.url == "wss://e.test/ws"
    assert not connection.endpoint.answers_pings
    assert [poll.interval_secs for poll in connection.endpoint.polls] == [45.0, 3600.0]
    assert http.paths == ["/b/oauth2/validate", "/a/helix/users"]
    assert http.calls[0].sign is not None
    assert http.calls[0].sign(AT_MS)["Authorization"] == "OAuth t1"
    assert http.calls[1].query == {"login": "emberfox"}


@pytest.mark.parametrize(
    ("answers", "error", "problem"),
    [
        ({**WORKING, USERS: json_answer({"data": []})}, RoomNotFoundError, "room: "),
        ({**WORKING, USERS: json_answer({}, status=400)}, RoomNotFoundError, "room: "),
        ({**WORKING, VALIDATE: HttpAnswer(401)}, SourceAuthError, "access_token: "),
        ({**WORKING, VALIDATE: json_answer({"client_id": "cid"})}, SourceAuthError, "access_token: "),
        ({**WORKING, VALIDATE: HttpAnswer(429)}, SourceThrottledError, ""),
        ({**WORKING, USERS: HttpAnswer(503)}, SourceUnavailableError, ""),
        ({**WORKING, USERS: HttpAnswer(403)}, SourceUnavailableError, "Twitch does not say who"),
        ({**WORKING, USERS: HttpAnswer(404)}, SourceUnavailableError, "Twitch does not say who"),
        ({**WORKING, USERS: HttpAnswer(200, body=b"<html>")}, SourceUnavailableError, ""),
        ({**WORKING, VALIDATE: HttpAnswer(200, body=b"<html>")}, SourceUnavailableError, ""),
        ({**WORKING, VALIDATE: HttpAnswer(404)}, SourceUnavailableError, ""),
        ({**WORKING, VALIDATE: SourceUnavailableError("no route")}, SourceUnavailableError, "no route"),
    ],
)
async def test_what_stands_in_the_way_is_said(
    answers: Mapping[str, Answer], error: type[SourceError], problem: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(error, match=f"^{problem}"):
        await locate(options(request.node.name), ScriptedHttp(answers))


async def test_a_token_of_another_client_is_refused() -> None:
    with pytest.raises(SourceAuthError, match=r"^client_id: "):
        await locate(options("t2", client_id=Secret("other")), ScriptedHttp(WORKING))


async def test_no_room_is_no_room() -> None:
    with pytest.raises(RoomNotFoundError):
        await locate(Options(), ScriptedHttp({}))


@pytest.mark.parametrize("validation", [SourceUnavailableError("no route"), HttpAnswer(404), HttpAnswer(500)])
async def test_without_the_token_server_the_api_says_whose_the_token_is(validation: Answer) -> None:
    me = json_answer({"data": [{"id": "42"}]})
    http = ScriptedHttp({VALIDATE: validation, USERS: [me, USER]})
    [connection] = await locate(options("t3", client_id=Secret("cid")), http)
    assert isinstance(connection.decoder, EventSubDecoder)
    assert len(connection.endpoint.polls) == 1


async def test_a_throttled_call_waits_until_the_budget_is_full_again() -> None:
    def throttled(**headers: str) -> ScriptedHttp:
        return ScriptedHttp({**WORKING, USERS: HttpAnswer(429, headers)}, now_ms=1_000_000)

    for reset, wait_secs in (("1012", 12.0), ("900", 1.0), ("99999", 60.0), ("soon", 60.0)):
        with pytest.raises(SourceThrottledError) as caught:
            await locate(options("t4"), throttled(**{"ratelimit-reset": reset}))
        assert caught.value.retry_after_secs == wait_secs


async def test_an_expired_token_is_renewed_before_the_connection_and_kept_for_the_next() -> None:
    chosen = options("t5", client_id=Secret("cid"), client_secret=Secret("csecret"), refresh_token=Secret("r5"))
    renewed = json_answer({"access_token": "t5b", "refresh_token": "r5b"})
    http = ScriptedHttp({VALIDATE: [HttpAnswer(401), VALIDATED], TOKEN: renewed, USERS: USER})
    await locate(chosen, http)
    assert http.paths == [VALIDATE, TOKEN, VALIDATE, USERS]
    assert http.calls[1].form == {
        "client_id": "cid",
        "client_secret": "csecret",
        "grant_type": "refresh_token",
        "refresh_token": "r5",
    }
    again = ScriptedHttp(WORKING)
    await locate(chosen, again)
    assert again.calls[0].sign is not None
    assert again.calls[0].sign(AT_MS)["Authorization"] == "OAuth t5b"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(400), SourceAuthError),
        (HttpAnswer(503), SourceUnavailableError),
        (HttpAnswer(200, body=b"<"), SourceUnavailableError),
    ],
)
async def test_a_renewal_that_fails_says_which_option_to_mend(answer: HttpAnswer, error: type[SourceError]) -> None:
    chosen = options(
        "t6", client_id=Secret("cid"), refresh_token=Secret("r6"), auth_base=f"https://{answer.status}.test"
    )
    with pytest.raises(error, match=r"refresh_token: |renew"):
        await locate(chosen, ScriptedHttp({VALIDATE: HttpAnswer(401), USERS: HttpAnswer(401), TOKEN: answer}))


def test_a_viewer_count_is_told_and_the_stream_noticed_once() -> None:
    state = StreamState()
    first = state.polled({"data": [{"id": "9", "viewer_count": 120}]}, AT_MS)
    assert first.events == (LiveEvent(AT_MS, Viewers(120)),)
    assert [notice.kind for notice in first.notices] == [NoticeKind.LIVE]
    assert state.polled({"data": [{"id": "9", "viewer_count": 121}]}, AT_MS).notices == ()


def test_one_empty_answer_ends_nothing_two_do_once() -> None:
    state = StreamState()
    assert state.polled({"data": []}, AT_MS) == state.polled({"data": []}, AT_MS) == Decoded()
    state.went_live("9")
    assert state.polled({"data": []}, AT_MS) == Decoded()
    assert [notice.kind for notice in state.polled({"data": []}, AT_MS).notices] == [NoticeKind.ENDED]
    assert state.polled({"data": []}, AT_MS) == Decoded()


def test_a_stream_that_was_announced_as_over_does_not_come_back_from_a_slow_list() -> None:
    state = StreamState()
    state.went_live("9")
    state.ended()
    assert state.polled({"data": [{"id": "9", "viewer_count": 100}]}, AT_MS) == Decoded()
    assert state.polled({"data": [{"id": "10", "viewer_count": 1}]}, AT_MS).notices


def test_a_stream_that_is_announced_again_under_its_id_has_viewers_again() -> None:
    state = StreamState()
    state.went_live("9")
    state.ended()
    state.went_live("9")
    assert state.polled({"data": [{"id": "9", "viewer_count": 7}]}, AT_MS).events == (LiveEvent(AT_MS, Viewers(7)),)


@pytest.mark.parametrize(
    ("answer", "rejected"),
    [
        (HttpAnswer(429), []),
        (HttpAnswer(503), []),
        (HttpAnswer(404), ["streams: was refused (HTTP 404)"]),
        (HttpAnswer(200, body=b"<"), ["body: is not JSON (HTTP 200, 1 bytes)"]),
        (json_answer({}), ["data: is missing, an array expected"]),
        (json_answer({"data": [{}]}), ["data[0].viewer_count: is missing, an integer expected"]),
    ],
)
def test_no_viewer_count_is_better_than_a_false_one(answer: HttpAnswer, rejected: list[str]) -> None:
    watch = ViewerWatch(api(unrenewable()), "emberfox")
    decoded = watch.answered(watch.poll().call, answer, AT_MS)
    assert decoded.events == ()
    assert [str(error) for error in decoded.rejected] == rejected


def offline(data: bytes | str) -> Decoded:
    return PLATFORM.offline_decoder(Options()).feed(Frame(data, AT_MS))


def test_offline_the_routes_are_told_apart_by_how_a_message_begins() -> None:
    assert offline("PING :x").ignored == ("PING",)
    assert offline(b" {}").rejected
    assert offline('{"metadata": {"message_type": "session_keepalive"}}').ignored == ("session_keepalive",)
    assert offline(b'{"data": [{"viewer_count": 5}]}').events == (LiveEvent(AT_MS, Viewers(5)),)
    assert offline('{"data": 5}').rejected


def test_offline_a_notification_may_be_its_payload_alone() -> None:
    payload = chat("x")["payload"] | {"subscription": {"type": "channel.chat.message"}}
    [event] = offline(orjson.dumps(payload)).events
    assert event.timestamp_ms == AT_MS


@given(st.binary() | st.text() | st.text().map("{".__add__))
def test_arbitrary_data_never_raises(data: bytes | str) -> None:
    offline(data)


def real_lines(path: Path) -> Iterator[str]:
    text = path.read_text()
    if path.suffix == ".jsonl":
        yield from (frame["text"] for frame in map(orjson.loads, text.splitlines()) if frame["dir"] == "in")
    elif path.suffix == ".json":
        yield from orjson.loads(text)["messages"]
    elif path.suffix == ".txt":
        yield from (line for line in text.split("\n") if line)


def results(decoded: Decoded) -> int:
    found = [*decoded.events, *decoded.ignored, *decoded.unknown, *decoded.notices]
    return len(found) + (decoded.end is not None)


def test_real_irc_lines_are_events_or_known() -> None:
    lines = [line for path in sorted(folder("twitch_irc").iterdir()) for line in real_lines(path)]
    assert len(lines) > 1000
    for line in lines:
        decoded = offline(line)
        assert not decoded.rejected, line
        assert results(decoded) >= 1, line
        assert set(decoded.unknown) <= {"USERNOTICE"}, line


def test_real_eventsub_frames_are_events_or_known() -> None:
    paths = sorted(folder("twitch_eventsub").iterdir())
    frames = [path.read_text() for path in paths if path.suffix == ".json"]
    frames += [line for path in paths if path.suffix == ".ndjson" for line in path.read_text().splitlines()]
    assert len(frames) > 60
    for frame in frames:
        decoded = offline(frame)
        assert (list(decoded.rejected), list(decoded.unknown), results(decoded)) == ([], [], 1), frame


def test_real_comments_agree_with_a_plain_reading() -> None:
    [path] = folder("twitch_irc").glob("chatterino2_recentmessages_*.json")
    for line in json.loads(path.read_text())["messages"]:
        if " PRIVMSG #nymn " not in line:
            continue
        tags = dict(tag.split("=", 1) for tag in line[1:].split(" ", 1)[0].split(";"))
        words = line.split(" PRIVMSG #nymn ", 1)[1].removeprefix(":")
        [event] = offline(line).events
        assert event.id == tags["id"]
        assert event.timestamp_ms == int(tags["tmi-sent-ts"])
        assert event.user is not None
        assert event.user.id == f"twitch_{tags['user-id']}"
        assert getattr(event.content, "text", "") == words.removeprefix("\x01ACTION ").removesuffix("\x01")
