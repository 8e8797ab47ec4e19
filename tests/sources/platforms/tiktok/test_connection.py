from __future__ import annotations

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceAuthError
from bridge.events import Comment, LiveEvent, User
from bridge.sources.codecs import tiktok_pb2
from bridge.sources.contract import Decoded, Frame
from bridge.sources.platforms.tiktok.connection import MAX_PAYLOAD_BYTES, OfflineDecoder, WebcastDecoder
from bridge.sources.platforms.tiktok.messages import MAX_MESSAGES
from tests.emulators import tiktok_wire as wire

AT_MS = 1_760_000_000_500
SAID_MS = 1_760_000_000_000
MIRA = User("tiktok_11", "Mira")


def said(text: str, msg_id: int, *, old: bool = False) -> wire.Fields:
    return wire.envelope("WebcastChatMessage", wire.chat(text, msg_id, SAID_MS), msg_id, is_history=old)


def test_an_acknowledgement_repeats_the_log_id_and_the_internal_ext() -> None:
    decoded = WebcastDecoder(1).feed(Frame(wire.pushed(need_ack=True, log_id=41), AT_MS))

    (reply,) = decoded.replies
    assert isinstance(reply, bytes)
    assert reply == wire.encoded({2: 41, 6: "pb", 7: "ack", 8: "internal_src:dim|wss_push_room_id:1"})


def test_a_frame_that_wants_no_acknowledgement_gets_none() -> None:
    assert not WebcastDecoder(1).feed(Frame(wire.pushed(), AT_MS)).replies


def test_what_the_signer_told_already_comes_with_the_first_messages_and_once() -> None:
    told = tiktok_pb2.FetchResult.FromString(wire.fetch_result([said("missed", 1), said("long ago", 2, old=True)]))
    decoder = WebcastDecoder(1, backlog=told.messages)
    feeds = [decoder.feed(Frame(frame, AT_MS)) for frame in (wire.push(b"", "hb"), wire.pushed(said("new", 3)))]
    feeds.append(decoder.feed(Frame(wire.pushed(said("newer", 4)), AT_MS)))

    assert [[event.id for event in decoded.events] for decoded in feeds] == [[], ["1", "3"], ["4"]]
    assert feeds[1].ignored == ["history"]


def test_the_greeting_enters_the_room_and_beats_once() -> None:
    greeting = WebcastDecoder(7300000000000000001, b"cur").greeting()

    enter = {1: 7300000000000000001, 4: 12, 5: "audience", 6: "cur", 9: "0"}
    assert greeting == [
        wire.encoded({6: "pb", 7: "im_enter_room", 8: enter}),
        wire.encoded({6: "pb", 7: "hb", 8: {1: 7300000000000000001, 2: 1}}),
    ]


def test_heartbeats_are_numbered() -> None:
    decoder = WebcastDecoder(5)

    assert [decoder.heartbeat(), decoder.heartbeat()] == [
        [wire.encoded({6: "pb", 7: "hb", 8: {1: 5, 2: number}})] for number in (1, 2)
    ]


@pytest.mark.parametrize("kind", ["hb", "ack", "im_enter_room_resp"])
def test_frames_without_messages_are_ignored_by_name(kind: str) -> None:
    decoded = WebcastDecoder(1).feed(Frame(wire.push(b"\xff", kind, packed=False), AT_MS))

    assert decoded == Decoded(ignored=[f"frame {kind}"])


def test_a_new_kind_of_frame_is_unknown() -> None:
    assert WebcastDecoder(1).feed(Frame(wire.push(b"", "gossip"), AT_MS)).unknown == ["frame gossip"]


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        ("text", "frame: is text, binary expected"),
        (b"", "frame.payload_type: is missing, a name expected"),
        (b"\x0a\xff", "frame: is not readable protobuf (2 bytes)"),
        (wire.push(b"\x0a\xff", packed=False), "frame.payload: is not readable protobuf (2 bytes)"),
        (wire.push(b"\x1f\x8bnonsense", packed=False), "frame.payload: is broken gzip (10 bytes)"),
        (wire.push(gzip.compress(b"x" * 99)[:-9], packed=False), "frame.payload: is gzip that ends early"),
        (wire.push(b"\0" * (MAX_PAYLOAD_BYTES + 1)), "frame.payload: unpacks to more than 2097152 bytes"),
        (wire.push(b"\0" * (MAX_PAYLOAD_BYTES + 1), packed=False), "frame.payload: is longer than 2097152 bytes"),
    ],
)
def test_an_unreadable_frame_is_rejected_with_its_place(frame: bytes | str, problem: str) -> None:
    decoded = WebcastDecoder(1).feed(Frame(frame, AT_MS))

    assert [str(error) for error in decoded.rejected] == [problem]


def test_a_frame_with_endless_messages_is_read_up_to_a_bound() -> None:
    decoded = WebcastDecoder(1).feed(Frame(wire.push(b"\x0a\x02\x0a\x00" * (MAX_MESSAGES + 5)), AT_MS))

    assert len(decoded.rejected) == MAX_MESSAGES + 1
    assert "more than" in str(decoded.rejected[-1])


def test_an_unsigned_connection_that_is_closed_unserved_asks_for_a_signer() -> None:
    error = WebcastDecoder(1, unsigned=True).closed(1006, "")

    assert isinstance(error, SourceAuthError)
    assert error.problem.startswith("sign_url: ")


def test_a_connection_that_was_served_or_signed_is_lost_like_any_other() -> None:
    served = WebcastDecoder(1, unsigned=True)
    served.feed(Frame(wire.pushed(), AT_MS))

    assert served.closed(1006, "") is None
    assert WebcastDecoder(1).closed(1006, "") is None


@pytest.mark.parametrize(
    "written",
    [
        wire.chat("hi", 5, SAID_MS),
        wire.pushed(wire.envelope("WebcastChatMessage", wire.chat("hi", 5, SAID_MS), 5)),
        wire.fetch_result([wire.envelope("WebcastChatMessage", wire.chat("hi", 5, SAID_MS), 5)], push_server="wss://x"),
        base64.b64encode(wire.chat("hi", 5, SAID_MS)).decode(),
        json.dumps({"method": "WebcastChatMessage", "payload": base64.b64encode(wire.chat("hi", 5, SAID_MS)).decode()}),
        json.dumps({"eventData": base64.b64encode(wire.chat("hi", 5, SAID_MS)).decode(), "uniqueId": "x"}),
    ],
    ids=["payload", "frame", "fetch result", "base64", "named", "capture"],
)
def test_captures_are_read_in_any_of_their_forms(written: bytes | str) -> None:
    decoded = OfflineDecoder().feed(Frame(written, AT_MS))

    assert list(decoded.events) == [LiveEvent(SAID_MS, Comment(MIRA, "hi"), "5")]


def test_a_payload_that_does_not_name_itself_is_unknown() -> None:
    assert OfflineDecoder().feed(Frame(wire.encoded({1: 7, 2: "rank"}), AT_MS)).unknown == ["(no name)"]


@pytest.mark.parametrize("written", ["not base64!", '{"payload": 3', '{"payload": "é"}', "\ud800", b"\xff\xff"])
def test_a_capture_that_cannot_be_read_is_rejected(written: bytes | str) -> None:
    assert OfflineDecoder().feed(Frame(written, AT_MS)).rejected


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100)))
def test_arbitrary_frames_never_raise(data: bytes | str) -> None:
    for decoder in (WebcastDecoder(1), OfflineDecoder()):
        decoder.feed(Frame(data, AT_MS))


@given(
    st.sampled_from(
        [wire.chat("hi", 5, SAID_MS), wire.gift(3, 8, SAID_MS, group_id=SAID_MS), wire.like(3, 7, SAID_MS)]
    ),
    st.integers(0, 200),
    st.integers(0, 255),
)
def test_a_flipped_byte_never_raises(payload: bytes, at: int, byte: int) -> None:
    broken = bytearray(payload)
    broken[at % len(broken)] = byte

    OfflineDecoder().feed(Frame(bytes(broken), AT_MS))
