"""Where the reading of a chat left off; it outlives the connection, so that the next one goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

MAX_KEPT = 1000

SHORT_STREAM_MS = 30_000
MAX_SHORT_STREAMS = 5
"""After so many streams in a row that ended at once, pages are cheaper: each stream costs as much as a page."""


@dataclass(slots=True)
class Bookmark:
    """One source's place in a chat, and how its streams fared."""

    page_token: str = ""
    _streamed_at_ms: int = 0
    _short_streams: int = 0

    def allows_stream(self, now_ms: int) -> bool:
        """Take note that a stream is about to be opened; ``False`` if the last ones were not worth their units."""
        if now_ms - self._streamed_at_ms >= SHORT_STREAM_MS:
            self._short_streams = 0
        elif self._short_streams + 1 >= MAX_SHORT_STREAMS:
            return False
        else:
            self._short_streams += 1
        self._streamed_at_ms = now_ms
        return True


_kept: dict[tuple[str, str], Bookmark] = {}


def take_bookmark(server: str, chat_id: str) -> Bookmark:
    """Return the place where a connection to this chat left off, or the end of it.

    It is taken away: another source that reads the same chat has a place of its own.
    """
    return _kept.pop((server, chat_id), None) or Bookmark()


def put_back(server: str, chat_id: str, bookmark: Bookmark) -> None:
    """Keep a place for the next connection to this chat, for as long as the process lives."""
    while len(_kept) >= MAX_KEPT:
        del _kept[next(iter(_kept))]
    _kept[server, chat_id] = bookmark
