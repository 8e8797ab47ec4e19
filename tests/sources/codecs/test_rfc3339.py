from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.codecs.rfc3339 import timestamp_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-03-27T00:52:12.560546+00:00", 1_774_572_732_560),
        ("2026-03-27T00:52:12.560Z", 1_774_572_732_560),
        ("2026-03-27T00:52:12.560546789Z", 1_774_572_732_560),
        ("2026-03-27T00:52:12Z", 1_774_572_732_000),
        ("2026-03-27T00:52:12+0000", 1_774_572_732_000),
        ("2026-03-27T08:52:12+08:00", 1_774_572_732_000),
        ("2026-03-27T00:52:12", 1_774_572_732_000),
    ],
)
def test_times_as_services_write_them(text: str, at_ms: int) -> None:
    assert timestamp_ms(text) == at_ms


@given(st.text(max_size=40))
def test_what_is_no_time_is_0(text: str) -> None:
    assert isinstance(timestamp_ms(text), int)
    assert timestamp_ms(f"x{text}") == 0


@pytest.mark.parametrize("value", [None, 1_774_572_732, 1.5, True, [], {}])
def test_what_is_no_text_is_0(value: object) -> None:
    assert timestamp_ms(value) == 0
