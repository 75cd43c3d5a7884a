"""The two stops of a sign-in by OpenID Connect: to the provider, and back from it."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request
from itsdangerous import BadData
from starlette.responses import RedirectResponse, Response

from ui.security import plain_pages
from ui.security.oidc import Attempt, OidcError, Provider
from ui.security.paths import local
from ui.security.sessions import cookie_values
from ui.security.throttle import LoginThrottle
from ui.security.users_file import TooSoon, UsersError

if TYPE_CHECKING:
    from ui.security.login import LoginRoutes

START, BACK = "/oidc/start", "/oidc/callback"
ATTEMPT_S = 600
LONGEST_WAIT_S = 60.0


class OidcRoutes:
    """Sends a browser to the provider, and lets in who comes back."""

    def __init__(self, desk: LoginRoutes, provider: Provider) -> None:
        self.desk, self.provider = desk, provider
        self._throttle = LoginThrottle(time.monotonic, longest_s=LONGEST_WAIT_S)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes; the gate lets everybody to them."""
        router.add_api_route(START, self.start, methods=["GET"])
        router.add_api_route(BACK, self.back, methods=["GET"])

    async def start(self, request: Request) -> Response:
        """Remember in a cookie what is asked, and ask."""
        onward = local(request.query_params.get("next", "/"))
        attempt = Attempt.new()
        try:
            url = await self.provider.begin(attempt, _redirect_uri(request))
        except OidcError as error:
            return self.desk.refused(request, onward, error)
        response = RedirectResponse(url, 303)
        response.headers.append(
            "Set-Cookie", self._cookie(request, {**asdict(attempt), "next": onward})
        )
        return response

    async def back(self, request: Request) -> Response:
        """Check what came back, and begin a session."""
        onward, address = "/", self.desk.address(request)
        try:
            if (wait_s := self._throttle.wait_s(address)) > 0:
                raise TooSoon(wait_s)
            self._throttle.failed(address)
            kept = self._kept(request)
            onward = local(str(kept.pop("next")))
            person = await self.provider.finish(
                Attempt(**kept), dict(request.query_params), _redirect_uri(request)
            )
            user = await to_thread.run_sync(
                partial(
                    self.desk.users.adopt, person.name, person.role, source=f"oidc {person.subject}"
                )
            )
        except UsersError as error:
            return self.desk.refused(request, onward, error)
        self._throttle.withdraw(address)
        response = await self.desk.let_in(request, user, onward, by="oidc")
        if response.status_code != 303:
            return response
        # A page between: the browser sends a strict cookie only where it comes from our own page.
        language = request.scope["language"]
        title = self.desk.words.say("login.sign_in", language)
        parts = [plain_pages.link(self.desk.words.say("login.go_on", language), onward)]
        page = plain_pages.page(title, language, parts, onward=onward)
        for line in response.headers.getlist("set-cookie"):
            page.headers.append("Set-Cookie", line)
        page.headers.append("Set-Cookie", self._cookie(request, None))
        return page

    def link(self, language: str, onward: str) -> str:
        """The button at sign-in."""
        text = self.desk.words.say("login.oidc", language, label=self.provider.settings.label)
        return plain_pages.link(text, f"{START}?next={quote(onward, safe='')}")

    @property
    def _name(self) -> str:
        return f"{self.desk.sessions.cookie}_oidc"

    def _cookie(self, request: Request, kept: dict[str, str] | None) -> str:
        value = "" if kept is None else self.desk.sessions.signer("oidc").dumps(kept)
        text = value.decode() if isinstance(value, bytes) else value
        age_s = 0 if kept is None else ATTEMPT_S
        secure = "; Secure" if request.url.scheme == "https" else ""
        return f"{self._name}={text}; Path=/oidc; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"

    def _kept(self, request: Request) -> dict[str, str]:
        signer = self.desk.sessions.signer("oidc")
        for token in cookie_values(request.headers.get("cookie", ""), self._name):
            try:
                kept: Any = signer.loads(token, max_age=ATTEMPT_S)
                return dict(kept)
            except BadData:
                continue
        raise OidcError("the browser brought nothing of ours back", reason="oidc_again")


def _redirect_uri(request: Request) -> str:
    # The gate has seen to it that this is a name of ours.
    return f"{request.url.scheme}://{request.headers['host']}{BACK}"
