"""The Douyin relays on loopback: DouyinBarrageGrab, BarrageGrab and douyinLive.

Written from their documents and messages observed from them. They are touchy where the programs are: two of them
take any text for a command and answer WebSocket pings wrongly, so both are remembered as complaints.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import orjson
from aiohttp import web

from tests.emulators.socket_site import SocketSite

ROOM, WEB_ROOM = "7400999000111222333", "88112233"
OTHER_ROOM, OTHER_WEB_ROOM = "7400999000444555666", "99445566"
FIRST_ID = 7_401_000_000_000_000_000
CREATED_AT_MS = 1_759_999_999_000

CHAT, LIKE, ENTER, FOLLOW, GIFT, STATISTICS, END = "chat", "like", "enter", "follow", "gift", "statistics", "end"


def sec_uid(number: int) -> str:
    """Return what identifies a viewer in every room."""
    return f"MS4wLjABviewer{number}"


class RelayEmulator(SocketSite):
    """One program; whatever happens in its rooms goes to all who are connected."""

    answers_pings = False

    def __init__(self) -> None:
        super().__init__()
        self._next_id = FIRST_ID

    async def say(self, words: str, number: int = 7, *, room: str = ROOM) -> None:
        """Let a viewer say something."""
        await self.tell(CHAT, number, room, words=words)

    async def tell(self, kind: str, number: int = 7, room: str = ROOM, /, **more: Any) -> None:
        """Let something happen in a room."""
        self._next_id += 1
        await self.send_json(self.message(kind, number, room, more))

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Take a text for a command."""
        self.complaints.append(f"command {text}")

    @abstractmethod
    def message(self, kind: str, number: int, room: str, more: dict[str, Any]) -> Any:
        """Return what the program makes of it."""


class GrabRelay(RelayEmulator):
    """DouyinBarrageGrab, or its fork where ``platform`` is set."""

    NUMBERS = {CHAT: 1, LIKE: 2, ENTER: 3, FOLLOW: 4, GIFT: 5, STATISTICS: 6, END: 9}  # noqa: RUF012

    def __init__(self, platform: int | None = None, *, ids_are_numbers: bool = False) -> None:
        super().__init__()
        self._platform = platform
        self._ids_are_numbers = ids_are_numbers

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Obey: command 1 closes the program."""
        await super().received(socket, text)
        if '"Cmd":1' in text.replace(" ", ""):
            self.drop()

    def message(self, kind: str, number: int, room: str, more: dict[str, Any]) -> Any:
        data: dict[str, Any] = {
            "MsgId": self._next_id,
            "User": None if kind in (STATISTICS, END) else _user(number, "Nickname"),
            "Content": more.get("words", ""),
            "RoomId": int(room) if self._ids_are_numbers else room,
            "Appid": "1128",
        }
        if kind == CHAT:  # not every message has the web number
            data["WebRoomId"] = {ROOM: WEB_ROOM, OTHER_ROOM: OTHER_WEB_ROOM}[room]
        data |= _numbers(kind, more)
        pack = {"Type": self.NUMBERS[kind], "ProcessName": "msedge", "Data": orjson.dumps(data).decode()}
        return pack if self._platform is None else {**pack, "Platform": self._platform}


class BarrageGrabRelay(RelayEmulator):
    """BarrageGrab: the same port and units, other numbers, ``Data`` not wrapped."""

    NUMBERS = {ENTER: 1, FOLLOW: 2, CHAT: 3, LIKE: 4, GIFT: 5, STATISTICS: 7, END: 8}  # noqa: RUF012

    def message(self, kind: str, number: int, room: str, more: dict[str, Any]) -> Any:
        data: dict[str, Any] = {
            "MsgId": self._next_id,
            "User": None if kind in (STATISTICS, END) else _user(number, "NickName"),
            "Content": more.get("words", ""),
            "RoomId": int(room),
        }
        return {"Type": self.NUMBERS[kind], "Data": data | _numbers(kind, more)}


class DouyinLiveRelay(RelayEmulator):
    """douyinLive: one room a path, the whole protobuf as JSON with running totals, and its own status messages."""

    path = "/ws/{room}"
    METHODS = {  # noqa: RUF012
        CHAT: "WebcastChatMessage",
        LIKE: "WebcastLikeMessage",
        ENTER: "WebcastMemberMessage",
        FOLLOW: "WebcastSocialMessage",
        GIFT: "WebcastGiftMessage",
        STATISTICS: "WebcastRoomUserSeqMessage",
        END: "WebcastControlMessage",
    }

    def __init__(self) -> None:
        super().__init__()
        self.live = True
        self.knows_room = True
        self.pings = 0

    @property
    def url(self) -> str:
        """The socket of the room."""
        return f"{self.ws_url}ws/{WEB_ROOM}"

    async def greet(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Say how the room is."""
        await self.let_in(socket)
        if not self.knows_room or request.match_info["room"] != WEB_ROOM:
            await socket.send_str(_status("ROOM_NOT_FOUND"))
            await socket.close()
        else:
            await socket.send_str(_status("ROOM_ONLINE" if self.live else "ROOM_OFFLINE"))

    async def received(self, socket: web.WebSocketResponse, text: str) -> None:
        """Answer a ping."""
        if text != "ping":
            await super().received(socket, text)
            return
        self.pings += 1
        await socket.send_str("pong")

    async def status(self, code: str) -> None:
        """Say that the room's state changed."""
        await self.send(_status(code))

    def message(self, kind: str, number: int, room: str, more: dict[str, Any]) -> Any:
        method = self.METHODS[kind]
        common = {
            "method": method,
            "msgId": str(self._next_id),
            "roomId": room,
            "createTime": str(CREATED_AT_MS),
        }
        whole: dict[str, Any] = {"method": method, "common": common, "livename": "岚", "title": "夜话"}
        if kind not in (STATISTICS, END):
            name = {"nickname": f"观众{number}", "id": str(number), "secUid": sec_uid(number)}
            whole["user"] = {**name, "payGrade": {"level": "9"}}
        if kind == GIFT:
            gift = {"id": "463", "name": "小心心", "diamondCount": more.get("price", 1), "combo": True, "type": 1}
            total = str(more["total"])
            combo = {"groupId": str(more.get("group", 1)), "groupCount": "1", "repeatCount": total, "comboCount": total}
            return {**whole, **combo, "gift": gift, "repeatEnd": int(more.get("end", False))}
        own = {
            CHAT: {"content": more.get("words", "")},
            LIKE: {"count": str(more.get("count", 1)), "total": "9000"},
            FOLLOW: {"action": "1"},
            STATISTICS: {"total": str(more.get("viewers", 0)), "totalUser": "9000"},
            END: {"action": "3"},
        }
        return whole | own.get(kind, {})


def _user(number: int, name_key: str) -> dict[str, Any]:
    return {
        "Id": number,
        "ShortId": 0,
        name_key: f"观众{number}",
        "Level": 1,
        "PayLevel": 9,
        "SecUid": sec_uid(number),
        "FansClub": {"ClubName": "", "Level": 0},
    }


def _numbers(kind: str, more: dict[str, Any]) -> dict[str, Any]:
    if kind == LIKE:
        return {"Count": more.get("count", 1), "Total": 9000}
    if kind == ENTER:
        return {"CurrentCount": 41, "EnterTipType": 0}
    if kind == STATISTICS:
        return {"OnlineUserCount": more.get("viewers", 0), "TotalUserCount": 9000}
    if kind == GIFT:
        combo = {"GiftCount": more["count"], "RepeatCount": more.get("total", 0), "GroupId": more.get("group", 0)}
        return {"GiftId": 463, "GiftName": "小心心", "DiamondCount": more.get("price", 1), **combo}
    return {}


def _status(code: str) -> str:
    status = {"type": "system", "event": "live_status", "code": code, "live": code == "ROOM_ONLINE"}
    return orjson.dumps(status).decode()
