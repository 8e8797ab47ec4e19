"""A session over a real socket whose other end goes away in the midst of things."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bridge.clock import SystemClock
from bridge.errors import SourceUnavailableError
from bridge.events import LiveEvent
from bridge.sources.contract import Connection, Decoded, Endpoint, Frame, QuietDecoder
from bridge.sources.session import Session
from bridge.sources.websocket import open_websocket
from tests.samples import comment
from tests.sources.toy_platform import ToyHttp


class BluntPeer:
    """A server on a bare socket, so that what it does is done when its method returns."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._door.getsockname()[1]}/"
        self._socket = self._door

    def lets_in(self) -> None:
        self._socket, _ = self._door.accept()
        self._socket.settimeout(5)
        protocol = ServerProtocol()
        while not (asked := protocol.events_received()):
            protocol.receive_data(self._socket.recv(65536))
        (request,) = asked
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        for data in protocol.data_to_send():
            self._socket.sendall(data)

    def says(self, *texts: str) -> None:
        frames = (WireFrame(Opcode.TEXT, text.encode()).serialize(mask=False) for text in texts)
        self._socket.sendall(b"".join(frames))

    def resets(self) -> None:
        """Close so that the other end is told of a reset instead of an end."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def hangs_up(self) -> None:
        """Close; from now on whatever is said to it is answered with a reset, and costs what is still on its way."""
        self._socket.close()

    def goes(self) -> None:
        self._socket.close()
        self._door.close()


class Acknowledging(QuietDecoder):
    """Answers every frame; at "go" something happens before the answer can leave."""

    def __init__(self, at_go: Callable[[], None]) -> None:
        self._at_go = at_go

    def feed(self, frame: Frame) -> Decoded:
        if frame.data == "go":
            self._at_go()
        return Decoded([comment(str(frame.data))], replies=[f"heard {frame.data!s}"])


async def heard(peer: BluntPeer, at_go: Callable[[], None]) -> list[LiveEvent]:
    """Return what a session reads of ``peer``, who says "go", until it is lost."""
    events: list[LiveEvent] = []
    endpoint = Endpoint(peer.url, answers_pings=False)
    letting_in = asyncio.create_task(asyncio.to_thread(peer.lets_in))
    channel = await open_websocket(endpoint)
    await letting_in
    connection = Connection(endpoint, Acknowledging(at_go))
    session = Session(connection, ToyHttp(), SystemClock(), lambda decoded: events.extend(decoded.events))
    peer.says("go")
    try:
        with pytest.raises(SourceUnavailableError):
            await asyncio.wait_for(session.run(channel), 10)
    finally:
        peer.goes()
    return events


@pytest.mark.parametrize(
    ("goodbye", "frame_chars"),
    [
        (BluntPeer.resets, 200),
        (BluntPeer.hangs_up, 200),
        # More than is read at a time. (A reset would take back what has not come yet.)
        (BluntPeer.hangs_up, 3000),
    ],
)
async def test_what_came_before_the_end_is_read_though_nobody_hears_the_answers(
    goodbye: Callable[[BluntPeer], None], frame_chars: int
) -> None:
    peer = BluntPeer()
    burst = [f"{number} ".ljust(frame_chars, "x") for number in range(150)]

    def last_words() -> None:
        peer.says(*burst)
        goodbye(peer)

    assert await heard(peer, last_words) == [comment(text) for text in ("go", *burst)]
