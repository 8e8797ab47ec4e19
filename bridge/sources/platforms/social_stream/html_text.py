"""Hostile HTML to plain text: what a person would read, and nothing that a browser would run.

The standard library's parser is not used: on malformed markup its time grows with the square of the length, six
seconds for 16 kB. Here every character is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from html import unescape

MAX_HTML_CHARS = 32_768
"""A longer message is cut first; what is left is still more than a comment may hold."""

MAX_PASSES = 4
"""HTML that is encoded as text again and again is opened this often; what is left then loses its brackets."""

_UNREAD = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in "iframe noembed noscript object script select style template textarea title xmp".split()  # noqa: SIM905
}
"""Elements whose content is not for reading, and what ends them."""

_BREAKS = frozenset({"br", "div", "hr", "li", "p", "td", "tr"})
_LOOKS_LIKE_MARKUP = re.compile(r"<[A-Za-z/!?]|&(?:[A-Za-z]{2,8}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_TAG_BEGIN = re.compile(r"<(?=[A-Za-z/!?])")
_TAG_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,31})")
_TAG_STOP = re.compile(r"[>\"']")
_ALT = re.compile(r"[\s\"'/]alt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_LOOKS_LIKE_ATTRIBUTES = re.compile(r"<[A-Za-z/!?][^=<]{0,200}=")


def plain(html: str) -> str:
    """Return the text of ``html`` in one line; an image is its alternative text, as emotes are named there."""
    text = html[:MAX_HTML_CHARS]
    for _ in range(MAX_PASSES):
        if not _LOOKS_LIKE_MARKUP.search(text):
            break
        text = _read(text)
    else:
        text = _TAG_BEGIN.sub("", text)
    return " ".join(text.split())


def _read(html: str) -> str:
    """Take one layer of markup and entities off."""
    parts: list[str] = []
    ends = _TagEnds(html)
    at = 0
    while True:
        begin = _TAG_BEGIN.search(html, at)
        if begin is None:
            parts.append(unescape(html[at:]))
            return "".join(parts)
        start = begin.start()
        parts.append(unescape(html[at:start]))
        if html.startswith("<!--", start):
            closing = html.find("-->", start)
            at = len(html) if closing < 0 else closing + 3
            continue
        at = ends.after(start)
        if at < 0:
            # It never ends: a browser would read nothing more; somebody's "x<y" is read without its sign.
            at = len(html) if _LOOKS_LIKE_ATTRIBUTES.match(html, start) else start + 1
            continue
        text, at = _element(html, start, at)
        parts.append(text)


def _element(html: str, start: int, end: int) -> tuple[str, int]:
    """Return what stands for the tag in the text, and where reading goes on."""
    match = _TAG_NAME.match(html, start, end)
    name = match[1].lower() if match else ""
    if name == "img":
        alt = _ALT.search(html, start, end)
        words = unescape(next((group for group in alt.groups() if group), "")) if alt else ""
        # A name needs its spaces, an emoji stands where it stood.
        return (f" {words} " if words.isascii() else words), end
    if name in _UNREAD and html[start + 1] != "/":
        closing = _UNREAD[name].search(html, end)
        return " ", closing.start() if closing else len(html)
    return (" " if name in _BREAKS else ""), end


class _TagEnds:
    """Finds where tags end: at the first ``>`` outside quotes. Each quote and bracket is followed only once."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._stops = [match.start() for match in _TAG_STOP.finditer(html)]
        self._known: dict[int, int] = {}

    def after(self, start: int) -> int:
        """Return the place after the tag that begins at ``start``, -1 if it does not end."""
        passed: list[int] = []
        at, end = start, -1
        while (index := bisect_left(self._stops, at)) < len(self._stops):
            stop = self._stops[index]
            if stop in self._known:
                end = self._known[stop]
                break
            passed.append(stop)
            if self._html[stop] == ">":
                end = stop + 1
                break
            closing = self._html.find(self._html[stop], stop + 1)
            if closing < 0:
                break
            at = closing + 1
        for stop in passed:
            self._known[stop] = end
        return end
