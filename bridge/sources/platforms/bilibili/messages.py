"""The messages of a room: one table from command to decode function, and the commands that yield nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from bridge.errors import DecodeError
from bridge.events import Comment, Content, Follow, Join, Like, User, Viewers
from bridge.sources.codecs.bilibili_pb2 import InteractWord
from bridge.sources.codecs.bilibili_socket import Findings
from bridge.sources.codecs.results import MAX_NAME_CHARS
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import (
    identifier,
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_text,
    sequence,
    text,
)
from bridge.sources.platforms.bilibili import money
from bridge.sources.platforms.bilibili.values import medal_worn, message_id, read_protobuf, viewer

_ID_MARK = '"id_str":"'
_MIRROR_MARK = '"is_mirror":true'
"""In the JSON text ``extra`` no viewer's words can look like these: their quotes are escaped there."""

_MODE_COMPOSED = 7
"""``info[0][1]`` of a danmaku whose text is a drawing instruction: the site's own effect when many say the same."""

_ENTERED, _FOLLOWED, _SHARED, _FOLLOWED_SPECIALLY, _FOLLOWED_MUTUALLY, _LIKED = range(1, 7)
"""``msg_type`` of both INTERACT_WORD forms."""


def read_message(message: Any, found: Findings) -> None:
    """Read one command body and add what it yields; never raises."""
    name = ""
    try:
        name = text(message, "cmd")
        if ":" in name:
            name = name.partition(":")[0]
        read = MESSAGES.get(name)
        if read is not None:
            read(message, found)
        elif name in IGNORED:
            found.ignored.append(name)
        else:
            found.unknown.append(name[:MAX_NAME_CHARS])
    except DecodeError as error:
        if type(message) is dict and "cmd" not in message:
            _read_nameless(message, found)
            return
        found.rejected.append(error.within(name) if name else error)


def _read_nameless(message: dict[str, Any], found: Findings) -> None:
    """Sort a message without ``cmd``: one kind, which every room is sent every few minutes, tells when to refresh what."""
    if "scatter" in message:
        found.ignored.append("scatter")
    else:
        found.unknown.append("(no cmd)")


def danmu(message: dict[str, Any], found: Findings) -> None:
    """``DANMU_MSG``: a comment, as an array whose places have fixed meanings.

    An emoticon has its name as text. The level is the user level, or where the site no longer
    tells that (0) the wealth level. The anchor's own comments have an empty medal.
    """
    info = sequence(message, "info")
    head = sequence(info, 0, "info")
    words = text(info, 1, "info")
    sender = sequence(info, 2, "info")
    if len(head) > 9 and (head[9] not in (0, "0", None) or head[1] == _MODE_COMPOSED):
        found.ignored.append("DANMU_MSG not typed")
        return
    extra = head[15].get("extra") if len(head) > 15 and type(head[15]) is dict else None
    event_id = ""
    if type(extra) is str:
        if _MIRROR_MARK in extra:
            found.ignored.append("DANMU_MSG of another room")
            return
        event_id = _id_in(extra)
    level = optional_integer(info[4], 0) if len(info) > 4 else 0
    if not level and len(info) > 16:
        level = optional_integer(info[16], 0)
    medal = info[3] if len(info) > 3 else None
    badge = optional_text(medal, 1) if medal else ""
    user = viewer(
        identifier(sender, 0, "info[2]"),
        optional_text(sender, 1),
        level,
        badge,
        optional_integer(medal, 0) if badge else 0,
    )
    timestamp = optional_integer(head, 4) or optional_integer(message, "send_time")
    found.event(Comment(user, words), timestamp, event_id or message_id(message))


def _id_in(extra: str) -> str:
    """Return ``id_str`` of a danmaku's ``extra``. Parsing its whole JSON would cost more than all the rest."""
    start = extra.find(_ID_MARK)
    if start < 0:
        if '"id_str"' not in extra:
            return ""
        try:
            return optional_text(orjson.loads(extra), "id_str")
        except orjson.JSONDecodeError:
            return ""
    start += len(_ID_MARK)
    return extra[start : extra.find('"', start)]


def interact_word(message: dict[str, Any], found: Findings) -> None:
    """``INTERACT_WORD``: somebody entered, followed, shared or liked; the older form."""
    data = mapping(message, "data")
    uid = identifier(data, "uid", "data")
    user = viewer(
        uid, optional_text(data, "uname"), _wealth_level(data), *medal_worn(optional_mapping(data, "fans_medal"))
    )
    kind = integer(data, "msg_type", "data")
    _interaction(
        kind,
        user,
        optional_integer(data, "timestamp"),
        message_id(message) or _interaction_id(uid, optional_integer(data, "trigger_time"), kind),
        found,
    )


def interact_word_v2(message: dict[str, Any], found: Findings) -> None:
    """``INTERACT_WORD_V2``: the same as protobuf, today's form."""
    word = InteractWord()
    read_protobuf(message, word)
    uid, kind, medal = str(word.uid), word.msg_type, word.fans_medal
    badge = medal.name
    user = viewer(uid, word.name, word.user.wealth.level, badge, medal.level if badge else 0)
    _interaction(
        kind,
        user,
        word.timestamp_secs,
        message_id(message) or _interaction_id(uid, word.trigger_time_ns, kind),
        found,
    )


def _interaction(kind: int, user: User, timestamp_secs: int, event_id: str, found: Findings) -> None:
    content: Content
    if kind == _ENTERED:
        content = Join(user)
    elif kind in (_FOLLOWED, _FOLLOWED_SPECIALLY, _FOLLOWED_MUTUALLY):
        content = Follow(user)
    elif kind == _LIKED:
        content = Like(user)
    elif kind == _SHARED:
        found.ignored.append("INTERACT_WORD share")
        return
    else:
        found.unknown.append(f"INTERACT_WORD msg_type {kind}" if 0 <= kind < 100 else "INTERACT_WORD msg_type")
        return
    found.event(content, timestamp_secs, event_id)


def _interaction_id(uid: str, trigger_time_ns: int, kind: int) -> str:
    """Return an id for the messages whose envelope has none: nobody does a thing twice in one nanosecond."""
    return f"interact:{uid}:{kind}:{trigger_time_ns}" if trigger_time_ns else ""


def _wealth_level(data: dict[str, Any]) -> int:
    return optional_integer(optional_mapping(optional_mapping(data, "uinfo"), "wealth"), "level")


def like_click(message: dict[str, Any], found: Findings) -> None:
    """``LIKE_INFO_V3_CLICK``: a viewer liked, some times; the message says neither how often nor when."""
    data = mapping(message, "data")
    user = viewer(
        identifier(data, "uid", "data"),
        optional_text(data, "uname"),
        _wealth_level(data),
        *medal_worn(optional_mapping(data, "fans_medal")),
    )
    found.event(Like(user), optional_integer(message, "send_time"), message_id(message))


def online_rank_count(message: dict[str, Any], found: Findings) -> None:
    """``ONLINE_RANK_COUNT``: viewers now.

    ``count`` alone, as sent until 2024, is those of them who do something: concurrent too, but fewer.
    """
    data = mapping(message, "data")
    count = integer(data, "online_count" if data.get("online_count") is not None else "count", "data")
    if count < 0:
        raise DecodeError("data", f"counts {count} viewers")
    found.event(Viewers(count), optional_integer(message, "send_time"), message_id(message))


def live(message: dict[str, Any], found: Findings) -> None:
    """``LIVE``: the broadcast began. It is repeated without ``live_time`` when the picture comes, also after a break."""
    if "live_key" in message and not optional_integer(message, "live_time"):
        found.ignored.append("LIVE repeated")
    else:
        found.notices.append(Notice(NoticeKind.LIVE))


def preparing(message: dict[str, Any], found: Findings) -> None:
    """Tell the end (``PREPARING``); with ``round`` the room goes on with recordings."""
    follows = ", recordings follow" if optional_integer(message, "round") else ""
    found.notices.append(Notice(NoticeKind.ENDED, f"the broadcast is over{follows}"))


def cut_off(message: dict[str, Any], found: Findings) -> None:
    """``CUT_OFF`` and ``_V2``: Bilibili ended the broadcast. ``PREPARING`` usually comes as well."""
    reason = optional_text(message, "msg")
    found.notices.append(Notice(NoticeKind.ENDED, f"Bilibili cut the broadcast off{': ' if reason else ''}{reason}"))


def room_lock(message: dict[str, Any], found: Findings) -> None:
    """``ROOM_LOCK``: the room is closed by Bilibili until ``expire``."""
    found.notices.append(
        Notice(
            NoticeKind.ENDED, f"Bilibili locked the room until {optional_text(message, 'expire') or 'further notice'}"
        )
    )


def log_in_notice(_message: dict[str, Any], found: Findings) -> None:
    """``LOG_IN_NOTICE``: from here on we are shown what guests are shown."""
    found.notices.append(Notice(NoticeKind.CREDENTIAL_WEAK, GUEST_WARNING))


GUEST_WARNING = (
    "cookie: Bilibili takes us for a guest, masks names and withholds most events: "
    "set the cookie of a logged-in account, or renew it"
)

MESSAGES: dict[str, Callable[[dict[str, Any], Findings], None]] = {
    "DANMU_MSG": danmu,
    "INTERACT_WORD": interact_word,
    "INTERACT_WORD_V2": interact_word_v2,
    "LIKE_INFO_V3_CLICK": like_click,
    "SEND_GIFT": money.send_gift,
    "SEND_GIFT_V2": money.send_gift_v2,
    "GUARD_BUY": money.guard_buy,
    "USER_TOAST_MSG": money.user_toast,
    "USER_TOAST_MSG_V2": money.user_toast_v2,
    "SUPER_CHAT_MESSAGE": money.super_chat,
    "SUPER_CHAT_MESSAGE_JPN": money.super_chat,
    "ONLINE_RANK_COUNT": online_rank_count,
    "LIVE": live,
    "PREPARING": preparing,
    "CUT_OFF": cut_off,
    "CUT_OFF_V2": cut_off,
    "ROOM_LOCK": room_lock,
    "LOG_IN_NOTICE": log_in_notice,
}

# What an event told already: summaries of combos and likes, effects of an entrance, banners of a gift.
# What is no event: totals, ranks, lotteries, battles, voice, shop, games, moderation, decoration.
IGNORED = frozenset(
    """
    COMBO_SEND COMBO_END BATCH_COMBO_SEND GIFT_COMBO NOTICE_MSG NOTICE_MSG_H5 ENTRY_EFFECT ENTRY_EFFECT_MUST_RECEIVE
    LIKE_INFO_V3_UPDATE LIKE_INFO_V3_NOTICE LIKE_GUIDE_USER LIKE_SO_HOT DM_INTERACTION DANMU_AGGREGATION
    DANMU_MSG_MIRROR SUPER_CHAT_MESSAGE_DELETE SUPER_CHAT_ENTRANCE SUPER_CHAT_AUDIT RECALL_DANMU_MSG WATCHED_CHANGE
    ROOM_REAL_TIME_MESSAGE_UPDATE ROOM_REAL_TIME_MESSAGE_UPDATE_V2 ONLINE_RANK_V2 ONLINE_RANK_V3 ONLINE_RANK_TOP3
    ONLINERANK RANK_CHANGED RANK_CHANGED_V2 RANK_REM AREA_RANK_CHANGED HOT_RANK_CHANGED HOT_RANK_CHANGED_V2
    HOT_RANK_SETTLEMENT HOT_RANK_SETTLEMENT_V2 HOT_ROOM_NOTIFY POPULAR_RANK_CHANGED POPULAR_RANK_GUIDE_CARD
    POPULARITY_RANK_TAB_CHG ROOM_RANK HOUR_RANK_AWARDS hour_rank_awards BOX_LOTTERY
    ACTIVITY_BANNER_CHANGE ACTIVITY_BANNER_CHANGE_V2 ACTIVITY_BANNER_CLOSE ACTIVITY_BANNER_RED_NOTICE
    ACTIVITY_BANNER_RED_NOTICE_CLOSE ACTIVITY_BANNER_UPDATE ACTIVITY_BANNER_UPDATE_V2 ACTIVITY_BANNER_UPDATE_BLS
    ACTIVITY_EVENT ACTIVITY_MATCH_GIFT ADMIN_SHIELD_KEYWORD ANCHOR_BROADCAST ANCHOR_ECOLOGY_LIVING_DIALOG
    ANCHOR_ECOMMERCE_STATUS ANCHOR_HELPER_DANMU ANCHOR_LOT_AWARD ANCHOR_LOT_CHECKSTATUS ANCHOR_LOT_END
    ANCHOR_LOT_NOTICE ANCHOR_LOT_START ANCHOR_NORMAL_NOTIFY ANIMATION BENEFIT_CARD_CLEAN BENEFIT_STATUS
    BIG_R_WELCOME BOSS_BATTLE BOSS_ENERGY BOSS_INFO BOSS_INJURY BOX_ACTIVITY_START CARD_MSG CHANGE_ROOM_INFO
    CHASE_FRAME_SWITCH CHG_RANK_REFRESH COMMON_ANIMATION COMMON_NOTICE_DANMAKU DAILY_QUEST_REWARD
    DANMU_ACTIVITY_CONFIG DANMU_GIFT_LOTTERY_AWARD DANMU_GIFT_LOTTERY_END DANMU_GIFT_LOTTERY_START DANMU_TAG_CHANGE
    DAILY_QUEST_NEWDAY EVENT_CMD FANS_CLUB_POKE_GIFT_NOTICE FLOW_REWARD_CARD FREE_GIFT_BUBBLE
    FULL_SCREEN_SPECIAL_EFFECT GIFT_BAG_DOT GIFT_BOARD_RED_DOT GIFT_PANEL_PLAN GIFT_STAR_PROCESS GIFT_TOP
    GOTO_BUY_FLOW GUARD_ACHIEVEMENT_ROOM GUARD_BENEFIT_RECEIVE GUARD_HONOR_THOUSAND GUARD_LEADER_NOTICE
    GUARD_LOTTERY_START GUARD_MSG GUARD_WINDOWS_OPEN GUIARD_MSG HOT_BUY_NUM HOT_ROOM INTERACTIVE_USER INTERACT_JOIN
    INTERACT_JOIN_OLD INTERACT_OPERATION LITTLE_MESSAGE_BOX LITTLE_TIPS LIVE_INTERACTIVE_GAME
    LIVE_INTERACT_GAME_STATE_CHANGE LIVE_INTERNAL_ROOM_LOGIN LIVE_MULTI_VIEW_CHANGE LIVE_MULTI_VIEW_EVENT_CHANGE
    LIVE_MULTI_VIEW_NEW_INFO LIVE_OPEN_PLATFORM_CLOUD_GAME LIVE_OPEN_PLATFORM_GAME LIVE_PANEL_CHANGE
    LIVE_PANEL_CHANGE_CONTENT LIVE_PANEL_ICON_INFO LIVE_PLAYER_LOG_RECYCLE LIVE_ROOM_TOAST_MESSAGE LOL_ACTIVITY
    LOTTERY_START LUCK_GIFT_AWARD_MASTER LUCK_GIFT_AWARD_USER MATCH_ROOM_CONF MATCH_TEAM_GIFT_RANK
    MESSAGEBOX_USER_GAIN_MEDAL MESSAGEBOX_USER_MEDAL_CHANGE MESSAGEBOX_USER_MEDAL_COMPENSATION
    MILESTONE_UPDATE_EVENT MULTI_VOICE_APPLICATION_ANCHOR MULTI_VOICE_APPLICATION_USER MULTI_VOICE_ENTER_ANCHOR
    MULTI_VOICE_OPERATIN MULTI_VOICE_OWNER_LEAVE MULTI_VOICE_PK_HAT_STATUS MULTI_VOICE_PK_STATUS
    MULTI_VOICE_STATUS_SYNC MULTI_VOICE_STATUS_SYNC_ANCHOR MVROLECHANGE NEW_PK_REJECT NEW_PK_START
    OBS_SHIELD_STATUS_UPDATE OFFICIAL_ROOM_EVENT OTHER_SLICE_LOADING_RESULT PANEL PANEL_INTERACTIVE_NOTIFY_CHANGE
    PK_AGAIN PK_BATTLE_ABNORMAL PK_BATTLE_CRIT PK_BATTLE_END PK_BATTLE_ENTRANCE PK_BATTLE_FINAL_PROCESS
    PK_BATTLE_GIFT PK_BATTLE_MATCH_TIMEOUT PK_BATTLE_PRE PK_BATTLE_PRE_NEW PK_BATTLE_PROCESS PK_BATTLE_PROCESS_NEW
    PK_BATTLE_PRO_TYPE PK_BATTLE_PUNISH_END PK_BATTLE_RANK_CHANGE PK_BATTLE_SETTLE PK_BATTLE_SETTLE_NEW
    PK_BATTLE_SETTLE_USER PK_BATTLE_SETTLE_V2 PK_BATTLE_SPECIAL_GIFT PK_BATTLE_START PK_BATTLE_START_NEW
    PK_BATTLE_VIDEO_PUNISH_BEGIN PK_BATTLE_VIDEO_PUNISH_END PK_BATTLE_VOTES_ADD PK_CLICK_AGAIN PK_END PK_INFO
    PK_INVITE_CANCEL PK_INVITE_FAIL PK_INVITE_INIT PK_INVITE_REFUSE PK_INVITE_SWITCH_CLOSE PK_INVITE_SWITCH_OPEN
    PK_LOTTERY_START PK_MATCH PK_MIC_END PK_PRE PK_PROCESS PK_SETTLE PK_START PLAYTOGETHER_ICON_CHANGE
    PLAYURL_RELOAD PLAY_PROGRESS_BAR PLAY_TAG PLAY_TOGETHER POPULARITY_RED_POCKET_NEW POPULARITY_RED_POCKET_START
    POPULARITY_RED_POCKET_V2_NEW POPULARITY_RED_POCKET_V2_START POPULARITY_RED_POCKET_V2_WINNER_LIST
    POPULARITY_RED_POCKET_WINNER_LIST RAFFLE_END RAFFLE_START RECOMMEND_CARD REDIRECT_EMPTY_PAGE RED_POCKET_START
    REENTER_LIVE_ROOM REFRESH REVENUE_RANK_CHANGED RING_STATUS_CHANGE RING_STATUS_CHANGE_V2 ROOM_ADMINS
    ROOM_ADMIN_REVOKE ROOM_BANNER ROOM_BLOCK_INTO ROOM_BLOCK_MSG ROOM_BOX_BOOS_AWARD ROOM_BOX_MASTER ROOM_BOX_USER
    ROOM_CHANGE ROOM_CONTENT_AUDIT_REPORT ROOM_KICKOUT ROOM_LIMIT ROOM_NEWS_AUDIT_CHANGE ROOM_NEWS_UPDATE
    ROOM_REFRESH ROOM_SHIELD ROOM_SILENT_OFF ROOM_SILENT_ON ROOM_SKIN_MSG Revenue_PayLimit SCORE_CARD SEND_TOP
    SHOPPING_BUBBLES_STYLE SHOPPING_CART_SHOW SHOPPING_EXPLAIN_CARD SPECIAL_GIFT SPREAD_ORDER SPREAD_ORDER_OVER
    SPREAD_SHOW_FEET SPREAD_SHOW_FEET_V2 STARLIVE_PK_MSG STOP_LIVE_ROOM_LIST STUDIO_ROOM_CLOSE SYS_GIFT SYS_MSG
    THERMAL_STORM_DANMU_BEGIN THERMAL_STORM_DANMU_CANCEL THERMAL_STORM_DANMU_OVER THERMAL_STORM_DANMU_UPDATE
    TRADING_SCORE TV_END TV_START UNIVERSAL_EVENT_GIFT UNIVERSAL_EVENT_GIFT_V2 USER_GAIN_MEDAL USER_INFO_UPDATE
    USER_PANEL_RED_ALARM USER_TASK_PROGRESS USER_TASK_PROGRESS_V2 USER_TITLE_GET USER_VIRTUAL_MVP
    VIDEO_CONNECTION_JOIN_END VIDEO_CONNECTION_JOIN_START VIDEO_CONNECTION_MSG VOICE_CHAT_UPDATE VOICE_JOIN_LIST
    VOICE_JOIN_ROOM_COUNT_INFO VOICE_JOIN_STATUS VOICE_JOIN_SWITCH VTR_GIFT_LOTTERY WARNING WATCH_LPL_EXPIRED
    WEALTH_NOTIFY WEEK_STAR_CLOCK WELCOME WELCOME_ACTIVITY WELCOME_GUARD WIDGET_BANNER WIDGET_GIFT_STAR_PROCESS
    WIDGET_GIFT_STAR_PROCESS_V2 WIDGET_WISH_INFO WIDGET_WISH_INFO_V2 WIDGET_WISH_LIST WIN_ACTIVITY WIN_ACTIVITY_USER
    WISH_BOTTLE master_qn_strategy_chg new_anchor_reward room_admin_entrance
    """.split()  # noqa: SIM905 - two hundred quoted names would hide the names
)
"""Commands that are known and yield nothing."""
