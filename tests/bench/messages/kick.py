"""Comments on the Pusher socket."""

from __future__ import annotations

import orjson

from bridge.sources.platforms.kick.socket import PusherDecoder
from tests.bench.messages import FRAMES, Sample, words
from tests.emulators.kick import CHATROOM, KickEmulator


def comments() -> Sample:
    kick = KickEmulator()
    told = [kick.chat(words(number), name="Solène", user_id=801) for number in range(FRAMES)]
    for one in told:
        one["metadata"] = {"message_ref": "1760000000000"}
        one["sender"]["identity"]["badges"] = [{"type": "subscriber", "text": "Subscriber", "count": 3}]
    frames = [
        orjson.dumps(
            {"event": "App\\Events\\ChatMessageEvent", "data": orjson.dumps(one).decode(), "channel": CHATROOM}
        )
        for one in told
    ]
    texts = [frame.decode() for frame in frames]
    return Sample("kick (socket)", texts, PusherDecoder, lambda data: orjson.loads(orjson.loads(data)["data"]))


SAMPLES = (comments(),)
