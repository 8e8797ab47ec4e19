"""Comments with all their keys."""

from __future__ import annotations

from tests.bench.messages import AT_MS, FRAMES, Sample, offline, words
from tests.emulators.douyu import message, packet


def comments() -> Sample:
    more = {
        "bnn": "小风铃",
        "bl": 21,
        "brid": 9001,
        "hc": "d48b0bb9",
        "ifs": 1,
        "el": "",
        "lk": "",
        "fl": 21,
        "urlev": 18,
    }
    head = {"type": "chatmsg", "rid": 9001, "ct": 14, "uid": 400_123, "nn": "晚风/吹@过"}
    tail = {"ic": "avatar_v3/202501/abc", "level": 38, "sahf": 0, "nl": 1, "col": 1, "rg": 4, "cst": AT_MS, **more}
    frames = [packet(message(**head, txt=words(n), cid=f"00bd3553ee494c92{n:016d}", **tail)) for n in range(FRAMES)]

    def parse(data: bytes) -> None:
        dict([pair.split("@=") for pair in data[12:-2].decode().split("/")])

    return Sample("douyu", frames, lambda: offline("douyu"), parse)


SAMPLES = (comments(),)
