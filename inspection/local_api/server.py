"""How the station page talks to the station: a local port with a token, for one program only.

`GET /live` streams JSON lines; `GET /picture/PART_ID.jpg`, `/heat/PART_ID.png` and
`/camera/VIEW.jpg` give pictures; `POST /VERB` with a JSON object does what `VERBS` lists. The port
and the token are in `runtime.json` in the page's folder, readable by this user only.
"""

from __future__ import annotations

import hmac
import json
import queue
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cameras import CameraError
from inspection.errors import InspectionError, expected
from inspection.judging.encode import encoded_jpeg
from inspection.local_api import endpoint_file as runtime_file
from inspection.local_api.commands import VERBS, StationCommands
from inspection.local_api.part_pictures import heat_png, picture_jpeg
from inspection.outside import Door, Refused, read_json
from inspection.ports.http_server import BoundedHandler, BoundedServer

STATUS_S = 1.0
IDLE_S = 30.0
LARGEST_BODY = 1 << 20
RUNTIME = runtime_file.NAME


class ControlServer:
    """Serves a `StationCommands` on a free port of loopback, and says where in the page's folder."""

    def __init__(
        self,
        control: StationCommands,
        folder: Path,
        *,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.control, self.folder, self._tell = control, folder, tell
        self._lock, self._failed = threading.Lock(), False
        self._door = Door("status for the page")
        self._server: BoundedServer | None = None
        self._over = threading.Event()

    def open(self) -> None:
        """Listen, and write `runtime.json`; where that fails, inspecting goes on and it is tried again."""
        self._listen()
        threading.Thread(target=self._tell_status, name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening; the pages see that the station is gone."""
        self._over.set()
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            with suppress(OSError):
                (self.folder / RUNTIME).unlink(missing_ok=True)
            server.stop()

    def _listen(self) -> None:
        try:
            with self._lock:
                if self._server is None and not self._over.is_set():
                    self._server = self._opened()
        except OSError as error:
            if not self._failed:
                self._tell(f"no station page, inspecting goes on: {error}; tried again each second")
            self._failed = True
        else:
            if self._failed:
                self._tell("the station page can be opened again")
            self._failed = False

    def _opened(self) -> BoundedServer:
        token = secrets.token_urlsafe(32)
        fields = {"control": self.control, "token": token, "over": self._over}
        server = BoundedServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), fields), name="control", idle_s=IDLE_S
        )
        try:
            runtime_file.write(self.folder, port=server.server_port, token=token)
        except OSError:
            server.server_close()
            raise
        server.start()
        return server

    def __enter__(self) -> ControlServer:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell_status(self) -> None:
        while not self._over.is_set():
            self._door.attempt(self._told_once)
            self._over.wait(STATUS_S)

    def _told_once(self) -> None:
        self._listen()
        with suppress(InspectionError):  # the record is out of reach; the next may be told
            self.control.live.tell(self.control.status())


class _Handler(BoundedHandler):
    control: StationCommands
    token: str
    over: threading.Event
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S

    def get(self) -> None:
        """Stream what happens, or give one picture."""
        if not self._allowed():
            return
        with self.at_work():
            self._give()

    def post(self) -> None:
        """Do one verb."""
        if not self._allowed():
            return
        verb = self.path.strip("/")
        if verb not in VERBS:
            self.close_connection = True
            self.answer(HTTPStatus.NOT_FOUND, {"error": f"{verb!r}: allowed: {', '.join(VERBS)}"})
            return
        body = self.body(most=LARGEST_BODY)
        with self.at_work():
            self._do(verb, body)

    def _do(self, verb: str, body: bytes) -> None:
        try:
            fields = read_json(body or b"{}", most_bytes=LARGEST_BODY)
            if not isinstance(fields, dict):
                raise Refused(f"{verb}: a JSON object is wanted, got {type(fields).__name__}")
            found = getattr(self.control, verb)(**fields)
        except Exception as error:  # the page is told, and inspecting goes on
            text = str(error) if expected(error) else f"{type(error).__name__}: {error}"
            self.answer(HTTPStatus.CONFLICT, {"error": " ".join(text.split())})
        else:
            self.answer(HTTPStatus.OK, found)

    def _give(self) -> None:
        if self.path == "/live":
            self._stream()
            return
        kind, _, name = self.path.strip("/").partition("/")
        give = {
            "picture": self._picture,
            "heat": self._heat,
            "camera": self._look,
            "newest": self._newest,
        }.get(kind)
        if give is None:
            self.answer(HTTPStatus.NOT_FOUND, {"error": f"{self.path}: there is no such thing"})
            return
        try:
            data = give(unquote(name).rpartition(".")[0])
        except (InspectionError, CameraError) as error:
            self.answer(HTTPStatus.CONFLICT, {"error": str(error)})
            return
        if data is None:
            self.answer(HTTPStatus.NOT_FOUND, {"error": f"{self.path}: no longer in memory"})
        else:
            kind = "image/jpeg" if data[:2] == b"\xff\xd8" else "image/png"
            self.send(HTTPStatus.OK, data, kind)

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return True
        self.close_connection = True
        self.answer(HTTPStatus.UNAUTHORIZED, {"error": "the token is missing or wrong"})
        return False

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Connection", "close")
        self.end_headers()
        with self.control.live.subscribed() as messages:
            self._line(self.control.status())
            while not self.over.is_set():
                try:
                    message = messages.get(timeout=STATUS_S)
                except queue.Empty:
                    continue
                if message is None:
                    return
                self._line(message)

    def _line(self, message: Mapping[str, Any]) -> None:
        self.wfile.write(json.dumps(message, default=str).encode() + b"\n")

    def _picture(self, part_id: str) -> bytes | None:
        part = self.control.live.latest(part_id)
        return None if part is None else picture_jpeg(part)

    def _heat(self, part_id: str) -> bytes | None:
        part = self.control.live.latest(part_id)
        if part is None or part.record.product is None:
            return None
        recipes = {
            view.name: recipe
            for view in self.control.station.views
            if (recipe := view.recipes.get(part.record.product)) is not None
            and view.name in part.judgements
            and part.judgements[view.name].recipe_id == recipe.id
        }
        return heat_png(part, recipes)

    def _newest(self, view: str) -> bytes | None:
        frame = self.control.live.newest(view)
        return None if frame is None else encoded_jpeg(frame.image)

    def _look(self, view: str) -> bytes | None:
        return encoded_jpeg(self.control.station.camera_service.take(view).image)
