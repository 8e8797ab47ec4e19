"""Messages as no platform sends them: known keys with anything in them, huge numbers, NaN and deep nesting included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from bridge.events import Gift, PaidMessage
from bridge.sources.contract import Decoded

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0", "-1", "1e999", "2025-01-01T00:00:00Z", "<b>", "$5.00", "***", "\ud800"])
)


def odd_values(keys: Sequence[str]) -> st.SearchStrategy[Any]:
    """Return a strategy for values whose objects mostly have some of ``keys``."""
    names = st.sampled_from(list(keys)) | st.text(max_size=4)
    return st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=12,
    )


def odd_objects(keys: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for objects that have some of ``keys``."""
    return st.dictionaries(st.sampled_from(list(keys)), odd_values(keys), max_size=8)


def as_text(value: Any) -> str:
    """Write JSON as the laxest sender would."""
    return json.dumps(value)


def assert_sound(decoded: Decoded) -> None:
    """Check that whatever came of odd input can be sent, and written down with 64-bit numbers."""
    for event in decoded.events:
        assert event.to_wire()
        content = event.content
        gift = content.gift if isinstance(content, PaidMessage) else content
        numbers = [gift.count, gift.unit_value, gift.total_value] if isinstance(gift, Gift) else []
        if event.user is not None:
            numbers += [event.user.level, event.user.badge_level]
        numbers += [content.count] if hasattr(content, "count") else []
        assert all(0 <= number < 2**63 for number in numbers)
    for error in decoded.rejected:
        assert len(str(error)) < 1000
    for name in (*decoded.unknown, *decoded.ignored):
        assert len(name) < 200
