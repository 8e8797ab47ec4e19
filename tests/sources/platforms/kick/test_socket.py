from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import SourceAuthError, SourceThrottledError
from bridge.sources.contract import Decoder, Frame
from bridge.sources.platforms.kick import PLATFORM
from bridge.sources.platforms.kick.socket import PusherDecoder

AT_MS = 1_760_000_000_500


def frame(event: str, data: Any) -> str:
    """Write a frame as Pusher does: the data is a JSON text inside the JSON."""
    return json.dumps({"event": event, "data": json.dumps(data)})


def offline() -> Decoder:
    return PLATFORM.offline_decoder(PLATFORM.offline_options())


def test_the_greeting_of_the_server_is_answered_with_every_channels_name() -> None:
    decoder = PusherDecoder(70, 71)
    assert decoder.greeting() == ()

    decoded = decoder.feed(
        Frame(frame("pusher:connection_established", {"socket_id": "1.2", "activity_timeout": 120}), AT_MS)
    )

    assert [json.loads(reply) for reply in decoded.replies] == [
        {"event": "pusher:subscribe", "data": {"auth": "", "channel": name}}
        for name in ("chatrooms.70.v2", "chatrooms.70", "chatroom_70", "channel.71", "channel_71")
    ]


def test_without_a_channel_number_only_the_chatroom_is_subscribed() -> None:
    decoded = PusherDecoder(70).feed(Frame(frame("pusher:connection_established", {}), AT_MS))

    assert len(decoded.replies) == 3


def test_a_ping_is_answered_whether_its_data_is_doubly_encoded_or_not() -> None:
    for written in (
        '{"event":"pusher:ping","data":{}}',
        '{"event":"pusher:ping","data":"{}"}',
        '{"event":"pusher:ping"}',
    ):
        decoded = PusherDecoder(70).feed(Frame(written, AT_MS))
        assert [json.loads(reply) for reply in decoded.replies] == [{"event": "pusher:pong", "data": {}}]


def beats(decoder: PusherDecoder, count: int) -> list[int]:
    return [len(decoder.heartbeat()) for _ in range(count)]


def test_a_ping_goes_out_after_silence_and_again_until_something_comes() -> None:
    decoder = PusherDecoder(70)

    assert beats(decoder, 4) == [0, 0, 1, 1]
    decoder.feed(Frame('{"event":"pusher:pong","data":{}}', AT_MS))
    assert beats(decoder, 3) == [0, 0, 1]
    assert json.loads(decoder.heartbeat()[0]) == {"event": "pusher:ping", "data": {}}


@pytest.mark.parametrize(
    ("announced", "expected"), [(20, [0, 1]), (5, [1, 1]), (120, [0, 0]), (0, [0, 0]), ("x", [0, 0])]
)
def test_a_shorter_activity_timeout_is_kept(announced: Any, expected: list[int]) -> None:
    decoder = PusherDecoder(70)
    decoder.feed(Frame(frame("pusher:connection_established", {"activity_timeout": announced}), AT_MS))

    assert beats(decoder, 2) == expected


@pytest.mark.parametrize("code", [4000, 4001, 4004, 4099])
def test_codes_that_say_stay_away_are_retried_slowly(code: int) -> None:
    assert isinstance(PusherDecoder(70).closed(code, ""), SourceAuthError)


@pytest.mark.parametrize("code", [4100, 4199])
def test_codes_that_say_wait_wait(code: int) -> None:
    error = PusherDecoder(70).closed(code, "")

    assert isinstance(error, SourceThrottledError)
    assert error.retry_after_secs >= 1


@pytest.mark.parametrize("code", [1000, 1006, 4200, 4201, 4299, 4300])
def test_other_codes_are_an_ordinary_loss(code: int) -> None:
    assert PusherDecoder(70).closed(code, "") is None


def test_an_error_of_pusher_ends_the_connection_as_its_code_says() -> None:
    decoded = PusherDecoder(70).feed(
        Frame('{"event":"pusher:error","data":{"code":4001,"message":"App key unknown"}}', AT_MS)
    )
    harmless = PusherDecoder(70).feed(Frame('{"event":"pusher:error","data":{"code":null}}', AT_MS))

    assert isinstance(decoded.end, SourceAuthError)
    assert harmless.end is None


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("nonsense", "frame: is not JSON (8 characters)"),
        (b"\xff\xfe", "frame: is not JSON (2 bytes)"),
        ("[1]", "event: is missing, a text expected"),
        ('{"data":"{}"}', "event: is missing, a text expected"),
        ('{"event":"ChatMessageEvent","data":"{"}', "data: is not JSON (1 characters)"),
        ('{"event":"ChatMessageEvent","data":"[]"}', "data: is list, an object expected"),
        ('{"event":"ChatMessageEvent","data":"{\\"content\\":7}"}', "data.content: is int, a text expected"),
        (
            '{"event":"ChatMessageEvent","data":"{\\"content\\":\\"x\\"}"}',
            "data.sender: is missing, an object expected",
        ),
        ('{"event":"KicksGifted","data":"{\\"gift\\":{}}"}', "data.gift.amount: is missing, an integer expected"),
    ],
)
def test_an_unreadable_frame_is_rejected_with_its_place(written: str | bytes, problem: str) -> None:
    decoded = PusherDecoder(70).feed(Frame(written, AT_MS))

    assert [str(error) for error in decoded.rejected] == [problem]


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_deep_nesting_is_read_or_rejected(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for written in (f'{{"event":"X","data":{deep}}}', json.dumps({"event": "X", "data": deep}), deep):
        PusherDecoder(70).feed(Frame(written, AT_MS))
        offline().feed(Frame(written, AT_MS))
