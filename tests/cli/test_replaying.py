from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from bridge.cli.pacing import Pacer, RecordedEvent, recorded_event
from bridge.cli.replaying import MAX_CALLS, SYSTEMIC_REFUSALS, NotReplayedError, Pace, Sender, Tally, replay, send_all
from bridge.errors import ConfigError
from bridge.report.wire import Answer, Verdict
from bridge.sandbox import Sandbox
from tests.fakes import FakeClock
from tests.metastudio.rule_shows import GIFT, wire

OK = Answer(Verdict.DELIVERED, 200)
BUSY = Answer(Verdict.UNAVAILABLE, 503)
BAD = Answer(Verdict.REFUSED, 400, "MSS.00000003", "Invalid parameter")


class ScriptedPoster:
    """Answers by script, then well; what has a text in ``dislikes`` is refused."""

    def __init__(self, clock: FakeClock, *script: Answer, dislikes: str = "\0") -> None:
        self.calls: list[tuple[float, list[str]]] = []
        self._clock = clock
        self._script = list(script)
        self._dislikes = dislikes

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        data = orjson.loads(body)
        assert data["total"] == len(data["events"])
        texts = [orjson.loads(event["content"])["content"] for event in data["events"]]
        self.calls.append((self._clock.monotonic() - 1000, texts))
        if self._script:
            return self._script.pop(0)
        return BAD if any(self._dislikes in text for text in texts) else OK


def events(*moments: float) -> Iterator[RecordedEvent]:
    return (recorded_event(wire(content=str(number), at_secs=at)) for number, at in enumerate(moments))


async def sent(
    poster: ScriptedPoster, clock: FakeClock, moments: list[float], pace: Pace, *, stop_after_secs: float | None = None
) -> Tally:
    stop = asyncio.Event()
    sender = Sender("https://cloud.example.com/report", poster, clock, stop)
    pacer = Pacer(events(*moments), pace.speed, clock.monotonic())
    work = asyncio.ensure_future(send_all(pacer, sender, pace, clock, stop))
    for tick in range(2000):
        await clock.advance(0.1)
        if stop_after_secs is not None and (tick + 1) * 0.1 >= stop_after_secs:
            stop.set()
        if work.done():
            return work.result()
    raise AssertionError("does not end")


async def test_events_go_out_at_their_pace_those_of_one_moment_together() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock)
    tally = await sent(poster, clock, [0, 0, 3, 10], Pace(1))
    assert poster.calls == [(0, ["0", "1"]), (3, ["2"]), (10, ["3"])]
    assert (tally.delivered, tally.calls, tally.left) == (4, 3, 0)


async def test_calls_keep_their_distance_and_their_size() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock)
    await sent(poster, clock, [0] * 5, Pace(0, max_batch=2, min_interval_secs=1))
    assert poster.calls == [(0, ["0", "1"]), (1, ["2", "3"]), (2, ["4"])]


async def test_what_cannot_be_taken_just_now_is_sent_again() -> None:
    clock = FakeClock()
    throttled = Answer(Verdict.THROTTLED, 429, retry_after_secs=7)
    poster = ScriptedPoster(clock, BUSY, throttled)
    tally = await sent(poster, clock, [0, 0], Pace(0))
    assert [texts for _, texts in poster.calls] == [["0", "1"]] * 3
    assert poster.calls[2][0] - poster.calls[1][0] >= 7
    assert (tally.delivered, tally.left, tally.given_up) == (2, 0, "")


async def test_a_cloud_that_stays_away_is_given_up() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock, *[BUSY] * 100)
    tally = await sent(poster, clock, [0, 0, 60], Pace(1))
    assert tally.calls == MAX_CALLS
    assert (tally.delivered, tally.left, tally.given_up) == (0, 3, "HTTP 503")


@pytest.mark.parametrize("verdict", [Verdict.UNAUTHORISED, Verdict.GONE, Verdict.MISCONFIGURED])
async def test_what_no_repetition_mends_is_given_up_at_once(verdict: Verdict) -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock, Answer(verdict, 401, "MSS.00000001", "unauthorized"))
    tally = await sent(poster, clock, [0, 5], Pace(1))
    assert (tally.calls, tally.left, tally.given_up) == (1, 2, "HTTP 401 MSS.00000001 unauthorized")


async def test_one_refused_event_does_not_hold_back_the_others() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock, dislikes="3")
    tally = await sent(poster, clock, [0] * 7, Pace(0))
    assert (tally.delivered, tally.refused, tally.left) == (6, 1, 0)
    taken = [text for _, texts in poster.calls for text in texts if "3" not in texts]
    assert taken == ["0", "1", "2", "4", "5", "6"]


async def test_a_cloud_that_refuses_everything_is_given_up() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock, dislikes="")
    tally = await sent(poster, clock, [0] * 50, Pace(0))
    assert (tally.refused, tally.left) == (SYSTEMIC_REFUSALS, 50 - SYSTEMIC_REFUSALS)
    assert tally.given_up == "the cloud refuses every event"


async def test_an_unknown_outcome_is_told_and_not_tried_again() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock, Answer(Verdict.UNKNOWN, error_msg="no answer in time"))
    tally = await sent(poster, clock, [0, 1], Pace(1))
    assert (tally.unknown, tally.delivered, tally.calls) == (1, 1, 2)


async def test_a_stop_counts_what_was_not_sent() -> None:
    clock = FakeClock()
    poster = ScriptedPoster(clock)
    tally = await sent(poster, clock, [0, 5, 10, 15], Pace(1), stop_after_secs=7)
    assert (tally.delivered, tally.left, tally.given_up) == (2, 2, "")


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(replay)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def recording(folder: Path, *lines: Any) -> Path:
    path = folder / "show.jsonl"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return path


def test_a_recording_is_shown_on_the_screen(tmp_path: Path) -> None:
    result = run(recording(tmp_path, wire(content="hi\x1b[2J"), wire(GIFT, 3600), "x"), "--speed", "0")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["22:13:20", "comment"], ["23:13:20", "gift"]]
    assert "\x1b" not in result.stdout
    assert "line 3: " in result.stderr


def test_a_wrong_url_or_file_is_a_matter_of_configuration(tmp_path: Path) -> None:
    assert isinstance(run(recording(tmp_path), "--url", "nowhere").exception, ConfigError)
    assert isinstance(run(tmp_path / "missing").exception, ConfigError)


def test_an_empty_recording_needs_no_call(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/v1/p/smart-live-rooms/r/smart-live-jobs/j/live-event-report?auth_key=secret"
    result = run(recording(tmp_path), "--url", url)
    assert result.exit_code == 0
    assert result.stdout == "0 event(s) delivered in 0 call(s)\n"


async def test_a_recording_reaches_a_job_unchanged_and_in_order(tmp_path: Path) -> None:
    lines = [wire(content=str(number), at_secs=number) for number in range(30)]
    path = recording(tmp_path, *lines)
    async with Sandbox() as sandbox:
        arguments = (path, "--url", sandbox.report_url, "--speed", 0, "--max-batch", 7, "--min-interval-ms", 0)
        result = await asyncio.to_thread(_run_without_signals, arguments)
        assert result.exit_code == 0, result.exception
        taken = [{"timestamp": e.timestamp, "type": e.type, "content": e.content} for e in sandbox.events()]
        assert taken == lines
        assert [event.call for event in sandbox.events()] == sorted([1, 2, 3, 4] * 7 + [5] * 2)
        assert "30 event(s) delivered in 5 call(s)" in result.stdout
        sandbox.misbehave({"status": 401})
        refused = await asyncio.to_thread(_run_without_signals, arguments)
        assert isinstance(refused.exception, NotReplayedError)
        assert refused.exception.exit_code == 3
        assert "30 not sent" in refused.stdout


async def test_events_can_be_given_the_time_at_which_they_are_sent(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        path = recording(tmp_path, wire(at_secs=-1_000_000))
        result = await asyncio.to_thread(_run_without_signals, (path, "--url", sandbox.report_url, "--now"))
        assert result.exit_code == 0, result.exception
        (event,) = sandbox.events()
        assert event.timestamp > wire()["timestamp"]
        assert event.content == wire()["content"]


def _run_without_signals(arguments: tuple[object, ...]) -> Result:
    """Run the command in a thread, where no signal handler can be set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.cli.replaying.stop_signal", asyncio.Event)
        return run(*arguments)
