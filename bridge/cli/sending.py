"""``send``: one event by hand."""

from __future__ import annotations

import asyncio
import os
from enum import Enum
from typing import Annotated

import aiohttp
import typer

from bridge.clock import SystemClock
from bridge.errors import BridgeError, ConfigError
from bridge.events import Comment, Content, EventType, Follow, Gift, Join, Like, LiveEvent, User, Viewers
from bridge.report.post import HttpPoster
from bridge.report.url import report_url
from bridge.report.wire import Answer, Verdict, encode

EXIT_REFUSED = 3


class Kind(Enum):
    """Event types by name."""

    COMMENT = "comment"
    JOIN = "join"
    LIKE = "like"
    GIFT = "gift"
    FOLLOW = "follow"
    VIEWERS = "viewers"


class NotDeliveredError(BridgeError):
    """The cloud did not take the event."""

    exit_code = EXIT_REFUSED


def send(
    *,
    url: Annotated[str, typer.Option("--url", help="The job's live_event_report_url; or set REPORT_URL.")] = "",
    kind: Annotated[Kind, typer.Option("--type", help="What happens.")] = Kind.COMMENT,
    user: Annotated[str, typer.Option(help="The viewer's name.")] = "somebody",
    text: Annotated[str, typer.Option(help="The comment, or the gift's name.")] = "hello",
    count: Annotated[int, typer.Option(help="How many gifts, or viewers.")] = 1,
    value: Annotated[int, typer.Option(help="The value of one gift.")] = 0,
) -> None:
    """Report one event by hand, to see whether a URL is alive.

    The answer is printed; the exit code is 0 if the cloud took the event, 2 for a wrong URL, else 3.
    """
    clock = SystemClock()
    try:
        target = report_url(url or os.environ.get("REPORT_URL", ""), clock.now_ms())
    except ValueError as error:
        raise ConfigError([f"--url: {error}: a job's live_event_report_url, in quotes"]) from None
    event = LiveEvent(clock.now_ms(), _content(kind, user, text, count, value))
    answer = asyncio.run(_post(target.text, encode([event.to_wire()])))
    if answer.verdict is not Verdict.DELIVERED:
        raise NotDeliveredError(f"not delivered: {answer}")
    typer.echo(f"delivered: HTTP {answer.status}{', a fresh report URL came back' if answer.new_url else ''}")


def _content(kind: Kind, name: str, text: str, count: int, value: int) -> Content:
    user = User(f"manual_{name}", name)
    contents: dict[Kind, Content] = {
        Kind.COMMENT: Comment(user, text),
        Kind.JOIN: Join(user),
        Kind.LIKE: Like(user),
        Kind.GIFT: Gift(user, text, count, value, count * value),
        Kind.FOLLOW: Follow(user),
        Kind.VIEWERS: Viewers(count),
    }
    assert {kind.name for kind in Kind} == {kind.name for kind in EventType}
    return contents[kind]


async def _post(url: str, body: bytes) -> Answer:
    async with aiohttp.ClientSession() as http:
        return await HttpPoster(http, SystemClock()).post(url, {}, body)
