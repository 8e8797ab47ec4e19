from __future__ import annotations

from bridge.errors import DecodeError, RoomOfflineError, SourceUnavailableError
from bridge.events import LiveEvent, Viewers
from bridge.sources.codecs.results import MAX_ITEMS, MAX_NAME_CHARS, Collected, bounded, joined, without_event
from bridge.sources.contract import NOTHING, Decoded, HttpCall, Notice, NoticeKind


def test_nothing_joined_is_nothing_and_one_is_itself() -> None:
    one = Decoded(ignored=("a",))
    assert joined([]) is NOTHING
    assert joined([one]) is one


def test_each_kind_keeps_its_order() -> None:
    first = Decoded([LiveEvent(1, Viewers(1))], ignored=["a"], replies=[b"1"], calls=[HttpCall("GET", "x")])
    second = Decoded(
        [LiveEvent(2, Viewers(2))],
        rejected=[DecodeError("p", "q")],
        ignored=["b"],
        unknown=["c"],
        notices=[Notice(NoticeKind.LIVE)],
        replies=["2"],
    )

    result = joined([first, second])

    assert [event.timestamp_ms for event in result.events] == [1, 2]
    assert list(result.ignored) == ["a", "b"]
    assert list(result.replies) == [b"1", "2"]
    assert (len(result.calls), len(result.rejected), len(result.unknown), len(result.notices)) == (1, 1, 1, 1)


def test_the_first_end_and_the_first_follow_count() -> None:
    parts = [
        Decoded(follow=""),
        Decoded(end=RoomOfflineError("first"), follow="later"),
        Decoded(end=SourceUnavailableError("x")),
    ]

    result = joined(parts)

    assert isinstance(result.end, RoomOfflineError)
    assert result.follow == ""


def test_items_beyond_the_bound_are_one_refusal() -> None:
    rejected: list[DecodeError] = []
    assert bounded([1] * MAX_ITEMS, "payload", rejected) == [1] * MAX_ITEMS
    assert rejected == []
    assert len(bounded([1] * (MAX_ITEMS + 9), "payload", rejected)) == MAX_ITEMS
    assert [str(error) for error in rejected] == [f"payload: has more than {MAX_ITEMS} items: the rest is not read"]


def test_what_is_collected_is_a_result_of_its_own() -> None:
    found, other = Collected(), Collected()
    found.events.append(LiveEvent(1, Viewers(2)))
    found.ignored += ["test", "other room"]

    assert joined([found, other]) == Decoded(
        [LiveEvent(1, Viewers(2))],
        rejected=[],
        ignored=["test", "other room"],
        unknown=[],
        notices=[],
        replies=[],
        calls=[],
    )
    assert (other.events, other.ignored) == ([], [])


def test_a_message_without_an_event_is_told_by_the_beginning_of_its_name() -> None:
    name = "n" * 100
    assert without_event(name, known=True) == Decoded(ignored=(name[:MAX_NAME_CHARS],))
    assert without_event("new", known=False) == Decoded(unknown=("new",))
