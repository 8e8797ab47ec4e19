"""What a platform provides, as far as the contract itself does anything."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bridge.errors import DecodeError
from bridge.secret import Secret
from bridge.sources.contract import (
    NOTHING,
    Decoded,
    Endpoint,
    Frame,
    HttpAnswer,
    HttpCall,
    PushRequest,
    QuietDecoder,
    SourceOptions,
    rebased,
)
from tests.sources.toy_platform import toy_platform


@dataclass(frozen=True, kw_only=True)
class PondOptions(SourceOptions):
    app_id: str
    depth: int = 3
    key: Secret = field(default_factory=Secret)
    api_base: str = ""

    def __post_init__(self) -> None:
        if not self.app_id:
            raise ValueError("app_id: is empty: the app's number")


class Decoder(QuietDecoder):
    def feed(self, frame: Frame) -> Decoded:
        return NOTHING


@pytest.mark.parametrize(
    ("url", "query", "full"),
    [
        ("https://x/a", {}, "https://x/a"),
        ("https://x/a", {"b": "1 2"}, "https://x/a?b=1+2"),
        ("https://x/a?c=%2F", {"b": "ü"}, "https://x/a?c=%2F&b=%C3%BC"),
    ],
)
def test_the_query_of_a_call_is_added_to_that_of_its_url(url: str, query: dict[str, str], full: str) -> None:
    assert HttpCall("GET", url, query).full_url == full


def test_nothing_that_prints_shows_what_may_hold_a_credential() -> None:
    shown = [
        repr(HttpCall("POST", "https://x/?k=s3cr3t", {"k": "s3cr3t"}, {"k": "s3cr3t"}, b"s3cr3t", tag="login")),
        repr(HttpAnswer(200, {"set-cookie": "s3cr3t"}, b"s3cr3t", {"k": "s3cr3t"})),
        repr(Endpoint("wss://x/?k=s3cr3t", headers={"k": "s3cr3t"})),
        str(Endpoint("wss://x/?k=s3cr3t")),
        repr(PushRequest("POST", {"k": "s3cr3t"}, {"k": "s3cr3t"}, b"s3cr3t", 0)),
        repr(PondOptions(app_id="1", key=Secret("s3cr3t"), proxy=Secret("http://user:s3cr3t@x"))),
    ]

    assert not [text for text in shown if "s3cr3t" in text]
    assert "login" in shown[0]
    assert shown[3] == "wss://x/"


def test_an_answer_that_is_no_json_is_a_decode_error_that_shows_nothing_of_it() -> None:
    with pytest.raises(DecodeError) as caught:
        HttpAnswer(502, body=b"<html>s3cr3t").json()

    assert str(caught.value) == "body: is not JSON (HTTP 502, 12 bytes)"
    assert HttpAnswer(200, body=b'{"a":1}').json() == {"a": 1}


def test_an_answer_tells_the_servers_clock_whatever_our_zone() -> None:
    assert HttpAnswer(200, {"date": "Tue, 14 Nov 2023 22:13:20 -0000"}).sent_at_ms == 1_700_000_000_000
    assert HttpAnswer(200).sent_at_ms is None


@pytest.mark.parametrize(
    ("told", "wait_secs"),
    [("9", 9.0), ("0", 60.0), ("-5", 60.0), ("soon", 60.0), ("", 60.0), ("9" * 19, 86_400.0), ("9" * 99, 60.0)],
)
def test_a_server_that_asks_for_a_pause_is_heard_within_reason(told: str, wait_secs: float) -> None:
    assert HttpAnswer(429, {"retry-after": told}).retry_after_secs(60.0) == wait_secs
    assert HttpAnswer(429).retry_after_secs(60.0) == 60.0


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("https://api.pond.example/v1/x?a=1", "", "https://api.pond.example/v1/x?a=1"),
        ("https://api.pond.example/v1/x?a=1", "http://127.0.0.1:9", "http://127.0.0.1:9/v1/x?a=1"),
        ("https://api.pond.example/v1/x", "http://proxy/pond/", "http://proxy/pond/v1/x"),
    ],
)
def test_an_endpoint_can_be_pointed_elsewhere_and_keeps_its_path(url: str, base: str, expected: str) -> None:
    assert rebased(url, base) == expected
    assert PondOptions(app_id="1", api_base=base).api_url(url) == expected
    assert SourceOptions().api_url(url) == url


def test_a_quiet_decoder_says_nothing_asks_nothing_and_carries_itself_over() -> None:
    decoder = Decoder()

    assert (decoder.greeting(), decoder.heartbeat(), decoder.farewell()) == ((), (), ())
    assert decoder.next_calls()[1] == ()
    assert decoder.answered(HttpCall("GET", ""), HttpAnswer(200), 0) is NOTHING
    assert decoder.closed(1006, "") is None
    assert decoder.followed() is decoder
    assert (decoder.is_ready, decoder.silence_timeout_secs) == (True, None)


def test_offline_options_need_nothing_that_a_live_room_would_need() -> None:
    options = toy_platform(None, options=PondOptions).offline_options()

    assert isinstance(options, PondOptions)
    assert (options.app_id, options.depth, options.key, options.room) == ("", 3, Secret(), "")
