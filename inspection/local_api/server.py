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
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cameras import CameraError
from inspection.errors import InspectionError, expected
from inspection.judging.judge import load_recipe
from inspection.local_api import endpoint_file as runtime_file
from inspection.local_api import feed
from inspection.local_api.diagnostics import Vitals
from inspection.local_api.feed import Feed
from inspection.plant.outputs.base import Request
from inspection.recipe import open_recipe
from inspection.station.station import Station

STATUS_S = 1.0
LARGEST_BODY = 1 << 20
RUNTIME = runtime_file.NAME


class Control:
    """What the page may ask of a station; each public verb takes and gives plain data."""

    def __init__(self, station: Station, live: Feed) -> None:
        self.station, self.live = station, live
        self._recipes = threading.Lock()
        self.vitals = Vitals(station)

    def trigger(self, *, who: str, serial: str | None = None, lot: str | None = None) -> Any:
        """Trigger one part by hand."""
        request = Request(source=f"page: {who}", serial=serial, lot=lot)
        if not self.station.trigger(request):
            raise InspectionError(f"not triggered: the station is {self.station.state}")
        return {"trigger_id": request.trigger_id}

    def pause(self, *, who: str) -> Any:
        """Pause inspecting; triggers are rejected meanwhile."""
        self.station.pause(paused=True, who=who)
        return self._noted("paused", who)

    def resume(self, *, who: str) -> Any:
        """Go on inspecting."""
        self.station.pause(paused=False)
        return self._noted("resumed", who)

    def product(self, *, who: str, product: str) -> Any:
        """Change over to another product."""
        before = self.station.product
        self.station.change_product(product)
        return self._noted("product_changed", who, {"from": before, "to": product})

    def event(self, *, part_id: str, kind: str, who: str, detail: Mapping[str, Any]) -> Any:
        """Record what a person did about a part, such as a label."""
        done = self.station.store.add_event(part_id, kind, who, detail=detail)
        return {"number": done.number}

    def action(self, *, kind: str, who: str, detail: Mapping[str, Any]) -> Any:
        """Record what a person did that is about no one part."""
        return self._noted(kind, who, detail)

    def recipe(self, *, who: str, path: str) -> Any:
        """Open a recipe file anew, check it on this machine, and judge by it from now on."""
        with self._recipes:  # two at once could end in the wrong order
            recipe = load_recipe(Path(path))
            if open_recipe(Path(path)).id != recipe.id:
                raise InspectionError(
                    f"recipe {path}: the file was exchanged while it was read; put it on the line again"
                )
            products = self.station.put_recipe(Path(path), recipe)
            return self._noted(
                "recipe_on_line", who, {"recipe_id": recipe.id, "file": path, "products": products}
            )

    def take(self, *, who: str, view: str, path: str) -> Any:
        """Take a picture that is no part into a new file; the station must be paused."""
        frame = self.station.adjuster.save(view, Path(path))
        return {"height_px": frame.image.shape[0], "width_px": frame.image.shape[1]}

    def camera(self, *, who: str, view: str, settings: Mapping[str, Any]) -> Any:
        """Open a camera anew with other settings; the station must be paused."""
        applied = self.station.adjuster.change(view, settings)
        self._noted("camera_changed", who, {"view": view, "settings": dict(settings)})
        return {"applied": applied}

    def parity(self, *, who: str) -> Any:
        """Judge the references of the recipes on the line again."""
        found = self.vitals.check_parity()
        self._noted("parity_checked", who, {"recipes": found})
        return {"recipes": found}

    def status(self) -> dict[str, Any]:
        """Say how the station is doing, as the pages show it."""
        return {**status(self.station), **self.vitals.told()}

    def _noted(self, kind: str, who: str, detail: Mapping[str, Any] | None = None) -> Any:
        return {"number": self.station.store.add_action(kind, who, detail=detail or {}).number}


VERBS = (
    "trigger", "pause", "resume", "product", "event", "action", "recipe", "take", "camera", "parity",
)  # fmt: skip


class ControlServer:
    """Serves a `Control` on a free port of loopback, and says where in the page's folder."""

    def __init__(
        self, control: Control, folder: Path, *, tell: Callable[[str], None] = lambda line: None
    ) -> None:
        self.control, self.folder, self._tell = control, folder, tell
        self._lock, self._failed = threading.Lock(), False
        self._server: _Server | None = None
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
            server.shutdown()
            server.server_close()

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

    def _opened(self) -> _Server:
        token = secrets.token_urlsafe(32)
        fields = {"control": self.control, "token": token, "over": self._over}
        server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), fields))
        try:
            runtime_file.write(self.folder, port=server.server_port, token=token)
        except OSError:
            server.server_close()
            raise
        threading.Thread(target=server.serve_forever, name="control", daemon=True).start()
        return server

    def __enter__(self) -> ControlServer:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell_status(self) -> None:
        while not self._over.is_set():
            self._listen()
            with suppress(InspectionError):  # the record is out of reach; the next may be told
                self.control.live.tell(self.control.status())
            self._over.wait(STATUS_S)


def status(station: Station) -> dict[str, Any]:
    """Say how the station is doing, as the pages show it."""
    place = station.store.archive.root
    try:
        disk: dict[str, float] = {"free_gb": shutil.disk_usage(place).free / 1e9}
    except OSError:
        disk = {}
    policy = station.settings.retention
    if policy is not None and policy.free_gb is not None:
        disk["floor_gb"] = policy.free_gb
    states = {view.name: view.camera.state for view in station.views}
    return {
        "type": "status",
        "at_ms": 1e3 * time.time(),
        **station.snapshot(),
        "products": list(station.products),
        "camera_states": states,
        "disk": disk,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that went away is no matter of the station's."""


class _Handler(BaseHTTPRequestHandler):
    control: Control
    token: str
    over: threading.Event
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Stream what happens, or give one picture."""
        if not self._allowed():
            return
        if self.path == "/live":
            self._stream()
            return
        kind, _, name = self.path.strip("/").partition("/")
        give = {"picture": self._picture, "heat": self._heat, "camera": self._look}.get(kind)
        if give is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"{self.path}: there is no such thing"})
            return
        try:
            data = give(unquote(name).rpartition(".")[0])
        except (InspectionError, CameraError) as error:
            self._answer(HTTPStatus.CONFLICT, {"error": str(error)})
            return
        if data is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"{self.path}: no longer in memory"})
        else:
            self._send(
                HTTPStatus.OK, data, "image/jpeg" if data[:2] == b"\xff\xd8" else "image/png"
            )

    def do_POST(self) -> None:
        """Do one verb."""
        if not self._allowed():
            return
        verb = self.path.strip("/")
        length = int(self.headers.get("Content-Length") or 0)
        if verb not in VERBS or length > LARGEST_BODY:
            self.close_connection = True
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"{verb!r}: allowed: {', '.join(VERBS)}"})
            return
        try:
            found = getattr(self.control, verb)(**json.loads(self.rfile.read(length) or b"{}"))
        except Exception as error:  # the page is told, and inspecting goes on
            text = str(error) if expected(error) else f"{type(error).__name__}: {error}"
            self._answer(HTTPStatus.CONFLICT, {"error": " ".join(text.split())})
        else:
            self._answer(HTTPStatus.OK, found)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return True
        self.close_connection = True
        self._answer(HTTPStatus.UNAUTHORIZED, {"error": "the token is missing or wrong"})
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
        return None if part is None else feed.picture_jpeg(part)

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
        return feed.heat_png(part, recipes)

    def _look(self, view: str) -> bytes | None:
        return feed.encoded_jpeg(self.control.station.adjuster.take(view).image)

    def _answer(self, code: HTTPStatus, content: Mapping[str, Any]) -> None:
        self._send(code, json.dumps(content, default=str).encode(), "application/json")

    def _send(self, code: HTTPStatus, data: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
