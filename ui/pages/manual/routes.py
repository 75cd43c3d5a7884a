"""The page /manual: the manual of this version, with a search; plain HTML that the station makes itself."""

from __future__ import annotations

import re
from functools import partial
from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from inspection.local_api.diagnostics import program_version
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.pages.manual.reader import FIRST, Manual, excerpt
from ui.security.users import Role

PAGE = Page(name="manual", path="/manual", role=Role.OPERATOR, label="manual.page", order=90)
PLAIN = True
"""It answers its path itself: there is nothing of Gradio on it."""
PICTURE = re.compile(r"[\w-]+\.png")
LICENCE = "Apache-2.0"


def routes(context: Context) -> APIRouter:
    """Give out pages, pictures and what is found."""
    router, manual, words = APIRouter(prefix=PAGE.path), Manual(), context.words

    def shown(request: Request, title: str, inside: str, asked: str = "") -> Response:
        language = request.scope["language"]
        say = {
            key: escape(words.say(f"manual.{key}", language)) for key in ("page", "search", "start")
        }
        version = words.say("manual.version", language, version=program_version(), licence=LICENCE)
        return HTMLResponse(
            f"""<!doctype html>
<html lang="{language}"><head>
<meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/manual/page.css">
<script type="module">import {{bar}} from "/static/shared/bar.js"; document.body.prepend(bar("manual"));</script>
</head><body class="manual"><form action="/manual" role="search">
<a href="/manual">{say["start"]}</a>
<input type="search" name="q" maxlength="200" value="{escape(asked)}" aria-label="{say["search"]}">
<button>{say["search"]}</button></form>
<main lang="en">{inside}</main><footer>{escape(version)}</footer></body></html>
"""
        )

    def results(request: Request, asked: str) -> Response:
        found, language = manual.find(asked), request.scope["language"]
        lines = "".join(
            f'<li><a href="/manual/{each.page}#{escape(each.place)}">{escape(each.title)} › '
            f"{escape(each.heading)}</a><p>{escape(excerpt(each, asked))}</p></li>"
            for each in found
        )
        nothing = words.say("manual.nothing", language, asked=asked)
        inside = f"<ul class='found'>{lines}</ul>" if found else f"<p>{escape(nothing)}</p>"
        return shown(request, asked, inside, asked)

    @router.get("/images/{name}")
    def picture(name: str) -> Response:
        """A picture of the manual."""
        file = manual.folder / "images" / name
        if not PICTURE.fullmatch(name) or not file.is_file():
            raise Refuse(f"picture {name[:64]!r}: is not in the manual", status=404)
        return FileResponse(file, media_type="image/png")

    @router.get("")
    def begin(request: Request, q: str = "") -> Response:
        """The first page, or what is found."""
        return results(request, q[:200]) if q.strip() else page(FIRST, request)

    @router.get("/{name:path}")
    def page(name: str, request: Request) -> Response:
        """A page."""
        if not manual.there:
            say = partial(words.say, language=request.scope["language"])
            return shown(request, say("manual.page"), f"<p>{escape(say('manual.missing'))}</p>")
        inside = manual.html(name or FIRST)
        if inside is None:
            raise Refuse(f"page {name[:64]!r}: is not in the manual", status=404)
        return shown(request, manual.title(name or FIRST), inside)

    return router
