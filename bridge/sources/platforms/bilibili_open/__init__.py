"""Bilibili's open live platform: the official way into a room whose anchor gave an identity code.

A signed HTTP call starts a session and names the socket; two heartbeats keep it alive, one on the socket and
one by HTTP; a last call ends it. ``api`` has the calls, ``messages`` the table of commands. The socket speaks the
site's packets (``codecs.bilibili_packets``). An app that is not listed yet gets no session id: nothing to keep alive
or to end then.

Last checked against ``captures/bilibili_open`` (2022 and 2023, before ``open_id``). Guessed: a guard's ``price``
is that of one month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceUnavailableError
from bridge.events import EventType
from bridge.sources.codecs.bilibili_packets import (
    OP_AUTH,
    OP_AUTH_REPLY,
    OP_HEARTBEAT,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    Packet,
    pack,
    unpack,
)
from bridge.sources.contract import (
    NOTHING,
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpAnswer,
    HttpCall,
    HttpClient,
    Officialness,
    Platform,
    Poll,
    QuietDecoder,
)
from bridge.sources.fields import (
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    parse_json,
    text,
)
from bridge.sources.platforms.bilibili_open.api import (
    SESSION_LOST_CODES,
    Options,
    answer_code,
    end_call,
    heartbeat_call,
    read_answer,
    refusal,
    signed_headers,
    start_call,
)
from bridge.sources.platforms.bilibili_open.messages import IGNORED, MESSAGES, Collected, read_message

__all__ = ["IGNORED", "MESSAGES", "PLATFORM", "Options", "signed_headers"]

HEARTBEAT_SECS = 30.0
KEEPALIVE_SECS = 20.0
SILENCE_SECS = 45.0
"""Each heartbeat is answered, so a living socket is never silent for longer than that."""

MAX_LINKS = 5

_HEARTBEAT = pack(OP_HEARTBEAT, b"")


@dataclass(slots=True)
class Game:
    """A session that several sockets may serve in turn. ``game_id`` is "" for an app that is not listed."""

    game_id: str = ""
    over: bool = False


class SocketDecoder(QuietDecoder):
    """Reads one socket of a session."""

    def __init__(
        self, options: Options, game: Game | None = None, auth_body: str = "", *, is_last: bool = True
    ) -> None:
        self._options = options
        self._game = game or Game()
        self._auth_body = auth_body
        self._is_last = is_last
        self._was_useful = False
        self._was_cut = False

    def greeting(self) -> Sequence[bytes]:
        """Return the auth packet: its body is what the API gave, to the letter."""
        return (pack(OP_AUTH, self._auth_body.encode("utf-8", "replace")),)

    def heartbeat(self) -> Sequence[bytes]:
        """Return the socket's heartbeat."""
        return (_HEARTBEAT,)

    def feed(self, frame: Frame) -> Decoded:
        """Decode a WebSocket message, or as text one command body or an array of them."""
        found = Collected()
        if isinstance(frame.data, str):
            self._read_text(frame.data, frame.received_at_ms, found)
        else:
            unpacked = unpack(frame.data)
            for packet in unpacked.packets:
                self._read_packet(packet, frame.received_at_ms, found)
            found.rejected.extend(unpacked.problems)
        if found.end is not None and found.ended_game_id not in ("", self._game.game_id) and self._game.game_id:
            found.end = None  # somebody else's session in the same room
            found.ignored.append("INTERACTION_END of another session")
        self._game.over |= found.end is not None
        self._was_useful |= bool(found.events)
        return found.decoded()

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take the answer to a session's heartbeat: a lost session ends the connection, so that it starts again."""
        try:
            code = answer_code(answer.json())
        except DecodeError as error:
            return Decoded(rejected=[error])
        self._game.over |= code in SESSION_LOST_CODES
        refused = refusal(code, call.tag) if code else None
        if code in SESSION_LOST_CODES or isinstance(refused, SourceAuthError):
            return Decoded(end=refused)
        # The session lives 60 s without a heartbeat: what may pass is asked again in time.
        return NOTHING

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Remember that the socket broke: the session's next socket may take over."""
        self._was_cut = True
        return None

    def farewell(self) -> Sequence[HttpCall]:
        """End the session, unless it is over or its next socket is tried after a broken one that said nothing."""
        game = self._game
        next_takes_over = self._was_cut and not self._was_useful and not self._is_last
        if not game.game_id or game.over or next_takes_over:
            return ()
        game.over = True
        return (end_call(self._options, game.game_id),)

    def _read_text(self, data: str, received_at_ms: int, found: Collected) -> None:
        try:
            value = parse_json(data, "body")
        except DecodeError as error:
            found.rejected.append(error)
            return
        for message in value if isinstance(value, list) else (value,):
            read_message(message, received_at_ms, found)

    def _read_packet(self, packet: Packet, received_at_ms: int, found: Collected) -> None:
        if packet.operation == OP_MESSAGE:
            try:
                body = parse_json(packet.body, "body")
            except DecodeError as error:
                found.rejected.append(error)
            else:
                read_message(body, received_at_ms, found)
        elif packet.operation == OP_AUTH_REPLY:
            _read_auth_reply(packet.body, found)
        elif packet.operation in (OP_AUTH, OP_HEARTBEAT):
            found.ignored.append(f"operation {packet.operation}")
        elif packet.operation != OP_HEARTBEAT_REPLY:
            found.unknown.append(f"operation {packet.operation}" if packet.operation < 100 else "operation")


def _read_auth_reply(body: bytes, found: Collected) -> None:
    """Answer a good one with the first heartbeat."""
    try:
        code = optional_integer(parse_json(body, "auth reply"), "code") if body else 0
    except DecodeError as error:
        found.rejected.append(error)
        code = -1
    if code:
        found.end = SourceUnavailableError(f"the socket refused the session (code {code}): it must be started again")
    else:
        found.replies.append(_HEARTBEAT)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Start a session; its sockets are tried in turn."""
    data = read_answer(await http.send(start_call(options)), "start")
    game_id = optional_text(optional_mapping(data, "game_info"), "game_id")
    try:
        socket = mapping(data, "websocket_info", "data")
        auth_body = text(socket, "auth_body", "data.websocket_info")
    except DecodeError as error:
        raise SourceUnavailableError(f"start: {error}") from error
    links = [link for link in optional_sequence(socket, "wss_link") if isinstance(link, str) and link]
    urls = [options.websocket_url] if options.websocket_url else links[:MAX_LINKS]
    if not urls:
        raise SourceUnavailableError("start: data.websocket_info.wss_link is empty")
    game = Game(game_id)
    polls = (Poll(heartbeat_call(options, game_id), KEEPALIVE_SECS),) if game_id else ()
    return [
        Connection(
            Endpoint(
                url=url,
                heartbeat_interval_secs=HEARTBEAT_SECS,
                silence_timeout_secs=SILENCE_SECS,
                answers_pings=False,
                polls=polls,
            ),
            SocketDecoder(options, game, auth_body, is_last=number == len(urls)),
        )
        for number, url in enumerate(urls, start=1)
    ]


PLATFORM = Platform(
    name="bilibili_open",
    title="Bilibili (open live)",
    route="official open live platform: signed API and WebSocket",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.JOIN, EventType.LIKE, EventType.GIFT),
    options=Options,
    offline_decoder=SocketDecoder,
    locate=locate,
)
