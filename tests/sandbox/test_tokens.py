from __future__ import annotations

from bridge.sandbox.refusal import Refusal
from bridge.sandbox.tokens import Tokens

NOW_MS = 1_760_000_000_000


def code(why: Refusal | None) -> str:
    return why.error_code if why else ""


def test_a_token_is_good_for_its_project_until_it_expires() -> None:
    tokens = Tokens(1000)
    text, token = tokens.issue("p1", NOW_MS)
    assert token.expires_at_ms == NOW_MS + 1000
    assert tokens.check(text, "p1", NOW_MS + 999) is None
    why = tokens.check(text, "p1", NOW_MS + 1000)
    assert why is not None
    assert (why.status, why.error_code) == (401, "APIGW.0301")
    assert "token expires, expires_at:2025-10-09T08:53:21Z" in why.error_msg


def test_a_text_that_is_no_token_cannot_be_decrypted() -> None:
    why = Tokens(1000).check("made up", "p1", NOW_MS)
    assert why is not None
    assert "decrypt token fail" in why.error_msg


def test_a_token_of_another_or_no_project_is_refused() -> None:
    tokens = Tokens(1000)
    assert code(tokens.check(tokens.issue("p2", NOW_MS)[0], "p1", NOW_MS)) == "MSS.00010009"
    assert code(tokens.check(tokens.issue("", NOW_MS)[0], "p1", NOW_MS)) == "MSS.00010009"
    assert code(tokens.check(tokens.issue("p2", NOW_MS)[0], "", NOW_MS)) == ""


def test_a_revoked_token_gets_400() -> None:
    tokens = Tokens(1000)
    text = tokens.issue("p1", NOW_MS)[0]
    assert tokens.revoke() == 1
    why = tokens.check(text, "p1", NOW_MS)
    assert why is not None
    assert (why.status, why.error_code) == (400, "MSS.00010008")


def test_tokens_can_be_expired_and_a_new_one_works() -> None:
    tokens = Tokens(1000)
    text = tokens.issue("p1", NOW_MS)[0]
    assert tokens.expire(NOW_MS) == 1
    assert code(tokens.check(text, "p1", NOW_MS)) == "APIGW.0301"
    assert tokens.check(tokens.issue("p1", NOW_MS)[0], "p1", NOW_MS) is None


def test_only_the_newest_thousand_tokens_are_remembered() -> None:
    tokens = Tokens(1000)
    first = tokens.issue("p1", NOW_MS)[0]
    for _ in range(1000):
        last = tokens.issue("p1", NOW_MS)[0]
    assert code(tokens.check(first, "p1", NOW_MS)) == "APIGW.0301"
    assert tokens.check(last, "p1", NOW_MS) is None


def test_a_token_is_as_long_as_real_ones() -> None:
    assert 1000 < len(Tokens(1000).issue("p1", NOW_MS)[0]) <= 16384
