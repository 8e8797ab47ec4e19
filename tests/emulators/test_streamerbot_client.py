"""The hub's own client library is satisfied with the emulator too. It runs only where it is installed:

``STREAMERBOT_MODULES`` names a ``node_modules`` folder with @streamerbot/client 1.12.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.emulators.streamerbot import StreamerbotEmulator
from tests.emulators.test_twitch_clients import running

PASSWORD = "hunter2"

CLIENT = """
const { StreamerbotClient } = require(process.argv[4] + "/@streamerbot/client");
const say = (...what) => console.log(JSON.stringify(what));
const client = new StreamerbotClient({
  host: "127.0.0.1", port: Number(process.argv[2]), endpoint: "/", password: process.argv[3],
  immediate: true, autoReconnect: false, logLevel: "none",
  subscribe: { Twitch: ["ChatMessage", "Follow"] },
  onConnect: (info) => say("connected", info.version),
  onError: (error) => say("error"),
});
client.on("Twitch.ChatMessage", ({ event, data }) => say("message", event.type, data.user.name, data.text));
client.on("Twitch.Follow", ({ data }) => say("follow", data.user_name));
setTimeout(() => {}, 60000);
"""


@pytest.mark.slow
@pytest.mark.parametrize("password", ["", PASSWORD])
async def test_the_vendors_client_reads_the_emulated_hub(tmp_path: Path, password: str) -> None:
    node, modules = shutil.which("node"), os.environ.get("STREAMERBOT_MODULES")
    if not (node and modules):
        pytest.skip("needs node, and STREAMERBOT_MODULES naming a node_modules folder with @streamerbot/client")
    script = tmp_path / "client.cjs"
    script.write_text(CLIENT)
    async with StreamerbotEmulator(password) as hub:
        port = hub.ws_url.rstrip("/").rpartition(":")[2]
        async with running(node, str(script), port, password, modules) as client:
            await client.says("connected", "1.0.1")
            await hub.listening()
            await hub.say("hello")
            await client.says("message", "ChatMessage", "Fern", "hello")
            await hub.happened("Twitch.Follow", {"user_id": "78", "user_login": "moss", "user_name": "Moss"})
            await client.says("follow", "Moss")
