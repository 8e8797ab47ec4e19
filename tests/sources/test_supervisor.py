"""Who reconnects, when, and how long between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, ClassVar

import pytest

from bridge.errors import (
    ConfigError,
    DecodeError,
    RoomNotFoundError,
    RoomOfflineError,
    SourceAuthError,
    SourceError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.secret import Secret
from bridge.sources import supervisor as module
from bridge.sources.contract import (
    Connection,
    Decoded,
    DialLimit,
    Endpoint,
    HttpClient,
    Notice,
    NoticeKind,
    SourceOptions,
    Transport,
)
from bridge.sources.http import SourceHttp
from bridge.sources.limiter import MARGIN_SECS, DialLimiter
from bridge.sources.supervisor import (
    BACKOFF_FIRST_SECS,
    BACKOFF_MAX_SECS,
    FOLLOW_TIMEOUT_SECS,
    HEALTHY_SECS,
    OFFLINE_WAIT_SECS,
    REFUSED_WAIT_SECS,
    USEFUL_SECS,
    SourceState,
    Supervisor,
    dial_endpoint,
)
from tests.fakes import FakeClock, settle
from tests.samples import comment
from tests.sources.toy_platform import Script, ToyDecoder, ToyNetwork, get, toy_platform

URL = "wss://pond.example/1"


class Watched:
    """A source that is kept connected, and what can be seen of it from outside."""

    def __init__(
        self,
        *,
        urls: Sequence[str] = (URL,),
        script: Script | None = None,
        locate: Callable[[Any, HttpClient], Awaitable[Sequence[Connection]]] | None = None,
        random: Callable[[], float] = lambda: 1.0,
        options: Callable[[], SourceOptions] | None = None,
        endpoint: Any = None,
        clock: FakeClock | None = None,
        limiter: DialLimiter | None = None,
        **decoder: Any,
    ) -> None:
        self.clock = clock or FakeClock()
        self.network = ToyNetwork()
        self.decoders: list[ToyDecoder] = []
        self.decoded: list[Decoded] = []
        self.located = 0
        self.locate_fails: list[Exception | None] = []
        self.options = options or SourceOptions

        async def find(_options: Any, _http: HttpClient) -> Sequence[Connection]:
            self.located += 1
            error = self.locate_fails.pop(0) if self.locate_fails else None
            if error is not None:
                raise error
            decoders = [ToyDecoder(script, **decoder) for _ in urls]
            self.decoders += decoders
            return [Connection(Endpoint(url, **(endpoint or {})), one) for url, one in zip(urls, decoders, strict=True)]

        self.supervisor = Supervisor(
            "pond:7",
            "evening",
            toy_platform(locate or find),
            options=self._options,
            sink=self.decoded.append,
            clock=self.clock,
            random=random,
            dial=self.network.dial,
            limiter=limiter,
        )
        self.task = asyncio.create_task(self.supervisor.run())

    def _options(self) -> SourceOptions:
        return self.options()

    @property
    def state(self) -> SourceState:
        return self.supervisor.status.state

    @property
    def dials(self) -> int:
        return len(self.network.dialled)

    @property
    def texts(self) -> list[str]:
        events = [event for one in self.decoded for event in one.events]
        return [event.content.text for event in events if hasattr(event.content, "text")]

    async def until_dialled(self, dials: int) -> float:
        """Let time pass until so many dials were made; returns how long it took."""
        began_at = self.clock.monotonic()
        await settle()
        while self.dials < dials:
            sleepers = [moment for moment, _, waking in self.clock._sleepers if not waking.done()]
            assert sleepers, f"{self.dials} dials, and nobody waits to make another"
            await self.clock.advance(min(sleepers) - self.clock.monotonic())
        return self.clock.monotonic() - began_at


Begin = Callable[..., Awaitable[Watched]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    begun: list[Watched] = []

    async def start(**options: Any) -> Watched:
        watched = Watched(**options)
        begun.append(watched)
        await settle()
        return watched

    yield start
    for watched in begun:
        watched.task.cancel()
    await asyncio.gather(*(watched.task for watched in begun), return_exceptions=True)


async def test_what_the_connection_yields_is_handed_on(begin: Begin) -> None:
    source = await begin()
    source.network.channel.says("hello", "world")
    await settle()

    assert source.state is SourceState.CONNECTED
    assert source.texts == ["hello", "world"]
    assert source.supervisor.status.last_frame_at_ms == source.clock.now_ms()


@pytest.mark.parametrize(("random", "share"), [(0.0, 0.1), (0.5, 0.55), (1.0, 1.0)])
async def test_waits_double_up_to_a_bound_and_are_spread_by_chance(begin: Begin, random: float, share: float) -> None:
    source = await begin(random=lambda: random)
    source.network.fails(URL, *[SourceUnavailableError("down")] * 20)
    source.network.channel.breaks()
    waits = [await source.until_dialled(dials) for dials in range(2, 12)]

    expected = [min(BACKOFF_FIRST_SECS * 2**failures, BACKOFF_MAX_SECS) * share for failures in range(10)]
    assert waits == pytest.approx(expected)
    assert source.supervisor.status.last_error == "down"
    assert source.state is SourceState.WAITING


async def test_the_backoff_is_reset_by_health_and_not_by_connecting(begin: Begin) -> None:
    source = await begin()
    source.network.fails(URL, *[SourceUnavailableError("down")] * 5)
    source.network.channel.breaks()
    await source.until_dialled(7)
    assert source.state is SourceState.CONNECTED

    source.network.channel.breaks()
    assert await source.until_dialled(8) == pytest.approx(BACKOFF_MAX_SECS)

    source.network.channel.says("an event")
    await source.clock.advance(HEALTHY_SECS)
    source.network.channel.breaks()
    assert await source.until_dialled(9) == pytest.approx(BACKOFF_FIRST_SECS)


async def test_a_long_connection_without_an_event_is_not_healthy(begin: Begin) -> None:
    source = await begin(endpoint={"silence_timeout_secs": 1000.0}, script={"noise": Decoded(ignored=["noise"])})
    source.network.fails(URL, SourceUnavailableError("down"), SourceUnavailableError("down"))
    source.network.channel.breaks()
    await source.until_dialled(4)
    source.network.channel.says("noise")
    await source.clock.advance(HEALTHY_SECS * 5)
    source.network.channel.breaks()

    assert await source.until_dialled(5) == pytest.approx(BACKOFF_FIRST_SECS * 8)


async def test_a_connection_that_brings_events_but_breaks_soon_keeps_the_wait_as_it_was(begin: Begin) -> None:
    source = await begin()
    source.network.fails(URL, *[SourceUnavailableError("down")] * 3)
    source.network.channel.breaks()
    last = [await source.until_dialled(dials) for dials in range(2, 6)][-1]

    waits = []
    for _ in range(4):
        source.network.channel.says("an event")
        await source.clock.advance(USEFUL_SECS)
        source.network.channel.breaks()
        waits.append(await source.until_dialled(source.dials + 1))

    assert waits == pytest.approx([last] * 4)


async def test_a_connection_that_breaks_as_soon_as_it_brought_an_event_counts_as_a_failure(begin: Begin) -> None:
    source = await begin()
    waits = []
    for _ in range(8):
        source.network.channel.says("an event")
        await settle()
        source.network.channel.breaks()
        waits.append(await source.until_dialled(source.dials + 1))

    assert waits == pytest.approx([min(BACKOFF_FIRST_SECS * 2**failures, BACKOFF_MAX_SECS) for failures in range(8)])


async def test_an_offline_room_is_asked_for_slowly_and_found_soon_after(begin: Begin) -> None:
    source = await begin()
    source.locate_fails = [RoomOfflineError("not live")] * 2
    source.network.channel.breaks()
    await source.clock.advance(BACKOFF_FIRST_SECS)
    asked = source.located
    assert (source.state, source.dials) == (SourceState.OFFLINE, 1)

    await source.clock.advance(OFFLINE_WAIT_SECS - 0.1)
    assert source.located == asked
    await source.clock.advance(0.2)
    assert source.located == asked + 1
    await source.clock.advance(OFFLINE_WAIT_SECS)

    assert source.dials == 2


async def test_a_room_that_is_offline_after_a_lost_connection_has_ended_and_says_so_once(begin: Begin) -> None:
    source = await begin()
    source.locate_fails = [RoomOfflineError("not live")] * 2
    source.network.channel.breaks()
    await source.clock.advance(BACKOFF_FIRST_SECS)
    await source.clock.advance(OFFLINE_WAIT_SECS)

    assert source.located == 3
    assert [notice for one in source.decoded for notice in one.notices] == [Notice(NoticeKind.ENDED, "not live")]


async def test_a_room_that_was_never_live_has_not_ended(begin: Begin) -> None:
    async def nowhere(_options: Any, _http: HttpClient) -> Sequence[Connection]:
        raise RoomOfflineError("not live")

    source = await begin(locate=nowhere)
    assert (source.state, source.decoded) == (SourceState.OFFLINE, [])


async def test_a_room_that_ends_while_connected_is_waited_for_as_an_offline_one(begin: Begin) -> None:
    over = RoomOfflineError("the broadcast is over")
    source = await begin(script={"over": Decoded(events=[comment("bye")], end=over)})
    source.network.channel.says("over")
    await settle()

    assert source.state is SourceState.OFFLINE
    assert source.supervisor.status.last_error == "the broadcast is over"
    assert await source.until_dialled(2) == pytest.approx(OFFLINE_WAIT_SECS)


async def test_a_refused_credential_is_retried_slowly_with_options_that_are_read_anew(begin: Begin) -> None:
    proxies = iter(["", "http://a.example:3128", "http://b.example:3128"])
    source = await begin(options=lambda: SourceOptions(proxy=Secret(next(proxies))))
    source.network.fails(URL, SourceAuthError("cookie: has expired"))
    source.network.channel.breaks()
    await source.until_dialled(2)

    assert source.state is SourceState.REFUSED
    assert source.supervisor.status.last_error == "cookie: has expired"
    assert await source.until_dialled(3) == pytest.approx(REFUSED_WAIT_SECS)
    assert source.network.proxies == ["", "http://a.example:3128", "http://b.example:3128"]


async def test_options_that_cannot_be_read_just_now_are_read_again_slowly(begin: Begin) -> None:
    source = await begin()

    def broken() -> SourceOptions:
        raise ConfigError(["evening.yaml: sources[0].cookie: is missing"])

    source.options = broken
    source.network.channel.breaks()
    await source.clock.advance(1)
    assert source.state is SourceState.REFUSED

    source.options = SourceOptions
    assert await source.until_dialled(2) == pytest.approx(REFUSED_WAIT_SECS - 1 + BACKOFF_FIRST_SECS)


async def test_a_throttled_source_waits_as_long_as_the_platform_says(begin: Begin) -> None:
    source = await begin(random=lambda: 0.0)
    source.network.fails(URL, SourceThrottledError("too many connections", 42.0))
    source.network.channel.breaks()
    await source.until_dialled(2)

    assert await source.until_dialled(3) == pytest.approx(42)


async def test_a_source_that_is_throttled_in_the_middle_of_it_waits_too(begin: Begin) -> None:
    quota = SourceThrottledError("the quota is used up", 3600.0)
    source = await begin(script={"quota": Decoded(events=[comment("last")], end=quota)})
    await source.clock.advance(HEALTHY_SECS)
    source.network.channel.says("quota")
    await settle()

    assert await source.until_dialled(2) == pytest.approx(3600)


async def test_a_room_that_does_not_exist_ends_the_source(begin: Begin) -> None:
    source = await begin()
    source.locate_fails = [RoomNotFoundError("no such room")]
    source.network.channel.breaks()
    await source.clock.advance(1)

    with pytest.raises(RoomNotFoundError):
        await source.task
    assert source.state is SourceState.FAILED


async def test_after_a_failure_the_next_connection_is_tried_and_after_the_last_the_room_is_located_again(
    begin: Begin,
) -> None:
    source = await begin(urls=["wss://a.example/", "wss://b.example/", "wss://c.example/"])
    for url in ("wss://a.example/", "wss://b.example/", "wss://c.example/"):
        source.network.fails(url, SourceUnavailableError("down"))
    source.network.channel.breaks()
    await source.until_dialled(5)

    assert "".join(endpoint.url[6] for endpoint in source.network.dialled) == "abcab"
    assert source.located == 2


async def test_a_useful_connection_that_is_lost_is_located_again_and_not_followed_by_its_neighbour(
    begin: Begin,
) -> None:
    source = await begin(urls=["wss://a.example/", "wss://b.example/"])
    source.network.channel.says("an event")
    await settle()
    source.network.channel.breaks()
    await source.until_dialled(2)

    assert [endpoint.url for endpoint in source.network.dialled] == ["wss://a.example/"] * 2
    assert source.located == 2


@pytest.mark.parametrize("error", [RoomOfflineError("x"), SourceAuthError("x"), SourceThrottledError("x", 5)])
async def test_what_no_other_connection_would_mend_is_not_tried_on_the_others(begin: Begin, error: SourceError) -> None:
    source = await begin(urls=["wss://a.example/", "wss://b.example/"])
    source.network.fails("wss://a.example/", error)
    source.network.channel.says("an event")
    await settle()
    source.network.channel.breaks()
    await source.until_dialled(2)
    await source.clock.advance(1)

    assert [endpoint.url for endpoint in source.network.dialled] == ["wss://a.example/"] * 2


async def test_an_answer_that_cannot_be_read_while_locating_is_the_platforms_trouble(begin: Begin) -> None:
    source = await begin()
    source.locate_fails = [DecodeError("body", "is not JSON (HTTP 502, 9 bytes)")]
    source.network.channel.breaks()

    await source.until_dialled(2)

    assert source.state is SourceState.CONNECTED


async def test_a_silent_connection_is_replaced(begin: Begin) -> None:
    source = await begin(endpoint={"silence_timeout_secs": 20.0})
    await source.clock.advance(20)
    assert source.supervisor.status.last_error == "silent for 20 s"

    await source.until_dialled(2)

    assert source.network.channels[0].is_closed
    assert source.state is SourceState.CONNECTED


async def test_a_bug_is_raised_to_whoever_restarts_the_source_and_the_state_tells(begin: Begin) -> None:
    source = await begin(script={"odd": ValueError("a bug with a secret in it")})
    source.network.channel.says("odd")
    await settle()

    with pytest.raises(ValueError, match="a bug"):
        await source.task
    assert source.state is SourceState.WAITING
    assert source.supervisor.status.last_error == "a bug: ValueError"
    assert source.network.channel.is_closed


async def test_what_is_owed_is_called_when_the_connection_is_given_up(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    async def send(_self: SourceHttp, call: Any) -> None:
        made.append(call.tag)

    monkeypatch.setattr(SourceHttp, "send", send)
    source = await begin(farewell=[get("end the session")])
    source.network.channel.breaks()
    await settle()
    assert made == ["end the session"]

    await source.until_dialled(2)
    source.task.cancel()
    await asyncio.gather(source.task, return_exceptions=True)
    assert made == ["end the session"] * 2


async def test_what_is_owed_is_called_even_if_no_connection_came_about(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    async def send(_self: SourceHttp, call: Any) -> None:
        made.append(call.tag)

    monkeypatch.setattr(SourceHttp, "send", send)
    source = await begin(farewell=[get("end the session")])
    source.network.fails(URL, SourceUnavailableError("down"))
    source.network.channel.breaks()
    await source.until_dialled(2)
    await settle()

    assert made == ["end the session"] * 2


async def test_being_cancelled_closes_the_connection_and_leaves_nothing_running(begin: Begin) -> None:
    others = asyncio.all_tasks()
    source = await begin(endpoint={"heartbeat_interval_secs": 1.0}, script={"move": Decoded(follow="wss://b.example/")})
    source.network.channel.says("move")
    await settle()
    assert source.dials == 2

    source.task.cancel()
    await asyncio.gather(source.task, return_exceptions=True)

    assert [channel.is_closed for channel in source.network.channels] == [True, True]
    assert asyncio.all_tasks() == others


async def test_what_was_handed_out_for_a_secret_is_known_at_the_next_dial(begin: Begin) -> None:
    configured, found = Secret("configured"), []

    async def find(_options: Any, http: HttpClient) -> Sequence[Connection]:
        found.append(http.heirs.heir_of(configured).reveal())
        http.heirs.keep(configured, Secret(f"handed-out-{len(found)}"))
        raise SourceUnavailableError("down")

    source = await begin(locate=find)
    await source.clock.advance(BACKOFF_FIRST_SECS)
    assert found == ["configured", "handed-out-1"]


async def test_all_sources_of_a_process_together_keep_to_what_a_host_bears(begin: Begin) -> None:
    shared: dict[str, Any] = {"clock": FakeClock(), "limiter": DialLimiter()}
    limited = {"dial_limit": DialLimit(2, 10.0), "silence_timeout_secs": 1000.0}
    sources = [await begin(endpoint=limited, **shared) for _ in range(5)]
    neighbour = await begin(**shared)
    clock: FakeClock = shared["clock"]

    def dials() -> list[int]:
        return [source.dials for source in sources]

    assert dials() == [1, 1, 0, 0, 0]
    assert [source.state for source in sources[1:3]] == [SourceState.CONNECTED, SourceState.CONNECTING]
    assert neighbour.dials == 1
    await clock.advance(10.0 + MARGIN_SECS)
    assert dials() == [1, 1, 1, 1, 0]
    await clock.advance(10.0 + MARGIN_SECS)
    assert dials() == [1, 1, 1, 1, 1]


async def test_a_follower_is_dialled_in_its_turn_and_the_old_connection_heard_meanwhile(begin: Begin) -> None:
    limited = {"dial_limit": DialLimit(1, 10.0), "silence_timeout_secs": 1000.0}
    source = await begin(script={"move": Decoded(follow=f"{URL}?again")}, endpoint=limited)
    source.network.channel.says("move")
    await source.clock.advance(10.0)
    source.network.channel.says("still here")
    await settle()
    assert (source.dials, source.texts) == (1, ["still here"])

    await source.clock.advance(MARGIN_SECS)
    assert source.network.dialled[-1].url == f"{URL}?again"


async def test_the_operator_is_told_once_about_each_trouble(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    source = await begin()
    monkeypatch.setattr(
        source.supervisor, "_log", _Listener(said, keep={"source.unavailable", "source.connected", "source.failed"})
    )
    source.network.fails(URL, *[SourceUnavailableError("down")] * 3, SourceUnavailableError("up the creek"))
    source.network.channel.breaks()
    await source.until_dialled(6)

    assert said == [
        "source.unavailable closed with 1006 connection lost",
        "source.unavailable down",
        "source.unavailable up the creek",
        "source.connected",
    ]


class _Listener:
    def __init__(self, said: list[str], keep: set[str]) -> None:
        self._said, self._keep = said, keep

    def __getattr__(self, _level: str) -> Callable[..., None]:
        def note(event: str, **fields: Any) -> None:
            if event in self._keep:
                self._said.append(f"{event} {fields.get('problem', '')}".strip())

        return note


async def test_a_platform_that_only_calls_us_is_listened_to() -> None:
    supervisor = Supervisor(
        "pond:7",
        "evening",
        toy_platform(None),
        options=SourceOptions,
        sink=lambda _: None,
        clock=FakeClock(),
        random=lambda: 0.0,
    )
    task = asyncio.create_task(supervisor.run())
    await settle()

    assert supervisor.status.state is SourceState.LISTENING
    task.cancel()


async def test_a_room_that_needs_no_connection_is_listened_to(begin: Begin) -> None:
    source = await begin(urls=[])
    await source.clock.advance(1000)

    assert source.state is SourceState.LISTENING
    assert source.located == 1


class TestFollowing:
    """A platform may ask to move to another connection: the new one first, then the old one is let go of."""

    SCRIPT: ClassVar[Script] = {"move": Decoded(follow="wss://b.example/"), "renew": Decoded(follow="")}

    async def test_the_old_connection_is_kept_until_the_new_one_speaks(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        old = source.network.channel
        old.says("move")
        await settle()
        new = source.network.channel
        assert source.network.dialled[-1].url == "wss://b.example/"
        old.says("from the old one")
        await settle()
        assert not old.is_closed

        new.says("from the new one")
        await settle()

        assert old.is_closed
        assert not new.is_closed
        assert source.texts == ["from the old one", "from the new one"]
        assert source.supervisor.status.reconnects == 0

    async def test_a_new_connection_that_is_not_ready_yet_does_not_end_the_old_one(self, begin: Begin) -> None:
        follower = ToyDecoder()
        follower.is_ready = False
        source = await begin(script=self.SCRIPT, follower=follower)
        old = source.network.channel
        old.says("move")
        await settle()
        new = source.network.channel
        new.says("logged in")
        await settle()
        old.says("still heard here")
        await settle()
        assert not old.is_closed

        follower.is_ready = True
        new.says("joined")
        await settle()

        assert old.is_closed
        assert source.texts == ["logged in", "still heard here", "joined"]

    async def test_an_empty_url_is_the_same_one_again(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        source.network.channel.says("renew")
        await settle()

        assert [endpoint.url for endpoint in source.network.dialled] == [URL, URL]

    async def test_the_follower_takes_over_with_the_decoder_that_carries_on(self, begin: Begin) -> None:
        follower = ToyDecoder(greeting=["hello again"])
        source = await begin(script=self.SCRIPT, follower=follower)
        source.network.channel.says("move")
        await settle()
        source.network.channel.says("x")
        await settle()

        assert source.network.channel.sent == ["hello again"]
        assert [frame.data for frame in follower.frames] == ["x"]

    async def test_it_can_be_asked_again_and_again(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        for _ in range(3):
            source.network.channel.says("renew")
            await settle()
            source.network.channel.says("renewed")
            await source.clock.advance(HEALTHY_SECS)

        assert source.texts == ["renewed"] * 3
        assert [channel.is_closed for channel in source.network.channels] == [True, True, True, False]

    async def test_being_sent_on_by_every_new_connection_is_backed_off_from(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        waits = []
        for dials in range(2, 12):
            source.network.channel.says("ready")
            source.network.channel.says("renew")
            waits.append(await source.until_dialled(dials))
            await settle()

        expected = [min(BACKOFF_FIRST_SECS * 2**failures, BACKOFF_MAX_SECS) for failures in range(9)]
        assert waits == pytest.approx([0.0, *expected])

    async def test_the_old_connection_is_heard_while_the_next_move_waits(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        source.network.channel.says("renew")
        await settle()
        source.network.channel.says("moved", "renew", "said while waiting")
        await settle()

        assert (source.dials, source.texts) == (2, ["moved", "said while waiting"])
        source.network.channel.breaks()
        await settle()
        assert source.state is SourceState.WAITING
        assert await source.until_dialled(3) == pytest.approx(2 * BACKOFF_FIRST_SECS)

    async def test_when_the_new_one_cannot_be_had_the_old_one_stays(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        source.network.fails("wss://b.example/", SourceUnavailableError("down"))
        old = source.network.channel
        old.says("move", "still here")
        await settle()

        assert source.texts == ["still here"]
        assert not old.is_closed
        await source.clock.advance(HEALTHY_SECS)
        old.says("move")
        await settle()
        source.network.channel.says("moved")
        await settle()
        assert old.is_closed

    async def test_when_the_new_one_cannot_be_had_nothing_is_taken_leave_of(
        self, begin: Begin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []

        async def send(_self: SourceHttp, call: Any) -> None:
            made.append(call.tag)

        monkeypatch.setattr(SourceHttp, "send", send)
        source = await begin(script=self.SCRIPT, farewell=[get("end the session")])
        source.network.fails("wss://b.example/", SourceUnavailableError("down"))
        source.network.channel.says("move")
        await settle()

        assert source.dials == 2
        assert made == []

    async def test_when_the_new_one_breaks_before_it_speaks_the_old_one_stays(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        old = source.network.channel
        old.says("move")
        await settle()
        source.network.channel.breaks()
        await settle()
        old.says("still here")
        await settle()

        assert source.texts == ["still here"]
        assert source.network.channel.is_closed
        assert source.supervisor.status.reconnects == 0

    async def test_when_the_new_one_stays_silent_the_old_one_stays(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        old = source.network.channel
        old.says("move")
        await settle()
        new = source.network.channel
        old.says("tick")
        await source.clock.advance(FOLLOW_TIMEOUT_SECS)
        old.says("still here")
        await settle()

        assert new.is_closed
        assert not old.is_closed
        assert source.texts == ["tick", "still here"]

    async def test_being_cancelled_while_the_old_one_closes_leaves_nothing_running(self, begin: Begin) -> None:
        others = asyncio.all_tasks()
        source = await begin(script=self.SCRIPT)
        old = source.network.channel
        old.takes_long_to_close = True
        old.says("move")
        await settle()
        source.network.channel.says("moved")
        await settle()
        source.task.cancel()
        await asyncio.gather(source.task, return_exceptions=True)

        assert source.network.channel.is_closed
        assert asyncio.all_tasks() == others

    async def test_when_both_are_lost_the_room_is_dialled_again(self, begin: Begin) -> None:
        source = await begin(script=self.SCRIPT)
        old = source.network.channel
        old.says("move")
        await settle()
        old.breaks()
        source.network.channel.breaks()
        await settle()

        await source.until_dialled(3)

        assert source.state is SourceState.CONNECTED


async def test_what_has_no_socket_is_not_dialled() -> None:
    assert await dial_endpoint(Endpoint(transport=Transport.POLLING), "", None) is None  # type: ignore[arg-type]


async def test_streams_and_sockets_are_opened_each_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream(_endpoint: Endpoint, _http: object) -> str:
        return "stream"

    async def socket(_endpoint: Endpoint, proxy: str) -> str:
        return f"socket through {proxy}"

    monkeypatch.setattr(module, "open_stream", stream)
    monkeypatch.setattr(module, "open_websocket", socket)
    http: Any = None

    opened: list[Any] = [
        await dial_endpoint(Endpoint("https://x/", Transport.HTTP_STREAM), "p", http),
        await dial_endpoint(Endpoint("wss://x/"), "p", http),
    ]

    assert opened == ["stream", "socket through p"]


async def test_a_connection_that_is_good_for_nothing_is_given_up_for_a_new_one(begin: Begin) -> None:
    source = await begin()
    source.network.channel.says("hello")
    await settle()
    old = source.network.channel

    source.supervisor.renew("it brought nothing")
    await settle()

    assert old.is_closed
    assert (source.state, source.supervisor.status.last_error) == (SourceState.WAITING, "it brought nothing")
    assert await source.until_dialled(2) == BACKOFF_FIRST_SECS
    assert source.located == 2, "endpoints and credentials are read anew"
    assert source.state is SourceState.CONNECTED
    source.network.channel.says("again")
    await settle()
    assert source.texts == ["hello", "again"]


async def test_a_renewal_asked_for_while_there_is_no_connection_ends_none_that_comes(begin: Begin) -> None:
    source = await begin(urls=[])
    source.supervisor.renew("too early")
    source.task.cancel()

    later = await begin()
    later.supervisor.renew("it brought nothing")
    await later.until_dialled(2)
    await settle()

    assert later.state is SourceState.CONNECTED
    assert later.dials == 2


async def test_since_when_events_can_come_is_known_only_while_connected(begin: Begin) -> None:
    source = await begin()
    connected_at = source.clock.monotonic()
    await source.clock.advance(30)
    source.clock.step_wall_clock(3_600_000)
    assert source.supervisor.connected_at == connected_at

    source.network.channel.breaks()
    await settle()
    assert source.supervisor.connected_at is None
