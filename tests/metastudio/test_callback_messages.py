from __future__ import annotations

import dataclasses
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.metastudio.callback_messages import (
    MAX_TEXT_CHARS,
    LiveProgress,
    ReplyFinished,
    ScriptSwitched,
    StreamStateChanged,
    Unknown,
    read_callback,
)
from bridge.sandbox.callbacks import EventType, callback_body

SCRIPT = {
    "room_id": "r1",
    "job_id": "j1",
    "scene_script_name": "场景一",
    "shoot_script_sequence_no": "2",
    "shoot_script_title": "段落2",
}
STREAM = {
    "room_id": "r1",
    "job_id": "j1",
    "output_url": "rtmp://push.example/live",
    "stream_key": "K3Y",
    "state": "END",
}
REPLY = {"room_id": "r1", "job_id": "j1", "reply_id": "p1"}
SWITCHED = ScriptSwitched(job_id="j1", room_id="r1", scene="场景一", sequence_no=2, title="段落2")
ENDED = StreamStateChanged(job_id="j1", state="END", room_id="r1", output_url="rtmp://push.example/***")
FINISHED = ReplyFinished(reply_id="p1", job_id="j1", room_id="r1")


def body(event_type: str, message: Any) -> bytes:
    return json.dumps({"event_type": event_type, "message": message}).encode()


@pytest.mark.parametrize(
    ("event_type", "message", "expected"),
    [
        ("SHOOT_SCRIPT_SWITCH", SCRIPT, SWITCHED),
        ("RTMP_STREAM_STATE_CHANGE", STREAM, dataclasses.replace(ENDED, output_url="rtmp://push.example/live")),
        ("REPLY_COMMAND_FINISH", REPLY, FINISHED),
    ],
)
def test_each_event_is_read_from_text_object_and_double_text(event_type: str, message: Any, expected: Any) -> None:
    once = json.dumps(message)
    assert read_callback(body(event_type, once)) == expected
    assert read_callback(body(event_type, json.dumps(message, ensure_ascii=False))) == expected
    assert read_callback(body(event_type, message)) == expected
    assert read_callback(body(event_type, json.dumps(once))) == expected
    assert read_callback(json.dumps(body(event_type, once).decode()).encode()) == expected
    assert read_callback(b"\xef\xbb\xbf" + body(event_type, once)) == expected
    assert read_callback(json.dumps({"event_type": event_type.lower(), **message}).encode()) == expected


@pytest.mark.parametrize("event_type", ["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH"])
def test_what_the_sandbox_sends_is_read(event_type: EventType) -> None:
    event = read_callback(callback_body(event_type, {}, room_id="r1", job_id="j1"))
    assert event.name == event_type
    assert isinstance(event, ScriptSwitched | StreamStateChanged | ReplyFinished)
    assert event.job_id == "j1"


def test_the_documents_own_sample_with_an_inner_quote_that_is_not_escaped_is_read() -> None:
    sample = (
        b'{ "event_type": "REPLY_COMMAND_FINISH",\n  "message":'
        b'"{\\"room_id\\":\\"r1\\",\\"job_id\\":\\"j1\\",\\"reply_id\\":\\"p1"}"\n}'
    )
    with pytest.raises(json.JSONDecodeError):
        json.loads(sample)
    assert read_callback(sample) == FINISHED


def test_the_documents_own_rtc_sample_with_an_object_in_quotes_is_read() -> None:
    sample = b'{\n  "message_type": "reply_command_finish_notify",\n  "data":"{\n    "reply_id":"p1"\n  }"\n}'
    assert read_callback(sample) == ReplyFinished(reply_id="p1")


def test_progress_of_the_rtc_room_is_read() -> None:
    data = {
        "script_name": "s",
        "shoot_script_sequence_no": 2,
        "shoot_script_title": "t",
        "offset": "247",
        "reply_id": "p",
    }
    sent = json.dumps({"message_type": "live_progress_notify", "data": data}).encode()
    assert read_callback(sent) == LiveProgress(script="s", sequence_no=2, title="t", offset=247, reply_id="p")


@pytest.mark.parametrize("event_type", ["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH"])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_body_that_lost_its_end_is_read_as_far_as_it_goes(event_type: EventType, cut: int) -> None:
    whole = callback_body(event_type, {}, room_id="r1", job_id="j1")
    assert read_callback(whole[:-cut]) == read_callback(whole)


def test_escapes_are_read_in_a_body_that_is_not_quite_json() -> None:
    sample = body("SHOOT_SCRIPT_SWITCH", json.dumps(SCRIPT))[:-1]
    assert b"\\\\u6bb5" in sample
    assert read_callback(sample) == SWITCHED


def test_numbers_may_be_texts_and_ids_numbers() -> None:
    event = read_callback(body("SHOOT_SCRIPT_SWITCH", {"job_id": 7, "room_id": 8, "shoot_script_sequence_no": " 12 "}))
    assert event == ScriptSwitched(job_id="7", room_id="8", sequence_no=12)


def test_products_and_live_ids_of_undocumented_names_are_kept() -> None:
    event = read_callback(
        body("SHOOT_SCRIPT_SWITCH", SCRIPT | {"product_id": "77", "live": 5, "x": {}, "live_key": "s"})
    )
    assert isinstance(event, ScriptSwitched)
    assert event.further == {"product_id": "77", "live": 5}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmp://push.example/live/K3Y?sign=1", "rtmp://push.example/live/***"),
        ("rtmp://u:p@push.example:1935/live", "rtmp://push.example:1935/live"),
    ],
)
def test_a_stream_key_is_never_kept(url: str, shown: str) -> None:
    event = read_callback(body("RTMP_STREAM_STATE_CHANGE", STREAM | {"output_url": url}))
    assert isinstance(event, StreamStateChanged)
    assert event.output_url == shown
    assert "K3Y" not in repr(event)


def test_a_key_that_may_stand_in_the_path_is_cut_off_with_it() -> None:
    message = {**STREAM, "stream_key": "", "output_url": "rtmp://push.example/live/K3Y"}
    event = read_callback(body("RTMP_STREAM_STATE_CHANGE", message))
    assert isinstance(event, StreamStateChanged)
    assert event.output_url == "rtmp://push.example/live"


def test_news_of_an_unknown_kind_are_named() -> None:
    assert read_callback(b'{"event_type": "MAKE_COFFEE", "message": 5}') == Unknown("MAKE_COFFEE")


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b"", ""),
        (b"hello", ""),
        (b"[]", ""),
        (b"{}", "event_type"),
        (b'{"message": "{}"}', "event_type"),
        (b'{"event_type": "REPLY_COMMAND_FINISH"}', "reply_id"),
        (b'{"event_type": "REPLY_COMMAND_FINISH", "message": {}}', "message.reply_id"),
        (b'{"event_type": "REPLY_COMMAND_FINISH", "message": "hello"}', "message"),
        (b'{"event_type": "REPLY_COMMAND_FINISH", "message": 5}', "message"),
        (b'{"event_type": "SHOOT_SCRIPT_SWITCH", "message": {"job_id": null}}', "message.job_id"),
        (b'{"event_type": "RTMP_STREAM_STATE_CHANGE", "message": {"job_id": "j"}}', "message.state"),
        (b"[" * 100_000, ""),
    ],
)
def test_what_cannot_be_read_says_where(sent: bytes, path: str) -> None:
    with pytest.raises(DecodeError) as refused:
        read_callback(sent)
    assert refused.value.path == path


def test_what_is_kept_is_bounded_and_can_be_written_as_json() -> None:
    message = SCRIPT | {"shoot_script_title": "\ud800\0" + "x" * 5000, "shoot_script_sequence_no": 10**30}
    message |= {f"n{index}": 10**30 if index % 2 else "y" for index in range(100)}
    event = read_callback(body("SHOOT_SCRIPT_SWITCH", json.dumps(message)))
    assert isinstance(event, ScriptSwitched)
    assert len(event.title) < MAX_TEXT_CHARS
    assert event.sequence_no is None
    assert len(orjson.dumps(dataclasses.asdict(event))) < 10_000


def test_a_hostile_body_costs_no_more_than_its_length() -> None:
    for piece in (b'"a":"', b'"a" :', b'\\"a\\":\\"', b'"a":"\\', b"{", b'"'):
        with pytest.raises(DecodeError):
            read_callback(piece * (1_000_000 // len(piece)))


KINDS = st.sampled_from(
    ["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH", "live_progress_notify", "other"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*SCRIPT, *STREAM, *REPLY, "offset"]) | st.text(), inner, max_size=6)
    ),
    max_leaves=15,
)


def check(sent: bytes) -> None:
    try:
        event = read_callback(sent)
    except DecodeError:
        return
    orjson.dumps(dataclasses.asdict(event))


@given(st.binary())
@settings(deadline=None)
def test_arbitrary_bytes_are_read_or_refused(sent: bytes) -> None:
    check(sent)


@given(KINDS, JSON)
@settings(deadline=None)
def test_arbitrary_messages_are_read_or_refused(kind: str, message: Any) -> None:
    for form in (message, json.dumps(message)):
        check(body(kind, form))


@given(KINDS, st.dictionaries(st.sampled_from([*SCRIPT, *STREAM, *REPLY]), st.text()), st.data())
@settings(deadline=None)
def test_arbitrary_damage_is_read_or_refused(kind: str, message: dict[str, str], data: st.DataObject) -> None:
    sent = bytearray(body(kind, json.dumps(message)))
    for _ in range(data.draw(st.integers(1, 5))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(sent[: data.draw(st.integers(0, len(sent)))]))
