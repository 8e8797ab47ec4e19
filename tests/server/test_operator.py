"""What an operator may do to a running bridge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outbox.test_spool import disk_fault, letter
from tests.room_bench import texts
from tests.samples import comment
from tests.server.served import TOKEN, Served, served

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


async def do(bridge: Served, path: str, **options: object) -> tuple[int, str]:
    return await bridge.post(path, headers=HEADERS, **options)


async def test_a_paused_room_does_not_report_until_it_is_resumed(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        assert await do(bridge, "/rooms/evening/pause") == (200, '{"paused": true}')
        await bridge.bench.take(comment("a"))
        await bridge.bench.clock.advance(5)
        assert bridge.bench.cloud.taken == []

        assert await do(bridge, "/rooms/evening/resume") == (200, '{"paused": false}')
        await bridge.bench.clock.advance(1)
        assert texts(bridge.bench.cloud.contents) == ["a"]


async def test_while_paused_events_go_on_ageing(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        await do(bridge, "/rooms/evening/pause")
        await bridge.bench.take(comment("a"))
        await bridge.bench.clock.advance(91)

        assert bridge.bench.dropped() == {"ttl": 1}


async def test_another_report_url_is_used_at_once_and_shown_without_its_key(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.room.destination.follow_job(None)
        await bridge.bench.take(comment("a"))
        url = "https://cloud.example/v1/smart-live-jobs/job-2/report?auth_key=n3w"

        assert await do(bridge, "/rooms/evening/report-url", json={"url": url}) == (
            200,
            '{"report_url": "https://cloud.example/v1/smart-live-jobs/job-2/report"}',
        )

        await bridge.bench.clock.advance(1)
        assert texts(bridge.bench.cloud.contents) == ["a"]
        assert bridge.bench.room.destination.job_id == "job-2"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"{}", b'{"url": 7}', b'{"url": "ftp://x/?k=s3cr3t"}', b'{"url": ""}']
)
async def test_what_is_no_url_is_refused_without_showing_it(body: bytes, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        before = bridge.bench.room.destination.url

        status, text = await do(bridge, "/rooms/evening/report-url", data=body)

        assert status == 400
        assert "s3cr3t" not in text
        assert bridge.bench.room.destination.url == before


@pytest.mark.parametrize("verb", ["pause", "resume", "report-url"])
async def test_a_room_that_is_not_there_is_not_found(verb: str, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        assert await do(bridge, f"/rooms/morning/{verb}") == (404, '{"error": "no such room"}')


async def test_a_dead_letter_is_sent_again_once(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.spool.dead_letter(letter(1))
        await bridge.bench.spool.commit()

        assert await do(bridge, "/dead-letters/1/retry") == (200, '{"retried": 1}')
        await bridge.bench.clock.advance(1)

        assert len(bridge.bench.cloud.bodies) == 1
        assert (await do(bridge, "/dead-letters/1/retry"))[0] == 404
        bridge.bench.assert_sums_agree()


async def test_a_dead_letter_of_a_room_that_is_gone_waits_in_the_spool(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.spool.dead_letter(letter(1, room="morning"))
        await bridge.bench.spool.commit()

        status, text = await do(bridge, "/dead-letters/1/retry")

        assert status == 409
        assert "room morning is not configured" in text
        assert bridge.bench.spool.kept_events() == 1


async def test_a_dead_letter_is_dropped_once(tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.spool.dead_letter(letter(1))
        await bridge.bench.spool.commit()

        assert await do(bridge, "/dead-letters/1/drop") == (200, '{"dropped": 1}')
        assert (await do(bridge, "/dead-letters/1/drop"))[0] == 404


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "99999999999999999999999", "٣"])
@pytest.mark.parametrize("verb", ["retry", "drop"])
async def test_what_is_no_letters_number_is_not_found(number: str, verb: str, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        assert (await do(bridge, f"/dead-letters/{number}/{verb}"))[0] == 404


@pytest.mark.parametrize("verb", ["retry", "drop"])
async def test_while_the_disk_is_at_fault_letters_cannot_be_had(verb: str, tmp_path: Path) -> None:
    async with served(tmp_path) as bridge:
        bridge.bench.spool.dead_letter(letter(1))
        with disk_fault():
            await bridge.bench.spool.commit()
            assert (await do(bridge, f"/dead-letters/1/{verb}"))[0] == 503
