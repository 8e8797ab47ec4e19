"""A room that uses every field of the create call, with invented content."""

from __future__ import annotations

from typing import Any

import orjson

_LAYER_PLACE = {"position": {"dx": 10, "dy": -20, "layer_index": 2}, "size": {"width": 300, "height": 200}}

_ROOM: dict[str, Any] = {
    "room_name": "夜市 Night Market",
    "room_description": "Lamps and kettles",
    "room_type": "NORMAL",
    "scene_scripts": [
        {
            "script_id": "scene-1",
            "script_name": "kettles",
            "script_description": "first scene",
            "dh_id": "",
            "model_asset_id": "model-7",
            "voice_config": {"voice_asset_id": "voice-7", "speed": 110, "pitch": 100, "volume": 140},
            "background_config": [
                {
                    "background_type": "IMAGE",
                    "background_config": "https://assets.example.com/bg.png",
                    "background_color_config": "#20FFaa",
                    "background_asset_id": "bg-1",
                    "background_image_config": {"dx": 0, "dy": 0, "width": 1080, "height": 1920},
                    "background_title": "stall",
                    "background_cover_url": "https://assets.example.com/cover.png",
                    "human_position_2d": {"position_x": 1},
                    "human_size_2d": {"width": 2},
                }
            ],
            "layer_config": [
                {
                    "layer_type": "VIDEO",
                    "asset_id": "clip-1",
                    "group_id": "g1",
                    "sequence_no": 1,
                    **_LAYER_PLACE,
                    "rotation": {"angle": 90},
                    "image_config": {"image_url": "https://assets.example.com/a.png"},
                    "video_config": {
                        "video_url": "https://assets.example.com/a.mp4",
                        "video_cover_url": "https://assets.example.com/a.jpg",
                        "loop_count": -1,
                        "video_sound": 30,
                        "is_play_the_entire_video": True,
                    },
                    "text_config": {
                        "text_context": "aGVsbG8=",
                        "font_name": "HarmonyOS_Sans_SC_Black",
                        "font_size": 60,
                        "font_color": "#FFFFFF",
                    },
                }
            ],
            "shoot_scripts": [
                {
                    "sequence_no": 1,
                    "title": "opening",
                    "text_config": {"text": "Welcome to the night market"},
                    "audio_config": {
                        "asset_id": "a-1",
                        "audio_url": "https://assets.example.com/a.mp3",
                        "subtitle_url": "https://assets.example.com/a.srt",
                    },
                    "relation_product": {"product_id": "p-1", "product_title": "kettle"},
                }
            ],
        }
    ],
    "interaction_config": {"play_type": "INSERT", "ignore_current_sentence": False},
    "interaction_rules": [
        {
            "rule_index": "r-1",
            "rule_name": "price",
            "enabled": True,
            "event_type": 1,
            "hit_condition": {
                "relation": "AND",
                "priority": 10,
                "tags": [
                    {"tag": "content", "operation": "NONE", "match": "REGEX", "value": "price|cost"},
                    {"tag": "level", "operation": "SUM", "match": "MATH_GE", "value": "17"},
                ],
            },
            "trigger": {
                "time_window": 30,
                "reply_mode": "SYSTEM_REPLY_AND_CALLBACK",
                "layer_config": {
                    "layer_type": "IMAGE",
                    "asset_id": "i-1",
                    **_LAYER_PLACE,
                    "image_config": {"image_url": "https://assets.example.com/b.png", "display_duration": 5},
                },
                "extra_layer_config": {
                    "layer_type": "TEXT",
                    "video_config": {
                        "video_url": "https://assets.example.com/b.mp4",
                        "video_cover_url": "https://assets.example.com/b.jpg",
                        "display_duration": 9,
                    },
                    "text_config": {
                        "text_type": "DYNAMIC",
                        "text_context": "thanks",
                        "font_name": "fzyouh",
                        "font_size": 40,
                        "font_color": "#000000",
                        "display_duration": 3,
                    },
                },
                "reply_texts": ["Twelve", "Only twelve"],
                "reply_audios": [{"audio_url": "https://assets.example.com/c.mp3", "audio_name": "twelve"}],
                "reply_order": "RANDOM",
                "reply_role": "STREAMER",
                "robot_id": "robot-1",
                "play_type": "PLAY_NOW",
            },
            "review_config": {"no_need_review": False},
            "group_id": "group-1",
            "group_name": "prices",
            "enabled_scenes": ["kettles"],
        }
    ],
    "play_policy": {
        "repeat_count": -1,
        "auto_play_script": True,
        "play_mode": "TEXT",
        "random_play_mode": "SCENE",
        "need_independent_capture_client": False,
        "live_exit_config": {
            "max_live_duration": 12,
            "auto_stop_mode": "SEGMENT_END",
            "max_exception_waiting_duration": 3,
        },
        "is_rewrite_delay": False,
    },
    "video_config": {
        "clip_mode": "RESIZE",
        "codec": "H264",
        "bitrate": 3000,
        "width": 1080,
        "height": 1920,
        "frame_rate": "25",
        "is_subtitle_enable": False,
        "subtitle_config": {
            "dx": 1,
            "dy": 2,
            "h": 3,
            "w": 4,
            "font_name": "fzyouh",
            "font_size": 54,
            "font_color": "#FFFFFF",
            "stroke_color": "#000000",
            "stroke_thickness": 1.5,
            "opacity": 1,
        },
        "dx": 0,
        "dy": 0,
        "is_enable_super_resolution": False,
        "is_end_at_first_frame": False,
        "output_external_url": "https://assets.example.com/out.mp4?sig=out-secret",
        "is_vocabulary_config_enable": False,
    },
    "output_urls": ["rtmp://push.example.com/live/push-secret"],
    "stream_keys": ["stream-secret"],
    "backup_model_asset_ids": ["model-8"],
    "live_event_callback_config": {
        "live_event_type_callback_url": "https://bridge.example.com/callbacks/night?token=url-secret",
        "auth_type": "MSS_A_HEAD",
        "key": "callback-secret",
        "callback_event_type": ["SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH"],
        "is_inheritance_platform_callback": False,
    },
    "rtc_callback_config": {"rtc_callback_event_type": ["LIVE_PROGRESS", "REPLY_COMMAND_FINISH"]},
    "review_config": {"no_need_review": True},
    "shared_config": {
        "shared_type": "SHARED",
        "shared_state": "DRAFT",
        "expire_time": "2031-01-10T08:43:17Z",
        "allowed_project_ids": ["p-2"],
    },
    "view_mode": "VERTICAL",
    "co_streamer_config": {"voice_config": {"voice_asset_id": "voice-8"}, "streamer_action": "VOLUME_DOWN"},
    "priv_data": "ours",
    "relation_live_platform_info": {"platform_id": "plat-1", "live_id": "live_1-A"},
}


def room() -> dict[str, Any]:
    """Return a copy of the room."""
    data: dict[str, Any] = orjson.loads(orjson.dumps(_ROOM))
    return data


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the room with one value replaced; ``path`` is written like ``scene_scripts.0.voice_config``."""
    data = room()
    *steps, last = path.split(".")
    here: Any = data
    for step in steps:
        here = here[int(step) if step.isdigit() else step]
    here[int(last) if last.isdigit() else last] = value
    return data
