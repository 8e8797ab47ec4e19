"""A local MetaStudio that behaves, and misbehaves on command, like the cloud."""

from __future__ import annotations

from bridge.sandbox.ledger import AcceptedEvent
from bridge.sandbox.server import Sandbox

__all__ = ["AcceptedEvent", "Sandbox"]
