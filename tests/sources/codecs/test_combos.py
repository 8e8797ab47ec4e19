from __future__ import annotations

from bridge.sources.codecs.combos import MAX_COMBOS, PAUSE_MS, Combos

AT_MS = 1_760_000_000_000


def test_combos_without_a_name_are_told_apart() -> None:
    combos = Combos()

    def key(number: int, total: int, at_ms: int = AT_MS, *, ended: bool = False) -> str:
        return combos.key("lan/rose", number, total, at_ms, ended=ended)

    first = key(10, 1)
    assert key(11, 2) == first
    assert key(12, 2, ended=True) == first
    assert key(9, 1) == first, "late, so it is no new combo"
    second = key(13, 1)
    assert second != first
    assert key(14, 1) != second, "the same total again, and nothing ended"
    assert key(15, 5, AT_MS + PAUSE_MS + 1) != key(16, 6, AT_MS + 3 * PAUSE_MS)


def test_remembered_combos_are_bounded() -> None:
    combos = Combos()
    for number in range(MAX_COMBOS + 10):
        combos.key(str(number), number, 1, AT_MS)
    assert len(combos._last) == MAX_COMBOS
