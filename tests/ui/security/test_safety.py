"""The whole page as it runs: nobody gets at what is not theirs, by address or by API."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ui.conftest import REPOSITORY, AtWork
from ui.security.paths import role_for
from ui.security.users import Role

GRADIO_BLOCKED = [
    "call/x",
    "run/x",
    "api/x",
    "info",
    "openapi.json",
    "monitoring",
    "proxy=http://x",
    "queue/join",
    "queue/data",
    "upload",
    "component_server",
    "cancel",
    "reset",
]
MALFORMED = [b"", b"[", b"{}", b'{"data":[],"fn_index":99999999999}', b'{"fn_index":"a"}', b"\xff"]


# In a process of its own: Gradio leaves event loops open.
LIST = """
import json, re, sys
from pathlib import Path
from inspection.station.station_file import read_station
from ui.app.serve import context_of
from ui.app.server import make_app
from ui.security.users import Users

def routes(app, before):
    for route in app.routes:
        # A mounted application has a path, an included router a prefix of its own.
        prefix = getattr(getattr(route, "include_context", None), "prefix", "")
        path = before + (getattr(route, "path", "") or prefix)
        inner = getattr(route, "app", None) or getattr(route, "original_router", None)
        if hasattr(inner, "routes"):
            yield from routes(inner, path)
        for method in getattr(route, "methods", None) or ():
            yield method, re.sub(r"\\{[^}]*\\}", "x", path)

station = Path(sys.argv[1])
settings = read_station(station)
with context_of(station, settings, Users(settings.page_folder / "users.json")) as context:
    gate = make_app(context, hosts=(), loopback_only=True)
    print(json.dumps(sorted(set(routes(gate.app.app, "")))))
"""


@pytest.fixture(scope="module")
def routes(at_work: AtWork) -> list[tuple[str, str]]:
    """Every method and path of the application, as made for this station."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIST, str(at_work.station)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture(scope="module")
def operator(at_work: AtWork) -> Iterator[httpx.Client]:
    with at_work.client("oli") as client:
        yield client


@pytest.fixture(scope="module")
def engineer(at_work: AtWork) -> Iterator[httpx.Client]:
    with at_work.client("mia") as client:
        yield client


def test_no_route_above_a_role_answers_it(
    routes: list[tuple[str, str]], operator: httpx.Client, engineer: httpx.Client
) -> None:
    tried = 0
    for client, role in ((operator, Role.OPERATOR), (engineer, Role.ENGINEER)):
        for method, path in routes:
            needed = role_for(path)
            if needed is None or role.at_least(needed):
                continue
            answer = client.request(method, path, json={} if method == "POST" else None)
            assert answer.status_code in (403, 404), (role, method, path, answer.status_code)
            tried += 1
    assert tried > 100


def test_every_api_of_a_page_is_below_the_role_of_its_page(routes: list[tuple[str, str]]) -> None:
    apis = [path for _, path in routes if path.startswith("/api/")]
    assert {path.split("/")[2] for path in apis} == {"operator", "engineer", "admin"}
    mounts = {path.partition("/gradio_api")[0] for _, path in routes if "/gradio_api" in path}
    assert mounts >= {"", "/engineer/review", "/engineer/setup", "/engineer/analysis", "/admin"}


def test_gradios_own_doors_are_shut_even_for_an_administrator(at_work: AtWork) -> None:
    with at_work.client("ada") as client:
        for door in GRADIO_BLOCKED:
            for method in ("GET", "POST"):
                answer = client.request(method, f"/gradio_api/{door}")
                assert answer.status_code == 404, (door, answer.status_code)


@pytest.mark.parametrize(
    ("panel", "shut_out", "person"),
    [
        ("/account/gradio_api", (), "oli"),
        ("/engineer/products/gradio_api", (None, "oli"), "mia"),
        ("/engineer/review/gradio_api", (None, "oli"), "mia"),
        ("/engineer/analysis/gradio_api", (None, "oli"), "mia"),
        ("/admin/gradio_api", (None, "oli", "mia"), "ada"),
    ],
)
def test_a_panels_doors_are_for_its_role_and_give_no_file_of_others(
    at_work: AtWork, panel: str, shut_out: tuple[str | None, ...], person: str
) -> None:
    join = {"data": [], "fn_index": 0, "session_hash": "x"}
    for user in shut_out:
        with at_work.client(user) as client:
            if user is None:
                client.headers["Accept"] = "application/json"
            answers = [
                client.post(f"{panel}/queue/join", json=join),
                client.post(f"{panel}/upload", files={"files": b"x"}),
                client.get(f"{panel}/file=/etc/passwd"),
            ]
            assert {each.status_code for each in answers} <= {401, 403}, user
    with at_work.client(person) as client:
        for file in ("/etc/passwd", f"{at_work.folder}/parts.db", f"{at_work.page_folder}/users.json",
                     f"{at_work.page_folder}/secret", f"{at_work.station}"):  # fmt: skip
            answer = client.get(f"{panel}/file={file}")
            assert answer.status_code in (403, 404), file
        for door in (
            "info",
            "call/show",
            "run/predict",
            "api/predict",
            "component_server",
            "proxy=x",
        ):
            assert client.post(f"{panel}/{door}", json={}).status_code == 404
        elsewhere = {"Origin": "http://elsewhere.example"}
        assert client.post(f"{panel}/queue/join", json=join, headers=elsewhere).status_code == 403


PANEL = "/engineer/products/gradio_api"


def _events(client: httpx.Client) -> dict[str, int]:
    """The number of each event of the panel, by the id of what has it: its script is told them so."""
    text = client.get(PANEL.removesuffix("gradio_api")).text
    config = json.loads(text.partition("window.gradio_config = ")[2].partition(";</script>")[0])
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    return {
        f"{names.get(target)}.{event}": each["id"]
        for each in config["dependencies"]
        for target, event in each["targets"]
    }


def _event(client: httpx.Client, session: str, fn_index: int, *data: object) -> dict[str, Any]:
    """Do an event of the panel as its script does; what came of it."""
    call = {
        "data": data,
        "fn_index": fn_index,
        "session_hash": session,
        "event_data": {"index": "x"},
    }
    assert client.post(f"{PANEL}/queue/join", json=call).status_code == 200
    with client.stream("GET", f"{PANEL}/queue/data?session_hash={session}") as told:
        for line in told.iter_lines():
            if '"process_completed"' in line:
                return dict(json.loads(line.removeprefix("data: ")))
    raise AssertionError(f"event {fn_index} did not end")


def test_a_panel_refuses_what_its_components_never_send_and_goes_on(at_work: AtWork) -> None:
    log = at_work.folder / "page.log"
    said = len(log.read_text())
    with at_work.client("mia") as client:
        number = _events(client)
    add, bring, archive = number["add.click"], number["import.upload"], number["archive.click"]
    opened = next(fn for name, fn in number.items() if name.endswith(".load"))
    call = {"data": [], "fn_index": opened, "session_hash": "x"}
    file = {"path": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}}
    calls = [
        call | changed
        for changed in (
            {"fn_index": 9999}, {"fn_index": -1}, {"fn_index": None}, {"fn_index": "a"}, {"fn_index": True},
            {"session_hash": None}, {"session_hash": ""}, {"session_hash": "../x"}, {"session_hash": "x" * 65},
            {"session_hash": "\ud800"}, {"data": ["\ud800"], "fn_index": add},
            {"data": ["x" * 10_001], "fn_index": add}, {"data": [], "fn_index": add},
            {"data": ["a", "b"], "fn_index": add}, {"data": {}}, {"trigger_id": "x"},
            {"event_data": {"\ud800": 1}}, {"data": [file, "x"], "fn_index": bring},
        )
    ]  # fmt: skip
    part = b'--a\r\nContent-Disposition: form-data; name="files"%b\r\n\r\nhello\r\n--a--\r\n'
    forms = [part % b"", part % b'; filename=".."', b"x"]
    with at_work.client("mia") as client:
        for body in [
            *MALFORMED,
            b"[" * 100_000,
            b'{"data":[NaN]}',
            *(json.dumps(each).encode() for each in calls),
        ]:
            for door in ("queue/join", "cancel", "reset"):
                kind = {"Content-Type": "application/json"}
                answer = client.post(f"{PANEL}/{door}", content=body, headers=kind)
                wanted = answer.status_code in (400, 413, 422)
                assert wanted or door != "queue/join", (door, body[:80], answer.text)
                assert answer.status_code < 500, (door, body[:80], answer.text)
        for form in forms:
            kind = {"Content-Type": "multipart/form-data; boundary=a"}
            answer = client.post(f"{PANEL}/upload", content=form, headers=kind)
            assert answer.status_code == 400, (form, answer.text)
        for query in ("", "?session_hash=unknown"):
            assert client.get(f"{PANEL}/queue/data{query}").status_code == 400
        etc = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
        for session, fn_index, data in (
            ("none", add, [None]), ("file", bring, [etc, "x"]), ("what", archive, [{"a": 1}]),
        ):  # fmt: skip
            told = _event(client, session, fn_index, *data)
            assert told["success"] is False, (fn_index, data)
            assert "\n" not in told["output"]["error"]
            assert "root:" not in json.dumps(told)
        assert _event(client, "well", opened)["success"] is True
    new = log.read_text()[said:]
    assert "Traceback" not in new
    assert "Exception in ASGI" not in new
    doors = ("inspection.outside: panel: refused: ", "python_multipart.multipart: ")
    assert all(line.startswith(doors) for line in new.splitlines()), new


def test_an_operators_malformed_calls_end_in_no_traceback(at_work: AtWork) -> None:
    log = at_work.folder / "page.log"
    before = log.read_text()
    with at_work.client("oli") as client:
        for door in GRADIO_BLOCKED:
            for body in MALFORMED:
                headers = {"Content-Type": "application/json"}
                answer = client.post(f"/gradio_api/{door}", content=body, headers=headers)
                assert answer.status_code == 404, (door, body)
        for body in MALFORMED[:5]:
            answer = client.post("/api/operator/disagree", content=body)
            assert answer.status_code == 422, body
    assert log.read_text() == before


def test_four_hundred_times_is_once(at_work: AtWork) -> None:
    at_work.trigger()
    with at_work.record() as store:
        (part,) = store.parts(limit=1)
    with at_work.client("jo") as client:
        body = {"part_id": part.part_id, "text": "a scratch"}
        statuses = {
            client.post("/api/operator/disagree", json=body).status_code for _ in range(400)
        }
    assert statuses == {200, 429}
    with at_work.record() as store:
        assert [event.kind for event in store.events(part.part_id)] == ["disagree"]


TRAVERSALS = [
    "/static/../pages/admin.py",
    "/static/..%2fserver.py",
    "/static/%2e%2e/server.py",
    "/static/....//server.py",
    "/static//etc/passwd",
    "/pictures/..%2f..%2fparts.db/full",
    "/pictures/%2fetc%2fpasswd/full",
    "/pictures/..%5c..%5cparts.db/full",
    "/words/..%2f..%2fusers.json",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file={folder}/parts.db",
    "/gradio_api/file={folder}/parts.page/users.json",
    "/gradio_api/file={folder}/parts.page/secret",
    "/gradio_api/file=../../etc/passwd",
    "/gradio_api/file=http://127.0.0.1:1/x",
    "/engineer/review/gradio_api/file={folder}/parts.page/runtime.json",
    "/admin/gradio_api/file=/etc/passwd",
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_file_outside_is_given(at_work: AtWork, path: str) -> None:
    with at_work.client("ada") as client:
        # As it stands: a client would tidy the path up before asking.
        url = httpx.URL(at_work.url).copy_with(
            raw_path=path.format(folder=at_work.folder).encode("ascii")
        )
        answer = client.get(url)
        assert answer.status_code in (400, 403, 404), (path, answer.status_code, answer.text[:200])
        assert "root:" not in answer.text
        assert "SQLite format" not in answer.text
        assert "import" not in answer.text


def test_a_link_in_the_archive_leads_nowhere(at_work: AtWork) -> None:
    at_work.trigger()
    with at_work.record() as store:
        (record,) = store.parts(limit=1)
        path = store.image_path(record)
    assert path is not None
    kept = path.read_bytes()
    path.unlink()
    try:
        path.symlink_to("/etc/passwd")
        with at_work.client("ada") as client:
            answer = client.get(f"/pictures/{record.part_id}/full")
        assert answer.status_code == 404 or answer.status_code == 409, answer.text[:200]
        assert "root:" not in answer.text
    finally:
        path.unlink()
        path.write_bytes(kept)


def test_nothing_of_the_page_says_where_it_is_or_who_knows_what(at_work: AtWork) -> None:
    with at_work.client("ada") as client:
        for path in ("/", "/engineer/review", "/admin", "/session.js"):
            text = client.get(path).text
            assert str(at_work.folder) not in text, path
            assert "argon2" not in text
    for log in at_work.folder.glob("*.log"):
        said = log.read_text(errors="replace")
        assert "a long password" not in said
        assert Path(at_work.page_folder, "runtime.json").read_text() not in said


def test_a_picture_of_no_part_is_one_line(operator: httpx.Client) -> None:
    answer = operator.get("/pictures/unknown/full")
    assert answer.status_code == 404
    assert answer.json() == {"ok": False, "error": "part 'unknown': is not in the record"}


def test_a_question_of_the_wrong_shape_is_one_line_without_what_was_given(
    operator: httpx.Client,
) -> None:
    answer = operator.post("/api/operator/product", json={"product": ["secret"]})
    assert answer.status_code == 422
    assert answer.json()["error"] == "body.product: Input should be a valid string"
    assert "secret" not in answer.text
