"""The vendor's own Python SDK against the sandbox, unchanged. Skipped where ``huaweicloudsdkmetastudio`` is not installed."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest

from bridge.sandbox import Sandbox
from tests.sandbox.fakes import event

pytest.importorskip("huaweicloudsdkmetastudio", reason="huaweicloudsdkmetastudio is not installed")
pytestmark = pytest.mark.slow

v1: Any = importlib.import_module("huaweicloudsdkmetastudio.v1")
credentials: Any = importlib.import_module("huaweicloudsdkcore.auth.credentials")
exceptions: Any = importlib.import_module("huaweicloudsdkcore.exceptions.exceptions")

_Result = TypeVar("_Result")


def client_of(sandbox: Sandbox, *, secret_key: str = "", access_key: str = "", security_token: str = "") -> Any:
    keys = credentials.BasicCredentials(
        access_key or sandbox.access_key, secret_key or sandbox.secret_key, sandbox.project_id
    )
    if security_token:
        keys = keys.with_security_token(security_token)
    return v1.MetaStudioClient.new_builder().with_credentials(keys).with_endpoint(sandbox.base_url).build()


async def call(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """Run one of the SDK's blocking calls beside the sandbox."""
    return await asyncio.to_thread(function, *arguments)


async def refusal(function: Callable[..., Any], *arguments: Any) -> Any:
    with pytest.raises(exceptions.ServiceResponseException) as error:
        await call(function, *arguments)
    assert error.value.request_id
    return error.value


def report_request(sandbox: Sandbox, *events: dict[str, Any], **arguments: Any) -> Any:
    live_events = [v1.LiveEvent(**item) for item in events]
    return v1.LiveEventReportRequest(
        room_id=sandbox.room_id,
        job_id=sandbox.job_id,
        body=v1.ReportLiveEventReq(total=len(events), events=live_events or None),
        **arguments,
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


async def test_it_lists_and_shows_jobs(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    request = v1.ListSmartLiveRequest(
        room_id=sandbox.room_id,
        x_app_user_id="shop-7",
        offset=0,
        limit=10,
        state="WAITING,PROCESSING",
        sort_key="create_time",
        sort_dir="desc",
        create_since="2021-01-10T08:43:17Z",
        create_until="2099-01-10T08:43:17Z",
    )
    answer = await call(client.list_smart_live, request)
    (job,) = answer.smart_live_jobs
    assert (answer.count, job.job_id, job.state) == (1, sandbox.job_id, "PROCESSING")
    assert job.live_event_report_url == sandbox.report_url
    assert answer.x_request_id
    tenant = await call(client.list_smart_live_jobs, v1.ListSmartLiveJobsRequest(room_name="sandbox"))
    assert tenant.smart_live_jobs[0].rtc_room_info.users[0].user_type == "CAPTURE"
    shown = await call(client.show_smart_live, v1.ShowSmartLiveRequest(room_id=sandbox.room_id, job_id=sandbox.job_id))
    assert shown.live_event_report_url == sandbox.report_url
    nothing = await call(client.list_smart_live_jobs, v1.ListSmartLiveJobsRequest(state="FAILED"))
    assert (nothing.count, nothing.smart_live_jobs) == (0, None)


async def test_it_reports_events_with_every_argument(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    events = [event(kind) for kind in range(1, 7)]
    answer = await call(client.live_event_report, report_request(sandbox, *events))
    assert answer.live_event_report_url == sandbox.report_url
    request = report_request(
        sandbox,
        *events,
        auth_key="ab+/=c",
        expires_time=1_700_000_000_000,
        refresh_url=True,
        x_app_user_id="shop-7",
        x_mss_auth_key="k",
        x_mss_expires_time=5,
    )
    request.body.review_config = v1.ReviewConfig(no_need_review=True)
    before = sandbox.report_url
    answer = await call(client.live_event_report, request)
    assert answer.live_event_report_url == sandbox.report_url != before
    assert [(item.type, item.content) for item in sandbox.events()] == [
        (item["type"], item["content"]) for item in events * 2
    ]


async def test_it_is_told_what_is_wrong_with_a_report(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    why = await refusal(client.live_event_report, report_request(sandbox, event(content="xxxxx")))
    assert (why.status_code, why.error_code) == (400, "MSS.00000003")
    assert "events[0].content" in why.error_msg
    why = await refusal(client.live_event_report, report_request(sandbox, event(), x_app_user_id="x" * 257))
    assert "X-App-UserId" in why.error_msg
    request = report_request(sandbox, event())
    request.job_id = "nothing"
    assert (await refusal(client.live_event_report, request)).status_code == 404


async def test_it_starts_and_stops_a_job(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    config = v1.LiveEventCallBackConfig(
        live_event_type_callback_url="https://cb.example.com/x?y=1",
        auth_type="MSS_A_HEAD",
        key="k" * 32,
        callback_event_type=["SHOOT_SCRIPT_SWITCH"],
    )
    body = v1.StartSmartLiveReq(live_event_callback_config=config)
    answer = await call(client.start_smart_live, v1.StartSmartLiveRequest(room_id=sandbox.room_id, body=body))
    assert answer.job_id != sandbox.job_id
    assert "auth_key=" in answer.live_event_report_url
    assert answer.live_event_callback_config.auth_type == "MSS_A_HEAD"
    stop = v1.StopSmartLiveRequest(room_id=sandbox.room_id, job_id=answer.job_id)
    await call(client.stop_smart_live, stop)
    show = v1.ShowSmartLiveRequest(room_id=sandbox.room_id, job_id=answer.job_id)
    assert (await call(client.show_smart_live, show)).state == "SUCCEED"
    assert (await refusal(client.stop_smart_live, stop)).error_code == "MSS.20020001"


async def test_it_creates_lists_shows_updates_and_deletes_a_room(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    tag = v1.HitConditionTag(tag="content", operation="NONE", match="REGEX", value="price|how much")
    rule = v1.LiveRoomInteractionRuleInfo(
        rule_name="price",
        event_type=1,
        hit_condition=v1.HitCondition(relation="OR", priority=1, tags=[tag]),
        trigger=v1.TriggerProcess(
            time_window=10, reply_mode="SYSTEM_REPLY", reply_texts=["Ten."], reply_order="RANDOM"
        ),
    )
    room = v1.CreateSmartLiveRoomReq(room_name="morning market", interaction_rules=[rule], priv_data="好")
    created = await call(client.create_smart_live_room, v1.CreateSmartLiveRoomRequest(body=room))
    show = v1.ShowSmartLiveRoomRequest(room_id=created.room_id)
    shown = await call(client.show_smart_live_room, show)
    assert (shown.room_name, shown.priv_data) == ("morning market", "好")
    assert shown.interaction_rules[0].hit_condition.tags[0].value == "price|how much"
    listed = await call(client.list_smart_live_rooms, v1.ListSmartLiveRoomsRequest(room_name="market"))
    assert [item.room_id for item in listed.smart_live_rooms] == [created.room_id]
    update = v1.UpdateSmartLiveRoomRequest(
        room_id=created.room_id, body=v1.CreateSmartLiveRoomReq(room_name="noon market")
    )
    assert (await call(client.update_smart_live_room, update)).room_name == "noon market"
    await call(client.delete_smart_live_room, v1.DeleteSmartLiveRoomRequest(room_id=created.room_id))
    assert (await refusal(client.show_smart_live_room, show)).error_code == "MSS.20010045"


async def test_a_wrong_room_is_refused_with_its_field(sandbox: Sandbox) -> None:
    room = v1.CreateSmartLiveRoomReq(room_name="x" * 257)
    why = await refusal(client_of(sandbox).create_smart_live_room, v1.CreateSmartLiveRoomRequest(body=room))
    assert (why.status_code, why.error_code) == (400, "MSS.00000003")
    assert "room_name" in why.error_msg


async def test_wrong_credentials_are_refused_as_the_gateway_does_and_lock_the_key(sandbox: Sandbox) -> None:
    request = v1.ListSmartLiveRequest(room_id=sandbox.room_id)
    stranger = client_of(sandbox, access_key="NOBODY")
    why = await refusal(stranger.list_smart_live, request)
    assert (why.status_code, why.error_code) == (401, "APIGW.0301")
    assert "ak not exist" in why.error_msg
    wrong = client_of(sandbox, secret_key="wrong")
    for _ in range(6):
        why = await refusal(wrong.live_event_report, report_request(sandbox, event()))
        assert "verify aksk signature fail,canonicalRequest:POST|/v1/" in why.error_msg
    why = await refusal(client_of(sandbox).list_smart_live, request)
    assert "AK access failed to reach the limit" in why.error_msg
    assert sandbox.accepted() == 0


async def test_a_temporary_credential_needs_its_token() -> None:
    async with Sandbox(security_token="session") as sandbox:
        request = v1.ListSmartLiveRequest(room_id=sandbox.room_id)
        right = client_of(sandbox, security_token="session")
        assert (await call(right.list_smart_live, request)).count == 1
        assert (await refusal(client_of(sandbox).list_smart_live, request)).status_code == 401


async def test_throttling_and_faults_reach_it(sandbox: Sandbox) -> None:
    sandbox.misbehave({"throttle_per_second": 1}, {"call": "jobs", "status": 500})
    client = client_of(sandbox)
    await call(client.live_event_report, report_request(sandbox, event()))
    why = await refusal(client.live_event_report, report_request(sandbox, event()))
    assert (why.status_code, why.error_code) == (429, "APIGW.0308")
    why = await refusal(client.list_smart_live, v1.ListSmartLiveRequest(room_id=sandbox.room_id))
    assert (why.status_code, why.error_code) == (500, "MSS.00000004")


async def test_it_finds_its_project_by_the_region(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", sandbox.base_url)
    region: Any = importlib.import_module("huaweicloudsdkcore.region.region")
    keys = credentials.BasicCredentials(sandbox.access_key, sandbox.secret_key)
    builder = v1.MetaStudioClient.new_builder().with_credentials(keys)
    client = await call(builder.with_region(region.Region("cn-north-4", sandbox.base_url)).build)
    assert (await call(client.list_smart_live, v1.ListSmartLiveRequest(room_id=sandbox.room_id))).count == 1
