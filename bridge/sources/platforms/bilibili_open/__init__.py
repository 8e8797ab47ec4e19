"""Bilibili's open live platform: the official way into a room whose anchor gave an identity code.

A signed HTTP call starts a session and names the socket; two heartbeats keep it alive, one on the socket and
one by HTTP; a last call ends it. ``api`` has the calls, ``messages`` the table of commands. The socket speaks the
site's packets (``codecs.bilibili_packets``). An app that is not listed yet gets no session id: nothing to keep alive
or to end then.

Last checked against ``captures/bilibili_open`` (2022 and 2023, before ``open_id``). Guessed: a guard's ``price``
is that of one month, as other programs read it; the newer names (``OPEN_LIVEROOM_…``) tell the same, as documented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceUnavailableError
from bridge.events import EventType
from bridge.sources.codecs.bilibili_packets import OP_AUTH, OP_HEARTBEAT, pack
from bridge.sources.codecs.bilibili_socket import DanmakuDecoder, Findings
from bridge.sources.codecs.results import MAX_NAME_CHARS
from bridge.sources.contract import (
    NOTHING,
    Connection,
    Decoded,
    Endpoint,
    HttpAnswer,
    HttpCall,
    HttpClient,
    Notice,
    Officialness,
    Platform,
    Poll,
)
from bridge.sources.fields import mapping, optional_integer, optional_mapping, optional_sequence, optional_text, text
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
from bridge.sources.platforms.bilibili_open.messages import IGNORED, MESSAGES, NOTICES, SESSION_OVER, read_nameless

__all__ = ["IGNORED", "MESSAGES", "PLATFORM", "Options", "signed_headers"]

HEARTBEAT_SECS = 30.0
KEEPALIVE_SECS = 20.0
SILENCE_SECS = 45.0
"""Each heartbeat is answered, so a living socket is never silent for longer than that."""

MAX_LINKS = 5


@dataclass(slots=True)
class Game:
    """A session that several sockets may serve in turn. ``game_id`` is "" for an app that is not listed."""

    game_id: str = ""
    over: bool = False


class SocketDecoder(DanmakuDecoder):
    """Reads one socket of a session."""

    HEARTBEAT = pack(OP_HEARTBEAT, b"")

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

    def read_message(self, message: Any, found: Findings) -> None:
        """Read one command body."""
        try:
            cmd = text(message, "cmd")
            decode = MESSAGES.get(cmd) or MESSAGES.get(cmd := cmd.partition(":")[0])
            if decode is None:
                self._read_without_event(cmd, optional_mapping(message, "data"), found)
                return
            data = mapping(message, "data")
            found.event(decode(data), optional_integer(data, "timestamp"), optional_text(data, "msg_id"))
            self._was_useful = True
        except DecodeError as error:
            if type(message) is dict and "cmd" not in message:
                read_nameless(message, found)
            else:
                found.rejected.append(error)

    def turned_away(self, code: int) -> SourceError:
        """Have another session started: this one is no longer good."""
        self._game.over = True
        return SourceUnavailableError(f"the socket refused the session (code {code}): it must be started again")

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

    def _read_without_event(self, cmd: str, data: dict[str, Any], found: Findings) -> None:
        if cmd in NOTICES:
            found.notices.append(Notice(NOTICES[cmd], optional_text(data, "title")))
        elif cmd == SESSION_OVER:
            self._read_session_over(optional_text(data, "game_id"), found)
        elif cmd in IGNORED:
            found.ignored.append(cmd)
        else:
            found.unknown.append(cmd[:MAX_NAME_CHARS])

    def _read_session_over(self, ended_game_id: str, found: Findings) -> None:
        if self._game.game_id and ended_game_id not in ("", self._game.game_id):
            found.ignored.append("INTERACTION_END of another session")
            return
        self._game.over = True
        found.end = SourceUnavailableError("the interaction ended: it must be started again")


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
