from __future__ import annotations

from bridge.sandbox.cloud import no_such_api
from tests.sandbox.fakes import NOW_MS, ask, clock_of, job_of, new_cloud, signed


def test_a_report_url_is_shown_from_where_the_caller_stands() -> None:
    cloud = new_cloud()
    own, other = cloud.report_url(job_of(cloud)), cloud.report_url(job_of(cloud), "http://sandbox:9300")
    assert own.startswith("http://cloud.example.com/v1/")
    assert other.startswith("http://sandbox:9300/v1/")
    assert own.partition("?")[2] == other.partition("?")[2]


def test_the_door_goes_by_the_clouds_own_clock() -> None:
    cloud = new_cloud()
    asked = signed("GET", "/v1/x", at_ms=NOW_MS)
    assert cloud.gate_refusal(asked) is None
    clock_of(cloud).elapsed = 901
    assert cloud.gate_refusal(asked) is not None


def test_what_nobody_published_is_not_found() -> None:
    assert no_such_api(new_cloud(), ask()).error_code == "APIGW.0101"
