"""The operator's configuration: a directory with ``bridge.yaml`` and one file a room in ``rooms/``.

``load`` reads it whole or says everything that is wrong with it. Only ``app`` and ``cli`` import this package; what
they build is given the values it needs and never the configuration.
"""

from __future__ import annotations

from bridge.config.bridge_settings import BridgeSettings, Iam, Log, Memory, MetaStudio, Server, Spool
from bridge.config.loading import Config, load, load_bridge
from bridge.config.room_settings import Callbacks, Events, Pacing, Report, Review
from bridge.config.rooms import Room
from bridge.config.schema import schema
from bridge.config.sources import InstalledPlatforms, Source

__all__ = [
    "BridgeSettings",
    "Callbacks",
    "Config",
    "Events",
    "Iam",
    "InstalledPlatforms",
    "Log",
    "Memory",
    "MetaStudio",
    "Pacing",
    "Report",
    "Review",
    "Room",
    "Server",
    "Source",
    "Spool",
    "load",
    "load_bridge",
    "schema",
]
