"""The IRC connection: one channel's chat, read without a login."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from bridge.errors import DecodeError
from bridge.sources.codecs.irc import parse_line, split_frame
from bridge.sources.codecs.results import joined, without_event
from bridge.sources.codecs.twitch_loyalty import TierValues
from bridge.sources.contract import (
    Decoded,
    Decoder,
    DialLimit,
    Frame,
    HttpAnswer,
    HttpCall,
    Notice,
    NoticeKind,
    QuietDecoder,
)
from bridge.sources.platforms.twitch.lines import IGNORED, MESSAGES
from bridge.sources.platforms.twitch.viewers import ViewerWatch

NICK = "justinfan48213"
"""Any ``justinfan`` and digits reads without an account (observed)."""

PING_INTERVAL_SECS = 60.0
SILENCE_TIMEOUT_SECS = 75.0
"""Our own PING is answered at once, so silence a little longer than its interval is a dead socket."""

DIAL_LIMIT = DialLimit(20, window_secs=10.0)
"""Logins and joins that Twitch grants an address; a connection needs one of each (vendor documentation)."""

BEFORE_JOINING = frozenset({"001", "002", "003", "004", "372", "375", "376", "CAP", "NOTICE", "PING", "PONG"})
"""What Twitch says about the login; all else comes once the channel was joined."""


def greeting(login: str) -> tuple[str, ...]:
    """Return the lines that log in anonymously and join a channel."""
    return (
        "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership",
        "PASS SCHMOOPIIE",
        f"NICK {NICK}",
        f"JOIN #{login}",
    )


class IrcDecoder(QuietDecoder):
    """One IRC connection to one channel; with a client's credential the viewer count is polled beside it.

    ``problem`` is why that credential could not be used: it is told with the first frame.
    """

    def __init__(
        self, login: str, tier_values: TierValues, watch: ViewerWatch | None = None, problem: str = ""
    ) -> None:
        self._login = login
        self._tier_values = tier_values
        self._watch = watch
        self._problem = problem
        self.is_ready = False

    def greeting(self) -> Sequence[str]:
        """Log in and join."""
        return greeting(self._login)

    def heartbeat(self) -> Sequence[str]:
        """Ask for a sign of life: the server's own PING comes only every four minutes."""
        return ("PING :tmi.twitch.tv",)

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame of one or several lines."""
        try:
            lines = split_frame(frame.data)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        decoded = joined([self._decode_line(line, frame.received_at_ms) for line in lines])
        if self._problem:
            decoded = replace(decoded, notices=(_no_viewer_count(self._problem),))
            self._problem = ""
        return decoded

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take a viewer count. A refused credential costs only that, never the chat."""
        if self._watch is None:
            return Decoded()
        decoded = self._watch.answered(call, answer, received_at_ms)
        if decoded.end is None:
            return decoded
        return Decoded(notices=(_no_viewer_count(str(decoded.end)),))

    def followed(self) -> Decoder:
        """Return the decoder for the connection that replaces this one after RECONNECT."""
        return IrcDecoder(self._login, self._tier_values, self._watch)

    def _decode_line(self, raw: str, received_at_ms: int) -> Decoded:
        try:
            line = parse_line(raw)
            if not self.is_ready:
                self.is_ready = line.command not in BEFORE_JOINING
            decode = MESSAGES.get(line.command)
            if decode is not None:
                return decode(line, received_at_ms, self._tier_values)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        return without_event(line.command, known=line.command in IGNORED)


def _no_viewer_count(problem: str) -> Notice:
    return Notice(NoticeKind.CREDENTIAL_WEAK, f"no viewer count: {problem}")
