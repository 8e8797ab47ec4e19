"""One connection's life: greeting, frames, heartbeat, polls, and the watchdog that declares it dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.errors import RoomOfflineError, SourceAuthError, SourceError, SourceUnavailableError
from bridge.events import LiveEvent
from bridge.sources import session as module
from bridge.sources.contract import Connection, Decoded, Endpoint, Frame, HttpAnswer, Poll, Transport
from bridge.sources.session import Session
from bridge.sources.speaker import MAX_UNSAID_BYTES, QUIET_SECS, WORK_SLICE_SECS
from tests.fakes import FakeClock, settle
from tests.samples import comment
from tests.sources.toy_platform import Script, ToyChannel, ToyDecoder, ToyHttp, get


class Talk:
    """A session under way, with everything around it."""

    def __init__(self, decoder: ToyDecoder, http: ToyHttp, **endpoint: Any) -> None:
        self.clock = FakeClock()
        self.decoder = decoder
        self.http = http
        self.endpoint = Endpoint("wss://pond.example/", **endpoint)
        self.channel: ToyChannel | None = None if self.endpoint.transport is Transport.POLLING else ToyChannel()
        self.decoded: list[Decoded] = []
        self.session = Session(Connection(self.endpoint, decoder), http, self.clock, self.decoded.append)
        self.task = asyncio.create_task(self.session.run(self.channel))

    @property
    def peer(self) -> ToyChannel:
        assert self.channel is not None
        return self.channel

    @property
    def events(self) -> list[LiveEvent]:
        return [event for one in self.decoded for event in one.events]

    async def end(self) -> SourceError:
        """Wait for the end and return why."""
        await asyncio.wait((self.task,), timeout=5)
        error = self.task.exception()
        assert isinstance(error, SourceError)
        return error


class Talks:
    """Begins sessions, and ends them with the test."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []

    async def __call__(
        self, script: Script | None = None, *, http: ToyHttp | None = None, endpoint: Any = None, **options: Any
    ) -> Talk:
        talk = Talk(ToyDecoder(script, **options), http or ToyHttp(), **(endpoint or {}))
        self.talks.append(talk)
        await settle()
        return talk


@pytest.fixture
async def begin() -> AsyncIterator[Talks]:
    talks = Talks()
    yield talks
    for talk in talks.talks:
        talk.task.cancel()
    await asyncio.gather(*(talk.task for talk in talks.talks), return_exceptions=True)


async def test_what_had_come_before_the_end_is_not_lost(begin: Talks) -> None:
    talk = await begin({"over": Decoded(end=RoomOfflineError("over"))})
    talk.peer.says("before", "over", "after")
    error = await talk.end()

    assert str(error) == "over"
    assert [frame.data for frame in talk.decoder.frames] == ["before", "over", "after"]
    assert len(talk.events) == talk.session.events == 2


async def test_the_greeting_goes_out_before_anything_is_read(begin: Talks) -> None:
    talk = await begin(greeting=["PASS x", b"\x01"])

    assert talk.peer.sent == ["PASS x", b"\x01"]
    assert talk.decoder.frames == []


async def test_every_frame_is_decoded_with_the_time_it_came_and_handed_on(begin: Talks) -> None:
    talk = await begin()
    first_at_ms = talk.clock.now_ms()
    talk.peer.says("one")
    await talk.clock.advance(2)
    talk.peer.says("two")
    await settle()

    assert talk.decoder.frames == [Frame("one", first_at_ms), Frame("two", first_at_ms + 2000)]
    assert talk.events == [comment("one"), comment("two")]
    assert talk.session.events == 2
    assert talk.session.heard.is_set()


async def test_replies_go_back_over_the_same_connection(begin: Talks) -> None:
    talk = await begin({"PING": Decoded(replies=["PONG", b"pong"])})
    talk.peer.says("PING")
    await talk.clock.advance(QUIET_SECS)

    assert talk.peer.sent == ["PONG", b"pong"]


async def test_a_peer_that_asks_and_asks_but_does_not_read_is_a_dead_connection(
    begin: Talks, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await begin({"PING": Decoded(replies=["x" * 1000])})
    monkeypatch.setattr(talk.peer, "send", lambda _data: asyncio.Event().wait())
    for _ in range(MAX_UNSAID_BYTES // 1000 + 2):
        talk.peer.says("PING")
        await talk.clock.advance(QUIET_SECS)

    assert "does not read" in str(await talk.end())


async def test_the_heartbeat_is_sent_every_interval(begin: Talks) -> None:
    talk = await begin(endpoint={"heartbeat_interval_secs": 20.0}, heartbeat=["beat"])
    for _ in range(3):
        talk.peer.says("alive")
        await talk.clock.advance(20)

    assert talk.peer.sent == ["beat", "beat", "beat"]


async def test_without_an_interval_no_heartbeat_is_sent(begin: Talks) -> None:
    talk = await begin(heartbeat=["beat"])
    await talk.clock.advance(59)

    assert talk.peer.sent == []


async def test_silence_past_the_limit_is_a_dead_socket(begin: Talks) -> None:
    talk = await begin(endpoint={"silence_timeout_secs": 30.0})
    await talk.clock.advance(29)
    talk.peer.says("still here")
    await talk.clock.advance(29.9)
    assert not talk.task.done()
    await talk.clock.advance(0.2)

    error = await talk.end()
    assert isinstance(error, SourceUnavailableError)
    assert str(error) == "silent for 30 s"
    assert talk.peer.is_closed


@pytest.mark.parametrize("announced_secs", [20.0, 90.0])
async def test_the_peer_may_announce_how_long_it_may_be_silent(begin: Talks, announced_secs: float) -> None:
    talk = await begin(endpoint={"silence_timeout_secs": 30.0})
    talk.peer.says("welcome")
    talk.decoder.silence_timeout_secs = announced_secs
    await talk.clock.advance(max(announced_secs, 30.0) - 0.1)
    assert not talk.task.done()
    await talk.clock.advance(0.2)

    assert str(await talk.end()) == f"silent for {announced_secs:.0f} s"


async def test_our_own_heartbeat_does_not_count_as_a_sign_of_life(begin: Talks) -> None:
    talk = await begin(endpoint={"silence_timeout_secs": 30.0, "heartbeat_interval_secs": 1.0}, heartbeat=["beat"])
    await talk.clock.advance(30.1)

    assert str(await talk.end()) == "silent for 30 s"


async def test_a_lost_connection_is_to_be_dialled_again(begin: Talks) -> None:
    talk = await begin()
    talk.peer.breaks()

    error = await talk.end()

    assert isinstance(error, SourceUnavailableError)
    assert str(error) == "closed with 1006 connection lost"
    assert talk.decoder.closes == [(1006, "connection lost")]
    assert talk.peer.is_closed


async def test_the_platform_says_what_a_close_code_means(begin: Talks) -> None:
    talk = await begin(meanings={4001: SourceAuthError("token: has expired")})
    talk.peer.breaks(4001, "bad token")

    assert isinstance(await talk.end(), SourceAuthError)


async def test_a_platform_may_end_the_connection_with_its_reason(begin: Talks) -> None:
    over = RoomOfflineError("the broadcast is over")
    talk = await begin({"over": Decoded(events=[comment("bye")], end=over)})
    talk.peer.says("over")

    assert await talk.end() is over
    assert talk.events == [comment("bye")]
    assert talk.peer.is_closed


async def test_calls_that_a_frame_asks_for_are_made_in_order_and_answered(begin: Talks) -> None:
    http = ToyHttp(second=HttpAnswer(404))
    talk = await begin(
        {
            "go": Decoded(calls=[get("first"), get("second")]),
            "second": Decoded(events=[comment("from an answer")], calls=[get("third")]),
        },
        http=http,
    )
    talk.peer.says("go")
    await settle()

    assert http.tags == ["first", "second", "third"]
    assert [(call.tag, answer.status) for call, answer in talk.decoder.answers] == [
        ("first", 200),
        ("second", 404),
        ("third", 200),
    ]
    assert talk.events == [comment("from an answer")]


async def test_a_call_without_an_answer_does_not_disturb_an_open_connection(begin: Talks) -> None:
    talk = await begin({"go": Decoded(calls=[get("down")])}, http=ToyHttp(down=SourceUnavailableError("no answer")))
    for _ in range(module.MAX_UNANSWERED_CALLS + 1):
        talk.peer.says("go")
        await settle()

    assert not talk.task.done()


async def test_more_calls_than_can_ever_be_made_end_the_connection(
    begin: Talks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer asks for two more: neither a hang nor memory without bound."""
    monkeypatch.setattr(module, "MAX_WAITING_CALLS", 10)
    talk = await begin({"go": Decoded(calls=[get("more")]), "more": Decoded(calls=[get("more"), get("more")])})
    talk.peer.says("go")

    assert "calls wait to be made" in str(await talk.end())


async def test_polls_begin_at_once_and_repeat(begin: Talks) -> None:
    http = ToyHttp()
    talk = await begin(
        {"viewers": Decoded(events=[comment("7 viewers")])},
        http=http,
        endpoint={"polls": [Poll(get("viewers"), 10.0), Poll(get("status"), 25.0)]},
    )
    talk.peer.says("keep the watchdog quiet")
    await talk.clock.advance(30)

    assert http.tags == ["viewers", "status", "viewers", "viewers", "status", "viewers"]
    assert talk.session.events == 4 + 1


async def test_a_poll_may_begin_later(begin: Talks) -> None:
    http = ToyHttp()
    talk = await begin(http=http, endpoint={"polls": [Poll(get("login"), 30.0, after_secs=20.0)]})
    await talk.clock.advance(19)
    assert http.tags == []
    await talk.clock.advance(1 + 30)

    assert http.tags == ["login", "login"]


async def test_a_poll_without_an_answer_does_not_disturb_an_open_connection(begin: Talks) -> None:
    http = ToyHttp(viewers=SourceUnavailableError("no answer"))
    talk = await begin(http=http, endpoint={"polls": [Poll(get("viewers"), 10.0)]})
    await talk.clock.advance(25)

    assert not talk.task.done()
    assert http.tags == ["viewers"] * 3


async def test_where_there_is_nothing_but_polls_a_few_in_a_row_without_an_answer_end_the_connection(
    begin: Talks,
) -> None:
    talk = await begin(
        http=ToyHttp(viewers=SourceUnavailableError("no answer")),
        endpoint={"transport": Transport.POLLING, "polls": [Poll(get("viewers"), 10.0)]},
    )
    await talk.clock.advance(10 * (module.MAX_UNANSWERED_CALLS - 1) - 1)
    assert not talk.task.done()
    await talk.clock.advance(2)

    assert str(await talk.end()) == "no answer"


async def test_an_answer_in_between_begins_the_count_of_unanswered_polls_anew(begin: Talks) -> None:
    http = ToyHttp(viewers=SourceUnavailableError("no answer"))
    talk = await begin(http=http, endpoint={"transport": Transport.POLLING, "polls": [Poll(get("viewers"), 10.0)]})
    for _ in range(5):
        http.answers["viewers"] = HttpAnswer(200)
        await talk.clock.advance(10)
        http.answers["viewers"] = SourceUnavailableError("no answer")
        await talk.clock.advance(10 * (module.MAX_UNANSWERED_CALLS - 1))

    assert not talk.task.done()


async def test_a_polled_platform_sets_its_own_pace(begin: Talks) -> None:
    http = ToyHttp()
    talk = await begin(
        http=http,
        endpoint={"transport": Transport.POLLING},
        next_calls=[(0.0, [get("page 1")]), (5.0, [get("page 2"), get("extra")]), (7.0, ())],
    )
    await talk.clock.advance(0)
    assert http.tags == ["page 1"]
    await talk.clock.advance(4.9)
    assert http.tags == ["page 1"]
    await talk.clock.advance(0.1)

    assert http.tags == ["page 1", "page 2", "extra"]
    await talk.clock.advance(300)
    assert not talk.task.done(), "a platform that is only asked is never silent"


async def test_being_asked_to_move_on_is_told_and_changes_nothing_here(begin: Talks) -> None:
    talk = await begin({"move": Decoded(follow="wss://elsewhere.example/"), "again": Decoded(follow="")})
    talk.peer.says("move")
    await settle()

    assert talk.session.follow_asked.is_set()
    assert talk.session.follow == "wss://elsewhere.example/"
    assert not talk.task.done()


async def test_a_bug_in_a_decoder_is_not_dressed_up_as_the_platforms_fault(begin: Talks) -> None:
    talk = await begin({"odd": RuntimeError("a bug")})
    talk.peer.says("odd")

    with pytest.raises(RuntimeError, match="a bug"):
        await asyncio.wait_for(talk.task, 5)
    assert talk.peer.is_closed


async def test_being_cancelled_closes_the_connection_and_leaves_nothing_running(begin: Talks) -> None:
    others = asyncio.all_tasks()
    talk = await begin(endpoint={"heartbeat_interval_secs": 1.0, "polls": [Poll(get(), 1.0)]})
    talk.task.cancel()
    await asyncio.gather(talk.task, return_exceptions=True)

    assert talk.peer.is_closed
    assert asyncio.all_tasks() == others


async def test_what_is_owed_at_the_end_is_called_and_the_first_failure_ends_it(begin: Talks) -> None:
    http = ToyHttp(second=SourceUnavailableError("no answer"))
    talk = await begin(http=http, farewell=[get("first"), get("second"), get("third")])

    await talk.session.say_farewell()

    assert http.tags == ["first", "second"]


async def test_a_flood_of_frames_leaves_room_for_others(begin: Talks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection always has a next frame; time passes with each of them."""
    talk = await begin()
    now = talk.clock.monotonic()

    async def flood() -> str:
        talk.clock._now += 0.001
        if talk.clock.monotonic() > now + 1:
            await asyncio.Event().wait()
        return "x"

    monkeypatch.setattr(talk.peer, "receive", flood)
    talk.peer.says("go")
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert talk.clock.monotonic() - now < 5 * WORK_SLICE_SECS
