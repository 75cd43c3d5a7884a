"""The administrator's backup: begun, followed and fetched at the page of a real station; each is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inspection.backup import restore
from tests.ui.conftest import AtWork, Opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def station(make_station: Callable[..., AtWork]) -> AtWork:
    found = make_station()
    found.trigger(5)
    return found


def kinds(station: AtWork) -> list[str]:
    with station.record() as store:
        return [each.kind for each in reversed(store.actions(limit=1000))]


FILE = "/api/admin/backup/file"


def back_up(page: Any) -> None:
    """Press the button, and wait until the copy is there."""
    page.wait_for_selector("#back-up:enabled")
    page.click("#back-up")
    page.wait_for_selector("#back-up:disabled")
    page.wait_for_selector("#fetch", timeout=60_000)


def test_there_is_none_to_fetch_before_one_is_made(station: AtWork) -> None:
    with station.client("ada") as client:
        assert client.get(FILE).status_code == 404


@pytest.mark.parametrize("user", [None, "oli", "mia"])
def test_nobody_else_makes_or_fetches_one(station: AtWork, user: str | None) -> None:
    before = kinds(station)
    join = {"data": [], "fn_index": 0, "session_hash": "x"}
    with station.client(user) as client:
        answers = [client.get(FILE), client.post("/admin/gradio_api/queue/join", json=join)]
        assert [each.status_code for each in answers] == [403, 403]
    assert [kind for kind in kinds(station)[len(before) :] if kind.startswith("backup")] == []


@pytest.mark.parametrize(
    ("language", "title", "fetch"),
    [
        ("en", "A copy of the whole station", "Fetch"),
        ("ja", "ステーション全体の複製", "取得"),
        ("ko", "스테이션 전체 사본", "받기"),
    ],
)
def test_the_page_makes_one_at_the_press_of_a_button_and_it_is_put_back(
    station: AtWork, open_page: Opened, tmp_path: Path, language: str, title: str, fetch: str
) -> None:
    page = open_page(station, "/admin#backup", user="ada", language=language, wait="#back-up")
    assert page.inner_text("#backup-title").strip() == title
    back_up(page)
    assert page.inner_text("#fetch").strip() == fetch
    with page.expect_download() as fetched:
        page.click("#fetch")
    name = fetched.value.suggested_filename
    assert name.startswith("line-1-")
    assert name in page.inner_text("#made")
    restored = restore(Path(fetched.value.path()), tmp_path / "again", progress=lambda *_: None)
    assert restored.findings == ()
    assert (restored.station.parent / "parts.page" / "users.json").exists()
    # The action of the backup itself came before the record was copied.
    assert kinds(station)[-2:] == ["backup_made", "backup_fetched"]
    # Only the newest stays.
    assert [each.name for each in station.page_folder.rglob("*.backup")] == [name]
