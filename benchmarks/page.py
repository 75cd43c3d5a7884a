"""From verdict to browser: latency, losses, the page's CPU and memory, and how fast it opens.

    python benchmarks/page.py RECIPE [--rate 10] [--minutes 10] [--size 1024] [--browsers 4]

The recipe must fit pictures of that size (`--learn` learns one first). Station and page are
processes of their own, as `inspection ui` runs them; the browsers are real ones, without a GPU.
`--walk` instead signs in as the administrator, goes from page to page for so long, and tells the
memory of the page's process after each minute.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import sync_playwright

from cameras.simulated import write_dataset
from inspection.local_api.server import RUNTIME
from inspection.recipe.setup_file import Setup
from inspection.store import open_store
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from ui.security.users import Role, Users

STATION = """
station = "bench"
record = "parts.db"
[[views]]
camera = "simulated"
[views.settings]
size_px = {size}
cache = 40
defect_rate = 0.2
[[products]]
name = "flange"
recipe = "flange.recipe"
[triggers.interval]
period_s = {period}
"""
PORT = 17860
NAME, PASSWORD = "ada", "a long walk of 25 minutes"
STAY_MS = 500
SHOWN = (
    "() => { const shown = window.inspection.shown; window.inspection.shown = []; return shown; }"
)


def learn(path: Path, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(
            Path(folder), n_good=40, n_test_good=0, n_defective_per_kind=0, size_px=size, seed=0
        )
        options = TrainingOptions(image_size_px=256, false_reject=0.05)
        train_recipe(Path(folder), path, options=options, setup=Setup(product="flange"))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(x for x in lines if x.startswith("VmRSS")).split()[1]) / 1024


def until(happened: Any, timeout_s: float = 90) -> float:
    began = time.perf_counter()
    while not happened():
        if time.perf_counter() - began > timeout_s:
            raise TimeoutError("it did not start; see the messages above")
        time.sleep(0.02)
    return time.perf_counter() - began


def answers() -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{PORT}/session.js", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--learn", action="store_true", help="learn the recipe first")
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--browsers", type=int, default=1)
    parser.add_argument("--walk", action="store_true", help="go through all pages instead")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    if options.learn:
        learn(options.recipe, options.size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flange.recipe").write_bytes(options.recipe.read_bytes())
        station = folder / "station.toml"
        station.write_text(STATION.format(size=options.size, period=1 / options.rate))
        (folder / "parts.page").mkdir(mode=0o700)
        Users(folder / "parts.page" / "users.json").add(NAME, PASSWORD, Role.ADMINISTRATOR)
        runtime = subprocess.Popen([sys.executable, "-m", "inspection", "run", str(station)])
        ready_s = until((folder / "parts.page" / RUNTIME).exists)
        page = subprocess.Popen([sys.executable, "-m", "ui", str(station), "--port", str(PORT)])
        try:
            page_s = until(answers)
            found = (walked if options.walk else measured)(options, folder, page.pid)
        finally:
            for process in (page, runtime):
                process.send_signal(signal.SIGTERM)
                process.wait(60)
    found |= {"station_ready_s": ready_s, "page_ready_s": page_s}
    print(json.dumps(found, indent=1))


def walked(options: argparse.Namespace, folder: Path, pid: int) -> dict[str, Any]:
    """Memory of the page's process, each minute, while somebody goes from page to page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"http://127.0.0.1:{PORT}/login")
        page.fill("[name=name]", NAME)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"http://127.0.0.1:{PORT}/")
        paths = page.evaluate("() => window.inspection.pages.map(({path}) => path)")
        began, memory, seen = time.perf_counter(), [resident_mb(pid)], 0
        while (minutes := (time.perf_counter() - began) / 60) < options.minutes:
            page.goto(f"http://127.0.0.1:{PORT}{paths[seen % len(paths)]}")
            page.wait_for_timeout(STAY_MS)
            seen += 1
            if minutes >= len(memory):
                memory.append(resident_mb(pid))
        browser.close()
    return {"pages": len(paths), "pages_opened": seen, "page_mb_each_minute": memory}


def measured(options: argparse.Namespace, folder: Path, pid: int) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browsers = [
            playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
            for _ in range(options.browsers)
        ]
        opened_s, pages = [], []
        for browser in browsers:
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{PORT}/")
            page.wait_for_selector("[data-verdict]", timeout=60_000)
            opened_s.append(time.perf_counter() - began)
            pages.append(page)
        time.sleep(10)
        for page in pages:
            page.evaluate(SHOWN)
        shown: list[list[list[float]]] = [[] for _ in pages]
        began, before, memory = time.perf_counter(), cpu_s(pid), []
        while time.perf_counter() - began < 60 * options.minutes:
            time.sleep(5)
            memory.append(resident_mb(pid))
            for mine, page in zip(shown, pages, strict=True):
                mine.extend(page.evaluate(SHOWN))
        share = (cpu_s(pid) - before) / (time.perf_counter() - began)
        heap = [page.evaluate("() => performance.memory?.usedJSHeapSize ?? 0") for page in pages]
        for browser in browsers:
            browser.close()
    late = [np.array([after - at for _, at, after in mine]) for mine in shown]
    missed = [
        int(mine[-1][0] - mine[0][0] + 1 - len({number for number, *_ in mine})) for mine in shown
    ]
    with open_store(folder / "parts.db", read_only=True) as store:
        recorded = store.head().count
    minute = memory[min(12, len(memory) - 1)]
    return {
        "browsers": options.browsers,
        "parts_recorded": recorded,
        "parts_shown": [len(mine) for mine in shown],
        "parts_missed": missed,
        "verdict_to_page_ms_p50": [float(np.percentile(each, 50)) for each in late],
        "verdict_to_page_ms_p95": [float(np.percentile(each, 95)) for each in late],
        "page_cpu_share_of_a_core": share,
        "page_mb_after_a_minute": minute,
        "page_mb_at_end": memory[-1],
        "page_growth": memory[-1] / minute - 1,
        "browser_heap_mb": [each / 1e6 for each in heap],
        "open_s": opened_s,
    }


if __name__ == "__main__":
    main()
