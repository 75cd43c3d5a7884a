"""The administrator's backup: begun, followed and fetched at the page of a real station; each is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inspection.backup import restore
from tests.ui.conftest import AtWork, Opened, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def station(make_station: Callable[..., AtWork]) -> AtWork:
    found = make_station()
    found.trigger(5)
    return found


def kinds(station: AtWork) -> list[str]:
    with station.record() as store:
        return [each.kind for each in reversed(store.actions(limit=1000))]


def test_a_backup_is_made_fetched_and_put_back(station: AtWork, tmp_path: Path) -> None:
    with station.client("ada") as client:
        assert client.get("/api/admin/backup/file").status_code == 404
        assert client.post("/api/admin/backup").json()["ok"]
        wait_for(lambda: not client.get("/api/admin/backup").json()["running"], 60)
        found = client.get("/api/admin/backup").json()["found"]
        assert (found["parts"], found["missing"]) == (5, 0)
        answer = client.get("/api/admin/backup/file")
        assert f'filename="{found["file"]}"' in answer.headers["content-disposition"]
        assert len(answer.content) == found["bytes"]
    (tmp_path / "one.backup").write_bytes(answer.content)
    restored = restore(tmp_path / "one.backup", tmp_path / "again", progress=lambda *_: None)
    assert restored.findings == ()
    assert (restored.station.parent / "parts.page" / "users.json").exists()
    # The action of the backup itself came before the record was copied.
    assert kinds(station)[-2:] == ["backup_made", "backup_fetched"]


def test_only_the_newest_stays(station: AtWork) -> None:
    with station.client("ada") as client:
        for _ in range(2):
            assert client.post("/api/admin/backup").json()["ok"]
            wait_for(lambda: not client.get("/api/admin/backup").json()["running"], 60)
        name = client.get("/api/admin/backup").json()["found"]["file"]
    assert [each.name for each in station.page_folder.rglob("*.backup")] == [name]


@pytest.mark.parametrize("user", [None, "oli", "mia"])
def test_nobody_else_makes_or_fetches_one(station: AtWork, user: str | None) -> None:
    before = kinds(station)
    with station.client(user) as client:
        for answer in (
            client.post("/api/admin/backup"),
            client.get("/api/admin/backup"),
            client.get("/api/admin/backup/file"),
        ):
            assert answer.status_code == 403
    assert [kind for kind in kinds(station)[len(before) :] if kind.startswith("backup")] == []


@pytest.mark.parametrize(
    ("language", "title", "fetch"),
    [
        ("en", "A copy of the whole station", "Fetch"),
        ("ja", "ステーション全体の複製", "取得"),
        ("ko", "스테이션 전체 사본", "받기"),
    ],
)
def test_the_page_makes_one_at_the_press_of_a_button(
    station: AtWork, open_page: Opened, language: str, title: str, fetch: str
) -> None:
    page = open_page(station, "/admin#backup", user="ada", language=language, wait=".backup h2")
    assert page.inner_text(".backup h2") == title
    page.click("button.backup")
    page.wait_for_selector("a.fetch", timeout=60_000)
    assert page.inner_text("a.fetch") == fetch
    with page.expect_download() as fetched:
        page.click("a.fetch")
    assert fetched.value.suggested_filename.startswith("line-1-")
