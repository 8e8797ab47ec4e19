"""The interaction rules of the sandbox's rooms, run over what their jobs accepted.

They run when somebody asks for the replies, over what came since the last time, so a report call costs nothing for
them. The rules are the room's as they are now: after a change the show is run anew, over what the books still keep.
What the documents leave open is taken by the defaults of ``RuleOptions``.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import ConfigError, DecodeError
from bridge.metastudio.rule_matching import read_event
from bridge.metastudio.rule_patterns import PatternError
from bridge.metastudio.rules import Rules, read_rules
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.state import Job

MAX_REPLIES = 100_000


@dataclass(slots=True)
class _Show:
    """One job's show so far; ``data`` is the room's, by whose identity a change is known."""

    data: dict[str, Any]
    rules: Rules
    last_call: int = 0
    replies: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MAX_REPLIES))


class RoomRules:
    """The shows of all jobs, each run as far as somebody asked."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._shows: dict[str, _Show] = {}
        self._running = asyncio.Lock()

    async def replies(self, job: Job, after_event: int = 0) -> list[dict[str, Any]]:
        """Return what the job's rules answered, the newest ``MAX_REPLIES`` at most, in order.

        ``event`` is the number of the answered event among the job's accepted ones, from 1, ``call`` that of the
        report call that brought it. Raises ``DecodeError`` when the room is gone or its rules cannot be run.
        """
        async with self._running:
            show = self._show(job)
            batches = list(self._cloud.ledger.batches(job.job_id, show.last_call))
            number = job.accepted - sum(len(batch) for batch in batches)
            for batch in batches:
                for event in batch:
                    number += 1
                    _take(show, event, number)
                await asyncio.sleep(0)  # a long show must not keep the others waiting
        return [reply for reply in show.replies if reply["event"] > after_event]

    def _show(self, job: Job) -> _Show:
        room = self._cloud.tenant.rooms.get(job.room_id)
        show = self._shows.get(job.job_id)
        if room is None:
            if show is None:
                raise DecodeError("job_id", "the job's room was deleted, and its rules with it")
            return show
        if show is None or show.data is not room.data:
            try:
                rules = read_rules({"interaction_rules": room.data.get("interaction_rules") or []})
                running = Rules(rules, choose=random.Random(job.serial).randrange)  # noqa: S311 - no secret
            except (ConfigError, PatternError) as error:
                raise DecodeError("", str(error).replace("\n", "; ")) from None
            show = self._shows[job.job_id] = _Show(room.data, running)
        return show


def _take(show: _Show, event: dict[str, Any], number: int) -> None:
    """Put one accepted event to the rules. What is no event of the documented shape was taken, but means nothing."""
    show.last_call = event["call"]
    try:
        outcome = show.rules.take(read_event(event))
    except DecodeError:
        return
    for name in outcome.fired:
        show.replies.append(
            {
                "event": number,
                "call": event["call"],
                "timestamp": event["timestamp"],
                "type": event["type"],
                "rule": name,
                "reply": outcome.reply,
            }
        )
