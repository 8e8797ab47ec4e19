"""The invented people of a simulated Bilibili room, and how its messages show them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

CDN = "https://i0.hdslb.com/bfs"


@dataclass(frozen=True, slots=True)
class Medal:
    """A fan medal and the anchor whose it is."""

    name: str
    level: int
    anchor_uid: int
    anchor_name: str = ""
    room_id: int = 0


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer. Guests are shown everybody as uid 0 with a name like ``林***``."""

    uid: int
    name: str
    level: int = 0
    wealth: int = 0
    medal: Medal | None = None
    guard_level: int = 0


def hex_id(*parts: object, chars: int) -> str:
    """Return hexadecimal digits that only these parts give."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:chars]


def number(*parts: object) -> int:
    """Return a number of nine digits that only these parts give."""
    return int(hex_id(*parts, chars=12), 16) % 900_000_000 + 100_000_000


def face(viewer: Viewer) -> str:
    """Return the address of a viewer's picture, which does not exist."""
    return f"{CDN}/face/{hex_id(viewer.uid, viewer.name, chars=40)}.jpg"


def base_info(viewer: Viewer) -> dict[str, Any]:
    """Return name and picture as newer messages carry them."""
    plain = {"face": face(viewer), "name": viewer.name}
    return {
        **plain,
        "is_mystery": False,
        "name_color": 0,
        "name_color_str": "",
        "official_info": {"desc": "", "role": 0, "title": "", "type": -1},
        "origin_info": plain,
        "risk_ctrl_info": None,
    }


def user_info(viewer: Viewer) -> dict[str, Any]:
    """Return the ``uinfo`` object of newer messages."""
    worn = viewer.medal
    medal = worn and {
        "color": 1725515,
        "color_border": 6809855,
        "color_end": 5414290,
        "color_start": 1725515,
        "guard_icon": "",
        "guard_level": viewer.guard_level,
        "honor_icon": "",
        "id": number("medal", worn.anchor_uid),
        "is_light": 1,
        "level": worn.level,
        "name": worn.name,
        "ruid": worn.anchor_uid,
        "score": worn.level * 1000,
        "typ": 0,
        "user_receive_count": 0,
        "v2_medal_color_border": "#58A1F8",
        "v2_medal_color_end": "#4775EFCC",
        "v2_medal_color_level": "#000B7099",
        "v2_medal_color_start": "#4775EFCC",
        "v2_medal_color_text": "#FFFFFF",
    }
    return {
        "anon": None,
        "base": base_info(viewer),
        "guard": {"expired_str": "", "level": viewer.guard_level} if viewer.guard_level else None,
        "guard_leader": None,
        "medal": medal,
        "title": {"old_title_css_id": "", "title_css_id": ""},
        "uhead_frame": None,
        "uid": viewer.uid,
        "wealth": {"dm_icon_key": "", "level": viewer.wealth},
    }


def medal_info(viewer: Viewer) -> dict[str, Any]:
    """Return the medal as older messages carry it; whoever wears none has one of level 0 without a name."""
    medal = viewer.medal
    return {
        "anchor_roomid": medal.room_id if medal else 0,
        "anchor_uname": medal.anchor_name if medal else "",
        "guard_level": viewer.guard_level,
        "icon_id": 0,
        "is_lighted": int(medal is not None),
        "medal_color": 1725515,
        "medal_color_border": 6809855,
        "medal_color_end": 5414290,
        "medal_color_start": 1725515,
        "medal_level": medal.level if medal else 0,
        "medal_name": medal.name if medal else "",
        "score": 0,
        "special": "",
        "target_id": medal.anchor_uid if medal else 0,
    }
