from __future__ import annotations

from typing import Any

import pytest

from bridge.metastudio.models.jobs import JobStarted, SmartLiveJob
from bridge.metastudio.models.rooms import SmartLiveRoom, SmartLiveRoomSummary
from bridge.sandbox.state import Job, Room
from bridge.sandbox.views import effective, job_view, room_summary, room_view, rtc_room_info, started_view

MADE_MS = 1_610_268_197_000  # 2021-01-10T08:43:17Z
URL = "https://cloud.example.com/x?auth_key=k"


def job(**changes: Any) -> Job:
    fields: dict[str, Any] = {"state": "PROCESSING", "request": {}, "started_at_ms": MADE_MS + 2000} | changes
    return Job("j1", "r1", 1, created_at_ms=MADE_MS, updated_at_ms=MADE_MS + 2000, **fields)


def room(**data: Any) -> Room:
    return Room("r1", {"room_name": "evening show"} | data, MADE_MS, MADE_MS + 1000)


def test_a_running_job_shows_its_times_and_its_url() -> None:
    view = job_view(job(), room(), URL, MADE_MS + 12_000)
    assert view["create_time"] == "2021-01-10T08:43:17Z"
    assert view["start_time"] == view["lastupdate_time"] == "2021-01-10T08:43:19Z"
    assert view["duration"] == view["stream_duration"] == 10.0
    assert (view["state"], view["room_name"], view["live_event_report_url"]) == ("PROCESSING", "evening show", URL)
    assert not {"end_time", "error_info", "block_reason"} & view.keys()


def test_a_waiting_job_has_not_started() -> None:
    view = job_view(job(state="WAITING", started_at_ms=0), room(), URL, MADE_MS + 12_000)
    assert view["duration"] == 0.0
    assert "start_time" not in view


def test_an_ended_job_shows_its_end_and_stands_still() -> None:
    view = job_view(job(state="SUCCEED", ended_at_ms=MADE_MS + 5000), room(), URL, MADE_MS + 90_000)
    assert (view["end_time"], view["duration"]) == ("2021-01-10T08:43:22Z", 3.0)


def test_failed_and_blocked_jobs_say_why() -> None:
    assert job_view(job(state="FAILED"), room(), URL, MADE_MS)["error_info"]["error_code"].startswith("MSS.")
    assert job_view(job(state="BLOCKED", block_reason="bad"), room(), URL, MADE_MS)["block_reason"] == "bad"


def test_a_job_shows_the_live_platform_of_its_room() -> None:
    info = {"platform_id": "p", "live_id": "l"}
    assert job_view(job(), room(relation_live_platform_info=info), URL, MADE_MS)["relation_live_platform_info"] == info


def test_a_job_of_a_deleted_room_has_no_room_name() -> None:
    assert "room_name" not in job_view(job(), None, URL, MADE_MS)


def test_what_the_start_of_the_job_set_wins_over_the_room() -> None:
    config, other = {"auth_type": "MSS_A"}, {"auth_type": "NONE"}
    owner = room(live_event_callback_config=config)
    assert effective(job(), owner, "live_event_callback_config") == config
    assert effective(job(request={"live_event_callback_config": other}), owner, "live_event_callback_config") == other
    assert effective(job(), room(), "live_event_callback_config") is None
    assert started_view(job(), owner, URL)["live_event_callback_config"] == config


def test_the_rtc_room_keeps_its_documented_limits() -> None:
    info = rtc_room_info(job())
    assert len(info["app_id"]) <= 32
    assert len(info["room_id"]) <= 36
    assert 2 <= len(info["users"]) <= 4
    assert all(len(user["signature"]) <= 64 and user["ctime"] < 10**10 for user in info["users"])


def test_a_room_shows_what_was_sent_and_what_the_cloud_adds() -> None:
    view = room_view(room(priv_data="mine", room_type="TEMP"))
    assert (view["room_name"], view["priv_data"], view["room_type"]) == ("evening show", "mine", "TEMP")
    assert (view["room_id"], view["update_time"], view["room_state"]) == ("r1", "2021-01-10T08:43:18Z", "ENABLE")


def test_the_summary_of_a_room_tells_of_its_newest_job() -> None:
    summary = room_summary(room(), "p1", [job(), job(state="FAILED", ended_at_ms=MADE_MS + 5000)])
    assert (summary["last_job_status"], summary["last_job_end_time"]) == ("FAILED", "2021-01-10T08:43:22Z")
    assert summary["last_job_start_time"] == "2021-01-10T08:43:19Z"
    waiting = room_summary(room(), "p1", [job(state="WAITING", started_at_ms=0)])
    assert not {"last_job_start_time", "last_job_end_time"} & waiting.keys()
    assert "last_job_status" not in room_summary(room(), "p1", [])


@pytest.mark.parametrize(
    ("model", "view"),
    [
        (SmartLiveJob, job_view(job(state="BLOCKED", block_reason="x"), room(), URL, MADE_MS)),
        (JobStarted, started_view(job(), room(), URL)),
        (SmartLiveRoom, room_view(room(priv_data="x"))),
        (SmartLiveRoomSummary, room_summary(room(priv_data="x"), "p1", [job()])),
    ],
)
def test_every_field_shown_is_one_of_the_newest_api(model: type[SmartLiveJob], view: dict[str, Any]) -> None:
    assert view.keys() <= model.model_fields.keys()
