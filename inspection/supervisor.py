"""`inspection ui`: a station and its page, each a process of its own, and one that watches both.

The station is started first and inspects before the page is there. A page that ends is started
again; a station that ends takes the page with it and gives its exit code. Killed itself, this
process leaves both at work.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from inspection.errors import InspectionError
from inspection.local_api import endpoint_file as runtime_file
from inspection.local_api.endpoint_file import at_work, listens
from inspection.station.station_file import StationFile

READY_S, PAGE_S, STOP_S = 120.0, 60.0, 40.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
STEADY_S = 30.0
WATCH_S = 0.1

Say = Callable[[str], None]


class Supervisor:
    """Keeps a station and its page at work until asked to stop, or the station ends."""

    def __init__(
        self, station: Path, settings: StationFile, *, host: str, port: int, hosts: Sequence[str]
    ) -> None:
        self.station, self.settings = station, settings
        self.host, self.port, self.hosts = host, port, hosts
        self._asked = threading.Event()

    @property
    def url(self) -> str:
        """Where the page is."""
        return _url(self.host, self.port)

    def run(self, *, say: Say, opened: Callable[[str], object] | None = None) -> int:
        """Work until stopped; give the station's exit code. `opened` is called when the page answers."""
        port_must_be_free(self.host, self.port)
        runtime = None if self._at_work() else self._start("inspection", "run", str(self.station))
        if runtime is None:
            say(f"{self.settings.station}: is at work already; the page joins it")
        page = None
        try:
            self._until_ready(runtime)
            page = self._start_page()
            if self._until_page(page):
                say(f"Station page: {self.url}   (Ctrl-C stops the station and the page)")
                if opened is not None:
                    opened(self.url)
            return self._watch(runtime, page, say)
        finally:
            self._end(page)
            self._end(runtime)

    def stop(self) -> None:
        """Stop both; for signal handlers."""
        self._asked.set()

    def _watch(
        self, runtime: subprocess.Popen[bytes] | None, page: subprocess.Popen[bytes], say: Say
    ) -> int:
        pause, began = FIRST_PAUSE_S, time.monotonic()
        while not self._asked.wait(WATCH_S):
            if runtime is not None and runtime.poll() is not None:
                return runtime.returncode
            if page.poll() is None:
                continue
            if time.monotonic() - began > STEADY_S:
                pause = FIRST_PAUSE_S
            say(f"the page ended (exit code {page.returncode}); started again in {pause:g} s")
            if self._asked.wait(pause):
                break
            pause, began = min(2 * pause, LONGEST_PAUSE_S), time.monotonic()
            page = self._start_page()
        self._end(page)
        self._end(runtime)
        return 0 if runtime is None else runtime.returncode

    def _until_ready(self, runtime: subprocess.Popen[bytes] | None) -> None:
        give_up = time.monotonic() + READY_S
        while not self._at_work() and not self._asked.wait(WATCH_S):
            if runtime is not None and runtime.poll() is not None:
                raise InspectionError(f"station file {self.station}: the station did not start")
            if time.monotonic() > give_up:
                if runtime_file.problem(self.settings.page_folder):
                    return  # the station told why it has no page; it inspects, and must not be ended
                raise InspectionError(
                    f"station file {self.station}: not Ready within {READY_S:g} s; see its messages"
                )

    def _until_page(self, page: subprocess.Popen[bytes]) -> bool:
        give_up = time.monotonic() + PAGE_S
        while time.monotonic() < give_up and not self._asked.wait(WATCH_S):
            if page.poll() is not None:
                return False
            if listens(self.host, self.port):
                return True
        return False

    def _at_work(self) -> bool:
        return at_work(self.settings.page_folder) is not None

    def _start_page(self) -> subprocess.Popen[bytes]:
        allow = [word for name in self.hosts for word in ("--allow", name)]
        return self._start(
            "ui", str(self.station), "--host", self.host, "--port", str(self.port), *allow
        )

    def _start(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C comes to us alone, and we end the two in their order.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *words], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _end(self, process: subprocess.Popen[bytes] | None) -> None:
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        if process.poll() is None:
            process.kill()
            process.wait()


def port_must_be_free(host: str, port: int) -> None:
    """Refuse a port somebody listens on. Raises InspectionError."""
    if listens(host, port):
        raise InspectionError(
            f"port {port}: something listens on {host}:{port} already, perhaps "
            f"this station's page ({_url(host, port)}); give another with --port"
        )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
