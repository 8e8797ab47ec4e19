from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.errors import DecodeError, PushRefusedError
from bridge.metastudio.callback_signature import CallbackVerifier, Proof, Verified
from bridge.report.wire import Answer, Verdict
from bridge.sandbox.callbacks import EventType, callback_body, signed_callback
from bridge.secret import Secret
from bridge.server.forwarder import Forwarder
from bridge.server.room_callbacks import MAX_REMEMBERED, REMEMBERED_SECS, Outcome, RoomCallbacks, SeenCallbacks
from tests.fakes import FakeClock
from tests.server.jobs import FakeJob

URL = "https://bridge.example.com/callbacks/show"
KEY = "0123456789abcdef"


class NoPoster:
    async def post(self, *_: Any) -> Answer:
        return Answer(Verdict.DELIVERED, 200)


class Fixture:
    def __init__(self, *, job_id: str = "job-1", forward: bool = False) -> None:
        self.clock = FakeClock()
        self.job = FakeJob(job_id)
        self.replies: list[float] = []
        self.forwarder = Forwarder(
            "show",
            url=Secret("https://shop.example/hook"),
            secret=Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            poster=NoPoster(),
            clock=self.clock,
            random=lambda: 0.5,
        )
        self.room = RoomCallbacks(
            "show",
            verifier=CallbackVerifier("MSS_A_HEAD", key=Secret(KEY), url=URL),
            job=self.job,
            clock=self.clock,
            forwarder=self.forwarder if forward else None,
            reply_finished=self.replies.append,
        )

    def verified(self, at_ms: int | None = None) -> Verified:
        at_ms = self.clock.now_ms() if at_ms is None else at_ms
        return Verified("whole_url+seconds", at_ms, Proof("s" * 64, f"{at_ms // 1000:x}"))

    def take(
        self, event_type: EventType, *, at_ms: int | None = None, job_id: str = "job-1", **message: Any
    ) -> Outcome:
        return self.room.take(self.verified(at_ms), callback_body(event_type, message, room_id="r1", job_id=job_id))

    def stream(self, state: str, *, at_ms: int | None = None, job_id: str = "job-1") -> Outcome:
        return self.take("RTMP_STREAM_STATE_CHANGE", at_ms=at_ms, job_id=job_id, state=state)


def test_the_end_of_the_rooms_job_stops_and_a_new_connection_resumes() -> None:
    fixture = Fixture()
    states = ("CONNECTING", "CONNECTED", "DISCONNECTED", "RECONNECTING", "END", "CONNECTED", "SOMETHING_NEW")
    for second, state in enumerate(states):
        assert fixture.stream(state, at_ms=fixture.clock.now_ms() + second * 1000) is Outcome.ACCEPTED
    assert fixture.job.told == ["connected", "ended", "connected"]


@pytest.mark.parametrize(("ours", "theirs"), [("job-1", "job-2"), ("", "job-1"), ("job-1", "job-10")])
def test_news_of_another_job_change_nothing(ours: str, theirs: str) -> None:
    fixture = Fixture(job_id=ours)
    for state in ("END", "CONNECTED"):
        assert fixture.stream(state, job_id=theirs) is Outcome.OTHER_JOB
    assert fixture.job.told == []
    assert fixture.room.latest == {}


def test_what_was_signed_before_the_last_news_tells_of_the_past() -> None:
    fixture = Fixture()
    now_ms = fixture.clock.now_ms()
    assert fixture.stream("END", at_ms=now_ms) is Outcome.ACCEPTED
    assert fixture.stream("CONNECTED", at_ms=now_ms - 1000) is Outcome.OUT_OF_ORDER
    fixture.job.job_id = "job-2"
    assert fixture.stream("CONNECTED", at_ms=now_ms - 1000, job_id="job-2") is Outcome.ACCEPTED
    assert fixture.job.told == ["ended", "connected"]


async def test_a_repeat_has_no_second_effect_until_it_would_be_stale_anyway() -> None:
    fixture = Fixture(forward=True)
    verified = fixture.verified()
    body = callback_body("REPLY_COMMAND_FINISH", {}, room_id="r", job_id="job-1")
    assert fixture.room.take(verified, body) is Outcome.ACCEPTED
    assert fixture.room.take(verified, body) is Outcome.REPEATED
    await fixture.clock.advance(REMEMBERED_SECS - 1)
    assert fixture.room.take(verified, body) is Outcome.REPEATED
    assert len(fixture.replies) == fixture.forwarder.waiting == 1
    await fixture.clock.advance(1)
    assert fixture.room.take(verified, body) is Outcome.ACCEPTED


@given(st.data())
@settings(deadline=None)
def test_any_changed_byte_makes_another_message(data: st.DataObject) -> None:
    fixture = Fixture()
    verified = fixture.verified()
    body = callback_body("REPLY_COMMAND_FINISH", {"reply_id": "p"}, room_id="r", job_id="job-1")
    changed = bytearray(body)
    index = data.draw(st.integers(0, len(body) - 1))
    changed[index] = data.draw(st.integers(0, 255).filter(lambda one: one != body[index]))
    assert fixture.room.take(verified, body) is Outcome.ACCEPTED
    try:
        assert fixture.room.take(verified, bytes(changed)) is not Outcome.REPEATED
    except DecodeError:
        assert fixture.room.counts["", Outcome.UNREADABLE] == 1


@given(st.binary())
@settings(deadline=None)
def test_arbitrary_bodies_are_taken_or_cannot_be_read(body: bytes) -> None:
    fixture = Fixture(forward=True)
    try:
        fixture.room.take(fixture.verified(), body)
    except DecodeError:
        assert fixture.job.told == []
    orjson.dumps(fixture.room.status())


def test_the_memory_of_repeats_is_bounded() -> None:
    seen = SeenCallbacks()
    for number in range(MAX_REMEMBERED + 5):
        seen.add(str(number).encode(), 0.0)
    assert len(seen) == MAX_REMEMBERED
    assert not seen.knows(b"4", 1.0)
    assert seen.knows(b"5", 1.0)
    assert not seen.knows(b"5", REMEMBERED_SECS)
    assert len(seen) == 0


def test_replies_of_the_job_are_told_and_those_of_another_are_not() -> None:
    fixture = Fixture()
    assert fixture.take("REPLY_COMMAND_FINISH", reply_id="a") is Outcome.ACCEPTED
    assert fixture.take("REPLY_COMMAND_FINISH", reply_id="b", job_id="job-2") is Outcome.OTHER_JOB
    assert fixture.replies == [fixture.clock.monotonic()]
    opaque = Fixture(job_id="")
    assert opaque.take("REPLY_COMMAND_FINISH", reply_id="a") is Outcome.ACCEPTED
    assert len(opaque.replies) == 1


def test_the_status_shows_the_latest_of_each_kind_and_no_secret() -> None:
    fixture = Fixture(forward=True)
    fixture.take("SHOOT_SCRIPT_SWITCH", shoot_script_title="one", at_ms=1)
    fixture.take("SHOOT_SCRIPT_SWITCH", shoot_script_title="two", at_ms=2)
    fixture.take("RTMP_STREAM_STATE_CHANGE", state="CONNECTED", stream_key="K3Y", at_ms=3)
    fixture.take("REPLY_COMMAND_FINISH", reply_id="p", job_id="job-2", at_ms=4)
    shown = fixture.room.status()
    assert shown["latest"]["SHOOT_SCRIPT_SWITCH"]["title"] == "two"
    assert shown["latest"]["RTMP_STREAM_STATE_CHANGE"]["at_ms"] == 3
    assert shown["counts"] == {
        "shoot_script_switch.accepted": 2,
        "rtmp_stream_state_change.accepted": 1,
        "reply_command_finish.other_job": 1,
    }
    assert shown["forwarding"]["waiting"] == 4
    for secret in ("K3Y", KEY, "whsec", "MfKQ"):
        assert secret not in json.dumps(shown)


def test_the_matching_reading_is_logged_once() -> None:
    fixture = Fixture()
    with capture_logs() as logs:
        for _ in range(3):
            fixture.room.verify(signed(fixture.clock.now_ms()), [])
    assert [entry["reading"] for entry in logs if entry["event"] == "callback.reading"] == [
        "host_path_sorted_query+seconds"
    ]


async def test_refusals_are_counted_each_and_logged_once_in_a_while() -> None:
    fixture = Fixture()
    with capture_logs() as logs:
        for _ in range(5):
            with pytest.raises(PushRefusedError):
                fixture.room.verify({}, [])
        await fixture.clock.advance(30)
        with pytest.raises(PushRefusedError):
            fixture.room.verify({}, [])
    assert fixture.room.counts["", Outcome.REFUSED] == 6
    assert [entry["refused"] for entry in logs] == [1, 6]
    assert "there is none" in fixture.room.last_refusal


def test_a_stream_key_reaches_neither_log_nor_status() -> None:
    fixture = Fixture()
    with capture_logs() as logs:
        fixture.take("RTMP_STREAM_STATE_CHANGE", state="END", stream_key="K3Y-K3Y", output_url="rtmp://h/live/K3Y-K3Y")
    assert "K3Y-K3Y" not in repr(logs) + repr(fixture.room.status())


def signed(at_ms: int) -> dict[str, str]:
    sent = signed_callback(target=URL, signed_url=URL, body=b"", auth_type="MSS_A_HEAD", key=KEY, at_ms=at_ms)
    return {name.lower(): value for name, value in sent.headers.items()}
