"""The one place that makes the JSON in the JSON."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.events import (
    FIRST_MS,
    MAX_CONTENT_CHARS,
    MAX_INTEGER,
    MAX_TIMESTAMP_MS,
    Comment,
    Content,
    EventType,
    Follow,
    Gift,
    Join,
    Like,
    LiveEvent,
    PaidMessage,
    Streak,
    Twin,
    User,
    Viewers,
    encodable,
    in_ms,
    plausible_timestamp_ms,
    with_words,
)

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
ANN = User("pond_1", "Ann", 7, "frogs", 3)
ROSE = Gift(ANN, "Rose", 2, 10, 19, "coin")
USER_FIELDS = {"userId": "pond_1", "name": "Ann", "level": 7, "badge": "frogs", "badgeLevel": 3}

MADE = [
    ANN,
    ROSE,
    Comment(ANN, "hi"),
    PaidMessage("hi", ROSE),
    Viewers(3),
    Streak("k"),
    Twin("k", settles=True),
    LiveEvent(NOW_MS, Join(ANN)),
]

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
ODD_TEXT = st.text(st.sampled_from('"\\\0\x01\n\x1f\x7fé中𝄞😀\ud800\udfff\ufeff�a'), max_size=5000)
ANY_INTEGER = st.integers() | st.sampled_from([-1, 0, MAX_INTEGER, MAX_INTEGER + 1, 2**64, 10**400])
USERS = st.builds(User, ANY_TEXT, ANY_TEXT | ODD_TEXT, ANY_INTEGER, ANY_TEXT, ANY_INTEGER)
GIFTS = st.builds(Gift, USERS, ANY_TEXT | ODD_TEXT, ANY_INTEGER, ANY_INTEGER, ANY_INTEGER)
CONTENTS: st.SearchStrategy[Content] = st.one_of(
    st.builds(Comment, USERS, ANY_TEXT | ODD_TEXT),
    st.builds(Join, USERS),
    st.builds(Like, USERS, ANY_INTEGER),
    GIFTS,
    st.builds(Follow, USERS),
    st.builds(Viewers, ANY_INTEGER),
    st.builds(PaidMessage, ANY_TEXT | ODD_TEXT, GIFTS),
)


def sent(content: Content, timestamp_ms: int = NOW_MS) -> dict[str, Any]:
    """Return what goes over the wire, with the inner JSON still a text."""
    outer = orjson.loads(LiveEvent(timestamp_ms, content).to_wire())
    assert isinstance(outer, dict)
    return outer


def fields(content: Content) -> dict[str, Any]:
    """Return what stands inside ``content``."""
    inner = orjson.loads(sent(content)["content"])
    assert isinstance(inner, dict)
    return inner


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("content", "number", "expected"),
    [
        (Comment(ANN, "hi"), 1, {"user": USER_FIELDS, "content": "hi"}),
        (Join(ANN), 2, {"user": USER_FIELDS}),
        (Like(ANN, 5), 3, {"user": USER_FIELDS}),
        (
            ROSE,
            4,
            {"user": USER_FIELDS, "gift": {"giftName": "Rose", "giftNum": 2, "giftValue": 10, "totalValue": 19}},
        ),
        (Follow(ANN), 5, {"user": USER_FIELDS}),
        (Viewers(12), 6, {"numberOfViewers": 12}),
        (PaidMessage("hi", ROSE), 1, {"user": USER_FIELDS, "content": "hi"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_type_has_exactly_the_documented_keys(content: Content, number: int, expected: dict[str, Any]) -> None:
    assert list(sent(content)) == ["timestamp", "type", "content"]
    assert sent(content)["type"] == number
    assert fields(content) == expected


def test_a_viewer_of_whom_nothing_is_known_has_empty_texts_and_zeros() -> None:
    assert fields(Join(User("pond_1"))) == {
        "user": {"userId": "pond_1", "name": "", "level": 0, "badge": "", "badgeLevel": 0}
    }


def test_text_is_raw_utf8_and_not_escaped() -> None:
    wire = LiveEvent(NOW_MS, Comment(ANN, "你好 😀")).to_wire()

    assert "你好 😀".encode() in wire


@pytest.mark.parametrize("timestamp_ms", [-1, 0, NOW_MS, MAX_TIMESTAMP_MS, MAX_TIMESTAMP_MS + 1, 10**30])
def test_a_timestamp_is_kept_within_what_the_cloud_takes(timestamp_ms: int) -> None:
    assert sent(Viewers(1), timestamp_ms)["timestamp"] == min(max(timestamp_ms, 0), MAX_TIMESTAMP_MS)


@pytest.mark.parametrize("number", [-5, MAX_INTEGER + 1, 2**64, 10**400])
def test_integers_are_clamped_to_what_a_signed_32_bit_field_holds(number: int) -> None:
    clamped = 0 if number < 0 else MAX_INTEGER

    assert fields(Viewers(number)) == {"numberOfViewers": clamped}
    assert set(fields(Gift(ANN, "Rose", number, number, number))["gift"].values()) == {"Rose", clamped}
    assert fields(Join(User("pond_1", level=number, badge_level=number)))["user"]["level"] == clamped


@given(ANY_TEXT)
@settings(deadline=None)
def test_a_text_that_fits_arrives_as_it_was(text: str) -> None:
    expected = encodable(text).replace("\0", "")

    assert fields(Comment(ANN, text))["content"] == expected


def test_only_what_json_cannot_carry_is_taken_out_of_a_text() -> None:
    assert fields(Comment(ANN, "a\0b\ud800c\udc00 \ud83d\ude00"))["content"] == "ab�c� 😀"
    assert fields(Comment(ANN, "a written \\u0000 stays"))["content"] == "a written \\u0000 stays"


@given(CONTENTS, ANY_INTEGER)
@example(Comment(User("x" * 5000, "y" * 5000, 1, "z" * 5000), "\x01" * 5000), 0)
@example(Gift(User("\x01" * 5000, "\x01" * 5000, 1, "\x01" * 5000), "\x01" * 5000), 0)
@settings(deadline=None)
def test_whatever_comes_the_content_parses_and_fits(content: Content, timestamp_ms: int) -> None:
    outer = sent(content, timestamp_ms)

    assert utf16_units(outer["content"]) <= MAX_CONTENT_CHARS
    assert isinstance(orjson.loads(outer["content"]), dict)
    assert 0 <= outer["timestamp"] <= MAX_TIMESTAMP_MS
    assert outer["type"] in set(EventType)


@given(ODD_TEXT.filter(lambda text: len(text) > 500) | st.text("😀é", min_size=2000, max_size=5000), USERS)
@settings(deadline=None)
def test_a_long_comment_is_the_longest_prefix_that_fits(text: str, user: User) -> None:
    whole = encodable(text).replace("\0", "")
    content = sent(Comment(user, text))["content"]
    kept = orjson.loads(content)["content"]

    assert whole.startswith(kept)
    if kept != whole:
        one_more = orjson.dumps({**orjson.loads(content), "content": whole[: len(kept) + 1]}).decode()
        assert utf16_units(one_more) > MAX_CONTENT_CHARS


def test_names_are_cut_before_the_comment_is() -> None:
    long_name = User("pond_1", "n" * 4000)

    cut = fields(Comment(long_name, "x" * 3000))

    assert cut["user"]["name"] == "n" * 128
    assert cut["content"] == "x" * 3000


def test_an_event_knows_its_viewer_and_a_viewer_count_has_none() -> None:
    assert LiveEvent(NOW_MS, PaidMessage("hi", ROSE)).user is ANN
    assert LiveEvent(NOW_MS, Join(ANN)).user is ANN
    assert LiveEvent(NOW_MS, Viewers(3)).user is None


@pytest.mark.parametrize(
    ("timestamp_ms", "received_at_ms", "expected"),
    [
        (NOW_MS - 5, NOW_MS, NOW_MS - 5),
        (NOW_MS + 5, NOW_MS, NOW_MS + 5),
        (0, NOW_MS, NOW_MS),
        (-7, NOW_MS, NOW_MS),
        (NOW_MS // 1000, NOW_MS, NOW_MS),
        (NOW_MS * 1000, NOW_MS, NOW_MS),
        (NOW_MS + DAY_MS, NOW_MS, NOW_MS + DAY_MS),
        (NOW_MS + DAY_MS + 1, NOW_MS, NOW_MS),
        (NOW_MS, 0, NOW_MS),
        (MAX_TIMESTAMP_MS + 1, 0, 0),
        (MAX_TIMESTAMP_MS + 1, MAX_TIMESTAMP_MS + 5, MAX_TIMESTAMP_MS),
        (5, -5, 0),
    ],
    ids=[
        "past",
        "a little ahead",
        "missing",
        "negative",
        "seconds",
        "microseconds",
        "a day ahead",
        "more than a day ahead",
        "our clock is wrong",
        "beyond the limit, our clock is wrong",
        "both beyond the limit",
        "both nonsense",
    ],
)
def test_the_platforms_time_is_taken_if_it_can_be_true(timestamp_ms: int, received_at_ms: int, expected: int) -> None:
    assert plausible_timestamp_ms(timestamp_ms, received_at_ms) == expected


@given(ANY_INTEGER, ANY_INTEGER)
def test_a_plausible_timestamp_is_always_within_the_clouds_limits(timestamp_ms: int, received_at_ms: int) -> None:
    assert 0 <= plausible_timestamp_ms(timestamp_ms, received_at_ms) <= MAX_TIMESTAMP_MS


@given(ANY_TEXT | ODD_TEXT)
def test_an_encodable_text_can_be_encoded_and_is_otherwise_the_same(text: str) -> None:
    clean = encodable(text)

    assert clean.encode().decode() == clean
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert clean == text


@pytest.mark.parametrize("words", ["", "  ", "\n"])
def test_money_without_words_is_a_gift(words: str) -> None:
    gift = Gift(User("pond_1"), "Rose")

    assert with_words(gift, words) is gift
    assert with_words(gift, "thanks") == PaidMessage("thanks", gift)


@pytest.mark.parametrize("value", MADE, ids=lambda value: type(value).__name__)
def test_nobody_changes_a_value(value: Any) -> None:
    with pytest.raises(AttributeError):
        setattr(value, value.__struct_fields__[0], "changed")


@pytest.mark.parametrize("value", MADE, ids=lambda value: type(value).__name__)
def test_values_that_say_the_same_are_one(value: Any) -> None:
    again = type(value)(*(getattr(value, name) for name in value.__struct_fields__))
    assert again == value
    assert len({again, value}) == 1


def test_what_two_acts_have_in_common_does_not_make_them_one() -> None:
    assert len({Join(ANN), Follow(ANN)}) == 2


@pytest.mark.parametrize(
    ("moment", "ms"),
    [
        (0, 0),
        (1_774_572_732, 1_774_572_732_000),
        (FIRST_MS - 1, 1000 * FIRST_MS - 1000),
        (FIRST_MS, FIRST_MS),
        (NOW_MS, NOW_MS),
    ],
)
def test_the_size_of_a_time_tells_its_unit(moment: int, ms: int) -> None:
    assert in_ms(moment) == ms
