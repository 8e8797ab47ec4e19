from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PushFrame(_message.Message):
    __slots__ = ("log_id", "payload_encoding", "payload_type", "payload")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ENCODING_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    log_id: int
    payload_encoding: bytes
    payload_type: bytes
    payload: bytes
    def __init__(self, log_id: _Optional[int] = ..., payload_encoding: _Optional[bytes] = ..., payload_type: _Optional[bytes] = ..., payload: _Optional[bytes] = ...) -> None: ...

class FetchResult(_message.Message):
    __slots__ = ("messages", "cursor", "internal_ext", "route_params", "need_ack", "push_server")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    INTERNAL_EXT_FIELD_NUMBER: _ClassVar[int]
    ROUTE_PARAMS_FIELD_NUMBER: _ClassVar[int]
    NEED_ACK_FIELD_NUMBER: _ClassVar[int]
    PUSH_SERVER_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Envelope]
    cursor: bytes
    internal_ext: bytes
    route_params: _containers.RepeatedCompositeFieldContainer[RouteParam]
    need_ack: bool
    push_server: bytes
    def __init__(self, messages: _Optional[_Iterable[_Union[Envelope, _Mapping]]] = ..., cursor: _Optional[bytes] = ..., internal_ext: _Optional[bytes] = ..., route_params: _Optional[_Iterable[_Union[RouteParam, _Mapping]]] = ..., need_ack: _Optional[bool] = ..., push_server: _Optional[bytes] = ...) -> None: ...

class RouteParam(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...

class Envelope(_message.Message):
    __slots__ = ("method", "payload", "msg_id", "is_history")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    MSG_ID_FIELD_NUMBER: _ClassVar[int]
    IS_HISTORY_FIELD_NUMBER: _ClassVar[int]
    method: bytes
    payload: bytes
    msg_id: int
    is_history: bool
    def __init__(self, method: _Optional[bytes] = ..., payload: _Optional[bytes] = ..., msg_id: _Optional[int] = ..., is_history: _Optional[bool] = ...) -> None: ...

class Common(_message.Message):
    __slots__ = ("method", "msg_id", "create_time")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    MSG_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    method: bytes
    msg_id: int
    create_time: int
    def __init__(self, method: _Optional[bytes] = ..., msg_id: _Optional[int] = ..., create_time: _Optional[int] = ...) -> None: ...

class Bare(_message.Message):
    __slots__ = ("common",)
    COMMON_FIELD_NUMBER: _ClassVar[int]
    common: Common
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("id", "nickname", "display_id", "badges", "id_text")
    ID_FIELD_NUMBER: _ClassVar[int]
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_ID_FIELD_NUMBER: _ClassVar[int]
    BADGES_FIELD_NUMBER: _ClassVar[int]
    ID_TEXT_FIELD_NUMBER: _ClassVar[int]
    id: int
    nickname: bytes
    display_id: bytes
    badges: _containers.RepeatedCompositeFieldContainer[Badge]
    id_text: bytes
    def __init__(self, id: _Optional[int] = ..., nickname: _Optional[bytes] = ..., display_id: _Optional[bytes] = ..., badges: _Optional[_Iterable[_Union[Badge, _Mapping]]] = ..., id_text: _Optional[bytes] = ...) -> None: ...

class Badge(_message.Message):
    __slots__ = ("scene", "privilege_log", "combine")
    SCENE_FIELD_NUMBER: _ClassVar[int]
    PRIVILEGE_LOG_FIELD_NUMBER: _ClassVar[int]
    COMBINE_FIELD_NUMBER: _ClassVar[int]
    scene: int
    privilege_log: PrivilegeLog
    combine: Combine
    def __init__(self, scene: _Optional[int] = ..., privilege_log: _Optional[_Union[PrivilegeLog, _Mapping]] = ..., combine: _Optional[_Union[Combine, _Mapping]] = ...) -> None: ...

class PrivilegeLog(_message.Message):
    __slots__ = ("level",)
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    level: bytes
    def __init__(self, level: _Optional[bytes] = ...) -> None: ...

class Combine(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: bytes
    def __init__(self, text: _Optional[bytes] = ...) -> None: ...

class Chat(_message.Message):
    __slots__ = ("common", "user", "content")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    common: Common
    user: User
    content: bytes
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., user: _Optional[_Union[User, _Mapping]] = ..., content: _Optional[bytes] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("common", "user", "action")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    common: Common
    user: User
    action: int
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., user: _Optional[_Union[User, _Mapping]] = ..., action: _Optional[int] = ...) -> None: ...

class Like(_message.Message):
    __slots__ = ("common", "count", "user")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    common: Common
    count: int
    user: User
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., count: _Optional[int] = ..., user: _Optional[_Union[User, _Mapping]] = ...) -> None: ...

class Gift(_message.Message):
    __slots__ = ("common", "gift_id", "group_count", "repeat_count", "combo_count", "user", "repeat_end", "group_id", "detail")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    GIFT_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEAT_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMBO_COUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    REPEAT_END_FIELD_NUMBER: _ClassVar[int]
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    common: Common
    gift_id: int
    group_count: int
    repeat_count: int
    combo_count: int
    user: User
    repeat_end: int
    group_id: int
    detail: GiftDetail
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., gift_id: _Optional[int] = ..., group_count: _Optional[int] = ..., repeat_count: _Optional[int] = ..., combo_count: _Optional[int] = ..., user: _Optional[_Union[User, _Mapping]] = ..., repeat_end: _Optional[int] = ..., group_id: _Optional[int] = ..., detail: _Optional[_Union[GiftDetail, _Mapping]] = ...) -> None: ...

class GiftDetail(_message.Message):
    __slots__ = ("type", "diamond_count", "name")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DIAMOND_COUNT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    type: int
    diamond_count: int
    name: bytes
    def __init__(self, type: _Optional[int] = ..., diamond_count: _Optional[int] = ..., name: _Optional[bytes] = ...) -> None: ...

class Social(_message.Message):
    __slots__ = ("common", "user", "action")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    common: Common
    user: User
    action: int
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., user: _Optional[_Union[User, _Mapping]] = ..., action: _Optional[int] = ...) -> None: ...

class Subscription(_message.Message):
    __slots__ = ("common", "user")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    common: Common
    user: User
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., user: _Optional[_Union[User, _Mapping]] = ...) -> None: ...

class RoomUsers(_message.Message):
    __slots__ = ("common", "total")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    common: Common
    total: int
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., total: _Optional[int] = ...) -> None: ...

class Control(_message.Message):
    __slots__ = ("common", "action")
    COMMON_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    common: Common
    action: int
    def __init__(self, common: _Optional[_Union[Common, _Mapping]] = ..., action: _Optional[int] = ...) -> None: ...

class EnterRoom(_message.Message):
    __slots__ = ("room_id", "live_id", "identity", "cursor", "filter_welcome_message")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIVE_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FILTER_WELCOME_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    room_id: int
    live_id: int
    identity: str
    cursor: bytes
    filter_welcome_message: str
    def __init__(self, room_id: _Optional[int] = ..., live_id: _Optional[int] = ..., identity: _Optional[str] = ..., cursor: _Optional[bytes] = ..., filter_welcome_message: _Optional[str] = ...) -> None: ...

class HeartBeat(_message.Message):
    __slots__ = ("room_id", "packet_seq_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PACKET_SEQ_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: int
    packet_seq_id: int
    def __init__(self, room_id: _Optional[int] = ..., packet_seq_id: _Optional[int] = ...) -> None: ...
