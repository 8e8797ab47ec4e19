from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import (
    RoomNotFoundError,
    RoomOfflineError,
    SourceAuthError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.events import Comment, LiveEvent, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Frame, HttpAnswer, HttpCall, NoticeKind, Transport
from bridge.sources.platforms.facebook import FacebookDecoder, Options, locate
from tests.sources.platforms.scripted_http import ScriptedHttp, json_answer

AT_MS = 1_800_000_000_000
VIDEO = HttpCall("GET", "https://x")

COMMENT = {
    "id": "55_1",
    "from": {"name": "Ana", "id": "771"},
    "message": "olá",
    "created_time": "2026-07-02T10:00:05+0000",
}


def fed(value: Any) -> Decoded:
    return FacebookDecoder().feed(Frame(value if isinstance(value, str) else orjson.dumps(value).decode(), AT_MS))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def test_a_comment_has_its_user_time_and_id() -> None:
    assert only(fed(COMMENT)) == LiveEvent(1_782_986_405_000, Comment(User("facebook_771", "Ana"), "olá"), id="55_1")


@pytest.mark.parametrize("author", [None, {}, {"name": ""}])
def test_a_hidden_author_is_nobody_in_particular(author: Any) -> None:
    hidden = {key: value for key, value in COMMENT.items() if key != "from"}
    if author is not None:
        hidden["from"] = author
    assert only(fed(hidden)).user == User("facebook_0", masked=True)


def test_without_a_time_the_time_of_receipt_counts() -> None:
    assert only(fed({"id": "1", "message": "x"})).timestamp_ms == AT_MS


def test_a_comment_without_words_is_none() -> None:
    assert fed({**COMMENT, "message": ""}).ignored == ("comment without words",)
    assert fed({"id": "1", "from": {"id": "2"}}).ignored == ("comment without words",)


def test_viewers_are_those_who_watch_now() -> None:
    assert only(fed({"live_views": 42, "status": "LIVE", "id": "5"})).content == Viewers(42)
    assert fed({"status": "LIVE", "id": "5"}) == Decoded()


def test_totals_of_reactions_are_ignored() -> None:
    assert fed({"reactions": {"summary": {"total_count": 9}}, "id": "5"}).ignored == ("reactions",)


def test_that_the_show_is_on_is_told_once_a_connection() -> None:
    decoder = FacebookDecoder()
    seen = [decoder.answered(VIDEO, json_answer({"status": "LIVE", "live_views": 3}), AT_MS) for _ in range(2)]
    assert [[notice.kind for notice in decoded.notices] for decoded in seen] == [[NoticeKind.LIVE], []]
    assert [only(decoded).content for decoded in seen] == [Viewers(3)] * 2


@pytest.mark.parametrize("status", ["LIVE_STOPPED", "VOD", "PROCESSING"])
def test_a_video_that_is_over_ends_the_connection(status: str) -> None:
    decoded = FacebookDecoder().answered(VIDEO, json_answer({"status": status, "live_views": 3}), AT_MS)
    assert isinstance(decoded.end, RoomOfflineError)
    assert [notice.kind for notice in decoded.notices] == [NoticeKind.ENDED]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{", "is not JSON (1 characters)"),
        ("5", "is int, an object expected"),
        ({"message": "x"}, "comment.id: is missing, an id expected"),
    ],
)
def test_what_cannot_be_read_is_refused(value: Any, problem: str) -> None:
    assert [str(error) for error in fed(value).rejected] == [problem]


def test_new_objects_and_events_are_unknown() -> None:
    assert fed({"stars": 5}).unknown == ("stars",)
    assert fed({}).unknown == ("{}",)
    assert FacebookDecoder().feed(Frame(b"event: ping\ndata: {}\n\n", AT_MS)).unknown == ("event ping",)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 190, SourceAuthError),
        (400, 102, SourceAuthError),
        (403, 200, SourceAuthError),
        (403, 10, SourceAuthError),
        (401, 0, SourceAuthError),
        (400, 100, RoomNotFoundError),
        (404, 803, RoomNotFoundError),
        (400, 4, SourceThrottledError),
        (403, 613, SourceThrottledError),
        (429, 0, SourceThrottledError),
        (500, 1, SourceUnavailableError),
        (503, 2, SourceUnavailableError),
    ],
)
async def test_each_error_says_what_to_do_next(status: int, code: int, kind: type[Exception]) -> None:
    refused = json_answer({"error": {"code": code, "message": "token EAAsecret"}}, status)

    with pytest.raises(kind) as caught:
        await locate(Options(room="5", access_token=Secret("t")), ScriptedHttp({"/v26.0/5": refused}))
    assert "EAA" not in str(caught.value)
    (connection,) = await locate(
        Options(room="5", access_token=Secret("t")), ScriptedHttp({"/v26.0/5": json_answer({"status": "LIVE"})})
    )
    assert connection.endpoint.refusal is not None
    of_the_stream = SourceUnavailableError if kind is RoomNotFoundError else kind
    assert type(connection.endpoint.refusal(refused, AT_MS)) is of_the_stream


def test_an_error_within_the_stream_ends_it() -> None:
    assert isinstance(fed({"error": {"code": 190}}).end, SourceAuthError)


def test_a_token_that_goes_bad_while_the_stream_is_open_is_a_warning() -> None:
    decoded = FacebookDecoder().answered(VIDEO, json_answer({"error": {"code": 190}}, 400), AT_MS)
    assert decoded.end is None
    assert [notice.kind for notice in decoded.notices] == [NoticeKind.CREDENTIAL_WEAK]


@pytest.mark.parametrize("answer", [HttpAnswer(503), json_answer({"error": {"code": 4}}, 400)])
def test_a_look_that_fails_costs_no_stream(answer: HttpAnswer) -> None:
    assert FacebookDecoder().answered(VIDEO, answer, AT_MS) == Decoded()


@pytest.mark.parametrize("answer", [HttpAnswer(502, body=b"<html>"), HttpAnswer(200, body=b"<html>"), json_answer({})])
async def test_an_unreadable_answer_is_an_ordinary_trouble(answer: HttpAnswer) -> None:
    with pytest.raises(SourceUnavailableError):
        await locate(Options(room="5", access_token=Secret("t")), ScriptedHttp({"/v26.0/5": answer}))


async def test_the_stream_is_asked_for_with_the_chosen_rate_and_shows_no_token() -> None:
    options = Options(room="5/6", access_token=Secret("tok"), comment_rate="one_per_two_seconds")
    http = ScriptedHttp({"/v26.0/5%2F6": json_answer({"status": "LIVE"})})

    (connection,) = await locate(options, http)

    endpoint = connection.endpoint
    assert endpoint.transport is Transport.HTTP_STREAM
    assert endpoint.url.startswith("https://streaming-graph.facebook.com/5%2F6/live_comments?access_token=tok&")
    assert "comment_rate=one_per_two_seconds" in endpoint.url
    assert "tok" not in str(endpoint)
    assert "tok" not in repr(connection.endpoint)
    assert "tok" not in repr(http.calls)


@pytest.mark.parametrize(
    ("more", "problem"), [({"room": "5", "comment_rate": "all"}, "comment_rate"), ({}, "room: is missing")]
)
def test_options_that_cannot_be_meant_are_refused(more: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Options(**more)


@given(st.one_of(st.binary(max_size=100), st.text(max_size=100)))
def test_arbitrary_bytes_never_raise(data: bytes | str) -> None:
    FacebookDecoder().feed(Frame(data, AT_MS))


@given(
    st.dictionaries(
        st.sampled_from(["id", "from", "message", "created_time", "live_views", "status", "error", "reactions"]),
        st.none()
        | st.integers(-(2**63), 2**63 - 1)
        | st.text(max_size=8)
        | st.dictionaries(st.text(max_size=4), st.text()),
    )
)
def test_arbitrary_objects_never_raise(value: dict[str, Any]) -> None:
    fed(value)
    FacebookDecoder().feed(Frame(b"data: " + orjson.dumps(value) + b"\n\n", AT_MS))
