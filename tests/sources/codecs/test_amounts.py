from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.codecs.amounts import Amount, decimals, from_decimal, from_micros, read_count, read_money


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("$5.00", 500, "USD"),
        ("$50.00 USD", 5000, "USD"),
        ("$10 CAD", 1000, "CAD"),
        ("5,00 €", 500, "EUR"),
        ("1.000,50 €", 100050, "EUR"),
        ("€1.000", 100000, "EUR"),
        ("USD 1,000", 100000, "USD"),
        ("¥1,000", 1000, "JPY"),
        ("₹ 1,00,000.00", 10000000, "INR"),
        ("NT$150.00", 15000, "TWD"),
        ("CHF 5.5", 550, "CHF"),
        ("KWD 1.250", 1250, "KWD"),
        ("$5.005", 500500, "USD"),
        ("5.000.000 ₫", 5000000, "VND"),
        ("  £3 ", 300, "GBP"),
    ],
)
def test_money_is_read_exactly_whatever_its_separators(text: str, value: int, currency: str) -> None:
    assert read_money(text) == Amount(value, currency)


@pytest.mark.parametrize(
    "text", ["", "abc", "5", "3 roses", "500 bits", "$", "$5 x 3", "$5.00 or €4.00", "9" * 40 + " USD"]
)
def test_what_is_no_single_amount_of_money_is_none(text: str) -> None:
    assert read_money(text) is None


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        ("1,500 bits", 1500, "bits"),
        ("3 roses", 3, "roses"),
        ("200 Jewels", 200, "Jewels"),
        ("1.000 Bits", 1000, "Bits"),
        ("x5", 5, "x"),
        ("12", 12, ""),
    ],
)
def test_counts_keep_the_words_beside_them(text: str, count: int, words: str) -> None:
    assert read_count(text) == (count, words)


@pytest.mark.parametrize("text", ["1.2K coins", "3k", "2万", "1.5 hearts", "no number", "1 or 2"])
def test_a_rounded_or_ambiguous_count_is_none(text: str) -> None:
    assert read_count(text) is None


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        (4.2, "USD", 420),
        ("4.20", "USD", 420),
        (5, "USD", 500),
        ("5", "JPY", 5),
        (1.25, "KWD", 1250),
        ("1.005", "USD", 101),
        (0, "USD", 0),
    ],
)
def test_main_units_become_the_smallest_unit(value: object, currency: str, expected: int) -> None:
    assert from_decimal(value, currency) == expected


@pytest.mark.parametrize("value", [-1, "-1.00", 1e22, "1e5", "", "many", None, True, float("nan"), [5], "9" * 30])
def test_what_is_no_plain_amount_is_none(value: object) -> None:
    assert from_decimal(value, "USD") is None


def test_micros_are_rounded_to_the_nearest_smallest_unit() -> None:
    assert from_micros(5_000_000, "USD") == 500
    assert from_micros(200_000_000, "JPY") == 200
    assert from_micros(1_500_000, "JPY") == 2
    assert from_micros(1_500_000, "BHD") == 1500
    assert from_micros(1_000_000, "XXX") == 100
    assert (from_micros(4_999, "USD"), from_micros(5_000, "USD")) == (0, 1)
    assert from_micros(-1, "USD") is from_micros(10**16, "USD") is None
    assert (decimals("USD"), decimals("JPY"), decimals("KWD")) == (2, 0, 3)


@given(st.integers(0, 10**12 - 1), st.sampled_from(["USD", "JPY", "KWD"]))
def test_an_amount_written_out_is_read_back(value: int, currency: str) -> None:
    places = decimals(currency)
    scale = 10**places
    written = f"{value // scale:,}.{value % scale:0{places}d}" if places else f"{value:,}"
    assert read_money(f"{written} {currency}") == Amount(value, currency)


@given(st.text(max_size=100))
def test_no_text_is_too_odd_to_be_looked_at(text: str) -> None:
    read_money(text)
    read_count(text)
    from_decimal(text, "USD")
