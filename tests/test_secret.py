"""Values that must not be seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.secret import Secret, redact_url


def test_nothing_that_prints_shows_a_secret() -> None:
    secret = Secret("s3cr3t")

    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret!s}",
        f"{[secret]}",
        f"{ {'key': secret} }",
    ]

    assert not [text for text in shown if "s3cr3t" in text]


def test_a_secret_is_read_by_revealing_it_only() -> None:
    assert Secret("s3cr3t").reveal() == "s3cr3t"


def test_an_absent_secret_is_false_and_says_that_it_is_empty() -> None:
    assert not Secret()
    assert repr(Secret()) == "Secret()"
    assert Secret("x")


def test_secrets_compare_by_value_and_with_nothing_else() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://cloud.example/v1/report?auth_key=abc#frag", "https://cloud.example/v1/report"),
        ("https://user:pass@cloud.example:8443/v1", "https://cloud.example:8443/v1"),
        ("wss://[2001:db8::1]:443/sub?token=x", "wss://[2001:db8::1]:443/sub"),
        ("http://cloud.example:port/", "(not a URL)"),
        ("http://[::1/", "(not a URL)"),
        ("user:pass@cloud.example:3128", "(not a URL)"),
        ("auth_key=abc", "(not a URL)"),
        ("", ""),
    ],
)
def test_of_a_url_only_scheme_host_port_and_path_are_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(max_size=60), st.text("abcdefgh:@/?#[]", max_size=60))
def test_any_text_can_be_redacted(scheme: str, rest: str) -> None:
    assert isinstance(redact_url(f"{scheme}//{rest}"), str)


@given(st.text("abc?&=:@[]", max_size=20))
def test_a_query_and_a_password_are_never_shown(decoration: str) -> None:
    assert "s3cr3t" not in redact_url(f"https://host{decoration}?key=s3cr3t")
    assert "s3cr3t" not in redact_url(f"https://{decoration}:s3cr3t@host/path")
