"""Kick: official webhooks, or the site's own Pusher socket.

The webhooks bring comments, follows, subscriptions, gifts and the live's begin and end, signed with Kick's
RSA key. The socket brings the same without credentials, where nobody promised it to us. Viewer counts are
polled: from the official API with an app's credentials, else from the site's own page call.

Last checked against ``captures/kick``: a genuinely signed webhook, the documented bodies, socket frames of
October 2026. Observed in other clients' recordings: gifts, Kicks and subscriptions of the socket. Inferred:
that ``duration`` of a subscription counts the months so far. Prices of subscriptions are not told.
"""

from __future__ import annotations

from bridge.events import EventType
from bridge.sources.contract import Officialness, Platform
from bridge.sources.platforms.kick.lookup import locate
from bridge.sources.platforms.kick.offline import OfflineDecoder
from bridge.sources.platforms.kick.options import Options
from bridge.sources.platforms.kick.webhook import Receiver

PLATFORM = Platform(
    name="kick",
    title="Kick",
    route="official webhooks, or the site's Pusher socket",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.GIFT, EventType.FOLLOW, EventType.VIEWERS),
    options=Options,
    offline_decoder=OfflineDecoder,
    locate=locate,
    receiver=Receiver,
)
