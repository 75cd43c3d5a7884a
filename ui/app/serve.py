"""From a station file to a page that listens."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvicorn

from inspection.errors import SetupError
from inspection.page_address import PageAddress
from inspection.station.station_file import StationFile, read_station
from inspection.store import open_store
from ui.app.bounded_http import BoundedHttp
from ui.app.server import make_app
from ui.core.context import Context
from ui.live.hub import Hub
from ui.live.station_client import StationClient
from ui.security.first_code import FirstCode
from ui.security.sessions import Sessions
from ui.security.users import Users
from ui.words import Words


def serve(station: Path, address: PageAddress) -> None:
    """Serve the page until stopped. Raises InspectionError, StoreError."""
    settings = read_station(station)
    users = Users(settings.page_folder / "users.json")
    if not address.loopback and not users.list():
        raise SetupError(
            f"--host {address.host}: others could reach the page, and nobody has a password yet; "
            "start it on 127.0.0.1 first and make the administrator there"
        )
    first_code = FirstCode(partial(_tell_code, address))
    with context_of(station, settings, users) as context:
        app = make_app(
            context,
            hosts=(address.host, *address.names),
            loopback_only=address.loopback and not address.proxy,
            first_code=first_code,
        )
        config = uvicorn.Config(
            app,
            host=address.host,
            port=address.port,
            ssl_certfile=address.cert,
            ssl_keyfile=address.key,
            proxy_headers=address.proxy,
            forwarded_allow_ips=["127.0.0.1", "::1"],
            http=BoundedHttp,
            log_config=None,  # the process has its own
            access_log=False,
        )
        _Server(config, None if users.list() else first_code.announce).run()


class _Server(uvicorn.Server):
    """Tells the one-time code once it listens: an address that is told is one that answers."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._listening is not None:
            self._listening()


def _tell_code(address: PageAddress, code: str) -> None:
    here = f"{address.url}login"
    print(f"First administrator: {here}   (one-time code {code})", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def context_of(station: Path, settings: StationFile, users: Users) -> Iterator[Context]:
    """Open the record to read, and give what every page is made of."""
    folder = settings.page_folder
    with open_store(settings.record, images=settings.images, read_only=True) as store:
        runtime = StationClient(folder)
        yield Context(
            station_path=station,
            settings=settings,
            store=store,
            runtime=runtime,
            hub=Hub(settings, store, runtime),
            users=users,
            sessions=Sessions(folder / "secret", users),
            words=Words(),
        )
