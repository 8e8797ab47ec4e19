from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.codecs import bilibili_packets as codec
from bridge.sources.codecs.bilibili_packets import (
    OP_AUTH,
    OP_HEARTBEAT_REPLY,
    OP_MESSAGE,
    VERSION_BROTLI,
    VERSION_ZLIB,
    pack,
    pack_compressed,
    unpack,
)
from tests.shared_captures import folder

COMPRESSED = [VERSION_ZLIB, VERSION_BROTLI]


def message(body: bytes) -> bytes:
    return pack(OP_MESSAGE, body, version=0, sequence=0)


def header(total: int, length: int = 16, version: int = 0, operation: int = OP_MESSAGE) -> bytes:
    return struct.pack(">IHHII", total, length, version, operation, 0)


def bodies(frame: bytes) -> list[bytes]:
    return [body for _, body in unpack(frame)[0]]


def problems(frame: bytes) -> list[str]:
    return [str(problem) for problem in unpack(frame)[1]]


def test_a_packet_is_a_header_of_16_bytes_and_its_body() -> None:
    assert pack(OP_AUTH, b"{}") == bytes.fromhex("00000012 0010 0001 00000007 00000001") + b"{}"


@pytest.mark.parametrize("version", [0, 1])
def test_plain_bodies_are_given_as_they_are(version: int) -> None:
    assert unpack(pack(OP_MESSAGE, b"{}", version=version)) == ([(OP_MESSAGE, b"{}")], [])


def test_a_frame_may_hold_several_packets() -> None:
    assert bodies(message(b"a") + message(b"b")) == [b"a", b"b"]


@pytest.mark.parametrize("version", COMPRESSED)
def test_a_compressed_body_holds_whole_packets(version: int) -> None:
    assert bodies(pack_compressed(message(b"a") + message(b"b"), version) + message(b"c")) == [b"a", b"b", b"c"]


def test_compressed_packets_may_be_compressed_again() -> None:
    frame = message(b"x")
    for version in (2, 3, 2, 3):
        frame = pack_compressed(frame, version)
    assert bodies(frame) == [b"x"]
    assert problems(pack_compressed(frame, 2) + message(b"y")) == ["packet: is compressed more than 4 times"]


def test_the_header_length_is_the_one_the_packet_names() -> None:
    assert bodies(header(22, length=18) + b"..body") == [b"body"]


def test_an_empty_body_is_a_packet() -> None:
    assert bodies(message(b"")) == [b""]


def test_nothing_is_read_behind_a_heartbeat_reply_because_the_heartbeat_is_echoed_there() -> None:
    reply = pack(OP_HEARTBEAT_REPLY, b"\0\0\0\1") + b"[object Object]"
    assert unpack(reply) == ([(OP_HEARTBEAT_REPLY, b"\0\0\0\1")], [])


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        (b"\0\0\0", "packet: 3 bytes are left, a header has 16"),
        (header(0), "packet: claims 0 bytes with a header of 16"),
        (header(15), "packet: claims 15 bytes with a header of 16"),
        (header(16, length=0), "packet: claims 16 bytes with a header of 0"),
        (header(16, length=17), "packet: claims 16 bytes with a header of 17"),
        (header(17), "packet: claims 17 bytes, 16 are left"),
        (header(0xFFFFFFFF) + b"{}", "packet: claims 4294967295 bytes, 18 are left"),
    ],
)
def test_a_lying_header_ends_the_frame_and_what_stood_before_it_counts(tail: bytes, problem: str) -> None:
    assert bodies(message(b"good") + tail) == [b"good"]
    assert problems(message(b"good") + tail) == [problem]


@pytest.mark.parametrize("version", COMPRESSED)
def test_a_body_that_cannot_be_inflated_costs_only_itself(version: int) -> None:
    broken = pack(OP_MESSAGE, b"\x17not compressed at all", version=version)
    assert bodies(broken + message(b"good")) == [b"good"]
    assert len(problems(broken + message(b"good"))) == 1


def test_a_version_never_seen_costs_only_its_packet() -> None:
    frame = pack(OP_MESSAGE, b"?", version=4) + message(b"good")
    assert bodies(frame) == [b"good"]
    assert problems(frame) == ["packet: has version 4, known are 0 to 3"]


@pytest.mark.parametrize(
    ("version", "compress"), [(VERSION_ZLIB, zlib.compress), (VERSION_BROTLI, brotli.compress)], ids=["zlib", "brotli"]
)
def test_of_compressed_data_that_ends_early_the_whole_packets_count_and_one_fault_is_told(
    version: int, compress: Callable[[bytes], bytes]
) -> None:
    packets = b"".join(message(bytes([65 + n]) * 400 + struct.pack(">Q", n * 7919**4)) for n in range(20))
    body = compress(packets)
    frame = pack(OP_MESSAGE, body[: len(body) - 40], version=version)
    read = bodies(frame)
    assert 0 < len(read) < 20
    assert read == bodies(packets)[: len(read)]
    assert len(problems(frame)) == 1
    assert "ends inside" in problems(frame)[0]


@pytest.mark.parametrize("version", COMPRESSED)
def test_a_bomb_is_refused_before_it_fills_the_memory(version: int) -> None:
    bomb = pack_compressed(bytes(8 * codec.MAX_INFLATED_BYTES), version)
    assert len(bomb) < 200_000
    assert problems(bomb)[0] == f"packet: inflates to more than {codec.MAX_INFLATED_BYTES} bytes"


def test_the_layers_of_a_frame_share_one_allowance() -> None:
    half = pack_compressed(message(bytes(codec.MAX_INFLATED_BYTES // 2)), VERSION_ZLIB)
    assert len(bodies(half)) == 1
    assert problems(half * 3)[0] == f"packet: inflates to more than {codec.MAX_INFLATED_BYTES} bytes"


def test_a_frame_of_countless_empty_packets_is_read_no_further_than_the_limit() -> None:
    packets, faults = unpack(pack_compressed(message(b"") * 100_000, VERSION_BROTLI))
    assert len(packets) < codec.MAX_PACKETS
    assert [str(fault) for fault in faults] == ["packet: is one of more than 10000 in a frame"]


def test_an_empty_frame_holds_nothing() -> None:
    assert unpack(b"") == ([], [])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    unpack(data)


@given(st.binary(max_size=120), st.sampled_from([0, 1, 2, 3, 4]), st.sampled_from(COMPRESSED))
def test_arbitrary_bytes_inside_packets_never_raise(data: bytes, version: int, outer: int) -> None:
    unpack(pack_compressed(message(b"good") + pack(OP_MESSAGE, data, version=version) + data, outer))


@given(st.lists(st.tuples(st.integers(0, 99), st.binary(max_size=40)), max_size=8), st.sampled_from(COMPRESSED))
def test_what_is_packed_is_unpacked(pairs: list[tuple[int, bytes]], version: int) -> None:
    packets = [(operation, body) for operation, body in pairs if operation != OP_HEARTBEAT_REPLY]
    plain = b"".join(pack(operation, body, version=0) for operation, body in packets)
    assert unpack(plain) == (packets, [])
    assert unpack(pack_compressed(plain, version)) == (packets, [])


def test_real_frames_are_read_whole() -> None:
    frames = sorted(folder("bilibili_web").glob("*.hex"))
    assert frames
    for path in frames:
        packets, faults = unpack(bytes.fromhex(path.read_text().replace("\n", "")))
        assert packets, path.name
        assert not faults, path.name
