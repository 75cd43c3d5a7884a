"""A trigger by HTTP: POST /trigger, for programs on the line and for trying things by hand."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from pathlib import Path

from inspection.plant.messages import StationInterface, TriggerRequest
from inspection.plant.part_fields import part_fields
from inspection.plant.triggers import TriggerUnavailable, offer
from inspection.ports.http_server import BoundedHandler, BoundedServer

LARGEST_BODY = 4096


class Http:
    """Answers POST /trigger with 202 and the trigger's id, or 503 when the station is not ready.

    The body is a JSON object that may hold trigger_id, serial, lot, product and process. With `token_file`
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
        self._server: BoundedServer | None = None

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
            self._server = BoundedServer(
                (self.host, self.port), handler, name=f"trigger {self.name}", idle_s=self.timeout_s
            )
        except OSError as error:
            raise TriggerUnavailable(
                f"trigger {self.name}: cannot listen on {self.host}:{self.port}: {error}"
            ) from error
        self._server.start()

    def check(self) -> None:
        """Never raise: no request ends the server, and its thread goes on by itself."""

    def close(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

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


class _TriggerHandler(BoundedHandler):
    station: StationInterface
    token: str

    def post(self) -> None:
        """Take one trigger."""
        allowed = self._allowed()
        body = self.body(most=LARGEST_BODY)
        if self.path != "/trigger":
            self.answer(HTTPStatus.NOT_FOUND, {"error": "only /trigger is here"})
        elif not allowed:
            self.answer(HTTPStatus.UNAUTHORIZED, {"error": "the token is missing or wrong"})
        else:
            fields = part_fields(body, most_bytes=LARGEST_BODY)
            with self.at_work():
                self._trigger(TriggerRequest(source="http", **fields))

    def _trigger(self, request: TriggerRequest) -> None:
        if offer(self.station, request):
            self.answer(HTTPStatus.ACCEPTED, {"trigger_id": request.trigger_id})
        elif (taken := self.station.taken_before(request.trigger_id)) is not None:
            again = {
                "error": taken.sentence,
                "trigger_id": taken.trigger_id,
                "number": taken.number,
            }
            self.answer(HTTPStatus.CONFLICT, again)
        else:
            state = self.station.state
            error = {"error": "the station is not ready", "state": state}
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, error)

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        return not self.token or hmac.compare_digest(
            given.encode("utf-8", "replace"), f"Bearer {self.token}".encode()
        )
