"""Comments with badge, and with all the formats that the player is told."""

from __future__ import annotations

from bridge.sources.codecs import tars
from tests.bench.messages import FRAMES, Sample, offline, words
from tests.emulators import huya
from tests.emulators.huya import Tags

AVATAR = "https://huyaimg.example/avatar/1032/a4/0123456789abcdef0123456789abcdef_180_135.jpg?1678623928"
WORDS_FORMAT = {0: -1, 1: 4, 2: 0, 3: -1, 4: -1, 5: -1}
BORDER_FORMAT = {0: 100, 1: -1, 2: 0, 3: 0, 4: -1, 5: 100, 6: -1, 7: "", 8: -1}
BULLET_FORMAT = {0: -1, 1: 4, 2: 0, 3: 1, 4: 0, 5: BORDER_FORMAT, 6: [], 7: 0, 8: -1}


def comments() -> Sample:
    """TARS has no reader in C and nothing to split at: its floor is our own reader on the three structs of a comment."""

    def parse(data: bytes) -> None:
        tars.read_struct(tars.read_struct(tars.read_struct(data)[1])[2])

    frames = [huya.push(1400, _comment(number), 1_700_000_000_000 + number) for number in range(FRAMES)]
    return Sample("huya", frames, lambda: offline("huya"), parse)


def _comment(number: int) -> Tags:
    short = huya.comment(1_199_000_000_001 + number, "雨落南归", words(number), noble=3, badge=("老粉", 20))
    user = {**short[0], 4: AVATAR, 6: {0: 3, 1: 0}, 7: "0adb462d0728c962870139033a03ab7e", 8: "webh5&0.0.0&huya"}
    more = {4: 0, 5: WORDS_FORMAT, 6: BULLET_FORMAT, 7: 6, 9: [], 10: [], 12: [], 13: "", 14: 0, 15: [], 16: []}
    return {**short, 0: user, **more, 17: {0: 0, 1: 0, 2: 0}, 18: {0: 0, 1: b"", 2: ""}, 19: 0}


SAMPLES = (comments(),)
