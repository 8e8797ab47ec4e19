from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import SourceUnavailableError
from bridge.events import Gift
from bridge.secret import Secret
from bridge.sources.catalogue import load_platform
from bridge.sources.codecs.bilibili_packets import (
    OP_AUTH_REPLY,
    OP_HEARTBEAT,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    VERSION_BROTLI,
    pack,
    pack_compressed,
    unpack,
)
from bridge.sources.contract import Decoded, Frame, Notice, NoticeKind
from bridge.sources.platforms.bilibili import MESSAGES, Options, RoomDecoder
from bridge.sources.platforms.bilibili.decoder import Pass
from tests.shared_captures import folder
from tests.sources.platforms.bilibili.bodies import (
    NOW,
    danmu,
    feed,
    gift,
    guard_buy,
    interact,
    super_chat,
    toast,
    toast_v2,
)

DOOR = Pass(room_id=9001, uid=42, buvid="B-1", token=Secret("t0ken"))


def test_the_greeting_is_the_auth_packet() -> None:
    (greeting,) = RoomDecoder(DOOR).greeting()
    ((operation, body),), _ = unpack(greeting)
    assert operation == 7
    assert orjson.loads(body) == {
        "uid": 42,
        "roomid": 9001,
        "protover": 3,
        "platform": "web",
        "type": 2,
        "buvid": "B-1",
        "key": "t0ken",
    }
    assert "t0ken" not in repr(DOOR)


def test_being_let_in_is_answered_with_the_first_heartbeat_and_tells_what_was_found_on_the_way() -> None:
    warning = Notice(NoticeKind.CREDENTIAL_WEAK, "cookie: …")
    decoder = RoomDecoder(DOOR, [warning])
    decoded = decoder.feed(Frame(pack(OP_AUTH_REPLY, b'{"code":0}'), NOW))
    assert list(decoded.replies) == list(decoder.heartbeat())
    assert decoded.notices == [warning]
    assert decoded.end is None
    assert decoder.feed(Frame(pack(OP_AUTH_REPLY, b'{"code":0}'), NOW)).notices == []


@pytest.mark.parametrize("body", [b'{"code":-101}', b"not json"])
def test_being_refused_ends_the_connection_so_that_a_fresh_token_is_fetched(body: bytes) -> None:
    decoded = RoomDecoder(DOOR).feed(Frame(pack(OP_AUTH_REPLY, body), NOW))
    assert isinstance(decoded.end, SourceUnavailableError)
    assert not decoded.replies


def test_the_heartbeat_is_the_players() -> None:
    (heartbeat,) = RoomDecoder().heartbeat()
    assert unpack(heartbeat) == ([(OP_HEARTBEAT, b"[object Object]")], [])


def test_a_heartbeat_reply_yields_nothing() -> None:
    reply = pack(OP_HEARTBEAT_REPLY, b"\0\0\0\1") + b"[object Object]"
    assert RoomDecoder().feed(Frame(reply, NOW)) == feed()


def test_other_operations_are_ignored_or_unknown() -> None:
    frame = b"".join(pack(operation, b"") for operation in (2, 7, 24, 4_000_000_000))
    decoded = RoomDecoder().feed(Frame(frame, NOW))
    assert decoded.ignored == ["operation 2", "operation 7"]
    assert decoded.unknown == ["operation 24", "operation"]


def test_what_was_read_before_a_fault_counts() -> None:
    good = pack(OP_MESSAGE, orjson.dumps(danmu()), version=0)
    inner = good + pack(OP_MESSAGE, b"{broken", version=0) + good
    decoded = RoomDecoder().feed(Frame(pack_compressed(inner, VERSION_BROTLI) + b"\0\0", NOW))
    assert len(decoded.events) == 2
    assert [error.path for error in decoded.rejected] == ["body", "packet"]


def feed_json(message: Any) -> Decoded:
    return RoomDecoder().feed(Frame(json.dumps(message), NOW))


def check_all_told(decoded: Decoded) -> None:
    """Every event can be sent, and a message never vanishes."""
    for one in decoded.events:
        orjson.loads(one.to_wire())
    told = [decoded.events, decoded.rejected, decoded.ignored, decoded.unknown, decoded.notices]
    assert any(told)


def spoil(container: Any, data: st.DataObject) -> None:
    """Replace one value somewhere below by something else."""
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    key = data.draw(st.sampled_from(keys))
    inner = container[key]
    if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
        spoil(inner, data)
    else:
        container[key] = data.draw(
            st.none() | st.integers(-(2**70), 2**70) | st.text(max_size=4) | st.just([]) | st.just({})
        )


@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    RoomDecoder().feed(Frame(data, NOW))
    RoomDecoder().feed(Frame(pack_compressed(pack(OP_MESSAGE, data, version=0), VERSION_BROTLI), NOW))


@given(st.text(max_size=400))
def test_arbitrary_text_never_raises(data: str) -> None:
    RoomDecoder().feed(Frame(data, NOW))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_commands_with_arbitrary_content_never_raise(cmd: str, data: st.DataObject) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )
    body = data.draw(values)
    message = {"cmd": cmd, "info": body, "data": body, "msg_id": body, "send_time": body}
    check_all_told(feed_json(message))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_messages_with_one_field_spoilt_never_raise(data: st.DataObject) -> None:
    messages = [danmu(), gift(), guard_buy(), toast(), toast_v2(), super_chat(), interact(1)]
    message = data.draw(st.sampled_from(messages))
    spoil(message, data)
    check_all_told(feed_json(message))


def test_deep_nesting_is_rejected() -> None:
    assert RoomDecoder().feed(Frame("[" * 100_000, NOW)).rejected
    assert RoomDecoder().feed(Frame('{"cmd":"DANMU_MSG","info":' + "[" * 5000 + "]" * 5000 + "}", NOW)).rejected


def frames() -> list[tuple[str, str | bytes]]:
    found: list[tuple[str, str | bytes]] = []
    for path in sorted(folder("bilibili_web").iterdir()):
        if ".decoded" in path.name:
            continue
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".hex":
            found.append((path.name, bytes.fromhex(content.replace("\n", ""))))
        elif path.suffix == ".jsonl":
            found.extend((path.name, line) for line in content.splitlines() if line.strip())
        else:
            found.append((path.name, content))
    return found


def test_all_are_known_and_none_is_rejected() -> None:
    for name, data in frames():
        decoded = RoomDecoder().feed(Frame(data, 1_786_000_000_000))
        assert not decoded.rejected, name
        assert not decoded.unknown, name
        for one in decoded.events:
            assert 1_500_000_000_000 < one.timestamp_ms <= 1_786_000_000_000, name
            assert one.user is None or re.fullmatch(r"bilibili_\d+", one.user.id), name


def test_every_message_of_a_claimed_kind_becomes_an_event() -> None:
    kinds = "DANMU_MSG SEND_GIFT SEND_GIFT_V2 GUARD_BUY USER_TOAST_MSG SUPER_CHAT_MESSAGE INTERACT_WORD_V2"
    for name, data in frames():
        if isinstance(data, bytes):
            continue
        cmd = orjson.loads(data)["cmd"].split(":")[0]
        if cmd in kinds.split() and "lottery" not in name:
            assert len(RoomDecoder().feed(Frame(data, 1_786_000_000_000)).events) == 1, name


def test_gifts_carry_what_was_paid() -> None:
    for name, data in frames():
        if isinstance(data, bytes) or '"SEND_GIFT"' not in data:
            continue
        told = orjson.loads(data)["data"]
        content = RoomDecoder().feed(Frame(data, 1_786_000_000_000)).events[0].content
        assert isinstance(content, Gift)
        assert content.count == told["num"], name
        assert content.total_value == (told["total_coin"] if told["coin_type"] == "gold" else 0), name


def test_the_platform_is_found_by_its_name() -> None:
    platform = load_platform("bilibili")
    assert platform.name == "bilibili"
    assert platform.options is Options
    assert len(platform.event_types) == 6
    assert isinstance(platform.offline_decoder(platform.offline_options()), RoomDecoder)


@pytest.mark.parametrize("room", ["", "abc", "-5", "12.5", "٣", "https://live.bilibili.com/5", "0", "1" * 5000])
def test_a_room_is_a_number(room: str) -> None:
    with pytest.raises(ValueError, match=r"^room: is not a room number"):
        Options(room=room)


def test_secrets_do_not_show() -> None:
    assert "abc" not in repr(Options(room="5", cookie=Secret("SESSDATA=abc")))
