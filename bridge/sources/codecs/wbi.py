"""WBI, the signature that Bilibili's web API asks for.

Two keys of the day stand in the answer of ``/x/web-interface/nav`` as the file names of two pictures.
A fixed order of their characters gives a mixin key; the md5 of the sorted query and that key is sent
along as ``w_rid``. Pure: the time is passed in. Source: documented by users of the API, checked with
their vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import quote, urlencode

_MIXIN_ORDER = (
    *(46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35),
    *(27, 43, 5, 49, 33, 9, 42, 19, 29, 28, 14, 39, 12, 38, 41, 13),
)
_DELETED = str.maketrans("", "", "!'()*")


def mixin_key(img_url: str, sub_url: str) -> str:
    """Return the key of 32 characters that the two picture URLs of ``wbi_img`` hide, "" if they hide none."""
    keys = _file_stem(img_url) + _file_stem(sub_url)
    if len(keys) <= max(_MIXIN_ORDER):
        return ""
    return "".join(keys[index] for index in _MIXIN_ORDER)


def signed(query: Mapping[str, str], key: str, at_secs: int) -> dict[str, str]:
    """Return the query with ``wts`` and ``w_rid`` added, sorted by name, forbidden characters deleted."""
    stamped = {**query, "wts": str(at_secs)}
    cleaned = {name: stamped[name].translate(_DELETED) for name in sorted(stamped)}
    text = urlencode(cleaned, quote_via=quote, safe="")
    cleaned["w_rid"] = hashlib.md5(f"{text}{key}".encode(), usedforsecurity=False).hexdigest()
    return cleaned


def _file_stem(url: str) -> str:
    return url.rsplit("/", 1)[-1].split(".", 1)[0]
