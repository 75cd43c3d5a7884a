"""Where a station's page listens and how it is guarded on the way: the options of `inspection ui`."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from inspection.errors import SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAddress:
    """Address, names, and TLS: by certificate and key, by a proxy on this machine, or none.

    Raises SetupError where others would reach the page in the clear and nobody said they may.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    names: tuple[str, ...] = ()
    """Host names people type in the browser."""
    cert: Path | None = None
    key: Path | None = None
    """None: the key is in the certificate's file."""
    proxy: bool = False
    """A proxy on this machine serves TLS; nobody is at the station itself, as far as we can tell."""
    insecure: bool = False

    def __post_init__(self) -> None:
        if self.key is not None and self.cert is None:
            raise SetupError(f"--key {self.key}: the key of no certificate; give --cert too")
        if self.proxy and (self.cert is not None or not self.loopback):
            raise SetupError(
                "--proxy: the proxy serves TLS and reaches the page on this machine; leave out "
                f"{'--cert' if self.cert is not None else '--host'}"
            )
        if self.cert is not None:
            _check_certificate(self.cert, self.key)
        elif not (self.loopback or self.insecure):
            raise SetupError(
                f"--host {self.host}: passwords would cross the network in the clear; give --cert and "
                "--key, put a proxy before the page (--proxy), or take the risk with --insecure"
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def url(self) -> str:
        """Where the page is, by its address."""
        scheme = "http" if self.cert is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/"

    @property
    def warning(self) -> str | None:
        """What must be said of it at every start."""
        if self.loopback or self.cert is not None:
            return None
        return (
            f"WARNING: {self.url} is without TLS: whoever is on the network can read passwords and "
            "act as anybody signed in"
        )

    def words(self) -> list[str]:
        """The options that say all this to another process."""
        words = ["--host", self.host, "--port", str(self.port)]
        for name in self.names:
            words += ["--allow", name]
        for option, path in (("--cert", self.cert), ("--key", self.key)):
            words += [] if path is None else [option, str(path)]
        words += ["--proxy"] if self.proxy else []
        return words + (["--insecure"] if self.insecure else [])


def _check_certificate(cert: Path, key: Path | None) -> None:
    """Refuse a certificate or key that cannot serve. Raises SetupError."""

    def no_password() -> NoReturn:
        raise SetupError(f"--key {key or cert}: is encrypted; give the key without a password")

    for option, path in (("--cert", cert), ("--key", key)):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise SetupError(f"{option} {path}: cannot be read ({error.strerror})") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, no_password)
    except (ssl.SSLError, OSError) as error:
        raise SetupError(
            f"--cert {cert}: no certificate in PEM with the key of {key or 'the same file'} ({error})"
        ) from error
