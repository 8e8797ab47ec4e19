"""Comments, ten a gzipped frame, with the pictures, links and ranking notes that most of a real one consists of."""

from __future__ import annotations

import gzip

from bridge.sources.codecs import tiktok_pb2 as tiktok_messages
from tests.bench.messages import AT_MS, BATCH, FRAMES, Sample, offline, words
from tests.emulators import tiktok_wire

ASKED = "https://p16-sign.tiktokcdn.example/{}/tos-0068/0123456789abcdef.webp?x-expires=1760000000&x-signature=abcdefgh"
POPUP = f"sslocal://webcast_lynxview_popup?use_spark=1&url={ASKED.format('grade')}&hide_status_bar=0&height=90"


def comments() -> Sample:
    badges = [badge(tiktok_wire.GRADE, 23, "23"), badge(tiktok_wire.FANS, 7, "Lanyou")]

    def frame(first: int) -> bytes:
        envelopes = []
        for number in range(first, first + BATCH):
            viewer = {
                **tiktok_wire.user(6_900_000_000_000_000_000 + number, "Mira Łang", badges),
                9: picture("100x100"),
                10: picture("720x720"),
                22: {1: 644, 2: 2728},
                46: "MS4wLjABAAAA" + "q" * 64,
            }
            payload = tiktok_wire.encoded(
                {
                    1: {**tiktok_wire.common("WebcastChatMessage", number + 1, AT_MS), 6: 1, 15: "useast2a"},
                    2: viewer,
                    3: words(number),
                    14: "en",
                    19: [{1: f"rank_rule_{rule}", 2: AT_MS * 1000 + rule} for rule in range(20)],
                }
            )
            envelopes.append(tiktok_wire.envelope("WebcastChatMessage", payload, number + 1))
        return tiktok_wire.pushed(*envelopes)

    def parse(data: bytes) -> None:
        payload = gzip.decompress(tiktok_messages.PushFrame.FromString(data).payload)
        for envelope in tiktok_messages.FetchResult.FromString(payload).messages:
            tiktok_messages.Chat.FromString(envelope.payload)

    return Sample("tiktok", [frame(BATCH * n) for n in range(FRAMES)], lambda: offline("tiktok"), parse)


def badge(scene: int, level: int, text: str) -> tiktok_wire.Fields:
    combine = {1: 4, 2: {**picture("grade"), 7: POPUP}, 4: text, 11: {2: "#995F90EF"}, 12: {2: "#995F90EF"}}
    return {**tiktok_wire.badge(scene, level), 2: 20, 10: POPUP, 23: combine}


def picture(size: str) -> tiktok_wire.Fields:
    url = ASKED.format(size)
    return {1: [url, url.replace("p16", "p77"), url.replace("webp", "jpeg")], 2: f"{size}/tos-0068/0123456789abcdef"}


SAMPLES = (comments(),)
