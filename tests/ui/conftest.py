"""A real station with its page, each a process of its own, and real browsers that look at it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from inspection.launch import station_at_work
from inspection.local_api.server import RUNTIME
from inspection.plant.messages import TriggerRequest
from inspection.station.station import Station
from inspection.station.station_file import read_station
from inspection.store import Store, open_store

REPOSITORY = Path(__file__).parents[2]
CHROMIUM = os.environ.get("INSPECTION_TEST_CHROMIUM", "/usr/bin/chromium")
PEOPLE = {"ada": "administrator", "mia": "engineer", "jo": "engineer", "oli": "operator"}
"""Users of every test station; the password of each is PASSWORD."""
PASSWORD = "a long password for tests"
FULL_HD, SMALL = (1920, 1080), (1280, 800)
SERVER_GONE = (
    "WebSocket",
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_INCOMPLETE_CHUNKED",
    "ERR_CONTENT_LENGTH_MISMATCH",
    "ERR_SOCKET",
    "Failed to fetch",
)
"""What a browser says of a page whose server was killed."""
LEFT = ("signal is aborted", "errored out")
"""What a panel says whose page is left while its timer asks."""

STATION = """
station = "line-1"
record = "parts.db"
deadline_ms = 5000
{top}
[[views]]
name = "main"
camera = "simulated"
[views.settings]
seed = 1
size_px = 256
defect_rate = 0.3
{view}
[[products]]
name = "flange"
recipe = "flange.recipe"
{rest}
"""


def station_folder(folder: Path, line: Any, text: str) -> Path:
    """Put a station file and the shared recipe in a folder."""
    (folder / "station.toml").write_text(text, encoding="utf-8")
    (folder / "flange.recipe").write_bytes(line.recipe_path.read_bytes())
    return folder


@contextmanager
def having_inspected(folder: Path, requests: Sequence[TriggerRequest]) -> Iterator[Station]:
    """Start the folder's station in this process, and have it inspect a part for each request."""
    with station_at_work(read_station(folder / "station.toml")) as at_work:
        for number, request in enumerate(requests):
            assert at_work.trigger(request)
            wait_for(lambda n=number: at_work.snapshot()["answers"] > n, 20)
        yield at_work


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class AtWork:
    """A station's folder with its two processes; either may be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    runtime: subprocess.Popen[bytes] | None = None
    page: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def station(self) -> Path:
        return self.folder / "station.toml"

    @property
    def page_folder(self) -> Path:
        return self.folder / "parts.page"

    def start_runtime(self) -> None:
        (self.page_folder / RUNTIME).unlink(missing_ok=True)  # left there by a kill
        self.runtime = _start("-c", _RUN, "run", self.station, log=self.folder / "runtime.log")
        log = self.folder / "runtime.log"
        wait_for((self.page_folder / RUNTIME).exists, 180, log, self.runtime)

    def start_page(self, *program: object) -> None:
        """Serve the page by `python -m ui`, or by what `program` gives Python instead."""
        log = self.folder / "page.log"
        self.page = _start(*(program or ("-m", "ui")), self.station, "--port", self.port, log=log)
        wait_for(self._answers, 180, log, self.page)

    def stop(self) -> None:
        for process in (self.page, self.runtime):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self.page, self.runtime):
            if process is not None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def kill_page(self) -> None:
        assert self.page is not None
        os.kill(self.page.pid, signal.SIGKILL)
        self.page.wait()

    def kill_runtime(self) -> None:
        assert self.runtime is not None
        os.kill(self.runtime.pid, signal.SIGKILL)
        self.runtime.wait()

    def do(self, verb: str, **what: Any) -> dict[str, Any]:
        """Ask the station directly, as the page does."""
        told = json.loads((self.page_folder / RUNTIME).read_text())
        headers = {"Authorization": f"Bearer {told['token']}"}
        url = f"http://127.0.0.1:{told['port']}/{verb}"
        answer = httpx.post(url, json=what, headers=headers, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def trigger(self, count: int = 1, **what: Any) -> None:
        """Inspect parts, one after the other."""
        for _ in range(count):
            with self.record() as store:
                before = store.head().count
            self.do("trigger", who="test", **what)
            wait_for(lambda n=before: self._recorded() > n, 20, self.folder / "runtime.log")

    @contextmanager
    def record(self) -> Iterator[Store]:
        """Open the record, read only."""
        with open_store(self.folder / "parts.db", read_only=True) as store:
            yield store

    @contextmanager
    def client(self, user: str | None = None) -> Iterator[httpx.Client]:
        """Give an HTTP client, signed in; after a test that guessed it waits as the page says."""
        headers = {"Origin": self.url}
        with httpx.Client(
            base_url=self.url, trust_env=False, timeout=30, headers=headers
        ) as client:
            if user is not None:
                form = {"name": user, "password": PASSWORD, "next": "/"}
                answer = client.post("/login", data=form)
                if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    time.sleep(int(answer.headers["Retry-After"]))
                    answer = client.post("/login", data=form)
                assert answer.status_code == 303, (answer.status_code, answer.text[:500])
            yield client

    def _recorded(self) -> int:
        with self.record() as store:
            return store.head().count

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(self.url + "/session.js", trust_env=False).status_code == 200
        return False


_RUN = "from inspection.cli import main; main()"


def _start(*words: object, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *map(str, words)], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip


def wait_for(
    happened: Callable[[], Any],
    timeout_s: float,
    log: Path | None = None,
    process: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait until something is so; fail with the end of the log, at once when the process ended."""
    end = time.monotonic() + timeout_s
    while not happened():
        text = log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
        assert process is None or process.poll() is None, f"it ended\n{text}"
        assert time.monotonic() < end, f"it did not happen within {timeout_s} s\n{text}"
        time.sleep(0.02)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: their driver keeps an event loop, where no other may run."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def recipe_file(line: Any) -> Path:
    """The recipe of the shared line: 256 px pictures of the drawn flange."""
    return Path(line.recipe_path)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of users, one of each role."""
    from ui.security.users import Role, Users

    path = tmp_path_factory.mktemp("people") / "users.json"
    users = Users(path)
    for name, role in PEOPLE.items():
        users.add(name, PASSWORD, Role(role))
    return path


@contextmanager
def stations(
    recipe_file: Path, people: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., AtWork]]:
    """Make and start stations; `top`, `view` and `rest` are lines for the station file."""
    made: list[AtWork] = []

    def make(
        *, top: str = "", view: str = "", rest: str = "", users: bool = True, start: bool = True
    ) -> AtWork:
        folder = tmp_path_factory.mktemp("station")
        text = STATION.format(top=top, view=view, rest=rest)
        (folder / "station.toml").write_text(text, encoding="utf-8")
        (folder / "flange.recipe").write_bytes(recipe_file.read_bytes())
        found = AtWork(folder)
        if users:
            found.page_folder.mkdir(mode=0o700)
            (found.page_folder / "users.json").write_bytes(people.read_bytes())
            (found.page_folder / "users.json").chmod(0o600)
        made.append(found)
        if start:
            found.start_runtime()
            found.start_page()
        return found

    yield make
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def make_station(
    recipe_file: Path, people: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., AtWork]]:
    """Make stations that end with the module: an idle one costs a twentieth of a core."""
    with stations(recipe_file, people, tmp_path_factory) as make:
        yield make


@pytest.fixture(scope="module")
def at_work(make_station: Callable[..., AtWork]) -> Iterator[AtWork]:
    """A station and its page, shared by the tests of one file; parts come by `at_work.trigger()`."""
    found = make_station()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium; its event loop runs on, so it ends with the module that wants none."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"NOT TESTED in a browser: {CHROMIUM} is not there (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


class Opened:
    """Opens pages of a station, and keeps what must not have happened on any of them."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._contexts: list[Any] = []
        self.problems: list[str] = []
        self.allowed: tuple[str, ...] = ()
        """Parts of console messages a test provokes, such as a connection that is refused."""

    def __call__(
        self,
        station: AtWork,
        path: str = "/",
        *,
        user: str | None = None,
        language: str = "en",
        size: tuple[int, int] = FULL_HD,
        wait: str | None = None,
    ) -> Any:
        """Open a page in a browser of its own, signed in; `wait` is a selector to wait for."""
        width, height = size
        context = self._chromium.new_context(viewport={"width": width, "height": height})
        self._contexts.append(context)
        cookies = [{"name": "language", "value": language, "url": station.url}]
        if user is not None:
            with station.client(user) as client:
                cookies += [
                    {"name": cookie.name, "value": cookie.value or "", "url": station.url}
                    for cookie in client.cookies.jar
                ]
        context.add_cookies(cookies)
        page = context.new_page()
        page.on("request", lambda request: self._asked(station, request.url))
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("console", self._said)
        page.on("framenavigated", lambda frame: frame.parent_frame or self._left())
        page.on("download", lambda _: self._left())
        page.goto(station.url + path)
        if wait is not None:
            page.wait_for_selector(wait, timeout=20_000)
        return page

    def close(self) -> None:
        self.allowed += LEFT
        for context in self._contexts:
            context.close()

    def _asked(self, station: AtWork, url: str) -> None:
        parts = urlsplit(url)
        if (
            parts.scheme in ("http", "https", "ws", "wss")
            and parts.netloc != urlsplit(station.url).netloc
        ):
            self.problems.append(f"a request left the host: {url}")

    def _left(self) -> None:
        """A page that is left lost the connections it had open; a link to a file begins as if it were left."""
        self.problems = [each for each in self.problems if not any(t in each for t in LEFT)]

    def _said(self, message: Any) -> None:
        if message.type == "error" and not any(text in message.text for text in self.allowed):
            self.problems.append(f"console: {message.text}")


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Opened]:
    """Open pages; the test fails for a request that left the host, or an error on a page."""
    opened = Opened(chromium)
    yield opened
    opened.close()
    assert opened.problems == []
