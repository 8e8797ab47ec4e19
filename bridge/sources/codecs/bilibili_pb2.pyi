from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InteractWord(_message.Message):
    __slots__ = ("uid", "name", "msg_type", "room_id", "timestamp_secs", "fans_medal", "trigger_time_ns", "user")
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MSG_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SECS_FIELD_NUMBER: _ClassVar[int]
    FANS_MEDAL_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    uid: int
    name: str
    msg_type: int
    room_id: int
    timestamp_secs: int
    fans_medal: FansMedal
    trigger_time_ns: int
    user: UserInfo
    def __init__(self, uid: _Optional[int] = ..., name: _Optional[str] = ..., msg_type: _Optional[int] = ..., room_id: _Optional[int] = ..., timestamp_secs: _Optional[int] = ..., fans_medal: _Optional[_Union[FansMedal, _Mapping]] = ..., trigger_time_ns: _Optional[int] = ..., user: _Optional[_Union[UserInfo, _Mapping]] = ...) -> None: ...

class FansMedal(_message.Message):
    __slots__ = ("anchor_uid", "level", "name", "anchor_room_id")
    ANCHOR_UID_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    anchor_uid: int
    level: int
    name: str
    anchor_room_id: int
    def __init__(self, anchor_uid: _Optional[int] = ..., level: _Optional[int] = ..., name: _Optional[str] = ..., anchor_room_id: _Optional[int] = ...) -> None: ...

class UserInfo(_message.Message):
    __slots__ = ("uid", "base", "wealth")
    class Base(_message.Message):
        __slots__ = ("name",)
        NAME_FIELD_NUMBER: _ClassVar[int]
        name: str
        def __init__(self, name: _Optional[str] = ...) -> None: ...
    UID_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    WEALTH_FIELD_NUMBER: _ClassVar[int]
    uid: int
    base: UserInfo.Base
    wealth: Wealth
    def __init__(self, uid: _Optional[int] = ..., base: _Optional[_Union[UserInfo.Base, _Mapping]] = ..., wealth: _Optional[_Union[Wealth, _Mapping]] = ...) -> None: ...

class Wealth(_message.Message):
    __slots__ = ("level",)
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    level: int
    def __init__(self, level: _Optional[int] = ...) -> None: ...

class SendGift(_message.Message):
    __slots__ = ("uid", "name", "medal", "blind_box", "gifts", "is_on", "wealth", "sender")
    UID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDAL_FIELD_NUMBER: _ClassVar[int]
    BLIND_BOX_FIELD_NUMBER: _ClassVar[int]
    GIFTS_FIELD_NUMBER: _ClassVar[int]
    IS_ON_FIELD_NUMBER: _ClassVar[int]
    WEALTH_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    uid: int
    name: str
    medal: GiftMedal
    blind_box: BlindBox
    gifts: _containers.RepeatedCompositeFieldContainer[GiftItem]
    is_on: bool
    wealth: Wealth
    sender: UserInfo
    def __init__(self, uid: _Optional[int] = ..., name: _Optional[str] = ..., medal: _Optional[_Union[GiftMedal, _Mapping]] = ..., blind_box: _Optional[_Union[BlindBox, _Mapping]] = ..., gifts: _Optional[_Iterable[_Union[GiftItem, _Mapping]]] = ..., is_on: _Optional[bool] = ..., wealth: _Optional[_Union[Wealth, _Mapping]] = ..., sender: _Optional[_Union[UserInfo, _Mapping]] = ...) -> None: ...

class GiftMedal(_message.Message):
    __slots__ = ("anchor_uid", "anchor_room_id", "level", "name")
    ANCHOR_UID_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    anchor_uid: int
    anchor_room_id: int
    level: int
    name: str
    def __init__(self, anchor_uid: _Optional[int] = ..., anchor_room_id: _Optional[int] = ..., level: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class BlindBox(_message.Message):
    __slots__ = ("gift_id", "name", "price")
    GIFT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    gift_id: int
    name: str
    price: int
    def __init__(self, gift_id: _Optional[int] = ..., name: _Optional[str] = ..., price: _Optional[int] = ...) -> None: ...

class GiftItem(_message.Message):
    __slots__ = ("id", "name", "count", "price", "discount_price", "total_coin", "coin_type", "tid", "timestamp_secs", "batch_combo_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COIN_FIELD_NUMBER: _ClassVar[int]
    COIN_TYPE_FIELD_NUMBER: _ClassVar[int]
    TID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_SECS_FIELD_NUMBER: _ClassVar[int]
    BATCH_COMBO_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    count: int
    price: int
    discount_price: int
    total_coin: int
    coin_type: str
    tid: str
    timestamp_secs: int
    batch_combo_id: str
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., count: _Optional[int] = ..., price: _Optional[int] = ..., discount_price: _Optional[int] = ..., total_coin: _Optional[int] = ..., coin_type: _Optional[str] = ..., tid: _Optional[str] = ..., timestamp_secs: _Optional[int] = ..., batch_combo_id: _Optional[str] = ...) -> None: ...
