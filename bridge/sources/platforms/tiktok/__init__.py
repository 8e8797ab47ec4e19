"""TikTok LIVE: the web page's own socket, which nobody documents.

A handle is looked up, a signer vouches for the first call and answers with the socket's address, and
the socket pushes protobuf frames (gzip) that we acknowledge. Without a signer the socket is tried
unsigned, which TikTok tolerates from some addresses. Each connection costs one signature, so there is one
connection and no second try with the same address.

A new socket begins with what was said before it. What is marked as history is passed over.

Last checked against ``captures/tiktok`` (payloads of 2023). Observed: all field numbers, streaks, badges,
the viewer total. Read in other clients: the frame around the payloads, greeting, heartbeat,
acknowledgement, the unsigned socket. Inferred: that a pack (``group_count``) multiplies the count.
"""

from __future__ import annotations

from bridge.events import EventType
from bridge.sources.contract import Officialness, Platform
from bridge.sources.platforms.tiktok.connection import OfflineDecoder
from bridge.sources.platforms.tiktok.lookup import locate
from bridge.sources.platforms.tiktok.options import Options

PLATFORM = Platform(
    name="tiktok",
    title="TikTok LIVE",
    route="webcast socket (protobuf), signed by your signer",
    officialness=Officialness.EXPERIMENTAL,
    event_types=(
        EventType.COMMENT,
        EventType.JOIN,
        EventType.LIKE,
        EventType.GIFT,
        EventType.FOLLOW,
        EventType.VIEWERS,
    ),
    options=Options,
    offline_decoder=lambda _options: OfflineDecoder(),
    locate=locate,
    replays_history=True,
)
