from __future__ import annotations

from bridge.sources.codecs.wbi import mixin_key, signed

IMG = "https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png"
SUB = "https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png"
KEY = "ea1db124af3c7062474693fa704f4ff8"


def test_the_mixin_key_hides_in_the_names_of_two_pictures() -> None:
    assert mixin_key(IMG, SUB) == KEY


def test_the_documented_vector() -> None:
    query = signed({"foo": "114", "bar": "514", "zab": "1919810"}, KEY, 1702204169)
    assert query["w_rid"] == "8f6f2b5b3d485fe1886cec6a0be8c5d4"
    assert query == {"bar": "514", "foo": "114", "wts": "1702204169", "zab": "1919810", "w_rid": query["w_rid"]}


def test_forbidden_characters_are_deleted_from_what_is_sent_too() -> None:
    assert signed({"a": "o!n'e(t)w*o"}, KEY, 1) == signed({"a": "onetwo"}, KEY, 1)


def test_values_outside_ascii_and_spaces_are_percent_encoded_as_utf8() -> None:
    # md5 of "a=%E4%BD%A0%20b&wts=1" and the key, computed beside this code
    import hashlib

    expected = hashlib.md5(f"a=%E4%BD%A0%20b&wts=1{KEY}".encode()).hexdigest()
    assert signed({"a": "你 b"}, KEY, 1)["w_rid"] == expected


def test_the_given_query_stays_as_it_was() -> None:
    query = {"b": "1", "a": "2"}
    signed(query, KEY, 1)
    assert query == {"b": "1", "a": "2"}


def test_pictures_without_keys_give_no_key() -> None:
    assert mixin_key("", "") == ""
    assert mixin_key("https://host/bfs/wbi/short.png", SUB) == ""
