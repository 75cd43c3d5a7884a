"""Signing in by OpenID Connect, against a provider of the test's own that speaks the protocol."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.testclient import TestClient

from inspection.errors import SetupError
from inspection.station.sign_in import OidcSettings
from inspection.station.station_file import read_station
from tests.ui.conftest import free_port, wait_for
from ui.security.first_code import FirstCode
from ui.security.gate import AccessMiddleware
from ui.security.login import routes
from ui.security.oidc import Provider
from ui.security.sessions import Sessions
from ui.security.users import Role, Users, UsersError
from ui.words import Words

CLIENT, SECRET = "inspection", "a secret of the client"
PASSWORD = "correct horse battery"
HERE = "http://station.plant:7860"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))


class Idp:
    """A provider: it knows one person, and gives out codes that hold once."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}/realms/plant"
        self.person: dict[str, Any] = {"sub": "s-1", "preferred_username": "kim", "groups": ["qa"]}
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: signed(claims, KEY)
        self.told_issuer: str | None = None
        self._codes: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        prefix = "/realms/plant"
        self.app.add_api_route(f"{prefix}/.well-known/openid-configuration", self.about)
        self.app.add_api_route(f"{prefix}/jwks", self.keys)
        self.app.add_api_route(f"{prefix}/token", self.token, methods=["POST"])

    def about(self) -> dict[str, str]:
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "jwks",
        }
        told = {key: f"{self.issuer}/{path}" for key, path in names.items()}
        return {"issuer": self.told_issuer or self.issuer, **told}

    def keys(self) -> Any:
        return KeySet([KEY]).as_dict(private=False)

    def authorize(self, url: str) -> dict[str, str]:
        """What a person's browser brings back after signing in at the provider."""
        assert url.startswith(f"{self.issuer}/authorize?")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        assert asked["redirect_uri"] == f"{HERE}/oidc/callback"
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def token(self, request: Request) -> JSONResponse:
        given = {n: v[0] for n, v in parse_qs((await request.body()).decode()).items()}
        basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self._codes.pop(given.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        )
        if (
            asked is None
            or request.headers.get("authorization") not in (f"Basic {basic}", f"Basic {plain}")
            or challenge.decode().rstrip("=") != asked["code_challenge"]
            or given["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.issuer, "aud": CLIENT, "exp": int(time.time()) + 300,
            "iat": int(time.time()), "nonce": asked["nonce"], **self.person, **self.claims,
        }  # fmt: skip
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})


def signed(claims: dict[str, Any], key: Any, algorithm: str = "RS256") -> str:
    return jwt.encode({"alg": algorithm, "kid": "one"}, claims, key, algorithms=[algorithm])


def unsigned(claims: dict[str, Any]) -> str:
    header, body, _ = signed(claims, KEY).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return f"{header}.{body}."


@pytest.fixture(scope="module")
def serving() -> Iterator[Idp]:
    idp = Idp()
    server = uvicorn.Server(
        uvicorn.Config(idp.app, host="127.0.0.1", port=idp.port, log_level="error")
    )
    thread = Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started, 20)
    yield idp
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def idp(serving: Idp) -> Idp:
    serving.person = {"sub": "s-1", "preferred_username": "kim", "groups": ["qa"]}
    serving.claims, serving.told_issuer = {}, None
    serving.sign = lambda claims: signed(claims, KEY)
    return serving


class Station:
    """A page that trusts the provider."""

    def __init__(self, folder: Path, idp: Idp, **more: Any) -> None:
        (folder / "oidc.secret").write_text(f"{SECRET}\n")
        settings = OidcSettings(
            issuer=idp.issuer,
            client_id=CLIENT,
            client_secret_file=folder / "oidc.secret",
            roles={"engineer": ("qa", "process"), "administrator": ("it",), "operator": ("line",)},
            label="Plant",
            **more,
        )
        self.users = Users(folder / "users.json", hasher=PasswordHasher(1, 8, 1))
        self.users.add_first("ada", PASSWORD)
        self.sessions = Sessions(folder / "secret", self.users)
        self.record: list[tuple[str, str, dict[str, Any]]] = []
        self.fails = False
        app = FastAPI()
        code = FirstCode(lambda code: None)
        app.include_router(
            routes(self.users, self.sessions, Words(), self.audit, code, Provider(settings))
        )

        @app.get("/{path:path}")
        async def page(request: Request) -> dict[str, str]:
            return {"user": request.scope["user"].name, "role": request.scope["user"].role}

        self.gate = AccessMiddleware(
            app, users=self.users, sessions=self.sessions, loopback_only=False,
            hosts=["station.plant"],
        )  # fmt: skip

    async def audit(self, kind: str, who: str, detail: dict[str, Any]) -> None:
        if self.fails:
            raise ConnectionError("no record")
        self.record.append((kind, who, detail))

    def browser(self) -> TestClient:
        return TestClient(self.gate, HERE, client=("10.0.0.9", 5000), follow_redirects=False)


@pytest.fixture
def station(tmp_path: Path, idp: Idp) -> Station:
    return Station(tmp_path, idp)


def sign_in(browser: TestClient, idp: Idp, onward: str = "/engineer/review") -> Any:
    """Go to the provider, sign in there, and come back."""
    answer = browser.get("/oidc/start", params={"next": onward})
    assert answer.status_code == 303, answer.text
    return browser.get("/oidc/callback", params=idp.authorize(answer.headers["location"]))


def test_in_by_the_button(station: Station, idp: Idp) -> None:
    browser = station.browser()
    form = browser.get("/login", params={"next": "/engineer/review"}).text
    assert (
        '<a class="button" href="/oidc/start?next=%2Fengineer%2Freview">Sign in with Plant</a>'
        in form
    )
    answer = sign_in(browser, idp)
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/engineer/review">' in answer.text
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    assert browser.get("/engineer/review").json() == {"user": "kim", "role": "engineer"}
    assert browser.get("/admin").status_code == 403
    assert station.record == [
        ("sign-in", "kim", {"role": "engineer", "address": "10.0.0.9", "by": "oidc"})
    ]
    # Not by a password, and not to be given one.
    assert station.users.check("kim", PASSWORD) is None
    with pytest.raises(UsersError, match="has no password here"):
        station.users.set_password("kim", PASSWORD)


def test_a_name_and_password_go_on_beside_it(station: Station) -> None:
    browser = station.browser()
    form = {"name": "ada", "password": PASSWORD}
    answer = browser.post("/login", data=form, headers={"Origin": HERE})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["line", "qa"], "engineer"),
        (["it", "line"], "administrator"),
        ("line", "operator"),
    ],
)
def test_the_highest_role_counts(station: Station, idp: Idp, groups: Any, role: str) -> None:
    idp.person["groups"] = groups
    browser = station.browser()
    sign_in(browser, idp)
    assert browser.get("/").json()["role"] == role


def test_groups_may_lie_deeper(tmp_path: Path, idp: Idp) -> None:
    station = Station(tmp_path, idp, roles_claim="realm_access.roles", name_claim="email")
    idp.person = {"sub": "s-1", "email": "kim@plant.example", "realm_access": {"roles": ["it"]}}
    browser = station.browser()
    sign_in(browser, idp)
    assert browser.get("/").json() == {"user": "kim@plant.example", "role": "administrator"}


def test_a_new_role_ends_the_sessions_of_the_old_one(station: Station, idp: Idp) -> None:
    first, second = station.browser(), station.browser()
    idp.person["groups"] = ["it"]
    sign_in(first, idp)
    idp.person["groups"] = ["line"]
    sign_in(second, idp)
    assert first.get("/admin").status_code == 401
    assert second.get("/").json()["role"] == "operator"


LIES: list[Any] = [
    ("another nonce", {"nonce": "x"}, None),
    ("no nonce", {"nonce": None}, None),
    ("another audience", {"aud": "other"}, None),
    ("another issuer", {"iss": "http://127.0.0.1:1/realms/plant"}, None),
    ("run out", {"exp": int(time.time()) - 3600}, None),
    ("no end", {"exp": None}, None),
    ("no subject", {"sub": None}, None),
    ("given to another", {"aud": [CLIENT, "other"], "azp": "other"}, None),
    ("another key", {}, lambda claims: signed(claims, OTHER_KEY)),
    ("no signature", {}, unsigned),
    ("signed with the client's secret", {},
     lambda claims: signed(claims, OctKey.import_key(SECRET), "HS256")),
    ("no token", {}, lambda claims: ""),
    ("nonsense", {}, lambda claims: "a.b.c"),
    ("no name", {"preferred_username": None}, None),
    ("a name that is none", {"preferred_username": ["kim"]}, None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "claims", "sign"), LIES, ids=[lie[0] for lie in LIES])
def test_what_is_not_to_be_believed_lets_nobody_in(
    station: Station, idp: Idp, what: str, claims: dict[str, Any], sign: Any
) -> None:
    idp.claims, idp.sign = claims, sign or idp.sign
    browser = station.browser()
    answer = sign_in(browser, idp)
    assert answer.status_code == 403, what
    assert "Signing in elsewhere did not succeed" in answer.text
    assert SECRET not in answer.text
    assert browser.get("/").status_code == 401
    assert [user.name for user in station.users.list()] == ["ada"]


def test_who_has_no_group_here_does_not_come_in(station: Station, idp: Idp) -> None:
    idp.person["groups"] = ["accounting"]
    answer = sign_in(station.browser(), idp)
    assert answer.status_code == 403
    assert "you have no role at this station" in answer.text


def test_a_name_of_a_user_with_a_password_is_not_taken_over(station: Station, idp: Idp) -> None:
    idp.person["preferred_username"] = "ADA"
    answer = sign_in(station.browser(), idp)
    assert answer.status_code == 403
    assert "belongs to somebody else at this station" in answer.text
    assert station.users.check("ada", PASSWORD) is not None


def test_a_name_that_was_given_to_another_person_is_not_theirs(station: Station, idp: Idp) -> None:
    sign_in(station.browser(), idp)
    idp.person["sub"] = "s-2"
    assert sign_in(station.browser(), idp).status_code == 403
    station.users.remove("kim")
    assert sign_in(station.browser(), idp).status_code == 200


def test_a_code_of_another_browser_is_not_taken(station: Station, idp: Idp) -> None:
    browser, victim = station.browser(), station.browser()
    mine = idp.authorize(browser.get("/oidc/start").headers["location"])
    assert victim.get("/oidc/callback", params=mine).status_code == 403
    victim.get("/oidc/start")
    answer = victim.get("/oidc/callback", params=mine)
    assert answer.status_code == 403
    assert "begun in another browser" in answer.text
    assert browser.get("/oidc/callback", params=mine).status_code == 200
    again = browser.get("/oidc/callback", params=mine)
    assert again.status_code == 403


def test_guessing_is_slowed_and_the_provider_is_not_asked(station: Station, idp: Idp) -> None:
    browser = station.browser()
    browser.get("/oidc/start")
    for _ in range(5):
        assert browser.get("/oidc/callback", params={"code": "x"}).status_code == 403
    assert browser.get("/oidc/callback", params={"code": "x"}).status_code == 429
    idp.told_issuer = "http://127.0.0.1:1/other"
    assert browser.get("/oidc/start").status_code == 303  # what it said of itself is known


@pytest.mark.parametrize("query", [{}, {"error": "access_denied"}, {"code": "x"}, {"state": "x"}])
def test_what_is_no_answer(station: Station, query: dict[str, str]) -> None:
    browser = station.browser()
    browser.get("/oidc/start")
    assert browser.get("/oidc/callback", params=query).status_code == 403


def test_a_provider_that_says_it_is_another_is_not_asked(station: Station, idp: Idp) -> None:
    idp.told_issuer = "http://127.0.0.1:1/other"
    assert station.browser().get("/oidc/start").status_code == 403


def test_nobody_but_an_operator_comes_in_without_the_record(station: Station, idp: Idp) -> None:
    station.fails = True
    browser = station.browser()
    assert sign_in(browser, idp).status_code == 503
    assert browser.get("/").status_code == 401


def test_it_leads_to_our_own_pages_only(station: Station, idp: Idp) -> None:
    answer = sign_in(station.browser(), idp, "//evil.example/x")
    assert 'content="0;url=/"' in answer.text


STATION = """
station = "line-1"
record = "parts.db"
[[views]]
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
[sign_in.oidc]
issuer = "{issuer}"
client_id = "inspection"
client_secret_file = "oidc.secret"
[sign_in.oidc.roles]
engineer = ["qa"]
"""


def test_the_station_file_says_whom_to_trust(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(issuer="https://login.example/realms/plant"))
    sign_in = read_station(path).sign_in
    assert sign_in is not None and sign_in.oidc is not None
    assert sign_in.oidc.client_secret_file == tmp_path / "oidc.secret"
    with pytest.raises(SetupError, match=r"^sign_in\.oidc\.client_secret_file .*: cannot be read$"):
        Provider(sign_in.oidc)
    (tmp_path / "oidc.secret").write_text(" \n")
    with pytest.raises(SetupError, match="is empty$"):
        Provider(sign_in.oidc)


@pytest.mark.parametrize(
    "issuer", ["http://login.example", "ftp://x", "https://", "https://x/?a=1", "x", "http://[::1"]
)
def test_an_issuer_in_the_clear_is_refused(tmp_path: Path, issuer: str) -> None:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(issuer=issuer))
    with pytest.raises(SetupError, match="issuer: must be https"):
        read_station(path)


def test_users_who_sign_in_elsewhere_outlive_a_restart(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.json", hasher=PasswordHasher(1, 8, 1))
    users.add_first("ada", PASSWORD)
    assert b"source" not in users.path.read_bytes()
    kim = users.adopt("kim", Role.ENGINEER, source="oidc s-1")
    stamp = users.stamp("kim")
    again = Users(users.path)
    assert again.adopt("Kim", Role.ENGINEER, source="oidc s-1") == kim
    assert again.stamp("kim") == stamp
