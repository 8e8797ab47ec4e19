from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bridge.config.values import is_loopback, is_url, readable, split_listen
from bridge.secret import Secret

WEB = ("http", "https")


@pytest.mark.parametrize("url", ["http://a", "https://a.b:443/c?d=e", "http://[::1]:8080/", "https://u:p@a/"])
def test_a_url_has_a_scheme_and_a_host(url: str) -> None:
    assert is_url(url, WEB)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a",
        "//a",
        "http://",
        "http:///x",
        "ftp://a",
        "http://a:b",
        "http://a:99999",
        "http://a b",
        "http://[",
        "http://a\n",
    ],
)
def test_anything_else_is_none(url: str) -> None:
    assert not is_url(url, WEB)


@given(st.text())
def test_no_text_is_too_odd_to_be_asked(text: str) -> None:
    assert is_url(text, WEB) in (True, False)
    assert is_url(f"http://{text}", WEB) in (True, False)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
    ],
)
def test_an_address_is_host_and_port(listen: str, address: tuple[str, int]) -> None:
    assert split_listen(listen) == address


@pytest.mark.parametrize(
    "listen", ["", "8080", ":8080", "a:", "a:b", "a:65536", "::1:8080", "[]:1", "a b:1", "a:-1", "a:٣"]
)
def test_anything_else_is_no_address(listen: str) -> None:
    with pytest.raises(ValueError, match=r"^(is no address|has no port): HOST:PORT"):
        split_listen(listen)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("a", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def read(hint: Any, value: object) -> Any:
    adapter = TypeAdapter(readable(hint), config=ConfigDict(arbitrary_types_allowed=True))
    return adapter.validate_python(value, context={"directory": Path("/etc/leb")})


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (str, 21452505, "21452505"),
        (str, 0.5, "0.5"),
        (str, True, "true"),
        (Secret, 12345, Secret("12345")),
        (Secret | None, None, None),
        (dict[str, Secret], {"a": "x"}, {"a": Secret("x")}),
        (list[Secret], ["x"], [Secret("x")]),
        (tuple[str, ...], ["x", 1], ("x", "1")),
        (Mapping[str | int, Mapping[str, Any]], {"824": {"a": [1]}}, {"824": {"a": [1]}}),
        (int, "5", 5),
        (float, "0.5", 0.5),
        (bool, "on", True),
        (bool, "no", False),
        (Path, "a/b", Path("/etc/leb/a/b")),
        (Path, "/a/b", Path("/a/b")),
        (Literal["a", "b"], "b", "b"),
        (int | str, "x", "x"),
    ],
)
def test_plain_types_are_read_from_what_yaml_gives(hint: Any, value: object, expected: object) -> None:
    assert read(hint, value) == expected


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, True),
        (float, False),
        (int, "x"),
        (int, 1.5),
        (Secret, ["x"]),
        (Secret, None),
        (str, ["x"]),
        (Path, ""),
        (Path, 5.5j),
        (bool, 7),
    ],
)
def test_other_types_are_refused(hint: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        read(hint, value)
