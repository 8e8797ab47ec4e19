"""Comments, ten a gzipped frame."""

from __future__ import annotations

import gzip

from bridge.sources.codecs import tiktok_pb2 as tiktok_messages
from tests.bench.messages import AT_MS, BATCH, FRAMES, Sample, offline, words
from tests.emulators import tiktok_wire


def comments() -> Sample:
    badges = [tiktok_wire.badge(tiktok_wire.GRADE, 23), tiktok_wire.badge(tiktok_wire.FANS, 7, "Lanyou")]

    def frame(first: int) -> bytes:
        envelopes = []
        for number in range(first, first + BATCH):
            viewer = tiktok_wire.user(6_900_000_000_000_000_000 + number, "Mira Łang", badges)
            payload = tiktok_wire.chat(words(number), number + 1, AT_MS, {**viewer, 9: picture(), 64: badges})
            envelopes.append(tiktok_wire.envelope("WebcastChatMessage", payload, number + 1))
        return tiktok_wire.pushed(*envelopes)

    def parse(data: bytes) -> None:
        payload = gzip.decompress(tiktok_messages.PushFrame.FromString(data).payload)
        for envelope in tiktok_messages.FetchResult.FromString(payload).messages:
            tiktok_messages.Chat.FromString(envelope.payload)

    return Sample("tiktok", [frame(BATCH * n) for n in range(FRAMES)], lambda: offline("tiktok"), parse)


def picture() -> tiktok_wire.Fields:
    url = (
        "https://p16-sign.tiktokcdn.example/aweme/100x100/tos/0123456789abcdef.webp?x-expires=1760000000&x-signature=ab"
    )
    return {1: [url, url.replace("webp", "jpeg")], 2: "100x100/tos/0123456789abcdef"}


SAMPLES = (comments(),)
