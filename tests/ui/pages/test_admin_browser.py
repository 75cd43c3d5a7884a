"""The administrator's page in a real browser, on a real station."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspection.store.chain import canonical
from tests.ui.conftest import FULL_HD, LEFT, PASSWORD, SMALL, AtWork, free_port

pytestmark = pytest.mark.slow

Open = Callable[..., Any]
BELOW = "(found) => innerHeight - found.getBoundingClientRect().bottom"
"""How far above the window's lower edge something ends, in pixels."""


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


def cell(page: Any, table: str, row: int, column: int) -> str:
    """What a table of Gradio shows; rows and columns count from 0."""
    return str(
        page.locator(
            f"#{table} [role=gridcell][data-row='{row}'][data-col='{column}']"
        ).inner_text()
    )


def rows(page: Any, table: str) -> list[list[str]]:
    """What all rows of a table show, row by row."""
    found = page.evaluate(
        f"""() => [...document.querySelectorAll("#{table} .virtual-row")].map((row) =>
            [...row.querySelectorAll("[role=gridcell]")].map((cell) => cell.innerText.trim()))"""
    )
    return [list(row) for row in found]


def see(page: Any, table: str, text: str, *, timeout: int = 30_000) -> None:
    """Wait until a cell of a table holds a text."""
    page.wait_for_selector(f"#{table} [role=gridcell] >> text={text}", timeout=timeout)


def gone(page: Any, table: str, text: str) -> None:
    """Wait until no cell of a table holds a text."""
    page.wait_for_selector(f"#{table} [role=gridcell] >> text={text}", state="detached")


def value(page: Any, name: str) -> str:
    """What stands in a field or a choice."""
    return str(page.locator(f"#{name} input").input_value())


def choose(page: Any, name: str, text: str) -> None:
    """Choose of a list."""
    page.click(f"#{name} input")
    page.click(f"[role=option] >> text='{text}'")


def user(page: Any, name: str, role: str) -> None:
    """Choose a user by the row, and wait until the fields are theirs."""
    page.click(f"#users [role=gridcell] >> text={name}")
    page.wait_for_function(f"document.querySelector('#role input').value === '{role}'")


def _add(page: Any, name: str, role: str) -> None:
    page.fill("#new-name textarea, #new-name input", name)
    choose(page, "new-role", role)
    page.fill("#new-password input", PASSWORD)
    page.click("#add")
    page.wait_for_selector(f"#user-added >> text={name} was added. >> visible=true")
    assert page.locator("#user-added").evaluate(BELOW) >= 0, "the answer stands in the window"
    see(page, "users", name)


def test_an_engineer_is_added_signs_in_and_is_out_when_made_an_operator(
    at_work: AtWork, open_page: Open
) -> None:
    open_page.allowed = ("401", "403")
    page = open_page(at_work, "/admin", user="ada", wait="#users [role=gridcell] >> text=mia")
    _add(page, "kim", "engineer")
    user(page, "kim", "engineer")

    other = open_page(at_work, "/engineer/review")  # nobody yet: an operator may not come in
    other.goto(at_work.url + "/login?next=/engineer/review")
    other.fill("input[name=name]", "kim")
    other.fill("input[name=password]", PASSWORD)
    other.click("main form button >> nth=0")
    other.wait_for_selector(".bar a[href='/engineer/analysis']", timeout=20_000)
    assert other.evaluate("window.inspection.role") == "engineer"
    assert other.locator(".bar a[href='/admin']").count() == 0

    choose(page, "role", "operator")
    page.click("#set-role")
    page.wait_for_selector("#question >> text=kim")
    page.click("#ask-confirm")
    page.wait_for_selector("#users-told >> text=kim is now operator.")
    assert other.evaluate("fetch('/api/engineer/review/nothing').then((a) => a.status)") in (
        401,
        403,
    )
    other.wait_for_selector("main a[href*='login']")  # by itself: the page may not be seen any more
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
    page = open_page(at_work, "/admin", user="ada", wait="#users [role=gridcell] >> text=mia")
    _add(page, "lea", "operator")
    user(page, "lea", "operator")
    page.click("#remove")
    page.wait_for_selector("#question >> text=Remove lea?")
    page.click("#ask-cancel")
    page.wait_for_selector("#ask", state="hidden")
    see(page, "users", "lea")
    page.click("#remove")
    page.click("#ask-confirm")
    gone(page, "users", "lea")
    with at_work.record() as store:
        assert [each.detail["name"] for each in store.actions(kind="user_removed")] == ["lea"]


def test_what_is_wrong_is_told_in_one_line_at_its_field(at_work: AtWork, open_page: Open) -> None:
    open_page.allowed = ("422",)
    page = open_page(at_work, "/admin", user="ada", wait="#users [role=gridcell] >> text=mia")
    page.fill("#new-name textarea, #new-name input", "mia")
    page.fill("#new-password input", PASSWORD)
    page.click("#add")
    page.wait_for_selector("#new-name >> text=There is a user mia already. Choose another name.")
    assert "There is a user" not in page.inner_text(
        "#users-told" if page.locator("#users-told").count() else "#new-role"
    )
    user(page, "ada", "administrator")
    page.wait_for_selector("#remove:disabled")
    assert page.locator("#set-role").is_disabled()
    assert page.locator("#role input").is_disabled()
    assert page.locator("#set-password").count() == 0  # one's own is changed on /account
    user(page, "mia", "engineer")
    page.wait_for_selector("#remove:enabled")


def test_a_session_is_ended_and_whoever_ends_the_own_is_asked_to_sign_in(
    at_work: AtWork, open_page: Open
) -> None:
    # Which of Gradio's requests the end of the session meets is chance; each leads to the sign-in.
    open_page.allowed = ("401", "403", "Response", *LEFT)
    other = open_page(at_work, "/engineer/products", user="jo", wait="#cards")
    page = open_page(at_work, "/admin", user="ada", wait="#sessions [role=gridcell] >> text=jo")
    page.click("#sessions [role=gridcell] >> text=jo")
    page.wait_for_function("document.querySelector('#session input').value.startsWith('jo')")
    page.click("#session-end")
    page.wait_for_selector("#users-told >> text=Ended a session of jo.")
    assert other.evaluate("fetch('/engineer/products/').then((a) => a.status)") in (401, 403)
    page.click("#sessions [role=gridcell] >> text=this one")
    page.wait_for_function("document.querySelector('#session input').value.startsWith('ada')")
    page.click("#session-end")
    page.wait_for_selector("main a[href*='login'], input[name=password]", timeout=20_000)


def test_whoever_signed_out_in_another_tab_is_asked_to_sign_in(
    at_work: AtWork, open_page: Open
) -> None:
    open_page.allowed = ("401", "403", "Response", *LEFT)
    page = open_page(at_work, "/admin", user="ada", wait="#users [role=gridcell] >> text=mia")
    assert page.evaluate("fetch('/logout', {method: 'POST'}).then((a) => a.ok)")
    page.click("#users [role=gridcell] >> text=mia")
    page.wait_for_selector("main a[href*='login'], input[name=password]", timeout=20_000)


def test_a_person_changes_the_own_password_and_signs_in_anew(
    at_work: AtWork, open_page: Open
) -> None:
    page = open_page(at_work, "/account", user="jo", wait="#who-am-i :text('jo')")
    new = "quite another long one"
    for name, text in {"current": "wrong one", "new": new, "again": new}.items():
        page.fill(f"#{name} input", text)
    page.click("#change")
    page.wait_for_selector("#wrong-current .notice:visible")
    page.fill("#again input", "not the same")
    page.click("#change")
    page.wait_for_selector("#wrong-again .notice:visible")
    assert not page.is_visible("#wrong-current .notice")
    page.fill("#new input", "short")
    page.fill("#again input", "short")
    page.click("#change")
    page.wait_for_selector("#wrong-new .notice:visible")
    assert page.get_attribute("#current input", "type") == "password"
    page.click("#show input")
    page.wait_for_selector("#current textarea")  # what is typed can be read
    assert page.input_value("#current textarea") == "wrong one"
    page.click("#show input")
    for name, text in {"current": PASSWORD, "new": new, "again": new}.items():
        page.fill(f"#{name} input", text)
    page.click("#change")
    page.wait_for_selector("#done .notice:visible")
    assert page.get_attribute("#sign-in", "href") == "/login?next=/account"
    with at_work.client() as client:
        answer = client.post("/login", data={"name": "jo", "password": new, "next": "/"})
        assert answer.status_code == 303


def test_health_shows_the_numbers_of_status(watched: tuple[AtWork, int], open_page: Open) -> None:
    station, port = watched
    page = open_page(station, "/admin#health", user="ada")
    see(page, "health-latencies", "verdict")
    told = httpx.get(f"http://127.0.0.1:{port}/status", trust_env=False).json()
    assert told["triggers"] == told["answers"] == 3
    page.wait_for_function(
        "document.querySelector('#health-parts [data-testid=cell-1-1]')?.innerText.trim() === '3'"
    )
    parts = dict(rows(page, "health-parts"))
    assert (parts["Triggers"], parts["Answers"], parts["Under way"]) == ("3", "3", "0")
    for verdict, words in (
        ("PASS", "Pass"),
        ("FAIL", "Fail"),
        ("REVIEW", "Review"),
        ("CANNOT_INSPECT", "Cannot inspect"),
    ):
        assert parts[words] == str(told["verdicts"].get(verdict, 0))
    cameras = rows(page, "health-cameras")
    counts = {
        "sent": "sent",
        "complete": "complete",
        "missed": "missed",
        "incomplete": "incomplete",
        "not taken": "backpressure",
        "unsupported": "unsupported",
    }
    assert {row[0]: row[1] for row in cameras[1:-1]} == {
        words: str(told["cameras"]["main"][fate]) for words, fate in counts.items()
    }
    assert cameras[-1] == ["all accounted for", "yes"]
    latencies = rows(page, "health-latencies")
    assert [row[1:] for row in latencies] == [
        [f"{value:,.1f}" for value in told["latency_ms"][stage].values()]
        for stage in ("wait", "acquire", "judge", "store", "answer", "total")
    ]
    assert cell(page, "health-queues", 0, 1) == "0 of 8"
    recipe = rows(page, "health-recipes")[0]
    assert recipe[:2] == ["main", told["recipes"]["main"][:12]]
    assert re.fullmatch(r"0\.\d{4} % of the limit \(0\.\d % allowed\)", recipe[2])
    see(page, "health-outputs", "▲ webhook")
    assert cell(page, "health-outputs", 0, 1) == str(told["outbox"]["webhook"]) == "3"
    colours = """(e) => {
      const probe = document.body.appendChild(document.createElement("i"));
      const colour = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
      return [getComputedStyle(e).color, colour("bad"), colour("ink")]; }"""
    shown, bad, ink = page.locator("#health-outputs [data-testid=cell-0-0]").evaluate(colours)
    assert shown == bad != ink
    assert "geheim" not in page.content()
    assert "abc123" not in page.content()
    storage = dict(rows(page, "health-storage"))
    assert (storage["Pictures kept"], storage["Parts recorded"]) == (
        "rejects 30 days · all passes",
        "3",
    )
    assert station.runtime is not None
    assert re.fullmatch(r"\d+ MB", cell(page, "health-processes", 0, 1))

    before = page.inner_text("#as-of")
    page.wait_for_function(
        f"document.querySelector('#as-of').innerText.trim() !== {json.dumps(before.strip())}"
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_selector("#health-told >> text=Copied.")
    text = page.evaluate("navigator.clipboard.readText()")
    assert "Triggers\t3\nAnswers\t3\n" in text
    with page.expect_download() as saved:
        page.click("#json")
    found = json.loads(Path(saved.value.path()).read_text("utf-8"))
    assert saved.value.suggested_filename == "station-health.json"
    assert found["status"]["answers"] == 3
    assert found["status"]["pid"] == station.runtime.pid
    assert found["status"]["version"] == found["page"]["version"]


def test_what_is_looked_at_alone_keeps_nobody_signed_in(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    """A screen left on the figures asks every second; its session ends by age all the same."""
    station, _ = watched
    page = open_page(station, "/admin#health", user="ada")
    see(page, "health-latencies", "verdict")
    before = page.inner_text("#as-of").strip()
    page.wait_for_function(
        f"document.querySelector('#as-of').innerText.trim() !== {json.dumps(before)}"
    )
    assert "acted" not in page.evaluate("document.cookie")
    page.click("#as-of")
    assert "acted=1" in page.evaluate("document.cookie")


def test_parity_and_findings_come_on_demand(watched: tuple[AtWork, int], open_page: Open) -> None:
    station, _ = watched
    page = open_page(station, "/admin#health", user="ada")
    see(page, "health-latencies", "verdict")
    page.click("#parity")
    see(page, "found", "main · flange")
    (row,) = rows(page, "found")
    assert row[3] == "file holds the same recipe"
    page.click("#doctor")
    see(page, "found", "processor cores", timeout=120_000)
    assert not [row for row in rows(page, "found") if row[0].startswith("▲")]
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
    page = open_page(station, "/admin#audit", user="ada")
    see(page, "audit", "Part labelled")
    (row,) = (row for row in rows(page, "audit") if row[2] == "Part labelled")
    assert row[1] == "mia"
    assert row[3].startswith("Label: NG · Defect type: <i>x")
    assert row[4] == f"#{number}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[0])
    see(page, "audit", "something_new")
    choose(page, "audit-who", "mia")
    gone(page, "audit", "something_new")
    assert {row[1] for row in rows(page, "audit")} == {"mia"}
    page.click("#verify")
    page.wait_for_selector("#verdict >> text=As it was written: 3 parts", timeout=60_000)
    with page.expect_download() as saved:
        page.click("#csv")
    table = list(csv.DictReader(Path(saved.value.path()).read_text("utf-8-sig").splitlines()))
    assert {row["who"] for row in table} == {"mia"}


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
    page = open_page(station, "/admin#audit", user="ada")
    see(page, "audit", "something_else")
    choose(page, "audit-who", "bob")
    gone(page, "audit", "Signed in")
    assert [row[3] for row in rows(page, "audit")] == [words for _, _, words in reversed(DID)]
    page.click("#audit [role=gridcell] >> text=Recipe file exchanged")
    with station.record() as store:
        (done,) = store.actions(kind="recipe_replaced")
    page.wait_for_function("document.querySelector('#written textarea').value !== ''")
    written = page.locator("#written textarea").input_value()
    assert canonical(done.detail) in written
    assert RECIPE in written
    assert done.hash in written
    assert page.locator("#to-part").count() == 0


def test_a_part_is_named_by_its_number_and_leads_to_its_review(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    open_page.allowed = LEFT
    station, _ = watched
    with station.record() as store:
        record = store.parts(limit=2)[-1]
    said = {"reason": "dirt", "comment": ""}
    station.do("event", part_id=record.part_id, kind="acknowledge", who="oli", detail=said)
    page = open_page(station, "/admin#audit", user="ada")
    choose_kind = "Reject acknowledged"
    see(page, "audit", choose_kind)
    (row,) = (row for row in rows(page, "audit") if row[2] == choose_kind)
    assert row[3:] == ["Reason: Dirt, chip or oil", f"#{record.number}"]
    page.click(f"#audit [role=gridcell] >> text={choose_kind}")
    page.wait_for_selector("#to-part")
    assert record.part_id in page.locator("#written textarea").input_value()
    page.click("#to-part")
    page.wait_for_selector(f".review[data-part='{record.part_id}']", timeout=20_000)


def test_settings_are_read_only_and_hold_no_secret(
    watched: tuple[AtWork, int], open_page: Open
) -> None:
    station, _ = watched
    page = open_page(station, "/admin#settings", user="ada")
    see(page, "values", "views[0].camera")
    assert str(station.station) in page.inner_text("#settings-told")
    assert 'camera = "simulated"' in page.inner_text("#station-file")
    for secret in ("geheim", "abc123"):
        assert secret not in page.content()
    assert page.locator("#station-file [contenteditable=true]").count() == 0
    station.station.write_text(station.station.read_text("utf-8") + "# noted by hand\n", "utf-8")
    page.click(
        "#tab-users-button"
        if page.locator("#tab-users-button").count()
        else "button[role=tab] >> nth=0"
    )
    page.click("button[role=tab] >> nth=4")
    page.wait_for_selector("#station-file >> text=# noted by hand")


def test_without_the_station_the_page_says_so_and_changes_nothing(
    make_station: Callable[..., AtWork], open_page: Open
) -> None:
    open_page.allowed = ("503", *LEFT)
    station = make_station()
    page = open_page(station, "/admin", user="ada", wait="#users [role=gridcell] >> text=mia")
    station.kill_runtime()
    before = (station.page_folder / "users.json").read_bytes()
    page.fill("#new-name textarea, #new-name input", "kim")
    page.fill("#new-password input", PASSWORD)
    page.click("#add")
    page.wait_for_selector("text=nothing was changed")
    assert (station.page_folder / "users.json").read_bytes() == before
    page.goto("about:blank")
    page.goto(station.url + "/admin#health")
    see(page, "health-station", "GONE")
    assert cell(page, "health-station", 0, 0).startswith("▲")
    assert page.locator("#health-cameras").count() == 0
    see(page, "health-storage", "Parts recorded")
    page.context.close()
    station.stop()


TABLES = {"users": "users", "audit": "audit", "health": "health-latencies", "settings": "values"}


@pytest.mark.parametrize("size", [FULL_HD, SMALL])
@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_each_part_fits_the_screen(
    at_work: AtWork, open_page: Open, language: str, size: tuple[int, int]
) -> None:
    open_page.allowed = LEFT  # as each page is left
    for part, table in TABLES.items():
        wait = f"#{table} [role=gridcell] >> nth=0"
        page = open_page(
            at_work, f"/admin#{part}", user="ada", language=language, size=size, wait=wait
        )
        wide, high = size
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
        if size == FULL_HD and part in ("users", "health"):
            assert page.evaluate("document.documentElement.scrollHeight") <= high
        out = page.evaluate(
            """() => [...document.querySelectorAll('.gradio-container *')].filter((e) => {
                 const box = e.getBoundingClientRect();
                 return e.checkVisibility() && box.width && box.right > innerWidth + 1;
               }).map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert out == []
        page.context.close()
