from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from bridge.config import InstalledPlatforms
from bridge.config.sources import option_words
from bridge.secret import Secret
from bridge.sources.catalogue import available_platforms
from tests.config.toys import TOYS, Directory, PondOptions, toy

REPORT = "report: {url: http://a/b}\n"


def write(directory: Directory, *entries: str) -> None:
    directory.write("rooms/evening.yaml", "sources:\n" + "".join(f"  - {entry}\n" for entry in entries) + REPORT)


def options(directory: Directory, entry: str) -> Any:
    write(directory, entry)
    [room] = directory.load().rooms
    [source] = room.sources
    assert source.options() == source.initial
    return source.initial


def test_options_are_the_platforms_own_class_with_its_defaults(directory: Directory) -> None:
    assert options(directory, "{platform: pond, room: 21452505}") == PondOptions(room="21452505")


def test_every_kind_of_option_is_read(directory: Directory) -> None:
    directory.environ |= {"COOKIE": "abc", "DEPTH": "7", "FROZEN": "yes"}
    secret = directory.write("secrets/gift", "gift secret\n")
    entry = (
        '{platform: pond, room: 007, proxy: "http://u:p@h:1", cookie: "${COOKIE}", depth: "${DEPTH}",'
        ' temperature: 5, frozen: "${FROZEN}", mode: wild, tags: [a, 1, true], chart: maps/pond.txt,'
        f' secrets: {{gift: "${{file:{secret}}}", like: 5}}, prices: {{824: {{price: 1}}}}, api_base: "http://h:1/x",'
        ' websocket_url: "ws://h/x"}'
    )
    assert options(directory, entry) == PondOptions(
        room="007",
        proxy=Secret("http://u:p@h:1"),
        cookie=Secret("abc"),
        secrets={"gift": Secret("gift secret"), "like": Secret("5")},
        depth=7,
        temperature=5.0,
        frozen=True,
        mode="wild",
        tags=["a", "1", "true"],
        prices={"824": {"price": 1}},
        chart=directory.path / "maps/pond.txt",
        api_base="http://h:1/x",
        websocket_url="ws://h/x",
    )


def test_an_option_without_a_value_has_its_default(directory: Directory) -> None:
    assert options(directory, "{platform: pond, room: , depth: null}") == PondOptions()


def test_the_platform_may_come_from_the_environment(directory: Directory) -> None:
    directory.environ["PLATFORM"] = "mail"
    assert options(directory, '{platform: "${PLATFORM}", key: x}') == TOYS["mail"].options(key=Secret("x"))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("entry", "lines"),
    [
        ("5", ["sources[0]: is not a section: key: value lines"]),
        ("{room: 5}", ["sources[0].platform: is missing: one of mail, pond"]),
        ("{platfrom: pond, room: 5}", ["sources[0].platform: is missing: one of mail, pond", "sources[0].platfrom: unknown key, did you mean platform?: a platform's name"]),
        ("{platform: pnod}", ["sources[0].platform: unknown platform, did you mean pond?: one of mail, pond"]),
        ("{platform: [pond]}", ["sources[0].platform: unknown platform: one of mail, pond"]),
        ('{platform: "${NONE}", rom: 5}', ["sources[0].platform: the environment variable NONE is not set: set it, or write ${NONE:-default}"]),
        ("{platform: mail}", ["sources[0].key: is missing: it must be given"]),
        ("{platform: mail, kye: 5, key: 1}", ["sources[0].kye: unknown key, did you mean key?: one of key, platform, proxy, room"]),
        ("{platform: pond, depth: deep}", ["sources[0].depth: is not a whole number: digits only"]),
        ("{platform: pond, depth: true}", ["sources[0].depth: is not a number: a number"]),
        ("{platform: pond, mode: mad}", ["sources[0].mode: is not a known value: one of 'calm' or 'wild'"]),
        ("{platform: pond, tags: a}", ["sources[0].tags: is not a list: items, each on a line that begins with -"]),
        ("{platform: pond, tags: [a, [b]]}", ["sources[0].tags[1]: is not a text: a text"]),
        ("{platform: pond, secrets: {gift: {a: b}}}", ["sources[0].secrets.gift: is not a text: a text, best as ${NAME} or ${file:/path}"]),
        ("{platform: pond, cookie: [a]}", ["sources[0].cookie: is not a text: a text, best as ${NAME} or ${file:/path}"]),
        ("{platform: pond, proxy: 'socks5://h:1'}", ["sources[0].proxy: is not a proxy's URL: http://host:port, with user:password@ before the host where it asks for them"]),
        ("{platform: pond, api_base: h:1}", ["sources[0].api_base: is not a URL: http:// or https:// with a host"]),
        ("{platform: pond, websocket_url: h:1}", ["sources[0].websocket_url: is not a URL: http://, https://, ws:// or wss:// with a host"]),
        ("{platform: pond, mode: wild, depth: 1}", ["sources[0].depth: is too shallow for wild frogs: at least 2"]),
        ("{platform: pond, room: vague}", ["sources[0]: this pond cannot be: see the documentation of this key"]),
        (
            '{platform: pond, depth: x, cookie: "${NONE}", api_base: a, room: {}}',
            [
                "sources[0].cookie: the environment variable NONE is not set: set it, or write ${NONE:-default}",
                "sources[0].api_base: is not a URL: http:// or https:// with a host",
                "sources[0].room: is not a text: a text",
                "sources[0].depth: is not a whole number: digits only",
            ],
        ),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_told_line_by_line(directory: Directory, entry: str, lines: list[str]) -> None:
    write(directory, entry)
    assert directory.problems() == [f"rooms/evening.yaml: {line}" for line in lines]


def test_a_platforms_own_words_never_show_a_credential(directory: Directory) -> None:
    write(directory, "{platform: pond, room: leaky, cookie: hunter2}")
    assert directory.problems() == ["rooms/evening.yaml: sources[0].cookie: *** is refused: a better one"]


def test_the_same_source_twice_is_a_problem_whatever_its_credentials(directory: Directory) -> None:
    write(directory, "{platform: pond, room: 5}", "{platform: pond, room: '5', cookie: a}")
    assert directory.problems() == [
        "rooms/evening.yaml: sources[1]: is the same source a second time: each source once a room"
    ]


def test_two_places_of_one_platform_are_two_sources(directory: Directory) -> None:
    write(directory, "{platform: pond, room: 5}", "{platform: pond, room: 6}", "{platform: mail, room: 5, key: a}")
    assert len(directory.load().rooms[0].sources) == 3


def test_a_platform_whose_library_is_missing_is_a_problem_that_names_it(directory: Directory) -> None:
    class Broken(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise ModuleNotFoundError(f"No module named {name!r}", name="frogs")

    write(directory, "{platform: pond}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.config.toys.TOYS", Broken(TOYS))
        [line] = directory.problems()
    assert line.endswith("[0].platform: cannot be loaded, frogs is not installed: install what the platform needs")


def test_a_source_shows_no_credential(directory: Directory) -> None:
    write(directory, "{platform: pond, cookie: hunter2, secrets: {a: hunter2}, proxy: 'http://u:hunter2@h:1'}")
    assert "hunter2" not in repr(directory.load())


def test_installed_platforms_are_those_of_the_contract() -> None:
    installed = InstalledPlatforms()
    assert list(installed) == available_platforms()
    assert len(installed) == len(available_platforms())
    with pytest.raises(KeyError):
        installed["no such platform"]


def test_options_are_described_by_the_docstrings_below_them() -> None:
    words = option_words(PondOptions)
    assert words["cookie"] == "Cookie of a logged-in frog."
    assert words["depth"] == "How deep it is,\nin metres."
    assert "room" in words
    assert "temperature" not in words


def test_options_without_source_text_have_no_descriptions() -> None:
    namespace: dict[str, Any] = {"SourceOptions": TOYS["pond"].options.__base__}
    exec("class Made(SourceOptions): pass", namespace)
    assert set(option_words(cast("Any", namespace["Made"]))) == {"room", "proxy"}
    assert toy("made", namespace["Made"]).name == "made"


def test_relative_paths_begin_at_the_directory(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    directory.write("secrets/cookie", "abc")
    directory.path = Path(tmp_path.name)
    write(directory, '{platform: pond, chart: a.txt, cookie: "${file:secrets/cookie}"}')
    [room] = directory.load().rooms
    assert room.sources[0].options() == PondOptions(chart=Path(tmp_path.name) / "a.txt", cookie=Secret("abc"))
