"""Comments with badge."""

from __future__ import annotations

from bridge.sources.codecs import tars
from tests.bench.messages import FRAMES, Sample, offline, words
from tests.emulators import huya


def comments() -> Sample:
    """TARS has no reader in C and nothing to split at: its floor is our own reader on the three structs of a comment."""

    def parse(data: bytes) -> None:
        tars.read_struct(tars.read_struct(tars.read_struct(data)[1])[2])

    frames = [
        huya.push(1400, huya.comment(1_199_000_000_001 + n, "雨落南归", words(n), noble=3, badge=("老粉", 20)), n + 1)
        for n in range(FRAMES)
    ]
    return Sample("huya", frames, lambda: offline("huya"), parse)


SAMPLES = (comments(),)
