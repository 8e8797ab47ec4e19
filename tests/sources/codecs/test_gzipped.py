from __future__ import annotations

import gzip

import pytest

from bridge.errors import DecodeError
from bridge.sources.codecs.gzipped import unpacked


@pytest.mark.parametrize("payload", [b"", b"plain", b"x" * 100])
def test_a_payload_is_the_same_with_and_without_its_layer(payload: bytes) -> None:
    assert unpacked(payload, 100) == unpacked(gzip.compress(payload), 100) == payload


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"x" * 101, "body: is longer than 100 bytes"),
        (gzip.compress(b"x" * 101), "body: unpacks to more than 100 bytes"),
        (gzip.compress(b"\0" * 10_000_000), "body: unpacks to more than 100 bytes"),
        (gzip.compress(b"x" * 99)[:-9], "body: is gzip that ends early"),
        (b"\x1f\x8bnonsense", "body: is broken gzip (10 bytes)"),
    ],
)
def test_what_cannot_be_unpacked_within_bounds_is_refused(payload: bytes, problem: str) -> None:
    with pytest.raises(DecodeError) as raised:
        unpacked(payload, 100, "body")
    assert str(raised.value) == problem
