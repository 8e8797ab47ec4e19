"""Regions, and the addresses that may be given credentials."""

from __future__ import annotations

import pytest

from bridge.metastudio.regions import REGIONS, checked_endpoint, endpoint_of


def test_the_region_that_no_sdk_lists_is_known() -> None:
    assert [region.name for region in REGIONS] == ["cn-north-4", "cn-east-3", "ap-southeast-3"]
    assert endpoint_of("ap-southeast-3") == "https://metastudio.ap-southeast-3.myhuaweicloud.com"


def test_an_unknown_region_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="is not a known region: one of cn-north-4, cn-east-3, ap-southeast-3"):
        endpoint_of("cn-north-1")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://metastudio.cn-north-4.myhuaweicloud.com/", "https://metastudio.cn-north-4.myhuaweicloud.com"),
        (" https://m.example.com:8443 ", "https://m.example.com:8443"),
        ("http://127.0.0.1:9300", "http://127.0.0.1:9300"),
        ("http://[::1]:9300/", "http://[::1]:9300"),
        ("http://localhost:9300", "http://localhost:9300"),
    ],
)
def test_https_and_this_machine_are_taken(url: str, endpoint: str) -> None:
    assert checked_endpoint(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "",
        "m.example.com",
        "http://m.example.com",
        "http://127.0.0.1.example.com",
        "ftp://m.example.com",
        "https://user:secret@m.example.com",
        "https://m.example.com/v1",
        "https://m.example.com?auth_key=secret",
        "https://m.example.com:port",
        "https://[::1",
        "https://",
    ],
)
def test_anything_else_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="https://host, or http:// on this machine, without path and query") as raised:
        checked_endpoint(url)
    assert "secret" not in str(raised.value)
