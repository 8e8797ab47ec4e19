"""No key shows anywhere but on the wire: not in a log line, an alarm, an error, a dead letter or a ``repr``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.credential_guard import CredentialGuard
from bridge.errors import CloudAuthError
from bridge.report.contract import Job, JobState
from tests.report.fakes import (
    BAD_EVENT,
    BAD_KEY,
    BROKEN,
    CARRIER_WIRE,
    KEY,
    NO_ANSWER,
    NOT_FOUND,
    TOO_LARGE,
    FakeFinder,
    accepted,
    ended,
    running,
    said,
    url_of,
)
from tests.report.reporting_room import ReportingRoom, Setup

FRESH_KEY = KEY[::-1]
MINE = url_of(lives_secs=1000)
FRESH = url_of(FRESH_KEY, lives_secs=9000)


def shown_by(room: ReportingRoom) -> str:
    destination = room.destination
    parts = [
        destination.alarm,
        destination.hold.value,
        str(destination.url),
        repr(destination.url),
        repr(destination),
        repr(room.reporter),
        room.reporter.last_error,
        *(f"{answer} {answer.error_msg}" for answer in room.ledger.dead.values()),
        *(str(answer) for answer, _, _ in room.ledger.calls),
        repr(room.guard),
    ]
    return "\n".join(parts)


async def everything_goes_wrong(room: ReportingRoom) -> None:
    """Walk through all that can happen to a URL."""
    room.carrier = CARRIER_WIRE
    for answer in (BROKEN, NO_ANSWER, said(429), TOO_LARGE, NOT_FOUND, said(307), BAD_EVENT, BAD_KEY):
        room.cloud.will(answer)
        room.arrive(2)
        await room.pass_time(40)
    for offered in (FRESH, FRESH.replace("https", "http"), FRESH.replace("example.com", "evil.test"), "x " + FRESH):
        room.clock.step_wall_clock(200_000)
        room.cloud.will(accepted(offered))
        room.arrive()
        await room.pass_time(1)
    room.destination.follow_job(running(FRESH.replace("/j1/", "/j2/"), "j2"))
    room.destination.follow_job(Job("j3", JobState.RUNNING, f"ht tp://{KEY}"))
    room.destination.follow_job(ended("j2"))
    room.destination.set_url(MINE)
    room.cloud.always(BAD_KEY)
    room.arrive()
    await room.pass_time(60)
    room.configured = f"not a URL {KEY}"
    await room.pass_time(10)


@pytest.mark.parametrize("key_in_headers", [False, True])
async def test_no_key_shows_whatever_happens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key_in_headers: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    setup = Setup(directory=tmp_path, url=MINE, finder=FakeFinder(running(FRESH)), key_in_headers=key_in_headers)
    with capture_logs() as logs:
        async with ReportingRoom(setup) as room:
            await everything_goes_wrong(room)
            shown = f"{shown_by(room)}\n{logs}\n{caplog.text}"
    events = {line["event"] for line in logs}
    assert {"report_url.used", "report_url.refused", "report_url.not_adopted", "job.url_invalid"} <= events
    for secret in (KEY, FRESH_KEY, "expires_time"):
        assert secret not in shown


def raised_by(action: Callable[[], object]) -> str:
    try:
        action()
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not show the key)
        return f"{error} {error!r} {error.__cause__!r}"
    return ""


async def test_no_error_shows_the_url_that_it_is_about() -> None:
    async with ReportingRoom() as room:
        for text in (f"x {MINE}", f"https://h:{KEY}/p", f"//{KEY}", f"https://[{KEY}/"):
            message = raised_by(partial(room.destination.set_url, text))
            assert message
            assert KEY not in message


async def test_a_held_credential_is_named_by_a_digest() -> None:
    async with ReportingRoom(guard=CredentialGuard()) as room:
        room.cloud.always(BAD_KEY)
        room.arrive()
        await room.pass_time(60)
        assert KEY not in repr(room.guard.__dict__)
        with pytest.raises(CloudAuthError) as caught:
            async with room.destination.call():
                pass
        assert KEY not in str(caught.value)
