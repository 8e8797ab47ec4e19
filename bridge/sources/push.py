"""Platforms that call us: from an HTTP request to decoded events, verified first."""

from __future__ import annotations

from collections.abc import Callable

from bridge.clock import Clock
from bridge.errors import ConfigError, PushRefusedError
from bridge.sources.contract import Platform, PushAnswer, PushReceiver, PushRequest, SourceOptions

REREAD_SECS = 5.0


class PushSource:
    """The receiving end of one source. Its credentials are read anew every few seconds."""

    def __init__(self, platform: Platform, options: Callable[[], SourceOptions], clock: Clock) -> None:
        self.platform = platform
        self._read_options = options
        self._clock = clock
        self._options: SourceOptions | None = None
        self._receiver: PushReceiver | None = None
        self._read_at = float("-inf")

    def receive(self, request: PushRequest) -> PushAnswer:
        """Verify and decode; raises ``PushRefusedError``."""
        return self._current_receiver().receive(request)

    def _current_receiver(self) -> PushReceiver:
        now = self._clock.monotonic()
        if self._receiver is not None and now - self._read_at < REREAD_SECS:
            return self._receiver
        self._read_at = now
        try:
            options = self._read_options()
        except ConfigError:
            if self._receiver is None:
                raise PushRefusedError(503, "the source's configuration cannot be read") from None
            return self._receiver
        if self._receiver is None or options != self._options:
            assert self.platform.receiver is not None
            self._options = options
            self._receiver = self.platform.receiver(options)
        return self._receiver
