from __future__ import annotations

import pytest

from bridge.sandbox import parameters
from bridge.sandbox.parameters import JobQuery, RoomQuery, job_query, room_query, time_text
from bridge.sandbox.refusal import Refusal
from tests.sandbox.fakes import ask

MAX_MS = "4102415999000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-App-UserId", ""),
        ("X-App-UserId", "x" * 257),
        ("X-App-UserId", "小店"),
        ("X-Auth-Token", ""),
        ("X-Auth-Token", "x" * 16385),
        ("Authorization", "x" * 257),
        ("X-Sdk-Date", "2025-04-22T08:15Z"),
        ("X-Project-Id", "x" * 65),
    ],
)
def test_headers_keep_their_limits(name: str, value: str) -> None:
    why = parameters.common_problem(ask(headers={name: value}))
    assert why is not None
    assert why.error_msg.startswith(f"Invalid parameter: {name}:")


def test_headers_within_their_limits_pass() -> None:
    headers = {
        "X-App-UserId": "x" * 256,
        "X-Auth-Token": "x" * 16384,
        "Authorization": "x" * 256,
        "X-Sdk-Date": "20250422T081500Z",
        "X-Project-Id": "x" * 64,
    }
    assert parameters.common_problem(ask(headers=headers)) is None
    assert parameters.common_problem(ask()) is None


@pytest.mark.parametrize("value", ["", "x" * 65])
def test_ids_in_the_path_have_1_to_64_characters(value: str) -> None:
    why = parameters.common_problem(ask(ids={"room_id": value}))
    assert why is not None
    assert "room_id" in why.error_msg


@pytest.mark.parametrize(
    ("query", "headers", "name"),
    [
        (f"auth_key={'x' * 65}", {}, "auth_key"),
        ("expires_time=soon", {}, "expires_time"),
        ("expires_time=-1", {}, "expires_time"),
        ("expires_time=4102415999001", {}, "expires_time"),
        ("expires_time=", {}, "expires_time"),
        ("refresh_url=True", {}, "refresh_url"),
        ("refresh_url=1", {}, "refresh_url"),
        ("", {"x-mss-auth-key": "x" * 65}, "x-mss-auth-key"),
        ("", {"x-mss-expires-time": "4102415999001"}, "x-mss-expires-time"),
    ],
)
def test_the_report_calls_own_parameters_keep_their_limits(query: str, headers: dict[str, str], name: str) -> None:
    why = parameters.report_problem(ask(target=f"/?{query}", headers=headers))
    assert why is not None
    assert why.error_msg.startswith(f"Invalid parameter: {name}:")


@pytest.mark.parametrize("refresh", ["refresh_url=true", "refresh_url=false", ""])
def test_the_report_calls_own_parameters_pass(refresh: str) -> None:
    asked = ask(
        target=f"/?auth_key={'x' * 64}&expires_time={MAX_MS}&{refresh}",
        headers={"x-mss-auth-key": "", "x-mss-expires-time": "0"},
    )
    assert parameters.report_problem(asked) is None


def test_a_list_without_parameters_is_ten_and_the_oldest_first() -> None:
    query = job_query({})
    assert isinstance(query, JobQuery)
    assert (query.offset, query.limit, query.sort_key, query.descending) == (0, 10, "create_time", False)
    assert query.states == frozenset()


def test_a_list_reads_every_parameter() -> None:
    query = job_query(
        {
            "offset": "20",
            "limit": "100",
            "state": "WAITING, PROCESSING",
            "sort_key": "update_time",
            "sort_dir": "desc",
            "create_since": "2021-01-10T08:43:17Z",
            "create_until": "2021-01-10T10:43:17Z",
            "room_name": "show",
        }
    )
    assert query == JobQuery(
        20,
        100,
        frozenset({"WAITING", "PROCESSING"}),
        "update_time",
        descending=True,
        created_since_ms=1610268197000,
        created_until_ms=1610275397000,
        room_name="show",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offset", "-1"),
        ("offset", "2147483648"),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("state", "x" * 1025),
        ("sort_key", "name"),
        ("sort_dir", "down"),
        ("create_since", "yesterday"),
        ("create_since", "2021-1-10T8:43:17Z"),
        ("create_until", "2021-01-10T08:43:17.000Z"),
    ],
)
def test_a_list_refuses_a_wrong_parameter_by_name(name: str, value: str) -> None:
    why = job_query({name: value})
    assert isinstance(why, Refusal)
    assert why.error_msg.startswith(f"Invalid parameter: {name}:")


def test_the_room_list_reads_its_parameters() -> None:
    query = room_query({"live_state": "SUCCESS,NULL", "room_type": "TEMP", "start_time": "2021-01-10T08:43:17Z"})
    assert isinstance(query, RoomQuery)
    assert query.states == {"SUCCEED", "NULL"}
    assert (query.room_type, query.started_since_ms) == ("TEMP", 1610268197000)


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("start_time", "x"), ("end_time", "x")])
def test_the_room_list_refuses_a_wrong_parameter_by_name(name: str, value: str) -> None:
    why = room_query({name: value})
    assert isinstance(why, Refusal)
    assert name in why.error_msg


def test_times_are_written_as_the_cloud_does() -> None:
    assert time_text(1610268197999) == "2021-01-10T08:43:17Z"
