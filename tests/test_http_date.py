from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.http_date import http_date_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000_000),
        ("Tue, 14 Nov 2023 22:13:20 -0000", 1_700_000_000_000),
        ("Wed, 15 Nov 2023 06:13:20 +0800", 1_700_000_000_000),
        ("", None),
        ("120", None),
        ("yesterday", None),
    ],
)
def test_a_date_is_read_whatever_its_zone_and_anything_else_is_none(text: str, at_ms: int | None) -> None:
    assert http_date_ms(text) == at_ms


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert http_date_ms(text) is None or isinstance(http_date_ms(text), int)
