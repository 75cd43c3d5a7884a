"""The devices that camera tests talk to: each SDK's own emulator, and small servers of our own."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from filelock import FileLock

os.environ["PYLON_CAMEMU"] = "1"  # read once, when the library is loaded

with warnings.catch_warnings(), contextlib.suppress(ImportError):
    # Its binary part crashes the interpreter when SWIG's deprecation warnings are made errors.
    warnings.simplefilter("ignore")
    importlib.import_module("pypylon.pylon")

GIGE_LOCK = Path(tempfile.gettempdir()) / "inspection-test-port-3956.lock"


def sdk(name: str, extra: str) -> Any:
    """Import a camera's library, or skip the test and say which extra it needs."""
    return pytest.importorskip(name, reason=f"needs pip install 'inspection[{extra}]'")


@pytest.fixture
def fake_gige() -> Iterator[Callable[..., Any]]:
    """Start GigE Vision cameras on loopback; their port is the machine's, so tests take turns."""
    testing = sdk("viva_genicam.testing", "gige")
    started = []

    def start(**settings: Any) -> Any:
        fake = testing.FakeGigeCamera(**{"width": 64, "height": 48, "fps": 100} | settings)
        fake.start()
        started.append(fake)
        return fake

    with FileLock(GIGE_LOCK, timeout=120):
        yield start
        for fake in started:
            fake.stop()


@pytest.fixture
def aravis() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start GigE Vision cameras of another make, in processes that can be stopped and killed."""
    sdk("viva_genicam", "gige")
    program = shutil.which("arv-fake-gv-camera-0.8")
    if program is None:
        pytest.skip("needs Debian's aravis-tools (arv-fake-gv-camera-0.8)")
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([program, "-i", "127.0.0.1", *words])
        started.append(process)
        for _ in range(50):
            if importlib.import_module("viva_genicam").discover(timeout_ms=100, iface="lo"):
                return process
        raise AssertionError("the fake camera does not answer")

    with FileLock(GIGE_LOCK, timeout=120):
        yield start
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture
def viky() -> str:
    """Give the path of the GenTL producer that comes with the genicam package."""
    sdk("harvesters.core", "gentl")
    file = importlib.import_module("genicam").__file__
    assert file is not None
    return str(Path(file).parent / "viky.cti")


@pytest.fixture
def video_of(tmp_path: Path) -> Callable[[int], Path]:
    """Write a video whose pictures are red and get brighter by 60 from one to the next."""

    def write(n_frames: int) -> Path:
        path = tmp_path / "line.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
        for number in range(n_frames):
            writer.write(red_bgr(60 * (number + 1)))
        writer.release()
        return path

    return write


def red_bgr(value: int) -> Any:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :, 2] = value
    return image


class MjpegServer:
    """A camera with an HTTP MJPEG stream on loopback; `freeze` keeps the line open and silent."""

    def __init__(self) -> None:
        self.frozen, self.dead = threading.Event(), threading.Event()
        self.interval_s = 0.02
        self.sent = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._stream(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the reader went away, which is what the tests make it do

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/video.mjpg"

    def kill(self) -> None:
        """End every stream and refuse new ones."""
        if not self.dead.is_set():
            self.dead.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _stream(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        while not self.dead.is_set():
            if not self.frozen.is_set():
                handler.wfile.write(self._part())
            time.sleep(self.interval_s)

    def _part(self) -> bytes:
        self.sent += 1
        jpeg = cv2.imencode(".jpg", red_bgr(200))[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        return head.encode() + jpeg + b"\r\n"


@pytest.fixture
def mjpeg() -> Iterator[MjpegServer]:
    server = MjpegServer()
    yield server
    server.kill()
