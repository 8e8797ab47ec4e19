"""Interaction rules: which event the virtual human answers, and how."""

from __future__ import annotations

import math
from typing import Annotated, Any

from bridge.metastudio.models.base import Part
from bridge.metastudio.models.limits import REQUIRED, Items, chars, integer, one_of
from bridge.metastudio.models.report import ReviewConfig
from bridge.metastudio.models.scripts import LayerPosition, LayerSize

PlayType = Annotated[str, one_of("APPEND", "INSERT", "PLAY_NOW")]
_DisplaySecs = Annotated[int, integer(0, 3600)]
_Url = Annotated[str, chars(0, 2048)]


class InteractionConfig(Part):
    """How answers are put into the running script; the cloud's default is ``INSERT``."""

    play_type: PlayType | None = None
    ignore_current_sentence: bool | None = None


class HitConditionTag(Part):
    """A comparison with one field of the event's ``content``, named by its bare leaf name (``content``, ``level``)."""

    tag: Annotated[str, chars(0, 256)] | None = None
    operation: Annotated[str, one_of("SUM", "AVG", "COUNT", "NONE")] | None = None
    match: Annotated[str, one_of("EQUAL", "REGEX", "MATH_GT", "MATH_GE", "MATH_LT", "MATH_LE", "MATH_EQ")] | None = None
    value: Annotated[str, chars(0, 1024)] | None = None

    @classmethod
    def contradictions(cls, data: dict[str, Any]) -> list[tuple[str, str]]:
        """Ask for a number where numbers are compared."""
        match, value = data.get("match"), data.get("value")
        if not (isinstance(match, str) and match.startswith("MATH_") and isinstance(value, str)):
            return []
        try:
            finite = math.isfinite(float(value))
        except ValueError:
            finite = False
        return [] if finite else [("value", f"is no number: a number in a text, because {match} compares numbers")]


class HitCondition(Part):
    """When a rule answers; ``RESERVED`` is the answer when nothing else hit. A low priority number goes first."""

    relation: Annotated[str, one_of("AND", "OR", "RESERVED")] | None = None
    priority: Annotated[int, integer(0, 999)] | None = None
    tags: Annotated[list[HitConditionTag], Items(5, least=1)] | None = None


class ReplyAudio(Part):
    """A recorded answer."""

    audio_url: _Url | None = None
    audio_name: Annotated[str, chars(0, 256)] | None = None


class RuleImage(Part):
    """A picture shown with an answer."""

    image_url: Annotated[str, chars(0, 2048), REQUIRED] = ""
    display_duration: _DisplaySecs | None = None


class RuleVideo(Part):
    """A video shown with an answer."""

    video_url: Annotated[str, chars(0, 2048), REQUIRED] = ""
    video_cover_url: _Url | None = None
    display_duration: _DisplaySecs | None = None


class RuleText(Part):
    """A text shown with an answer; in a ``DYNAMIC`` one the cloud replaces keywords."""

    text_type: Annotated[str, one_of("DYNAMIC", "STATIC")] | None = None
    text_context: Annotated[str, chars(0, 1024)] | None = None
    font_name: Annotated[str, chars(0, 64)] | None = None
    font_size: Annotated[int, integer(0, 120)] | None = None
    font_color: Annotated[str, chars(0, 16)] | None = None
    display_duration: _DisplaySecs | None = None


class RuleLayer(Part):
    """What is laid over the picture while a rule answers."""

    layer_type: Annotated[str, one_of("IMAGE", "VIDEO", "TEXT"), REQUIRED] = ""
    asset_id: Annotated[str, chars(0, 64)] | None = None
    position: LayerPosition | None = None
    size: LayerSize | None = None
    image_config: RuleImage | None = None
    video_config: RuleVideo | None = None
    text_config: RuleText | None = None


class Trigger(Part):
    """The answer. ``time_window``: -1 once a show, 0 every time, else at most once in so many seconds."""

    time_window: Annotated[int, integer(-1, 7200)] | None = None
    reply_mode: (
        Annotated[
            str, one_of("SYSTEM_REPLY", "CALLBACK", "SYSTEM_REPLY_AND_CALLBACK", "SHOW_LAYER", "INTELLIGENT_REPLY")
        ]
        | None
    ) = None
    layer_config: RuleLayer | None = None
    extra_layer_config: RuleLayer | None = None
    reply_texts: Annotated[list[Annotated[str, chars(0, 1024)]], Items(5)] | None = None
    reply_audios: Annotated[list[ReplyAudio], Items(5)] | None = None
    reply_order: Annotated[str, one_of("RANDOM", "ORDER")] | None = None
    reply_role: Annotated[str, one_of("STREAMER", "CO_STREAMER")] | None = None
    robot_id: Annotated[str, chars(0, 64)] | None = None
    play_type: PlayType | None = None

    @classmethod
    def contradictions(cls, data: dict[str, Any]) -> list[tuple[str, str]]:
        """Ask which language model is to answer."""
        if data.get("reply_mode") == "INTELLIGENT_REPLY" and not data.get("robot_id"):
            return [("robot_id", "is missing: a text of 1 to 64 characters, because INTELLIGENT_REPLY asks that robot")]
        return []


class InteractionRule(Part):
    """One rule. ``event_type`` is that of the report call; 10 is preset wording."""

    rule_index: Annotated[str, chars(0, 64)] | None = None
    rule_name: Annotated[str, chars(0, 256)] | None = None
    enabled: bool | None = None
    event_type: Annotated[int, one_of(1, 2, 3, 4, 10)] | None = None
    hit_condition: HitCondition | None = None
    trigger: Trigger | None = None
    review_config: ReviewConfig | None = None
    group_id: Annotated[str, chars(1, 64)] | None = None
    group_name: Annotated[str, chars(1, 256)] | None = None
    enabled_scenes: Annotated[list[Annotated[str, chars(1, 256)]], Items(100)] | None = None
