from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.config.problems import Problem, path_text, split_wording, unknown_name


def test_a_problem_is_one_line_of_file_path_problem_and_what_is_allowed() -> None:
    problem = Problem(("sources", 0, "room"), "is missing", "a number")
    assert problem.line("rooms/a.yaml") == "rooms/a.yaml: sources[0].room: is missing: a number"


def test_the_document_itself_has_a_name() -> None:
    assert path_text(()) == "document"


@given(st.lists(st.text() | st.integers(0, 9), max_size=4))
def test_odd_keys_stay_on_one_line(path: list[str | int]) -> None:
    assert path_text(tuple(path)).isprintable()


def test_a_long_key_is_cut() -> None:
    assert len(path_text(("k" * 500,))) < 80


def test_the_nearest_known_name_is_suggested() -> None:
    assert unknown_name("cokie", ["room", "cookie"], "key") == (
        "unknown key, did you mean cookie?",
        "one of cookie, room",
    )
    assert unknown_name("ROOM", ["room", "cookie"], "key")[0] == "unknown key, did you mean room?"
    assert unknown_name("dir", ["directory", "max_bytes"], "key")[0] == "unknown key, did you mean directory?"
    assert unknown_name("xyz", ["room"], "key") == ("unknown key", "one of room")


def test_a_checks_own_words_are_split_at_the_first_colon() -> None:
    assert split_wording("is wrong: a: b\n c") == ("is wrong", "a: b c")
    assert split_wording("is wrong") == ("is wrong", "see the documentation of this key")
