"""Replays removed: the ids of the recent past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

GENERATION_IDS = 25_000


class RecentKeys:
    """Remembers at least the last ``generation_keys`` keys, at most twice as many.

    Two generations instead of a queue: forgetting is one assignment, whatever the size.
    """

    def __init__(self, generation_keys: int = GENERATION_IDS) -> None:
        self._generation_keys = generation_keys
        self._young: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._young or key in self._old

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __iter__(self) -> Iterator[str]:
        yield from self._old
        yield from self._young

    def add(self, key: str) -> bool:
        """Remember ``key``; return whether it was new."""
        if key in self._young or key in self._old:
            return False
        if len(self._young) >= self._generation_keys:
            self._old = self._young
            self._young = set()
        self._young.add(key)
        return True

    def update(self, keys: Iterable[str]) -> None:
        """Remember all of ``keys``, oldest first."""
        for key in keys:
            self.add(key)
