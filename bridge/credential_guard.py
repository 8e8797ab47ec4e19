"""A refused credential is not tried again and again: more than five failures in a row lock an access key.

The gateway locks it for five minutes and for every program that uses it (vendor documentation). So at
most three calls are refused on one credential, over all rooms and over reports and management calls
together. A changed credential is another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.errors import CloudAuthError

MAX_REFUSED_CALLS = 3


@dataclass
class _Record:
    refused: int = 0
    in_flight: int = 0
    last: CloudAuthError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class GuardedCall:
    """One call that has been let through; say how it ended. Saying nothing (no answer came) changes nothing."""

    def __init__(self, record: _Record) -> None:
        self._record = record

    def accepted(self) -> None:
        """Note that the credential was good, whatever else the answer said."""
        self._record.refused = 0

    def refused(self, error: CloudAuthError) -> None:
        """Note that the credential was refused."""
        self._record.refused += 1
        self._record.last = error


class CredentialGuard:
    """Lets calls through, as long as their credential is not refused too often. One serves the process.

    Refused calls and calls under way together never exceed the limit: were more under way when a key is
    withdrawn, all of them would be refused. So this many calls at once is also the most a credential makes.
    Credentials are named by a fingerprint.
    """

    def __init__(self, max_refused_calls: int = MAX_REFUSED_CALLS) -> None:
        self._max = max_refused_calls
        self._records: dict[str, _Record] = {}

    def is_held(self, fingerprint: str) -> bool:
        """Tell whether calls with this credential are no longer made."""
        record = self._records.get(fingerprint)
        return record is not None and record.refused >= self._max

    def forget(self, fingerprint: str) -> None:
        """Let the credential be tried again, because the operator says that it was mended."""
        record = self._records.pop(fingerprint, None)
        if record is not None:
            record.refused = 0
            record.tell()

    @asynccontextmanager
    async def call(self, fingerprint: str) -> AsyncIterator[GuardedCall]:
        """Wait for the credential's turn; raises ``CloudAuthError`` at once when it was refused too often."""
        record = await self._its_turn(fingerprint)
        record.in_flight += 1
        try:
            yield GuardedCall(record)
        finally:
            record.in_flight -= 1
            if not record.refused and not record.in_flight and self._records.get(fingerprint) is record:
                del self._records[fingerprint]  # report URLs come and go for as long as the process runs
            record.tell()

    async def _its_turn(self, fingerprint: str) -> _Record:
        while True:
            record = self._records.setdefault(fingerprint, _Record())
            if record.refused >= self._max:
                raise _held(record)
            if record.refused + record.in_flight < self._max:
                return record
            await record.changed.wait()


def _held(record: _Record) -> CloudAuthError:
    last = record.last
    assert last is not None, "a record counts refusals only together with their error"
    return CloudAuthError(
        f"not called, because the credential was refused {record.refused} times; change it. Last: {last.problem}",
        status=last.status,
        error_code=last.error_code,
        request_id=last.request_id,
    )
