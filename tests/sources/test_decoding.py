"""Captured frames in, results out."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import DecodeError, RoomOfflineError
from bridge.events import LiveEvent, PaidMessage, Streak, Twin
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.money import Money
from bridge.outbox.policy import DEFAULT_POLICIES
from bridge.sources.contract import NOTHING, Decoded, Frame, Notice, NoticeKind, QuietDecoder
from bridge.sources.decoding import decode_lines
from tests.samples import NOW_MS, comment, event, rose


class Script(QuietDecoder):
    """Yields what the script says for a frame's text, and a comment for any other."""

    def __init__(self, **script: Decoded) -> None:
        self.frames: list[Frame] = []
        self._script = script

    def feed(self, frame: Frame) -> Decoded:
        self.frames.append(frame)
        text = frame.data if isinstance(frame.data, str) else frame.data.decode()
        return self._script.get(text) or Decoded(events=[comment(text, at_ms=frame.received_at_ms)])


def line(text: str, at_ms: int | None = None) -> bytes:
    return orjson.dumps({"text": text} if at_ms is None else {"at_ms": at_ms, "text": text})


def results(decoder: Script, *lines: bytes) -> list[dict[str, Any]]:
    return list(decode_lines(decoder, lines, now_ms=NOW_MS))


def told(event: LiveEvent) -> dict[str, Any]:
    return {"event": orjson.loads(event.to_wire())}


def test_a_line_is_a_text_or_base64_with_the_time_it_came() -> None:
    decoder = Script()

    found = results(decoder, line("one", 5), orjson.dumps({"at_ms": 7, "b64": base64.b64encode(b"two").decode()}))

    assert decoder.frames == [Frame("one", 5), Frame(b"two", 7)]
    assert found == [told(comment("one", at_ms=5)), told(comment("two", at_ms=7))]


def test_empty_lines_are_passed_over() -> None:
    assert results(Script(), b"", b"  \n", line("one", 5), b"\n") == [told(comment("one", at_ms=5))]


def test_without_a_time_a_line_came_with_the_one_before_it_and_the_first_one_now() -> None:
    timed, untimed = Script(), Script()

    results(timed, line("one", 5), line("two"))
    results(untimed, line("one"), line("two"))

    assert [frame.received_at_ms for frame in timed.frames] == [5, 5]
    assert [frame.received_at_ms for frame in untimed.frames] == [NOW_MS, NOW_MS]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"{", "is not JSON (1 bytes)"),
        (b"[1]", "is not an object with text or b64"),
        (b"{}", "has neither text nor b64"),
        (b'{"text": 3}', "has neither text nor b64"),
        (b'{"b64": "!"}', "b64: is not base64"),
        ('{"b64": "é"}'.encode(), "b64: is not base64"),
        (b'{"text": "x", "at_ms": "soon"}', "at_ms: is str, an integer expected"),
        (b'{"text": "x", "at_ms": -1}', "at_ms: is out of range"),
        (b'{"text": "x", "at_ms": 1e300}', "at_ms: is out of range"),
        (b'{"text": "x", "at_ms": 1' + b"0" * 400 + b"}", "at_ms: is out of range"),
    ],
)
def test_a_line_that_is_none_is_rejected_by_its_number_and_the_next_ones_are_read(bad: bytes, problem: str) -> None:
    assert results(Script(), b"", bad, line("one", 5)) == [
        {"rejected": f"line 2: {problem}"},
        told(comment("one", at_ms=5)),
    ]


def test_everything_that_a_frame_yields_is_a_result() -> None:
    everything = Decoded(
        events=[comment("hi")],
        rejected=[DecodeError("a.b", "is missing")],
        unknown=["NEW"],
        ignored=["OLD"],
        notices=[Notice(NoticeKind.ENDED)],
        end=RoomOfflineError("over"),
    )

    assert results(Script(all=everything), line("all")) == [
        told(comment("hi")),
        {"rejected": "a.b: is missing"},
        {"unknown": "NEW"},
        {"ignored": "OLD"},
        {"ignored": "notice ended"},
        {"ignored": "end RoomOfflineError"},
    ]


def test_replays_and_twins_and_frames_of_combos_are_told_once_and_the_others_are_ignored() -> None:
    settled = event(rose(5), "w", twin=Twin("t", settles=True))
    script = Script(
        combo=Decoded(events=[event(rose(n), f"c{n}", streak=Streak("g")) for n in (1, 3, 2)]),
        end=Decoded(events=[event(rose(4), "c4", streak=Streak("g", ended=True))]),
        twin=Decoded(events=[event(rose(1), "p", twin=Twin("t", settles=False, wait_secs=1)), settled]),
        again=Decoded(events=[comment("hi", "1"), comment("hi", "1")]),
    )

    assert results(script, line("combo"), line("end"), line("twin"), line("again")) == [
        told(event(rose(1))),
        {"ignored": "streak"},
        told(event(rose(3))),
        {"ignored": "streak"},
        told(settled),
        {"ignored": "twin"},
        told(comment("hi")),
        {"ignored": "duplicate"},
    ]


def test_what_is_held_goes_out_when_its_time_has_passed_by_the_frames_own_clock() -> None:
    script = Script(
        part=Decoded(events=[event(rose(1), "p", twin=Twin("t", settles=False, wait_secs=2))]),
        quiet=NOTHING,
    )

    assert results(script, line("part", 1000), line("quiet", 2999), line("late", 3001)) == [
        told(event(rose(1))),
        told(comment("late", at_ms=3001)),
    ]


def test_what_is_still_held_at_the_end_is_let_go_of() -> None:
    script = Script(combo=Decoded(events=[event(rose(n), f"c{n}", streak=Streak("g")) for n in (1, 3)]))

    assert results(script, line("combo")) == [told(event(rose(1))), told(event(rose(2)))]


def test_a_paid_message_takes_the_form_that_the_room_gives_it() -> None:
    paid = event(PaidMessage("hi", rose(1)))
    both = Admission(DEFAULT_POLICIES, PaidMessageForm.BOTH, Money()).forms

    found = list(decode_lines(Script(paid=Decoded(events=[paid])), [line("paid")], now_ms=NOW_MS, report=both))

    assert found == [told(comment("hi")), told(event(rose(1)))]


def test_names_that_utf8_cannot_carry_can_be_printed() -> None:
    odd = Decoded(unknown=["N\ud800"], ignored=["O\ud800"], rejected=[DecodeError("p\ud800", "is missing")])

    assert orjson.dumps(results(Script(odd=odd), line("odd")))


@given(st.lists(st.binary(max_size=30) | st.builds(line, st.text(max_size=3), st.integers(-5, 2**63)), max_size=8))
@settings(deadline=None)
def test_any_lines_give_results_that_are_json(lines: list[bytes]) -> None:
    for result in results(Script(), *lines):
        assert set(result) <= {"event", "rejected"}
        assert orjson.dumps(result)
