from __future__ import annotations

import re
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Comment, Follow, Gift, Join, LiveEvent, PaidMessage, User, Viewers
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Frame, NoticeKind
from bridge.sources.intake import Intake
from bridge.sources.platforms.social_stream import PLATFORM, Options, locate
from bridge.sources.platforms.social_stream.decoder import MAX_TOLD, UPDATE_MS, HubDecoder
from bridge.sources.platforms.social_stream.donations import read_donation
from bridge.sources.platforms.social_stream.html_text import MAX_EMOTE_CHARS, MAX_HTML_CHARS, plain
from bridge.sources.platforms.social_stream.message import MAX_NAME_CHARS, _viewer
from tests.shared_captures import folder
from tests.sources.platforms.odd_json import as_text, assert_sound, odd_objects
from tests.sources.platforms.scripted_http import ScriptedHttp

AT_MS = 1_760_000_000_000
AVA = User("tiktok_9", "Ava")


def message(**fields: Any) -> str:
    return orjson.dumps({"type": "tiktok", "chatname": "Ava", "userid": "9", **fields}).decode()


def fed(text: str, decoder: HubDecoder | None = None, at_ms: int = AT_MS) -> Decoded:
    return (decoder or HubDecoder()).feed(Frame(text, at_ms))


def only(decoded: Decoded) -> LiveEvent:
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def gift(**fields: Any) -> Gift:
    content = only(fed(message(**fields))).content
    assert isinstance(content, Gift)
    return content


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<b>Hi</b><br>you", "Hi you"),
        ("Hi<img src='x' alt='Kappa'>there", "Hi Kappa there"),
        ("nice<img alt='😀'>!", "nice😀!"),
        ('<img alt=">(" src=1>b', ">( b"),
        ("<script>alert(1)</script>VIP", "VIP"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;VIP", "VIP"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;VIP", "VIP"),
        ("<scr<script>ipt>alert(1)</script>z", "ipt>alert(1)z"),
        ("<svg onload=alert(1)>10 bits</svg>", "10 bits"),
        ("<img src=x onerror=alert(1)", ""),
        ("<script>alert(1)", ""),
        ("<style>a{}</style>b<!-- c --><!-- d", "b"),
        ("<img src=x alt='<script>alert(1)</script>boo'>", "boo"),
        ("I &lt;3 you, 1 < 2 &amp;&amp; x > y", "I <3 you, 1 < 2 && x > y"),
        ("x &lt;y and more", "x y and more"),
        ("AT&T", "AT&T"),
        ("I &lt;/3 you", "I </3 you"),
        ("a<!-->b<!-- > --->c", "abc"),
        ("  two\n lines\t", "two lines"),
    ],
)
def test_hostile_html_becomes_what_a_person_would_read(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize("depth", range(8))
def test_no_tag_survives_however_often_it_is_encoded(depth: int) -> None:
    text = "<<script>alert(1)"
    for _ in range(depth):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
    assert "<script" not in plain(text)


@pytest.mark.parametrize("chars", [10, MAX_EMOTE_CHARS - 40, MAX_EMOTE_CHARS + 40])
def test_an_emote_of_any_length_is_its_name_every_time_that_it_comes(chars: int) -> None:
    emote = f'<img src="{"x" * chars}" alt="Kappa">'
    assert [plain(f"hi{emote}{emote}") for _ in range(2)] == ["hi Kappa Kappa"] * 2


HOSTILE_PIECES = ["<a ", "<a '", "<!--", "<a b='", '<a b="', "<a/", "<img alt=", "<script>", "</", "<?", "<a '\"", "&lt;",
                  "&amp;", "<"]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
@pytest.mark.parametrize("end", ["", ">", '"', "'>", "-->"])
def test_malformed_html_takes_no_time(piece: str, end: str) -> None:
    hostile = (piece * MAX_HTML_CHARS)[: MAX_HTML_CHARS - len(end)] + end
    began = time.process_time()
    plain(hostile)
    assert time.process_time() - began < 0.1


markup = st.lists(
    st.sampled_from(
        ["<", ">", "a", "script", "img", " ", "/", "alt=", "'", '"', "&lt;", "&gt;", "&amp;", "!--", "=", "x"]
    ),
    max_size=30,
)


@given(markup)
def test_no_tag_survives(pieces: list[str]) -> None:
    assert not re.search(r"<(script|img|a)\b[^<]*>", plain("".join(pieces)))


@pytest.mark.parametrize(
    ("amount", "site", "name", "count", "unit", "total", "currency", "priced"),
    [
        ("$5.00", "stripe", "Donation USD", 1, 500, 500, "USD", True),
        ("¥1,000", "youtube", "Donation JPY", 1, 1000, 1000, "JPY", True),
        ("1,500 bits", "twitch", "Bits", 1500, 1, 1500, "bits", True),
        ("200 Jewels", "youtube", "Jewels", 1, 200, 200, "jewels", True),
        ("1000 KICKs", "kick", "Kicks", 1, 1000, 1000, "kicks", True),
        ("300 coins", "tiktok", "Coins", 300, 1, 300, "diamond", True),
        ("300 coins", "elsewhere", "coins", 300, 0, 0, "", False),
        ("3 roses", "tiktok", "roses", 3, 0, 0, "", False),
        ("Galaxy", "tiktok", "Galaxy", 1, 0, 0, "", False),
        ("1.2K coins", "tiktok", "1.2K coins", 1, 0, 0, "", False),
    ],
)
def test_amounts_become_exact_integers_with_their_currency(
    amount: str, site: str, name: str, count: int, unit: int, total: int, currency: str, *, priced: bool
) -> None:
    assert read_donation(amount, site, "", "", AVA) == Gift(AVA, name, count, unit, total, currency, priced)


def test_user_ids_name_the_site_and_not_the_hub() -> None:
    assert only(fed(message(chatmessage="x"))).user == AVA
    assert only(fed(message(chatmessage="x", type="youtubeshorts", userid="UC1"))).user == User("youtube_UC1", "Ava")
    assert only(fed(message(chatmessage="x", type="My Site!", userid=None))).user == User("my_site_Ava", "Ava")


def test_without_id_and_name_a_viewer_is_nobody_in_particular() -> None:
    assert only(fed(message(chatmessage="x", chatname="", userid=""))).user == User("tiktok_0", masked=True)
    assert only(fed(message(chatmessage="x", chatname="a***b"))).user == User("tiktok_0", "a***b", masked=True)


def test_a_viewer_looks_as_the_latest_message_says() -> None:
    decoder = HubDecoder()
    looks: list[dict[str, Any]] = [
        {},
        {"membership": "Gold", "subtitle": "2 years"},
        {"mod": True},
        {"chatname": "Eve"},
        {},
    ]
    users = [only(fed(message(chatmessage="x", **look), decoder)).user for look in looks]
    assert users == [AVA, User("tiktok_9", "Ava", 0, "Gold", 24), User("tiktok_9", "Ava", 0, "moderator"),
                     User("tiktok_9", "Eve"), AVA]  # fmt: skip


def test_a_viewer_of_odd_length_is_cut_and_not_remembered() -> None:
    remembered = _viewer.cache_info().currsize
    user = only(fed(message(chatmessage="x", chatname="A" * 5_000, userid="9" * 5_000))).user
    assert user == User("tiktok_" + "9" * MAX_NAME_CHARS, "A" * MAX_NAME_CHARS)
    assert _viewer.cache_info().currsize == remembered


def test_plain_text_is_left_as_it_was_written() -> None:
    content = only(fed(message(chatmessage="<b>1 &lt; 2</b>", textonly=True))).content
    assert content == Comment(AVA, "<b>1 &lt; 2</b>")


def test_words_of_a_gift_row_are_the_sites_and_not_the_viewers() -> None:
    assert gift(event="gift", hasDonation="5 coins", chatmessage="sent Rose x5").total_value == 5
    paid = only(fed(message(event="superchat", type="youtube", hasDonation="$1.00", chatmessage="hi"))).content
    assert isinstance(paid, PaidMessage)
    assert (paid.text, paid.gift.name) == ("hi", "Super Chat USD")


def test_a_gifts_own_name_and_count_outrank_the_price_text() -> None:
    rose = gift(event="gift", hasDonation="10 coins", meta={"giftName": "Rose", "tiktokGiftCount": 10})
    assert (rose.name, rose.count, rose.unit_value, rose.total_value) == ("Rose", 10, 1, 10)
    unpriced = gift(event="gift", meta={"giftName": "Rose", "tiktokGiftCount": 10})
    assert (unpriced.count, unpriced.priced) == (10, False)


def streak(number: int, **meta: Any) -> str:
    told = {"tiktokGiftStreakId": "s-1", "tiktokGiftCount": number, **meta}
    return message(id=7, event="gift", hasDonation=f"{number} coin{'s' * (number > 1)}", meta=told)


def told(decoder: HubDecoder, *messages: tuple[int, str]) -> list[Gift]:
    """Return the gifts that are reported in the end."""
    intake = Intake()
    events: list[LiveEvent] = []
    for at_ms, text in messages:
        events += intake.due(at_ms / 1000).events
        events += intake.offer(fed(text, decoder, at_ms).events, at_ms / 1000).events
    events += intake.flush(1e12).events
    return [event.content for event in events if isinstance(event.content, Gift)]


def test_a_streak_is_counted_once_in_any_order() -> None:
    for order in ([1, 2, 3], [1, 3, 2], [3, 1, 2, 3], [1, 1, 3, 3]):
        gifts = told(HubDecoder(), *[(AT_MS + at, streak(number)) for at, number in enumerate(order)])
        assert sum(gift.count for gift in gifts) == 3
        assert sum(gift.total_value for gift in gifts) == 3


def test_singular_and_plural_are_one_streak() -> None:
    rows = [message(id=7, hasDonation=amount) for amount in ("1 rose", "2 roses", "3 roses")]
    gifts = told(HubDecoder(), *[(AT_MS + at, row) for at, row in enumerate(rows)])
    assert {gift.name for gift in gifts} == {"rose"}
    assert sum(gift.count for gift in gifts) == 3


def test_the_groups_of_tiktok_itself_outrank_the_pages_number() -> None:
    first = streak(2, groupId="g1", giftId="5655", tiktokGiftSenderId="9")
    second = streak(2, groupId="g2", giftId="5655", tiktokGiftSenderId="9")
    assert sum(gift.count for gift in told(HubDecoder(), (AT_MS, first), (AT_MS + 1, second))) == 4


def test_an_update_tells_only_what_is_new() -> None:
    decoder = HubDecoder()
    plainly, paid = message(id=7, chatmessage="hello"), message(id=7, chatmessage="hello", hasDonation="$2.00")
    assert only(fed(plainly, decoder)).content == Comment(AVA, "hello")
    assert fed(plainly, decoder).ignored == ("update",)
    assert isinstance(only(fed(paid, decoder)).content, Gift)
    assert fed(paid, decoder).ignored == ("update",)


def test_a_restarted_hub_counts_anew_and_loses_nothing() -> None:
    decoder = HubDecoder()
    before, after = (only(fed(message(id=7, chatmessage=words), decoder)) for words in ("before", "after"))
    assert (before.content, after.content) == (Comment(AVA, "before"), Comment(AVA, "after"))
    assert (before.id, after.id) == ("", "")
    rose = message(id=8, hasDonation="1 rose")
    assert len(told(decoder, (AT_MS, rose), (AT_MS + UPDATE_MS + 1, rose))) == 2


def test_the_sites_own_id_removes_copies_even_after_a_restart_of_ours() -> None:
    text = message(id=7, chatmessage="hello", meta={"messageId": "m-1"})
    assert only(fed(text)).id == only(fed(text)).id == "tiktok/m-1"


@pytest.mark.parametrize("more", [{"chatmessage": "x"}, {"hasDonation": "1 rose"}])
def test_remembered_messages_are_bounded(more: dict[str, str]) -> None:
    decoder = HubDecoder()
    for number in range(MAX_TOLD + 10):
        fed(message(id=number, **more), decoder)
    assert MAX_TOLD // 2 <= len(decoder._told) <= MAX_TOLD


def test_viewers_of_all_sites_are_one_number() -> None:
    decoder = HubDecoder()

    def count(**fields: Any) -> int:
        content = only(fed(message(chatname=None, **fields), decoder)).content
        assert isinstance(content, Viewers)
        return content.count

    assert count(event="viewer_update", type="twitch", meta=40) == 40
    assert count(event="viewer_update", type="youtube", meta="60") == 100
    assert count(event="viewer_update", type="twitch", meta=10) == 70
    assert count(event="viewer_updates", meta={"twitch": 5, "kick": 6, "odd": "x"}) == 11
    assert count(event="stream_offline", type="kick", meta={}) == 5
    (notice,) = fed(message(event="stream_offline", type="twitch"), decoder).notices
    assert notice.kind is NoticeKind.ENDED


@pytest.mark.parametrize("event", ["subgift", "gift_membership", "community_gift", "subscription_gift"])
def test_given_subscriptions_are_counted_under_all_their_names(event: str) -> None:
    assert gift(event=event, type="kick", meta={"totalGifted": 5}).count == 5


def test_given_subscriptions_may_be_counted_where_money_stands() -> None:
    assert gift(event="giftpurchase", type="youtube", chatmessage="", hasDonation="5 Gifted").count == 5
    assert gift(event="giftpurchase", type="youtube", chatmessage="", hasDonation="$25.00").count == 1


def test_a_power_up_is_worth_its_bits_wherever_they_stand() -> None:
    for told in ({"meta": {"bits": 50}}, {"hasDonation": "50 bits"}):
        power_up = gift(event="powerup", type="twitch", chatmessage="", **told)
        assert (power_up.name, power_up.count, power_up.total_value, power_up.currency) == ("Power-up", 1, 50, "bits")


@pytest.mark.parametrize("event", ["new-membership", "newmember", "membership", "sponsorship"])
def test_a_new_member_has_many_names(event: str) -> None:
    assert gift(event=event, type="youtube", meta={"memberLevelName": "Gold"}).name == "Gold"


@pytest.mark.parametrize("event", ["thankyou", "giftcontribution", "reaction", "volts"])
def test_money_under_rarer_names_is_money(event: str) -> None:
    content = only(fed(message(event=event, type="youtube", hasDonation="$5.00", chatmessage="Thank you!"))).content
    paid = content.gift if isinstance(content, PaidMessage) else content
    assert isinstance(paid, Gift)
    assert (paid.total_value, paid.currency) == (500, "USD")


def test_words_that_the_hub_adds_to_money_are_not_the_viewers() -> None:
    assert isinstance(only(fed(message(event="thankyou", hasDonation="$5.00", chatmessage="Thank you!"))).content, Gift)


def test_a_reaction_of_nobody_is_nothing() -> None:
    assert fed(message(event="reaction", chatmessage="\u2764", type="youtube")).ignored == ("reaction/nothing",)


def test_totals_are_not_events() -> None:
    for name in ("likes_update", "follower_update", "subscriber_update", "view_update"):
        assert fed(message(event=name, meta=900)).ignored == (name,)


def test_lines_of_nobody_are_no_joins() -> None:
    assert isinstance(only(fed(message(event="joined"))).content, Join)
    assert isinstance(only(fed(message(event="followed"))).content, Follow)
    assert fed(message(event="joined", chatname="", userid="")).ignored == ("joined/nothing",)


def test_messages_are_found_in_their_wrappers() -> None:
    inner = orjson.loads(message(chatmessage="x"))
    for wrapped in ({"overlayNinja": inner}, {"value": inner}, [inner], [{"value": [inner]}]):
        assert only(fed(as_text(wrapped))).content == Comment(AVA, "x")


def test_the_session_is_joined_by_a_message_so_that_no_url_holds_it() -> None:
    (greeting,) = HubDecoder(Secret("abc")).greeting()
    assert orjson.loads(greeting) == {"join": "abc", "in": 4, "out": 3}
    assert HubDecoder().greeting() == ()


async def test_how_the_hub_is_reached() -> None:
    (connection,) = await locate(Options(session=Secret("abc")), ScriptedHttp({}))
    assert connection.endpoint.url == "wss://io.socialstream.ninja"
    assert connection.decoder.greeting()
    (connection,) = await locate(Options(room="abc"), ScriptedHttp({}))
    assert connection.decoder.greeting()
    (connection,) = await locate(Options(websocket_url="ws://own:3000/join/abc/4"), ScriptedHttp({}))
    assert (connection.endpoint.url, connection.decoder.greeting()) == ("ws://own:3000/join/abc/4", ())
    with pytest.raises(ValueError, match="session"):
        Options()


def test_a_session_given_as_the_room_is_not_shown_as_one() -> None:
    options = Options(room="s3ss10n")
    assert (options.room, options.session) == ("", Secret("s3ss10n"))
    assert "s3ss10n" not in repr(options)
    named = Options(room="evening", session=Secret("s3ss10n"))
    assert (named.room, named.session) == ("evening", Secret("s3ss10n"))
    by_url = Options(room="evening", websocket_url="ws://own:3000/join/abc/4")
    assert (by_url.room, by_url.session) == ("evening", Secret())


def test_real_examples_are_read() -> None:
    for file in folder("ssn").glob("ssn_docs_*.json"):
        decoded = PLATFORM.offline_decoder(PLATFORM.offline_options()).feed(Frame(file.read_bytes(), AT_MS))
        assert not decoded.rejected, file.name
        assert not decoded.unknown, file.name


def test_nothing_hostile_survives_of_the_published_corpus() -> None:
    for case in orjson.loads((folder("ssn") / "ssn_xss-payload-corpus.json").read_bytes()):
        fields, expected = case["input"], case["fields"]
        for key in ("hasDonation", "donation", "membership", "subtitle", "title"):
            assert plain(fields[key]) == expected[key]
        told_of = {
            "type": "twitch",
            "chatname": fields["title"],
            "chatmessage": fields["hasMembership"] or "",
            **fields,
        }
        told_of["chatmessage"] = f"{fields['subtitle']} {fields['hasDonation']}"
        (event,) = HubDecoder().feed(Frame(as_text(told_of), AT_MS)).events
        shown = event.to_wire().decode()
        for hostile in ("javascript:", "expression(", "<script", "<img", "onload", "onerror", "alert(1)"):
            assert hostile not in shown


KEYS = ["type", "chatname", "userid", "chatmessage", "hasDonation", "event", "id", "meta", "membership", "subtitle",
        "chatbadges", "value", "overlayNinja", "textonly", "tiktokGiftCount", "groupId", "total", "bits", "action"]  # fmt: skip


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected_or_read(data: bytes) -> None:
    assert_sound(HubDecoder().feed(Frame(data, AT_MS)))


EVENTS = ["gift", "cheer", "viewer_update", "viewer_updates", "resub", "giftpurchase", "powerup", "liked", "", "true"]


@given(st.lists(odd_objects(KEYS), max_size=4), st.sampled_from(EVENTS))
def test_arbitrary_messages_never_raise(messages: list[dict[str, Any]], event: str) -> None:
    decoder = HubDecoder()
    assert_sound(decoder.feed(Frame(as_text(messages), AT_MS)))
    for one in messages:
        assert_sound(decoder.feed(Frame(as_text({**one, "type": "tiktok", "event": event}), AT_MS)))
