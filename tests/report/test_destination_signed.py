"""Calls whose URL carries no key: a signer proves who calls."""

from __future__ import annotations

import pytest

from bridge.errors import CloudAuthError, CloudUnavailableError
from bridge.report.contract import Hold
from tests.report.fakes import (
    BAD_KEY,
    FakeFinder,
    FakeSigner,
    accepted,
    running,
    said,
    url_of,
)
from tests.report.reporting_room import ReportingRoom, Setup

FORBIDDEN = said(403, "APIGW.0302", "no permission")


async def test_calls_carry_what_the_signer_gives() -> None:
    async with ReportingRoom(Setup(signer=FakeSigner())) as room:
        room.arrive()
        await room.pass_time(0)
        assert room.cloud.calls[0].headers == {"X-Auth-Token": "token-1"}


async def test_a_refused_token_is_replaced_once_and_tried_at_once() -> None:
    signer = FakeSigner(spare="token-2")
    async with ReportingRoom(Setup(signer=signer)) as room:
        room.cloud.judge = lambda call: accepted() if call.headers["X-Auth-Token"] == "token-2" else BAD_KEY
        room.arrive()
        await room.pass_time(0.5)
        assert room.ledger.fates == {1: "delivered"}
        assert signer.renewals == 1


async def test_a_user_without_rights_costs_three_calls_and_names_the_credentials() -> None:
    signer = FakeSigner(spare="token-2")
    async with ReportingRoom(Setup(url=None, signer=signer, finder=FakeFinder())) as room:
        room.destination.follow_job(running(url_of()))
        room.cloud.always(FORBIDDEN)
        room.arrive()
        await room.pass_time(60)
        assert len(room.cloud.calls) == 3
        assert signer.renewals == 1
        assert room.destination.alarm.endswith("renew metastudio's credentials in bridge.yaml")


async def test_a_renewal_that_fails_is_no_more_than_a_wait() -> None:
    signer = FakeSigner()
    signer.renewal_error = CloudUnavailableError("IAM does not answer")
    async with ReportingRoom(Setup(signer=signer)) as room:
        room.cloud.will(BAD_KEY)
        room.arrive()
        await room.pass_time(5)
        assert room.cloud.gaps == pytest.approx([1])
        assert room.ledger.fates == {1: "delivered"}


async def test_a_token_that_cannot_be_had_delays_and_a_refused_log_in_holds() -> None:
    signer = FakeSigner()
    async with ReportingRoom(Setup(signer=signer)) as room:
        signer.error = CloudUnavailableError("IAM does not answer")
        room.arrive()
        await room.pass_time(3)
        assert room.reporter.last_error == "not_sent IAM does not answer"
        signer.error = CloudAuthError("wrong password", status=401)
        await room.pass_time(60)
        assert room.destination.hold is Hold.REFUSED
        assert room.cloud.calls == []
        assert room.has_one_place_for_each()


async def test_a_credential_replaced_while_running_is_tried() -> None:
    signer = FakeSigner()
    async with ReportingRoom(Setup(signer=signer)) as room:
        room.cloud.always(BAD_KEY)
        room.arrive()
        await room.pass_time(60)
        assert len(room.cloud.calls) == 3
        room.cloud.always(accepted())
        signer.fingerprint = "signer-2"
        await room.pass_time(2)
        assert room.ledger.fates == {1: "delivered"}
