"""The report call: what the sandbox checks and answers. The bridge's own bodies are made in ``bridge.report``."""

from __future__ import annotations

from typing import Annotated

from bridge.events import MAX_TIMESTAMP_MS
from bridge.metastudio.models.base import Part, SecretUrl
from bridge.metastudio.models.limits import REQUIRED, Items, chars, integer

MAX_EVENTS = 1000


class ReviewConfig(Part):
    """Content review, which whitelisted tenants may switch off."""

    no_need_review: bool | None = None


class ReportedEvent(Part):
    """One event; ``content`` is JSON text in itself."""

    timestamp: Annotated[int, integer(0, MAX_TIMESTAMP_MS), REQUIRED] = 0
    type: Annotated[int, integer(0, 100)] | None = None
    content: Annotated[str, chars(0, 4096)] | None = None


class ReportRequest(Part):
    """The body of a report."""

    total: Annotated[int, integer(1, MAX_EVENTS), REQUIRED] = 0
    events: Annotated[list[ReportedEvent], Items(MAX_EVENTS, least=1)] | None = None
    review_config: ReviewConfig | None = None


class ReportAnswer(Part):
    """The answer; whether the URL is present when no refresh was asked for is not documented."""

    live_event_report_url: SecretUrl | None = None
