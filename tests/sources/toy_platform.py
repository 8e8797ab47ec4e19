"""A platform, a connection and a web that do as they are told: what drives the machinery without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bridge.errors import SourceError
from bridge.events import EventType
from bridge.sources.channel import Channel, ChannelClosedError
from bridge.sources.contract import (
    NOTHING,
    Connection,
    Decoded,
    Decoder,
    Endpoint,
    Frame,
    HttpAnswer,
    HttpCall,
    HttpClient,
    Officialness,
    Platform,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.heirs import HeirStore
from bridge.sources.http import SourceHttp
from tests.samples import comment


class ToyChannel:
    """One end of a connection; the test holds the other. As strict as a real one: nothing goes over a closed one."""

    def __init__(self) -> None:
        self.sent: list[bytes | str] = []
        self.is_closed = False
        self.takes_long_to_close = False
        self._frames: asyncio.Queue[bytes | str | Exception] = asyncio.Queue()

    def says(self, *frames: bytes | str) -> None:
        """Have the peer say something."""
        for frame in frames:
            self._frames.put_nowait(frame)

    def breaks(self, code: int = 1006, reason: str = "connection lost") -> None:
        """Have the peer close."""
        self._frames.put_nowait(ChannelClosedError(code, reason))

    async def receive(self) -> bytes | str:
        frame = await self._frames.get()
        if isinstance(frame, Exception):
            self._frames.put_nowait(frame)
            raise frame
        return frame

    async def send(self, data: bytes | str) -> None:
        if self.is_closed:
            raise ChannelClosedError(1000, "")
        self.sent.append(data)

    async def close(self) -> Sequence[bytes | str]:
        if self.takes_long_to_close:
            await asyncio.Event().wait()
        self.is_closed = True
        frames = [self._frames.get_nowait() for _ in range(self._frames.qsize())]
        return [frame for frame in frames if not isinstance(frame, Exception)]


Script = dict[str, Decoded | Exception]


class ToyDecoder(QuietDecoder):
    """Yields what the script says for a frame's text, and a comment for any other frame."""

    def __init__(self, script: Script | None = None, **options: Any) -> None:
        self.script: Script = script or {}
        self.frames: list[Frame] = []
        self.answers: list[tuple[HttpCall, HttpAnswer]] = []
        self.closes: list[tuple[int, str]] = []
        self.options: dict[str, Any] = options

    def greeting(self) -> Sequence[bytes | str]:
        return list(self.options.get("greeting", ()))

    def heartbeat(self) -> Sequence[bytes | str]:
        return list(self.options.get("heartbeat", ()))

    def feed(self, frame: Frame) -> Decoded:
        self.frames.append(frame)
        told = self.script.get(str(frame.data), Decoded(events=[comment(str(frame.data))]))
        if isinstance(told, Exception):
            raise told
        return told

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        self.answers.append((call, answer))
        told = self.script.get(call.tag, NOTHING)
        if isinstance(told, Exception):
            raise told
        return told

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        waits = self.options.get("next_calls", [])
        return waits.pop(0) if waits else (60.0, ())

    def farewell(self) -> Sequence[HttpCall]:
        return list(self.options.get("farewell", ()))

    def closed(self, code: int, reason: str) -> SourceError | None:
        self.closes.append((code, reason))
        meanings: dict[int, SourceError] = self.options.get("meanings", {})
        return meanings.get(code)

    def followed(self) -> Decoder:
        follower: Decoder = self.options.get("follower", self)
        return follower


def get(tag: str = "", url: str = "https://pond.example/api") -> HttpCall:
    return HttpCall("GET", url, tag=tag)


class ToyHttp:
    """Answers every call with 200 unless its tag has another answer; a ``SourceError`` is raised."""

    def __init__(self, **answers: HttpAnswer | SourceError) -> None:
        self.calls: list[HttpCall] = []
        self.answers = answers
        self.heirs = HeirStore()

    @property
    def tags(self) -> list[str]:
        return [call.tag for call in self.calls]

    async def send(self, call: HttpCall) -> HttpAnswer:
        self.calls.append(call)
        await asyncio.sleep(0)
        answer = self.answers.get(call.tag, HttpAnswer(200))
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def now_ms(self) -> int:
        return 0


class ToyNetwork:
    """Dials: each endpoint's outcomes are taken in order, an open channel after the last."""

    def __init__(self) -> None:
        self.outcomes: dict[str, list[SourceError | None]] = {}
        self.dialled: list[Endpoint] = []
        self.proxies: list[str] = []
        self.channels: list[ToyChannel] = []

    @property
    def channel(self) -> ToyChannel:
        """The newest connection."""
        return self.channels[-1]

    def fails(self, url: str, *errors: SourceError | None) -> None:
        """Have the next dials of ``url`` end so; ``None`` connects."""
        self.outcomes.setdefault(url, []).extend(errors)

    async def dial(self, endpoint: Endpoint, proxy: str, _http: SourceHttp) -> Channel | None:
        self.dialled.append(endpoint)
        self.proxies.append(proxy)
        await asyncio.sleep(0)
        outcomes = self.outcomes.get(endpoint.url)
        error = outcomes.pop(0) if outcomes else None
        if error is not None:
            raise error
        self.channels.append(ToyChannel())
        return self.channels[-1]


Locate = Callable[[Any, HttpClient], Awaitable[Sequence[Connection]]]


def toy_platform(locate: Locate | None, **fields: Any) -> Platform:
    """Return a platform that is located so."""
    return Platform(
        **{
            "name": "pond",
            "title": "Pond",
            "route": "a toy",
            "officialness": Officialness.EXPERIMENTAL,
            "event_types": (EventType.COMMENT,),
            "options": SourceOptions,
            "offline_decoder": lambda _: ToyDecoder(),
            "locate": locate,
            **fields,
        }
    )
