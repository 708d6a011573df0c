"""Elements of HTML and inline SVG that escape what they are given, by construction.

Pure. A string is data and is escaped; only what `element` made is markup. There is no other way to
get a `<` onto a page, so no caller has to remember it.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

# What neither XML 1.0 nor HTML can hold, not even escaped: most control characters, surrogates.
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_VOID: Final = frozenset({"meta", "img", "br"})


class Markup(str):
    """Text that is markup already: made by `element` and `joined`, or ours from `resources`."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | float) -> Markup:
    """`<name attributes>children</name>`.

    An attribute is written as in Python: `class_` for class, `stroke_width` for stroke-width,
    `viewBox` as it is. Children that are no `Markup` are escaped, attributes always.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(_number(value))}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*parts: str) -> Markup:
    """All parts, one after another; those that are no `Markup` are escaped."""
    return Markup("".join(p if isinstance(p, Markup) else _escaped(p) for p in parts))


def printable(text: str) -> str:
    """`text` with what no document can hold, and no terminal should obey, replaced."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _escaped(text: str) -> str:
    return escape(printable(text))


def _number(value: str | float) -> str:
    """Coordinates to a tenth of a pixel, so that a page of many plots stays small."""
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
