"""A bug in one part is logged, and the part is started again: it ends neither its room nor the bridge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bridge.clock import Clock

RESTART_SECS = 5.0

log = structlog.get_logger()


async def keep_running(
    part: str,
    work: Callable[[], Awaitable[None]],
    clock: Clock,
    *,
    room: str = "",
    final: tuple[type[Exception], ...] = (),
) -> None:
    """Run ``work`` until it returns or is cancelled; errors of the kinds in ``final`` end it too, and are told already."""
    while True:
        try:
            await work()
        except final:
            return
        except Exception:
            log.exception("part.failed", part=part, room=room)
            await clock.sleep(RESTART_SECS)
        else:
            return
