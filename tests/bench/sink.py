"""A process that takes report calls and counts: as cheap as can be, and no part of what is measured."""

from __future__ import annotations

import asyncio
import sys
import time

import orjson
from aiohttp import web

received = {"events": 0, "calls": 0}
arrivals: list[float] = []


async def report(request: web.Request) -> web.Response:
    body = await request.read()
    now = time.time()
    received["calls"] += 1
    # The envelope begins with the total, so that a large body needs no parsing.
    received["events"] += int(body[9 : body.index(b",")])
    if len(body) < 4000:
        arrivals.extend([now] * int(body[9 : body.index(b",")]))
    return web.json_response({})


async def statistics(_: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps({**received, "arrivals": arrivals}), content_type="application/json")


async def main() -> None:
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_get("/statistics", statistics)
    application.router.add_post("/{path:.*}", report)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
