"""`inspection ui`: a station and its page, each a process of its own, and one that watches both.

The station is started first and inspects before the page is there. Either is started again when it
ends by a fault, and that is told; a station that was asked to stop takes the page with it. Killed
itself, this process leaves both at work.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from inspection.errors import InspectionError
from inspection.local_api import endpoint_file as runtime_file
from inspection.local_api.endpoint_file import at_work, listens
from inspection.page_address import PageAddress
from inspection.station.station_file import StationFile

READY_S, PAGE_S, STOP_S = 120.0, 60.0, 40.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
STEADY_S = 30.0
WATCH_S = 0.1

Say = Callable[[str], None]
_Process = subprocess.Popen[bytes]


class Supervisor:
    """Keeps a station and its page at work until asked to stop, or the station ends."""

    def __init__(self, station: Path, settings: StationFile, address: PageAddress) -> None:
        self.station, self.settings, self.address = station, settings, address
        self._asked = threading.Event()

    def run(self, *, say: Say, opened: Callable[[str], object] | None = None) -> int:
        """Work until stopped; give the station's exit code. `opened` is called when the page answers."""
        port_must_be_free(self.address)
        runtime = None if self._at_work() else self._start_station()
        if runtime is None:
            say(f"{self.settings.station}: is at work already; the page joins it")
        page = None
        try:
            self._until_ready(runtime)
            page = self._start_page()
            if self._until_page(page):
                say(f"Station page: {self.address.url}   (Ctrl-C stops the station and the page)")
                if opened is not None:
                    opened(self.address.url)
            return self._watch(runtime, page, say)
        finally:
            self._end(page)
            self._end(runtime)

    def stop(self) -> None:
        """Stop both; for signal handlers."""
        self._asked.set()

    def _watch(self, runtime: _Process | None, page: _Process, say: Say) -> int:
        kept = [_Kept("the page", page, self._start_page)]
        station = None
        if runtime is not None:
            station = _Kept("the station", runtime, self._start_station)
            kept.append(station)
        try:
            while not self._asked.wait(WATCH_S):
                if station is not None and station.process.poll() == 0:
                    say("the station ended, asked by somebody else; the page ends with it")
                    break
                for each in kept:
                    each.look(say)
        finally:
            for each in kept:
                self._end(each.process)
        return 0 if station is None else _exit_code(station.process)

    def _until_ready(self, runtime: _Process | None) -> None:
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

    def _until_page(self, page: _Process) -> bool:
        give_up = time.monotonic() + PAGE_S
        while time.monotonic() < give_up and not self._asked.wait(WATCH_S):
            if page.poll() is not None:
                return False
            if listens(self.address.host, self.address.port):
                return True
        return False

    def _at_work(self) -> bool:
        return at_work(self.settings.page_folder) is not None

    def _start_station(self) -> _Process:
        return self._start("inspection", "run", str(self.station))

    def _start_page(self) -> _Process:
        return self._start("ui", str(self.station), *self.address.words())

    def _start(self, module: str, *words: str) -> _Process:
        # A session of its own: Ctrl-C comes to us alone, and we end the two in their order.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *words], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _end(self, process: _Process | None) -> None:
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        if process.poll() is None:
            process.kill()
            process.wait()


class _Kept:
    """A process that is started again whenever it ends, after longer and longer pauses."""

    def __init__(self, name: str, process: _Process, start: Callable[[], _Process]) -> None:
        self.name, self.process, self.start = name, process, start
        self._pause_s, self._began_s = FIRST_PAUSE_S, time.monotonic()
        self._due_s: float | None = None

    def look(self, say: Say) -> None:
        """Tell that it ended, once; start it again when it is time."""
        now = time.monotonic()
        if self.process.poll() is None:
            return
        if self._due_s is None:
            if now - self._began_s > STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            say(f"{self.name} ended ({_how(self.process)}); started again in {self._pause_s:g} s")
            self._due_s = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        elif now >= self._due_s:
            self.process, self._began_s, self._due_s = self.start(), now, None


def _how(process: _Process) -> str:
    """How a process ended, for a person."""
    code = process.returncode
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _exit_code(process: _Process) -> int:
    """The exit code as a shell gives it: of a killed process 128 and the signal."""
    code = process.returncode
    return code if code >= 0 else 128 - code


def port_must_be_free(address: PageAddress) -> None:
    """Refuse a port somebody listens on. Raises InspectionError."""
    host, port = address.host, address.port
    if listens(host, port):
        raise InspectionError(
            f"port {port}: something listens on {host}:{port} already, perhaps "
            f"this station's page ({address.url}); give another with --port"
        )
