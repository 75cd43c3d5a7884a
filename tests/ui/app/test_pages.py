"""What pages declare: each is found by its folder, and the gate agrees with it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ui.app.pages import find_pages, links_for
from ui.core.page import Page
from ui.security.paths import role_for
from ui.security.users import Role

UI = Path(__file__).parents[3] / "ui"
DOCS = UI.parent / "docs"
PAGES = list(find_pages())
MANUAL = {
    "setup": "set-up.md",
    "admin": "administration.md",
    "account": "administration.md",
    "manual": "index.md",
}
"""Where the manual's page of a page is not called as the page."""


def is_panel(path: Path) -> bool:
    return "\ndef panel(" in path.read_text("utf-8")


def test_every_folder_of_pages_is_a_page_with_scripts_of_its_own() -> None:
    folders = {path.parent.name for path in (UI / "pages").glob("*/routes.py")}
    assert {page.name for page in PAGES} == folders
    panels = {path.parent.name for path in (UI / "pages").glob("*/routes.py") if is_panel(path)}
    assert "products" in panels
    plain = {page.name for page, module in find_pages().items() if hasattr(module, "PLAIN")}
    assert plain == {"manual"}
    for name in folders - panels - plain:  # these have none
        assert (UI / "static" / name / "page.js").is_file(), name
        assert (UI / "static" / name / "page.css").is_file(), name


def test_no_two_pages_have_the_same_path_or_place() -> None:
    assert len({page.path for page in PAGES}) == len(PAGES)
    linked = [page for page in PAGES if page.label]
    assert len({page.order for page in linked}) == len(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_named_in_its_own_words_and_in_the_manual(page: Page) -> None:
    if page.label is not None:
        area, _, key = page.label.partition(".")
        assert area == page.name
        assert key in tomllib.loads((UI / "words" / f"{area}.toml").read_text("utf-8"))
    manual = (DOCS / MANUAL.get(page.name, f"{page.name}.md")).read_text("utf-8")
    assert f"`{page.path}`" in manual


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_gate_asks_the_role_a_page_declares_at_its_path_and_below(page: Page) -> None:
    below = f"{page.path.rstrip('/')}/gradio_api/queue/join"
    assert [role_for(page.path), role_for(below)] == [page.role, page.role]


def test_a_page_whose_path_lets_in_others_than_it_declares_is_refused() -> None:
    with pytest.raises(ValueError, match="page x: path '/x' lets in the role operator"):
        Page(name="x", path="/x", role=Role.ADMINISTRATOR)
    with pytest.raises(ValueError, match="page x: path '/admin/x' lets in the role administrator"):
        Page(name="x", path="/admin/x", role=Role.OPERATOR)
    with pytest.raises(ValueError, match="page x: path '/words/x' lets in the role None"):
        Page(name="x", path="/words/x", role=Role.OPERATOR)


def test_people_see_links_to_what_they_may_open_in_the_order_declared() -> None:
    pages = [
        Page(name="lots", path="/admin/lots", role=Role.ADMINISTRATOR, label="lots.page", order=3),
        Page(name="line", path="/", role=Role.OPERATOR, label="line.page", order=1),
        Page(name="tally", path="/engineer/tally", role=Role.ENGINEER, label="tally.page", order=2),
        Page(name="mine", path="/mine", role=Role.OPERATOR),
    ]

    def names(role: Role) -> list[str]:
        return [link["name"] for link in links_for(role, pages)]

    assert names(Role.OPERATOR) == ["line"]
    assert names(Role.ENGINEER) == ["line", "tally"]
    assert names(Role.ADMINISTRATOR) == ["line", "tally", "lots"]


def test_links_go_from_the_line_to_the_administration() -> None:
    links = [link["name"] for link in links_for(Role.ADMINISTRATOR, PAGES)]
    known = ["operator", "review", "setup", "analysis", "admin"]
    assert [name for name in links if name in known] == known
