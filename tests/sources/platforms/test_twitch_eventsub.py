from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceAuthError, SourceUnavailableError
from bridge.sources.codecs.twitch_loyalty import TierValues
from bridge.sources.contract import Decoded, Frame, HttpAnswer, HttpCall, NoticeKind
from bridge.sources.platforms.twitch.api import STREAMS, SUBSCRIPTION, VALIDATION
from bridge.sources.platforms.twitch.credential import Credential
from bridge.sources.platforms.twitch.eventsub import CLOSE_CODES, SUBSCRIPTIONS, EventSubDecoder, Session
from bridge.sources.platforms.twitch.notifications import Channel
from bridge.sources.platforms.twitch.viewers import StreamState, ViewerWatch
from tests.sources.platforms.scripted_http import json_answer
from tests.sources.platforms.twitch_credentials import api, renewable, unrenewable
from tests.sources.platforms.twitch_frames import AT_MS, notification, session_message

TIERS: TierValues = (500, 1000, 2500)
SUBSCRIBED = [SUBSCRIPTION + kind for kind in SUBSCRIPTIONS]


def reading() -> EventSubDecoder:
    return EventSubDecoder(Channel(TIERS, StreamState()))


def connected(credential: Credential | None = None) -> tuple[EventSubDecoder, Session]:
    session = Session(ViewerWatch(api(credential or renewable()), "emberfox"), "41", "42")
    return EventSubDecoder(Channel(TIERS, session.watch.state), session), session


def fed(message: Any, decoder: EventSubDecoder | None = None) -> Decoded:
    return (decoder or reading()).feed(Frame(orjson.dumps(message).decode(), AT_MS))


def test_nothing_is_ever_sent() -> None:
    decoder, _ = connected()
    assert (decoder.greeting(), decoder.heartbeat()) == ((), ())


def test_the_welcome_is_answered_with_every_subscription() -> None:
    decoder, _ = connected()
    calls = fed(session_message("session_welcome", id="s-7"), decoder).calls
    assert [call.tag for call in calls] == SUBSCRIBED
    assert calls[2].url == "https://api.test/helix/eventsub/subscriptions"
    assert calls[2].json == {
        "type": "channel.follow",
        "version": "2",
        "condition": {"broadcaster_user_id": "41", "moderator_user_id": "42"},
        "transport": {"method": "websocket", "session_id": "s-7"},
    }
    assert calls[2].sign is not None
    assert calls[2].sign(AT_MS) == {"Authorization": "Bearer access-0", "Client-Id": "cid"}


def test_a_new_session_subscribes_to_everything_again() -> None:
    decoder, _ = connected()
    for session_id in ("s-1", "s-2"):
        calls = fed(session_message("session_welcome", id=session_id), decoder).calls
        assert [call.tag for call in calls] == SUBSCRIBED
        for call in calls:
            assert decoder.answered(call, HttpAnswer(202), AT_MS) == Decoded()


def test_a_reconnect_url_is_followed_unchanged_and_needs_no_subscriptions() -> None:
    decoder, session = connected()
    fed(session_message("session_welcome", id="s-7"), decoder)
    url = "wss://cell-c.eventsub.example/ws?challenge=a&id=b"
    assert fed(session_message("session_reconnect", reconnect_url=url), decoder).follow == url
    new = decoder.followed()
    assert isinstance(new, EventSubDecoder)
    assert fed(session_message("session_welcome", id="s-7"), new).calls == ()
    assert session.id == "s-7"


def test_a_connection_is_ready_once_it_was_welcomed_whatever_the_polls_answer_before() -> None:
    decoder, session = connected()
    new = decoder.followed()
    assert isinstance(new, EventSubDecoder)
    for poll in session.polls():
        new.answered(poll.call, json_answer({"data": []}), AT_MS)
    fed(session_message("session_welcome"), new)
    assert not new.is_ready

    fed(session_message("session_welcome", id="s-7"), new)
    assert new.is_ready


@pytest.mark.parametrize(
    ("announced", "timeout_secs"), [(10, 15.0), (600, 605.0), (None, None), (0, None), ("x", None)]
)
def test_silence_is_measured_by_what_the_welcome_announces(announced: Any, timeout_secs: float | None) -> None:
    decoder, _ = connected()
    fed(session_message("session_welcome", id="s-7", keepalive_timeout_seconds=announced), decoder)
    assert decoder.silence_timeout_secs == timeout_secs


def test_an_existing_subscription_is_as_good_as_a_new_one() -> None:
    decoder, session = connected()
    for call in fed(session_message("session_welcome", id="s-7"), decoder).calls:
        assert decoder.answered(call, HttpAnswer(409), AT_MS) == Decoded()
    assert session.missing == set()


def answer_to_subscription(decoder: EventSubDecoder, kind: str, status: int) -> Decoded:
    return decoder.answered(HttpCall("POST", "x", tag=SUBSCRIPTION + kind), HttpAnswer(status), AT_MS)


def test_a_missing_scope_is_named_and_the_rest_goes_on() -> None:
    decoder, session = connected()
    fed(session_message("session_welcome", id="s-7"), decoder)
    decoded = answer_to_subscription(decoder, "channel.follow", 403)
    assert decoded.end is None
    assert decoded.notices[0].kind is NoticeKind.CREDENTIAL_WEAK
    assert "moderator:read:followers" in decoded.notices[0].detail
    again = fed(session_message("session_welcome", id="s-8"), decoder).calls
    assert SUBSCRIPTION + "channel.follow" not in [call.tag for call in again]
    assert session.denied == {"channel.follow"}


def test_a_token_that_may_read_nothing_is_refused() -> None:
    decoder, _ = connected()
    fed(session_message("session_welcome", id="s-7"), decoder)
    kinds = [kind for kind, wanted in SUBSCRIPTIONS.items() if wanted.scope]
    ends = [answer_to_subscription(decoder, kind, 403).end for kind in kinds]
    assert ends[:-1] == [None, None]
    assert isinstance(ends[-1], SourceAuthError)
    assert "access_token" in str(ends[-1])


@pytest.mark.parametrize(("status", "rejected", "notices"), [(429, 0, 1), (503, 0, 0), (400, 1, 0)])
def test_what_failed_is_subscribed_to_again_after_a_while(status: int, rejected: int, notices: int) -> None:
    decoder, session = connected()
    calls = fed(session_message("session_welcome", id="s-7"), decoder).calls
    for call in calls[1:]:
        decoder.answered(call, HttpAnswer(202), AT_MS)
    decoded = decoder.answered(calls[0], HttpAnswer(status), AT_MS)
    assert (len(decoded.rejected), len(decoded.notices)) == (rejected, notices)

    poll = session.polls()[0].call
    assert decoder.answered(poll, json_answer({"data": []}), AT_MS + 1_000).calls == ()
    again = decoder.answered(poll, json_answer({"data": []}), AT_MS + 45_000).calls
    assert [call.tag for call in again] == [calls[0].tag]


def test_a_revoked_subscription_is_named_and_a_revoked_authorization_ends_all() -> None:
    def revoked(status: str) -> Decoded:
        message = notification("channel.follow", {})
        message["metadata"]["message_type"] = "revocation"
        message["payload"] = {"subscription": {"type": "channel.follow", "status": status}}
        return fed(message)

    for status in ("user_removed", "moderator_removed", "version_removed"):
        assert f"channel.follow: {status}" in revoked(status).notices[0].detail
    assert isinstance(revoked("authorization_revoked").end, SourceAuthError)


@pytest.mark.parametrize("status", ["user_removed", "version_removed", "chat_user_banned"])
def test_a_connection_whose_last_telling_subscription_was_ended_is_of_no_use(status: str) -> None:
    decoder, session = connected()
    fed(session_message("session_welcome", id="s-7"), decoder)
    telling = [kind for kind, wanted in SUBSCRIPTIONS.items() if wanted.scope]
    ends = []
    for kind in telling:
        subscription = {"subscription": {"type": kind, "status": status}}
        ends.append(fed({"metadata": {"message_type": "revocation"}, "payload": subscription}, decoder).end)
    assert ends[:-1] == [None, None]
    assert isinstance(ends[-1], SourceAuthError)
    assert status in str(ends[-1])
    assert not session.missing & set(telling)


@pytest.mark.parametrize("code", sorted(CLOSE_CODES))
def test_documented_close_codes_are_reconnected_after(code: int) -> None:
    error = reading().closed(code, "")
    assert isinstance(error, SourceUnavailableError)
    assert str(code) in str(error)


def test_an_ordinary_close_is_an_ordinary_loss() -> None:
    assert reading().closed(1006, "") is None


def test_an_expiring_token_that_cannot_be_renewed_is_announced() -> None:
    call = HttpCall("GET", "x", tag=VALIDATION)
    decoder, _ = connected(unrenewable())
    warning = decoder.answered(call, json_answer({"expires_in": 7_000}), AT_MS).notices[0]
    assert warning.kind is NoticeKind.CREDENTIAL_WEAK
    assert "access_token: expires within 2 h" in warning.detail
    answers: list[Any] = [{"expires_in": 0}, {"expires_in": 90_000}, {}, [], None]
    for quiet in answers:
        assert decoder.answered(call, json_answer(quiet), AT_MS) == Decoded()
    assert decoder.answered(call, HttpAnswer(200, body=b"<"), AT_MS) == Decoded()
    renewing, _ = connected(renewable())
    assert renewing.answered(call, json_answer({"expires_in": 7_000}), AT_MS) == Decoded()


def test_without_a_session_answers_say_nothing() -> None:
    assert reading().answered(HttpCall("GET", "x", tag=STREAMS), json_answer({"data": []}), AT_MS) == Decoded()
    assert connected()[0].answered(HttpCall("GET", "x", tag="other"), HttpAnswer(200), AT_MS) == Decoded()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["notification", "session_welcome", "session_reconnect", "revocation", "x"]), JSON, JSON)
def test_any_message_never_raises(kind: str, metadata: Any, payload: Any) -> None:
    extra = metadata if isinstance(metadata, dict) else {}
    fed({"metadata": {**extra, "message_type": kind}, "payload": payload})


@given(st.binary() | st.text())
def test_arbitrary_data_is_rejected(data: bytes | str) -> None:
    assert reading().feed(Frame(data, AT_MS)).rejected
