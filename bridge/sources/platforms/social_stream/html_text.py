"""Hostile HTML to plain text: what a person would read, and nothing that a browser would run.

The standard library's parser is not used: on malformed markup its time grows with the square of the length, six
seconds for 16 kB. Here every search either moves on, never to come back, or is one of a few that fail, or looks no
further than an emote's tag is long.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape

MAX_HTML_CHARS = 32_768
"""A longer message is cut first; what is left is still more than a comment may hold."""

MAX_PASSES = 4
"""HTML that is encoded as text again and again is opened this often; what is left then loses its brackets."""

MAX_ENDLESS_TAGS = 20
"""After so many tags that never end, the rest is no HTML and only loses its brackets: each costs a look at all of it."""

MAX_EMOTE_CHARS = 512
"""How long the tag of an emote is at most, to be remembered with its name."""

_UNREAD = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in "iframe noembed noscript object script select style template textarea title xmp".split()  # noqa: SIM905
}
"""Elements whose content is not for reading, and what ends them."""

_BREAKS = frozenset({"br", "div", "hr", "li", "p", "td", "tr"})
_BEGIN = r"<(?=/?[A-Za-z]|[!?])"
_TAG_BEGIN = re.compile(_BEGIN)
_BRACKETS = re.compile(r"(?<!<)<*" + _BEGIN)
_TAG = re.compile(
    r"<!--(?:-?>|(?s:.*?)(?:-->|\Z))|"
    + _BEGIN
    + r"(/?[A-Za-z][A-Za-z0-9:-]*+)?+[^>\"']*+(?:(?:\"[^\"]*+\"|'[^']*+')[^>\"']*+)*+>"
)
"""A comment, or a tag up to the first ``>`` outside quotes; its name with the slash of an end tag. Nothing is tried twice."""

_ALT = re.compile(r"[\s\"'/]alt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_LOOKS_LIKE_ATTRIBUTES = re.compile(_BEGIN + r"[^=<]{0,200}=")


def plain(html: str) -> str:
    """Return the text of ``html`` in one line; an image is its alternative text, as emotes are named there."""
    if len(html) > MAX_HTML_CHARS:
        html = html[:MAX_HTML_CHARS]
    if "<" in html or "&" in html:
        html = _opened(html)
    elif "  " not in html and html.isprintable():
        return html.strip()
    return " ".join(html.split())


def _opened(html: str) -> str:
    """Take all layers of markup and entities off."""
    for _ in range(MAX_PASSES):
        text = _read(html)
        if ("<" not in text and "&" not in text) or text == html:
            return text
        html = text
    return _BRACKETS.sub("", html)


def _read(html: str) -> str:
    """Take one layer of markup and entities off."""
    parts: list[str] = []
    at, endless_tags = 0, 0
    start = html.find("<")
    while start >= 0:
        end = html.find(">", start, start + MAX_EMOTE_CHARS) + 1 if html.startswith("<img ", start) else 0
        name = _emote(html[start:end]) if end else None
        if name is not None:
            parts.append(html[at:start])
            parts.append(name)
            at = end
        elif tag := _TAG.match(html, start):
            parts.append(html[at:start])
            words, at = _element(html, tag)
            parts.append(words)
        elif _TAG_BEGIN.match(html, start):
            parts.append(html[at:start])
            # It never ends: a browser would read nothing more; somebody's "x<y" is read without its sign.
            at = len(html) if _LOOKS_LIKE_ATTRIBUTES.match(html, start) else start + 1
            endless_tags += 1
            if endless_tags > MAX_ENDLESS_TAGS:
                parts.append(_BRACKETS.sub("", html[at:]))
                at = len(html)
        start = html.find("<", at if at > start else start + 1)
    parts.append(html[at:])
    text = "".join(parts)
    return unescape(text) if "&" in text else text


@lru_cache(maxsize=4096)
def _emote(text: str) -> str | None:
    """Return what stands for an image's tag, ``None`` where the tag goes on: a chat repeats the same few emotes."""
    tag = _TAG.fullmatch(text)
    return _element(text, tag)[0] if tag else None


def _element(html: str, tag: re.Match[str]) -> tuple[str, int]:
    """Return what stands for the tag in the text, and where reading goes on."""
    name, end = (tag[1] or "").lower(), tag.end()
    if name == "img":
        alt = _ALT.search(html, tag.start(), end)
        words = (alt[1] or alt[2] or alt[3] or "") if alt else ""
        # A name needs its spaces, an emoji stands where it stood.
        return (f" {words} " if words.isascii() else words), end
    if name in _UNREAD:
        closing = _UNREAD[name].search(html, end)
        return " ", closing.start() if closing else len(html)
    return (" " if name.removeprefix("/") in _BREAKS else ""), end
