"""Clients that we did not write are satisfied with the emulator too. They run only where they are installed:

``TMI_JS_MODULES`` names a ``node_modules`` folder with tmi.js 1.8, ``TWITCHAPI_PYTHON`` a Python interpreter
that has twitchAPI 4.5.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.twitch import TwitchEmulator

TMI_JS = """
const tmi = require("tmi.js");
const [host, port] = process.argv[2].split(":");
const say = (...what) => console.log(JSON.stringify(what));
const client = new tmi.Client({
  connection: {server: host, port: Number(port), secure: false, reconnect: true, reconnectInterval: 100},
  channels: ["emberfox"], logger: {info() {}, warn() {}, error() {}},
});
client.on("connected", () => say("connected"));
client.on("join", (channel, name, self) => say("join", self));
client.on("message", (channel, tags, text) => say("message", tags["display-name"], text));
client.on("cheer", (channel, tags, text) => say("cheer", tags.bits, text));
client.on("subscription", (channel, name, methods) => say("subscription", name, methods.plan));
client.on("submysterygift", (channel, name, count) => say("submysterygift", name, count));
client.on("subgift", (channel, name) => say("subgift", name));
client.connect();
"""

TWITCHAPI = """
import asyncio, json, sys
from twitchAPI.eventsub.websocket import EventSubWebsocket
from twitchAPI.twitch import Twitch
from twitchAPI.type import AuthScope

def say(*what):
    print(json.dumps(what), flush=True)

async def main(base, eventsub):
    twitch = await Twitch("client-of-ours", "secret-of-ours", base_url=base + "/helix/", auth_base_url=base + "/oauth2/")
    scopes = [AuthScope.USER_READ_CHAT, AuthScope.MODERATOR_READ_FOLLOWERS]
    await twitch.set_user_authentication("access-0", scopes, "refresh-1")
    listener = EventSubWebsocket(twitch, connection_url=eventsub)
    listener.start()

    async def chatted(data):
        say("message", data.event.chatter_user_name, data.event.message.text, data.event.message_id)

    async def followed(data):
        say("follow", data.event.user_name)

    await listener.listen_channel_chat_message("4100001", "4100002", chatted)
    await listener.listen_channel_follow_v2("4100001", "4100002", followed)
    say("subscribed")
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


class Client:
    """A program that prints one JSON array a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self, *wanted: Any) -> None:
        """Read on until the program says this; fail with what it said instead."""
        assert self._process.stdout is not None
        said: list[Any] = []
        while True:
            line = await asyncio.wait_for(self._process.stdout.readline(), 20)
            assert line, f"ended after {said}"
            said.append(json.loads(line))
            if said[-1] == list(wanted):
                return


@asynccontextmanager
async def running(*command: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Client]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=sys.stderr, env={**os.environ, **(env or {})}
    )
    try:
        yield Client(process)
    finally:
        process.kill()
        await process.wait()


def chat_event(words: str) -> dict[str, Any]:
    message = {"text": words, "fragments": [{"type": "text", "text": words}]}
    ids = {"broadcaster_user_id": "4100001", "chatter_user_id": "4200001", "message_id": f"id of {words}"}
    names = {"broadcaster_user_name": "Emberfox", "chatter_user_name": "Ada", "chatter_user_login": "ada"}
    return {**ids, **names, "message": message, "badges": [], "color": "", "message_type": "text", "cheer": None}


@pytest.mark.slow
async def test_tmi_js_reads_the_emulated_chat(tmp_path: Path) -> None:
    node, modules = shutil.which("node"), os.environ.get("TMI_JS_MODULES")
    if not (node and modules):
        pytest.skip("needs node, and TMI_JS_MODULES naming a node_modules folder with tmi.js")
    script = tmp_path / "client.js"
    script.write_text(TMI_JS)
    async with TwitchEmulator() as twitch:
        address = twitch.http_url.removeprefix("http://")
        async with running(node, str(script), address, env={"NODE_PATH": modules}) as client:
            await client.says("join", True)
            await twitch.say("ada", "hello; there")
            await client.says("message", "Ada", "hello; there")
            await twitch.say("bo", "Cheer5 hi", bits=5)
            await client.says("cheer", "5", "Cheer5 hi")
            await twitch.notice("sub", "cleo", **{"msg-param-sub-plan": "2000"})
            await client.says("subscription", "Cleo", "2000")
            await twitch.gift_bomb("dee", 2, announced="first")
            await client.says("submysterygift", "Dee", 2)
            await client.says("subgift", "Dee")
            await twitch.irc_reconnect()
            await client.says("join", True)


@pytest.mark.slow
async def test_twitchapi_reads_the_emulated_eventsub() -> None:
    interpreter = os.environ.get("TWITCHAPI_PYTHON")
    if not interpreter:
        pytest.skip("needs TWITCHAPI_PYTHON naming an interpreter that has twitchAPI")
    async with TwitchEmulator() as twitch:
        async with running(interpreter, "-c", TWITCHAPI, twitch.http_url, twitch.eventsub_url) as client:
            await client.says("subscribed")
            await twitch.notify("channel.chat.message", chat_event("before"))
            await client.says("message", "Ada", "before", "id of before")
            follower = {"user_id": "4200002", "user_login": "bo", "user_name": "Bo"}
            followed = {**follower, "broadcaster_user_id": "4100001", "followed_at": "2026-03-01T20:00:00.1Z"}
            await twitch.notify("channel.follow", followed, version="2")
            await client.says("follow", "Bo")
            old = twitch.sessions[0].socket
            await twitch.session_reconnect()
            await twitch.until(lambda: twitch.sessions[0].socket is not old)
            await twitch.notify("channel.chat.message", chat_event("after"))
            await client.says("message", "Ada", "after", "id of after")
        assert ("/oauth2/token", 200) in twitch.calls
