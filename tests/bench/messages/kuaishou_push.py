"""Comments, ten a push."""

from __future__ import annotations

from tests.bench.messages import AT_MS, BATCH, FRAMES, Sample, offline, words
from tests.emulators.kuaishou import push, viewer

AVATAR = (
    "https://p2.a.kwimgs.example/uhead/AB/2025/01/02/03/BMjAyNTAxMDIwMzA0MDVfMTIzNDU2Nzg5MF8xX2hkOTk5XzEyMw==_s.jpg"
)


def comments() -> Sample:
    def body(first: int) -> bytes:
        items = [{**viewer(number), "content": words(number)} for number in range(first, first + BATCH)]
        for one in items:
            one["userInfo"] |= {"userId": "f18d3c2b1a09876543210fedcba98765", "headUrl": AVATAR}
        return push("secret", "liveComment", items, AT_MS, message_id=f"0123456789abcdef-{first}").body

    return Sample("kuaishou_push", [body(BATCH * n) for n in range(FRAMES)], lambda: offline("kuaishou_push"))


SAMPLES = (comments(),)
