"""Signing in as a browser does: forms, cookies and words, behind the gate."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from ui.security import gate, login, users_file
from ui.security import plain_pages as plain
from ui.security.first_code import FirstCode
from ui.security.gate import AccessMiddleware
from ui.security.login import routes
from ui.security.sessions import Sessions
from ui.security.users import Role, Users, UsersError
from ui.words import Words

PASSWORD, WRONG = "correct horse 1", "battery staple 2"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HERE, LAN = "http://127.0.0.1:7860", "http://station.plant:7860"
WORDS = Words()


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Station:
    """A page with the desk and an engineer's page behind the gate, and a record that may fail."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.users = Users(folder / "users.json", hasher=CHEAP, clock=self.clock)
        self.sessions = Sessions(folder / "secret", self.users, clock=self.clock)
        self.record: list[tuple[str, str, dict[str, Any]]] = []
        self.record_fails = False
        self.app = FastAPI()
        self.codes: list[str] = []
        self.first_code = FirstCode(self.codes.append, clock=self.clock)
        self.app.include_router(
            routes(self.users, self.sessions, WORDS, self.audit, self.first_code)
        )

        @self.app.get("/{path:path}")
        async def page(request: Request) -> dict[str, str]:
            return {"user": request.scope["user"].name, "role": request.scope["user"].role}

    async def audit(self, kind: str, who: str, detail: dict[str, Any]) -> None:
        if self.record_fails:
            raise ConnectionError(f"no record for {who} {detail}")
        self.record.append((kind, who, detail))

    def people(self) -> Station:
        self.users.add_first("Ada", PASSWORD)
        self.users.add("Eve", PASSWORD, Role.ENGINEER)
        self.users.add("Omar", PASSWORD, Role.OPERATOR)
        return self

    def visit(self, *, lan: bool = False, address: str = "10.0.0.9") -> TestClient:
        base = LAN if lan else HERE
        guarded = AccessMiddleware(
            self.app,
            users=self.users,
            sessions=self.sessions,
            loopback_only=not lan,
            hosts=["station.plant"],
        )
        address = address if lan else "127.0.0.1"
        client = TestClient(guarded, base, client=(address, 50000), follow_redirects=False)
        client.headers.update({"Origin": base})
        return client


@pytest.fixture
def empty(tmp_path: Path) -> Station:
    return Station(tmp_path)


@pytest.fixture
def station(empty: Station) -> Station:
    return empty.people()


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login", data={"name": name, "password": password, **more})


def alert(answer: Any) -> str:
    """Give the reason shown; never with a secret in it."""
    assert PASSWORD not in answer.text
    assert WRONG not in answer.text
    found = re.search(r'<p class="alert" role="alert">(.*)</p>', answer.text)
    return unescape(found[1]) if found else ""


class TestSignIn:
    def test_in_and_out(self, station: Station) -> None:
        client = station.visit(lan=True)
        answer = client.get("/engineer/review?a=1", headers={"Accept": "text/html"})
        form = client.get(answer.headers["location"])
        assert form.status_code == 200
        assert '<input type="hidden" name="next" value="/engineer/review?a=1">' in form.text
        answer = sign_in(client, "eve", next="/engineer/review?a=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/engineer/review?a=1")
        assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
        assert client.get("/engineer/review").json() == {"user": "Eve", "role": "engineer"}
        assert "Signed in as Eve (engineer)." in client.get("/login").text
        cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
        answer = client.post("/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert not client.cookies
        copied = client.get("/engineer/review", headers={"Cookie": cookie})
        assert copied.status_code == 401
        assert station.record == [
            ("sign-in", "Eve", {"role": "engineer", "address": "10.0.0.9"}),
            ("sign-out", "Eve", {"address": "10.0.0.9"}),
        ]

    def test_another_user_ends_the_first_ones_session(self, station: Station) -> None:
        client = station.visit()
        sign_in(client, "Ada")
        cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
        sign_in(client, "Omar")
        assert client.get("/").json()["user"] == "Omar"
        assert client.get("/admin", headers={"Cookie": cookie}).status_code == 403

    def test_wrong(self, station: Station) -> None:
        client = station.visit(lan=True)
        for name in ("Eve", "nobody"):
            answer = sign_in(client, name, WRONG)
            assert (answer.status_code, alert(answer)) == (401, "Name or password is wrong.")
            assert "set-cookie" not in answer.headers
            assert f'value="{name}"' in answer.text
        detail = {"address": "10.0.0.9"}
        assert station.record == [
            ("sign-in failed", "Eve", detail),
            ("sign-in failed", "?", detail),
        ]

    @pytest.mark.parametrize("data", [{}, {"name": "Eve"}, {"password": PASSWORD}])
    def test_fields_left_out(self, station: Station, data: dict[str, str]) -> None:
        assert station.visit().post("/login", data=data).status_code == 401

    @pytest.mark.parametrize("body", [b"", b"\xff\x00", b"&" * 99, b"a=1&" * 99, b"{}"])
    def test_what_is_no_form(self, station: Station, body: bytes) -> None:
        assert station.visit().post("/login", content=body).status_code == 401

    def test_guessing_is_slowed(self, station: Station) -> None:
        client = station.visit(lan=True)
        for _ in range(5):
            assert sign_in(client, "Eve", WRONG).status_code == 401
        answer = sign_in(client, "Eve")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        assert alert(answer) == "Too many failed attempts. Try again in 2 s."
        assert len(station.record) == 5
        station.clock.now_s += 1
        assert sign_in(client, "Eve").status_code == 303

    def test_a_house_has_many_addresses(self, station: Station) -> None:
        for n in range(5):
            sign_in(station.visit(lan=True, address=f"2001:db8::{n}:1"), f"name {n}", WRONG)
        assert sign_in(station.visit(lan=True, address="2001:db8::ff"), "Eve").status_code == 429
        assert sign_in(station.visit(lan=True, address="2001:db8:0:1::1"), "Eve").status_code == 303

    @pytest.mark.parametrize(("name", "status"), [("Ada", 503), ("Eve", 503), ("Omar", 303)])
    def test_the_record_cannot_be_written(
        self, station: Station, caplog: pytest.LogCaptureFixture, name: str, status: int
    ) -> None:
        station.record_fails = True
        client = station.visit()
        answer = sign_in(client, name)
        assert answer.status_code == status
        assert bool(client.cookies) is (status == 303)
        if status == 503:
            assert alert(answer).startswith("The record cannot be written")
        assert caplog.messages == [f"sign-in of '{name}' could not be recorded: ConnectionError"]
        assert client.get("/").status_code == 200
        assert sign_in(client, name, WRONG).status_code == 401
        assert client.post("/logout").status_code == 303

    def test_damaged_users(self, station: Station) -> None:
        station.users.path.write_text("{}", "utf-8")
        client = station.visit()
        assert "users.json is damaged" in alert(client.get("/login"))
        answer = sign_in(client, "Mallory", again=PASSWORD)
        assert (answer.status_code, "first" in answer.text) == (503, False)
        assert "<input name=" not in answer.text
        assert station.users.path.read_text("utf-8") == "{}"

    @pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil", ""])
    def test_it_leads_nowhere_else(self, station: Station, onward: str) -> None:
        client = station.visit()
        assert "evil" not in client.get("/login", params={"next": onward}).text
        assert sign_in(client, "Eve", next=onward).headers["location"] == "/"

    def test_everything_is_escaped(self, station: Station) -> None:
        evil = '"><script>alert(1)</script>{x}%s'
        client = station.visit()
        for answer in (
            client.get("/login", params={"next": f"/{evil}"}),
            sign_in(client, evil, WRONG, next=f"/{evil}"),
        ):
            assert "<script" not in answer.text
            assert "&quot;&gt;&lt;script&gt;" in answer.text


class TestFirst:
    def first(self, station: Station, client: TestClient, **fields: str) -> Any:
        station.first_code.announce()
        given = {"name": "Ada", "password": PASSWORD, "again": PASSWORD, "code": station.codes[-1]}
        return client.post("/login", data=given | fields)

    def test_made_at_the_station(self, empty: Station) -> None:
        client = empty.visit()
        form = client.get("/login")
        assert "First administrator" in form.text
        assert form.text.count('type="password"') == 2
        (code,) = empty.codes
        assert re.fullmatch(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", code)
        assert code not in form.text
        assert self.first(empty, client).status_code == 303
        assert client.get("/admin").json() == {"user": "Ada", "role": "administrator"}
        where = {"address": "127.0.0.1"}
        assert empty.record == [
            ("first administrator", "Ada", where),
            ("sign-in", "Ada", {"role": "administrator", "first": True, **where}),
        ]

    def test_never_from_elsewhere(self, empty: Station) -> None:
        client = empty.visit(lan=True)
        form = client.get("/login")
        assert alert(form).startswith("This station has no users yet.")
        assert "<input name=" not in form.text
        answer = self.first(empty, client)
        assert (answer.status_code, empty.users.list()) == (400, ())
        here = empty.visit()
        assert self.first(empty, here).status_code == 303

    def test_never_through_a_proxy(self, empty: Station) -> None:
        client = empty.visit()
        client.headers["X-Forwarded-For"] = "10.0.0.9"
        assert self.first(empty, client).status_code == 400
        assert empty.users.list() == ()

    @pytest.mark.parametrize("code", ["", "AAAA-AAAA", "ＡＢ", "\ud800"])
    def test_never_without_the_code(self, empty: Station, code: str) -> None:
        answer = self.first(empty, empty.visit(), code=code.encode("utf-8", "replace").decode())
        assert (answer.status_code, empty.users.list(), empty.record) == (400, (), [])
        assert alert(answer).startswith("This is not the one-time code.")

    def test_the_code_is_typed_as_people_type_and_guessing_is_slowed(self, empty: Station) -> None:
        client = empty.visit()
        for _ in range(5):
            assert self.first(empty, client, code="AAAA-AAAA").status_code == 400
        assert self.first(empty, client).status_code == 429
        empty.clock.now_s += 2
        typed = empty.codes[0].lower().replace("-", " ")
        assert self.first(empty, client, code=typed).status_code == 303
        assert len(empty.codes) == 1

    def test_the_code_holds_once(self, empty: Station) -> None:
        client = empty.visit()
        self.first(empty, client)
        empty.users.path.unlink()
        empty.visit().get("/login")
        first, second = empty.codes
        assert first != second
        assert self.first(empty, empty.visit(), code=first).status_code == 400
        assert empty.users.list() == ()

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"again": WRONG}, "The two passwords differ."),
            ({"password": "short", "again": "short"}, "The password must have 10 to 256 characters."),
            ({"name": "operator"}, "operator is the name for everybody who has not signed in. Choose another name."),
            ({"name": PASSWORD}, "The password must not contain the name."),
            ({"password": "1234567890", "again": "1234567890"}, "This password is among those that are tried first."),
            ({"name": "<b>"}, "This name is not allowed. Use letters, digits, inner spaces and "
             ". @ + ' -, at most 64 characters."),
        ],
    )  # fmt: skip
    def test_refused(self, empty: Station, fields: dict[str, str], reason: str) -> None:
        answer = self.first(empty, empty.visit(), **fields)
        assert answer.status_code == 400
        assert reason in unescape(answer.text)
        assert "First administrator" in answer.text
        assert (empty.users.list(), empty.record) == ((), [])

    def test_only_once(self, station: Station) -> None:
        client = station.visit()
        assert "First administrator" not in client.get("/login").text
        assert self.first(station, client, name="Mallory").status_code == 401
        assert station.users.find("Mallory") is None

    def test_not_without_a_record(self, empty: Station) -> None:
        empty.record_fails = True
        answer = self.first(empty, empty.visit())
        assert (answer.status_code, empty.users.list()) == (503, ())


class TestBackToTheLine:
    LINK = '<a class="button quiet" href="/">Back to the line</a>'

    def test_from_the_station_itself_and_when_signed_in(self, station: Station) -> None:
        client = station.visit()
        assert self.LINK in client.get("/login").text
        assert self.LINK in sign_in(client, "Eve", WRONG).text
        other = station.visit(lan=True)
        assert self.LINK not in other.get("/login").text
        sign_in(other, "Eve")
        assert self.LINK in other.get("/login").text

    def test_also_before_there_is_anybody(self, empty: Station) -> None:
        assert self.LINK in empty.visit().get("/login").text


class TestLanguage:
    @pytest.mark.parametrize(
        ("code", "title"), [("en", "Sign in"), ("ja", "サインイン"), ("ko", "로그인")]
    )
    def test_it_stays(self, station: Station, code: str, title: str) -> None:
        client = station.visit()
        answer = client.post("/language", data={"language": code, "next": "/login?next=%2Fadmin"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fadmin")
        assert answer.headers["set-cookie"] == (
            f"language={code}; Max-Age=31536000; Path=/; SameSite=strict"
        )
        form = client.get("/login").text
        assert f'<html lang="{code}">' in form
        assert f"<h1>{title}</h1>" in form
        assert "English" in form
        assert "日本語" in form
        assert "한국어" in form

    def test_no_other(self, station: Station) -> None:
        data = {"language": "xx; Path=/evil", "next": "//evil.example"}
        answer = station.visit(lan=True).post("/language", data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("path", ["/login", "/logout", "/language"])
    def test_no_form_of_another_page(self, station: Station, path: str) -> None:
        client = station.visit()
        client.headers["Origin"] = "https://evil.example"
        assert client.post(path, data={"language": "ja"}).status_code == 403

    def test_signing_out_is_not_a_link(self, station: Station) -> None:
        client = station.visit()
        sign_in(client, "Eve")
        client.get("/logout")
        assert client.get("/engineer").status_code == 200


class TestWords:
    def texts(self) -> dict[str, dict[str, str]]:
        path = Path(plain.__file__).parents[1] / "words" / "login.toml"
        return tomllib.loads(path.read_text("utf-8"))

    def test_each_text_takes_the_same_values_in_each_language(self) -> None:
        for name, texts in self.texts().items():
            taken = {frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts.values()}
            assert len(taken) == 1, name

    def test_whatever_is_said_is_there_and_whatever_is_there_is_said(self) -> None:
        from ui.security import (
            badges,
            first_code,
            ldap_directory,
            oidc,
            oidc_routes,
            passwords,
            users,
        )
        from ui.security import request_checks as checks

        sources = "".join(
            Path(str(module.__file__)).read_text("utf-8")
            for module in (
                login,
                gate,
                checks,
                badges,
                first_code,
                ldap_directory,
                oidc,
                oidc_routes,
                passwords,
                users,
                users_file,
            )
        )
        said = set(re.findall(r'"login\.(\w+)"', sources))
        said |= set(re.findall(r'reason="(\w+)"', sources))
        said |= {f"refused_{r}" for r in re.findall(r'Refusal\(\d+, "(\w+)"', sources)}
        said |= set(re.findall(r'again\(\d+, "(\w+)"', sources))
        said |= {"sign_in", "first", "sign_in_button", "first_button", "oidc_failed"}
        said |= {f"role_{role}" for role in Role}
        assert said == set(self.texts())

    def test_every_reason_fits_its_text(self, station: Station) -> None:
        tries: list[Callable[[], object]] = [
            lambda: station.users.add("Ada", PASSWORD, Role.OPERATOR),
            lambda: station.users.add("<", PASSWORD, Role.OPERATOR),
            lambda: station.users.add("x", "", Role.OPERATOR),
            lambda: station.users.add("operator", PASSWORD, Role.ENGINEER),
            lambda: station.users.remove("Ada"),
            lambda: station.users.remove("Bob"),
            lambda: station.users.add_first("Bob", PASSWORD),
        ]
        for work in tries:
            with pytest.raises(UsersError) as caught:
                work()
            for language in plain.LANGUAGES:
                text = WORDS.say(f"login.{caught.value.reason}", language, **caught.value.values)
                assert "{" not in text


def test_nothing_secret_is_logged(station: Station, caplog: pytest.LogCaptureFixture) -> None:
    station.record_fails = True
    with caplog.at_level(logging.DEBUG):
        client = station.visit()
        sign_in(client, PASSWORD, WRONG)
        sign_in(client, "Eve", WRONG)
        sign_in(client, "Omar")
    token = next(iter(client.cookies.values()))
    assert not any(said in caplog.text for said in (PASSWORD, WRONG, token))
    assert "sign-in failed of '?' could not be recorded" in caplog.text
