"""Comments, ten a page."""

from __future__ import annotations

import orjson

from tests.bench.messages import BATCH, FRAMES, Sample, offline, words
from tests.emulators.youtube import item

PUBLISHED_AT = "2025-10-09T08:53:18.123456+00:00"


def comments() -> Sample:
    def page(first: int) -> bytes:
        items = [
            item(number, textMessageDetails={"messageText": words(number)}) for number in range(first, first + BATCH)
        ]
        for one in items:
            one["snippet"] |= {"publishedAt": PUBLISHED_AT, "displayMessage": words(first)}
            channel = one["authorDetails"]["channelId"]
            one["authorDetails"] |= {
                "channelUrl": f"http://www.youtube.com/channel/{channel}",
                "profileImageUrl": "https://yt3.ggpht.example/ytc/0123456789abcdef0123456789abcdef=s88-c-k-c0x00ffffff-no-rj",
            }
        return orjson.dumps({"kind": "youtube#liveChatMessageListResponse", "items": items})

    return Sample("youtube", [page(BATCH * n) for n in range(FRAMES)], lambda: offline("youtube"))


SAMPLES = (comments(),)
