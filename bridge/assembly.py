"""From the configuration to rooms: what each is made of, and how its parts are connected."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from bridge.clock import Clock
from bridge.config import BridgeSettings
from bridge.config import Callbacks as CallbackSettings
from bridge.config import Room as RoomConfig
from bridge.credential_guard import CredentialGuard
from bridge.events import EventType
from bridge.jobs import RoomJobFinder
from bridge.metastudio.account import Account, AccountOptions
from bridge.metastudio.callback_signature import CallbackVerifier
from bridge.metastudio.iam import IamUser
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.memory_guard import MemoryGuard
from bridge.outbox.money import Money
from bridge.outbox.outbox import Outbox
from bridge.outbox.paced_outbox import PacedOutbox
from bridge.outbox.pacing import ReplyPace
from bridge.outbox.policy import DEFAULT_POLICIES, Policies, TypePolicy
from bridge.outbox.spool import Spool
from bridge.report.destination import Destination
from bridge.report.limiter import CallLimiter
from bridge.report.post import HttpPoster
from bridge.report.reporter import Reporter, ReporterSettings
from bridge.report.url_store import UrlStore
from bridge.room import Room
from bridge.server.forwarder import Forwarder
from bridge.server.room_callbacks import RoomCallbacks
from bridge.sources.heirs import HeirStore
from bridge.sources.limiter import DialLimiter
from bridge.sources.push import PushSource
from bridge.sources.room_source import RoomSource
from bridge.sources.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Shared:
    """What all rooms of a process share."""

    settings: BridgeSettings
    clock: Clock
    spool: Spool
    poster: HttpPoster
    limiter: CallLimiter
    credentials: CredentialGuard
    guard: MemoryGuard
    account: Account | None


@dataclass(frozen=True, slots=True)
class BuiltRoom:
    """A room, and what stands beside it: its callbacks and the job query, where configured."""

    room: Room
    callbacks: RoomCallbacks | None
    finder: RoomJobFinder | None


class RoomBuilder:
    """Builds rooms around what they share."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._dial_limiter = DialLimiter()
        self._heirs = HeirStore(shared.settings.spool.directory)

    def build(self, config: RoomConfig) -> BuiltRoom:
        """Return the room that ``config`` describes, ready to take up what the spool holds."""
        shared = self._shared
        policies = policies_of(config)
        prices = config.gift_prices
        room = Room(
            config.name,
            policies=policies,
            admission=Admission(
                policies,
                PaidMessageForm(config.events.paid_message),
                Money(in_fen=config.events.gift_value_unit == "fen", prices=prices),
            ),
            outbox=self._outbox(config, policies),
            spool=shared.spool,
            guard=shared.guard,
            clock=shared.clock,
        )
        report = config.report
        by_url = bool(report.configured_url)
        finder = self._finder(config)
        room.destination = Destination(
            config.name,
            clock=self._shared.clock,
            store=UrlStore(self._shared.settings.spool.directory, config.name),
            credentials=shared.credentials,
            configured=(lambda: report.url().reveal()) if by_url else None,
            configured_in=report.url_origin if by_url else "",
            finder=finder,
            signer=shared.account.authenticator if shared.account and report.auth in ("signed", "token") else None,
            key_in_headers=report.auth == "headers",
        )
        room.reporter = Reporter(
            config.name,
            queue=room.outbox,
            ledger=room,
            destination=room.destination,
            poster=shared.poster,
            limiter=shared.limiter,
            clock=self._shared.clock,
            random=random.random,
            carrier=room.carrier,
            settings=ReporterSettings(
                max_batch_events=report.max_batch_events,
                max_batch_bytes=report.max_batch_bytes,
                min_interval_secs=report.min_interval_ms / 1000,
                no_need_review=report.review.no_need_review or None,
                app_user_id=report.app_user_id or self._shared.settings.metastudio.app_user_id,
            ),
        )
        self._add_sources(room, config)
        room.destination.start()
        callbacks = self._callbacks(room, config.callbacks) if config.callbacks is not None else None
        return BuiltRoom(room, callbacks, finder)

    def _outbox(self, config: RoomConfig, policies: Policies) -> Outbox:
        max_events = self._shared.settings.memory.max_pending_events_per_room
        if not config.pacing.enabled:
            return Outbox(policies, max_events=max_events)
        pace = ReplyPace(ahead=config.pacing.ahead)
        return PacedOutbox(policies, pace, is_paid=lambda pending: pending.paid, max_events=max_events)

    def _callbacks(self, room: Room, settings: CallbackSettings) -> RoomCallbacks:
        def reply_finished(now: float) -> None:
            if isinstance(room.outbox, PacedOutbox):
                room.outbox.pace.finished(now)
                room.reporter.wake()

        forwarder = None
        if settings.forward_url:
            forwarder = Forwarder(
                room.name,
                url=settings.forward_url,
                secret=settings.forward_secret,
                poster=self._shared.poster,
                clock=self._shared.clock,
                random=random.random,
            )
        return RoomCallbacks(
            room.name,
            verifier=CallbackVerifier(
                settings.auth_type,
                key=settings.key,
                url=settings.url.reveal(),
                token=settings.token,
                reading=settings.reading,
            ),
            job=room,
            clock=self._shared.clock,
            forwarder=forwarder,
            reply_finished=reply_finished,
        )

    def _finder(self, config: RoomConfig) -> RoomJobFinder | None:
        report, account = config.report, self._shared.account
        if account is None or not report.smart_live_room_id:
            return None
        built_url = ""
        if report.auth in ("signed", "token"):
            built_url = account.report_url_template(report.smart_live_room_id)
        return RoomJobFinder(account.client, report.smart_live_room_id, report.job_id, built_url=built_url)

    def _add_sources(self, room: Room, config: RoomConfig) -> None:
        for source_config in config.sources:
            platform = source_config.platform
            name = _free_name(source_config.name, room)
            source = RoomSource(
                name,
                platform.name,
                replays_history=platform.replays_history,
                credentials=source_config.initial.credential_names(),
            )
            source.supervisor = Supervisor(
                name,
                room.name,
                platform,
                options=source_config.options,
                sink=partial(room.take, source),
                clock=self._shared.clock,
                random=random.random,
                limiter=self._dial_limiter,
                heirs=self._heirs,
            )
            if platform.receiver is not None:
                source.push = PushSource(platform, source_config.options, self._shared.clock)
            room.sources[name] = source


def account_options(settings: BridgeSettings) -> AccountOptions:
    """Return what ``bridge.yaml`` says of the cloud account."""
    cloud = settings.metastudio
    iam = cloud.iam
    return AccountOptions(
        endpoint=cloud.base_url,
        project_id=cloud.project_id,
        access_key=cloud.access_key,
        secret_key=cloud.secret_key,
        security_token=cloud.security_token,
        token=cloud.token,
        iam_user=IamUser(iam.user, iam.password, iam.domain) if iam else None,
        iam_endpoint=cloud.iam_url,
        app_user_id=cloud.app_user_id,
    )


def policies_of(config: RoomConfig) -> Policies:
    """Return the default policies with what the room's ``events`` section changes."""
    events, given = config.events, DEFAULT_POLICIES
    return {
        EventType.COMMENT: _with(given[EventType.COMMENT], events.comment),
        EventType.GIFT: _with(given[EventType.GIFT], events.gift),
        EventType.FOLLOW: _with(given[EventType.FOLLOW], events.follow),
        EventType.JOIN: _with(given[EventType.JOIN], events.join, once_per_user_secs=events.join.once_per_user_secs),
        EventType.LIKE: _with(given[EventType.LIKE], events.like, once_per_user_secs=events.like.merge_secs),
        EventType.VIEWERS: _with(
            given[EventType.VIEWERS], events.viewers, min_interval_secs=events.viewers.min_interval_secs
        ),
    }


class _EventSettings(Protocol):
    @property
    def enabled(self) -> bool: ...

    @property
    def ttl_secs(self) -> float: ...


def _with(
    policy: TypePolicy, settings: _EventSettings, *, once_per_user_secs: float = 0.0, min_interval_secs: float = 0.0
) -> TypePolicy:
    return replace(
        policy,
        enabled=settings.enabled,
        ttl_secs=settings.ttl_secs,
        once_per_user_secs=once_per_user_secs,
        min_interval_secs=min_interval_secs,
    )


def _free_name(name: str, room: Room) -> str:
    number = 2
    free = name
    while free in room.sources:
        free = f"{name}#{number}"
        number += 1
    return free
