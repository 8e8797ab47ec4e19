from __future__ import annotations

from bridge.errors import SourceAuthError
from bridge.secret import Secret
from bridge.sources.contract import Decoded, HttpAnswer
from bridge.sources.heirs import HeirStore
from bridge.sources.platforms.twitch.api import RENEWAL
from bridge.sources.platforms.twitch.credential import MAX_KEPT, Credential, kept_credential
from tests.sources.platforms.scripted_http import json_answer
from tests.sources.platforms.twitch_credentials import NONE, api, of_the_client, renewable, unrenewable

AT_MS = 1_772_395_200_500


def test_a_401_has_the_token_renewed_once_and_every_refused_call_repeated() -> None:
    calls = api(renewable())
    first, second = calls.streams("emberfox"), calls.users("emberfox")
    decoded = calls.settled(first, HttpAnswer(401))
    assert decoded is not None
    [renewal] = decoded.calls
    assert renewal.tag == RENEWAL
    assert renewal.url == "https://id.test/below/oauth2/token"
    assert calls.settled(second, HttpAnswer(401)) == Decoded()
    repeated = calls.settled(renewal, json_answer({"access_token": "access-1", "refresh_token": "refresh-1"}))
    assert repeated is not None
    assert list(repeated.calls) == [first, second]
    assert first.sign is not None
    assert first.sign(AT_MS)["Authorization"] == "Bearer access-1"
    assert calls.settled(first, HttpAnswer(200)) is None


def test_a_token_refused_right_after_its_renewal_is_given_up() -> None:
    calls = api(renewable())
    call = calls.streams("emberfox")
    calls.settled(call, HttpAnswer(401))
    calls.settled(calls.renewal(), json_answer({"access_token": "access-1"}))
    decoded = calls.settled(call, HttpAnswer(401))
    assert decoded is not None
    assert isinstance(decoded.end, SourceAuthError)
    assert calls.settled(call, HttpAnswer(401)) == Decoded()


def test_a_renewal_that_got_no_answer_is_tried_again() -> None:
    calls = api(renewable())
    call = calls.streams("emberfox")
    for _ in range(2):
        decoded = calls.settled(call, HttpAnswer(401))
        assert decoded is not None
        assert [renewal.tag for renewal in decoded.calls] == [RENEWAL]
    assert calls.settled(calls.renewal(), HttpAnswer(503)) == Decoded()


def test_a_token_without_a_way_to_renew_it_is_given_up_at_once() -> None:
    calls = api(unrenewable())
    decoded = calls.settled(calls.streams("emberfox"), HttpAnswer(401))
    assert decoded is not None
    assert "refresh_token" in str(decoded.end)


def test_another_room_that_renewed_first_spoils_nothing() -> None:
    credential = renewable()
    mine, theirs = api(credential), api(credential)
    call = mine.streams("emberfox")
    mine.settled(call, HttpAnswer(401))
    late = mine.renewal()
    theirs.settled(theirs.renewal(), json_answer({"access_token": "access-1", "refresh_token": "refresh-1"}))
    decoded = mine.settled(late, HttpAnswer(400))
    assert decoded is not None
    assert list(decoded.calls) == [call]


def test_a_refresh_token_is_spent_once_by_all_rooms_together() -> None:
    assert renewable().renewal("x", RENEWAL).once
    assert not of_the_client().renewal("x", RENEWAL).once


def test_a_handed_out_token_that_is_refused_gives_way_to_the_configured_one() -> None:
    credential = renewable()
    renewal = credential.renewal("x", RENEWAL)
    assert credential.renewed(renewal, json_answer({"access_token": "a1", "refresh_token": "r1"})) is None
    assert isinstance(credential.renewed(credential.renewal("x", RENEWAL), HttpAnswer(400)), SourceAuthError)
    assert credential.signer("Bearer")(AT_MS)["Authorization"] == "Bearer access-0"


def test_a_handed_out_refresh_token_outlives_the_process() -> None:
    heirs = HeirStore()
    before = renewable(heirs)
    assert (
        before.renewed(before.renewal("x", RENEWAL), json_answer({"access_token": "a1", "refresh_token": "r1"})) is None
    )
    after = renewable(heirs)
    form = after.renewal("x", RENEWAL).form
    assert form is not None
    assert form["refresh_token"] == "r1"
    assert isinstance(after.renewed(after.renewal("x", RENEWAL), HttpAnswer(400)), SourceAuthError)
    assert renewable(heirs).renewal("x", RENEWAL).form == {**form, "refresh_token": "refresh-0"}


def test_a_clients_own_token_has_no_heir() -> None:
    credential = of_the_client()
    answer = json_answer({"access_token": "a1", "refresh_token": "odd"})
    assert credential.renewed(credential.renewal("x", RENEWAL), answer) is None
    form = {"client_id": "cid", "client_secret": "csecret", "grant_type": "client_credentials"}
    assert credential.renewal("x", RENEWAL).form == form


def test_a_token_as_chat_tools_write_it_is_the_same_token() -> None:
    credential = Credential(Secret("cid"), NONE, Secret("oauth:access-0"), NONE, HeirStore())
    assert credential.signer("Bearer")(AT_MS)["Authorization"] == "Bearer access-0"


def test_a_client_asks_for_its_own_token_with_its_secret() -> None:
    credential = of_the_client()
    form = credential.renewal("x", RENEWAL).form
    assert form == {"client_id": "cid", "client_secret": "csecret", "grant_type": "client_credentials"}
    assert "client_secret" in str(credential.renewed(credential.renewal("x", RENEWAL), HttpAnswer(403)))


def test_kept_credentials_are_shared_by_what_is_configured_and_bounded() -> None:
    def kept(number: int) -> Credential:
        return kept_credential("", (Secret("cid"), NONE, Secret(f"bounded-{number}"), NONE), HeirStore())

    first = kept(0)
    assert kept(0) is first
    for number in range(1, MAX_KEPT + 1):
        kept(number)
    assert kept(0) is not first
