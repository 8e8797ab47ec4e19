"""The measurements, and the sentences that they are told in."""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import yaml

from bridge.sources.catalogue import available_platforms
from tests.bench import decoding
from tests.bench.floor import floor_cpu_secs
from tests.bench.frames import EVENTS_A_FRAME, read_frames, write_frames
from tests.bench.messages import samples
from tests.bench.processes import BridgeUnderTest, Helper, get_json

WARM_UP_EVENTS = 10_000
MAX_RATIO = 2.0
LATENCY_SAMPLES = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="events for the cost an event")
    parser.add_argument("--rate", type=float, default=15_000, help="events a second")
    parser.add_argument("--memory-events", type=int, default=1_000_000, help="events for the memory; 0: skip")
    parser.add_argument("--decoding-only", action="store_true", help="only what decoding costs, by platform")
    parser.add_argument("--platform", action="append", help="only this platform's decoding; may be given again")
    arguments = parser.parse_args()
    decode_cost(arguments.platform or available_platforms())
    if arguments.decoding_only or arguments.platform:
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with Helper("tests.bench.sink") as sink, Helper("tests.bench.feeder") as feeder:
            sink_url = f"http://127.0.0.1:{sink.address}"
            port = configure(folder, feeder.address, sink_url)
            with BridgeUnderTest(folder, port) as bridge:
                cost(bridge, feeder, sink_url, folder, arguments.events, arguments.rate)
                latency(feeder, sink_url)
                if arguments.memory_events:
                    memory(bridge, feeder, sink_url, folder, arguments.memory_events, arguments.rate)
    return 0


def decode_cost(platforms: list[str]) -> None:
    """CPU a message of decoding and encoding, beside the floor for the same frames."""
    say(f"decode cost by platform, beside bare parsing and one encoding (goal: at most {MAX_RATIO})")
    for sample in samples(platforms):
        found = decoding.cost(sample)
        say(f"  {sample.name:18} {found.ratio:5.2f}   {found.ours_us:5.1f} µs / {found.floor_us:4.1f} µs a message")


def cost(bridge: BridgeUnderTest, feeder: Helper, sink_url: str, folder: Path, events: int, rate: float) -> None:
    """CPU an event over the whole path, beside the floor for the same frames."""
    write_frames(folder / "warm-up", WARM_UP_EVENTS)
    write_frames(folder / "frames", events, WARM_UP_EVENTS)
    send(feeder, sink_url, folder / "warm-up", WARM_UP_EVENTS, rate)
    before = bridge.cpu_secs()
    calls_before = get_json(f"{sink_url}/statistics")["calls"]
    started_at = time.monotonic()
    send(feeder, sink_url, folder / "frames", events, rate)
    passed_secs = time.monotonic() - started_at
    spent = bridge.cpu_secs() - before
    calls = get_json(f"{sink_url}/statistics")["calls"] - calls_before
    floor = asyncio.run(
        floor_cpu_secs(read_frames(folder / "frames"), folder, f"{sink_url}/floor", rate / EVENTS_A_FRAME)
    )
    say(
        f"whole path: {1e6 * spent / events:.1f} µs CPU an event ({events} events in {passed_secs:.1f} s, {calls} calls)"
    )
    say(f"floor:      {1e6 * floor / events:.1f} µs CPU an event (brotli, orjson both ways, SQLite insert, POST)")
    say(f"ratio:      {spent / floor:.2f} (goal: at most {MAX_RATIO})")


def latency(feeder: Helper, sink_url: str) -> None:
    """From a lone frame in a quiet room to the report request at the sink."""
    waits: list[float] = []
    for number in range(LATENCY_SAMPLES):
        known = len(get_json(f"{sink_url}/statistics")["arrivals"])
        sent_at = float(feeder.ask(f"one quiet-{number}"))
        arrivals = get_json(f"{sink_url}/statistics")["arrivals"]
        while len(arrivals) <= known:
            time.sleep(0.005)
            arrivals = get_json(f"{sink_url}/statistics")["arrivals"]
        waits.append(arrivals[known] - sent_at)
        time.sleep(0.25)
    waits.sort()
    say(f"latency in a quiet room, frame sent to request received: median {1000 * statistics.median(waits):.1f} ms,")
    say(f"  worst of {len(waits)}: {1000 * waits[-1]:.1f} ms (goal: median below 10 ms)")


def memory(bridge: BridgeUnderTest, feeder: Helper, sink_url: str, folder: Path, events: int, rate: float) -> None:
    """Resident memory while many events pass through."""
    part = 100_000
    sizes: list[int] = []
    for first in range(0, events, part):
        write_frames(folder / "part", part, 10_000_000 + first)
        send(feeder, sink_url, folder / "part", part, rate)
        sizes.append(bridge.memory_bytes())
    shown = ", ".join(f"{size / 2**20:.0f}" for size in sizes)
    say(f"memory after each {part} events, MiB: {shown}")
    say(f"  last / after the first quarter: {sizes[-1] / sizes[max(len(sizes) // 4 - 1, 0)]:.2f}")


def send(feeder: Helper, sink_url: str, path: Path, events: int, rate: float) -> None:
    """Send a file's frames and wait until the sink has all of their events."""
    wanted = get_json(f"{sink_url}/statistics")["events"] + events
    assert feeder.ask(f"{path} {rate}") == "sent"
    deadline = time.monotonic() + 60
    while (have := get_json(f"{sink_url}/statistics")["events"]) < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{wanted - have} events did not arrive")
        time.sleep(0.05)


def configure(folder: Path, api_base: str, sink_url: str) -> int:
    """Write a configuration without any pause between calls; returns the bridge's port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    (folder / "rooms").mkdir()
    bridge = {
        "spool": {"directory": str(folder / "spool")},
        "server": {"listen": f"127.0.0.1:{port}"},
        "metastudio": {"max_calls_per_second": 1000},
    }
    room = {
        "sources": [{"platform": "bilibili", "room": 92, "api_base": api_base}],
        "report": {
            "url": f"{sink_url}/v1/p/smart-live-rooms/r/smart-live-jobs/j/live-event-report",
            "min_interval_ms": 50,
        },
    }
    (folder / "bridge.yaml").write_text(yaml.safe_dump(bridge))
    (folder / "rooms" / "bench.yaml").write_text(yaml.safe_dump(room))
    return port


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
