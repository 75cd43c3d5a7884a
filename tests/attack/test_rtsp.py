"""An RTSP camera of Debian's gst-rtsp-server: killed, frozen, and one that answers nonsense."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cameras import CameraError, CameraLost, CameraTimeout, CameraUnavailable
from cameras.opencv import Opencv
from tests.attack.mutate import mutated
from tests.plant.conftest import free_port, wait_until

pytestmark = pytest.mark.slow
PYTHON = "/usr/bin/python3"
SERVER = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer(); server.set_address("127.0.0.1"); server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory(); factory.set_shared(True)
factory.set_launch("( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 "
                   "! videoconvert ! vp8enc deadline=1 ! rtpvp8pay name=pay0 pt=96 )")
server.get_mount_points().add_factory("/line", factory)
server.attach(None)
GLib.MainLoop().run()
"""


class RtspServer:
    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/line"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [PYTHON, "-c", SERVER, str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, "the RTSP server")

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(10)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@pytest.fixture
def rtsp() -> Iterator[RtspServer]:
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    there = shutil.which(PYTHON) and subprocess.run(
        [PYTHON, "-c", probe], capture_output=True, check=False
    )
    if not there or there.returncode:
        pytest.skip(
            "NOT TESTED: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good"
        )
    server = RtspServer()
    server.start()
    yield server
    server.stop()


def test_a_stream_that_is_killed_is_lost_and_comes_back(rtsp: RtspServer, figures: Any) -> None:
    losses = 0
    for how in (signal.SIGKILL, signal.SIGSTOP, signal.SIGKILL):
        camera = Opencv(source=rtsp.url, open_timeout_s=10.0, stall_s=1.0)
        camera.open()
        try:
            frame = camera.read(timeout_s=10.0)
            assert frame.image.shape == (240, 320, 3)
            assert rtsp.process is not None
            rtsp.process.send_signal(how)
            end = time.monotonic() + 30
            with pytest.raises(CameraLost):
                while time.monotonic() < end:
                    with suppress(CameraTimeout):
                        camera.read(timeout_s=1.0)
            losses += 1
        finally:
            camera.close()
        rtsp.stop()
        rtsp.start()
    figures(f"rtsp: {losses} streams killed or frozen, each told as lost, each opened again")


def test_a_server_that_answers_nonsense_is_no_camera(figures: Any) -> None:
    answers = mutated(
        [
            b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n",
            b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: 50\r\n\r\n"
            b"v=0\r\nm=video 0 RTP/AVP 26\r\na=control:stream=0\r\n",
        ],
        200, seed=31,
    )  # fmt: skip
    port, over, sent = free_port(), threading.Event(), []
    listening = socket.create_server(("127.0.0.1", port), backlog=50)
    listening.settimeout(0.2)

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):
                line, _ = listening.accept()
                with line:
                    line.settimeout(0.3)
                    for _ in range(3):
                        if line.recv(4096):
                            sent.append(data := next(answers, b""))
                            line.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        for _ in range(25):
            camera = Opencv(source=f"rtsp://127.0.0.1:{port}/line", open_timeout_s=1.0)
            with pytest.raises(CameraError) as caught:
                camera.open()
                camera.read(timeout_s=0.5)
            assert isinstance(caught.value, CameraUnavailable | CameraLost | CameraTimeout)
            camera.close()
    finally:
        over.set()
        thread.join(10)
        listening.close()
    figures(f"rtsp: {len(sent)} malformed answers in 25 connections, none a camera")
