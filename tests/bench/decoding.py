"""What decoding costs beside its floor, a platform at a time, both measured in turns in the same run.

Ours: ``feed`` and ``to_wire``. The floor: the bare parse of the same bytes (orjson, protobuf, a split into a dict, all
without looking at a field) and ``to_wire`` of an event that is ready. Comments of full size for the main platforms; for the others the messages of
``tests/captures`` that yield events.
"""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import orjson

from bridge.demo import bilibili_messages
from bridge.demo.bilibili_people import Medal, Viewer
from bridge.demo.bilibili_room import encode_frame
from bridge.events import LiveEvent
from bridge.sources.codecs import tars
from bridge.sources.codecs import tiktok_pb2 as tiktok_messages
from bridge.sources.codecs.bilibili_packets import OP_MESSAGE, pack
from bridge.sources.contract import Decoder, Frame, available_platforms, load_platform
from bridge.sources.platforms.kick.socket import PusherDecoder
from bridge.sources.platforms.twitch.eventsub import EventSubDecoder
from bridge.sources.platforms.twitch.irc import IrcDecoder
from bridge.sources.platforms.twitch.viewers import StreamState
from tests.emulators import huya, tiktok_wire
from tests.emulators.bilibili_open import danmaku
from tests.emulators.douyu import message, packet
from tests.emulators.kick import CHATROOM, KickEmulator
from tests.emulators.youtube import item

AT_MS = 1_760_000_000_000
FRAMES = 100
BATCH = 10
ROUNDS = 15
TIER_VALUES = (500, 1000, 2500)
CAPTURES = Path(__file__).resolve().parents[1] / "captures"

Data = bytes | str
Parse = Callable[[Any], object]


@dataclass(frozen=True)
class Sample:
    """One platform's frames, its decoder, and the least that reading such a frame takes."""

    name: str
    frames: Sequence[Data]
    decoder: Callable[[], Decoder]
    parse: Parse = orjson.loads


@dataclass(frozen=True)
class Cost:
    """Microseconds a message, and the median of the rounds' ratios."""

    ours_us: float
    floor_us: float
    ratio: float


def offline(name: str) -> Decoder:
    platform = load_platform(name)
    return platform.offline_decoder(platform.offline_options())


def samples() -> list[Sample]:
    """Return the main platforms' comments, then whatever else is in the captures."""
    main = [_bilibili(), _bilibili_open(), _douyu(), _huya(), _kick(), _tiktok(), _irc(), _eventsub(), _youtube()]
    known = {sample.name.partition(" ")[0] for sample in main}
    others = [_captured(name) for name in available_platforms() if name not in known]
    return main + [sample for sample in others if sample.frames]


def cost(sample: Sample) -> Cost:
    """Measure one platform; the median of rounds in which ours and the floor take turns."""
    frames = [Frame(data, AT_MS) for data in sample.frames]
    ready = [_only_events(sample, frame) for frame in frames]
    messages = sum(map(len, ready))
    ours, floors = [], []
    for _ in range(ROUNDS):
        ours.append(_ours_secs(sample.decoder(), frames))
        floors.append(_floor_secs(sample.parse, sample.frames, ready))
    ratio = statistics.median(mine / floor for mine, floor in zip(ours, floors, strict=True))
    return Cost(1e6 * min(ours) / messages, 1e6 * min(floors) / messages, ratio)


def _only_events(sample: Sample, frame: Frame) -> Sequence[LiveEvent]:
    decoded = sample.decoder().feed(frame)
    assert decoded.events, (sample.name, decoded)
    assert not decoded.rejected, (sample.name, decoded)
    return decoded.events


def _ours_secs(decoder: Decoder, frames: Sequence[Frame]) -> float:
    began = time.process_time()
    for frame in frames:
        for event in decoder.feed(frame).events:
            event.to_wire()
    return time.process_time() - began


def _floor_secs(parse: Parse, frames: Sequence[Data], ready: Sequence[Sequence[LiveEvent]]) -> float:
    began = time.process_time()
    for data, events in zip(frames, ready, strict=True):
        parse(data)
        for event in events:
            event.to_wire()
    return time.process_time() - began


def _words(number: int) -> str:
    return f"主播今天讲得真好, what a show {number}"


def _bilibili() -> Sample:
    viewer = Viewer(10_001, "观众一号", level=20, medal=Medal("粉丝团", 12, 550_001))

    def frame(first: int) -> bytes:
        numbers = range(first, first + BATCH)
        return encode_frame([bilibili_messages.danmu(viewer, _words(n), at_ms=AT_MS, serial=n) for n in numbers])

    def parse(data: bytes) -> None:
        packets, position = brotli.decompress(data[16:]), 0
        while position < len(packets):
            length = int.from_bytes(packets[position : position + 4], "big")
            orjson.loads(packets[position + 16 : position + length])
            position += length

    return Sample("bilibili", [frame(BATCH * n) for n in range(FRAMES)], lambda: offline("bilibili"), parse)


def _bilibili_open() -> Sample:
    more = {
        "uface": "https://i0.hdslb.example/bfs/face/0123456789abcdef0123456789abcdef01234567.jpg",
        "fans_medal_level": 12,
        "fans_medal_name": "小鱼干",
        "fans_medal_wearing_status": True,
        "guard_level": 3,
        "emoji_img_url": "",
        "dm_type": 0,
        "glory_level": 25,
        "reply_open_id": "",
        "reply_uname": "",
        "is_admin": 0,
    }
    told = [danmaku(number, _words(number)) for number in range(FRAMES)]
    bodies = [orjson.dumps({**one, "data": {**one["data"], **more}}) for one in told]
    frames = [pack(OP_MESSAGE, body, version=0, sequence=0) for body in bodies]
    return Sample("bilibili_open", frames, lambda: offline("bilibili_open"), lambda data: orjson.loads(data[16:]))


def _douyu() -> Sample:
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
    frames = [packet(message(**head, txt=_words(n), cid=f"00bd3553ee494c92{n:016d}", **tail)) for n in range(FRAMES)]

    def parse(data: bytes) -> None:
        dict([pair.split("@=") for pair in data[12:-2].decode().split("/")])

    return Sample("douyu", frames, lambda: offline("douyu"), parse)


def _huya() -> Sample:
    """TARS has no reader in C and nothing to split at: its floor is our own reader on the three structs of a comment."""

    def parse(data: bytes) -> None:
        tars.read_struct(tars.read_struct(tars.read_struct(data)[1])[2])

    frames = [
        huya.push(1400, huya.comment(1_199_000_000_001 + n, "雨落南归", _words(n), noble=3, badge=("老粉", 20)), n + 1)
        for n in range(FRAMES)
    ]
    return Sample("huya", frames, lambda: offline("huya"), parse)


def _kick() -> Sample:
    kick = KickEmulator()
    told = [kick.chat(_words(number), name="Solène", user_id=801) for number in range(FRAMES)]
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


def _tiktok() -> Sample:
    badges = [tiktok_wire.badge(tiktok_wire.GRADE, 23), tiktok_wire.badge(tiktok_wire.FANS, 7, "Lanyou")]

    def frame(first: int) -> bytes:
        envelopes = []
        for number in range(first, first + BATCH):
            viewer = tiktok_wire.user(6_900_000_000_000_000_000 + number, "Mira Łang", badges)
            payload = tiktok_wire.chat(_words(number), number + 1, AT_MS, {**viewer, 9: _picture(), 64: badges})
            envelopes.append(tiktok_wire.envelope("WebcastChatMessage", payload, number + 1))
        return tiktok_wire.pushed(*envelopes)

    def parse(data: bytes) -> None:
        payload = gzip.decompress(tiktok_messages.PushFrame.FromString(data).payload)
        for envelope in tiktok_messages.FetchResult.FromString(payload).messages:
            tiktok_messages.Chat.FromString(envelope.payload)

    return Sample("tiktok", [frame(BATCH * n) for n in range(FRAMES)], lambda: offline("tiktok"), parse)


def _picture() -> tiktok_wire.Fields:
    url = (
        "https://p16-sign.tiktokcdn.example/aweme/100x100/tos/0123456789abcdef.webp?x-expires=1760000000&x-signature=ab"
    )
    return {1: [url, url.replace("webp", "jpeg")], 2: "100x100/tos/0123456789abcdef"}


def _irc() -> Sample:
    def line(number: int) -> str:
        tags = (
            "@badge-info=subscriber/15;badges=moderator/1,subscriber/3012,premium/1;client-nonce=0123456789abcdef;"
            "color=#2E8B57;display-name=Ada_K;emotes=25:0-4;first-msg=0;flags=;"
            f"id=7d1f0000-0000-4000-8000-{number:012d};mod=1;returning-chatter=0;room-id=4100001;subscriber=1;"
            f"tmi-sent-ts={AT_MS};turbo=0;user-id=4200001;user-type=mod"
        )
        return f"{tags} :ada_k!ada_k@ada_k.tmi.twitch.tv PRIVMSG #emberfox :{_words(number)}\r\n"

    def parse(data: str) -> None:
        dict([tag.split("=", 1) for tag in data.split(" ", 4)[0].split(";")])

    return Sample("twitch (IRC)", [line(n) for n in range(FRAMES)], lambda: IrcDecoder("emberfox", TIER_VALUES), parse)


def _eventsub() -> Sample:
    lines = (CAPTURES / "twitch" / "eventsub_comment_badges_and_times" / "frames.jsonl").read_bytes().splitlines()
    frame = orjson.loads(lines[0])["text"]
    return Sample("twitch (EventSub)", [frame] * FRAMES, lambda: EventSubDecoder(TIER_VALUES, StreamState()))


def _youtube() -> Sample:
    def page(first: int) -> bytes:
        items = [item(number) for number in range(first, first + BATCH)]
        for one in items:
            channel = one["authorDetails"]["channelId"]
            one["authorDetails"] |= {
                "channelUrl": f"http://www.youtube.com/channel/{channel}",
                "profileImageUrl": "https://yt3.ggpht.example/ytc/0123456789abcdef0123456789abcdef=s88-c-k-c0x00ffffff-no-rj",
            }
        return orjson.dumps({"kind": "youtube#liveChatMessageListResponse", "items": items})

    return Sample("youtube", [page(BATCH * n) for n in range(FRAMES)], lambda: offline("youtube"))


def _captured(name: str) -> Sample:
    frames: list[Data] = []
    for file in sorted((CAPTURES / name).glob("*/frames.jsonl")):
        for line in file.read_bytes().splitlines():
            data = orjson.loads(line).get("text") if line.startswith(b"{") else None
            if isinstance(data, str) and _is_json(data) and offline(name).feed(Frame(data, AT_MS)).events:
                frames.append(data)
    clean = [data for data in frames if not offline(name).feed(Frame(data, AT_MS)).rejected]
    return Sample(name, clean, lambda: offline(name))


def _is_json(data: str) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
