from __future__ import annotations

import pytest
from pydantic import BaseModel

from bridge.errors import DecodeError
from bridge.sandbox.orders import CallbackOrder, ExpireOrder, JobOrder, is_callable, parse


@pytest.mark.parametrize(
    "target",
    [
        "https://bridge.example.com/callbacks/show",
        "http://127.0.0.1:8080/callbacks/show",
        "http://127.9.9.9/",
        "http://localhost:8080/x?token=1",
        "http://[::1]:8080/",
    ],
)
def test_https_and_loopback_can_be_called(target: str) -> None:
    assert is_callable(target)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "http://bridge.example.com/",
        "http://10.0.0.1/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://[::ffff:10.0.0.1]/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "http://127.0.0.1:port/",
        "http://[broken/",
    ],
)
def test_nothing_else_can_be_called(target: str) -> None:
    assert not is_callable(target)


def test_an_empty_order_has_its_defaults() -> None:
    assert parse(ExpireOrder, b" ") == ExpireOrder()
    assert parse(CallbackOrder, b"").event_type == "SHOOT_SCRIPT_SWITCH"


@pytest.mark.parametrize(
    ("order", "body", "problem"),
    [
        (JobOrder, b"", "action: Field required"),
        (JobOrder, b'{"action": "explode"}', "action: Input should be 'start'"),
        (JobOrder, b'{"action": "end", "jobid": "x"}', "jobid: Extra inputs"),
        (ExpireOrder, b"[]", "body: Input should be an object"),
        (ExpireOrder, b"{", "body: Invalid JSON"),
        (ExpireOrder, b'{"in_secs": "5"}', "in_secs: Input should be a valid number"),
        (ExpireOrder, b'{"url_life_secs": 0}', "url_life_secs: "),
        (CallbackOrder, b'{"target": "http://example.com/"}', "target: Value error, an https URL expected"),
        (CallbackOrder, b'{"event_type": "X"}', "event_type: "),
        (CallbackOrder, b'{"message": "text"}', "message: Input should be an object"),
    ],
)
def test_a_wrong_order_says_where(order: type[BaseModel], body: bytes, problem: str) -> None:
    with pytest.raises(DecodeError) as error:
        parse(order, body)
    assert problem in str(error.value)


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(DecodeError) as error:
        parse(ExpireOrder, b'{"what": 1, "which": 2}')
    assert "what: " in str(error.value)
    assert "which: " in str(error.value)
