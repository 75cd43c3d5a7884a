"""What the reports page takes out of the record as a file, and says of the record, over a real one."""

from __future__ import annotations

import asyncio
import csv
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from inspection.judgement import Verdict
from inspection.station.station_file import read_station
from inspection.store import Store, open_store
from inspection.store.filters import PartFilter
from tests.ui.filled_record import STATION, filled, part, png
from ui.core import errors as refuse
from ui.core.context import Context
from ui.core.part_choice import FIELDS, PartChoice
from ui.live.station_client import StationGone
from ui.pages.reports import files_tab
from ui.pages.reports import routes as reports
from ui.pages.reports.downloads import Files, file_name
from ui.pages.reports.files_tab import Exports
from ui.pages.reports.handlers import API
from ui.pages.reports.verify_tab import Verification
from ui.security.users import Role, User
from ui.words import Words


class Noting:
    """Notes actions in the record as the station does; `gone`: there is none."""

    def __init__(self, store: Store) -> None:
        self.store, self.gone = store, False

    async def do(self, verb: str, *, kind: str, who: str, detail: dict[str, Any]) -> None:
        if self.gone:
            raise StationGone("the station is not running")
        self.store.add_action(kind, who, detail=detail)


class Page:
    """The handlers and routes of the page, asked as an engineer's browser asks them."""

    def __init__(self, context: Context, noting: Noting, role: Role = Role.ENGINEER) -> None:
        self.context, self.noting = context, noting
        choice = object.__new__(PartChoice)  # its components are not needed
        choice.context = context
        self.exports = Exports(context, choice, reports.files_of(context))
        self.verification = Verification(context)
        scope = {"type": "http", "headers": [], "user": User("mia", role), "language": "en"}
        self.event = gr.Request(Request(scope))
        app = FastAPI()
        refuse.install(app)
        app.include_router(reports.routes(context))

        async def signed_in(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "language": "en", "user": User("mia", role)}, receive, send)

        self.client = TestClient(signed_in)

    @property
    def waiting(self) -> list[Path]:
        """Files that wait to be fetched."""
        return list((self.context.folder / "downloads").glob("*"))

    def make(
        self, kind: str = "csv", verdict: str = "", pictures: bool = False, **asked: Any
    ) -> tuple[str, str | None]:
        """Make a file: what is told, and the link to it."""
        chosen = [{"span": "all", **asked}.get(name) for name in FIELDS]

        async def all_of_it() -> list[Any]:
            return [each async for each in self.exports.make(self.event, kind, verdict, pictures, *chosen)]  # fmt: skip

        working, (told, link, button) = asyncio.run(all_of_it())
        assert (working[0], working[2]["interactive"], button["interactive"]) == (
            "Working…",
            False,
            True,
        )
        return told, link["link"]

    def fetched(self, **asked: Any) -> tuple[str, bytes]:
        """Make a file and fetch it, once: what is told, and its bytes."""
        told, link = self.make(**asked)
        assert link is not None, told
        assert len(self.waiting) == 1
        answer = self.client.get(link)
        assert answer.status_code == 200
        assert told.split(":")[0] in answer.headers["content-disposition"]
        assert self.waiting == []
        assert self.client.get(link).status_code == 404
        return told, answer.content

    def verified(self, *, pictures: bool = False) -> str:
        told, *_ = asyncio.run(self.verification.start(pictures, self.event))
        assert told.startswith("Reading the record"), told
        return self.ended()

    def ended(self) -> str:
        """Wait for the end of a verification, given up or not: what is told then."""
        end = time.monotonic() + 60
        while True:
            told, start, cancel, timer = asyncio.run(self.verification.state(self.event))
            if start["interactive"]:
                assert (cancel["visible"], timer.active) == (False, False)
                return str(told)
            assert (cancel["visible"], timer.active) == (True, True)
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "station.toml").write_text(STATION)
    with open_store(tmp_path / "parts.db") as store:
        filled(store)
        yield store


@pytest.fixture
def context(writer: Store, tmp_path: Path) -> Iterator[Context]:
    settings = read_station(tmp_path / "station.toml")
    with open_store(settings.record, read_only=True) as store:
        given: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
        given |= {"settings": settings, "store": store, "words": Words(), "runtime": Noting(writer)}
        yield Context(**given | {"station_path": tmp_path / "station.toml"})


@pytest.fixture
def page(context: Context) -> Page:
    noting: Any = context.runtime
    return Page(context, noting)


def test_csv_holds_the_parts_of_the_span(page: Page) -> None:
    told, data = page.fetched(lot="L2", verdict="FAIL")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(rows) == 20
    assert {row["verdict"] for row in rows} == {"FAIL"}
    assert [int(row["number"]) for row in rows] == list(range(221, 241))
    assert float(rows[-1]["score"]) == pytest.approx(3.0)
    assert told.startswith("parts-line-1-L2-")
    assert ": 20 parts, 0 pictures, 0.0" in told


def test_csv_runs_no_scanned_text_as_a_formula(writer: Store, page: Page) -> None:
    writer.add(part(Verdict.PASS, 0.1, 999, lot="=1+1"))
    _, data = page.fetched(lot="=1+1")
    (row,) = csv.DictReader(io.StringIO(data.decode()))
    assert (row["lot"], row["score"]) == ("'=1+1", "0.1")


def test_parquet_holds_the_same(page: Page) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    told, data = page.fetched(kind="parquet")
    assert ": 250 parts" in told
    assert parquet.read_table(io.BytesIO(data)).num_rows == 250


def test_zip_holds_table_and_pictures(writer: Store, page: Page) -> None:
    record = writer.parts(PartFilter(lot="L2", verdict="FAIL"), limit=1)[0]
    path = writer.image_path(record)
    assert path is not None
    gone = writer.image_path(writer.parts(PartFilter(lot="L2", verdict="REVIEW"), limit=1)[0])
    assert gone is not None
    gone.unlink()
    told, data = page.fetched(lot="L2", pictures=True)
    assert ": 50 parts, 39 pictures" in told
    assert told.endswith("1 pictures are no longer there.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 40
        assert archive.read(f"pictures/{record.image}") == path.read_bytes()
        rows = list(csv.DictReader(io.StringIO(archive.read("parts.csv").decode())))
    assert len(rows) == 50


def test_what_is_empty_or_too_large_is_refused_in_one_line(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**asked: Any) -> str:
        told, link = page.make(**asked)
        assert (link, "\n" in told) == (None, False)
        return told

    assert refused(lot="none such") == "No part matches; nothing was written."
    assert "allowed: csv, parquet" in refused(kind="xls")
    assert "got 'MAYBE'" in refused(verdict="MAYBE")
    monkeypatch.setattr(files_tab, "MOST_ROWS", 100)
    assert "250" in refused()
    monkeypatch.setattr(files_tab, "MOST_PICTURES", 10)
    assert "40" in refused(lot="L2", pictures=True)
    monkeypatch.setattr(files_tab, "ROOM_BYTES", 10**18)
    assert "free space" in refused(lot="L1")
    assert page.waiting == []


def test_files_nobody_fetched_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path)
    token, path = files.begin(".csv")
    path.write_text("1")
    files.ready(token, path, "a.csv")
    files.begin(".csv")
    assert path.exists()
    monkeypatch.setattr("ui.pages.reports.downloads.KEPT_S", -1.0)
    files.begin(".csv")
    assert not path.exists()
    assert files.take(token) is None


def test_file_names_are_plain() -> None:
    assert file_name("parts", "Linie/1", "../x", None, suffix=".csv") == "parts-Linie-1-x.csv"


@pytest.mark.parametrize(
    "name", ["..%2f..%2fparts.db", "%2e%2e%2fparts.db", "parts.db", "/etc/passwd", "..", "%00"]
)
def test_no_path_leads_out(page: Page, name: str) -> None:
    answer = page.client.get(f"{API}/export/{name}")
    assert answer.status_code in (404, 405)
    assert b"SQLite" not in answer.content
    assert b"root:" not in answer.content


def test_verify_says_the_record_is_as_written(writer: Store, page: Page) -> None:
    told = page.verified()
    assert told.startswith("✓ As it was written: every row (pictures were not read)")
    assert told.endswith(f"Head 250:{writer.head().hash}")


def test_verify_finds_a_changed_picture(writer: Store, page: Page) -> None:
    path = writer.image_path(writer.parts(PartFilter(verdict="PASS"), limit=1)[0])
    assert path is not None
    path.write_bytes(png(3) + b"x")
    assert page.verified().startswith("✓ ")  # pictures were not read
    first, finding = page.verified(pictures=True).splitlines()
    assert first.startswith("▲ NOT as it was written: 1 findings in every row and picture")
    assert "was changed" in finding


TAKEN = [
    ({"lot": "L1"},
     {"parts": 100, "pictures": False, "file": "csv", "asked": {"lot": "L1"}}),
    ({"lot": "L0", "pictures": True},
     {"parts": 100, "pictures": True, "file": "zip", "asked": {"lot": "L0"}}),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "detail"), TAKEN)
def test_what_is_taken_out_of_the_record_is_noted_first(
    writer: Store, page: Page, asked: dict[str, Any], detail: dict[str, Any]
) -> None:
    assert page.make(**asked)[1] is not None
    (action,) = writer.actions(limit=5)
    assert (action.kind, action.who, action.detail) == ("parts_exported", "mia", detail)


def test_what_cannot_be_noted_is_not_taken_out(page: Page) -> None:
    page.noting.gone = True
    for asked, _ in TAKEN:
        told, link = page.make(**asked)
        assert (link, "nothing was changed" in told) == (None, True)
    assert page.waiting == []
    with pytest.raises(gr.Error, match="nothing was changed"):
        asyncio.run(page.verification.start(False, page.event))
    assert asyncio.run(page.verification.state(page.event))[1]["interactive"]


def test_a_verification_and_giving_it_up_are_noted(writer: Store, page: Page) -> None:
    asyncio.run(page.verification.cancel(page.event))
    assert writer.actions(limit=5) == []  # nothing to give up
    for _ in range(30):  # it may be done before it is given up
        asyncio.run(page.verification.start(True, page.event))
        asyncio.run(page.verification.cancel(page.event))
        if (told := page.ended()) == "":
            break
    assert told == ""
    given_up, begun = writer.actions(limit=2)
    assert given_up.kind == "verification_cancelled"
    assert (begun.kind, begun.who, begun.detail) == ("record_verified", "mia", {"pictures": True})


def test_an_operator_takes_nothing_out(context: Context) -> None:
    noting: Any = context.runtime
    page = Page(context, noting, Role.OPERATOR)
    with pytest.raises(gr.Error, match="engineer"):
        page.make()
    with pytest.raises(gr.Error, match="engineer"):
        asyncio.run(page.verification.start(False, page.event))
    assert page.waiting == []
