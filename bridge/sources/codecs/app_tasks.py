"""An app that has its platform push to us: its token is kept fresh, its task tried until it starts and watched.

What the platforms' APIs have in common: the calls are made over and over, a token lives for hours, a task cannot
start before the anchor has done something, and a busy API is borne with for a while because the pushes go on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from bridge.errors import DecodeError, SourceAuthError, SourceError, SourceThrottledError, SourceUnavailableError
from bridge.sources.contract import NOTHING, Decoded, Frame, HttpAnswer, HttpCall, QuietDecoder
from bridge.sources.fields import as_object

RETRY_SECS = 3.0
SLOW_RETRY_SECS = 30.0
EAGER_TRIES = 200
"""How often to try eagerly (ten minutes) before it is taken for a quiet night."""

ROUND_SECS = 60.0
"""How often to look at tasks that run."""

MAX_FAILURES = 5
"""Unanswered calls in a row after which the connection is given up and made anew."""


class Token:
    """An access token and when to get the next one: at half its life, the old one living on meanwhile."""

    def __init__(self, value: str, lifetime_secs: int, now_ms: int) -> None:
        self.value = value
        self.refresh_at_ms = now_ms + max(lifetime_secs, 60) * 500


def read_object(answer: HttpAnswer, what: str) -> dict[str, Any]:
    """Return the object that a call was answered with. Raises ``SourceError``."""
    if answer.status == 429:
        raise SourceThrottledError(f"{what}: too many calls", 30)
    if answer.status >= 500:
        raise SourceUnavailableError(f"{what}: HTTP {answer.status}")
    try:
        return as_object(answer.json(), "body")
    except DecodeError as error:
        raise SourceUnavailableError(f"{what}: {error}") from error


class AppTasks(QuietDecoder):
    """The calls of one app for one room.

    A call's tag is its action and, behind a slash, whatever else tells it. The actions ``token`` and ``start`` are
    known here.
    """

    def __init__(
        self, token_call: HttpCall, read_token: Callable[[HttpAnswer, int], Token], token: Token, now_ms: int
    ) -> None:
        self._token_call = token_call
        self._read_token = read_token
        self.token = token
        self.now_ms = now_ms
        self.tries = 0
        """How often starting was refused or not answered, in a row."""
        self._failures = 0

    def feed(self, frame: Frame) -> Decoded:
        """Refuse a frame: pushes come by HTTP, and this connection is only polled."""
        return Decoded(rejected=[DecodeError("frame", "is not expected on a polled connection")])

    @abstractmethod
    def due_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return what is due next but for the token, and after how many seconds."""

    @abstractmethod
    def told(self, call: HttpCall, value: dict[str, Any]) -> Decoded:
        """Take the answer to a call."""

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Return the token's call, or what is due."""
        return (0.0, (self._token_call,)) if self.now_ms >= self.token.refresh_at_ms else self.due_calls()

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take an answer and go on from there."""
        self.now_ms = received_at_ms
        action = call.tag.partition("/")[0]
        value: dict[str, Any] | None = None
        try:
            if action == "token":
                self.token = self._read_token(answer, received_at_ms)
            else:
                value = read_object(answer, action)
        except SourceError as error:
            return self._unanswered(action, error)
        self._failures = 0
        return NOTHING if value is None else self.told(call, value)

    def renew_token(self) -> None:
        """Have the token fetched next: somebody else may have replaced it."""
        self.token.refresh_at_ms = self.now_ms

    def start_wait_secs(self) -> float:
        """Return how long to wait before starting is tried again."""
        if not self.tries:
            return 0.0
        return RETRY_SECS if self.tries <= EAGER_TRIES else SLOW_RETRY_SECS

    def _unanswered(self, action: str, error: SourceError) -> Decoded:
        self._failures += 1
        if self._failures >= MAX_FAILURES or isinstance(error, SourceAuthError):
            return Decoded(end=error)
        if action == "token":
            self.token.refresh_at_ms = self.now_ms + int(SLOW_RETRY_SECS * 1000)
        if action == "start":
            self.tries += 1
        return NOTHING
