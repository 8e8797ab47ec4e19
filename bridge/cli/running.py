"""``run``, ``demo``, ``sandbox`` and ``health``: what goes on until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from bridge import log
from bridge.app import App, run_until_signal
from bridge.cli.options import ConfigDirectory
from bridge.config import load, load_bridge
from bridge.errors import ListenError
from bridge.sandbox.server import Sandbox

T = TypeVar("T")
GC_THRESHOLD = 20_000


def run(config: ConfigDirectory = Path("config")) -> None:
    """Run the bridge until SIGTERM or Ctrl-C.

    Exit codes: **0** stopped as asked, spool clean · **1** a bug · **2** configuration · **3** every room or
    credential refused for good · **4** stopped with events left in the spool (the next start sends them).
    """
    loaded = load(config, os.environ)
    log.configure(loaded.bridge.log.format, loaded.bridge.log.level)
    raise typer.Exit(run_loop(run_until_signal(App(loaded))).value)


def sandbox(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:9300",
    url_life: Annotated[float, typer.Option(metavar="SECS", help="How long a report URL lives.")] = 3600,
) -> None:
    """Run a local MetaStudio: the cloud's calls with every documented check, to rehearse and test against.

    Its first lines are what a client needs. `GET /_sandbox/events` shows what was accepted, `POST /_sandbox/faults`
    makes it misbehave.
    """
    log.configure("auto", "warning")
    run_loop(_sandbox(Sandbox(listen=listen, url_life_secs=url_life)))


def demo(
    seconds: Annotated[int, typer.Option(metavar="N", min=0, help="How long; 0: until Ctrl-C.")] = 30,
    rate: Annotated[float, typer.Option(metavar="EVENTS", help="Events a second.")] = 20.0,
) -> None:
    """Show the whole job: a simulated Bilibili room, the bridge, and the sandbox as the cloud.

    Nothing leaves this machine. At the end what went in and what arrived is added up; the exit code is 0 only if
    nothing is missing.
    """
    from bridge.demo.show import show

    log.configure("console", "error")
    raise typer.Exit(run_loop(show(seconds, rate)))


def health(config: ConfigDirectory = Path("config")) -> None:
    """Ask the running bridge whether it lives: for the container's health check."""
    host, port = load_bridge(config, os.environ).server.address
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/livez"
    try:
        with urllib.request.urlopen(url, timeout=3):
            typer.echo("ok")
    except (urllib.error.URLError, OSError) as error:
        raise ListenError(f"{url}: {error}") from None


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one.

    What exists by now lives as long as the process, so the garbage collector need not look at it again; and
    it looks less often than by default, because a burst of events makes thousands of short-lived objects.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _sandbox(server: Sandbox) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        for line in server.banner():
            typer.echo(line)
        await stop.wait()
