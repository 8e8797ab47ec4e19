"""Comments, ten server-sent events a chunk."""

from __future__ import annotations

import orjson

from tests.bench.messages import BATCH, FRAMES, Sample, offline, words
from tests.emulators.facebook import comment


def comments() -> Sample:
    def event(number: int) -> bytes:
        told = {**comment(0, words(number)), "id": f"1220345678901234_{7_654_321_000_000_000 + number}"}
        told["created_time"] = "2025-10-09T08:53:18+0000"
        told["from"] = {"name": "Solène Marchand", "id": f"{6_900_000_000_000_000 + number}"}
        return b"data: " + orjson.dumps(told) + b"\n\n"

    def parse(data: bytes) -> None:
        for told in data.split(b"\n\n")[:-1]:
            orjson.loads(told.partition(b"data:")[2])

    def chunk(first: int) -> bytes:
        return b"".join([event(number) for number in range(first, first + BATCH)])

    return Sample("facebook", [chunk(BATCH * n) for n in range(FRAMES)], lambda: offline("facebook"), parse)


SAMPLES = (comments(),)
