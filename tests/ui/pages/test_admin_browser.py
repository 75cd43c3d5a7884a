"""The administrator's page in a real browser, on a real station."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspection.store.chain import canonical
from tests.ui.conftest import FULL_HD, PASSWORD, SMALL, AtWork, free_port

pytestmark = pytest.mark.slow

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def watched(make_station: Callable[..., AtWork]) -> Iterator[tuple[AtWork, int]]:
    """A station with `/status` and an output nobody takes anything from."""
    port = free_port()
    rest = f"""
[outputs.webhook]
url = "http://mia:geheim@127.0.0.1:{free_port()}/hook?token=abc123"
timeout_s = 0.5
[retention]
rejects_days = 30
free_gb = 0.001
"""
    found = make_station(top=f"status_port = {port}", rest=rest)
    found.trigger(3)
    yield found, port
    found.stop()


def _add(page: Any, name: str, role: str) -> None:
    form = page.locator("form.add")
    form.locator("[name=name]").fill(name)
    form.locator("[name=role]").select_option(role)
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button.main").click()
    page.wait_for_selector(f"tr[data-user='{name}']")


def test_an_engineer_is_added_signs_in_and_is_out_when_made_an_operator(
    at_work: AtWork, open_page: Open
) -> None:
    open_page.allowed = ("401", "403")
    page = open_page(at_work, "/admin", user="ada", wait="tr[data-user=mia]")
    _add(page, "kim", "engineer")
    row = page.locator("tr[data-user=kim]")
    assert row.locator("select").input_value() == "engineer"

    other = open_page(at_work, "/engineer/review")  # nobody yet: an operator may not come in
    other.goto(at_work.url + "/login?next=/engineer/review")
    other.fill("input[name=name]", "kim")
    other.fill("input[name=password]", PASSWORD)
    other.click("main form button >> nth=0")
    other.wait_for_selector(".bar a[href='/engineer/analysis']", timeout=20_000)
    assert other.evaluate("window.inspection.role") == "engineer"
    assert other.locator(".bar a[href='/admin']").count() == 0

    row.locator("select").select_option("operator")
    dialog = page.locator(".admin dialog.ask")
    assert "kim" in dialog.inner_text()
    dialog.locator("button[type=submit]").click()
    page.wait_for_function(
        "document.querySelector(\"tr[data-user='kim'] select\").value === 'operator'"
    )
    assert other.evaluate("fetch('/api/engineer/review/nothing').then((a) => a.status)") in (
        401,
        403,
    )
    other.goto(at_work.url + "/engineer/review")
    assert other.locator(".bar").count() == 0

    with at_work.record() as store:
        done = {action.kind: action for action in store.actions(limit=100)}
    assert dict(done["user_added"].detail) == {"name": "kim", "role": "engineer"}
    assert dict(done["user_role_changed"].detail) == {
        "name": "kim",
        "from": "engineer",
        "to": "operator",
    }
    assert done["user_role_changed"].who == "ada"


def test_cancel_changes_nothing_and_removal_asks_first(at_work: AtWork, open_page: Open) -> None:
    page = open_page(at_work, "/admin", user="ada", wait="tr[data-user=mia]")
    _add(page, "lea", "operator")
    row = page.locator("tr[data-user=lea]")
    row.locator(".remove").click()
    page.locator("dialog.ask button[type=button]").click()
    page.wait_for_selector("dialog.ask", state="detached")
    assert row.count() == 1
    row.locator(".remove").click()
    page.locator("dialog.ask button.danger").click()
    row.wait_for(state="detached")


def test_what_is_wrong_is_told_in_one_line_at_its_field(at_work: AtWork, open_page: Open) -> None:
    open_page.allowed = ("409",)
    page = open_page(at_work, "/admin", user="ada", wait="tr[data-user=mia]")
    form = page.locator("form.add")
    form.locator("[name=name]").fill("mia")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button.main").click()
    error = form.locator(".field.bad .error")
    error.wait_for()
    assert error.inner_text() == "There is a user mia already. Choose another name."
    assert form.locator(".field.bad input").get_attribute("name") == "name"
    ada = page.locator("tr[data-user=ada]")
    assert ada.locator("select").is_disabled()
    assert ada.locator(".remove").is_disabled()


def test_a_person_changes_the_own_password_and_signs_in_anew(
    at_work: AtWork, open_page: Open
) -> None:
    open_page.allowed = ("409",)
    page = open_page(at_work, "/account", user="jo", wait=".account form")
    new = "quite another long one"
    for name, text in {"current": "wrong one", "password": new, "again": new}.items():
        page.fill(f".account form [name={name}]", text)
    page.click(".account button.main")
    page.wait_for_selector(".field.bad [name=current]")
    page.fill("[name=again]", "not the same")
    page.click(".account button.main")
    page.wait_for_selector(".field.bad [name=again]")
    page.fill("[name=current]", PASSWORD)
    page.fill("[name=again]", new)
    page.click(".account button.main")
    page.wait_for_selector(".account .done")
    with at_work.client() as client:
        answer = client.post("/login", data={"name": "jo", "password": new, "next": "/"})
        assert answer.status_code == 303


def test_health_shows_the_numbers_of_status(watched: tuple[AtWork, int], open_page: Open) -> None:
    station, port = watched
    page = open_page(station, "/admin#health", user="ada", wait="[data-section=station]")
    told = httpx.get(f"http://127.0.0.1:{port}/status", trust_env=False).json()
    assert told["triggers"] == told["answers"] == 3

    def cell(section: str, row: str, place: int = 1) -> str:
        where = f"[data-section={section}] tr[data-row='{row}'] > :nth-child({place + 1})"
        return str(page.locator(where).inner_text())

    page.wait_for_function(
        "document.querySelector('[data-section=parts] [data-row=answers] td').textContent === '3'"
    )
    assert cell("parts", "triggers") == "3"
    assert cell("parts", "in_flight") == "0"
    for verdict in ("PASS", "FAIL", "REVIEW", "CANNOT_INSPECT"):
        assert cell("parts", verdict) == str(told["verdicts"].get(verdict, 0))
    for fate, count in told["cameras"]["main"].items():
        assert cell("cameras", fate) == str(count)
    assert cell("cameras", "adds_up") == "yes"
    for stage, quantiles in told["latency_ms"].items():
        for place, value in enumerate(quantiles.values(), 1):
            assert cell("latencies", stage, place) == f"{value:,.1f}"
    assert cell("queues", "inbox") == "0 of 8"
    assert cell("recipes", "main") == told["recipes"]["main"][:12]
    assert re.fullmatch(r"0\.\d{4} % of the limit \(0\.\d % allowed\)", cell("recipes", "main", 2))
    assert cell("outputs", "webhook") == str(told["outbox"]["webhook"]) == "3"
    page.wait_for_function(
        "document.querySelector('[data-section=outputs] tbody tr').className === 'bad'"
    )
    assert "geheim" not in page.content()
    assert "abc123" not in page.content()
    assert cell("storage", "retention") == "rejects 30 days · all passes"
    assert cell("storage", "parts") == "3"
    assert station.runtime is not None
    assert re.fullmatch(r"\d+ MB", cell("processes", "station"))

    with page.expect_download() as saved:
        page.click("button.json")
    found = json.loads(Path(saved.value.path()).read_text("utf-8"))
    assert found["status"]["answers"] == 3
    assert found["status"]["pid"] == station.runtime.pid
    assert found["status"]["version"] == found["page"]["version"]


def test_parity_and_findings_come_on_demand(watched: tuple[AtWork, int], open_page: Open) -> None:
    station, _ = watched
    page = open_page(station, "/admin#health", user="ada", wait="[data-section=station]")
    page.click("button.parity")
    page.wait_for_selector("[data-section=parity] tr.good", timeout=30_000)
    text = page.inner_text("[data-section=parity]")
    assert "main · flange" in text
    assert "file holds the same recipe" in text
    page.click("button.doctor")
    page.wait_for_selector("[data-section=doctor] tr", timeout=120_000)
    rows = page.locator("[data-section=doctor] tr")
    assert "processor cores" in rows.nth(0).inner_text()
    assert page.locator("[data-section=doctor] tr.bad").count() == 0
    with station.record() as store:
        assert {action.kind for action in store.actions(who="ada")} >= {
            "parity_checked",
            "doctor_run",
        }


def test_the_audit_record_tells_who_did_what_and_proves_itself(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    station, _ = watched
    with station.record() as store:
        record = store.parts(limit=1)[0]
    part_id, number = record.part_id, record.number
    station.do(
        "event", part_id=part_id, kind="label", who="mia", detail={"label": "NG", "defect": "<i>x"}
    )
    station.do("action", kind="something_new", who="jo", detail={"a": 1})
    page = open_page(station, "/admin#audit", user="ada", wait="tr[data-kind=label]")
    row = page.locator("tr[data-kind=label]")
    cells = row.locator("td").all_inner_texts()
    assert cells[1:3] == ["mia", "Part labelled"]
    assert cells[3].splitlines()[0].startswith("Label: NG · Defect type: <i>x")
    assert cells[4] == f"#{number}"
    assert row.locator("time").get_attribute("title").endswith("Z")
    assert page.locator("tr[data-kind=something_new] td").nth(2).inner_text() == "something_new"
    page.select_option("#audit-who", "mia")
    page.wait_for_function("!document.querySelector('tr[data-kind=something_new]')")
    assert set(page.locator("tbody tr td:nth-child(2)").all_inner_texts()) == {"mia"}
    page.click("button.verify")
    page.wait_for_selector(".verdict.good", timeout=60_000)
    assert page.inner_text(".verdict").startswith("As it was written: 3 parts")


RECIPE = "0123456789ab" + "c" * 52
DID = [
    ("recipe_replaced", {"file": "a.recipe", "recipe_id": RECIPE, "before": None},
     "File: a.recipe · Recipe: 0123456789ab"),
    ("user_role_changed", {"from": "engineer", "name": "operator", "to": "operator"},
     "Name: operator · Before: engineer · After: operator"),
    ("change_failed", {"error": "busy", "kind": "user_removed", "name": "mia"},
     "Kind: User removed · Name: mia · Error: busy"),
    ("camera_changed", {"settings": {"exposure_us": 500, "kind": "area"}, "view": "main"},
     "View: main · Settings: exposure_us 500, kind area"),
    ("parts_exported", {"asked": {"lot": "L1", "verdict": "FAIL"}, "parts": 3, "pictures": False},
     "Choice: Lot L1, Verdict Fail · Parts: 3 · With pictures: no"),
    ("good_parts_added", {"count": 12, "from": "brought back", "product": "flange"},
     "Product: flange · Count: 12 · From: those removed before"),
    ("good_parts_removed", {"names": [f"{n}.png" for n in range(10)]},
     "Names: 0.png, 1.png, 2.png, 3.png, 4.png, 5.png, 6.png, 7.png and 2 more"),
    ("parity_checked", {"recipes": [
        {"view": "main", "file": "same", "difference": 0.00012, "error": None},
        {"view": "side", "file": "other", "difference": None, "error": "gone"}]},
     "Recipes: View main, Largest difference of a reference, of the limit 0.012 %, "
     "On the disk file holds the same recipe; View side, Error gone, "
     "On the disk file holds ANOTHER recipe: it is used from the next start"),
    ("something_else", {"deep": {"er": {"role": "engineer", "list": [1, None, True]}}, "<b>": "x"},
     "<b>: x · deep: er (Role engineer, list 1, yes)"),
]  # fmt: skip


def test_the_details_of_an_entry_are_words_and_the_whole_is_kept(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    station, _ = watched
    for kind, detail, _ in DID:
        station.do("action", kind=kind, who="bob", detail=detail)
    page = open_page(station, "/admin#audit", user="ada", wait="tr[data-kind=something_else]")
    page.select_option("#audit-who", "bob")
    page.wait_for_function(f"document.querySelectorAll('.audit tbody tr').length === {len(DID)}")
    seen = page.locator(".audit .pairs").all_inner_texts()
    assert seen == [words for _, _, words in reversed(DID)]
    row = page.locator("tr[data-kind=recipe_replaced]")
    assert row.locator("td").nth(2).inner_text() == "Recipe file exchanged"
    assert row.locator("[data-name=recipe_id] [title]").get_attribute("title") == RECIPE
    assert not row.locator("pre").is_visible()
    row.locator("summary").click()
    with station.record() as store:
        (done,) = store.actions(kind="recipe_replaced")
    assert row.locator("pre").inner_text() == canonical(done.detail)


def test_a_part_is_named_by_its_number_and_leads_to_its_review(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    station, _ = watched
    with station.record() as store:
        record = store.parts(limit=2)[-1]
    said = {"reason": "dirt", "comment": ""}
    station.do("event", part_id=record.part_id, kind="acknowledge", who="oli", detail=said)
    page = open_page(station, "/admin#audit", user="ada", wait="tr[data-kind=acknowledge]")
    row = page.locator("tr[data-kind=acknowledge]")
    assert row.locator(".pairs").inner_text() == "Reason: Dirt, chip or oil"
    link = row.locator(".id a")
    assert link.inner_text() == f"#{record.number}"
    assert link.get_attribute("title") == record.part_id
    assert link.get_attribute("href") == f"/engineer/review?part={record.part_id}"
    link.click()
    page.wait_for_selector(f".review[data-part='{record.part_id}']", timeout=20_000)


def test_settings_are_read_only_and_hold_no_secret(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    station, _ = watched
    page = open_page(station, "/admin#settings", user="ada", wait=".values tr")
    assert str(station.station) in page.inner_text(".path")
    assert 'camera = "simulated"' in page.inner_text("pre")
    for secret in ("geheim", "abc123"):
        assert secret not in page.content()
    assert page.locator(".part input, .part textarea").count() == 0


def test_without_the_station_the_page_says_so_and_changes_nothing(
    make_station: Callable[..., AtWork], open_page: Open
) -> None:
    open_page.allowed = ("503",)
    station = make_station()
    page = open_page(station, "/admin", user="ada", wait="tr[data-user=mia]")
    station.kill_runtime()
    before = (station.page_folder / "users.json").read_bytes()
    form = page.locator("form.add")
    form.locator("[name=name]").fill("kim")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button.main").click()
    page.wait_for_function("document.querySelector('form.add > .error').textContent !== ''")
    assert "nothing was changed" in page.inner_text("form.add > .error")
    assert (station.page_folder / "users.json").read_bytes() == before
    page.goto(station.url + "/admin#health")
    page.wait_for_selector("[data-section=station] tr.bad", timeout=20_000)
    assert "GONE" in page.inner_text("[data-section=station]")
    station.stop()


@pytest.mark.parametrize("size", [FULL_HD, SMALL])
@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_each_part_fits_the_screen(
    at_work: AtWork, open_page: Open, language: str, size: tuple[int, int]
) -> None:
    for part in ("users", "audit", "health", "settings"):
        wait = f"#admin-part[data-part={part}] table tbody tr"
        page = open_page(
            at_work, f"/admin#{part}", user="ada", language=language, size=size, wait=wait
        )
        wide, high = size
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
        assert page.evaluate("document.documentElement.scrollHeight") <= high
        out = page.evaluate(
            """() => [...document.querySelectorAll('.admin *')].filter((e) => {
                 const box = e.getBoundingClientRect();
                 return e.checkVisibility() && box.width && box.right > innerWidth + 1;
               }).map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert out == []
        page.context.close()
