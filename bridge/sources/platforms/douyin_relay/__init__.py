"""Douyin through a relay: a program on the operator's machine that reads the room and republishes it as JSON.

Five programs are read, told apart by the shape of each message: DouyinBarrageGrab (``Data`` is a JSON text),
its fork that also brings Kuaishou (``Platform``), BarrageGrab (``Data`` is an object, other numbers), douyinLive
(the whole protobuf as JSON) and dycast (arrays of excerpts). We are the client; apart from douyinLive's ``ping``
nothing is ever sent, because the relays take text for commands, and no WebSocket pings, because they answer
them wrongly.

Last checked against ``captures/douyin_relay`` and ``captures/douyin_web``. Relay messages have no time of their
own but douyinLive's. Guessed: ``Platform`` 3 is WeChat Channels; dycast's combos are told apart by their counts;
Kuaishou gifts through the fork are increments. Kuaishou's own protobuf (``captures/kuaishou_web``) is what the
fork reads, not what it sends: it is not decoded here.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.events import EventType
from bridge.sources.contract import Connection, Endpoint, HttpClient, Officialness, Platform, Transport
from bridge.sources.platforms.douyin_relay.decoder import RelayDecoder
from bridge.sources.platforms.douyin_relay.options import DYCAST, Options

SILENCE_TIMEOUT_SECS = 300.0
"""The relays send no heartbeat, so only a long silence is suspicious, and a new connection costs nothing."""

PING_INTERVAL_SECS = 30.0


async def locate(options: Options, _http: HttpClient) -> Sequence[Connection]:
    """Return the one connection: ours to the relay, or dycast's page to us."""
    if options.dialect == DYCAST and not options.websocket_url:
        waiting = Endpoint(transport=Transport.LISTEN, silence_timeout_secs=SILENCE_TIMEOUT_SECS)
        return [Connection(waiting, RelayDecoder(options))]
    endpoint = Endpoint(
        url=options.url,
        heartbeat_interval_secs=PING_INTERVAL_SECS,
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
        answers_pings=False,
    )
    return [Connection(endpoint, RelayDecoder(options))]


PLATFORM = Platform(
    name="douyin_relay",
    title="Douyin relay",
    route="local WebSocket relays: DouyinBarrageGrab and its fork, BarrageGrab, douyinLive, dycast",
    officialness=Officialness.UNOFFICIAL,
    event_types=(
        EventType.COMMENT,
        EventType.JOIN,
        EventType.LIKE,
        EventType.GIFT,
        EventType.FOLLOW,
        EventType.VIEWERS,
    ),
    options=Options,
    offline_decoder=RelayDecoder,
    locate=locate,
)
