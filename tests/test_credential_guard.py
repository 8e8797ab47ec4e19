from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.credential_guard import MAX_REFUSED_CALLS, CredentialGuard
from bridge.errors import CloudAuthError
from tests.fakes import settle

REFUSAL = CloudAuthError("no", status=401, error_code="APIGW.0301", request_id="r-1")


async def refused(guard: CredentialGuard, credential: str = "key") -> None:
    async with guard.call(credential) as call:
        call.refused(REFUSAL)


async def accepted(guard: CredentialGuard, credential: str = "key") -> None:
    async with guard.call(credential) as call:
        call.accepted()


async def without_answer(guard: CredentialGuard, credential: str = "key") -> None:
    async with guard.call(credential):
        pass


async def is_refused_at_once(guard: CredentialGuard, credential: str = "key") -> bool:
    try:
        async with guard.call(credential):
            return False
    except CloudAuthError:
        return True


async def test_a_refused_credential_is_called_three_times_and_no_more() -> None:
    guard = CredentialGuard()
    for _ in range(3):
        assert not guard.is_held("key")
        await refused(guard)
    assert guard.is_held("key")
    assert await is_refused_at_once(guard)


async def test_the_refusal_without_a_call_tells_the_last_one_and_its_status() -> None:
    guard = CredentialGuard()
    for _ in range(3):
        await refused(guard)
    with pytest.raises(CloudAuthError, match=r"refused 3 times; change it\. Last: no$") as caught:
        async with guard.call("key"):
            pass
    assert (caught.value.status, caught.value.error_code, caught.value.request_id) == (401, "APIGW.0301", "r-1")


async def test_another_credential_is_not_concerned() -> None:
    guard = CredentialGuard()
    for _ in range(3):
        await refused(guard)
    assert not guard.is_held("another key")
    assert not await is_refused_at_once(guard, "another key")


async def test_only_refusals_in_a_row_count() -> None:
    guard = CredentialGuard()
    for _ in range(5):
        await refused(guard)
        await refused(guard)
        await accepted(guard)
    assert not guard.is_held("key")


async def test_a_call_without_an_answer_changes_nothing() -> None:
    guard = CredentialGuard()
    await refused(guard)
    await refused(guard)
    await without_answer(guard)
    await refused(guard)
    assert guard.is_held("key")


async def test_refused_calls_and_calls_under_way_never_exceed_three_together() -> None:
    guard = CredentialGuard()
    await refused(guard)
    go_on = asyncio.Event()
    made = 0

    async def call() -> None:
        nonlocal made
        async with guard.call("key") as one:
            made += 1
            await go_on.wait()
            one.refused(REFUSAL)

    calls = [asyncio.ensure_future(call()) for _ in range(10)]
    await settle()
    assert made == 2
    go_on.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert made == 2
    assert [type(outcome) for outcome in outcomes].count(CloudAuthError) == 8


async def test_who_waits_for_its_turn_goes_on_when_a_call_ends_well() -> None:
    guard = CredentialGuard()
    go_on = asyncio.Event()
    made = 0

    async def call() -> None:
        nonlocal made
        async with guard.call("key") as one:
            made += 1
            await go_on.wait()
            one.accepted()

    calls = [asyncio.ensure_future(call()) for _ in range(10)]
    await settle()
    assert made == MAX_REFUSED_CALLS
    go_on.set()
    await asyncio.gather(*calls)
    assert made == 10


async def test_a_call_that_is_cut_off_gives_its_turn_back() -> None:
    guard = CredentialGuard()
    calls = [asyncio.ensure_future(hang(guard)) for _ in range(6)]
    await settle()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert not await is_refused_at_once(guard)


async def hang(guard: CredentialGuard) -> None:
    async with guard.call("key"):
        await asyncio.Event().wait()


async def test_a_mended_credential_is_tried_again_when_the_operator_says_so() -> None:
    guard = CredentialGuard()
    for _ in range(3):
        await refused(guard)
    guard.forget("key")
    guard.forget("never seen")
    assert not guard.is_held("key")
    await accepted(guard)


async def test_who_waits_when_the_operator_says_so_goes_on() -> None:
    guard = CredentialGuard()
    await refused(guard)
    await refused(guard)
    under_way, waiting = asyncio.ensure_future(hang(guard)), asyncio.ensure_future(accepted(guard))
    await settle()
    guard.forget("key")
    await settle()
    assert waiting.done()
    under_way.cancel()
    await asyncio.gather(under_way, return_exceptions=True)


async def test_credentials_that_come_and_go_leave_nothing_behind() -> None:
    guard = CredentialGuard()
    for number in range(100):
        await accepted(guard, f"url {number}")
        await without_answer(guard, f"url {number}")
    assert guard._records == {}


@given(st.lists(st.sampled_from([refused, accepted, without_answer]), max_size=30))
def test_in_whatever_order_calls_end_there_are_never_four_refusals_in_a_row(
    calls: list[Callable[[CredentialGuard], Awaitable[None]]],
) -> None:
    async def run() -> int:
        guard, in_a_row, most = CredentialGuard(), 0, 0
        for call in calls:
            try:
                await call(guard)
            except CloudAuthError:
                assert guard.is_held("key")
                continue
            in_a_row = in_a_row + 1 if call is refused else 0 if call is accepted else in_a_row
            most = max(most, in_a_row)
        return most

    assert asyncio.run(run()) <= MAX_REFUSED_CALLS
