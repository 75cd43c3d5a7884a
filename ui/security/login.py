"""Signing in and out, the first administrator, and the choice of language: forms without scripts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from inspection.store.event_kinds import ActionKind
from ui.security import plain_pages
from ui.security.first_code import FirstCode
from ui.security.ldap_directory import Directory
from ui.security.oidc import Provider
from ui.security.oidc_routes import OidcRoutes
from ui.security.passwords import LONGEST, check_password
from ui.security.paths import local
from ui.security.plain_pages import Sayer
from ui.security.sessions import Sessions
from ui.security.users import Role, TooSoon, User, Users, UsersError, check_name

Audit = Callable[[ActionKind, str, dict[str, Any]], Awaitable[None]]
"""Writes one action into the record: its kind, who did it, and what more there is to say."""

AUDIT_S = 5.0
YEAR_S = 365 * 24 * 3600
MOST_WAITING = 20
"""Sign-ins are tried one at a time, each costs a core a tenth of a second; further ones are refused."""
FAULTS = frozenset({"damaged", "not_written", "busy", "not_recorded", "directory_gone"})
"""Reasons that are not the fault of what was typed."""
NOBODY = "?"
"""Written in place of a name that is no user's: it may be a password in the wrong field."""

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def routes(
    users: Users,
    sessions: Sessions,
    words: Sayer,
    audit: Audit,
    first_code: FirstCode,
    oidc: Provider | None = None,
    directory: Directory | None = None,
) -> APIRouter:
    """Routes of /login, /logout and /language, for behind the gate.

    Recorded are "sign-in", "sign-in failed", "sign-out" and "first administrator". Engineers and
    administrators do not come in while the record cannot be written.
    """
    desk = LoginRoutes(users, sessions, words, audit, first_code)
    desk.directory = directory
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/login", desk.show, methods=["GET"])
    router.add_api_route("/login", desk.sign_in, methods=["POST"])
    router.add_api_route("/logout", desk.sign_out, methods=["POST"])
    router.add_api_route("/language", desk.choose_language, methods=["POST"])
    if oidc is not None:
        desk.oidc = OidcRoutes(desk, oidc)
        desk.oidc.add_to(router)
    return router


class LoginRoutes:
    """Answers the forms."""

    def __init__(
        self, users: Users, sessions: Sessions, words: Sayer, audit: Audit, first_code: FirstCode
    ) -> None:
        self.users, self.sessions, self.words, self.audit = users, sessions, words, audit
        self.first_code = first_code
        self.oidc: OidcRoutes | None = None
        self.directory: Directory | None = None
        self._one = CapacityLimiter(1)
        self._waiting = 0

    async def show(self, request: Request) -> Response:
        """Show the form of sign-in, or that of the first administrator."""
        return self._form(request, request.query_params.get("next", "/"))

    async def sign_in(self, request: Request) -> Response:
        """Begin a session, or show the form again with the reason why not."""
        given = await _fields(request)
        onward = given.get("next", "/")
        again = partial(self._form, request, onward, name=given.get("name", ""))
        try:
            if self.users.list():
                user, detail = await self._checked(request, given), {}
            else:
                user, detail = await self._first(request, given), {"first": True}
        except TooSoon as error:
            response = again(429, error.reason, **error.values)
            response.headers["Retry-After"] = str(error.values["seconds"])
            return response
        except UsersError as error:
            return again(503 if error.reason in FAULTS else 400, error.reason, **error.values)
        if user is None:
            return again(401, "wrong")
        return await self.let_in(request, user, onward, **detail)

    async def let_in(self, request: Request, user: User, onward: str, **detail: Any) -> Response:
        """Begin a session that is in the record, or say that it cannot be written."""
        recorded = await self._recorded(
            ActionKind.SIGN_IN, user.name, _detail(request, user.role, **detail)
        )
        if not recorded and user.role is not Role.OPERATOR:
            return self._form(request, onward, 503, "not_recorded", name=user.name)
        return self._begin(request, user, onward)

    def refused(self, request: Request, onward: str, error: UsersError) -> Response:
        """Show the form with the reason why somebody whom another vouches for does not come in."""
        status = 429 if isinstance(error, TooSoon) else 403
        return self._form(request, onward, status, error.reason, **error.values)

    @staticmethod
    def address(request: Request) -> str:
        """What is slowed where somebody guesses."""
        return _address(request)

    async def sign_out(self, request: Request) -> Response:
        """End the session, if there is one."""
        response = RedirectResponse("/login", 303)
        session = request.scope.get("session")
        if session is not None:
            self.sessions.end(session)
            await self._recorded(ActionKind.SIGN_OUT, session.user.name, _detail(request))
        response.headers.append("Set-Cookie", self.sessions.clear(secure=_secure(request)))
        return response

    async def choose_language(self, request: Request) -> Response:
        """Keep the choice in a cookie, which scripts may read, and go back."""
        given = await _fields(request)
        response = RedirectResponse(local(given.get("next", "/")), 303)
        if given.get("language") in plain_pages.LANGUAGES:
            response.set_cookie(
                plain_pages.LANGUAGE_COOKIE,
                given["language"],
                max_age=YEAR_S,
                samesite="strict",
                secure=_secure(request),
            )
        return response

    async def _checked(self, request: Request, given: Mapping[str, str]) -> User | None:
        """Try name and password."""
        name, password = given.get("name", ""), given.get("password", "")
        check = partial(self.users.check, name, password)
        if self.directory is not None and not self.users.has_password(name):
            check = partial(self.users.ask, name, partial(self._directed, name, password))
        user = await self._alone(partial(check, address=_address(request)))
        if user is None:
            known = self.users.find(name)
            who = known.name if known else NOBODY
            await self._recorded(ActionKind.SIGN_IN_FAILED, who, _detail(request))
        return user

    def _directed(self, name: str, password: str) -> User | None:
        """Who the directory says this is."""
        assert self.directory is not None
        person = self.directory.person(name, password)
        if person is None:
            return None
        return self.users.adopt(person.name, person.role, source=f"ldap {person.subject}")

    async def _first(self, request: Request, given: Mapping[str, str]) -> User:
        """Make the first administrator; recorded before, since the record may refuse."""
        name, password = given.get("name", ""), given.get("password", "")
        if not request.scope.get("local"):
            raise UsersError("login: the first administrator is made here only", reason="elsewhere")
        name = check_name(name, Role.ADMINISTRATOR)
        check_password(name, password)
        if password != given.get("again"):
            raise UsersError("login: the two passwords differ", reason="passwords_differ")
        self.first_code.check(given.get("code", ""))
        if not await self._recorded(ActionKind.FIRST_ADMINISTRATOR, name, _detail(request)):
            raise UsersError("login: the record cannot be written", reason="not_recorded")
        user = await self._alone(partial(self.users.add_first, name, password))
        self.first_code.used()
        return user

    async def _alone(self, work: Callable[[], Result]) -> Result:
        """Do dear work in a thread, one at a time; others wait, but not many."""
        if self._waiting >= MOST_WAITING:
            raise TooSoon(1.0)
        self._waiting += 1
        try:
            return await to_thread.run_sync(work, limiter=self._one)
        finally:
            self._waiting -= 1

    async def _recorded(self, kind: ActionKind, who: str, detail: dict[str, Any]) -> bool:
        """Write into the record; whatever keeps it from being written, the page goes on."""
        try:
            async with asyncio.timeout(AUDIT_S):
                await self.audit(kind, who, detail)
        except Exception as error:
            log.warning("%s of %r could not be recorded: %s", kind, who, type(error).__name__)
            return False
        return True

    def _begin(self, request: Request, user: User, onward: str) -> Response:
        """A session of its own, never one that was there before."""
        if (old := request.scope.get("session")) is not None:
            self.sessions.end(old)
        response = RedirectResponse(local(onward), 303)
        address = request.client.host if request.client else ""
        line = self.sessions.start(user, secure=_secure(request), address=address)
        response.headers.append("Set-Cookie", line)
        return response

    def _form(
        self,
        request: Request,
        onward: str,
        status: int = 200,
        reason: str = "",
        *,
        name: str = "",
        **values: Any,
    ) -> HTMLResponse:
        """Make the page that fits: sign-in, first administrator, or why neither is possible."""
        language = request.scope["language"]
        say = partial(self.words.say, language=language)
        try:
            kind = "sign_in" if self.users.list() else "first"
        except UsersError as error:
            kind, reason, values = "", error.reason, error.values
        if kind == "first" and not request.scope.get("local"):
            kind, reason = "", "elsewhere"
        if kind == "first":
            self.first_code.announce()
        parts = [plain_pages.line(say(f"login.{reason}", **values), "alert")] if reason else []
        if kind == "sign_in":
            parts += self._signed_in(request.scope.get("user"), say, request)
        if kind:
            parts.append(_inputs(kind, say, name=name[:LONGEST], onward=local(onward)))
        if kind == "sign_in" and self.oidc is not None:
            parts.append(self.oidc.link(language, local(onward)))
        if request.scope.get("user") is not None:
            parts.append(plain_pages.link(say("login.back_to_line"), "/", quiet=True))
        parts.append(plain_pages.languages(language, _here(onward)))
        title = say(f"login.{kind or 'sign_in'}")
        return plain_pages.page(title, language, parts, status=status)

    def _signed_in(self, user: User | None, say: partial[str], request: Request) -> list[str]:
        """Say who is signed in, with a way out."""
        if user is None or request.scope.get("session") is None:
            return []
        role = say(f"login.role_{user.role}")
        signed_in = plain_pages.line(say("login.signed_in", name=user.name, role=role))
        return [signed_in, plain_pages.form("/logout", say("login.sign_out"))]


def _inputs(kind: str, say: partial[str], *, name: str, onward: str) -> str:
    new = kind == "first"
    fields = [plain_pages.field("name", say("login.name"), value=name, fill="username")]
    fill = "new-password" if new else "current-password"
    fields.append(plain_pages.field("password", say("login.password"), kind="password", fill=fill))
    if new:
        fields.insert(0, plain_pages.line(say("login.first_why")))
        label = say("login.password_again")
        fields.append(plain_pages.field("again", label, kind="password", fill=fill))
        fields.append(plain_pages.field("code", say("login.code"), kind="code", fill="off"))
    return plain_pages.form("/login", say(f"login.{kind}_button"), fields, next=onward)


def _here(onward: str) -> str:
    return f"/login?next={quote(local(onward), safe='')}"


async def _fields(request: Request) -> dict[str, str]:
    """Read a posted form; the gate has seen to its size."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=10))
    except ValueError:
        return {}


def _address(request: Request) -> str:
    """What is slowed: the caller's address, of IPv6 the 64 bits that are not his to choose."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ip_network(f"{address.compressed.partition('%')[0]}/64", strict=False))


def _detail(request: Request, role: Role | None = None, **more: Any) -> dict[str, Any]:
    detail = {"address": request.client.host if request.client else "", **more}
    return detail if role is None else {"role": str(role), **detail}


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
