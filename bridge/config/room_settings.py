"""``rooms/*.yaml``: one live room. The file's name is the room's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr
from standardwebhooks import Webhook

from bridge.config.bridge_settings import Section
from bridge.config.values import AppUserId, CloudId, PathText, ReadingName, Real, SecretText, SecretWebUrl, Text, Whole
from bridge.secret import Secret

TtlSecs = Annotated[Real, Field(gt=0, le=86_400)]
WindowSecs = Annotated[Real, Field(ge=0, le=86_400)]
MAX_BATCH_BYTES = 900_000


def _webhook_secret(secret: Secret) -> Secret:
    """Ask the library that will sign with it: it has several errors of its own, some of which quote the secret."""
    if secret:
        try:
            Webhook(secret.reveal())
        except Exception:  # noqa: BLE001
            raise ValueError("is no Standard Webhooks secret: whsec_ and base64") from None
    return secret


WebhookSecret = Annotated[SecretText, AfterValidator(_webhook_secret)]


class Review(Section):
    """The cloud's review of what is reported."""

    no_need_review: bool = False
    """Whether the cloud skips its review: whitelisted tenants only."""


class Report(Section):
    """Where the room's events go: to a job's report URL, or to the newest job of a smart live room."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["smart_live_room_id"]}]}
    )

    configured_url: SecretWebUrl = Field(default_factory=Secret, alias="url")
    """A job's live_event_report_url, as copied. It is a credential; read anew whenever a newer one may have come."""
    smart_live_room_id: CloudId = ""
    """Instead of a URL: report to the newest running job of this room, and follow when a new one starts."""
    job_id: CloudId = ""
    """One certain job of that room."""
    auth: Literal["url", "headers", "signed", "token"] = "url"
    """How a report proves itself: by the URL's own key, by that key in headers, by AK/SK, or by an IAM token."""
    max_batch_events: Whole = Field(1000, ge=1, le=1000)
    """The most events in one call."""
    max_batch_bytes: Whole = Field(MAX_BATCH_BYTES, ge=20_000, le=MAX_BATCH_BYTES)
    """The longest body of one call."""
    min_interval_ms: Whole = Field(200, ge=0, le=60_000)
    """Time between the starts of two calls; a lone comment never waits for it."""
    review: Review = Review()
    """The cloud's review."""
    app_user_id: AppUserId = ""
    """X-App-UserId of this room's reports; empty: that of bridge.yaml."""

    _reread: Callable[[], Secret] | None = PrivateAttr(default=None)
    _origin: Callable[[], str] = PrivateAttr(default=str)

    def url(self) -> Secret:
        """Read the report URL anew from its file, its secret file or the environment.

        It is empty in a room that follows a smart live room. Raises ``ConfigError``.
        """
        return self.configured_url if self._reread is None else self._reread()

    @property
    def url_origin(self) -> str:
        """Which file (or variable) to change for another URL, in words for the operator."""
        return self._origin()

    def reading(self, reread: Callable[[], Secret], origin: Callable[[], str]) -> Self:
        """Return a copy that reads its URL by ``reread``."""
        copy = self.model_copy()
        copy._reread = reread  # noqa: SLF001 (its own copy)
        copy._origin = origin  # noqa: SLF001
        return copy


class Callbacks(Section):
    """MetaStudio's callbacks to ``POST /callbacks/{room}``; without this section they are refused."""

    auth_type: Literal["NONE", "MSS_A", "MSS_A_HEAD"] = "MSS_A_HEAD"
    """How the cloud signs them, as set in the cloud's room."""
    key: SecretText = Field(default_factory=Secret)
    """The key set in the cloud's room."""
    url: SecretWebUrl = Field(default_factory=Secret)
    """The callback URL exactly as configured in the cloud: it is what was signed."""
    reading: ReadingName = "auto"
    """auto, or one named reading of the signature, once the log has shown which one matches."""
    token: SecretText = Field(default_factory=Secret)
    """For NONE: the token that the URL must carry as ?token=…."""
    forward_url: SecretWebUrl = Field(default_factory=Secret)
    """Your own webhook, which gets every callback of the room's as a Standard Webhooks call."""
    forward_secret: WebhookSecret = Field(default_factory=Secret)
    """What those calls are signed with: whsec_ and base64."""


class Pacing(Section):
    """The closed loop: comments go as fast as the virtual human answers. It needs REPLY_COMMAND_FINISH callbacks."""

    enabled: bool = False
    """Whether comments wait for the virtual human, the newest first; gifts never do."""
    ahead: Whole = Field(1, ge=0, le=20)
    """How many comments may wait in the cloud behind the one that is being answered."""


class CommentEvents(Section):
    """Comments."""

    enabled: bool = True
    """Whether comments are reported."""
    ttl_secs: TtlSecs = 90.0
    """After how long a comment is too old to be answered."""


class JoinEvents(Section):
    """Viewers who enter."""

    enabled: bool = True
    """Whether joins are reported."""
    ttl_secs: TtlSecs = 20.0
    """After how long a welcome is too late."""
    once_per_user_secs: WindowSecs = 60.0
    """A viewer who enters again within this time is not reported again; 0: always reported."""


class LikeEvents(Section):
    """Likes."""

    enabled: bool = True
    """Whether likes are reported."""
    ttl_secs: TtlSecs = 15.0
    """After how long a like is stale."""
    merge_secs: WindowSecs = 1.0
    """Likes of one viewer within this time are one event; 0: each is one."""


class GiftEvents(Section):
    """Gifts."""

    enabled: bool = True
    """Whether gifts are reported."""
    ttl_secs: TtlSecs = 600.0
    """After how long thanks for a gift are too late."""


class FollowEvents(Section):
    """Follows: type 5, of which the cloud says that it is not used."""

    enabled: bool = False
    """Whether follows are reported."""
    ttl_secs: TtlSecs = 120.0
    """After how long a follow is stale."""


class ViewersEvents(Section):
    """Concurrent viewers."""

    enabled: bool = True
    """Whether viewer counts are reported."""
    ttl_secs: TtlSecs = 10.0
    """After how long a count is stale."""
    min_interval_secs: WindowSecs = 5.0
    """Time between two counts that are reported."""


class Events(Section):
    """What is reported of each kind of event, and how."""

    comment: CommentEvents = CommentEvents()
    """What is done with comments."""
    join: JoinEvents = JoinEvents()
    """What is done when a viewer enters."""
    like: LikeEvents = LikeEvents()
    """What is done with likes."""
    gift: GiftEvents = GiftEvents()
    """What is done with gifts."""
    follow: FollowEvents = FollowEvents()
    """What is done with follows."""
    viewers: ViewersEvents = ViewersEvents()
    """What is done with counts of concurrent viewers."""
    paid_message: Literal["comment", "gift", "both"] = "comment"
    """What a super chat becomes: the comment that it says, the gift that it is, or one of each."""
    gift_value_unit: Literal["platform", "fen"] = "platform"
    """Gift values in the platform's smallest public unit, or all converted to fen."""
    gift_prices: PathText | None = None
    """A YAML file with prices that platforms do not tell, in their smallest unit: one ``gift name: price`` a line."""


class RoomSettings(Section):
    """What a room's file says; its sources are checked by their platforms."""

    sources: list[dict[Text, Any]] = Field(min_length=1)
    """The connections to platforms that feed the room."""
    report: Report
    """Where the room's events go."""
    callbacks: Callbacks | None = None
    """MetaStudio's callbacks; without this section they are refused."""
    pacing: Pacing = Pacing()
    """The closed loop: comments go as fast as the virtual human answers."""
    events: Events = Events()
    """What is reported of each kind of event."""
