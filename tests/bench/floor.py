"""The floor: the least that the same work can cost in this language, measured in the same run.

Brotli, orjson decode and encode, an SQLite insert and one POST a thousand events; nothing else. The frames come at the
same pace as the bridge gets them: a process that sleeps in between pays for cold caches, whatever it does.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import aiohttp
import brotli  # type: ignore[import-untyped]
import orjson

from tests.bench.feeder import TICK_SECS

BATCH_EVENTS = 1000


async def floor_cpu_secs(frames: list[bytes], folder: Path, url: str, frames_per_second: float) -> float:
    """Return the CPU seconds that the floor needs for ``frames`` (brotli packets of DANMU_MSG)."""
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, room TEXT, type INTEGER, at INTEGER, wire BLOB)")
    rows: list[tuple[int, str, int, int, bytes]] = []
    number = 0
    frames_a_tick = max(int(frames_per_second * TICK_SECS), 1)
    due_at = time.monotonic()
    async with aiohttp.ClientSession() as http:
        started = time.process_time()
        for index, frame in enumerate(frames):
            if index % frames_a_tick == 0:
                due_at += TICK_SECS
                await asyncio.sleep(max(due_at - time.monotonic(), 0))
            packets = brotli.decompress(frame[16:])
            position = 0
            while position < len(packets):
                length = int.from_bytes(packets[position : position + 4], "big")
                info = orjson.loads(packets[position + 16 : position + length])["info"]
                position += length
                number += 1
                content = orjson.dumps(
                    {
                        "user": {
                            "userId": f"bilibili_{info[2][0]}",
                            "name": info[2][1],
                            "level": info[4][0],
                            "badge": "",
                            "badgeLevel": 0,
                        },
                        "content": info[1],
                    }
                ).decode()
                wire = orjson.dumps({"timestamp": info[0][4], "type": 1, "content": content})
                rows.append((number, "bench", 1, info[0][4], wire))
                if len(rows) == BATCH_EVENTS:
                    await _deliver(database, http, url, rows)
                    rows.clear()
        if rows:
            await _deliver(database, http, url, rows)
        spent = time.process_time() - started
    database.close()
    return spent


async def _deliver(
    database: sqlite3.Connection, http: aiohttp.ClientSession, url: str, rows: list[tuple[int, str, int, int, bytes]]
) -> None:
    database.execute("BEGIN")
    database.executemany("INSERT INTO events VALUES (?,?,?,?,?)", rows)
    database.execute("COMMIT")
    body = b'{"total":%d,"events":[%b]}' % (len(rows), b",".join(row[4] for row in rows))
    async with http.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
        await response.read()
