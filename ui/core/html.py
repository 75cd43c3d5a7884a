"""Pieces of HTML that a page puts in as they are: every text in them is escaped where it comes in."""

from __future__ import annotations

from html import escape


class Html(str):
    """A piece of HTML; made by `tag` alone."""


Child = str | None
"""A text, a piece of HTML, or nothing."""


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """An element: tag("b", text, cls="big", data_n="3"). Texts stay texts.

    `cls` is the class, `_` in a name a hyphen; an attribute that is None or False is left out.
    """
    given = "".join(
        f' {_name(key)}="{escape(value if isinstance(value, str) else "")}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{given}>{pieces(*children)}</{name}>")


def pieces(*children: Child) -> Html:
    """Pieces one after the other."""
    return Html("".join(_safe(child) for child in children if child is not None))


def _safe(child: str) -> str:
    return child if isinstance(child, Html) else escape(child)


def _name(key: str) -> str:
    return "class" if key == "cls" else key.replace("_", "-")
