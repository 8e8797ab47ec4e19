"""The golden runner: every case of every platform through the same door as the ``decode`` command."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bridge.sources.catalogue import load_platform
from bridge.sources.decoding import decode_lines

CAPTURES = Path(__file__).parent / "captures"
CASES = sorted(path.parent for path in CAPTURES.glob("*/*/frames.jsonl"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_frames_give_the_expected_results(case: Path) -> None:
    platform = load_platform(case.parent.name)
    expected = [orjson.loads(line) for line in (case / "expected.jsonl").read_bytes().splitlines() if line.strip()]
    decoder = platform.offline_decoder(platform.offline_options())

    results = list(decode_lines(decoder, (case / "frames.jsonl").read_bytes().splitlines(), now_ms=1_700_000_000_000))

    assert results == expected
