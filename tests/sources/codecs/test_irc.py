from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import DecodeError
from bridge.sources.codecs.irc import MAX_LINES_PER_FRAME, IrcLine, parse_line, split_frame, unescape


def test_a_line_is_tags_prefix_command_and_params() -> None:
    line = parse_line("@id=1;flag;empty= :ada!ada@host PRIVMSG #room :two words : and a colon")
    tags = {"id": "1", "flag": "", "empty": ""}
    assert line == IrcLine(tags, "ada!ada@host", "PRIVMSG", ["#room", "two words : and a colon"])


@pytest.mark.parametrize(
    ("line", "command", "params"),
    [
        ("PING", "PING", []),
        ("PING :", "PING", [""]),
        ("PING  a   b ", "PING", ["a", "b"]),
        (":src JOIN :#chan", "JOIN", ["#chan"]),
        (":src JOIN #chan", "JOIN", ["#chan"]),
        ("@a=1   :src   PING :x", "PING", ["x"]),
        (":s 421 me ODD #room :one :two", "421", ["me", "ODD", "#room", "one :two"]),
        (":s PRIVMSG #room oneword", "PRIVMSG", ["#room", "oneword"]),
        (":s PRIVMSG #room one\u3000word", "PRIVMSG", ["#room", "one\u3000word"]),
        (":s PRIVMSG #room :\x01ACTION a\x01", "PRIVMSG", ["#room", "\x01ACTION a\x01"]),
    ],
)
def test_params_are_read_however_they_are_spaced(line: str, command: str, params: list[str]) -> None:
    parsed = parse_line(line)
    assert (parsed.command, list(parsed.params)) == (command, params)


@pytest.mark.parametrize("line", ["", "@a=1", "@a=1 ", ":prefix", ":prefix ", "@a=1 :prefix", "<html>", "PÏNG", ": :x"])
def test_a_line_without_a_command_cannot_be_read(line: str) -> None:
    with pytest.raises(DecodeError, match="command: is missing or no IRC command"):
        parse_line(line)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (r"two\swords", "two words"),
        (r"a\:b", "a;b"),
        (r"back\\slash", "back\\slash"),
        (r"\\s", r"\s"),
        (r"line\r\nend", "line\r\nend"),
        (r"un\known", "unknown"),
        ("aloneAtTheEnd\\", "aloneAtTheEnd"),
        ("", ""),
    ],
)
def test_tag_values_are_unescaped(raw: str, value: str) -> None:
    assert unescape(raw) == value
    assert parse_line(f"@first=x;tag={raw};last=y PING").tags == {"first": "x", "tag": value, "last": "y"}


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_what_is_escaped_as_the_specification_says_comes_back(value: str) -> None:
    escaped = value
    for plain, escape in (("\\", "\\\\"), (";", "\\:"), (" ", "\\s"), ("\r", "\\r"), ("\n", "\\n")):
        escaped = escaped.replace(plain, escape)
    assert parse_line(f"@a={escaped};b=1 PING").tags["a"] == value


def test_a_value_keeps_its_equals_signs() -> None:
    assert parse_line("@a=b=c PING").tags == {"a": "b=c"}


@pytest.mark.parametrize(
    ("prefix", "nick"),
    [("ada!ada@ada.host", "ada"), ("ada", "ada"), ("tmi.twitch.tv", ""), ("!x@y.z", ""), ("a.b!c@d", "a.b")],
)
def test_a_server_has_no_nick(prefix: str, nick: str) -> None:
    assert parse_line(f":{prefix} PING").nick == nick


def test_a_frame_holds_several_lines_and_only_a_line_feed_ends_one() -> None:
    assert split_frame("a\r\nb c\r\n") == ["a", "b c"]
    assert split_frame("a\nb") == ["a", "b"]
    assert split_frame(b"caf\xc3\xa9\r\n") == ["café"]
    assert split_frame("a\u2028b\x0bc\x85d\r\n\r\ne") == ["a\u2028b\x0bc\x85d", "e"]
    assert split_frame("") == split_frame("\r\n") == []


def test_a_frame_of_absurdly_many_lines_is_refused() -> None:
    assert len(split_frame("a\n" * MAX_LINES_PER_FRAME)) == MAX_LINES_PER_FRAME
    with pytest.raises(DecodeError, match="frame: holds more than"):
        split_frame("a\n" * (MAX_LINES_PER_FRAME + 1))


@given(st.binary() | st.text())
def test_nothing_but_a_decode_error_comes_of_any_bytes(data: bytes | str) -> None:
    for line in split_frame(data):
        with contextlib.suppress(DecodeError):
            parse_line(line)
