"""The station page: one FastAPI application with a Gradio page for each role."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware

from inspection.station.station_file import StationFile
from inspection.store.event_kinds import ActionKind
from ui.app.bar import bar_of
from ui.app.html_head import HtmlHead, theme_of
from ui.app.pages import find_pages, links_for
from ui.core import errors, pictures
from ui.core.audit import record_action
from ui.core.context import Context
from ui.core.gradio_page import gradio_page
from ui.core.page import Page
from ui.core.panel import THEME, panel_bar
from ui.core.panel_calls import PanelBlocks, PanelCalls
from ui.core.signs import symbols
from ui.core.wording import Wording
from ui.security import login
from ui.security.first_code import FirstCode
from ui.security.gate import ACTED, AccessMiddleware
from ui.security.ldap_directory import Directory
from ui.security.oidc import Provider
from ui.security.users import Role
from ui.words import LANGUAGES

log = logging.getLogger(__name__)

IDLE_S = 0.02
CACHE_S = (3600, 3600)
"""How often files that panels showed are looked at, and from which age on they go."""
Panel = Callable[[Context, gr.I18n], None]
STATIC = Path(__file__).parents[1] / "static"
# Gradio's own texts follow the browser's language; ours is chosen by the person.
_SPEAK = """
Object.defineProperty(navigator, "language", {get: () => window.inspection.language, configurable: true});
Object.defineProperty(navigator, "languages", {get: () => [window.inspection.language], configurable: true});
document.documentElement.lang = window.inspection.language;
"""
# Panels write times in the zone of who looks, and draw charts light or dark as the page is; a panel's timer keeps
# nobody signed in, a person does; and whoever is signed in no more is asked to sign in, whatever of Gradio's asked
# first (at the station itself that is a 403).
_TELL = f"""
window.inspection.hash = location.hash.slice(1);
document.cookie = `zone=${{Intl.DateTimeFormat().resolvedOptions().timeZone}}; path=/; samesite=strict`;
const system = matchMedia("(prefers-color-scheme: light)");
const tellScheme = () => {{
  document.cookie = `scheme=${{system.matches ? "light" : "dark"}}; path=/; samesite=strict`;
}};
tellScheme();
system.addEventListener("change", tellScheme);
for (const event of ["pointerdown", "keydown"])
  addEventListener(event, () => {{ document.cookie = "{ACTED}=1; max-age=60; path=/; samesite=strict"; }}, true);
const fetched = window.fetch;
let asking = false;
window.fetch = (...what) => fetched(...what).then((answer) => {{
  if ([401, 403].includes(answer.status) && !asking) {{
    asking = true;
    fetched(location.pathname, {{method: "HEAD"}}).then((page) => {{
      if (page.status === 401 || page.status === 403) location.reload();
    }}).finally(() => {{ asking = false; }});
  }}
  return answer;
}});
"""


def make_app(
    context: Context,
    *,
    hosts: tuple[str, ...],
    loopback_only: bool,
    first_code: FirstCode | None = None,
) -> Any:
    """The application (ASGI): routes, the pages, and the gate in front of all of it."""
    first_code = first_code or FirstCode(log.warning)
    app = FastAPI(lifespan=_lifespan(context), docs_url=None, redoc_url=None, openapi_url=None)
    pages = find_pages()
    errors.install(app)
    app.include_router(_routes(context, list(pages)))
    app.include_router(pictures.routes(context))
    app.include_router(
        login.routes(
            context.users,
            context.sessions,
            context.words,
            _audit(context),
            first_code,
            _provider(context.settings),
            _directory(context.settings),
        )
    )
    for module in pages.values():
        app.include_router(module.routes(context))
    # Gradio's own static files, of the page at "/", are below the same path.
    gradios: list[str | tuple[str, str]] = [("gradio", "templates/frontend/static")]
    app.mount("/static", StaticFiles(directory=STATIC, packages=gradios), name="static")
    # The operator's page is last: its path is the beginning of every other.
    mounted = [page for page, module in pages.items() if not hasattr(module, "PLAIN")]
    for page in sorted(mounted, key=lambda page: page.path == "/"):
        if page.path != "/":
            _lead(app, page.path)
        _mount(app, page, context, getattr(pages[page], "panel", None))
    return AccessMiddleware(
        HtmlHead(app),
        users=context.users,
        sessions=context.sessions,
        loopback_only=loopback_only,
        hosts=hosts,
        panels=[page.path for page, module in pages.items() if hasattr(module, "panel")],
    )


def _lead(app: FastAPI, path: str) -> None:
    """Lead from a page's path to the same with a slash, where Gradio begins."""

    @app.get(path)
    async def lead(request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{path}/{query}", 307)


def _mount(app: FastAPI, page: Page, context: Context, panel: Panel | None) -> None:
    """Mount one page as a Gradio application of its own: a panel of components, or our own script."""
    i18n = gr.I18n(**{language: context.words.of(language) for language in LANGUAGES})
    blocks = PanelBlocks(
        title=context.settings.station, analytics_enabled=False, delete_cache=CACHE_S
    )
    with blocks:
        if panel is None:
            gradio_page(page.name)
        else:
            panel_bar(page.name)
            with gr.Column(elem_classes="panel-page"):
                panel(context, i18n)
    blocks.show_filling()
    blocks.draw_in_turn()
    gr.mount_gradio_app(
        app,
        blocks,
        path=page.path,
        footer_links=[],
        run_history=False,
        app_kwargs={"middleware": [Middleware(PanelCalls, blocks=blocks)]},
        max_file_size="50mb",
        i18n=i18n,
        theme=THEME,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
    )
    # Gradio asks its queue a thousand times a second whether there is work: 8 % of a core.
    blocks._queue.sleep_when_free = IDLE_S


def _routes(context: Context, pages: list[Page]) -> APIRouter:
    router = APIRouter()

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        """Tell a page what happens."""
        await context.hub.serve(socket)

    @router.get("/words/{language}.json")
    async def words(language: str) -> dict[str, str]:
        """All texts of a language."""
        if language not in LANGUAGES:
            raise errors.Refuse(f"language {language!r}: allowed: {', '.join(LANGUAGES)}")
        return context.words.of(language)

    @router.get("/engineer")
    async def engineer() -> Response:
        """Lead to the first page of an engineer."""
        theirs = [page for page in pages if page.role is Role.ENGINEER]
        return RedirectResponse(min(theirs, key=lambda page: page.order).path, 303)

    @router.get("/session.js")
    async def session(request: Request) -> Response:
        """Tell the page who looks at it, in which language, and which pages they may open."""
        user, links = request.scope["user"], links_for(request.scope["user"].role, pages)
        wording = Wording(context.words, request.scope["language"])
        person = {
            "user": user.name,
            "role": str(user.role),
            "version": version("inspection"),
            "station": context.settings.station,
            "language": request.scope["language"],
            "pages": links,
            "html_signs": symbols(),
            "html_bar": bar_of(user, links, theme_of(request.scope), wording),
        }
        script = f"window.inspection = {_json(person)};\n{_SPEAK}{_TELL}"
        return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-store"})

    return router


def _provider(settings: StationFile) -> Provider | None:
    """Whom the station file trusts to say who somebody is. Raises SetupError."""
    sign_in = settings.sign_in
    return None if sign_in is None or sign_in.oidc is None else Provider(sign_in.oidc)


def _directory(settings: StationFile) -> Directory | None:
    sign_in = settings.sign_in
    return None if sign_in is None or sign_in.ldap is None else Directory(sign_in.ldap)


def _audit(context: Context) -> Any:
    async def audit(kind: ActionKind, who: str, detail: dict[str, Any]) -> None:
        await record_action(context, kind, who=who, detail=detail)

    return audit


def _lifespan(context: Context) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hearing = asyncio.create_task(context.hub.run())
        yield
        hearing.cancel()
        await context.runtime.close()

    return lifespan


def _json(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")
