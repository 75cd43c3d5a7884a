"""Who calls, and whether the request may be what it says: host, origin, size."""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.types import Scope

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
UNSPECIFIED = frozenset({"0.0.0.0", "::", ""})  # noqa: S104
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?", re.ASCII)
SAFE = frozenset({"GET", "HEAD"})
FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
    | {b"x-forwarded-prefix", b"x-forwarded-port", b"x-real-ip", b"x-gradio-server"}
)
"""What only a proxy may say; Gradio would build its own address from it."""


class Refusal(Exception):
    """Somebody does not come in; `reason` is the end of a key of the catalogue."""

    def __init__(self, status: int, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.status, self.reason, self.values = status, reason, values


def check_host(scope: Scope, headers: Headers, hosts: frozenset[str]) -> None:
    """Refuse names that are not ours: another site's name may have been led to our address.

    An address is ours when the connection came to it; nobody can lead it elsewhere.
    """
    given = headers.getlist("host")
    found = HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    if found is None:
        raise Refusal(400, "host", host=", ".join(given)[:100])
    name = found["name"].strip("[]")
    own = (scope.get("server") or ("",))[0]
    if name not in hosts and not (is_address(name) and name == own):
        raise Refusal(421, "host", host=name[:100])


def check_origin(scope: Scope, headers: Headers) -> None:
    """Refuse what another site's page sends in the name of whoever looks at it."""
    given = headers.getlist("origin")
    if given:
        host = re.sub("^https?://", "", given[0].lower())
        if len(given) > 1 or host == given[0].lower() or host != headers["host"].lower():
            raise Refusal(403, "origin", origin=given[0][:100])
        return
    site = headers.get("sec-fetch-site", "none" if "cookie" in headers else "program")
    writes = scope["type"] == "http" and scope["method"] not in SAFE
    if scope["type"] != "http" or (writes and site not in {"same-origin", "program"}):
        raise Refusal(403, "origin", origin="-")


def check_body(headers: Headers, most: int, *, files: bool = False) -> None:
    """Refuse bodies that say they are too large, and forms with files but where a panel takes them."""
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal():
        raise Refusal(400, "path")
    if len(length) > 12 or int(length) > most:
        raise Refusal(413, "size", most=most)
    kind = headers.get("content-type", "").strip().lower()
    if kind.startswith("multipart/") and not files:
        raise Refusal(415, "upload")


def is_local(scope: Scope, headers: Headers) -> bool:
    """Whether the caller sits at the station itself: a loopback address, and no proxy between."""
    address = (scope.get("client") or ("",))[0]
    forwarded = any(name.encode() in FORWARDED for name in headers)
    return not forwarded and is_address(address) and ipaddress.ip_address(address).is_loopback


def is_navigation(scope: Scope, headers: Headers) -> bool:
    """Whether a person opens a page, rather than a page asking for something."""
    return (
        scope["type"] == "http"
        and scope["method"] in SAFE
        and "text/html" in headers.get("accept", "").lower()
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
    )


def is_secure(scope: Scope) -> bool:
    """Whether the page is served over TLS."""
    return scope["scheme"] in {"https", "wss"}


def is_address(name: str) -> bool:
    """Whether this is an address, not a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
