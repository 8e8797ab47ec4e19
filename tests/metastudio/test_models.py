"""The API's objects: what an operator may write, what the cloud may answer, and what nobody gets to see."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.metastudio.models import (
    InteractionRule,
    JobList,
    JobQuery,
    ReportRequest,
    RoomList,
    RoomQuery,
    RoomRequest,
    SmartLiveJob,
    SmartLiveRoom,
    StartJobRequest,
    job_problems,
    room_problems,
)
from bridge.metastudio.models.problems import problems
from bridge.secret import Secret
from tests.metastudio.room_file import changed, room

SECRETS = ("push-secret", "stream-secret", "url-secret", "callback-secret", "out-secret")

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths_of(value: Any, at: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [path for key, item in items for path in paths_of(item, f"{at}.{key}" if at else str(key))]
    return [at, *below] if at else below


PATHS = paths_of(room())


def test_a_room_with_every_field_is_taken_and_sent_as_it_was_written() -> None:
    assert room_problems(room()) == []
    assert RoomRequest.from_operator(room()).to_wire() == room()


def test_a_room_needs_no_more_than_its_name() -> None:
    assert room_problems({"room_name": "x"}) == []
    assert RoomRequest.from_operator({"room_name": "x"}).to_wire() == {"room_name": "x"}


def test_a_whole_number_is_a_text_where_a_text_is_wanted() -> None:
    assert RoomRequest.from_operator({"room_name": 2024}).to_wire() == {"room_name": "2024"}
    assert StartJobRequest.from_operator({"stream_keys": [1234]}).to_wire() == {"stream_keys": ["1234"]}


def test_a_key_without_a_value_counts_as_absent() -> None:
    data = {"room_name": "x", "play_policy": None, "video_config": {"bitrate": 1, "width": 1, "height": None}}
    assert room_problems(data) == [
        "video_config.bitrate: is 1: an integer from 40 to 30000",
        "video_config.height: is missing: an integer from 0 to 3840",
    ]


def test_ten_mistakes_are_ten_messages_in_one_go() -> None:
    data = room()
    data["rom_name"] = data.pop("room_name")
    data["room_type"] = "normal"
    data["scene_scripts"][0]["voice_config"]["speed"] = 300
    del data["scene_scripts"][0]["script_name"]
    data["interaction_rules"][0]["event_type"] = 6
    data["interaction_rules"][0]["hit_condition"]["relation"] = "And"
    data["interaction_rules"][0]["trigger"]["reply_texts"] = ["x"] * 6
    data["live_event_callback_config"]["auth_type"] = "None"
    data["live_event_callback_config"]["key"] = "k" * 33
    data["play_policy"] = [1]

    assert [line.split(": ")[:2] for line in room_problems(data)] == [
        ["room_type", "is not a known value"],
        ["scene_scripts[0].script_name", "is missing"],
        ["scene_scripts[0].voice_config.speed", "is 300"],
        ["interaction_rules[0].event_type", "is 6"],
        ["interaction_rules[0].hit_condition.relation", "is not a known value"],
        ["interaction_rules[0].trigger.reply_texts", "has 6 items"],
        ["play_policy", "is a list"],
        ["live_event_callback_config.auth_type", "is not a known value"],
        ["live_event_callback_config.key", "is a text of 33 characters"],
        ["rom_name", "unknown key, did you mean room_name?"],
    ]
    with pytest.raises(ConfigError) as raised:
        RoomRequest.from_operator(data)
    assert raised.value.problems == room_problems(data)


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("room_name", "", "room_name: is empty: a text of 1 to 256 characters"),
        ("room_name", "x" * 257, "room_name: is a text of 257 characters: a text of 1 to 256 characters"),
        ("room_name", True, "room_name: is true: a text of 1 to 256 characters"),
        ("room_type", "normal", "room_type: is not a known value: one of NORMAL, TEMP, TEMPLATE"),
        ("scene_scripts", [], "scene_scripts: has 0 items: a list of 1 to 100 items"),
        ("scene_scripts", "x", "scene_scripts: is a text of 1 characters: a list of 1 to 100 items"),
        (
            "scene_scripts.0.voice_config.pitch",
            49,
            "scene_scripts[0].voice_config.pitch: is 49: an integer from 50 to 200",
        ),
        (
            "scene_scripts.0.voice_config.pitch",
            50.5,
            "scene_scripts[0].voice_config.pitch: is 50.5: an integer from 50 to 200",
        ),
        (
            "scene_scripts.0.background_config.0.background_color_config",
            "white",
            "scene_scripts[0].background_config[0].background_color_config: is not a colour: a colour such as #FFFFFF",
        ),
        (
            "scene_scripts.0.layer_config.0.position.layer_index",
            0,
            "scene_scripts[0].layer_config[0].position.layer_index: is 0: an integer from 1 to 100",
        ),
        (
            "interaction_rules.0.trigger.time_window",
            -2,
            "interaction_rules[0].trigger.time_window: is -2: an integer from -1 to 7200",
        ),
        (
            "interaction_rules.0.hit_condition.tags.1.value",
            "many",
            (
                "interaction_rules[0].hit_condition.tags[1].value: is no number: "
                "a number in a text, because MATH_GE compares numbers"
            ),
        ),
        (
            "interaction_rules.0.enabled",
            "yes",
            "interaction_rules[0].enabled: is a text of 3 characters: true or false",
        ),
        (
            "play_policy.live_exit_config.max_live_duration",
            169,
            "play_policy.live_exit_config.max_live_duration: is 169: an integer from 0 to 168",
        ),
        (
            "video_config.subtitle_config.opacity",
            1.5,
            "video_config.subtitle_config.opacity: is 1.5: a number from 0 to 1",
        ),
        ("video_config.dx", 3841, "video_config.dx: is 3841: an integer from -1920 to 3840"),
        ("output_urls", ["a", "b"], "output_urls: has 2 items: a list of at most 1 item"),
        (
            "live_event_callback_config.live_event_type_callback_url",
            "http://bridge.example.com/?token=hidden",
            (
                "live_event_callback_config.live_event_type_callback_url: is not such a URL: "
                "an https:// URL of at most 2048 characters"
            ),
        ),
        (
            "live_event_callback_config.key",
            "",
            "live_event_callback_config.key: is missing: a text of 1 to 32 characters, because MSS_A_HEAD signs with it",
        ),
        (
            "shared_config.expire_time",
            "2031-01-10",
            "shared_config.expire_time: is not a time: a time such as 2021-01-10T08:43:17Z",
        ),
        (
            "relation_live_platform_info.live_id",
            "live 1",
            "relation_live_platform_info.live_id: has other characters or length: 1 to 64 letters, digits, - and _",
        ),
        ("priv_data", "x" * 8193, "priv_data: is a text of 8193 characters: a text of at most 8192 characters"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_what_is_allowed(path: str, value: Any, line: str) -> None:
    assert room_problems(changed(path, value)) == [line]


def test_a_robot_s_answer_needs_the_robot() -> None:
    trigger = {"reply_mode": "INTELLIGENT_REPLY", "robot_id": ""}
    assert room_problems({"room_name": "x", "interaction_rules": [{"trigger": trigger}]}) == [
        (
            "interaction_rules[0].trigger.robot_id: is missing: "
            "a text of 1 to 64 characters, because INTELLIGENT_REPLY asks that robot"
        )
    ]


def test_a_misspelt_key_is_one_problem_even_where_the_right_one_is_needed() -> None:
    data = {"room_name": "x", "live_event_callback_config": {"auth_type": "MSS_A", "kee": "k"}}
    assert room_problems(data) == [
        (
            "live_event_callback_config.kee: unknown key, did you mean key?: one of live_event_type_callback_url, "
            "auth_type, key, callback_event_type, is_inheritance_platform_callback"
        )
    ]


def test_a_key_like_none_is_answered_with_the_known_ones() -> None:
    (line,) = job_problems({7: 1})
    assert line.startswith("7: unknown key: one of video_config, play_policy, ")


def test_what_is_no_mapping_is_said_without_a_path() -> None:
    (line,) = room_problems(["a"])
    assert line.startswith("is a list: a mapping with room_name, ")


def test_a_callback_may_go_to_this_machine_without_tls() -> None:
    data = changed("live_event_callback_config.live_event_type_callback_url", "http://127.0.0.1:8080/callbacks/x")
    assert room_problems(data) == []


def test_a_report_is_checked_like_the_cloud_does() -> None:
    event = {"timestamp": 4_102_415_999_001, "type": 101, "content": "x" * 4097}
    assert problems(ReportRequest, {"events": [event]}) == [
        "total: is missing: an integer from 1 to 1000",
        "events[0].timestamp: is 4102415999001: an integer from 0 to 4102415999000",
        "events[0].type: is 101: an integer from 0 to 100",
        "events[0].content: is a text of 4097 characters: a text of at most 4096 characters",
    ]
    assert problems(ReportRequest, {"total": 1, "events": [{"timestamp": 0}]}) == []


def test_no_problem_shows_a_text_of_the_file() -> None:
    for path in PATHS:
        for line in room_problems(changed(path, "mislaid-secret" * 999)):
            assert "mislaid" not in line


@given(path=st.sampled_from(PATHS), value=JSON_VALUES)
def test_any_value_anywhere_is_taken_or_refused(path: str, value: Any) -> None:
    data = changed(path, value)
    found = room_problems(data)
    if found:
        assert all(": " in line and "\n" not in line for line in found)
    else:
        sent = RoomRequest.from_operator(data).to_wire()
        assert orjson.loads(orjson.dumps(sent)) == sent


@given(data=JSON_VALUES)
def test_any_document_is_taken_or_refused(data: Any) -> None:
    room_problems(data)
    job_problems(data)


def test_secrets_of_a_request_go_on_the_wire_and_nowhere_else() -> None:
    request = RoomRequest.from_operator(room())
    for shown in (repr(request), str(request), str(request.shown()), str(request.model_dump())):
        assert not [secret for secret in SECRETS if secret in shown]
    assert request.shown()["live_event_callback_config"]["live_event_type_callback_url"] == (
        "https://bridge.example.com/callbacks/night?***"
    )
    wire = str(request.to_wire())
    assert [secret for secret in SECRETS if secret in wire] == list(SECRETS)


def test_secrets_of_a_job_do_not_show() -> None:
    job = SmartLiveJob.model_validate(
        {
            "job_id": "j1",
            "live_event_report_url": "https://m.example.com/report?auth_key=key-secret&expires_time=1",
            "rtc_room_info": {"app_id": "a", "users": [{"user_id": "u", "signature": "rtc-secret", "ctime": 1}]},
            "live_event_callback_config": {"key": "callback-secret"},
            "live_job_log": {"scripts_records_url": "https://obs.example.com/a?Signature=log-secret"},
        }
    )
    assert job.live_event_report_url == Secret("https://m.example.com/report?auth_key=key-secret&expires_time=1")
    assert "-secret" not in repr(job)
    assert "-secret" not in str(job.shown())
    assert job.shown()["live_event_report_url"] == "https://m.example.com/report?***"
    assert job.to_wire()["rtc_room_info"]["users"][0]["signature"] == "rtc-secret"


def test_fields_that_the_cloud_invents_are_kept() -> None:
    answer = {"job_id": "j1", "state": "PROCESSING", "mood": {"now": "fine"}, "rtc_room_info": {"zone": 3}}
    assert SmartLiveJob.model_validate(answer).to_wire() == answer


def test_a_field_of_the_wrong_type_costs_that_field_only() -> None:
    job = SmartLiveJob.model_validate({"job_id": "j1", "state": ["?"], "duration": "long", "is_ai_mark_on": {}})
    assert (job.job_id, job.state, job.duration, job.is_ai_mark_on, job.ended) == ("j1", "", None, None, False)


def test_values_beyond_the_documented_limits_are_read() -> None:
    rule = InteractionRule.model_validate(
        {"event_type": 99, "trigger": {"reply_texts": ["x"] * 9, "reply_mode": "SING"}}
    )
    assert rule.event_type == 99
    assert rule.trigger is not None
    assert (rule.trigger.reply_texts, rule.trigger.reply_mode) == (["x"] * 9, "SING")


def test_an_unreadable_item_does_not_hide_the_others_of_a_page() -> None:
    assert [
        job.job_id
        for job in JobList.model_validate({"count": 2, "smart_live_jobs": [7, {"job_id": "j"}]}).smart_live_jobs
    ] == ["j"]
    assert JobList.model_validate({"count": 0}).smart_live_jobs == []
    assert RoomList.model_validate({"count": None, "smart_live_rooms": None}).smart_live_rooms == []


@pytest.mark.parametrize(
    ("state", "ended"),
    [("SUCCEED", True), ("FAILED", True), ("BLOCKED", True), ("WAITING", False), ("PROCESSING", False), ("NEW", False)],
)
def test_only_the_final_states_end_a_job(state: str, ended: bool) -> None:
    assert SmartLiveJob(job_id="j", state=state).ended is ended


@given(answer=st.dictionaries(st.sampled_from([*SmartLiveJob.model_fields, "x"]), JSON_VALUES))
def test_any_job_can_be_read(answer: dict[str, Any]) -> None:
    SmartLiveJob.model_validate(answer)


@given(path=st.sampled_from(PATHS), value=JSON_VALUES)
def test_any_room_can_be_read(path: str, value: Any) -> None:
    SmartLiveRoom.model_validate(changed(path, value))


def test_a_shown_room_can_be_sent_back_as_an_update() -> None:
    shown = SmartLiveRoom.model_validate(
        room() | {"room_id": "r1", "create_time": "2026-01-01T00:00:00Z", "room_state": "ENABLE"}
    )
    assert shown.as_request().to_wire() == room()


def test_the_lists_are_asked_newest_first_and_by_hundreds() -> None:
    query = JobQuery(states=("WAITING", "PROCESSING"), created_since="2026-01-01T00:00:00Z", offset=100)
    assert query.pairs() == [
        ("offset", "100"),
        ("limit", "100"),
        ("state", "WAITING,PROCESSING"),
        ("sort_key", "create_time"),
        ("sort_dir", "desc"),
        ("create_since", "2026-01-01T00:00:00Z"),
    ]
    assert RoomQuery(room_name="市").pairs() == [("room_name", "市"), ("offset", "0"), ("limit", "100")]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"states": ("CREATING",)}, "states: is 'CREATING': one of WAITING, PROCESSING, SUCCEED, FAILED, BLOCKED"),
        ({"sort_key": "name"}, "sort_key: is 'name': one of create_time, update_time, asset_order"),
        ({"limit": 101}, "limit: is 101: an integer from 1 to 100"),
        ({"offset": -1}, "offset: is -1: an integer from 0 to 2147483647"),
        ({"created_until": "yesterday"}, "created_until: is 'yesterday': a time such as 2021-01-10T08:43:17Z"),
    ],
)
def test_a_wrong_filter_is_refused_before_any_call(wrong: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line)):
        JobQuery(**wrong)
