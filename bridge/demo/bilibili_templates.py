"""The parts of a simulated Bilibili room's messages that are always the same."""

from __future__ import annotations

from typing import Any

import orjson

EXTRA: dict[str, Any] = orjson.loads("""{
    "send_from_me": false, "master_player_hidden": false, "mode": 0, "color": 16777215, "dm_type": 0,
    "font_size": 25, "player_mode": 1, "show_player_type": 0, "content": "", "user_hash": "", "emoticon_unique": "",
    "bulge_display": 0, "recommend_score": 0, "dm_score": 0, "chronos_force_display": 0, "main_state_dm_color": "",
    "objective_state_dm_color": "", "direction": 0, "pk_direction": 0, "quartet_direction": 0, "anniversary_crowd": 0,
    "yeah_space_type": "", "yeah_space_url": "", "jump_to_url": "", "space_type": "", "space_url": "",
    "animation": {}, "emots": null, "is_audited": false, "id_str": "", "icon": null, "show_reply": true,
    "reply_mid": 0, "reply_uname": "", "reply_uname_color": "", "reply_is_mystery": false, "reply_type_enum": 0,
    "hit_combo": 0, "esports_jump_url": "", "is_mirror": false, "is_collaboration_member": false,
    "card": {"card_type": 0, "oid_str": "", "oid_str_1": "", "share_id": "", "from": "", "card_content": null},
    "voice": null, "background_type": 0
}""")

GIFT: dict[str, Any] = orjson.loads("""{
    "action": "赠送", "bag_gift": null, "beatId": "", "benefits": null, "biz_source": "live", "blind_gift": null,
    "broadcast_id": 0, "combo_resources_id": 1, "combo_stay_time": 5, "crit_prob": 0, "demarcation": 1,
    "dmscore": 112, "draw": 0, "effect": 0, "effect_block": 0, "effect_config": null, "face_effect": [],
    "face_effect_id": 0, "face_effect_type": 0, "float_sc_resource_id": 0, "giftType": 0, "gift_tag": [], "gold": 0,
    "group_medal": null, "is_first": true, "is_join_receiver": false, "is_naming": false, "is_special_batch": 0,
    "magnification": 1, "name_color": "", "original_gift_name": "", "rcost": 1000000,
    "receive_user_info": {"uid": 1, "uname": "主播"}, "remain": 0, "send_master": null, "silver": 0, "super": 0,
    "super_batch_gift_num": 1, "super_gift_num": 1, "svga_block": 0, "switch": true, "tag_image": "", "top_list": null
}""")

SUPER_CHAT: dict[str, Any] = orjson.loads("""{
    "background_bottom_color": "#2A60B2", "background_color": "#EDF5FF", "background_color_end": "#405D85",
    "background_color_start": "#3171D2", "background_icon": "", "background_image": "",
    "background_price_color": "#7497CD", "color_point": 0.7, "dmscore": 120,
    "gift": {"gift_id": 12000, "gift_name": "醒目留言", "num": 1},
    "group_medal": {"is_lighted": 0, "medal_id": 0, "name": ""}, "is_mystery": false, "is_ranked": 1,
    "is_send_audit": 0, "message_font_color": "#A3F6FF", "message_trans": "", "rate": 1000, "time": 60, "trans_mark": 0
}""")
