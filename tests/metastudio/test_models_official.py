"""The models beside those of the official SDK, where that is installed: none of its fields may be unknown to us."""

from __future__ import annotations

import importlib

import pytest

from bridge.metastudio.models import (
    JobList,
    JobStarted,
    ReportRequest,
    RoomList,
    RoomRequest,
    SmartLiveJob,
    SmartLiveRoom,
    SmartLiveRoomSummary,
    StartJobRequest,
    callbacks,
    interaction,
    jobs,
    report,
    rooms,
    scripts,
)
from bridge.metastudio.models.base import ErrorInfo, Part

SDK_MODELS: dict[str, type[Part]] = {
    "CreateSmartLiveRoomReq": RoomRequest,
    "LiveVideoScriptInfo": scripts.SceneScript,
    "VoiceConfig": scripts.VoiceConfig,
    "BackgroundConfigInfo": scripts.BackgroundConfig,
    "BackgroundImageConfig": scripts.BackgroundImageConfig,
    "LayerConfig": scripts.Layer,
    "LayerPositionConfig": scripts.LayerPosition,
    "LayerSizeConfig": scripts.LayerSize,
    "LayerRotationConfig": scripts.LayerRotation,
    "ImageLayerConfig": scripts.ImageLayer,
    "VideoLayerConfig": scripts.VideoLayer,
    "TextLayerConfig": scripts.TextLayer,
    "LiveShootScriptItem": scripts.ShootScript,
    "TextConfig": scripts.TextConfig,
    "LiveAudioConfig": scripts.AudioConfig,
    "RelationProductInfo": scripts.RelationProduct,
    "LiveRoomInteractionConfig": interaction.InteractionConfig,
    "LiveRoomInteractionRuleInfo": interaction.InteractionRule,
    "HitCondition": interaction.HitCondition,
    "HitConditionTag": interaction.HitConditionTag,
    "TriggerProcess": interaction.Trigger,
    "ReplyAudioInfo": interaction.ReplyAudio,
    "SmartLayerConfig": interaction.RuleLayer,
    "SmartImageLayerConfig": interaction.RuleImage,
    "SmartVideoLayerConfig": interaction.RuleVideo,
    "SmartTextLayerConfig": interaction.RuleText,
    "PlayPolicy": rooms.PlayPolicy,
    "LiveExitConfig": rooms.LiveExitConfig,
    "VideoConfig": rooms.VideoConfig,
    "SubtitleConfig": rooms.SubtitleConfig,
    "SharedConfig": rooms.SharedConfig,
    "CoStreamerConfig": rooms.CoStreamerConfig,
    "PlatformLiveInfo": rooms.LivePlatformInfo,
    "PlatformLiveDetailInfo": jobs.JobPlatformInfo,
    "LiveRoomEventCallBackConfig": callbacks.RoomEventCallbackConfig,
    "LiveEventCallBackConfig": callbacks.LiveEventCallbackConfig,
    "RTCLiveEventCallBackConfig": callbacks.RtcCallbackConfig,
    "ShowSmartLiveRoomResponse": SmartLiveRoom,
    "SmartLiveRoomBaseInfo": SmartLiveRoomSummary,
    "ModelInfo": rooms.ModelInfo,
    "ListSmartLiveRoomsResponse": RoomList,
    "StartSmartLiveReq": StartJobRequest,
    "StartSmartLiveResponse": JobStarted,
    "LiveJobRunConfig": jobs.JobRunConfig,
    "LiveWarningItem": jobs.LiveWarning,
    "SmartLiveJob": SmartLiveJob,
    "ListSmartLiveResponse": JobList,
    "LiveJobLog": jobs.JobLog,
    "RTCRoomInfoList": jobs.RtcRoomInfo,
    "RTCUserInfo": jobs.RtcUser,
    "ErrorResponse": ErrorInfo,
    "ReportLiveEventReq": ReportRequest,
    "LiveEvent": report.ReportedEvent,
    "LiveEventReportResponse": report.ReportAnswer,
    "ReviewConfig": report.ReviewConfig,
}


def test_every_field_of_the_official_sdk_is_known() -> None:
    pytest.importorskip("huaweicloudsdkmetastudio")
    official = importlib.import_module("huaweicloudsdkmetastudio.v1")
    unknown = {
        name: set(getattr(official, name).openapi_types) - {"x_request_id"} - set(model.model_fields)
        for name, model in SDK_MODELS.items()
    }
    assert {name: fields for name, fields in unknown.items() if fields} == {}
