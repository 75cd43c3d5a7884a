"""How fast stored parts are loaded and judged again when the threshold slider moves, in a browser.

    python benchmarks/rejudge.py [--parts 10000,50000] [--moves 100] [--chromium /usr/bin/chromium]

Fills a record in a temporary folder (rows as a station writes them, without picture files), serves the
analysis page on it and drives Chromium: real key presses and values set on the slider.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from inspection.judgement import Judgement, Region, Verdict
from inspection.reasons import Reason
from inspection.store import NewPart, open_store
from inspection.store.append import append
from inspection.store.records import part_row
from inspection.store.schema import events, parts
from ui.security.sessions import Sessions
from ui.security.users import Role, Users

PASSWORD = "a long password to measure with"
RECIPE = "be9c" * 16
STATION = """
station = "line-1"
record = "parts.db"
[[views]]
name = "main"
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
"""
# From the input event to the frame after it: counts, slider and line are drawn by then.
MOVE = """
async (moves) => {
  const slider = document.querySelector("input.slider"), host = document.querySelector(".threshold");
  const judged = [], drawn = [];
  for (let k = 0; k < moves; k++) {
    await new Promise((done) => requestAnimationFrame(done));
    slider.value = String(Math.round(2000 * ((k * 0.618034) % 1)));
    const begun = performance.now();
    slider.dispatchEvent(new Event("input", {bubbles: true}));
    document.querySelector(".after-pass").getBoundingClientRect();
    judged.push(performance.now() - begun);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    drawn.push(performance.now() - begun);
  }
  return {judged, drawn, flips: Number(host.dataset.flips)};
}
"""

LOAD = """
() => {
  delete document.querySelector(".threshold").dataset.ready;
  document.querySelector("#again").click();
}
"""


def main() -> None:
    options = _options()
    for count in options.parts:
        with tempfile.TemporaryDirectory() as folder, _served(Path(folder), count) as (url, cookie):
            print(f"{count} parts; load average {os.getloadavg()[0]:.1f}")
            _arrays(url, cookie, count)
            _browser(url, cookie, count, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--parts", type=lambda text: [int(n) for n in text.split(",")], default=[10_000, 50_000]
    )
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    return parser.parse_args()


def _arrays(url: str, cookie: str, count: int) -> None:
    headers = {"Origin": url, "Cookie": cookie}
    with httpx.Client(base_url=url, trust_env=False, timeout=60, headers=headers) as client:
        times, size = [], 0
        for _ in range(10):
            begun = time.perf_counter()
            answer = client.post(
                "/api/engineer/analysis/stored", json={"recipe": RECIPE, "limit": count}
            )
            times.append(1e3 * (time.perf_counter() - begun))
            assert answer.json()["parts"] == count, answer.text[:300]
            size = len(answer.content)
    print(f"  arrays over HTTP ({size / 1e6:.2f} MB): {_spread(times)}")


def _browser(url: str, cookie: str, count: int, options: argparse.Namespace) -> None:
    from playwright.sync_api import sync_playwright

    moves, (name, _, value) = options.moves, cookie.partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox"]
        )
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/engineer/analysis")
        page.wait_for_selector(".threshold[data-ready]", timeout=60_000)
        if count > 10_000:
            page.click("#latest input")
            page.click(f"#latest [role=option] >> text={count:,}")
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            page.evaluate(LOAD)
            page.wait_for_selector(f".threshold[data-ready='{count}']", timeout=60_000)
            times.append(1e3 * (time.perf_counter() - begun))
        print(f"  Refresh to histogram in the page: {_spread(times)}")
        found = page.evaluate(MOVE, moves)
        print(f"  slider move to counts in the page: {_spread(found['judged'])}")
        print(f"  slider move to the frame that shows them: {_spread(found['drawn'])}")
        page.focus("input.slider")
        keys = []
        for _ in range(min(moves, 50)):
            before = page.get_attribute(".threshold", "data-threshold")
            begun = time.perf_counter()
            page.keyboard.press("ArrowRight")
            page.wait_for_function(
                "(v) => document.querySelector('.threshold').dataset.threshold !== v", arg=before
            )
            keys.append(1e3 * (time.perf_counter() - begun))
        print(f"  key press to counts, with the driver's own way there and back: {_spread(keys)}")
        browser.close()


@contextmanager
def _served(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    """Serve the page; give its address and the cookie of somebody signed in."""
    (folder / "station.toml").write_text(STATION)
    _fill(folder / "parts.db", count)
    users = Users(folder / "parts.page" / "users.json")
    users.add("ada", PASSWORD, Role.ADMINISTRATOR)
    sessions = Sessions(folder / "parts.page" / "secret", users)
    ada = users.find("ada")
    assert ada is not None
    cookie = sessions.start(ada, secure=False).partition(";")[0]
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "ui", str(folder / "station.toml"), "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url)
        yield url, cookie
    finally:
        process.terminate()
        process.wait(20)


def _await(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/session.js", trust_env=False).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the page did not start within 120 s")


def _fill(path: Path, count: int) -> None:
    chance = random.Random(1)
    with open_store(path) as store:
        made = (_part(chance, number) for number in range(count))
        while batch := list(itertools.islice(made, 5000)):
            rows = [part_row(new, "none.png", "0" * 64) for new in batch]
            with store.writing("fill it") as connection:
                done = append(connection, parts, rows)
                append(connection, events, [_label(row) for row in done if row["number"] % 50 == 0])


def _label(row: dict[str, Any]) -> dict[str, Any]:
    said = "OK" if row["verdict"] == "PASS" else "NG"
    detail = json.dumps({"label": said})
    return {
        "format": 1, "part_id": row["part_id"], "kind": "label", "who": "ada",
        "at": row["judged_at"], "detail": detail,
    }  # fmt: skip


def _part(chance: random.Random, number: int) -> NewPart:
    bad = chance.random() < 0.03
    score = chance.gauss(9.5, 1.2) if bad else chance.gauss(6.3, 0.25)
    verdict = Verdict.PASS if score <= 7 else Verdict.FAIL if score > 7.3 else Verdict.REVIEW
    region = Region(
        x_px=3, y_px=4, width_px=5, height_px=6, area_px=21.5, area_mm2=0.3, peak_score=score
    )
    judged = Judgement(
        verdict=verdict, cause=Reason("other", {"text": "as drawn"}), recipe_id=RECIPE, score=score, p_value=0.1,
        threshold=7.0, regions=() if verdict is Verdict.PASS else (region,),
        health={"brightness": 80.0, "contrast": 33.1, "sharpness": 12.2, "saturated_share": 0.0},
        latency_ms={"prepare": 3.0, "model": 18.0, "score": 2.0, "total": 31.0},
    )  # fmt: skip
    return NewPart(
        judgement=judged, image_bytes=b"x", serial=f"S{number}", lot=f"L{number // 5000}",
        station="line-1", product="flange", trigger_id=f"t{number}",
        judged_at=datetime(2026, 1, 5, 6, tzinfo=UTC) + timedelta(seconds=number),
    )  # fmt: skip


def _spread(times: list[float]) -> str:
    p50, p95 = np.percentile(times, [50, 95])
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, longest {max(times):.1f} ms ({len(times)})"


if __name__ == "__main__":
    main()
