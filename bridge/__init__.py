"""live-event-bridge: live-room events from many platforms, delivered to a MetaStudio job."""

__version__ = "0.1.0"
