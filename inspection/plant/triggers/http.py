"""A trigger by HTTP: POST /trigger, for programs on the line and for trying things by hand."""

from __future__ import annotations

import hmac
import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from inspection.plant.messages import StationInterface, TriggerRequest
from inspection.plant.triggers import TriggerUnavailable, offer

LARGEST_BODY = 4096
FIELDS = ("trigger_id", "serial", "lot", "product")


class Http:
    """Answers POST /trigger with 202 and the trigger's id, or 503 when the station is not ready.

    The body is a JSON object that may hold trigger_id, serial, lot and product. With `token_file`
    a caller must send `Authorization: Bearer TOKEN`.
    """

    name = "http"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8790,
        token_file: Path | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self.host, self.port, self.token_file = host, port, token_file
        self.timeout_s = timeout_s
        self._server: _TriggerServer | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Nothing is needed."""
        return None

    def open(self, station: StationInterface) -> None:
        """Listen. Raises TriggerUnavailable when the port is taken or the token cannot be read."""
        token = self._token()
        handler = type(
            "Handler",
            (_TriggerHandler,),
            {"station": station, "token": token, "timeout": self.timeout_s},
        )
        try:
            self._server = _TriggerServer((self.host, self.port), handler)
        except OSError as error:
            raise TriggerUnavailable(
                f"trigger {self.name}: cannot listen on {self.host}:{self.port}: {error}"
            ) from error
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="trigger http")
        self._thread.daemon = True
        self._thread.start()

    def check(self) -> None:
        """Raise TriggerUnavailable if the server ended by itself or failed at a request."""
        if self._server is None:
            return
        failure = self._server.failure or ("" if self._thread.is_alive() else "its server ended")
        if failure:
            raise TriggerUnavailable(f"trigger {self.name}: {failure}; restart the station")

    def close(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            self._thread.join(self.timeout_s)

    def _token(self) -> str:
        if not self.token_file:
            return ""
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise TriggerUnavailable(f"trigger {self.name}: {error}") from error
        if not token:
            raise TriggerUnavailable(f"trigger {self.name}: token_file {self.token_file} is empty")
        return token


class _TriggerServer(ThreadingHTTPServer):
    daemon_threads = True
    failure = ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a handler's failure for `check`, print nothing; a caller that went away is none."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.failure = f"{type(error).__name__}: {error}"


class _TriggerHandler(BaseHTTPRequestHandler):
    station: StationInterface
    token: str
    server_version, sys_version = "inspection", ""

    def do_POST(self) -> None:
        """Take one trigger."""
        body = self._body()
        if body is None:
            return
        if self.path != "/trigger":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "only /trigger is here"})
        elif not self._allowed():
            self._answer(HTTPStatus.UNAUTHORIZED, {"error": "the token is missing or wrong"})
        elif (fields := _part_fields(body)) is None:
            allowed = ", ".join(FIELDS)
            self._answer(
                HTTPStatus.BAD_REQUEST, {"error": f"not a JSON object of texts: {allowed}"}
            )
        else:
            self._trigger(TriggerRequest(source="http", **fields))

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def _trigger(self, request: TriggerRequest) -> None:
        if offer(self.station, request):
            self._answer(HTTPStatus.ACCEPTED, {"trigger_id": request.trigger_id})
        else:
            state = self.station.state
            error = {"error": "the station is not ready", "state": state}
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, error)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            error = {"error": f"a body has at most {LARGEST_BODY} bytes and says its length"}
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)
            return None
        return self.rfile.read(int(length))

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        return not self.token or hmac.compare_digest(
            given.encode("utf-8", "replace"), f"Bearer {self.token}".encode()
        )

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _part_fields(body: bytes) -> dict[str, Any] | None:
    """Read what is known of the part: a JSON object of texts, or an empty body."""
    try:
        fields = json.loads(body) if body.strip() else {}
    except ValueError:
        return None
    if not isinstance(fields, dict) or set(fields) - set(FIELDS):
        return None
    fields = {name: value for name, value in fields.items() if value is not None}
    return fields if all(isinstance(value, str) and value for value in fields.values()) else None
