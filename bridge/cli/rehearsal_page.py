"""A rehearsal as one HTML page: a timeline with a lane a rule, the rules' counts, the events that led to something.

The page holds everything it needs and runs nothing: no script, and a policy that forbids any. What viewers and
operators wrote stands in it escaped, once, in ``_text``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from bridge.cli.rehearsal import Rehearsal, Rehearsed, standing
from bridge.metastudio.rules import Rule

MAX_ROWS = 2000
_COLUMNS = 600
_LANE_HEIGHT = 26
_LABEL_WIDTH = 190
_WIDTH = 1000
_MAX_LABEL_CHARS = 24
_TICKS = 6

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #1d2433;
  background: #fff; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; } p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .6rem; vertical-align: top;
  border-bottom: 1px solid #dde2ec; overflow-wrap: anywhere; } th { font-weight: 600; color: #58627a; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; } .short { white-space: nowrap; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #58627a; }
.lane { stroke: #dde2ec; } .seen { fill: #9aa5bd; } .fired { fill: #1c7a4d; }
.suppressed { fill: #fff; stroke: #c2730c; stroke-width: 1.5; } .never td, text.never { color: #a0322a; fill: #a0322a; }
"""


def page(rehearsal: Rehearsal) -> str:
    """Return the page."""
    return "".join(_parts(rehearsal))


def _parts(rehearsal: Rehearsal) -> Iterator[str]:
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Rehearsal</title><style>{_STYLE}</style></head>\n<body><h1>Rehearsal</h1>\n"
        f"<p>{_text(rehearsal.summary())}</p>\n"
    )
    if rehearsal.never_fired:
        yield f"<p><strong>Never fired:</strong> {_text(', '.join(rehearsal.never_fired))}</p>\n"
    yield "<h2>Timeline</h2>\n"
    yield from _timeline(rehearsal)
    yield "<h2>Rules</h2>\n"
    yield from _rules(rehearsal.rules)
    yield "<h2>Answers</h2>\n"
    yield from _answers([event for event in rehearsal.events if event.outcome.fired or event.outcome.suppressed])
    yield "</body></html>\n"


def _text(value: str) -> str:
    """Escape a text for HTML, and show what is not printable as the sign for it."""
    return escape("".join(char if char.isprintable() else "\ufffd" for char in value), quote=True)


def _time(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _timeline(rehearsal: Rehearsal) -> Iterator[str]:
    if not rehearsal.events:
        yield "<p>The recording holds no events.</p>\n"
        return
    times = [event.timestamp_ms for event in rehearsal.events]
    scale = _Scale(min(times), max(times))
    height = (len(rehearsal.rules) + 2) * _LANE_HEIGHT + 10
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Which rule answered when">\n'
    yield from _lane(0, "all events", "")
    yield from _density(rehearsal.events, scale)
    lanes = {rule.name: number for number, rule in enumerate(rehearsal.rules, start=1)}
    for rule in rehearsal.rules:
        yield from _lane(lanes[rule.name], rule.name, "" if rule.answers else "never")
    yield from _marks(rehearsal.events, scale, lanes)
    yield from _ticks(scale, height)
    yield "</svg>\n<p>Filled: answered. Hollow: suppressed. The bars above count all events. Times are UTC.</p>\n"


class _Scale:
    """Puts moments into columns. However long the show, a lane has no more marks than there are columns."""

    def __init__(self, first_ms: int, last_ms: int) -> None:
        self._first_ms = first_ms
        self._span_ms = max(last_ms - first_ms, 1)

    def column(self, timestamp_ms: int) -> int:
        return (timestamp_ms - self._first_ms) * (_COLUMNS - 1) // self._span_ms

    def moment(self, column: int) -> int:
        return self._first_ms + column * self._span_ms // (_COLUMNS - 1)

    @staticmethod
    def x(column: int) -> float:
        return round(_LABEL_WIDTH + 10 + column * (_WIDTH - _LABEL_WIDTH - 20) / (_COLUMNS - 1), 1)


def _lane(number: int, label: str, kind: str) -> Iterator[str]:
    y = (number + 1) * _LANE_HEIGHT
    short = label if len(label) <= _MAX_LABEL_CHARS else f"{label[: _MAX_LABEL_CHARS - 1]}…"
    yield (
        f'<line class="lane" x1="0" y1="{y}" x2="{_WIDTH}" y2="{y}"/>'
        f'<text class="{kind}" x="0" y="{y - 8}"><title>{_text(label)}</title>{_text(short)}</text>\n'
    )


def _density(events: Sequence[Rehearsed], scale: _Scale) -> Iterator[str]:
    counts = Counter(scale.column(event.timestamp_ms) for event in events)
    most = max(counts.values())
    for column, count in sorted(counts.items()):
        height = round(2 + (_LANE_HEIGHT - 6) * count / most, 1)
        yield (
            f'<rect class="seen" x="{scale.x(column) - 0.6:.1f}" y="{_LANE_HEIGHT - height:.1f}" width="1.2" '
            f'height="{height}"><title>{count} event(s)</title></rect>\n'
        )


def _marks(events: Sequence[Rehearsed], scale: _Scale, lanes: dict[str, int]) -> Iterator[str]:
    """Draw what happened to each rule; suppressions first, so that answers lie above them."""
    for kind in ("suppressed", "fired"):
        places: dict[tuple[str, int], list[Rehearsed]] = {}
        for event in events:
            for name in event.outcome.fired if kind == "fired" else event.outcome.suppressed:
                places.setdefault((name, scale.column(event.timestamp_ms)), []).append(event)
        for (name, column), there in places.items():
            first = there[0]
            more = f" and {len(there) - 1} more" if len(there) > 1 else ""
            said = f" → {first.outcome.reply}" if kind == "fired" and first.outcome.reply else ""
            yield (
                f'<circle class="{kind}" cx="{scale.x(column)}" cy="{lanes[name] * _LANE_HEIGHT + 13}" r="4">'
                f"<title>{_text(f'{_time(first.timestamp_ms)} {first.words}{said}{more}')}</title></circle>\n"
            )


def _ticks(scale: _Scale, height: int) -> Iterator[str]:
    for number in range(_TICKS):
        column = number * (_COLUMNS - 1) // (_TICKS - 1)
        anchor = "start" if number == 0 else "end" if number == _TICKS - 1 else "middle"
        moment = _time(scale.moment(column)).partition(" ")[2]
        yield f'<text x="{scale.x(column)}" y="{height - 8}" text-anchor="{anchor}">{moment}</text>\n'


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    heads = ("event type", "priority", "hit", "answered", "suppressed")
    cells = "".join(f'<th class="number">{head}</th>' for head in heads)
    yield f"<table><tr><th>rule</th>{cells}<th></th></tr>\n"
    for rule in rules:
        numbers = (rule.event_type or "", rule.priority, rule.hits, rule.answers, rule.suppressions)
        cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
        never = "" if rule.answers else ' class="never"'
        yield f"<tr{never}><td>{_text(rule.name)}</td>{cells}<td>{standing(rule)}</td></tr>\n"
    yield "</table>\n"


def _answers(events: Sequence[Rehearsed]) -> Iterator[str]:
    if len(events) > MAX_ROWS:
        yield f"<p>The first {MAX_ROWS} of {len(events)}.</p>\n"
    yield "<table><tr><th>time (UTC)</th><th>event</th><th></th><th>fired</th><th>suppressed</th><th>reply</th></tr>\n"
    for event in events[:MAX_ROWS]:
        outcome = event.outcome
        cells = (event.words, ", ".join(outcome.fired), ", ".join(outcome.suppressed), outcome.reply or "")
        told = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        moment = _time(event.timestamp_ms)
        yield f'<tr><td class="short">{moment}</td><td class="short">{_text(event.type)}</td>{told}</tr>\n'
    yield "</table>\n"
