"""The station page in a real browser: a camera that is found, outputs and triggers tried for real."""

from __future__ import annotations

import csv
import json
import os
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import psutil
import pytest

from tests.ui.conftest import free_port, wait_for

pytestmark = pytest.mark.slow

PATH = "/engineer/station"
COMMENT = "# Kept by hand: which camera hangs where."
REST = """
[outputs.csv_file]  # for the office
folder = "results"
"""


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any]) -> Iterator[Any]:
    """A paused station with one output; the machine has Basler's emulated camera."""
    pytest.importorskip("pypylon", reason="needs pip install 'inspection[basler]'")
    before = os.environ.get("PYLON_CAMEMU")
    os.environ["PYLON_CAMEMU"] = "1"
    found = make_station(top=COMMENT, rest=REST)
    found.trigger(1)
    yield found
    found.stop()
    if before is None:
        del os.environ["PYLON_CAMEMU"]


class Receiver:
    """A web server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/results"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


def file_of(station: Any) -> dict[str, Any]:
    return tomllib.loads(station.station.read_text("utf-8"))


def choose(page: Any, box: str, name: str) -> None:
    page.click(f"{box} input")
    page.click(f'[role=option]:visible >> text="{name}"')


def fill(page: Any, field: str, value: str) -> None:
    page.fill(f"#{field} input, #{field} textarea", value)


def answer(page: Any, kind: str, text: str) -> str:
    """Wait until the answer says `text`, and give it whole."""
    page.wait_for_function(
        "([kind, text]) => document.querySelector(`#${kind}-answer textarea, #${kind}-answer input`)"
        "?.value.includes(text)",
        arg=[kind, text],
        timeout=60_000,
    )
    return str(page.input_value(f"#{kind}-answer textarea, #{kind}-answer input"))


def refused(page: Any, text: str) -> None:
    page.wait_for_selector(f"text={text}")
    page.click(".toast-close")
    page.wait_for_selector(".toast-close", state="detached")


def looking() -> list[Any]:
    """Processes that hold a camera for a live picture."""
    return [
        each
        for each in psutil.process_iter(["cmdline"])
        if "inspection.station.camera_trial:live" in (each.info["cmdline"] or ())
    ]


def counted(station: Any) -> int:
    with station.record() as store:
        return int(store.head().count)


def test_a_camera_is_found_looked_through_and_written(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait="#camera-seed")
    for language, take, seed in (
        ("ja", "画像を1枚撮る", "シード"),
        ("ko", "영상 1장 찍기", "시드"),
    ):
        spoken = open_page(station, PATH, user="mia", language=language, wait="#camera-seed")
        assert spoken.inner_text("#take").strip() == take
        assert spoken.inner_text("#camera-seed").splitlines()[0] == seed
        spoken.close()
    assert page.input_value("#camera-seed input") == "1"  # what the file says of the view
    page.click("#take")
    refused(page, "pause it before using its cameras")
    page.click("#look")
    page.wait_for_selector("#camera-serial_number", timeout=60_000)
    page.wait_for_function("document.querySelector('#camera-serial_number textarea').value !== ''")
    assert page.input_value("#camera-serial_number textarea") == "0815-0000"
    page.click("#take")
    page.wait_for_selector("#picture img", timeout=60_000)
    size = "i => [i.naturalWidth, i.naturalHeight]"
    page.wait_for_function("document.querySelector('#picture img').naturalWidth > 0")
    assert page.eval_on_selector("#picture img", size) == [1024, 1040]
    assert not page.is_visible("#restart")
    page.click("#live")
    page.wait_for_selector("#moving img", timeout=60_000)
    source = "document.querySelector('#moving img')?.src"
    page.wait_for_function(f"before => {source} !== before", arg=page.evaluate(source))
    page.wait_for_function("document.querySelector('#moving img').naturalWidth === 945")
    page.click("#live-stop")
    page.wait_for_selector("#moving img", state="hidden")
    wait_for(lambda: not looking(), 20)
    page.click("#keep-camera")
    page.wait_for_selector("#restart:visible")
    view = file_of(station)["views"][0]
    assert (view["camera"], view["settings"]) == ("basler", {"serial_number": "0815-0000"})
    assert COMMENT in station.station.read_text("utf-8")
    with station.record() as store:
        (chosen,) = store.actions(kind="camera_chosen")
        assert chosen.detail["settings"] == {"serial_number": "0815-0000"}


def test_an_output_is_tried_and_written_and_no_part_comes_of_it(
    station: Any, open_page: Any, receiver: Receiver
) -> None:
    parts = counted(station)
    page = open_page(station, PATH, user="mia", wait="#camera-seed, #camera-serial_number")
    page.click("[role=tab] >> text=Outputs")
    page.wait_for_selector("#outputs-table >> text=folder = results >> visible=true")
    choose(page, "#outputs", "csv_file")
    page.wait_for_selector("#outputs-folder")
    page.click("#send-test")  # by the output at work
    sent = answer(page, "outputs", "test-")
    (file,) = (station.folder / "results").glob("line-1-*.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["verdict"] for row in rows][1:] == ["FAIL"]
    assert rows[1]["delivery_id"] in sent
    assert rows[1]["reason"] == "a test by mia, of no part"
    choose(page, "#outputs", "webhook")
    page.wait_for_selector("#outputs-url")
    assert page.input_value("#outputs-answer textarea, #outputs-answer input") == ""
    page.click("#send-test")
    refused(page, "outputs.webhook.url")  # required, and empty
    fill(page, "outputs-url", receiver.url)
    choose(page, "#verdict", "PASS")
    page.click("#send-test")  # by one opened for it
    answer(page, "outputs", "test-")
    assert [(each["verdict"], each["reason_code"]) for each in receiver.bodies] == [
        ("PASS", "test_result")
    ]
    assert "webhook" not in file_of(station)["outputs"]
    fill(page, "outputs-secret_file", "parts.page/users.json")
    page.click("#outputs-keep")
    refused(page, "a file of the folder 'secrets' beside the station file is allowed")
    fill(page, "outputs-secret_file", "")
    fill(page, "outputs-retries", "5")
    page.click("#outputs-keep")
    page.wait_for_selector("#outputs-table >> text=retries = 5 >> visible=true")
    assert file_of(station)["outputs"]["webhook"] == {"url": receiver.url, "retries": 5}
    assert "[outputs.csv_file]  # for the office" in station.station.read_text("utf-8")
    page.click("#outputs-remove")
    page.wait_for_selector("#outputs-table >> text=retries = 5 >> visible=true", state="detached")
    assert list(file_of(station)["outputs"]) == ["csv_file"]
    assert counted(station) == parts


def test_a_trigger_is_waited_for_and_said(station: Any, open_page: Any) -> None:
    parts, port = counted(station), free_port()
    page = open_page(station, PATH, user="mia", wait="#camera-seed, #camera-serial_number")
    page.click("[role=tab] >> text=Triggers")
    choose(page, "#triggers", "http")
    page.wait_for_selector("#triggers-port")
    fill(page, "triggers-port", str(port))
    page.click("#triggers-wait")
    url, answers = f"http://127.0.0.1:{port}/trigger", []

    def triggered() -> bool:
        if page.locator("text=No trigger came within").count():
            page.click("#triggers-wait")  # a busy machine was slower than its wait
        try:
            sent = httpx.post(url, json={"serial": "S-7"}, trust_env=False)
        except httpx.HTTPError:
            return False
        answers.append(sent.status_code)
        return True

    wait_for(triggered, 60)
    came = answer(page, "triggers", "S-7")
    assert came == "A trigger came: source http, serial S-7"
    assert answers == [503]  # nobody is told that a part is judged
    assert counted(station) == parts
    page.click("#triggers-keep")
    page.wait_for_selector(f"#triggers-table >> text=port = {port} >> visible=true")
    assert file_of(station)["triggers"] == {"http": {"port": port}}
    choose(page, "#triggers", "serial_line")
    page.wait_for_selector("#triggers-baudrate")
    fill(page, "triggers-port", "/etc/shadow")
    page.click("#triggers-wait")
    refused(page, "a serial port such as /dev/ttyUSB0 or COM3 is allowed")
