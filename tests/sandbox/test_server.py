from __future__ import annotations

import asyncio
import socket
from datetime import datetime

import aiohttp
import pytest

from bridge.errors import ListenError
from bridge.metastudio import signing
from bridge.sandbox import Sandbox
from bridge.secret import Secret
from tests.sandbox.fakes import JSON, NOW_MS, FakeClock, event, report_body


async def test_it_listens_on_loopback_and_prints_what_to_paste() -> None:
    async with Sandbox() as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        lines = sandbox.banner()
        assert lines[:4] == [
            f"report_url: {sandbox.report_url}",
            f"project_id: {sandbox.project_id}",
            f"access_key: {sandbox.access_key}",
            f"secret_key: {sandbox.secret_key}",
        ]
        assert not any(line.startswith("warning") for line in lines)
    async with Sandbox(listen="localhost:0") as sandbox:
        assert not any(line.startswith("warning") for line in sandbox.banner())


async def test_the_printed_url_takes_events() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as http:
        async with http.post(sandbox.report_url, data=report_body(event(1), event(4)), headers=JSON) as answer:
            assert answer.status == 200
            assert await answer.json() == {"live_event_report_url": sandbox.report_url}
        assert [(item.type, item.call) for item in sandbox.events(sandbox.job_id)] == [(1, 1), (4, 1)]
        assert sandbox.accepted() == sandbox.accepted(sandbox.job_id) == 2


async def test_ids_and_credentials_are_drawn_anew_unless_given() -> None:
    one, two = Sandbox(), Sandbox()
    for name in ("project_id", "access_key", "secret_key", "room_id", "job_id", "iam_password"):
        assert getattr(one, name) != getattr(two, name)
    pinned = Sandbox(project_id="p", access_key="a", secret_key="s", room_id="r", job_id="j", iam_password="i")
    assert (pinned.project_id, pinned.access_key, pinned.secret_key) == ("p", "a", "s")
    assert pinned.iam_password == "i"
    assert (pinned.room_id, pinned.job_id) == ("r", "j")


async def test_a_taken_port_is_a_listen_error() -> None:
    async with Sandbox() as sandbox:
        address = sandbox.base_url.removeprefix("http://")
        with pytest.raises(ListenError, match=address):
            await Sandbox(listen=address).__aenter__()


@pytest.mark.parametrize("listen", ["9300", "localhost", "127.0.0.1:http", "127.0.0.1:99999", "256.0.0.1:0"])
async def test_an_address_that_cannot_be_is_a_listen_error(listen: str) -> None:
    with pytest.raises(ListenError):
        await Sandbox(listen=listen).__aenter__()


async def test_leaving_frees_the_port_and_cuts_what_waits() -> None:
    async with aiohttp.ClientSession() as http:
        async with Sandbox() as sandbox:
            sandbox.misbehave({"lost_answer": True})
            call = asyncio.ensure_future(http.post(sandbox.report_url, data=report_body(event()), headers=JSON))
            await sandbox.wait_for_events(1)
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await call
    async with Sandbox(listen=sandbox.base_url.removeprefix("http://")):
        pass


async def test_an_address_beyond_loopback_is_warned_of_and_reached_by_loopback() -> None:
    async with Sandbox(listen="0.0.0.0:0") as sandbox, aiohttp.ClientSession() as http:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        assert any(line.startswith("warning") for line in sandbox.banner())
        async with http.get(f"{sandbox.base_url}/_sandbox/stats") as answer:
            assert answer.status == 200


async def test_ipv6_is_written_with_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with Sandbox(listen="[::1]:0") as sandbox, aiohttp.ClientSession() as http:
        assert sandbox.base_url.startswith("http://[::1]:")
        async with http.post(sandbox.report_url, data=report_body(event()), headers=JSON) as answer:
            assert (await answer.json())["live_event_report_url"] == sandbox.report_url


async def test_urls_live_as_long_as_said() -> None:
    clock = FakeClock()
    async with Sandbox(clock=clock, url_life_secs=5) as sandbox:
        assert sandbox.report_url.endswith(f"expires_time={NOW_MS + 5000}")
    async with Sandbox(clock=clock, url_life_secs=None) as sandbox:
        assert sandbox.report_url.endswith("expires_time=4102415999000")


async def test_settings_reach_the_cloud() -> None:
    body, odd = report_body(event()), report_body(event(content="xxxxx"))
    async with (
        Sandbox(checks="light", ended_job_status=410, keep_events=1, old_url_dies="at_expiry") as sandbox,
        aiohttp.ClientSession() as http,
    ):
        async with http.post(sandbox.report_url, data=odd, headers=JSON) as answer:
            assert answer.status == 200
        old = sandbox.report_url
        async with http.post(f"{old}&refresh_url=true", data=body, headers=JSON) as answer:
            new = (await answer.json())["live_event_report_url"]
        for url in (new, old):
            async with http.post(url, data=body, headers=JSON) as answer:
                assert answer.status == 200
        assert len(sandbox.events()) == 1
        await http.post(f"{sandbox.base_url}/_sandbox/jobs", json={"action": "end"})
        async with http.post(new, data=body, headers=JSON) as answer:
            assert answer.status == 410


async def test_an_idle_connection_is_closed_after_the_time_said() -> None:
    async with Sandbox(keepalive_secs=0.05) as sandbox:
        host, _, port = sandbox.base_url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /_sandbox/jobs HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)  # to its end: the connection's
        assert answer.startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


async def test_iam_and_the_api_are_one_endpoint() -> None:
    async with Sandbox(region="cn-east-3", token_life_secs=5) as sandbox, aiohttp.ClientSession() as http:
        user = {"name": sandbox.iam_user, "password": sandbox.iam_password, "domain": {"name": sandbox.iam_domain}}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "cn-east-3"}},
        }
        async with http.post(f"{sandbox.base_url}/v3/auth/tokens", json={"auth": auth}) as answer:
            assert answer.status == 201
            token = answer.headers["X-Subject-Token"]
            times = (await answer.json())["token"]
            life = datetime.fromisoformat(times["expires_at"]) - datetime.fromisoformat(times["issued_at"])
            assert life.total_seconds() == 5
        url = f"{sandbox.base_url}/v1/{sandbox.project_id}/smart-live-jobs"
        async with http.get(url, headers={"X-Auth-Token": token}) as answer:
            assert (await answer.json())["smart_live_jobs"][0]["job_id"] == sandbox.job_id


async def test_a_signed_call_passes_the_door_over_http() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as http:
        url = f"{sandbox.base_url}/v1/{sandbox.project_id}/smart-live-jobs?state=WAITING%2CPROCESSING"
        key = signing.SigningKey(sandbox.access_key, Secret(sandbox.secret_key))
        date = signing.sdk_date(sandbox._cloud.clock.now_ms())
        headers = signing.authorization(key, "GET", url, {}, b"", date)
        async with http.get(url, headers=headers) as answer:
            assert (answer.status, (await answer.json())["count"]) == (200, 1)


async def test_one_can_wait_for_events() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as http:
        waiting = asyncio.create_task(sandbox.wait_for_events(3, sandbox.job_id))
        for _ in range(3):
            assert not waiting.done()
            async with http.post(sandbox.report_url, data=report_body(event()), headers=JSON):
                pass
        await waiting
        with pytest.raises(TimeoutError):
            await sandbox.wait_for_events(4, timeout_secs=0.01)
