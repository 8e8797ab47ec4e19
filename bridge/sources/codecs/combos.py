"""Tells combos apart where a message carries a running total but nothing names its combo."""

from __future__ import annotations

from typing import NamedTuple

PAUSE_MS = 15_000
"""After this long without a press the same gift is a new combo (inferred; the apps' own windows are a few seconds)."""

MAX_COMBOS = 5_000


class Press(NamedTuple):
    """The newest message of a combo: its id, its total, when it came, and the combo's name."""

    message_id: int
    total: int
    at_ms: int
    ended: bool
    key: str


class Combos:
    """The newest press of each viewer and gift."""

    def __init__(self) -> None:
        self._last: dict[str, Press] = {}

    def key(self, who_and_what: str, message_id: int, total: int, at_ms: int, *, ended: bool = False) -> str:
        """Return the name of the combo that this message belongs to; ``ended`` is its end mark, where there are any.

        Ids rise with time, so a smaller one is late and belongs to the combo that is known already.
        """
        last = self._last.get(who_and_what)
        if last is not None and 0 < message_id <= last.message_id:
            return last.key
        begins = (
            last is None
            or last.ended
            or total < last.total
            or (total == last.total and not ended)
            or at_ms - last.at_ms > PAUSE_MS
        )
        key = f"{message_id or at_ms}" if last is None or begins else last.key
        self._last.pop(who_and_what, None)
        self._last[who_and_what] = Press(message_id, total, at_ms, ended, key)
        if len(self._last) > MAX_COMBOS:
            del self._last[next(iter(self._last))]
        return key
