"""The manual on the page: every page and link of it, the search, and who may read it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from inspection.local_api.diagnostics import program_version
from ui.core import errors
from ui.pages.manual import reader, routes
from ui.pages.manual.reader import DOCS, Manual, excerpt
from ui.security.paths import role_for
from ui.security.users import Role
from ui.words import Words

PAGES = sorted(file.relative_to(DOCS).with_suffix("").as_posix() for file in DOCS.rglob("*.md"))


class Speaking:
    """Says the language in the scope, as the gate does."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, "language": "ko"}, receive, send)


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.include_router(routes.routes(SimpleNamespace(words=Words())))
    return TestClient(Speaking(app))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_shown_and_its_links_lead_somewhere(client: TestClient, name: str) -> None:
    html = Manual().html(name)
    assert html is not None
    assert "<h1" in html
    for target in re.findall(r'(?:href|src)="(/manual/[^"]*)"', html):
        path, _, place = target.partition("#")
        answer = client.get(path)
        assert answer.status_code == 200, target
        if place:
            assert f'id="{place}"' in answer.text, target


def test_a_search_leads_to_the_section_that_has_all_words(client: TestClient) -> None:
    answer = client.get("/manual", params={"q": "restore FOLDER"})
    assert 'href="/manual/command-line#inspection-restore"' in answer.text
    nothing = client.get("/manual", params={"q": "<b>zyx</b>"})
    assert "‘&lt;b&gt;zyx&lt;/b&gt;’을(를) 찾지 못했습니다" in nothing.text
    assert "<b>zyx" not in nothing.text


def test_headings_come_first_and_the_text_around_a_word_is_shown(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(
        "# First\n\nabout a zone\n\n## Zone\n\n" + "x " * 99 + "zone\n"
    )
    found = Manual(tmp_path).find("ZONE")
    assert [(each.heading, each.place) for each in found] == [("Zone", "zone"), ("First", "first")]
    assert excerpt(found[1], "zone") == "about a zone…"
    assert excerpt(found[0], "zone").startswith("…x x")


def test_what_is_html_in_a_page_is_shown_as_text(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(
        "# A\n\n<script>alert(1)</script> [x](javascript:alert(1))\n"
    )
    html = Manual(tmp_path).html("index")
    assert html is not None
    assert "<script" not in html
    assert 'href="javascript' not in html


@pytest.mark.parametrize(
    "name", ["../README", "nothing", "images/x", "index.md", "decisions/../index"]
)
def test_what_is_no_page_is_none(name: str) -> None:
    assert Manual().html(name) is None


def test_no_file_but_a_picture_of_the_manual_is_given(client: TestClient) -> None:
    assert client.get("/manual/images/admin-users.png").content.startswith(b"\x89PNG")
    for name in ("..%2findex.md", "nothing.png", "..%2f..%2fpyproject.toml"):
        assert client.get(f"/manual/images/{name}").status_code == 404


def test_version_and_licence_stand_below_in_the_language_of_the_reader(client: TestClient) -> None:
    footer = client.get("/manual").text.partition("<footer>")[2]
    assert footer.startswith(f"버전 {program_version()} · 라이선스 Apache-2.0<")
    assert 'license = "Apache-2.0"' in (DOCS.parent / "pyproject.toml").read_text("utf-8")


def test_a_program_without_its_manual_says_so(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.Manual.__init__, "__defaults__", (tmp_path,))
    app = FastAPI()
    app.include_router(routes.routes(SimpleNamespace(words=Words())))
    answer = TestClient(Speaking(app)).get("/manual")
    assert "설명서가 설치되어 있지 않습니다" in answer.text


def test_it_is_for_everybody_who_may_see_the_line() -> None:
    assert role_for("/manual") is role_for("/manual/outputs") is Role.OPERATOR
