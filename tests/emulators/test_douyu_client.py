"""A client that we did not write reads the emulated chat socket too. It runs only where it is installed:

``DOUYUDM_MODULES`` names a ``node_modules`` folder with douyudm 2.0.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.emulators.douyu import DouyuEmulator, message
from tests.emulators.test_twitch_clients import running

DOUYUDM = """
process.chdir(process.argv[3]);  // the client keeps a file a room where it stands
const { client } = require("douyudm");
const say = (...what) => process.stdout.write(JSON.stringify(what) + "\\n");
console.log = () => {};
const room = new client("9001", { debug: false, ignore: [] });
room.on("loginres", () => say("logged in"));
room.on("chatmsg", ({ nn, txt, level }) => say("comment", nn, txt, level));
room.on("dgb", ({ nn, gfid, gfcnt, hits }) => say("gift", nn, gfid, gfcnt, hits));
room.on("uenter", ({ nn }) => say("join", nn));
room.run(process.argv[2]);
"""


@pytest.mark.slow
async def test_douyudm_reads_the_emulated_room(tmp_path: Path) -> None:
    node, modules = shutil.which("node"), os.environ.get("DOUYUDM_MODULES")
    if not (node and modules):
        pytest.skip("needs node, and DOUYUDM_MODULES naming a node_modules folder with douyudm")
    script = tmp_path / "client.js"
    script.write_text(DOUYUDM)
    async with DouyuEmulator() as douyu:
        async with running(node, str(script), douyu.ws_url, str(tmp_path), env={"NODE_PATH": modules}) as client:
            await client.says("logged in")
            session = await douyu.session()
            await session.say(message(type="chatmsg", rid=9001, uid=8, nn="岚/燕", txt="1@2/3", level=5))
            await client.says("comment", "岚/燕", "1@2/3", "5")
            await session.say_together(
                message(type="dgb", uid=7, nn="燕", gfid=824, gfcnt=3, hits=9),
                message(type="uenter", nn="贵", level=40),
            )
            await client.says("gift", "燕", "824", "3", "9")
            await client.says("join", "贵")
        assert session.groups == [("9001", "-9999")]
        assert douyu.violations == []
