from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

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
        ("2026-03-27T00:52:12.56Z", 1_774_572_732_560),
        ("2026-03-27T00:52:12.560", 1_774_572_732_560),
        ("2026-03-27T00:52", 1_774_572_720_000),
        ("2026-03-27T00:52Z", 1_774_572_720_000),
        ("2026-03-27", 1_774_569_600_000),
        ("2026-03-26T20:52:12.5605467-04:00", 1_774_572_732_560),
        ("20260327T005212Z", 1_774_572_732_000),
        ("2026-03-27T00:52:12,560Z", 1_774_572_732_560),
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


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-27T00:52:60Z",
        "2026-03-27T00:61:12Z",
        "2026-02-30T00:52:12Z",
        "2026-03-27T00:52:1",
        "2026-03-27T00:52:1249605467-04:00",
        "2026-03-27T00:52:12-07:00Z",
        "2026-03-27T00:52:12.123-07:00Z",
        "2026-03-27T00:52:12.560 Z",
    ],
)
def test_a_moment_that_no_clock_shows_is_0(text: str) -> None:
    assert timestamp_ms(text) == 0


ZONES = st.builds(timezone, st.builds(timedelta, minutes=st.integers(-14 * 60, 14 * 60)))


@given(
    st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1), timezones=ZONES | st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from([lambda text: text, lambda text: text.replace("+00:00", "Z"), lambda text: text[:-3] + text[-2:]]),
)
def test_a_time_is_the_same_moment_in_every_zone_and_spelling(
    moment: datetime, timespec: str, spelt: Callable[[str], str]
) -> None:
    written = moment.isoformat(timespec=timespec)
    exact = datetime.fromisoformat(written)
    assert timestamp_ms(spelt(written)) == (exact - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
