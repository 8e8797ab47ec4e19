"""Comments over IRC and over EventSub."""

from __future__ import annotations

import orjson

from bridge.sources.platforms.twitch.eventsub import EventSubDecoder
from bridge.sources.platforms.twitch.irc import IrcDecoder
from bridge.sources.platforms.twitch.viewers import StreamState
from tests.bench.messages import AT_MS, CAPTURES, FRAMES, Sample, words

TIER_VALUES = (500, 1000, 2500)


def irc() -> Sample:
    def line(number: int) -> str:
        tags = (
            "@badge-info=subscriber/15;badges=moderator/1,subscriber/3012,premium/1;client-nonce=0123456789abcdef;"
            "color=#2E8B57;display-name=Ada_K;emotes=25:0-4;first-msg=0;flags=;"
            f"id=7d1f0000-0000-4000-8000-{number:012d};mod=1;returning-chatter=0;room-id=4100001;subscriber=1;"
            f"tmi-sent-ts={AT_MS};turbo=0;user-id=4200001;user-type=mod"
        )
        return f"{tags} :ada_k!ada_k@ada_k.tmi.twitch.tv PRIVMSG #emberfox :{words(number)}\r\n"

    def parse(data: str) -> None:
        dict([tag.split("=", 1) for tag in data.split(" ", 4)[0].split(";")])

    return Sample("twitch (IRC)", [line(n) for n in range(FRAMES)], lambda: IrcDecoder("emberfox", TIER_VALUES), parse)


def eventsub() -> Sample:
    lines = (CAPTURES / "twitch" / "eventsub_comment_badges_and_times" / "frames.jsonl").read_bytes().splitlines()
    frame = orjson.loads(lines[0])["text"]
    return Sample("twitch (EventSub)", [frame] * FRAMES, lambda: EventSubDecoder(TIER_VALUES, StreamState()))


SAMPLES = (
    irc(),
    eventsub(),
)
