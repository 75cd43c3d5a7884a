"""Every route with every role, with nothing, with nonsense, and as another site would ask."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from inspection.store.reading.audit_log import all_deeds
from tests.attack.conftest import LONG
from tests.ui.conftest import PEOPLE, REPOSITORY
from tests.ui.security.test_safety import LIST
from ui.app.pages import find_pages
from ui.security.paths import blocked, role_for
from ui.security.users import Role

pytestmark = pytest.mark.slow
PANELS = [page.path for page, module in find_pages().items() if hasattr(module, "panel")]
BODIES = (b"", b"{}", b"[" * 1100, b'{"product": "flange", "view": "main"}')
AGAIN = 4
"""How often one is asked again that says there were too many changes a second."""
LEAVES = ("/logout",)
"""What would end the session that asks."""


def test_every_route_and_role(attacked: Any, figures: Any) -> None:
    attacked.begin()
    routes = [each for each in _routes(attacked) if not each[1].startswith(LEAVES)]
    assert len(routes) > 100
    answers: Counter[int] = Counter()
    with ExitStack() as stack:
        # Signed in first: what follows is too much for whoever wants to sign in afterwards.
        clients = {
            user: stack.enter_context(attacked.at_work.client(user))
            for user in ("oli", "mia", "ada")
        }
        for user, client in clients.items():
            role = Role(PEOPLE[user])
            for number, (method, path) in enumerate(routes):
                bodies = BODIES if LONG else BODIES[number % len(BODIES) :][:1]
                for body in bodies if method not in ("GET", "HEAD") else (b"",):
                    status = _asked(client, method, path, body)
                    answers[status] += 1
                    _must_be(status, path, role, method)
            foreign = {"Origin": "http://evil.example"}
            for method, path in routes:
                if method in ("POST", "PUT", "DELETE", "PATCH"):
                    found = client.request(method, path, headers=foreign)
                    assert found.status_code in (403, 404, 405, 413, 429), (
                        method,
                        path,
                        found.status_code,
                    )
                    answers[found.status_code] += 1
    attacked.well()
    log = (attacked.at_work.folder / "page.log").read_text("utf-8", "replace")
    assert "Traceback" not in log, log[-3000:]
    figures(
        f"{len(routes)} routes × 3 roles: {sum(answers.values())} requests, answers {dict(answers)}"
    )


OTHERS = ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
ELSEWHERE = {"X-Forwarded-For": "10.0.0.9"}
"""At the station itself nobody signed in is an operator; with this a request comes from elsewhere."""


def test_nobody_signed_in_gets_at_nothing_and_changes_nothing(attacked: Any, figures: Any) -> None:
    attacked.begin()
    attacked.idle()
    kept = _state(attacked)
    paths = sorted({path for _, path in _routes(attacked) if not path.startswith(LEAVES)})
    assert len(paths) > 100
    answers: Counter[int] = Counter()
    inside = 0
    with attacked.at_work.client() as client:
        client.headers.update(ELSEWHERE)
        for number, path in enumerate(paths):
            others = OTHERS if LONG else OTHERS[number % len(OTHERS) :][:1]
            for method in ("GET", "POST", *others):
                body = b"" if method in ("GET", "HEAD") else BODIES[number % len(BODIES)]
                status = _asked(client, method, path, body)
                answers[status] += 1
                assert status < 500, (method, path, status)
                if role_for(path) is not None:
                    inside += 1
                    wanted = (404,) if blocked(path, PANELS) else (401, 403)
                    assert status in wanted, (method, path, status)
            if role_for(path) is not None and not blocked(path, PANELS):
                shown = client.get(path, headers={"Accept": "text/html"})
                assert shown.status_code == 303, (path, shown.status_code)
                assert shown.headers["location"].startswith("/login?next="), path
    attacked.idle()
    assert _state(attacked) == kept
    attacked.well()
    figures(
        f"{len(paths)} paths, nobody: {answers.total()} requests, {inside} beyond the sign-in, answers {dict(answers)}"
    )


def _routes(attacked: Any) -> list[tuple[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", LIST, str(attacked.at_work.station)],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


def _state(attacked: Any) -> Any:
    """What somebody could have changed: parts, what people did, users, station file, recipes."""
    folder = attacked.at_work.folder
    signing_in = ("sign-in", "sign-in failed", "sign-out")
    with attacked.at_work.record() as store:
        deeds = [deed for deed in all_deeds(store) if deed.kind not in signing_in]
        parts = store.head().count
    files = [
        folder / "station.toml",
        folder / "flange.recipe",
        *sorted(attacked.at_work.page_folder.glob("*.json")),
    ]
    return parts, deeds, [(path.name, path.read_bytes()) for path in files]


def _asked(client: httpx.Client, method: str, path: str, body: bytes) -> int:
    try:
        for _ in range(AGAIN):
            with client.stream(
                method, path, content=body, timeout=10, headers={"Content-Type": "application/json"}
            ) as answer:
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    return answer.status_code
            time.sleep(0.1)
        return answer.status_code
    except httpx.RemoteProtocolError:  # such as a TRACE, or a stream that never begins
        return 0


def _must_be(status: int, path: str, role: Role, method: str) -> None:
    assert status != 500, (method, path)
    if blocked(path, PANELS):
        assert status in (400, 404, 405, 413, 415, 429), (method, path, status)
        return
    needed = role_for(path)
    if needed is not None and not role.at_least(needed):
        assert status in (303, 401, 403, 404, 405, 413, 415, 429), (method, path, status)
