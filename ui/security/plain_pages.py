"""Pages without Gradio and without any script: signing in, and being refused."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from ui.security.sessions import cookie_values

LANGUAGES = {"en": "English", "ja": "日本語", "ko": "한국어"}
"""Each language by its own name, so that whoever reads no other finds it."""
LANGUAGE_COOKIE = "language"


class Sayer(Protocol):
    """Says a text of the catalogue."""

    def say(self, key: str, language: str, **values: object) -> str:
        """The text of a key."""
        ...


def page(
    title: str,
    language: str,
    parts: Iterable[str],
    *,
    status: int = 200,
    onward: str | None = None,
) -> HTMLResponse:
    """Make a page of parts that are HTML already; `onward` is where it leads to by itself."""
    leads = (
        "" if onward is None else f'<meta http-equiv="refresh" content="0;url={escape(onward)}">'
    )
    return HTMLResponse(
        f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{leads}
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/login/page.css"></head>
<body><main><h1>{escape(title)}</h1>
{"".join(parts)}
</main></body></html>
""",
        status,
    )


def line(text: str, kind: str = "told") -> str:
    """Make a paragraph of a plain text."""
    role = ' role="alert"' if kind == "alert" else ""
    return f'<p class="{kind}"{role}>{escape(text)}</p>'


def link(text: str, target: str, *, quiet: bool = False) -> str:
    """Make a link to a place of our own; a quiet one is not what people come for."""
    return f'<p><a class="button{" quiet" if quiet else ""}" href="{escape(target)}">{escape(text)}</a></p>'


def field(name: str, label: str, *, kind: str = "text", value: str = "", fill: str) -> str:
    """Make a labelled input; `fill` tells the browser what may be filled in.

    A "text" is where the cursor stands, a "code" is shown too, a "password" is not.
    """
    shown = "password" if kind == "password" else "text"
    capital = ' autocapitalize="none" spellcheck="false"' if shown == "text" else ""
    capital += " autofocus" if kind == "text" else ""
    return (
        f'<label>{escape(label)}<input name="{name}" type="{shown}" value="{escape(value)}" '
        f'autocomplete="{fill}" maxlength="256" required{capital}></label>'
    )


def form(action: str, button: str, inner: Iterable[str] = (), **hidden: str) -> str:
    """Make a form that is posted."""
    hiddens = (
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return (
        f'<form method="post" action="{action}">{"".join(hiddens)}{"".join(inner)}'
        f"<button>{escape(button)}</button></form>"
    )


def languages(language: str, onward: str) -> str:
    """Make a button for each language; each leads back to the place given."""
    buttons = (
        f'<button name="language" value="{code}" lang="{code}"'
        f"{' disabled' if code == language else ''}>{name}</button>"
        for code, name in LANGUAGES.items()
    )
    return (
        '<form method="post" action="/language" class="languages">'
        f'<input type="hidden" name="next" value="{escape(onward)}">{"".join(buttons)}</form>'
    )


def language_of(headers: Headers) -> str:
    """Choose the language: the cookie, else what the browser prefers, else English."""
    chosen = next(cookie_values(headers.get("cookie", ""), LANGUAGE_COOKIE), "")
    if chosen in LANGUAGES:
        return chosen
    wanted = sorted(_wanted(headers.get("accept-language", "")), key=lambda w: -w[0])
    return next((code for weight, code in wanted if weight > 0 and code in LANGUAGES), "en")


def _wanted(header: str) -> Iterable[tuple[float, str]]:
    for part in header.split(",")[:20]:
        tag, _, weight = part.strip().partition(";")
        number = weight.strip().removeprefix("q=") if weight else "1"
        try:
            yield float(number), tag.strip().lower().partition("-")[0]
        except ValueError:
            continue
