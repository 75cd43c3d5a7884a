"""A real mail server with TLS and sign-in, and a web server that keeps what it is sent."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "station", "a mail password nobody may see"


class Inbox:
    """Takes every mail; `refusing` answers each with an error."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusing = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refusing:
            return "451 try again later"
        self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return "250 taken"


class AnyPort(Controller):
    """Listens on a port the system chooses, and tells which."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@dataclass
class MailServer:
    """What a station is told of it."""

    inbox: Inbox
    port: int
    ca_file: Path
    password_file: Path

    def table(self, **other: object) -> dict[str, Any]:
        found: dict[str, Any] = {
            "host": "localhost", "port": self.port, "tls": "starttls", "user": USER, "sender": "line-1@plant.example",
            "to": "quality@plant.example, night@plant.example", "password_file": str(self.password_file),
            "ca_file": str(self.ca_file),
        }  # fmt: skip
        return found | other


def _signed_in(
    _server: Any, _session: Any, _envelope: Any, mechanism: str, given: Any
) -> AuthResult:
    well = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    repeated = given.password.decode() if isinstance(given, LoginPassword) else ""
    message = None if well else f"535 no: {repeated}"
    return AuthResult(success=well, handled=False, message=message)


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    """It asks for STARTTLS and a password."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(secrets / "ca.pem")
    (secrets / "mail.txt").write_text(PASSWORD + "\n")
    checks = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(checks)
    inbox = Inbox()
    controller = AnyPort(
        inbox, hostname="127.0.0.1", port=0, tls_context=checks, require_starttls=True,
        auth_required=True, authenticator=_signed_in,
    )  # fmt: skip
    controller.start()
    yield MailServer(inbox, controller.port, secrets / "ca.pem", secrets / "mail.txt")
    controller.stop()


@dataclass
class WebServer:
    """Keeps bodies with their headers; answers `status`."""

    url: str = ""
    status: int = 204
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    found = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if found.status < 300:
                found.raw.append(body)
                found.bodies.append(json.loads(body))
                found.headers.append(dict(self.headers))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hooks/T00/a-secret-path"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
