"""Paths of the page: one spelling each, and the role that each one needs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import unquote

from ui.security.users import Role

LONGEST = 4096
OPEN = frozenset({"/login", "/logout", "/language", "/oidc/start", "/oidc/callback"})
OPEN_FOLDERS = ("/static/", "/words/")
API = "/api/"
API_OPERATOR, API_ENGINEER = "/api/operator/", "/api/engineer/"

GRADIO = "gradio_api"
# Pages of one gr.HTML have no events: Gradio 6.31 asks for nothing here, and what is asked by hand ends
# in tracebacks (queue/join) or files of others (file=, upload). Panels, made of its components, need these;
# `app_id` is what a panel asks whose stream broke, until it is answered.
PANEL_DOORS = re.compile(
    r"queue/(join|data)|upload|upload_progress|startup-events|cancel|reset|heartbeat/\w+|file=/[^:]*|app_id"
)
GRADIO_BLOCKED = frozenset(
    {"monitoring", "docs", "redoc", "openapi.json", "mcp", "gradio_mcp", "dev", "svelte", "runs"}
    | {"login", "logout", "deep_link"}
)
KIB, MIB = 2**10, 2**20


def normalise(path: str) -> str:
    """The one spelling of a path that the server has percent-decoded once.

    Backslashes become slashes, empty and dot segments go. Raises ValueError for a path that is
    encoded twice, leaves the root, is no UTF-8, or holds control characters.
    """
    path = path.replace("\\", "/")
    if not path.startswith("/") or len(path) > LONGEST:
        raise ValueError("not an absolute path")
    if re.search("%[0-9a-fA-F]{2}", path) or any(map(_strange, path)):
        raise ValueError("encoded twice, or not text")
    kept: list[str] = []
    *segments, last = path.split("/")[1:]
    for segment in [*segments, last]:
        if segment == "..":
            if not kept:
                raise ValueError("above the root")
            kept.pop()
        elif segment.strip(" .") or not segment:
            kept += [segment] if segment else []
        elif segment != ".":
            raise ValueError("dots and blanks")
    folder = "/" if last in {"", ".", ".."} and kept else ""
    return f"/{'/'.join(kept)}{folder}"


def role_for(path: str) -> Role | None:
    """The role that a normalised path needs; None: open to everybody.

    Whatever opens must match to the letter; whatever closes matches in any case.
    """
    if path in OPEN or path.startswith(OPEN_FOLDERS):
        return None
    low = path.casefold()
    if low.startswith("/admin"):
        return Role.ADMINISTRATOR
    if low.startswith("/engineer") or path.startswith(API_ENGINEER):
        return Role.ENGINEER
    if low.startswith(API) and not path.startswith(API_OPERATOR):
        return Role.ADMINISTRATOR
    return Role.OPERATOR


def blocked(path: str, panels: Collection[str] = ()) -> bool:
    """Whether a normalised path is one of Gradio's that no page needs, on any mount.

    `panels` are the paths of the pages made of Gradio's components.
    """
    segments = path.casefold().strip("/").split("/")
    if GRADIO in segments:
        return panel_door(path, panels) is None
    if path in OPEN or path.startswith(OPEN_FOLDERS) or path.startswith(API):
        return False
    return not GRADIO_BLOCKED.isdisjoint(segments)


def panel_door(path: str, panels: Collection[str]) -> str | None:
    """What a panel asks of Gradio by a normalised path; None for all else, in any other spelling."""
    mount, found, door = path.partition(f"/{GRADIO}/")
    known = found and mount in panels and PANEL_DOORS.fullmatch(door)
    return door if known else None


def takes_uploads(path: str, panels: Collection[str] = ()) -> bool:
    """Whether a body may be files: at one door of the panels of engineers and administrators."""
    theirs = role_for(path) in {Role.ENGINEER, Role.ADMINISTRATOR}
    return theirs and panel_door(path, panels) == "upload"


def most_bytes(path: str, *, upload_bytes: int, panels: Collection[str] = ()) -> int:
    """The largest body taken at a path."""
    if takes_uploads(path, panels):
        return upload_bytes
    role = role_for(path)
    if role is None:
        return 16 * KIB
    return 256 * KIB if role is Role.OPERATOR else 16 * MIB


def local(target: str) -> str:
    """A path of our own to go to after a form; "/" for anything else."""
    strange = "\\" in target or any(map(_strange, target)) or len(target) > LONGEST
    if strange or not target.startswith("/") or target.startswith("//"):
        return "/"
    try:
        path = normalise(unquote(target.partition("?")[0].partition("#")[0]))
    except ValueError:
        return "/"
    return "/" if path in OPEN - {"/login"} else target


def _strange(letter: str) -> bool:
    return letter == "\ufffd" or unicodedata.category(letter) in {"Cc", "Cs"}
