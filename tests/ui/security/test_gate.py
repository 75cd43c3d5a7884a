"""The gate: who comes in, from where, to what, and with how much; every trick has a row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ui.security.gate import AccessMiddleware
from ui.security.paths import blocked, local, normalise, role_for, takes_uploads
from ui.security.sessions import HOUR_S, Sessions, SessionsError
from ui.security.users import Role, Users

PASSWORD = "correct horse 1"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HERE = "http://127.0.0.1:7860"
LAN = "http://station.plant:7860"
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
NAMES = {Role.OPERATOR: "Omar", Role.ENGINEER: "Eve", Role.ADMINISTRATOR: "Ada"}

OPEN = ["/login", "/static/shared/base.css", "/words/en.json"]
OPERATOR = ["/", "/live", "/pictures/1.jpg", "/api/operator/pause", "/session.js", "/Words/en.json"]
ENGINEER = [
    "/engineer",
    "/engineer/review",
    "/engineers",
    "/api/engineer/label",
    "/ENGINEER/review",
]
ADMINISTRATOR = ["/admin", "/admin/x", "/administrator", "/api/admin/users", "/ADMIN", "/api/other"]
NEEDED = (
    dict.fromkeys(OPERATOR, Role.OPERATOR)
    | dict.fromkeys(ENGINEER, Role.ENGINEER)
    | dict.fromkeys(ADMINISTRATOR, Role.ADMINISTRATOR)
)


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Browser(TestClient):
    """A client whose WebSockets name the host, too."""

    def websocket_connect(self, url: str, *args: Any, **more: Any) -> Any:
        base = str(self.base_url).replace("http", "ws", 1)
        return super().websocket_connect(base.rstrip("/") + url, *args, **more)


class Station:
    """An application that answers every path with who asked, behind a gate."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.users = Users(folder / "users.json", hasher=CHEAP, clock=self.clock)
        self.users.add_first("Ada", PASSWORD)
        self.users.add("Eve", PASSWORD, Role.ENGINEER)
        self.users.add("Omar", PASSWORD, Role.OPERATOR)
        self.sessions = Sessions(folder / "secret", self.users, clock=self.clock)
        self.seen: list[str] = []
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        self._routes()

    def visit(
        self, *, who: str = "", lan: bool = False, origin: bool = True, **more: Any
    ) -> TestClient:
        """Give a browser; beyond loopback when `lan`."""
        base = LAN if lan else HERE
        gate = AccessMiddleware(
            self.app,
            users=self.users,
            sessions=self.sessions,
            loopback_only=not lan,
            hosts=["station.plant", "0.0.0.0"],
            panels=["/engineer/products"],
            upload_bytes=1000,
            recheck_s=0,
            clock=self.clock,
        )
        address = ("10.0.0.9" if lan else "127.0.0.1", 50000)
        client = Browser(gate, base, client=address, follow_redirects=False, **more)
        client.headers.update({"Origin": base} if origin else {})
        if who:
            client.headers["Cookie"] = self.cookie(who)
        return client

    def cookie(self, who: str) -> str:
        user = self.users.find(who)
        assert user is not None
        return self.sessions.start(user, secure=False).partition(";")[0]

    def _routes(self) -> None:
        @self.app.websocket("/tells")
        async def tells(socket: WebSocket) -> None:
            await socket.accept()
            while True:
                await socket.send_text("told")
                await asyncio.sleep(0.001)

        @self.app.websocket("/{path:path}")
        async def live(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_json(socket.scope["user"].name)
            async for text in socket.iter_text():
                await socket.send_text(text)

        @self.app.get("/stream")
        async def stream() -> Response:
            async def lines() -> AsyncIterator[bytes]:
                while True:
                    yield b"line\n"
                    self.seen.append("line")
                    await asyncio.sleep(0)
                    if len(self.seen) == 3:
                        self.users.sign_out("Omar")
                    assert len(self.seen) < 1000

            return StreamingResponse(lines(), media_type="text/plain")

        @self.app.get("/kind/{kind:path}")
        async def kind(kind: str) -> Response:
            headers = {"Access-Control-Allow-Origin": "*", "X-Frame-Options": "ALLOW"}
            return Response(b"<p>", media_type=kind, headers=headers)

        @self.app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "DELETE"])
        async def every(path: str, request: Request) -> Any:
            self.seen.append(request.scope["path"])
            user = request.scope["user"]
            body = await request.body()
            if "page" in path:
                return HTMLResponse("<p>page")
            return {
                "user": user and user.name,
                "path": request.url.path,
                "bytes": len(body),
                "language": request.scope["language"],
                "local": request.scope["local"],
                "forwarded": request.headers.get("x-forwarded-host"),
            }


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


class TestRoles:
    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("lan", [False, True])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
    def test_each_role_at_each_path(
        self, station: Station, role: Role, lan: bool, method: str
    ) -> None:
        with station.visit(who=NAMES[role], lan=lan) as client:
            found = {path: client.request(method, path).status_code for path in NEEDED}
        allowed = {path: role.at_least(needed) for path, needed in NEEDED.items()}
        assert found == {path: 200 if may else 403 for path, may in allowed.items()}
        assert station.seen == [path for path, may in allowed.items() if may]

    @pytest.mark.parametrize("role", list(Role))
    def test_each_role_at_each_websocket(self, station: Station, role: Role) -> None:
        with station.visit(who=NAMES[role], lan=True) as client:
            for path, needed in NEEDED.items():
                if role.at_least(needed):
                    with client.websocket_connect(path) as socket:
                        assert socket.receive_json() == NAMES[role]
                else:
                    assert _denied(client, path) == 403

    def test_nobody_comes_in_beyond_loopback(self, station: Station) -> None:
        with station.visit(lan=True) as client:
            for path in [*NEEDED, "/nowhere", "/openx", "/loginx", "/static", "/words"]:
                answer = client.get(path)
                assert (answer.status_code, answer.json()["ok"]) == (401, False), path
                assert client.post(path).status_code == 401, path
                assert _denied(client, path) == 401, path
        assert station.seen == []

    @pytest.mark.parametrize("path", OPEN)
    def test_what_is_open(self, station: Station, path: str) -> None:
        answer = station.visit(lan=True).get(path)
        assert (answer.status_code, answer.json()["user"]) == (200, None)

    @pytest.mark.parametrize("path", NEEDED)
    def test_at_the_station_anybody_is_an_operator(self, station: Station, path: str) -> None:
        answer = station.visit().get(path)
        assert answer.status_code == (200 if NEEDED[path] is Role.OPERATOR else 403)
        if answer.status_code == 200:
            assert (answer.json()["user"], answer.json()["local"]) == ("operator", True)

    def test_a_proxy_before_the_station_makes_nobody_an_operator(self, station: Station) -> None:
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            answer = station.visit().get("/", headers={header: "10.0.0.9"})
            assert answer.status_code == 401
        with station.visit() as client:
            client._transport.client = ("10.0.0.9", 1)
            assert client.get("/").status_code == 401

    def test_only_a_proxy_names_other_hosts(self, station: Station) -> None:
        headers = {"X-Forwarded-Host": "evil.example"}
        answer = station.visit(who="Omar", lan=True).get("/", headers=headers)
        assert answer.json()["forwarded"] is None

    def test_a_person_is_led_to_sign_in_and_back(self, station: Station) -> None:
        answer = station.visit(lan=True).get("/engineer/review?lot=a&x=//b", headers=BROWSER)
        assert answer.status_code == 303
        assert answer.headers["location"] == (
            "/login?next=%2Fengineer%2Freview%3Flot%3Da%26x%3D%2F%2Fb"
        )
        assert station.visit(lan=True).post("/", headers=BROWSER).status_code == 401

    def test_a_person_with_too_low_a_role_gets_a_page(self, station: Station) -> None:
        answer = station.visit(who="Omar", lan=True).get("/admin", headers=BROWSER)
        assert answer.status_code == 403
        assert "Omar (operator) may not do this; it needs the role administrator." in answer.text
        assert 'href="/login?next=%2Fadmin"' in answer.text
        assert "script" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]


class TestPaths:
    @pytest.mark.parametrize(
        ("given", "one"),
        [
            ("/", "/"),
            ("//", "/"),
            ("///engineer//review/", "/engineer/review/"),
            ("/./engineer", "/engineer"),
            ("/x/../engineer", "/engineer"),
            ("/x/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("\\engineer", "/engineer"),
            ("/\\engineer\\review", "/engineer/review"),
            ("/static/..\\engineer", "/engineer"),
            ("/static/../engineer", "/engineer"),
            ("/..", None),
            ("/a/../../engineer", None),
            ("/%65ngineer", None),
            ("/static/%2e%2e/engineer", None),
            ("/static/%2fengineer", None),
            ("/engineer\x00", None),
            ("/engineer\n", None),
            ("/\ufffd", None),
            ("/\udc80", None),
            ("/.../engineer", None),
            ("/.. /engineer", None),
            ("engineer", None),
            ("", None),
            ("*", None),
            ("/" + "a" * 4096, None),
            ("/50% done", "/50% done"),
            ("/部品/1.jpg", "/部品/1.jpg"),
        ],
    )
    def test_one_spelling(self, given: str, one: str | None) -> None:
        if one is None:
            with pytest.raises(ValueError):
                normalise(given)
        else:
            assert normalise(given) == one
            assert normalise(one) == one

    @pytest.mark.parametrize(
        "path",
        [
            "//engineer",
            "/%65ngineer",
            "/static/..%2fengineer",
            "/static/%2e%2e/engineer",
            "/login/../engineer",
            "/words/x/..%5c..%5cengineer",
            "/login%2f..%2fengineer",
            "/%2fengineer",
            "/./engineer",
        ],
    )
    def test_no_spelling_leads_round(self, station: Station, path: str) -> None:
        """The client would tidy up itself: the path is given to the gate as a server does."""
        assert _status(station, path) == 403
        assert station.seen == []

    @pytest.mark.parametrize(
        "path",
        ["/static/%252e%252e/engineer", "/%00", "/..", "/%ff", "/%2e%2e/%2e%2e/etc", "/a%0d%0ab"],
    )
    def test_what_has_no_one_spelling(self, station: Station, path: str) -> None:
        assert _status(station, path) == 400
        assert station.seen == []

    def test_the_page_sees_the_spelling_that_was_judged(self, station: Station) -> None:
        assert _status(station, "/pictures//a/../1.jpg") == 200
        assert station.seen == ["/pictures/1.jpg"]

    def test_letters_that_only_look_alike_open_nothing(self) -> None:
        for path in ("/ſtatic/x", "/ＬＯＧＩＮ", "/LOGIN", "/static", "/login/", "/Words/x"):
            assert role_for(path) is Role.OPERATOR
        assert role_for("/API/operator/x") is Role.ADMINISTRATOR

    @pytest.mark.parametrize(
        ("target", "goes"),
        [
            ("/engineer?x=1", "/engineer?x=1"),
            ("/", "/"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("evil", "/"),
            ("/%2e%2e/x", "/"),
            ("/logout", "/"),
            ("/x\r\nSet-Cookie: a=b", "/"),
        ],
    )
    def test_forms_lead_to_our_own_pages(self, target: str, goes: str) -> None:
        assert local(target) == goes


class TestGradio:
    BLOCKED = ("queue/join", "queue/data", "upload", "upload_progress", "component_server", "cancel",
               "reset", "heartbeat/abc123", "file=/tmp/gradio/ab/part.png", "startup-events", "app_id",
               "call/predict", "call/v2/predict", "run/predict", "api/predict", "api", "info",
               "info/", "openapi.json", "proxy=http://x/", "proxy=x", "file=http://10.0.0.1/",
               "file=https:/x", "file=etc/passwd", "file/x", "stream/1", "deep_link",
               "vibe-edit", "vibe-code", "profiling/traces", "run-history/buckets", "dev/reload",
               "login_check", "token", "user", "process_recording", "custom_component/a/b/c/d",
               "", "heartbeat/", "heartbeat/a/b", "Call/predict", "mcp/sse", "queue/status")  # fmt: skip

    @pytest.mark.parametrize("mount", ["", "/engineer/review", "/admin"])
    def test_nothing_is_open(self, mount: str) -> None:
        opened = [x for x in self.BLOCKED if not blocked(normalise(f"{mount}/gradio_api/{x}"))]
        assert opened == []
        for other in ("monitoring", "monitoring/summary", "docs", "openapi.json", "login", "mcp"):
            assert blocked(f"{mount}/{other}") or f"{mount}/{other}" == "/login"
        assert blocked(f"{mount}/GRADIO_API/call/x")

    def test_a_panel_opens_what_its_components_need_at_its_own_path_alone(self) -> None:
        mount, panels = "/engineer/products", {"/engineer/products"}
        doors = ("queue/join", "queue/data", "upload", "upload_progress", "startup-events", "cancel",
                 "reset", "heartbeat/abc123", "file=/tmp/gradio/ab/part.png", "app_id")  # fmt: skip
        opened = {
            x for x in self.BLOCKED if not blocked(normalise(f"{mount}/gradio_api/{x}"), panels)
        }
        assert opened == set(doors)
        for door in doors:
            for other in ("", "/engineer/review", "/admin", "/Engineer/products", f"{mount}/x"):
                assert blocked(normalise(f"{other}/gradio_api/{door}"), panels), (other, door)
        for path in (f"{mount}/gradio_api/file=/http://x", f"{mount}/gradio_api/Upload"):
            assert blocked(path, panels)

    def test_files_are_taken_by_a_panel_and_no_other_door_of_it(self) -> None:
        panels = {"/engineer/products"}
        assert takes_uploads("/engineer/products/gradio_api/upload", panels)
        for path in ("/engineer/products/gradio_api/queue/join", "/engineer/review/gradio_api/upload",
                     "/gradio_api/upload"):  # fmt: skip
            assert not takes_uploads(path, panels)

    def test_pages_of_our_own_are_not_blocked(self) -> None:
        paths = (
            "/",
            "/live",
            "/login",
            "/logout",
            "/static/docs/x",
            "/api/engineer/runs",
            "/config",
        )
        assert not any(map(blocked, paths))

    def test_nobody_sees_what_is_blocked(self, station: Station) -> None:
        client = station.visit(who="Ada", lan=True)
        assert client.get("/gradio_api/info").status_code == 404
        assert client.post("/admin/gradio_api/call/predict").status_code == 404
        assert station.seen == []


class TestOrigin:
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", "http://station.plant", "http://station.plant:7861",
         "http://station.plant:7860.evil.example", "http://evil@station.plant:7860", "", "file://",
         "station.plant:7860", "ftp://station.plant:7860"],
    )  # fmt: skip
    def test_another_page_sends_nothing_in_our_name(self, station: Station, origin: str) -> None:
        with station.visit(who="Ada", lan=True, origin=False) as client:
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "GET"):
                assert client.request(method, "/", headers={"Origin": origin}).status_code == 403
            assert _denied(client, "/live", Origin=origin) == 403
        assert station.seen == []

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "same-origin", "Cookie": "a=b"}, 200),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "none"}, 403),
            ({"Cookie": "a=b"}, 403),
        ],
    )
    def test_without_an_origin(
        self, station: Station, headers: dict[str, str], status: int
    ) -> None:
        assert station.visit(origin=False).post("/", headers=headers).status_code == status
        assert station.visit(origin=False).get("/", headers=headers).status_code == 200

    def test_a_websocket_needs_one(self, station: Station) -> None:
        assert _denied(station.visit(origin=False), "/live") == 403


class TestHost:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example",
         "10.0.0.5", "0.0.0.0:7860", "[::2]:7860", "169.254.169.254", "localhost."],
    )  # fmt: skip
    def test_a_name_led_to_our_address(self, station: Station, host: str) -> None:
        client = station.visit(origin=False)
        assert client.get("/", headers={"Host": host}).status_code == 421
        assert client.get("/login", headers={"Host": host}).status_code == 421
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert client.post("/", headers=headers).status_code == 421
        assert _denied(client, "/live", **headers) == 421
        assert station.seen == []

    @pytest.mark.parametrize(
        "host", ["", "a b", "127.0.0.1:7860/x", "user@127.0.0.1", "127.0.0.1:x"]
    )
    def test_no_host(self, station: Station, host: str) -> None:
        assert station.visit(origin=False).get("/", headers={"Host": host}).status_code == 400

    def test_two_hosts(self, station: Station) -> None:
        headers = [("Host", "127.0.0.1"), ("Host", "evil.example")]
        assert station.visit(origin=False).get("/", headers=headers).status_code == 400

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:7860", "STATION.plant"])
    def test_our_names(self, station: Station, host: str) -> None:
        assert station.visit(origin=False).get("/", headers={"Host": host}).status_code == 200

    def test_the_address_itself_cannot_be_led_elsewhere(self, station: Station) -> None:
        assert _status(station, "/", host="10.0.0.5", server=("10.0.0.5", 7860)) == 200
        assert _status(station, "/", host="10.0.0.6", server=("10.0.0.5", 7860)) == 421


class TestBodies:
    @pytest.mark.parametrize(
        ("path", "most"),
        [
            ("/login", 16 * 2**10),
            ("/api/operator/x", 256 * 2**10),
            ("/api/engineer/label", 16 * 2**20),
            ("/engineer/products/gradio_api/upload", 1000),
            ("/api/engineer/setup/good/upload", 16 * 2**20),
        ],
    )
    def test_the_largest(self, station: Station, path: str, most: int) -> None:
        client = station.visit(who="Ada")
        assert client.post(path, content=bytes(most)).json()["bytes"] == most
        answer = client.post(path, content=bytes(most + 1))
        assert (answer.status_code, answer.json()["error"]) == (
            413,
            f"Too large: at most {most} bytes are taken here.",
        )

    def test_a_body_that_does_not_say_its_size(self, station: Station) -> None:
        def pieces(size: int) -> Iterator[bytes]:
            for _ in range(size):
                yield bytes(1000)

        client = station.visit()
        assert client.post("/login", content=pieces(16)).json()["bytes"] == 16_000
        answer = client.post("/login", content=pieces(17))
        assert answer.status_code == 413
        assert answer.headers["x-frame-options"] == "DENY"

    @pytest.mark.parametrize("length", ["-1", "x", "1e9", "٣", "9" * 30])
    def test_a_size_that_is_none(self, station: Station, length: str) -> None:
        headers = {"Content-Length": length.encode()}
        answer = station.visit().post("/login", headers=headers, content=b"")
        assert answer.status_code in {400, 413}
        assert station.seen == []

    def test_files_go_to_engineers_pages_only(self, station: Station) -> None:
        client = station.visit(who="Ada")
        files = {"files": ("a.png", b"x")}
        assert client.post("/engineer/products/gradio_api/upload", files=files).status_code == 200
        assert client.post("/gradio_api/upload", content=b"x").status_code == 404
        for path in ("/api/engineer/setup/good/upload", "/api/engineer/label", "/login"):
            assert client.post(path, files=files).status_code == 415
        omar = station.visit(who="Omar")
        assert omar.post("/engineer/products/gradio_api/upload", files=files).status_code == 403

    def test_whoever_changes_things_faster_than_a_person_waits(self, station: Station) -> None:
        client = station.visit(who="Omar")
        for _ in range(20):
            assert client.post("/api/operator/disagree").status_code == 200
        answer = client.post("/api/operator/disagree")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json()["error"] == (
            "Too much at once: nothing was changed. Try again in 1 s."
        )
        assert client.get("/api/operator/about").status_code == 200
        assert station.visit(who="Eve").post("/api/operator/x").status_code == 200
        station.clock.now_s += 1
        for _ in range(5):
            assert client.post("/api/operator/disagree").status_code == 200
        assert client.post("/api/operator/disagree").status_code == 429

    def test_a_socket_message_too_large(self, station: Station) -> None:
        with station.visit().websocket_connect("/live") as socket:
            socket.receive_json()
            socket.send_text("x" * 2**16)
            assert len(socket.receive_text()) == 2**16
            socket.send_text("x" * (2**16 + 1))
            with pytest.raises(WebSocketDisconnect) as caught:
                socket.receive_text()
        assert caught.value.code == 1009


class TestHeaders:
    @pytest.mark.parametrize(
        "path", ["/", "/page", "/login", "/gradio_api/info", "/engineer", "/kind/image/png"]
    )
    def test_on_every_answer(self, station: Station, path: str) -> None:
        headers = station.visit().get(path).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]
        assert not [name for name in headers if name.startswith("access-control")]

    @pytest.mark.parametrize(
        ("kind", "kept"),
        [("text/html", "no-store"), ("application/json", "no-store"), ("image/png", None)],
    )
    def test_what_is_kept(self, station: Station, kind: str, kept: str | None) -> None:
        assert station.visit().get(f"/kind/{kind}").headers.get("cache-control") == kept

    def test_pages_may_run_scripts_and_what_was_brought_may_not(self, station: Station) -> None:
        def policy(path: str) -> str:
            return station.visit().get(path).headers["content-security-policy"]

        assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policy("/page")
        assert policy("/login").startswith("default-src 'none'; style-src 'self'")
        for path in ("/kind/image/svg%2Bxml",):
            assert policy(path) == "default-src 'none'; sandbox; frame-ancestors 'none'"

    @pytest.mark.parametrize(
        ("cookie", "accepted", "language"),
        [
            ("", "", "en"),
            ("language=ko", "ja", "ko"),
            ("language=xx", "ja", "ja"),
            ("language=../../x", "", "en"),
            ("", "ja-JP,en;q=0.5", "ja"),
            ("", "fr;q=1, ko;q=0.4, ja;q=0.7", "ja"),
            ("", "ja;q=0, en", "en"),
            ("", "de, *;q=0.1, ;;q=x", "en"),
        ],
    )
    def test_language(self, station: Station, cookie: str, accepted: str, language: str) -> None:
        headers = {"Cookie": cookie, "Accept-Language": accepted}
        assert station.visit().get("/", headers=headers).json()["language"] == language

    def test_refusals_speak_the_language(self, station: Station) -> None:
        answer = station.visit(lan=True).get("/", headers={"Accept-Language": "ko"})
        assert "로그인" in answer.json()["error"]


class TestSessions:
    def test_what_a_person_does_renews_it_and_what_a_page_does_not(self, station: Station) -> None:
        client = station.visit(who="Eve", lan=True)
        station.clock.now_s += 120
        assert "set-cookie" not in client.get("/pictures/1.jpg").headers
        assert "set-cookie" not in client.get("/page").headers
        assert "set-cookie" not in client.get("/login", headers=BROWSER).headers
        for answer in (client.get("/page", headers=BROWSER), client.post("/api/engineer/label")):
            assert answer.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")

    def test_a_panel_that_asks_by_itself_renews_nothing(self, station: Station) -> None:
        client = station.visit(who="Eve", lan=True)
        station.clock.now_s += 120
        join = "/engineer/products/gradio_api/queue/join"
        assert "set-cookie" not in client.post(join).headers
        client.headers["Cookie"] += "; acted=1"
        assert "set-cookie" in client.post(join).headers

    def test_over_tls_the_cookie_never_leaves_it(self, station: Station) -> None:
        client = station.visit(who="Eve", lan=True, origin=False)
        client.base_url = "https://station.plant"
        station.clock.now_s += 120
        answer = client.post("/", headers={"Origin": "https://station.plant"})
        assert answer.headers["set-cookie"].endswith("; SameSite=Strict; Secure")

    def test_idle_it_is_over(self, station: Station) -> None:
        client = station.visit(who="Eve", lan=True)
        station.clock.now_s += HOUR_S
        assert client.get("/engineer").status_code == 200
        station.clock.now_s += HOUR_S
        assert client.get("/engineer").status_code == 401
        here = station.visit()
        here.headers["Cookie"] = client.headers["Cookie"]
        assert here.get("/engineer").status_code == 403
        assert here.get("/").json()["user"] == "operator"

    def test_an_open_socket_ends_with_the_session(self, station: Station) -> None:
        with station.visit(who="Eve", lan=True).websocket_connect("/live") as socket:
            assert socket.receive_json() == "Eve"
            socket.send_text("still")
            assert socket.receive_text() == "still"
            station.users.set_password("Eve", "battery staple 2")
            socket.send_text("over")
            with pytest.raises(WebSocketDisconnect) as caught:
                socket.receive_text()
        assert caught.value.code == 4401

    def test_a_socket_that_only_tells_ends_with_the_session(self, station: Station) -> None:
        with station.visit(who="Omar", lan=True).websocket_connect("/tells") as socket:
            assert socket.receive_text() == "told"
            station.users.sign_out("Omar")
            with pytest.raises(WebSocketDisconnect) as caught:
                for _ in range(1000):
                    socket.receive_text()
        assert caught.value.code == 4401

    def test_an_endless_answer_ends_with_the_session(self, station: Station) -> None:
        answer = station.visit(who="Omar", lan=True).get("/stream")
        assert answer.text == "line\n" * 3

    def test_a_damaged_secret_is_told_at_the_start(self, station: Station) -> None:
        station.sessions.secret.write_bytes(b"")
        with pytest.raises(SessionsError, match="damaged, 0 bytes, not 32"):
            station.visit()

    def test_a_damaged_file_lets_nobody_in_and_the_line_go_on(self, station: Station) -> None:
        lan, here = station.visit(who="Ada", lan=True), station.visit(who="Ada")
        station.users.path.write_text("{", "utf-8")
        answer = lan.get("/")
        assert (answer.status_code, answer.json()["error"].count("\n")) == (503, 0)
        assert lan.get("/", headers=BROWSER).status_code == 503
        assert lan.get("/login").status_code == 200
        assert here.get("/admin").status_code == 503
        assert here.get("/").json()["user"] == "operator"


def _denied(client: TestClient, path: str, **headers: str) -> int:
    """Give the status a WebSocket is refused with, told as 4000 more."""
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        client.websocket_connect(path, headers=headers),
    ):
        pass
    return caught.value.code - 4000


def _status(station: Station, raw_path: str, **more: Any) -> int:
    """Ask by a raw path, decoded once as uvicorn does."""
    from urllib.parse import unquote

    return _run(station, _scope("http", unquote(raw_path), raw_path, **more))[0]["status"]


def _scope(
    kind: str, path: str, raw_path: str, *, host: str = "127.0.0.1", server: Any = None
) -> dict[str, Any]:
    return {
        "type": kind, "path": path, "raw_path": raw_path.encode(), "query_string": b"",
        "headers": [(b"host", host.encode())], "client": ("127.0.0.1", 1), "server": server,
        "method": "GET", "scheme": "http", "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip


def _run(station: Station, scope: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(station.visit().app(scope, receive, send))
    return sent
