"""Comments, ten a push."""

from __future__ import annotations

import orjson

from tests.bench.messages import BATCH, FRAMES, Sample, offline, words
from tests.emulators.douyin import comment

AVATAR = "https://p11.douyinpic.example/aweme/100x100/aweme-avatar/tos-cn-i-0813_oAbCdEfGhIjKlMnOpQrStUvWxYz012345.jpeg?from=3067671334"


def comments() -> Sample:
    def push(first: int) -> bytes:
        items = [comment(number, words(number), avatar_url=AVATAR) for number in range(first, first + BATCH)]
        for one in items:
            one["sec_openid"] = "_000vEcGfQZ3SfybiymmFzHcPrkbyUZzIiBz"
        return orjson.dumps(items)

    return Sample("douyin_push", [push(BATCH * n) for n in range(FRAMES)], lambda: offline("douyin_push"))


SAMPLES = (comments(),)
