"""What the list calls can be asked for. Wrong values are a ``ValueError``, ``field: problem: what is allowed``."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bridge.metastudio.models.jobs import JOB_STATES
from bridge.metastudio.models.limits import TIME, Allowed, chars, integer, one_of

MAX_PAGE = 100
_OFFSET = integer(0, 2**31 - 1)
_LIMIT = integer(1, MAX_PAGE)


@dataclass(frozen=True, kw_only=True)
class JobQuery:
    """Filters of both job lists. The cloud's own order is oldest first, ours is newest first.

    ``created_since`` and ``created_until`` are UTC, ``2021-01-10T08:43:17Z``. ``room_name`` is a part of
    the room's name and filters the list of the whole tenant only.
    """

    states: tuple[str, ...] = ()
    sort_key: str = "create_time"
    newest_first: bool = True
    created_since: str = ""
    created_until: str = ""
    room_name: str = ""
    offset: int = 0
    limit: int = MAX_PAGE

    def __post_init__(self) -> None:
        for state in self.states:
            _check("states", state, one_of(*JOB_STATES))
        _check("sort_key", self.sort_key, one_of("create_time", "update_time", "asset_order"))
        _check("created_since", self.created_since, TIME)
        _check("created_until", self.created_until, TIME)
        _check("room_name", self.room_name, chars(0, 256))
        _check("offset", self.offset, _OFFSET)
        _check("limit", self.limit, _LIMIT)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the query as it is sent."""
        pairs = [
            ("offset", str(self.offset)),
            ("limit", str(self.limit)),
            ("state", ",".join(self.states)),
            ("sort_key", self.sort_key),
            ("sort_dir", "desc" if self.newest_first else "asc"),
            ("create_since", self.created_since),
            ("create_until", self.created_until),
            ("room_name", self.room_name),
        ]
        return [(name, value) for name, value in pairs if value]


@dataclass(frozen=True, kw_only=True)
class RoomQuery:
    """Filters of the room list; ``room_name`` and ``model_name`` are parts of names, the times those of the last job."""

    room_name: str = ""
    dh_id: str = ""
    model_name: str = ""
    live_state: str = ""
    start_time: str = ""
    end_time: str = ""
    room_type: str = ""
    template_own_type: str = ""
    confirm_state: str = ""
    offset: int = 0
    limit: int = MAX_PAGE

    def __post_init__(self) -> None:
        _check("start_time", self.start_time, TIME)
        _check("end_time", self.end_time, TIME)
        _check("room_type", self.room_type, one_of("", "NORMAL", "TEMP", "TEMPLATE"))
        _check("offset", self.offset, _OFFSET)
        _check("limit", self.limit, _LIMIT)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the query as it is sent."""
        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return [(name, value) for name, value in values.items() if value]


def _check(name: str, value: object, allowed: Allowed) -> None:
    if not allowed.accepts(value):
        raise ValueError(f"{name}: is {value!r}: {allowed.words}")
