from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RoomOfflineError, SourceUnavailableError
from bridge.events import Comment, Follow, Gift, Join, LiveEvent, PaidMessage, Twin, User
from bridge.sources.codecs.twitch_loyalty import TierValues
from bridge.sources.contract import Decoded, Frame, HttpAnswer, NoticeKind
from bridge.sources.platforms.twitch.irc import NICK, IrcDecoder
from bridge.sources.platforms.twitch.viewers import ViewerWatch
from tests.sources.platforms.twitch_credentials import api, unrenewable

AT_MS = 1_772_395_200_500
SENT_AT_MS = 1_772_395_200_001
PLAN = {"msg-param-sub-plan": "1000"}


def fed(text: str | bytes, tier_values: TierValues = (500, 1000, 2500)) -> Decoded:
    return IrcDecoder("emberfox", tier_values).feed(Frame(text, AT_MS))


def line(rest: str, /, **tags: Any) -> str:
    values = {"id": "m-1", "room-id": "41", "tmi-sent-ts": SENT_AT_MS, "user-id": "42", "display-name": "Ada"}
    values |= {name.replace("_", "-"): value for name, value in tags.items()}
    return f"@{';'.join(f'{name}={value}' for name, value in values.items())} {rest}"


def message(words: str, /, **tags: Any) -> str:
    return line(f":ada!ada@ada.tmi.twitch.tv PRIVMSG #emberfox :{words}", **tags)


def notice(kind: str, words: str = "", /, **tags: Any) -> str:
    rest = ":tmi.twitch.tv USERNOTICE #emberfox" + (f" :{words}" if words else "")
    return line(rest, msg_id=kind, login="ada", **tags)


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def told(text: str) -> Any:
    return only(fed(text)).content


def test_a_comment_has_its_user_time_and_id() -> None:
    event = only(fed(message("hello", badge_info="subscriber/15", badges="moderator/1,subscriber/12")))
    assert event == LiveEvent(SENT_AT_MS, Comment(User("twitch_42", "Ada", 0, "subscriber", 15), "hello"), "m-1")


@pytest.mark.parametrize("sent_at", ["", "0", "yesterday", "1772395200", str(10**18)])
def test_an_impossible_time_is_the_time_of_receipt(sent_at: str) -> None:
    assert only(fed(message("hello", tmi_sent_ts=sent_at))).timestamp_ms == AT_MS


@pytest.mark.parametrize(
    ("badges", "info", "shown"),
    [
        ("", "", ("", 0)),
        ("premium/1,bits/1000", "", ("", 0)),
        ("subscriber/3072,broadcaster/1", "subscriber/80", ("subscriber", 80)),
        ("subscriber/12", "", ("subscriber", 12)),
        ("subscriber/2006", "", ("subscriber", 6)),
        ("subscriber/3072", "", ("subscriber", 72)),
        ("founder/0", "founder/17", ("founder", 17)),
        ("moderator/1,founder/0", "founder/3", ("founder", 3)),
        ("vip/1", "", ("vip", 1)),
        ("moderator/1", "", ("moderator", 1)),
        ("broadcaster/1,premium/1", "", ("broadcaster", 1)),
        ("predictions/blue-1,subscriber/60", "predictions/Day 53/53,subscriber/67", ("subscriber", 67)),
        ("subscriber24", "subscriber/", ("subscriber", 0)),
        ("subscriber/x", "", ("subscriber", 0)),
        ("x" * 300, "subscriber/5", ("subscriber", 5)),
    ],
)
def test_the_loyalty_badge_comes_before_rank_and_counts_months(badges: str, info: str, shown: tuple[str, int]) -> None:
    user = told(message("x", badges=badges, badge_info=info.replace(" ", "\\s"))).user
    assert (user.badge, user.badge_level) == shown


@pytest.mark.parametrize(
    ("text", "user"),
    [
        (message("x", display_name=""), User("twitch_42", "ada")),
        (message("x", display_name="Riot\\sGames\\s"), User("twitch_42", "Riot Games")),
        (":ada!ada@ada.tmi.twitch.tv PRIVMSG #emberfox :x", User("twitch_ada", "ada")),
        ("@display-name=Ada :tmi.twitch.tv PRIVMSG #emberfox :x", User("twitch_0", "Ada", masked=True)),
    ],
)
def test_a_name_or_id_that_is_missing_is_made_up_from_the_other(text: str, user: User) -> None:
    assert told(text).user == user


@pytest.mark.parametrize("words", ["\x01ACTION waves\x01", "\x01ACTION waves"])
def test_a_me_line_is_its_text(words: str) -> None:
    assert told(message(words)).text == "waves"


def test_a_message_without_text_is_no_event() -> None:
    assert fed(message("  ")).ignored == ("PRIVMSG/no text",)
    assert str(fed(line(":ada!a@b PRIVMSG #emberfox")).rejected[0]).startswith("params[1]: is missing")


def test_a_cheer_with_words_is_a_paid_message_with_the_text_as_typed() -> None:
    content = told(message("Cheer100 well played", bits=100))
    assert content == PaidMessage("Cheer100 well played", Gift(content.gift.user, "Bits", 100, 1, 100, "bits"))


@pytest.mark.parametrize(
    "words",
    ["Cheer100", "Cheer50 Cheer50", "4Head99 Cheer1", "\x01ACTION Cheer100\x01", " ", "Cheer100 \U000e0000"],
)
def test_a_cheer_of_cheermotes_alone_is_a_gift(words: str) -> None:
    content = told(message(words, bits=100))
    assert (content.name, content.count, content.unit_value, content.total_value) == ("Bits", 100, 1, 100)


@pytest.mark.parametrize("words", ["Cheer100 gg2", "Cheer100 :)", "Cheer100 100", "Cheer100 level1", "你好1 Cheer100"])
def test_a_word_that_only_looks_like_a_cheermote_is_a_word(words: str) -> None:
    assert isinstance(told(message(words, bits=100)), PaidMessage)


@pytest.mark.parametrize("bits", ["0", ""])
def test_no_bits_are_no_cheer(bits: str) -> None:
    assert isinstance(told(message("hello", bits=bits)), Comment)


@pytest.mark.parametrize(
    ("plan", "name", "value"),
    [("1000", "Tier 1", 500), ("2000", "Tier 2", 1000), ("3000", "Tier 3", 2500), ("Prime", "Prime", 500)],
)
def test_a_subscription_is_a_gift_named_for_its_tier(plan: str, name: str, value: int) -> None:
    gift = told(notice("sub", msg_param_sub_plan=plan))
    assert (gift.name, gift.count, gift.unit_value, gift.total_value, gift.currency) == (name, 1, value, value, "bits")


def test_a_plan_that_nobody_knows_has_no_price() -> None:
    gift = told(notice("sub", msg_param_sub_plan="9000"))
    assert (gift.name, gift.total_value, gift.priced) == ("Subscription 9000", 0, False)
    assert told(notice("sub")).name == "Subscription"


def test_the_operators_tier_values_count() -> None:
    event = only(fed(notice("resub", **{**PLAN, "msg-param-sub-plan": "3000"}), (1, 2, 3)))
    assert isinstance(event.content, Gift)
    assert event.content.total_value == 3


def test_months_are_those_bought_now_never_those_so_far() -> None:
    tags = {**PLAN, "msg-param-cumulative-months": 30, "msg-param-streak-months": 7}
    assert told(notice("resub", **tags)).count == 1
    bought = told(notice("resub", **tags, msg_param_multimonth_duration=6, msg_param_multimonth_tenure=0))
    assert (bought.count, bought.total_value) == (6, 3000)


@pytest.mark.parametrize(
    "tags",
    [{"msg-param-was-gifted": "true"}, {"msg-param-multimonth-duration": "6", "msg-param-multimonth-tenure": "2"}],
)
def test_a_month_paid_before_or_by_others_costs_nothing_now(tags: dict[str, str]) -> None:
    assert isinstance(told(notice("resub", **PLAN, **tags)), Follow)
    assert told(notice("resub", "still here", **PLAN, **tags)) == Comment(User("twitch_42", "Ada"), "still here")


def test_a_resubscription_with_a_text_is_a_paid_message() -> None:
    content = told(notice("resub", "\x01ACTION cheers\x01", **PLAN))
    assert isinstance(content, PaidMessage)
    assert (content.text, content.gift.total_value) == ("cheers", 500)


def test_a_direct_gift_waits_for_nothing_and_counts_its_months() -> None:
    event = only(fed(notice("subgift", **PLAN, msg_param_gift_months=6, msg_param_origin_id="727705706230435")))
    assert isinstance(event.content, Gift)
    assert (event.content.user.name, event.content.count, event.twin) == ("Ada", 6, None)


def test_the_parts_of_a_batch_wait_for_its_announcement_which_settles_it() -> None:
    batch = {**PLAN, "msg-param-community-gift-id": "77", "msg-param-origin-id": "78"}
    assert only(fed(notice("subgift", **batch))).twin == Twin("77", settles=False, wait_secs=2.0)
    announced = only(fed(notice("submysterygift", **batch, msg_param_mass_gift_count=20)))
    assert announced.twin == Twin("77", settles=True)
    assert isinstance(announced.content, Gift)
    assert (announced.content.count, announced.content.total_value) == (20, 10_000)


def test_lines_of_old_tie_a_batch_by_its_origin_unless_it_is_that_of_all_direct_gifts() -> None:
    origin = {**PLAN, "msg-param-origin-id": r"1f\sbe\sbb"}
    assert only(fed(notice("subgift", **origin))).twin == Twin("1f be bb", settles=False, wait_secs=2.0)
    assert only(fed(notice("submysterygift", **origin, msg_param_mass_gift_count=2))).twin == Twin(
        "1f be bb", settles=True
    )
    direct = "da 39 a3 ee 5e 6b 4b 0d 32 55 bf ef 95 60 18 90 af d8 07 09".replace(" ", r"\s")
    assert only(fed(notice("subgift", **PLAN, msg_param_origin_id=direct))).twin is None


def test_an_anonymous_gift_of_old_is_not_the_channel_owners() -> None:
    for kind, tags in (("anonsubgift", {}), ("anonsubmysterygift", {"msg_param_mass_gift_count": 3})):
        user = told(notice(kind, **PLAN, **tags)).user
        assert (user.id, user.masked) == ("twitch_0", True)


@pytest.mark.parametrize("count", ["", "many", "0", "-3"])
def test_a_batch_of_no_readable_size_is_rejected(count: str) -> None:
    decoded = fed(notice("submysterygift", **PLAN, msg_param_mass_gift_count=count))
    assert str(decoded.rejected[0]).startswith("tags.msg-param-mass-gift-count: is ")


@pytest.mark.parametrize(
    "kind", ["giftpaidupgrade", "anongiftpaidupgrade", "primepaidupgrade", "communitypayforward", "standardpayforward"]
)
def test_going_on_with_a_gift_is_a_follow(kind: str) -> None:
    assert told(notice(kind)) == Follow(User("twitch_42", "Ada"))


def test_an_announcement_is_a_comment_and_a_raid_is_nothing() -> None:
    assert told(notice("announcement", "soon")) == Comment(User("twitch_42", "Ada"), "soon")
    assert fed(notice("raid")).ignored == ("USERNOTICE/raid",)


def test_shared_chat_counts_where_it_was_written() -> None:
    assert fed(message("x", source_room_id="99")).ignored == ("PRIVMSG/shared chat",)
    assert told(message("x", source_room_id="41")).text == "x"
    assert fed(notice("sub", **PLAN, source_room_id="99")).ignored == ("USERNOTICE/sub/shared chat",)
    assert fed(notice("sharedchatnotice", source_room_id="99")).ignored == ("USERNOTICE/sharedchatnotice",)


def test_a_join_has_a_login_in_the_place_of_an_id() -> None:
    event = only(fed(":jun!jun@jun.tmi.twitch.tv JOIN #emberfox"))
    assert event == LiveEvent(AT_MS, Join(User("twitch_jun", "jun")))


@pytest.mark.parametrize("nick", [NICK, "justinfan1"])
def test_anonymous_readers_do_not_join(nick: str) -> None:
    assert fed(f":{nick}!{nick}@{nick}.tmi.twitch.tv JOIN #emberfox").ignored == ("JOIN/anonymous reader",)


@pytest.mark.parametrize(("ping", "pong"), [("PING :tmi.twitch.tv", "PONG :tmi.twitch.tv"), ("PING", "PONG")])
def test_a_ping_is_answered_with_its_token(ping: str, pong: str) -> None:
    assert fed(ping).replies == (pong,)


def test_reconnect_asks_for_the_same_url_and_the_new_connection_logs_in_again() -> None:
    decoder = IrcDecoder("emberfox", (1, 2, 3))
    assert decoder.feed(Frame(":tmi.twitch.tv RECONNECT\r\n", AT_MS)).follow == ""
    assert list(decoder.followed().greeting())[-1] == "JOIN #emberfox"


@pytest.mark.parametrize(
    "joined", ["JOIN #emberfox", "353 x = #emberfox :x", "ROOMSTATE #emberfox", "PRIVMSG #emberfox :x"]
)
def test_a_connection_is_ready_once_it_has_joined(joined: str) -> None:
    decoder = IrcDecoder("emberfox", (500, 1000, 2500)).followed()
    for line in (
        ":tmi.twitch.tv CAP * ACK :twitch.tv/tags",
        ":tmi.twitch.tv 001 x :Welcome",
        ":tmi.twitch.tv 376 x :>",
    ):
        decoder.feed(Frame(line, AT_MS))
        assert not decoder.is_ready
    decoder.feed(Frame(f":tmi.twitch.tv {joined}", AT_MS))
    assert decoder.is_ready


def test_the_greeting_asks_for_everything_before_it_joins() -> None:
    capabilities, _, nick, join = IrcDecoder("emberfox", (1, 2, 3)).greeting()
    assert capabilities == "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership"
    assert (nick, join) == (f"NICK {NICK}", "JOIN #emberfox")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("@msg-id=msg_channel_suspended :tmi.twitch.tv NOTICE #emberfox :gone", RoomOfflineError),
        ("@msg-id=tos_ban :tmi.twitch.tv NOTICE #emberfox :gone", RoomOfflineError),
        (":tmi.twitch.tv NOTICE * :Login unsuccessful", SourceUnavailableError),
        (":tmi.twitch.tv CAP * NAK :twitch.tv/tags", SourceUnavailableError),
    ],
)
def test_a_refusal_ends_the_connection(text: str, error: type[Exception]) -> None:
    assert isinstance(fed(text).end, error)


def test_a_frame_of_several_lines_is_read_line_by_line() -> None:
    decoded = fed("\r\n".join(["PING :a", message("one"), "?!", message("two", id="m-2"), notice("new-kind")]))
    assert [event.content.text for event in decoded.events if isinstance(event.content, Comment)] == ["one", "two"]
    assert (decoded.replies, decoded.ignored, decoded.unknown) == (["PONG :a"], ["PING"], ["USERNOTICE/new-kind"])
    assert len(decoded.rejected) == 1


def test_a_new_kind_is_unknown_under_a_short_name() -> None:
    assert fed(":tmi.twitch.tv USERNOTICE #emberfox :x").unknown == ("USERNOTICE",)
    assert len(fed(notice("k" * 5000)).unknown[0]) == 64
    assert len(fed("K" * 5000).unknown[0]) == 64


def test_a_refused_client_costs_the_viewer_count_and_not_the_chat() -> None:
    watch = ViewerWatch(api(unrenewable()), "emberfox")
    decoder = IrcDecoder("emberfox", (1, 2, 3), watch)
    decoded = decoder.answered(watch.poll().call, HttpAnswer(401), AT_MS)
    assert decoded.end is None
    assert decoded.notices[0].kind is NoticeKind.CREDENTIAL_WEAK
    assert decoder.answered(watch.poll().call, HttpAnswer(401), AT_MS) == Decoded()


TAGS = ("bits", "badges", "badge-info", "msg-id", "msg-param-mass-gift-count", "room-id", "source-room-id", "user-id")


@given(
    st.dictionaries(st.sampled_from(TAGS), st.text(max_size=8)),
    st.sampled_from(["PRIVMSG", "USERNOTICE", "JOIN", "NOTICE", "CAP", "PING"]),
    st.text(max_size=20),
)
def test_every_line_gives_one_result_and_never_an_exception(tags: dict[str, str], command: str, rest: str) -> None:
    decoded = fed(f"@{';'.join(f'{name}={value}' for name, value in tags.items())} :a!b@c {command} {rest}")
    results = [*decoded.events, *decoded.rejected, *decoded.ignored, *decoded.unknown]
    assert results or decoded.end


@given(st.binary() | st.text())
def test_arbitrary_data_never_raises(data: bytes | str) -> None:
    fed(data)
