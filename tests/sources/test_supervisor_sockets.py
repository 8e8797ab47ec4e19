"""A source kept connected over real sockets: reconnects, moves and the end, seen from the other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bridge.sources.contract import Connection, Decoded, Endpoint, HttpClient, SourceOptions
from bridge.sources.supervisor import SourceState
from tests.emulators.driving import Seen
from tests.emulators.supervised import Supervised
from tests.sources.toy_platform import ToyDecoder, toy_platform


class Peer:
    """Greets every connection with its number and does what the test says next."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self.closed = asyncio.Event()

    async def talk(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        await connection.send(f"connection {len(self.connections)}")
        await connection.wait_closed()
        self.closed.set()


@asynccontextmanager
async def kept_connected() -> AsyncIterator[tuple[Peer, Supervised]]:
    peer = Peer()
    async with serve(peer.talk, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"

        async def locate(_options: Any, _http: HttpClient) -> Sequence[Connection]:
            decoder = ToyDecoder({"move": Decoded(follow=url)})
            return [Connection(Endpoint(url), decoder)]

        async with Supervised(toy_platform(locate), SourceOptions()) as source:
            yield peer, source


async def test_a_connection_that_is_lost_is_made_again() -> None:
    async with kept_connected() as (peer, source):
        for number in (1, 2, 3):
            await source.until(partial(_has_heard_last, f"connection {number}"))
            peer.connections[-1].transport.abort()
        await source.until(lambda seen: len(seen.texts) == 4)

        assert source.seen.texts == [f"connection {number}" for number in (1, 2, 3, 4)]
        assert source.supervisor.status.reconnects == 3
        assert source.state is SourceState.CONNECTED


async def test_a_move_overlaps_and_loses_nothing() -> None:
    async with kept_connected() as (peer, source):
        await source.until(lambda seen: seen.texts == ["connection 1"])
        await peer.connections[0].send("move")
        await source.until(lambda seen: seen.texts[-1] == "connection 2")
        await asyncio.wait_for(peer.closed.wait(), 5)
        await peer.connections[1].send("on the new one")
        await source.until(lambda seen: seen.texts[-1] == "on the new one")

        assert peer.connections[0].close_code == 1000
        assert source.supervisor.status.reconnects == 0


async def test_what_the_old_connection_was_sent_until_it_closed_is_not_lost_by_a_move() -> None:
    async with kept_connected() as (peer, source):
        await source.until(lambda seen: seen.texts == ["connection 1"])
        old, sent = peer.connections[0], 0
        await old.send("move")
        with suppress(ConnectionClosed):
            while True:
                await old.send(f"old {sent}")
                sent += 1
                if sent % 20 == 0:
                    await asyncio.sleep(0)
        await source.until(lambda seen: f"old {sent - 1}" in seen.texts)

        assert [text for text in source.seen.texts if text.startswith("old")] == [f"old {n}" for n in range(sent)]


async def test_the_end_closes_the_socket_politely() -> None:
    async with kept_connected() as (peer, source):
        await source.until(lambda seen: seen.texts == ["connection 1"])
        peer.closed.clear()
    await asyncio.wait_for(peer.closed.wait(), 5)

    assert peer.connections[0].close_code == 1000


def _has_heard_last(text: str, seen: Seen) -> bool:
    return seen.texts[-1:] == [text]
