from __future__ import annotations

from typing import Any

import orjson
import pytest

from bridge.events import Gift, LiveEvent, PaidMessage, Twin, User
from bridge.sources.codecs.bilibili_pb2 import BlindBox, GiftItem, GiftMedal, SendGift
from bridge.sources.decoding import decode_lines
from bridge.sources.platforms.bilibili import RoomDecoder
from tests.sources.platforms.bilibili.bodies import (
    NOW,
    SECS,
    event,
    feed,
    gift,
    gift_in,
    guard_buy,
    rejected,
    super_chat,
    toast,
    toast_v2,
    wire,
)


def totals_told(timed: list[tuple[int, Any]]) -> list[int]:
    """Return the total values reported of messages that come some ms after each other."""
    lines = [orjson.dumps({"at_ms": NOW + at_ms, "text": orjson.dumps(one).decode()}) for at_ms, one in timed]
    results = [
        result["event"]["content"] for result in decode_lines(RoomDecoder(), lines, now_ms=NOW) if "event" in result
    ]
    return [orjson.loads(content)["gift"]["totalValue"] for content in results]


def test_a_gift_is_an_increment_in_gold() -> None:
    user = User("bilibili_501", "青柠", 21, "小灯塔", 18)
    assert event(gift()) == LiveEvent(
        NOW, Gift(user, "小花花", 3, 100, 300, "bilibili_gold"), "gift:4800000000000000001"
    )


def test_of_a_blind_box_the_value_is_that_of_its_content_and_the_total_what_was_paid() -> None:
    content = gift_in(gift(num=1, price=9000, total_coin=15000, blind_gift={"original_gift_price": 15000}))
    assert (content.unit_value, content.total_value) == (9000, 15000)


def test_silver_is_worth_nothing_but_counts() -> None:
    content = gift_in(gift(coin_type="silver", price=100, total_coin=300))
    assert (content.count, content.unit_value, content.total_value, content.priced) == (3, 0, 0, True)


def test_without_a_total_it_is_the_product() -> None:
    content = gift_in(gift(total_coin=None))
    assert content.total_value == 300


@pytest.mark.parametrize("message", [gift(uid=None), super_chat(uid=None)])
def test_money_of_a_giver_whom_the_message_leaves_out_counts_all_the_same(message: Any) -> None:
    user = event(message).user
    assert user is not None
    assert (user.id, user.name, user.masked) == ("bilibili_0", "青柠", True)


@pytest.mark.parametrize("medal", [None, {"medal_name": "", "medal_level": 0}, {"medal_name": "", "medal_level": 9}])
def test_an_empty_medal_is_no_badge(medal: Any) -> None:
    user = event(gift(medal_info=medal)).user
    assert user is not None
    assert (user.badge, user.badge_level) == ("", 0)


def test_a_gift_of_none_is_rejected() -> None:
    assert rejected(gift(num=0)) == ["SEND_GIFT.data.num: is not positive"]


def test_without_a_transaction_the_envelope_tells_replays() -> None:
    assert event(gift(tid=None)).id == "1:1000:1000"


def test_both_forms_of_one_gift_have_one_id() -> None:
    item = GiftItem(name="小花花", count=3, price=100, total_coin=300, coin_type="gold", tid="4800000000000000001")
    item.timestamp_secs = SECS
    broadcast = SendGift(uid=501, name="青柠", is_on=True, gifts=[item], medal=GiftMedal(name="小灯塔", level=18))
    broadcast.wealth.level = 21
    assert event(wire({"cmd": "SEND_GIFT_V2", "pb": broadcast})) == event(gift())


@pytest.mark.parametrize("totals", [(30000, 15000), (18000, 16000)], ids=["of the boxes", "of their content"])
def test_several_blind_boxes_are_a_gift_each_at_the_price_of_the_box(totals: tuple[int, int]) -> None:
    gifts = [
        GiftItem(name="糖", count=2, price=9000, total_coin=totals[0], coin_type="gold", tid="1"),
        GiftItem(name="枕", count=1, price=16000, total_coin=totals[1], coin_type="gold", tid="2"),
    ]
    broadcast = SendGift(uid=501, name="青柠", is_on=True, gifts=gifts, blind_box=BlindBox(name="盒", price=15000))
    decoded = feed(wire({"cmd": "SEND_GIFT_V2", "pb": broadcast}))
    assert [found.id for found in decoded.events] == ["gift:1", "gift:2"]
    told = [found.content for found in decoded.events if isinstance(found.content, Gift)]
    assert [(one.name, one.count, one.unit_value, one.total_value) for one in told] == [
        ("糖", 2, 9000, 30000),
        ("枕", 1, 16000, 15000),
    ]


def test_gifts_that_share_a_transaction_in_one_message_stay_apart() -> None:
    gifts = [GiftItem(name=name, count=1, tid="1", coin_type="gold") for name in ("糖", "枕")]
    decoded = feed(wire({"cmd": "SEND_GIFT_V2", "pb": SendGift(uid=501, is_on=True, gifts=gifts)}))
    assert len({found.id for found in decoded.events}) == 2


def test_a_gift_switched_off_comes_in_the_other_form() -> None:
    broadcast = SendGift(uid=501, name="青柠", gifts=[GiftItem(name="糖", count=1)])
    assert feed(wire({"cmd": "SEND_GIFT_V2", "pb": broadcast})).ignored == ["SEND_GIFT_V2 switched off"]


def test_what_is_no_gift_in_a_message_is_rejected_beside_the_others() -> None:
    gifts = [GiftItem(name="糖", count=0), GiftItem(name="枕", count=1)]
    decoded = feed(wire({"cmd": "SEND_GIFT_V2", "pb": SendGift(uid=501, is_on=True, gifts=gifts)}))
    assert len(decoded.events) == 1
    assert [str(error) for error in decoded.rejected] == ["SEND_GIFT_V2.data.pb.gifts[0].count: is 0"]
    assert rejected(wire({"cmd": "SEND_GIFT_V2", "pb": SendGift(uid=501, is_on=True)})) == [
        "SEND_GIFT_V2.data.pb: holds no gift"
    ]


def test_a_gift_without_a_name_is_told_by_its_number() -> None:
    assert gift_in(gift(giftName=None, giftId=31036)).name == "31036"
    broadcast = SendGift(uid=501, is_on=True, gifts=[GiftItem(id=31036, count=1)])
    assert gift_in(wire({"cmd": "SEND_GIFT_V2", "pb": broadcast})).name == "31036"


def test_the_summary_of_a_combo_is_ignored() -> None:
    assert feed({"cmd": "COMBO_SEND", "data": {"total_num": 3}}).ignored == ["COMBO_SEND"]


def test_a_purchase_waits_for_the_toast_because_only_that_knows_what_was_paid() -> None:
    assert event(guard_buy(num=6)) == LiveEvent(
        NOW,
        Gift(User("bilibili_501", "青柠"), "舰长", 6, 198000, 1_188_000, "bilibili_gold"),
        f"guard:501:3:{SECS}:buy",
        None,
        Twin(f"guard:501:3:{SECS}", settles=False, wait_secs=1.0),
    )


def test_the_toast_settles_it_at_the_price_paid_and_the_list_price() -> None:
    assert event(toast()) == LiveEvent(
        NOW,
        Gift(User("bilibili_501", "青柠"), "舰长", 1, 198000, 138000, "bilibili_gold"),
        f"guard:501:3:{SECS}",
        None,
        Twin(f"guard:501:3:{SECS}", settles=True),
    )


def test_the_price_of_several_months_is_their_total() -> None:
    content = gift_in(toast(guard_level=2, role_name="提督", num=12, price=19_176_000))
    assert (content.count, content.unit_value, content.total_value) == (12, 1_998_000, 19_176_000)


def test_days_have_no_list_price() -> None:
    content = gift_in(toast(num=2, price=100_000, unit="*5天"))
    assert (content.count, content.unit_value, content.total_value) == (2, 50_000, 100_000)


def test_both_toasts_are_replays_of_each_other() -> None:
    assert event(toast_v2()) == event(toast())


def test_a_guard_received_is_not_a_second_purchase() -> None:
    assert feed(toast_v2(source=2)).ignored == ["USER_TOAST_MSG of a guard received"]
    assert feed(toast(source=2)).ignored == ["USER_TOAST_MSG of a guard received"]


def test_a_toast_without_price_leaves_it_to_the_purchase() -> None:
    assert feed(toast(price=None)).ignored == ["USER_TOAST_MSG without price"]


def test_a_newer_toast_without_price_leaves_it_to_the_purchase_too() -> None:
    assert feed(toast_v2(price=None)).ignored == ["USER_TOAST_MSG_V2 without price"]
    assert totals_told([(0, guard_buy()), (100, toast_v2(price=None))]) == [198000]


def test_a_level_without_a_name_has_the_usual_one() -> None:
    content = gift_in(guard_buy(gift_name="", guard_level=1))
    assert content.name == "总督"


def test_masked_buyers_are_told_apart_by_what_is_left_of_their_names() -> None:
    first, second = (event(guard_buy(uid=0, username=name)) for name in ("青***", "林***"))
    assert first.twin != second.twin
    assert first.user == User("bilibili_0", "青***", masked=True)


def test_without_a_start_the_time_of_receipt_tells_purchases_apart() -> None:
    assert event(guard_buy(start_time=0)).twin == event(guard_buy()).twin
    assert event(toast(start_time=None)).id == event(toast()).id


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]])
def test_a_purchase_is_reported_once_at_what_was_paid_in_whatever_order_it_comes(order: list[int]) -> None:
    messages = [guard_buy(), toast(), toast_v2(), toast_v2(source=2)]
    assert totals_told([(place * 100, messages[number]) for place, number in enumerate(order)]) == [138000]


def test_a_purchase_whose_toast_does_not_come_in_a_second_is_reported_as_it_is() -> None:
    assert totals_told([(0, guard_buy()), (1500, toast())]) == [198000]


def test_words_and_money_are_a_paid_message_in_fen() -> None:
    user = User("bilibili_501", "青柠", 12, "小灯塔", 18)
    assert event(super_chat()) == LiveEvent(
        NOW, PaidMessage("唱首歌吧", Gift(user, "醒目留言", 1, 3000, 3000, "CNY")), "super_chat:17000001"
    )


def test_without_words_it_is_a_gift() -> None:
    assert isinstance(event(super_chat(message=" ")).content, Gift)


def test_words_without_a_price_are_still_words_and_their_price_is_unknown() -> None:
    content = event(super_chat(price=None)).content
    assert isinstance(content, PaidMessage)
    assert content.text == "唱首歌吧"
    assert (content.gift.total_value, content.gift.priced) == (0, False)


def test_a_super_chat_without_an_id_has_the_envelopes() -> None:
    assert event({**super_chat(id=None), "msg_id": "3:1000:1000"}).id == "3:1000:1000"


def test_the_japanese_twin_with_its_ids_as_texts_is_a_replay() -> None:
    twin = event(super_chat("SUPER_CHAT_MESSAGE_JPN", id="17000001", uid="501"))
    assert twin == event(super_chat())


def test_the_name_may_stand_in_the_newer_place() -> None:
    user = event(super_chat(user_info={"user_level": 3}, uinfo={"base": {"name": "新柠"}})).user
    assert user is not None
    assert user.name == "新柠"


def test_a_withdrawn_one_is_ignored() -> None:
    assert feed({"cmd": "SUPER_CHAT_MESSAGE_DELETE", "data": {"ids": [1]}}).ignored == ["SUPER_CHAT_MESSAGE_DELETE"]
